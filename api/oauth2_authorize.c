/*
 * The authorisation endpoint (RFC 6749 §4.1.1; CSC 1.0.4, 2.0.0.2, oauth2/authorize) and the one
 * where requests are pushed beforehand (RFC 9126). A fault goes back to the application by redirect
 * if, and only if, the address is registered for it; otherwise the browser is shown a page.
 */
#include "api/client_proof.h"
#include "api/handlers.h"
#include "api/json.h"
#include "api/pages.h"
#include "api/params.h"
#include "core/oauth/authorization.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct authorize_values {
	struct client_proof_values proof;
	struct authorization_asked asked;
	const char *request_uri, *client_data;
};

#define AUTHORIZE(member) offsetof(struct authorize_values, member)
#define FIELD(text, fault, member)                                                       \
	{                                                                                \
		.name = (text), .type = SPEC_TEXT, .wrong = (fault), .invalid = (fault), \
		.offset = AUTHORIZE(member)                                              \
	}
static const struct spec_field authorize_fields[] = {
	CLIENT_PROOF_FIELDS(AUTHORIZE(proof)),
	FIELD("response_type", RC_RESPONSE_TYPE_INVALID, asked.response_type),
	FIELD("redirect_uri", RC_REDIRECT_URI_INVALID, asked.redirect_uri),
	FIELD("scope", RC_SCOPE_INVALID, asked.scope),
	FIELD("state", RC_STATE_INVALID, asked.state),
	FIELD("code_challenge", RC_CODE_CHALLENGE_INVALID, asked.challenge),
	FIELD("code_challenge_method", RC_CODE_CHALLENGE_INVALID, asked.challenge_method),
	FIELD("credentialID", RC_CREDENTIAL_ID_INVALID, asked.credential),
	FIELD("signatureQualifier", RC_QUALIFIER_INVALID, asked.qualifier),
	FIELD("numSignatures", RC_NUM_SIGNATURES_MISSING, asked.signatures),
	{.name = "hashes",
		.alias = "hash",
		.type = SPEC_TEXT,
		.wrong = RC_HASH_MISSING,
		.invalid = RC_HASH_MISSING,
		.contradiction = RC_HASH_CONTRADICTION,
		.offset = AUTHORIZE(asked.hashes)},
	FIELD("hashAlgorithmOID", RC_HASH_ALGO_INVALID, asked.hash_algo),
	FIELD("authorization_details", RC_DETAILS_INVALID, asked.details),
	FIELD("description", RC_DESCRIPTION_INVALID, asked.description),
	FIELD("account_token", RC_ACCOUNT_TOKEN_INVALID, asked.account_token),
	FIELD("lang", RC_LANG_INVALID, asked.lang),
	FIELD("clientData", RC_CLIENT_DATA_INVALID, client_data),
	FIELD("response_mode", RC_RESPONSE_MODE_INVALID, asked.response_mode),
	FIELD("request", RC_REQUEST_OBJECT_REFUSED, asked.request),
	FIELD("request_uri", RC_REQUEST_URI_INVALID, request_uri),
};
const struct spec oauth2_push_spec = SPEC(authorize_fields, struct authorize_values);

/* ---- answers ---- */

static rc_t text_of(struct buf *buf, rc_t rc, const char **text)
{
	return rc == RC_OK ? buf_string(buf, text) : rc;
}

/* `iss` against mix-up (RFC 9207). */
static void redirect_fault(
	struct request *request, const struct fault *fault, const struct authorization_begun *begun)
{
	struct buf location = BUF_INIT;
	const char *address = NULL;
	const char *text = fault->text;
	bool ours = rc_status(fault->rc) < 500 || rc_status(fault->rc) == 503;
	rc_t told = ours ? fault->rc : RC_INTERNAL;

	if (text == NULL || told != fault->rc)
		text = rc_text(told, request->call.version);
	const struct uri_parameter parameters[] = {
		{"error", rc_error(told)},
		{"error_description", text},
		{"state", begun->state},
		{"iss", request->settings->public_url},
	};
	rc_t rc = authorization_location(&location, begun->redirect_uri, parameters,
		sizeof(parameters) / sizeof(parameters[0]));
	rc = text_of(&location, rc, &address);
	if (rc == RC_OK)
		request_fault_redirect(request, fault, address);
	else
		request_refuse(request, rc);
	buf_free(&location);
}

static const char *lang_known(const char *lang)
{
	if (lang == NULL)
		return NULL;
	return strncasecmp(lang, "en", 2) == 0 ? "en" : "vi";
}

static void on_begun(void *arg, const struct fault *fault, const struct authorization_begun *begun)
{
	struct request *request = arg;
	struct buf location = BUF_INIT;
	const char *address = NULL, *handle = NULL;
	struct buf copy = BUF_INIT;

	if (fault->rc != RC_OK) {
		if (begun->redirect_uri != NULL)
			redirect_fault(request, fault, begun);
		else
			pages_problem(request, fault);
		return;
	}
	rc_t rc = buf_append_span(&copy, secret_span(begun->handle));
	rc = text_of(&copy, rc, &handle);
	if (rc == RC_OK)
		rc = buf_printf(&location, "%s/consent", request->settings->public_url);
	rc = text_of(&location, rc, &address);
	const struct uri_parameter parameters[] = {
		{"request", handle}, {"lang", lang_known(begun->lang)}};
	struct buf whole = BUF_INIT;
	if (rc == RC_OK)
		rc = authorization_location(&whole, address, parameters, 2);
	rc = text_of(&whole, rc, &address);
	if (rc == RC_OK)
		request_redirect(request, address);
	else
		request_refuse(request, rc);
	buf_free(&whole);
	buf_free(&location);
	buf_free(&copy);
}

/* ---- GET oauth2/authorize ---- */

/* The query is read here and not by the router: whatever is wrong with it, a person sees it. */
struct authorize_op {
	struct request *request;
	struct authorize_values values;
};

static void authorize_problem(struct authorize_op *op, rc_t rc)
{
	struct request *request = op->request;
	struct fault fault = {.rc = rc};

	free(op);
	pages_problem(request, &fault);
}

/* Beside request_uri only what does not say what is asked (RFC 9126 §4). */
static bool is_alone(const struct authorization_asked *asked)
{
	struct authorization_asked rest = *asked;
	static const struct authorization_asked none;

	rest.lang = NULL;
	return memcmp(&rest, &none, sizeof(rest)) == 0;
}

static void on_client(void *arg, const struct fault *fault, const struct client_known *client)
{
	struct authorize_op *op = arg;
	struct request *request = op->request;
	const struct authorize_values *values = &op->values;

	if (fault->rc != RC_OK) {
		authorize_problem(op, fault->rc);
		return;
	}
	request->call.version = client->csc_version == 1 ? RC_CSC_V1 : RC_CSC_V2;
	if (values->request_uri == NULL)
		core_authorization_begin(request->core, &request->call, client, &values->asked,
			false, on_begun, request);
	else if (is_alone(&values->asked))
		core_authorization_resume(request->core, &request->call, client,
			values->request_uri, on_begun, request);
	else
		pages_problem(request, &(struct fault){.rc = RC_REQUEST_URI_MIXED});
	free(op);
}

static rc_t authorize_read(struct request *request, struct authorize_values *values)
{
	const char *name = "";

	rc_t rc = params_read_form(span_string(request->message->query), &request->params);
	if (rc == RC_OK)
		rc = spec_read(&oauth2_push_spec, request->params, true, values, &name);
	if (rc == RC_OK && values->asked.lang != NULL)
		request->call.lang =
			strcmp(lang_known(values->asked.lang), "en") == 0 ? LANG_EN : LANG_VI;
	if (rc == RC_OK && (values->proof.client_id == NULL || values->proof.client_id[0] == 0))
		rc = RC_CLIENT_ID_MISSING;
	return rc;
}

void oauth2_authorize(struct request *request)
{
	struct authorize_op *op = calloc(1, sizeof(*op));

	if (op == NULL) {
		request_refuse(request, RC_NO_MEMORY);
		return;
	}
	op->request = request;
	rc_t rc = authorize_read(request, &op->values);
	if (rc == RC_OK)
		core_client_find(request->core, &request->call,
			span_string(op->values.proof.client_id), on_client, op);
	else
		authorize_problem(op, rc);
}

/* ---- POST oauth2/pushed_authorize ---- */

static void on_pushed(void *arg, const struct fault *fault, const struct authorization_begun *begun)
{
	struct request *request = arg;
	struct buf uri = BUF_INIT;

	if (fault->rc != RC_OK) {
		request_fault(request, fault);
		return;
	}
	json_t *body = json_object();
	rc_t rc = buf_append_string(&uri, REQUEST_URI_PREFIX);
	if (rc == RC_OK)
		rc = buf_append_span(&uri, secret_span(begun->handle));
	json_put(&body, "request_uri", rc == RC_OK ? json_span(buf_span(&uri)) : NULL);
	json_put(&body, "expires_in", json_integer((json_int_t)begun->expires_in_s));
	request_reply_status(request, 201, body);
	buf_free(&uri);
}

static void push(struct request *request, const struct client_known *client)
{
	const struct authorize_values *values = request->values;

	if (values->request_uri != NULL)
		request_refuse(request, RC_REQUEST_URI_MIXED);
	else
		core_authorization_begin(request->core, &request->call, client, &values->asked,
			true, on_pushed, request);
}

void oauth2_push(struct request *request)
{
	const struct authorize_values *values = request->values;

	client_proof_authenticate(request, &values->proof, push);
}
