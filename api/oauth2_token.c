/* The token endpoint (RFC 6749 §3.2; CSC 1.0.4 and 2.0.0.2, oauth2/token). */
#include "api/client_proof.h"
#include "api/handlers.h"
#include "api/json.h"
#include "core/oauth/client_grant.h"
#include "core/oauth/code.h"
#include "core/oauth/refresh_token.h"

#include <stddef.h>
#include <string.h>

struct token_values {
	struct client_proof_values proof;
	const char *grant_type, *scope, *code, *redirect_uri, *verifier, *details, *refresh_token,
		*client_data;
};

#define TOKEN(member) offsetof(struct token_values, member)
#define FIELD(text, fault, member)                                                       \
	{                                                                                \
		.name = (text), .type = SPEC_TEXT, .wrong = (fault), .invalid = (fault), \
		.offset = TOKEN(member)                                                  \
	}
static const struct spec_field token_fields[] = {
	CLIENT_PROOF_FIELDS(TOKEN(proof)),
	{.name = "grant_type",
		.type = SPEC_TEXT,
		.line = true,
		.wrong = RC_GRANT_TYPE_MISSING,
		.invalid = RC_GRANT_TYPE_INVALID,
		.offset = TOKEN(grant_type)},
	FIELD("scope", RC_SCOPE_INVALID, scope),
	FIELD("code", RC_CODE_MALFORMED, code),
	FIELD("redirect_uri", RC_REDIRECT_URI_MISMATCH, redirect_uri),
	FIELD("code_verifier", RC_CODE_VERIFIER_INVALID, verifier),
	FIELD("authorization_details", RC_DETAILS_MISMATCH, details),
	FIELD("refresh_token", RC_REFRESH_TOKEN_INVALID, refresh_token),
	FIELD("clientData", RC_CLIENT_DATA_INVALID, client_data),
};
const struct spec oauth2_token_spec = SPEC(token_fields, struct token_values);

static bool is_there(const char *text)
{
	return text != NULL && text[0] != 0;
}

/* ---- answers ---- */

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
	if (issued->refresh != NULL)
		json_put(&body, "refresh_token", json_span(secret_span(issued->refresh)));
	request_reply(request, body);
}

/* A token of scope credential is a SAD, and version 1 says so. */
static void on_redeemed(void *arg, const struct fault *fault, const struct code_granted *granted)
{
	struct request *request = arg;

	if (fault->rc != RC_OK) {
		request_fault(request, fault);
		return;
	}
	bool sad = granted->credential_scope && request->call.version == RC_CSC_V1;
	json_t *body = json_object();
	json_put(&body, "access_token", json_span(secret_span(granted->access_token)));
	json_put(&body, "token_type", json_string(sad ? "SAD" : "Bearer"));
	json_put(&body, "expires_in", json_integer((json_int_t)granted->expires_in_s));
	json_put(&body, "scope", json_string(granted->credential_scope ? "credential" : "service"));
	if (granted->refresh_token != NULL)
		json_put(&body, "refresh_token", json_span(secret_span(granted->refresh_token)));
	if (granted->credential_scope)
		json_put(&body, "credentialID", json_id(&granted->credential));
	if (granted->details != NULL)
		json_put(&body, "authorization_details", json_deep_copy(granted->details));
	request_reply(request, body);
}

/* ---- grants ---- */

static rc_t check_service(const struct token_values *values)
{
	bool service = !is_there(values->scope) || strcmp(values->scope, "service") == 0;

	return service ? RC_OK : RC_SCOPE_INVALID;
}

static void grant_client(struct request *request, const struct client_known *client)
{
	core_client_grant(request->core, &request->call, client, on_token, request);
}

static rc_t check_code(const struct token_values *values)
{
	return is_there(values->code) ? RC_OK : RC_CODE_MISSING;
}

static void grant_code(struct request *request, const struct client_known *client)
{
	const struct token_values *values = request->values;
	const struct code_redemption redemption = {
		span_string(values->code), values->redirect_uri, values->verifier, values->details};

	core_code_redeem(request->core, &request->call, client, &redemption, on_redeemed, request);
}

static rc_t check_refresh(const struct token_values *values)
{
	return is_there(values->refresh_token) ? check_service(values) : RC_REFRESH_TOKEN_MISSING;
}

static void grant_refresh(struct request *request, const struct client_known *client)
{
	const struct token_values *values = request->values;

	core_refresh_token_use(request->core, &request->call, client,
		span_string(values->refresh_token), on_token, request);
}

static const struct grant {
	const char *type;
	rc_t (*check)(const struct token_values *values); /* before anybody is asked who he is */
	client_proof_fn give;
} grants[] = {
	{"authorization_code", check_code, grant_code},
	{"refresh_token", check_refresh, grant_refresh},
	{"client_credentials", check_service, grant_client},
};

static const struct grant *grant_find(const char *type)
{
	for (size_t i = 0; i < sizeof(grants) / sizeof(grants[0]); i++) {
		if (strcmp(grants[i].type, type) == 0)
			return &grants[i];
	}
	return NULL;
}

/* RFC 6749 §3.2 and the error table of CSC 1.0.4, oauth2/token, in its order. */
static rc_t check_request(const struct request *request, const struct grant **grant)
{
	const struct token_values *values = request->values;
	rc_t rc = client_proof_check(request, &values->proof);

	if (rc != RC_OK)
		return rc;
	if (!is_there(values->grant_type))
		return RC_GRANT_TYPE_MISSING;
	*grant = grant_find(values->grant_type);
	return *grant == NULL ? RC_GRANT_TYPE_INVALID : (*grant)->check(values);
}

void oauth2_token(struct request *request)
{
	const struct token_values *values = request->values;
	const struct grant *grant = NULL;
	rc_t rc = check_request(request, &grant);

	if (rc == RC_OK)
		client_proof_authenticate(request, &values->proof, grant->give);
	else
		request_refuse(request, rc);
}
