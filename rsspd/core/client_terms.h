/*
 * What a client may be registered as: the operator's request checked and brought into the form that
 * the store keeps. Seen by core/client.c only.
 */
#ifndef CORE_CLIENT_TERMS_H
#define CORE_CLIENT_TERMS_H

#include "core/operation.h"
#include "store/client.h"

#define CLIENT_REDIRECTS_MAX 10
#define CLIENT_REDIRECT_MAX 1024 /* bytes: an address that carries code and state besides */

struct client_terms {
	struct client_new
		fresh; /* without id and secret; points to the request and to what follows */
	struct buf redirect_uris, jwks;
	uint8_t tls_sha256[SHA256_LEN];
	char text[320]; /* why it was refused: the error list's words and what they are about */
};

/* RC_PARAMETER_MISSING, RC_PARAMETER_INVALID, RC_REDIRECT_URI_REFUSED, RC_JWKS_INVALID,
 * RC_CLIENT_CERTIFICATE_REFUSED, each with its text. `terms` zeroed; to be freed in any case. */
must_check rc_t client_terms_check(
	const struct client_add_request *request, struct client_terms *terms);
/* The same for a change: `request` has mode and authentication of the client, and of the rest what
 * is to be replaced; terms->fresh has no more than that. */
must_check rc_t client_terms_check_change(
	const struct client_add_request *request, struct client_terms *terms);
void client_terms_free(struct client_terms *terms);

/* RFC 9700 §2.1, RFC 8252 §7.3: https, or http to this machine alone; ASCII as RFC 3986 has it. */
bool client_redirect_is_good(struct span uri);

#endif
