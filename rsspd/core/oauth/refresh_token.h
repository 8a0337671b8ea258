/*
 * Refresh tokens of scope service: texts of secret_text.h, stored by the commit that gives them
 * (REFRESH_TOKEN_INSERT of store/refresh_token.h); 30 days; used once and replaced. One that comes
 * again was stolen, or its thief was first: then all that its consent gave ends (RFC 9700 §4.14).
 */
#ifndef CORE_REFRESH_TOKEN_H
#define CORE_REFRESH_TOKEN_H

#include "base/secret.h"
#include "core/oauth/client_auth.h"
#include "core/oauth/token.h"

#define REFRESH_TOKEN_LIFETIME_S (30 * INT64_C(86400))

/*
 * grant_type refresh_token: an access token and the next refresh token, in exchange for this one.
 * `client` was authenticated. Faults: RC_REFRESH_TOKEN_INVALID (unknown, another client's, used
 * before, revoked, the subscriber disabled), RC_REFRESH_TOKEN_EXPIRED, RC_UNAVAILABLE.
 */
void core_refresh_token_use(struct core *core, struct call *call, const struct client_known *client,
	struct span token, core_token_fn done, void *arg);

#endif
