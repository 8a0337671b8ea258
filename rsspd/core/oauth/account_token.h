/*
 * account_token of oauth2/authorize (CSC 1.0.4, 8.3.2; 2.0.0.2, 8.4.2): a JWT by which a client
 * that has a secret says which subscriber is before it. It is a hint for the page and nothing more:
 * it signs nobody in and is no reason to show anybody's data.
 */
#ifndef CORE_ACCOUNT_TOKEN_H
#define CORE_ACCOUNT_TOKEN_H

#include "core/oauth/client_auth.h"

/* `iat` may lie so far back. */
#define ACCOUNT_TOKEN_MAX_AGE_S 300

/* `subscriber`: whom `sub` names; whether there is such a one was not asked. */
typedef void (*core_hint_fn)(void *arg, const struct fault *fault, const struct id *subscriber);

/* HS256 under SHA-256(client_secret); azp the client, sub a userID, iat recent, jti used once.
 * RC_ACCOUNT_TOKEN_INVALID otherwise, also for a client without a secret. `client` and `token` are
 * needed until this returns. */
void core_account_token_read(struct core *core, struct call *call,
	const struct client_known *client, struct span token, core_hint_fn done, void *arg);

#endif
