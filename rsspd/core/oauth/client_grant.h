/* OAuth 2.0 client_credentials (RFC 6749 §4.4): a token by which a client acts for itself. */
#ifndef CORE_CLIENT_GRANT_H
#define CORE_CLIENT_GRANT_H

#include "core/oauth/client_auth.h"
#include "core/oauth/token.h"

/*
 * For a client that has just proved itself; `client` is needed until this returns. The commit that
 * writes it down asks again whether the client is still as it was. Faults: RC_GRANT_NOT_ALLOWED (a
 * public client), RC_CLIENT_SECRET_INVALID (changed or disabled meanwhile), RC_UNAVAILABLE.
 */
void core_client_grant(struct core *core, struct call *call, const struct client_known *client,
	core_token_fn done, void *arg);

#endif
