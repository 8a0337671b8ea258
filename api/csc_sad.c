#include "api/csc.h"
#include "api/handlers.h"
#include "api/json.h"
#include "core/sad.h"

#include <stddef.h>
#include <string.h>

struct sad_values {
	struct id credential;
	int64_t signatures;
	const json_t *hash, *auth_data;
	const char *hash_algo, *pin, *otp, *sad, *description, *client_data;
	const char *auth_object;
};

#define SAD(member) offsetof(struct sad_values, member)
#define FIELD_CREDENTIAL                                                                \
	{                                                                               \
		.name = "credentialID", .type = SPEC_ID, .required = true,              \
		.wrong = RC_CREDENTIAL_ID_MISSING, .invalid = RC_CREDENTIAL_ID_INVALID, \
		.offset = SAD(credential)                                               \
	}
#define FIELD_HASH                                                                               \
	{                                                                                        \
		.name = "hash", .alias = "hashes", .type = SPEC_ARRAY, .wrong = RC_HASH_MISSING, \
		.invalid = RC_HASH_MISSING, .contradiction = RC_HASH_CONTRADICTION,              \
		.offset = SAD(hash)                                                              \
	}
#define FIELD_HASH_ALGO                                                             \
	{                                                                           \
		.name = "hashAlgorithmOID", .alias = "hashAlgo", .type = SPEC_TEXT, \
		.wrong = RC_HASH_ALGO_INVALID, .invalid = RC_HASH_ALGO_INVALID,     \
		.contradiction = RC_HASH_ALGO_INVALID, .offset = SAD(hash_algo)     \
	}
#define FIELD_CLIENT_DATA                                                                 \
	{                                                                                 \
		.name = "clientData", .type = SPEC_TEXT, .wrong = RC_CLIENT_DATA_INVALID, \
		.invalid = RC_CLIENT_DATA_INVALID, .offset = SAD(client_data)             \
	}

static const struct spec_field authorize_fields[] = {
	FIELD_CREDENTIAL,
	{.name = "numSignatures",
		.type = SPEC_NUMBER,
		.required = true,
		.wrong = RC_NUM_SIGNATURES_MISSING,
		.invalid = RC_NUM_SIGNATURES_INVALID,
		.offset = SAD(signatures)},
	FIELD_HASH,
	FIELD_HASH_ALGO,
	{.name = "PIN",
		.type = SPEC_TEXT,
		.wrong = RC_PIN_INVALID_TYPE,
		.invalid = RC_PIN_INVALID_TYPE,
		.offset = SAD(pin)},
	{.name = "OTP",
		.type = SPEC_TEXT,
		.wrong = RC_OTP_INVALID_TYPE,
		.invalid = RC_OTP_INVALID_TYPE,
		.offset = SAD(otp)},
	{.name = "authData",
		.type = SPEC_ARRAY,
		.wrong = RC_AUTH_DATA_INVALID,
		.invalid = RC_AUTH_DATA_INVALID,
		.offset = SAD(auth_data)},
	{.name = "description",
		.type = SPEC_TEXT,
		.most = 500,
		.wrong = RC_DESCRIPTION_INVALID,
		.invalid = RC_DESCRIPTION_INVALID,
		.offset = SAD(description)},
	FIELD_CLIENT_DATA,
};
const struct spec csc_authorize_spec = SPEC(authorize_fields, struct sad_values);

static const struct spec_field extend_fields[] = {
	FIELD_CREDENTIAL,
	{.name = "SAD",
		.type = SPEC_TEXT,
		.wrong = RC_SAD_MISSING,
		.invalid = RC_SAD_INVALID,
		.offset = SAD(sad)},
	FIELD_HASH,
	FIELD_HASH_ALGO,
	FIELD_CLIENT_DATA,
};
const struct spec csc_extend_spec = SPEC(extend_fields, struct sad_values);

static const struct spec_field send_otp_fields[] = {FIELD_CREDENTIAL, FIELD_CLIENT_DATA};
const struct spec csc_send_otp_spec = SPEC(send_otp_fields, struct sad_values);

static const struct spec_field challenge_fields[] = {
	FIELD_CREDENTIAL,
	{.name = "authObjectID",
		.type = SPEC_TEXT,
		.required = true,
		.wrong = RC_AUTH_OBJECT_ID_INVALID,
		.invalid = RC_AUTH_OBJECT_ID_INVALID,
		.offset = SAD(auth_object)},
	FIELD_CLIENT_DATA,
};
const struct spec csc_challenge_spec = SPEC(challenge_fields, struct sad_values);

static void on_issued(void *arg, const struct fault *fault, const struct sad_issued *issued)
{
	struct request *request = arg;
	json_t *body = NULL;

	if (fault->rc != RC_OK) {
		request_fault(request, fault);
		return;
	}
	body = json_object();
	json_put(&body, "SAD", json_span(secret_span(issued->sad)));
	json_put(&body, "expiresIn", json_integer(issued->expires_in_s));
	request_reply(request, body);
}

/* The hashes, if there are any, and the algorithm that they are said to be of. */
static rc_t read_hashes(const struct sad_values *values, struct csc_hashes *hashes,
	const struct digest_algo **digest)
{
	*digest = NULL;
	if (values->hash_algo != NULL) {
		*digest = digest_algo_by_oid(values->hash_algo);
		if (*digest == NULL)
			return RC_HASH_ALGO_INVALID;
	}
	if (values->hash == NULL)
		return RC_OK;
	rc_t rc = csc_hashes_read(hashes, values->hash);
	if (rc == RC_OK && *digest != NULL && hashes->len != (*digest)->len)
		rc = RC_HASH_LENGTH;
	return rc;
}

static rc_t check_signatures(const struct request *request)
{
	const struct sad_values *values = request->values;

	if (values->signatures < 1)
		return RC_NUM_SIGNATURES_INVALID;
	if (values->signatures > (int64_t)request->settings->multisign)
		return RC_NUM_SIGNATURES_TOO_HIGH;
	return RC_OK;
}

void csc_authorize(struct request *request)
{
	const struct sad_values *values = request->values;
	struct csc_hashes hashes = {0};
	struct csc_factors factors = {0};
	const struct digest_algo *digest = NULL;
	rc_t rc = check_signatures(request);

	request->call.credential = values->credential;
	if (rc == RC_OK)
		rc = read_hashes(values, &hashes, &digest);
	if (rc == RC_OK)
		rc = csc_factors_read(&factors, values->pin, values->otp, values->auth_data);
	if (rc != RC_OK) {
		csc_refuse_owned(request, &values->credential, rc);
		goto out;
	}
	const struct authorize_request asked = {
		.credential = values->credential,
		.signatures = (uint32_t)values->signatures,
		.hashes = buf_span(&hashes.bytes),
		.hash_len = hashes.len,
		.hash_count = hashes.count,
		.digest = digest,
		.pin = factors.pin,
		.otp = factors.otp,
	};
	core_authorize(request->core, &request->call, &asked, on_issued, request);
out:
	buf_free(&hashes.bytes);
}

void csc_extend(struct request *request)
{
	const struct sad_values *values = request->values;
	struct csc_hashes hashes = {0};
	const struct digest_algo *digest = NULL;
	struct span sad = SPAN_NONE;
	rc_t rc = csc_sad_read(request, values->sad, &sad);

	request->call.credential = values->credential;
	if (rc == RC_SAD_MISSING) {
		request_refuse(request, rc);
		return;
	}
	if (rc == RC_OK)
		rc = read_hashes(values, &hashes, &digest);
	if (rc != RC_OK) {
		csc_refuse_owned(request, &values->credential, rc);
		goto out;
	}
	const struct extend_request asked = {
		.credential = values->credential,
		.sad = sad,
		.hashes = buf_span(&hashes.bytes),
		.hash_len = hashes.len,
		.hash_count = hashes.count,
		.digest = digest,
	};
	core_extend(request->core, &request->call, &asked, on_issued, request);
out:
	buf_free(&hashes.bytes);
}

void csc_send_otp(struct request *request)
{
	const struct sad_values *values = request->values;

	request->call.credential = values->credential;
	csc_refuse_owned(request, &values->credential, RC_CODE_FROM_AUTHENTICATOR);
}

void csc_challenge(struct request *request)
{
	const struct sad_values *values = request->values;
	bool known =
		strcmp(values->auth_object, "PIN") == 0 || strcmp(values->auth_object, "OTP") == 0;

	request->call.credential = values->credential;
	csc_refuse_owned(request, &values->credential,
		known ? RC_CODE_FROM_AUTHENTICATOR : RC_AUTH_OBJECT_ID_INVALID);
}
