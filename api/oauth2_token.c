/* The token endpoint (RFC 6749 §3.2; CSC 1.0.4 and 2.0.0.2, oauth2/token). */
#include "api/client_proof.h"
#include "api/handlers.h"
#include "api/json.h"
#include "core/client_grant.h"

#include <stddef.h>
#include <string.h>

struct token_values {
	struct client_proof_values proof;
	const char *grant_type, *scope;
};

#define TOKEN(member) offsetof(struct token_values, member)
static const struct spec_field token_fields[] = {
	CLIENT_PROOF_FIELDS(TOKEN(proof)),
	{.name = "grant_type",
		.type = SPEC_TEXT,
		.line = true,
		.wrong = RC_GRANT_TYPE_MISSING,
		.invalid = RC_GRANT_TYPE_INVALID,
		.offset = TOKEN(grant_type)},
	{.name = "scope",
		.type = SPEC_TEXT,
		.wrong = RC_SCOPE_INVALID,
		.invalid = RC_SCOPE_INVALID,
		.offset = TOKEN(scope)},
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

/* RFC 6749 §3.2 and the error table of CSC 1.0.4, oauth2/token, in its order. */
static rc_t check_request(const struct request *request)
{
	const struct token_values *values = request->values;
	rc_t rc = client_proof_check(request, &values->proof);

	if (rc != RC_OK)
		return rc;
	if (values->grant_type == NULL || values->grant_type[0] == 0)
		return RC_GRANT_TYPE_MISSING;
	if (strcmp(values->grant_type, "client_credentials") != 0)
		return RC_GRANT_TYPE_INVALID;
	if (values->scope != NULL && values->scope[0] != 0 && strcmp(values->scope, "service") != 0)
		return RC_SCOPE_INVALID;
	return RC_OK;
}

static void grant(struct request *request, const struct client_known *client)
{
	core_client_grant(request->core, &request->call, client, on_token, request);
}

void oauth2_token(struct request *request)
{
	const struct token_values *values = request->values;
	rc_t rc = check_request(request);

	if (rc == RC_OK)
		client_proof_authenticate(request, &values->proof, grant);
	else
		request_refuse(request, rc);
}
