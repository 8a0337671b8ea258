#include "api/client_proof.h"

#include "api/params.h"
#include "api/routes.h"

#include <stdlib.h>
#include <strings.h>

/* A request that waits for its client to be known. */
struct proof_op {
	struct request *request;
	client_proof_fn then;
};

/* A bearer that some libraries add to every request says nothing here; any other scheme is Basic or
 * refused. */
static bool has_basic(const struct request *request)
{
	const char *authorization = request->message->authorization;

	return authorization != NULL && strncasecmp(authorization, "Bearer ", 7) != 0;
}

rc_t client_proof_check(const struct request *request, const struct client_proof_values *values)
{
	bool named = values->client_id != NULL && values->client_id[0] != 0;

	return named || has_basic(request) || values->assertion != NULL ? RC_OK
									: RC_CLIENT_ID_MISSING;
}

static void on_client(void *arg, const struct fault *fault, const struct client_known *client)
{
	struct proof_op op = *(struct proof_op *)arg;

	free(arg);
	if (fault->rc != RC_OK) {
		request_fault(op.request, fault);
		return;
	}
	op.request->call.version = client->csc_version == 1 ? RC_CSC_V1 : RC_CSC_V2;
	op.then(op.request, client);
}

static rc_t basic_read(const struct request *request, const struct client_proof_values *values,
	struct secret *id, struct secret *password)
{
	rc_t rc = params_read_basic(request->message->authorization, id, password);

	if (rc != RC_OK)
		return rc;
	if (values->client_secret != NULL || values->assertion != NULL ||
		values->assertion_type != NULL)
		return RC_MALFORMED;
	if (values->client_id != NULL &&
		!secret_equal(span_string(values->client_id), secret_span(id)))
		return RC_CLIENT_ID_INVALID;
	return RC_OK;
}

static struct span span_given(const char *text)
{
	return text == NULL ? SPAN_NONE : span_string(text);
}

static rc_t endpoint_of(const struct request *request, struct buf *url, const char **text)
{
	rc_t rc = buf_printf(url, "%s%s", request->settings->public_url, request->route->path);

	return rc == RC_OK ? buf_string(url, text) : rc;
}

void client_proof_authenticate(
	struct request *request, const struct client_proof_values *values, client_proof_fn then)
{
	struct secret id = SECRET_INIT, password = SECRET_INIT;
	struct buf url = BUF_INIT;
	struct client_proof proof = {
		.id = span_given(values->client_id),
		.secret = span_given(values->client_secret),
		.assertion_type = span_given(values->assertion_type),
		.assertion = span_given(values->assertion),
		.basic = has_basic(request),
	};
	struct proof_op *op = calloc(1, sizeof(*op));
	rc_t rc = op == NULL ? RC_NO_MEMORY : client_proof_check(request, values);

	if (rc == RC_OK)
		rc = endpoint_of(request, &url, &proof.endpoint);
	if (rc == RC_OK && proof.basic) {
		rc = basic_read(request, values, &id, &password);
		proof.id = secret_span(&id);
		proof.secret = secret_span(&password);
	}
	if (rc == RC_OK) {
		*op = (struct proof_op){request, then};
		core_client_authenticate(request->core, &request->call, &proof, on_client, op);
	} else {
		free(op);
		request_refuse(request, rc);
	}
	buf_free(&url);
	secret_free(&id);
	secret_free(&password);
}
