/*
 * Access tokens of scope service: JWTs (RFC 9068), signed with ES256 under a key that the SAMs
 * derive for each day and nobody stores; what a token says is not stored either. Which tokens ended
 * before their time every daemon hears from PostgreSQL at once (token_revocation.c).
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
	/* When the commit that gave it saw client, subscriber and consent as they are (and locked
	 * them): clock_timestamp() of that statement. What shuts one of them out comes before it,
	 * and then the commit did not happen, or after it, and then ends this token, too: both by
	 * the database's clock. 0: now, by ours; for a token that nothing is revoked against. */
	int64_t issued_ms;
};

/* Has a SAM given today's key? To be asked before the commit. */
bool core_token_ready(const struct core *core);
/* At once. RC_UNAVAILABLE: no key. `text` is replaced. */
must_check rc_t core_token_make(struct core *core, const struct token_terms *terms,
	struct secret *text, int64_t *expires_in_s);

/*
 * A bearer: a JWT, or a SAD (sad_bearer.h). Sets call->who. Microseconds for a token that was
 * seen before. Faults: RC_TOKEN_INVALID (also one that is bound to another connection's
 * certificate), RC_TOKEN_EXPIRED (also revoked), RC_STORE_DOWN (what was revoked is not known).
 */
void core_token_authenticate(
	struct core *core, struct call *call, struct span token, core_done_fn done, void *arg);

/* The same at once, for a JWT that needs nothing from the store. false: core_token_authenticate(),
 * nothing was decided. */
bool core_token_recognise(struct core *core, struct call *call, struct span token, rc_t *rc);

/*
 * RFC 7009; CSC 1.0.4, auth/revoke and oauth2/revoke: by call->who, a client, or what a token of a
 * subscriber stands for. An access token: it alone. A refresh token: all that its consent gave. A
 * SAD: it alone. The kind is seen by the token's form, a hint is not needed.
 * RC_OK also for one that is unknown or has ended already. RC_REVOKED_INVALID: nothing that
 * we could have made, or another's. Durable and audited when it calls back.
 */
void core_token_revoke(
	struct core *core, struct call *call, struct span token, core_done_fn done, void *arg);

/* A commit of ours may have ended tokens: until all that it notified has been heard, every token is
 * asked for. So the answer that tells of the commit is followed by no use of what it ended. */
void core_tokens_doubt(struct core *core);

/* The public keys that tokens are verified with now: a JWK Set (RFC 7517), JSON text, appended.
 * RC_UNAVAILABLE. */
must_check rc_t core_token_keys(const struct core *core, struct buf *json);

#endif
