/*
 * The subscriber's own account: signing in, and what is seen and changed by who is signed in. A
 * password opens these pages and nothing else: no operation here makes or widens a SAD, and each
 * change takes a factor of a credential besides (its OTP; its PIN where it has no OTP), counted as
 * in credentials/authorize.
 */
#ifndef CORE_ACCOUNT_H
#define CORE_ACCOUNT_H

#include "base/secret.h"
#include "core/call.h"

/* Signing in: identity number or official e-mail. RC_SIGN_IN_REFUSED whatever was wrong;
 * RC_TOO_MANY with retry_after_s. What is answered, and what is done for it, does not tell whether
 * there is such a person. */
struct sign_in_view {
	const char *name;
	const struct secret *cookie; /* the new session's */
	int64_t lasts_s;	     /* at most */
};
typedef void (*core_sign_in_fn)(
	void *arg, const struct fault *fault, const struct sign_in_view *signed_in);
void core_sign_in(struct core *core, struct call *call, struct span login, struct span password,
	core_sign_in_fn done, void *arg);

/* What follows is done by a session: call->who is a PRINCIPAL_SUBSCRIBER. */

struct account_credential {
	struct id id;
	const char *status; /* "enabled", "disabled", "locked", "expired", "revoked" */
	const char *key, *factors;
	int64_t valid_from_ms, valid_to_ms;
	struct span certificate; /* DER */
};
typedef void (*core_account_credentials_fn)(void *arg, const struct fault *fault,
	const struct account_credential *credentials, size_t count);
void core_account_credentials(
	struct core *core, struct call *call, core_account_credentials_fn done, void *arg);

/* The last signatures, newest first, from the audit. */
#define ACCOUNT_PAGE 20
#define ACCOUNT_CURSOR 64
struct account_signature {
	int64_t at_ms;
	const char *client; /* its name */
	const char *agency; /* its agency's, from the lowest level up */
	struct id credential;
	int64_t count;
	const char *labels; /* JSON array of texts; "" when the approval named none */
};
/* `next`: where the page behind this one begins; "" there is none. */
typedef void (*core_account_signatures_fn)(void *arg, const struct fault *fault,
	const struct account_signature *signatures, size_t count, const char *next);
/* before: a `next` of an earlier answer, or NULL. RC_PARAMETER_INVALID: it is none. */
void core_account_signatures(struct core *core, struct call *call, const char *before,
	core_account_signatures_fn done, void *arg);

/* A factor of a credential. data NULL: not given. */
struct account_factors {
	struct id credential;
	struct span pin, otp;
};
/* Faults as in credentials/authorize, with the tries that are left; RC_PIN_WEAK. */
void core_account_change_pin(struct core *core, struct call *call,
	const struct account_factors *factors, struct span new_pin, core_done_fn done, void *arg);
/* Ends the subscriber's other sessions. RC_PASSWORD_WRONG, RC_PASSWORD_WEAK. */
void core_account_change_password(struct core *core, struct call *call, struct span cookie,
	const struct account_factors *factors, struct span password, struct span new_password,
	core_done_fn done, void *arg);
/* Ends all sessions, refresh tokens and access tokens of the subscriber. */
void core_account_sign_out_everywhere(struct core *core, struct call *call,
	const struct account_factors *factors, core_done_fn done, void *arg);

#endif
