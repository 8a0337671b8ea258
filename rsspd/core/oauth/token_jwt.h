/*
 * An access token's text: a JWT (RFC 9068) in compact form (RFC 7515), ES256 only. Nobody but us
 * makes them or reads them: a header other than the one that we write, or a claim that is missing
 * or not of the form that we write, is none of ours.
 */
#ifndef CORE_TOKEN_JWT_H
#define CORE_TOKEN_JWT_H

#include "base/secret.h"
#include "core/call.h"

#include <jansson.h>

#define TOKEN_JWT_MAX 2048
#define TOKEN_SKEW_MS 60000 /* clocks of daemons may be so far apart */

struct token_claims {
	struct id jti; /* version 7: when it was issued, by the database's clock */
	struct id client, agency;
	enum client_mode mode;
	struct id subscriber, consent; /* zero: none */
	bool bound;
	uint8_t tls_sha256[SHA256_LEN];
	int64_t issued_ms, expires_ms; /* iat, exp: whole seconds */
};

/* The key of one day; its kid is the epoch in decimal. */
struct token_key;
/* A private key as the SAM gives it: TOKEN_KEY_LEN bytes. */
must_check rc_t token_key_new(uint64_t epoch, struct span scalar, struct token_key **key);
void token_key_free(struct token_key **key);
uint64_t token_key_epoch(const struct token_key *key);
/* The public half (RFC 7517). NULL without memory. */
json_t *token_key_jwk(const struct token_key *key);

/* Whose tokens: `iss`; `aud` is that and "/csc". */
must_check rc_t token_jwt_make(const struct token_key *key, const char *issuer,
	const struct token_claims *claims, struct secret *text);

/*
 * Algorithm, type and key id are compared with ours before anything else is looked at, the
 * signature is verified before a claim is read. RC_TOKEN_EXPIRED: late, or of a key that is no
 * longer in use (older than all of `keys`, which may have holes); RC_UNAVAILABLE: of a key that is
 * missing among them; RC_TOKEN_INVALID for all else.
 */
must_check rc_t token_jwt_read(struct token_key *const *keys, size_t count, const char *issuer,
	struct span text, int64_t now_ms, struct token_claims *claims);

/* The same for the claims alone, whose signature was verified: JSON text. RC_TOKEN_INVALID,
 * RC_TOKEN_EXPIRED. */
must_check rc_t token_claims_read(
	struct span json, const char *issuer, int64_t now_ms, struct token_claims *claims);

#endif
