/*
 * How a request says which client it comes from: parameters of the form, the Authorization header,
 * the certificate of the connection. For the endpoints of clients: token, revoke,
 * pushed_authorize.
 */
#ifndef API_CLIENT_PROOF_H
#define API_CLIENT_PROOF_H

#include "api/request.h"
#include "api/spec.h"
#include "core/oauth/client_auth.h"

/* A member of the route's values struct… */
struct client_proof_values {
	const char *client_id, *client_secret, *assertion_type, *assertion;
};

/* …and the rows of its spec: CLIENT_PROOF_FIELDS(offsetof(struct x_values, proof)) */
#define CLIENT_PROOF_FIELD(parameter, fault, base, member)                                    \
	{                                                                                     \
		.name = (parameter), .type = SPEC_TEXT, .wrong = (fault), .invalid = (fault), \
		.offset = (base) + offsetof(struct client_proof_values, member)               \
	}
#define CLIENT_PROOF_FIELDS(base)                                                              \
	{.name = "client_id",                                                                  \
		.type = SPEC_TEXT,                                                             \
		.line = true,                                                                  \
		.wrong = RC_CLIENT_ID_MISSING,                                                 \
		.invalid = RC_CLIENT_ID_INVALID,                                               \
		.offset = (base) + offsetof(struct client_proof_values, client_id)},           \
		CLIENT_PROOF_FIELD(                                                            \
			"client_secret", RC_CLIENT_SECRET_INVALID, base, client_secret),       \
		CLIENT_PROOF_FIELD("client_assertion_type", RC_CLIENT_ASSERTION_INVALID, base, \
			assertion_type),                                                       \
		CLIENT_PROOF_FIELD(                                                            \
			"client_assertion", RC_CLIENT_ASSERTION_INVALID, base, assertion)

/* Before a handler looks at anything else: RC_CLIENT_ID_MISSING if nothing says which client it
 * is. */
must_check rc_t client_proof_check(
	const struct request *request, const struct client_proof_values *values);

/*
 * Authenticates the client. If it proved itself `then` runs, on the loop, after this has returned,
 * with request->call.who set, request->call.version its csc_version, and request->values still
 * there; `client` is valid until `then` returns. Otherwise the request is answered here.
 */
typedef void (*client_proof_fn)(struct request *request, const struct client_known *client);
void client_proof_authenticate(
	struct request *request, const struct client_proof_values *values, client_proof_fn then);

#endif
