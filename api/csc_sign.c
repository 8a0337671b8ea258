#include "api/csc.h"

#include "api/csc_certificate.h"
#include "api/handlers.h"
#include "api/json.h"
#include "base/base64.h"
#include "core/sign.h"

#include <stddef.h>

struct sign_values {
	struct id credential;
	const char *sad, *sign_algo, *hash_algo, *params, *client_data;
	const json_t *hash;
	int mode;
};

static const char *const operation_modes[] = {"S", NULL}; /* synchronous only */

/* Types are judged in this order; what is missing, by sign_missing(). */
#define SIGN(member) offsetof(struct sign_values, member)
static const struct spec_field sign_fields[] = {
	{.name = "credentialID",
		.type = SPEC_ID,
		.required = true,
		.wrong = RC_CREDENTIAL_ID_MISSING,
		.invalid = RC_CREDENTIAL_ID_INVALID,
		.offset = SIGN(credential)},
	{.name = "SAD",
		.type = SPEC_TEXT,
		.wrong = RC_SAD_MISSING,
		.invalid = RC_SAD_INVALID,
		.offset = SIGN(sad)},
	{.name = "hash",
		.alias = "hashes",
		.type = SPEC_ARRAY,
		.wrong = RC_HASH_MISSING,
		.invalid = RC_HASH_MISSING,
		.contradiction = RC_HASH_CONTRADICTION,
		.offset = SIGN(hash)},
	{.name = "signAlgo",
		.type = SPEC_TEXT,
		.wrong = RC_SIGN_ALGO_MISSING,
		.invalid = RC_SIGN_ALGO_INVALID,
		.offset = SIGN(sign_algo)},
	{.name = "signAlgoParams",
		.type = SPEC_TEXT,
		.wrong = RC_SIGN_ALGO_PARAMS_MISSING,
		.invalid = RC_SIGN_ALGO_PARAMS_INVALID,
		.offset = SIGN(params)},
	{.name = "hashAlgorithmOID",
		.alias = "hashAlgo",
		.type = SPEC_TEXT,
		.wrong = RC_HASH_ALGO_MISSING,
		.invalid = RC_HASH_ALGO_INVALID,
		.contradiction = RC_HASH_ALGO_INVALID,
		.offset = SIGN(hash_algo)},
	{.name = "operationMode",
		.type = SPEC_CHOICE,
		.wrong = RC_OPERATION_MODE_INVALID,
		.invalid = RC_OPERATION_MODE_INVALID,
		.offset = SIGN(mode),
		.choices = operation_modes},
	{.name = "clientData",
		.type = SPEC_TEXT,
		.wrong = RC_CLIENT_DATA_INVALID,
		.invalid = RC_CLIENT_DATA_INVALID,
		.offset = SIGN(client_data)},
};
const struct spec csc_sign_hash_spec = SPEC(sign_fields, struct sign_values);

/* v1 names the certificate that has expired (CSC 1.0.4, signatures/signHash). */
static void on_expired(void *arg, const struct fault *fault, const struct credential_views *views)
{
	struct request *request = arg;
	struct certificate_facts facts = {0};
	struct fault expired = {.rc = RC_CERTIFICATE_EXPIRED};
	struct buf text = BUF_INIT;
	const char *words = NULL;

	if (fault->rc == RC_OK && certificate_read(&facts, views->views[0].certificate) == RC_OK &&
		buf_printf(&text, "Signing certificate 'O=%.*s,CN=%.*s' is expired.",
			(int)facts.organization.len, (const char *)facts.organization.data,
			(int)facts.common_name.len,
			(const char *)facts.common_name.data) == RC_OK &&
		buf_string(&text, &words) == RC_OK)
		expired.text = words;
	request_fault(request, &expired);
	certificate_facts_free(&facts);
	buf_free(&text);
}

static void on_signed(void *arg, const struct fault *fault, const struct signatures *signatures)
{
	struct request *request = arg;
	json_t *body = json_object(), *list = json_array();

	if (fault->rc != RC_OK) {
		json_decref(body);
		json_decref(list);
		if (fault->rc == RC_CERTIFICATE_EXPIRED && fault->text == NULL &&
			request->call.version == RC_CSC_V1)
			core_credential_get(request->core, &request->call,
				&request->call.credential, on_expired, request);
		else
			request_fault(request, fault);
		return;
	}
	for (size_t i = 0; i < signatures->count; i++)
		json_add(&list, json_base64(buf_span(&signatures->signatures[i])));
	json_put(&body, "signatures", list);
	request_reply(request, body);
}

static rc_t read_params(const struct sign_values *values, struct buf *params)
{
	if (values->params == NULL)
		return RC_OK;
	rc_t rc = base64_decode(params, span_string(values->params));
	return rc == RC_FORMAT ? RC_SIGN_ALGO_PARAMS_INVALID : rc;
}

static void sign_hash(struct request *request, struct span sad)
{
	const struct sign_values *values = request->values;
	struct csc_hashes hashes = {0};
	struct buf params = BUF_INIT;
	rc_t params_fault = read_params(values, &params);
	rc_t hashes_fault = csc_hashes_read(&hashes, values->hash);

	/* more than any SAD has */
	if (hashes_fault == RC_NUM_SIGNATURES_TOO_HIGH)
		hashes_fault = RC_HASH_NOT_AUTHORIZED;
	const struct sign_request asked = {
		.credential = values->credential,
		.sad = sad,
		.hashes = buf_span(&hashes.bytes),
		.hash_len = hashes.len,
		.hash_count = hashes.count,
		.sign_algo = values->sign_algo,
		.hash_algo = values->hash_algo,
		.sign_algo_params = buf_span(&params),
		.params_fault = params_fault,
		.hashes_fault = hashes_fault,
	};

	core_sign_hash(request->core, &request->call, &asked, on_signed, request);
	buf_free(&hashes.bytes);
	buf_free(&params);
}

static rc_t sign_missing(const struct sign_values *values)
{
	if (values->hash == NULL)
		return RC_HASH_MISSING;
	return values->sign_algo == NULL ? RC_SIGN_ALGO_MISSING : RC_OK;
}

void csc_sign_hash(struct request *request)
{
	const struct sign_values *values = request->values;
	struct span sad = SPAN_NONE;
	rc_t rc = csc_sad_read(request, values->sad, &sad);

	request->call.credential = values->credential;
	if (rc == RC_OK)
		rc = sign_missing(values);
	if (rc == RC_SAD_INVALID)
		csc_refuse_owned(request, &values->credential, rc);
	else if (rc != RC_OK)
		request_refuse(request, rc);
	else
		sign_hash(request, sad);
}
