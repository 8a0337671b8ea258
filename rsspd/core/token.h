/*
 * Access tokens of scope service: JWTs (RFC 9068), signed with ES256 under a key that the SAMs
 * derive for each day and nobody stores; what a token says is not stored either. Which tokens ended
 * before their time every daemon hears from PostgreSQL at once (core/token_revocation.c).
 */
#ifndef CORE_TOKEN_H
#define CORE_TOKEN_H

#include "base/secret.h"
#include "core/call.h"

#define TOKEN_LIFETIME_S 3600

struct token_issued {
	const struct secret *token;
	int64_t expires_in_s;
	const struct secret *refresh; /* the next refresh token; NULL: none */
	struct id consent;	      /* zero: none */
};

typedef void (*core_token_fn)(
	void *arg, const struct fault *fault, const struct token_issued *issued);

/* What a token is to say. */
struct token_terms {
	struct id client, agency;
	enum client_mode mode;
	struct id subscriber, consent; /* zero: the client acts for itself */
	bool bound; /* good only on a connection with that certificate (RFC 8705) */
	uint8_t tls_sha256[SHA256_LEN];
};

/*
 * At once. RC_UNAVAILABLE: no SAM has given today's key yet. Who was proved before the token was
 * made may have been shut out since: make it first, and then, in the commit that writes the answer
 * down, ask again whether client (subscriber, consent) are still as they were. What is revoked from
 * then on ends this token too.
 */
must_check rc_t core_token_make(struct core *core, const struct token_terms *terms,
	struct secret *text, int64_t *expires_in_s);

/* OAuth 2.0 client_credentials (RFC 6749 §4.4) of a client that has a secret. An unknown client and
 * a wrong secret take the same time. Faults: RC_CLIENT_ID_INVALID, RC_CLIENT_SECRET_INVALID (also
 * for a disabled client), RC_UNAVAILABLE. */
void core_token_issue(struct core *core, struct call *call, const char *client_id,
	struct span client_secret, core_token_fn done, void *arg);

/*
 * A bearer: a JWT, or a SAD (core/sad_bearer.h). Sets call->who. Microseconds for a token that was
 * seen before. Faults: RC_TOKEN_INVALID (also one that is bound to another connection's
 * certificate), RC_TOKEN_EXPIRED (also revoked), RC_STORE_DOWN (what was revoked is not known).
 */
void core_token_authenticate(
	struct core *core, struct call *call, struct span token, core_done_fn done, void *arg);

/* Until tokens are JWTs: who, from an earlier request with this token. */
bool core_token_recall(struct core *core, struct call *call, struct span token);
void core_token_confirm(struct core *core, struct call *call, core_done_fn done, void *arg);

/*
 * RFC 7009; CSC 1.0.4, auth/revoke and oauth2/revoke: by call->who, a client, or what a token of a
 * subscriber stands for. An access token: it alone. A refresh token: all that its consent gave. A
 * SAD: it alone. The kind is seen by the token's form, a hint is not needed.
 * RC_OK also for one that is unknown or has ended already. RC_TOKEN_PARAMETER_INVALID: nothing that
 * we could have made, or another's. Durable and audited when it calls back.
 */
void core_token_revoke(
	struct core *core, struct call *call, struct span token, core_done_fn done, void *arg);

/* The public keys that tokens are verified with now: a JWK Set (RFC 7517), JSON text, appended.
 * RC_UNAVAILABLE. */
must_check rc_t core_token_keys(const struct core *core, struct buf *json);

#endif
