/*
 * Refresh tokens of scope service: 256 random bits, of which the store has the SHA-256; 30 days;
 * used once and replaced. One that comes again was stolen, or its thief was first: then all that
 * its consent gave ends (RFC 9700 §4.14).
 */
#ifndef CORE_REFRESH_TOKEN_H
#define CORE_REFRESH_TOKEN_H

#include "base/secret.h"
#include "core/client_auth.h"
#include "core/token.h"

#define REFRESH_TOKEN_LIFETIME_S (30 * INT64_C(86400))

/* A fresh one and what is stored of it, by the commit that gives it: REFRESH_TOKEN_INSERT of
 * store/refresh_token.h, with an end REFRESH_TOKEN_LIFETIME_S from now. */
must_check rc_t core_refresh_token_make(struct secret *text, uint8_t sha256[SHA256_LEN]);

/* Could that be one? */
bool core_refresh_token_is_formed(struct span token);

/*
 * grant_type refresh_token: an access token and the next refresh token, in exchange for this one.
 * `client` was authenticated. Faults: RC_REFRESH_TOKEN_INVALID (unknown, another client's, used
 * before, revoked, the subscriber disabled), RC_REFRESH_TOKEN_EXPIRED, RC_UNAVAILABLE.
 */
void core_refresh_token_use(struct core *core, struct call *call, const struct client_known *client,
	struct span token, core_token_fn done, void *arg);

#endif
