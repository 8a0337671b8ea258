/* The token endpoint: client_credentials only (RFC 6749 §4.4; CSC 1.0.4, oauth2/token). */
#include "api/handlers.h"
#include "api/json.h"
#include "api/params.h"
#include "core/token.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

struct token_values {
	const char *grant_type, *client_id, *client_secret, *scope, *assertion;
};

#define TOKEN(member) offsetof(struct token_values, member)
static const struct spec_field token_fields[] = {
	{.name = "client_id",
		.type = SPEC_TEXT,
		.line = true,
		.wrong = RC_CLIENT_ID_MISSING,
		.invalid = RC_CLIENT_ID_INVALID,
		.offset = TOKEN(client_id)},
	{.name = "grant_type",
		.type = SPEC_TEXT,
		.line = true,
		.wrong = RC_GRANT_TYPE_MISSING,
		.invalid = RC_GRANT_TYPE_INVALID,
		.offset = TOKEN(grant_type)},
	{.name = "client_secret",
		.type = SPEC_TEXT,
		.wrong = RC_CLIENT_SECRET_INVALID,
		.invalid = RC_CLIENT_SECRET_INVALID,
		.offset = TOKEN(client_secret)},
	{.name = "scope",
		.type = SPEC_TEXT,
		.wrong = RC_SCOPE_INVALID,
		.invalid = RC_SCOPE_INVALID,
		.offset = TOKEN(scope)},
	{.name = "client_assertion",
		.type = SPEC_TEXT,
		.wrong = RC_CLIENT_AUTH_REQUIRED,
		.invalid = RC_CLIENT_AUTH_REQUIRED,
		.offset = TOKEN(assertion)},
};
const struct spec oauth2_token_spec = SPEC(token_fields, struct token_values);

static void on_token(void *arg, const struct fault *fault, const struct token_issued *issued)
{
	struct request *request = arg;

	if (fault->rc != RC_OK) {
		request_fault(request, fault);
		return;
	}
	json_t *body = json_object();
	json_put(&body, "access_token", json_span(secret_span(issued->token)));
	json_put(&body, "token_type", json_string("Bearer"));
	json_put(&body, "expires_in", json_integer(issued->expires_in_s));
	request_reply(request, body);
}

/* Who the client says it is, and its proof: in the header or in the body, never in both. */
struct client_proof {
	struct secret id, secret;
};

static rc_t proof_from_header(const struct request *request, struct client_proof *proof)
{
	const struct token_values *values = request->values;
	rc_t rc = params_read_basic(request->message->authorization, &proof->id, &proof->secret);

	if (rc != RC_OK)
		return rc;
	if (values->client_secret != NULL)
		return RC_MALFORMED;
	if (values->client_id != NULL &&
		!secret_equal(span_string(values->client_id), secret_span(&proof->id)))
		return RC_CLIENT_ID_INVALID;
	return RC_OK;
}

static rc_t proof_from_body(const struct token_values *values, struct client_proof *proof)
{
	rc_t rc = secret_set(&proof->id, span_string(values->client_id));

	if (rc == RC_OK && values->client_secret != NULL)
		rc = secret_set(&proof->secret, span_string(values->client_secret));
	return rc;
}

/* RFC 6749 §3.2 and the error table of CSC 1.0.4, oauth2/token, in its order. */
static rc_t check_request(const struct request *request, bool basic)
{
	const struct token_values *values = request->values;

	if (!basic && (values->client_id == NULL || values->client_id[0] == 0))
		return RC_CLIENT_ID_MISSING;
	if (values->grant_type == NULL || values->grant_type[0] == 0)
		return RC_GRANT_TYPE_MISSING;
	if (strcmp(values->grant_type, "client_credentials") != 0)
		return RC_GRANT_TYPE_INVALID;
	if (values->scope != NULL && values->scope[0] != 0 && strcmp(values->scope, "service") != 0)
		return RC_SCOPE_INVALID;
	if (!basic && values->client_secret == NULL)
		return RC_CLIENT_AUTH_REQUIRED;
	return RC_OK;
}

/* A bearer that some libraries add to every request says nothing here; any other scheme is refused.
 */
static bool has_basic(const char *authorization)
{
	return authorization != NULL && strncasecmp(authorization, "Bearer ", 7) != 0;
}

void oauth2_token(struct request *request)
{
	struct client_proof proof = {0};
	const char *client_id = NULL;
	bool basic = has_basic(request->message->authorization);
	rc_t rc = check_request(request, basic);

	if (rc == RC_OK)
		rc = basic ? proof_from_header(request, &proof)
			   : proof_from_body(request->values, &proof);
	if (rc == RC_OK)
		rc = buf_string(&proof.id.bytes, &client_id);
	if (rc == RC_OK)
		core_token_issue(request->core, &request->call, client_id,
			secret_span(&proof.secret), on_token, request);
	else
		request_refuse(request, rc);
	secret_free(&proof.id);
	secret_free(&proof.secret);
}
