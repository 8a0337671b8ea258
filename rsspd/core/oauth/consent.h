/*
 * The page between an application's request and its answer: what is asked, by whom; approved with
 * the signer's PIN and OTP, or declined. The request belongs to nobody until somebody who is signed
 * in approves it. An approval of scope credential goes the way of credentials/authorize
 * (core/sad.h) and ends in one commit: SAD, code, consent, and the request approved.
 */
#ifndef CORE_CONSENT_H
#define CORE_CONSENT_H

#include "base/secret.h"
#include "core/oauth/authorization.h"
#include "core/credential.h"

enum consent_state { CONSENT_PENDING, CONSENT_APPROVED, CONSENT_DECLINED, CONSENT_EXPIRED };

struct consent_view {
	enum consent_state state;
	const char *client; /* its name */
	const char *agency; /* its agency's, from the lowest level up */
	const char *name;   /* the subscriber's who is signed in; "" nobody is */
	const struct authorization *asked;
	int64_t expires_in_s;
	/* Only of the subscriber who is signed in (call->who), and only those that the client's
	 * agency sees: the one that the request names, or all. */
	const struct credential_view *credentials;
	size_t credential_count;
	bool other_expected; /* the application said that it has somebody else before it */
};
typedef void (*core_consent_fn)(
	void *arg, const struct fault *fault, const struct consent_view *view);
/* RC_CONSENT_EXPIRED: no such request, or not any more. */
void core_consent_load(
	struct core *core, struct call *call, struct span handle, core_consent_fn done, void *arg);

/* Where the browser goes back to; the address may carry a code. */
typedef void (*core_redirect_fn)(
	void *arg, const struct fault *fault, const struct secret *location);

struct consent_approval {
	struct span handle;
	struct id credential; /* zero: the one that the request names */
	struct span pin, otp; /* data NULL: not given */
	const char *issuer;   /* RFC 9207 */
};
/* call->who is a subscriber. RC_CONSENT_EXPIRED; RC_CONSENT_DONE (approved or declined, perhaps in
 * another window); RC_CREDENTIAL_ID_MISSING (several may be meant), RC_CREDENTIAL_ID_INVALID (not
 * this subscriber's, or not the client's to see), RC_APPLICATION_FOREIGN; otherwise as
 * core_authorize(). */
void core_consent_approve(struct core *core, struct call *call,
	const struct consent_approval *approval, core_redirect_fn done, void *arg);
/* By anybody who has the handle. RC_CONSENT_EXPIRED, RC_CONSENT_DONE. */
void core_consent_decline(struct core *core, struct call *call, struct span handle,
	const char *issuer, core_redirect_fn done, void *arg);

#endif
