/* Clients' access tokens: opaque, 256 random bits; the store knows only their SHA-256. */
#ifndef CORE_TOKEN_H
#define CORE_TOKEN_H

#include "base/secret.h"
#include "core/call.h"

struct token_issued {
	const struct secret *token; /* base64url text */
	int64_t expires_in_s;
};

typedef void (*core_token_fn)(
	void *arg, const struct fault *fault, const struct token_issued *issued);

/* OAuth 2.0 client_credentials (RFC 6749 §4.4). An unknown client and a wrong secret take the same
 * time. Faults: RC_CLIENT_ID_INVALID, RC_CLIENT_SECRET_INVALID (also for a disabled client). */
void core_token_issue(struct core *core, struct call *call, const char *client_id,
	struct span client_secret, core_token_fn done, void *arg);

/* Sets call->who. Faults: RC_TOKEN_INVALID, RC_TOKEN_EXPIRED. */
void core_token_authenticate(
	struct core *core, struct call *call, struct span token, core_done_fn done, void *arg);

/*
 * Sets call->who and call->recalled if this token was good lately, without asking the store. Only
 * for an operation that either has its commit ask for the token (call->token_sha256) or calls
 * core_token_confirm() before it answers.
 */
bool core_token_recall(struct core *core, struct call *call, struct span token);
/* core_token_authenticate() for a token that was recalled. */
void core_token_confirm(struct core *core, struct call *call, core_done_fn done, void *arg);

#endif
