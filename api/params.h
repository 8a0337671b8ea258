/*
 * What a request carries, read into one JSON object: a JSON body, a form, or a query. And the
 * credentials in the Authorization header.
 */
#ifndef API_PARAMS_H
#define API_PARAMS_H

#include "base/secret.h"

#include <jansson.h>

/* An object and nothing else; empty (or only blanks): {}. RC_BODY_NOT_JSON, also for a member that
 * stands twice, a NUL in a text, or nesting deeper than any request needs. */
must_check rc_t params_read_json(struct span body, json_t **params);

/* application/x-www-form-urlencoded, UTF-8 (WHATWG URL §5.1): an object of strings. RC_MALFORMED,
 * also for a name that comes twice (RFC 6749 §3.2). */
must_check rc_t params_read_form(struct span form, json_t **params);

/* "Bearer b64token" (RFC 6750 §2.1): the token, inside the header. RC_BEARER_MALFORMED. */
must_check rc_t params_read_bearer(const char *authorization, struct span *token);

/* "Basic …" (RFC 7617) with both parts form-encoded (RFC 6749 §2.3.1). RC_CLIENT_AUTH_HEADER. */
must_check rc_t params_read_basic(
	const char *authorization, struct secret *name, struct secret *password);

#endif
