#include "clients/lib/csc.h"

#include "base/base64.h"

#include <stdio.h>
#include <string.h>

static const char *const digest_oids[] = {
	[ADES_SHA256] = "2.16.840.1.101.3.4.2.1",
	[ADES_SHA384] = "2.16.840.1.101.3.4.2.2",
	[ADES_SHA512] = "2.16.840.1.101.3.4.2.3",
};

/* Mechanism and digest in one, where there is such an OID. */
static const char *const sign_oids[][ADES_SHA512 + 1] = {
	[ADES_RSA_PKCS1] = {NULL, "1.2.840.113549.1.1.11", "1.2.840.113549.1.1.12",
		"1.2.840.113549.1.1.13"},
	[ADES_RSA_PSS] = {NULL, "1.2.840.113549.1.1.10", "1.2.840.113549.1.1.10",
		"1.2.840.113549.1.1.10"},
	[ADES_ECDSA] = {NULL, "1.2.840.10045.4.3.2", "1.2.840.10045.4.3.3", "1.2.840.10045.4.3.4"},
};

const char *csc_digest_oid(enum ades_digest digest)
{
	return digest_oids[digest];
}

static json_t *json_span(struct span text)
{
	return json_stringn((const char *)text.data, text.len);
}

static json_t *json_hashes(const struct csc_hashes *hashes)
{
	json_t *array = json_array();

	for (size_t i = 0; array != NULL && i < hashes->count; i++) {
		if (json_array_append_new(array, client_json_base64(hashes->items[i])) != 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

void csc_credential_free(struct csc_credential *credential)
{
	for (size_t i = 0; i < CSC_CHAIN; i++)
		buf_free(&credential->certificates[i]);
	*credential = (struct csc_credential){0};
}

rc_t csc_info(struct client *client, struct client_answer *answer)
{
	return client_post(client, "/csc/v1/info", json_object(), answer);
}

rc_t csc_list(struct client *client, const char *user, struct client_answer *answer)
{
	rc_t rc = client_post(client, "/csc/v1/credentials/list",
		user == NULL ? json_object() : json_pack("{s:s}", "userID", user), answer);
	if (rc == RC_OK && !json_is_array(json_object_get(answer->body, "credentialIDs")))
		rc = RC_SERVER_ANSWER;
	return rc;
}

static void copy(char *out, size_t size, const json_t *text)
{
	snprintf(out, size, "%s", json_is_string(text) ? json_string_value(text) : "");
	client_text_disarm(out, false);
}

static rc_t read_certificates(const json_t *array, struct csc_credential *credential)
{
	for (size_t i = 0; i < json_array_size(array); i++) {
		const json_t *text = json_array_get(array, i);
		if (i == CSC_CHAIN || !json_is_string(text))
			return RC_SERVER_ANSWER;
		rc_t rc = base64_decode(&credential->certificates[i],
			SPAN(json_string_value(text), json_string_length(text)));
		if (rc != RC_OK)
			return rc == RC_FORMAT ? RC_SERVER_ANSWER : rc;
		credential->certificate_count = i + 1;
	}
	return RC_OK;
}

/* "optional" is not asked for. */
static bool factor_needed(const json_t *body, const char *name, bool unsaid)
{
	const char *presence =
		json_string_value(json_object_get(json_object_get(body, name), "presence"));

	return presence == NULL ? unsaid : strcmp(presence, "true") == 0;
}

static void read_factors(const json_t *body, struct csc_credential *credential)
{
	const char *mode = json_string_value(json_object_get(body, "authMode"));
	bool by_us = mode == NULL || strcmp(mode, "explicit") == 0;

	credential->needs_pin = by_us && factor_needed(body, "PIN", true);
	credential->needs_otp = by_us && factor_needed(body, "OTP", false);
}

static rc_t read_credential(const json_t *body, struct csc_credential *credential)
{
	const json_t *key = json_object_get(body, "key");
	const json_t *cert = json_object_get(body, "cert");
	const json_t *status = json_object_get(key, "status");
	const json_t *multisign = json_object_get(body, "multisign");

	if (!json_is_object(key) || !json_is_object(cert) || !json_is_string(status) ||
		!json_is_integer(multisign) || json_integer_value(multisign) < 1)
		return RC_SERVER_ANSWER;
	credential->enabled = strcmp(json_string_value(status), "enabled") == 0;
	credential->rsa = !json_is_string(json_object_get(key, "curve"));
	credential->bits = (long)json_integer_value(json_object_get(key, "len"));
	credential->multisign = (size_t)json_integer_value(multisign);
	read_factors(body, credential);
	copy(credential->subject, sizeof(credential->subject), json_object_get(cert, "subjectDN"));
	copy(credential->status, sizeof(credential->status), json_object_get(cert, "status"));
	copy(credential->valid_to, sizeof(credential->valid_to), json_object_get(cert, "validTo"));
	copy(credential->description, sizeof(credential->description),
		json_object_get(body, "description"));
	return read_certificates(json_object_get(cert, "certificates"), credential);
}

rc_t csc_credential_info(struct client *client, const char *id, struct csc_credential *credential,
	struct client_answer *answer)
{
	csc_credential_free(credential);
	rc_t rc = client_post(client, "/csc/v1/credentials/info",
		json_pack("{s:s, s:s, s:b, s:b}", "credentialID", id, "certificates", "chain",
			"certInfo", 1, "authInfo", 1),
		answer);
	if (rc == RC_OK)
		rc = read_credential(answer->body, credential);
	if (rc == RC_OK)
		snprintf(credential->id, sizeof(credential->id), "%s", id);
	else
		csc_credential_free(credential);
	return rc;
}

static rc_t take_sad(const struct client_answer *answer, struct secret *sad)
{
	const char *text = client_answer_string(answer, "SAD");

	return text == NULL ? RC_SERVER_ANSWER : secret_set(sad, span_string(text));
}

rc_t csc_authorize(struct client *client, const char *credential, const struct csc_hashes *hashes,
	const struct csc_factors *factors, struct secret *sad, struct client_answer *answer)
{
	json_t *body = json_pack("{s:s, s:I, s:o, s:o}", "credentialID", credential,
		"numSignatures", (json_int_t)hashes->count, "hash", json_hashes(hashes), "PIN",
		json_span(factors->pin));

	if (body != NULL && factors->otp.len > 0 &&
		json_object_set_new(body, "OTP", json_span(factors->otp)) != 0) {
		json_decref(body);
		return RC_FORMAT;
	}
	rc_t rc = client_post(client, "/csc/v1/credentials/authorize", body, answer);
	return rc == RC_OK ? take_sad(answer, sad) : rc;
}

rc_t csc_extend(struct client *client, const char *credential, const struct csc_hashes *hashes,
	struct secret *sad, struct client_answer *answer)
{
	json_t *body = json_pack("{s:s, s:o, s:o}", "credentialID", credential, "hash",
		json_hashes(hashes), "SAD", json_span(secret_span(sad)));

	rc_t rc = client_post(client, "/csc/v1/credentials/extendTransaction", body, answer);
	return rc == RC_OK ? take_sad(answer, sad) : rc;
}

static rc_t read_signatures(const json_t *array, size_t count, struct buf signatures[])
{
	if (!json_is_array(array) || json_array_size(array) != count)
		return RC_SERVER_ANSWER;
	for (size_t i = 0; i < count; i++) {
		const json_t *text = json_array_get(array, i);
		if (!json_is_string(text))
			return RC_SERVER_ANSWER;
		buf_clear(&signatures[i]);
		rc_t rc = base64_decode(
			&signatures[i], SPAN(json_string_value(text), json_string_length(text)));
		if (rc != RC_OK)
			return rc == RC_FORMAT ? RC_SERVER_ANSWER : rc;
	}
	return RC_OK;
}

static bool add_pss_params(json_t *body, enum ades_digest digest)
{
	struct buf params = BUF_INIT;

	bool done = ades_pss_params(&params, digest) == RC_OK &&
		    json_object_set_new(
			    body, "signAlgoParams", client_json_base64(buf_span(&params))) == 0;
	buf_free(&params);
	return done;
}

rc_t csc_sign_hash(struct client *client, const char *credential, const struct csc_hashes *hashes,
	enum ades_scheme scheme, const struct secret *sad, struct buf signatures[],
	struct client_answer *answer)
{
	json_t *body = json_pack("{s:s, s:o, s:s, s:s}", "credentialID", credential,
		sad == NULL ? "hashes" : "hash", json_hashes(hashes),
		sad == NULL ? "hashAlgorithmOID" : "hashAlgo", csc_digest_oid(hashes->digest),
		"signAlgo", sign_oids[scheme][hashes->digest]);

	if (body != NULL && sad != NULL &&
		json_object_set_new(body, "SAD", json_span(secret_span(sad))) != 0) {
		json_decref(body);
		return RC_FORMAT;
	}
	if (body != NULL && scheme == ADES_RSA_PSS && !add_pss_params(body, hashes->digest)) {
		json_decref(body);
		return RC_NO_MEMORY;
	}
	rc_t rc = client_post(client,
		sad == NULL ? "/csc/v2/signatures/signHash" : "/csc/v1/signatures/signHash", body,
		answer);
	if (rc != RC_OK)
		return rc;
	return read_signatures(
		json_object_get(answer->body, "signatures"), hashes->count, signatures);
}
