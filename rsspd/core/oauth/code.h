/*
 * Authorization codes (RFC 6749 §4.1.2): a text of secret_text.h, good for one use and one minute.
 * The SAD that a code stands for is sealed under a key that only the code gives: what the database
 * holds opens nothing.
 */
#ifndef CORE_CODE_H
#define CORE_CODE_H

#include "base/secret.h"
#include "core/oauth/client_auth.h"

#define CODE_LIFETIME_S 60

/* AES-256-GCM under HKDF-SHA256(code, consent). A code seals once. */
must_check rc_t code_seal(
	struct buf *seal, struct span code, const struct id *consent, struct span sad);
/* RC_SEAL_BROKEN. */
must_check rc_t code_open(
	struct secret *sad, struct span code, const struct id *consent, struct span seal);
/* Is the challenge (RFC 7636, S256) this verifier's? NULL: it is not. */
bool code_verifier_fits(const char *verifier, const uint8_t challenge[SHA256_LEN]);

struct code_redemption {
	struct span code;
	const char *redirect_uri, *verifier, *details; /* NULL: not there */
};
struct code_granted {
	const struct secret *access_token, *refresh_token; /* refresh_token NULL: none */
	bool credential_scope;
	int64_t expires_in_s;
	struct id credential;  /* zero: scope service */
	const json_t *details; /* what was granted (RFC 9396 §7); NULL: asked without */
};
typedef void (*core_code_fn)(
	void *arg, const struct fault *fault, const struct code_granted *granted);

/*
 * The code for what it stands for, once. Faults, in this order: RC_CODE_MALFORMED; RC_CODE_INVALID
 * (unknown, another client's); RC_REDIRECT_URI_MISMATCH; RC_CODE_VERIFIER_INVALID;
 * RC_DETAILS_MISMATCH; RC_CODE_INVALID (late, used, revoked); nothing is spent by any. A used code
 * that comes again with all of that right revokes what it gave: consent, tokens, SAD. `client` and
 * the redemption are needed until this returns.
 */
void core_code_redeem(struct core *core, struct call *call, const struct client_known *client,
	const struct code_redemption *redemption, core_code_fn done, void *arg);

#endif
