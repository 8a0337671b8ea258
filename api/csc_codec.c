#include "api/csc.h"

#include "api/csc_certificate.h"
#include "api/json.h"
#include "api/params.h"
#include "base/base64.h"
#include "base/log.h"
#include "base/secret.h"
#include "core/algo.h"

#include <string.h>

const char *const csc_certificates_names[] = {"none", "single", "chain", NULL};

/* Reading */

rc_t csc_hashes_read(struct csc_hashes *hashes, const json_t *array)
{
	struct csc_hashes read = {0};
	bool uneven = false;
	size_t count = json_array_size(array);
	rc_t rc = count == 0	       ? RC_HASH_EMPTY
		  : count > HASHES_MAX ? RC_NUM_SIGNATURES_TOO_HIGH
				       : RC_OK;

	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		const json_t *hash = json_array_get(array, i);
		struct span text = SPAN(json_string_value(hash), json_string_length(hash));
		size_t before = read.bytes.len;
		rc = json_is_string(hash) ? base64_decode(&read.bytes, text) : RC_FORMAT;
		if (rc == RC_FORMAT)
			rc = RC_HASH_NOT_BASE64;
		size_t len = read.bytes.len - before;
		read.len = i == 0 ? len : read.len;
		uneven = uneven || len != read.len;
	}
	/* base64 is judged before length, for all of them */
	if (rc == RC_OK && (uneven || digest_algo_by_len(read.len) == NULL))
		rc = RC_HASH_LENGTH;
	if (rc != RC_OK) {
		buf_free(&read.bytes);
		return rc;
	}
	read.count = count;
	*hashes = read;
	return RC_OK;
}

/* A factor that is said twice must be said alike. */
static rc_t factor_set(struct span *factor, struct span value)
{
	if (factor->data != NULL && !secret_equal(*factor, value))
		return RC_AUTH_DATA_INVALID;
	*factor = value;
	return RC_OK;
}

static rc_t factor_read(struct csc_factors *factors, const json_t *entry)
{
	const char *id = json_string_value(json_object_get(entry, "id"));
	const json_t *value = json_object_get(entry, "value");

	if (id == NULL || !json_is_string(value))
		return RC_AUTH_DATA_INVALID;
	struct span text = SPAN(json_string_value(value), json_string_length(value));
	if (strcmp(id, "PIN") == 0)
		return factor_set(&factors->pin, text);
	if (strcmp(id, "OTP") == 0)
		return factor_set(&factors->otp, text);
	return RC_AUTH_DATA_INVALID;
}

rc_t csc_factors_read(
	struct csc_factors *factors, const char *pin, const char *otp, const json_t *auth_data)
{
	struct csc_factors read = {span_string(pin), span_string(otp)};

	for (size_t i = 0; i < json_array_size(auth_data); i++) {
		rc_t rc = factor_read(&read, json_array_get(auth_data, i));
		if (rc != RC_OK)
			return rc;
	}
	*factors = read;
	return RC_OK;
}

rc_t csc_sad_read(const struct request *request, const char *in_body, struct span *sad)
{
	struct span bearer = SPAN_NONE;

	if (id_is_zero(&request->call.who.sad_credential)) {
		*sad = span_string(in_body);
		return in_body == NULL ? RC_SAD_MISSING : RC_OK;
	}
	rc_t rc = params_read_bearer(request->message->authorization, &bearer);
	if (rc == RC_OK && in_body != NULL && !secret_equal(bearer, span_string(in_body)))
		rc = RC_SAD_INVALID;
	*sad = bearer;
	return rc;
}

/* Ownership before anything else */

static void csc_on_owned(void *arg, const struct fault *fault, const struct credential_views *views)
{
	struct request *request = arg;

	if (fault->rc != RC_OK) {
		request_fault(request, fault);
		return;
	}
	request->call.subscriber = views->views[0].subscriber;
	request_refuse(request, request->pending);
}

void csc_refuse_owned(struct request *request, const struct id *credential, rc_t rc)
{
	request->pending = rc;
	core_credential_get(request->core, &request->call, credential, csc_on_owned, request);
}

/* Writing */

/* Authentication objects, in both versions' words. */
static const struct factor_words {
	const char *id, *format, *generator, *label[2], *description[2];
} factor_words[] = {
	{"PIN", "A", NULL, {"Mã PIN", "PIN"},
		{"Mã PIN do thuê bao tự đặt khi kích hoạt",
			"The PIN that the subscriber chose at activation"}},
	{"OTP", "N", "totp", {"Mã OTP", "OTP"},
		{"Mã 6 chữ số trong ứng dụng xác thực của thuê bao",
			"The 6 digits that the subscriber's authenticator app shows"}},
};

static bool view_needs(const struct credential_view *view, const struct factor_words *factor)
{
	return strstr(view->factors, factor->id) != NULL;
}

static json_t *write_key(const struct credential_view *view)
{
	json_t *key = json_object();

	json_put(&key, "status", json_string(view->enabled ? "enabled" : "disabled"));
	json_put(&key, "algo", json_strings(sign_algo_oids(view->key)));
	json_put(&key, "len", json_integer((json_int_t)view->key->bits));
	if (view->key->curve_oid != NULL)
		json_put(&key, "curve", json_string(view->key->curve_oid));
	return key;
}

static void write_certificate_facts(json_t **cert, struct span der)
{
	struct certificate_facts facts = {0};

	if (certificate_read(&facts, der) != RC_OK) {
		log_error("api: a stored certificate is not readable");
		return;
	}
	json_put(cert, "issuerDN", json_span(buf_span(&facts.issuer)));
	json_put(cert, "serialNumber", json_span(buf_span(&facts.serial)));
	json_put(cert, "subjectDN", json_span(buf_span(&facts.subject)));
	json_put(cert, "validFrom", json_string(facts.valid_from));
	json_put(cert, "validTo", json_string(facts.valid_to));
	certificate_facts_free(&facts);
}

static json_t *write_cert(
	const struct credential_view *view, const struct csc_view_options *options)
{
	static const char *const status[] = {
		[CERTIFICATE_VALID] = "valid",
		[CERTIFICATE_EXPIRED] = "expired",
		[CERTIFICATE_REVOKED] = "revoked",
		[CERTIFICATE_SUSPENDED] = "suspended",
	};
	json_t *cert = json_object();

	json_put(&cert, "status", json_string(status[view->status]));
	if (options->certificates != CSC_NONE) {
		json_t *list = json_array(); /* the leaf first */
		json_add(&list, json_base64(view->certificate));
		if (options->certificates == CSC_CHAIN && view->issuer_certificate.len > 0)
			json_add(&list, json_base64(view->issuer_certificate));
		json_put(&cert, "certificates", list);
	}
	if (options->cert_info)
		write_certificate_facts(&cert, view->certificate);
	return cert;
}

/* v1: one group a factor, presence as text. */
static json_t *write_group(
	const struct credential_view *view, const struct factor_words *factor, enum lang lang)
{
	json_t *group = json_object();
	bool needed = view_needs(view, factor);

	json_put(&group, "presence", json_string(needed ? "true" : "false"));
	if (!needed)
		return group;
	json_put(&group, "format", json_string(factor->format));
	json_put(&group, "label", json_string(factor->label[lang]));
	json_put(&group, "description", json_string(factor->description[lang]));
	if (factor->generator == NULL)
		return group;
	json_put(&group, "type", json_string("offline"));
	json_put(&group, "ID", json_string(factor->id));
	json_put(&group, "provider", json_string(factor->generator));
	return group;
}

static void write_auth_v1(json_t **info, const struct credential_view *view,
	const struct csc_view_options *options, enum lang lang)
{
	bool explicit_ = view->mode == CLIENT_EXPLICIT;

	json_put(info, "authMode", json_string(explicit_ ? "explicit" : "oauth2code"));
	if (!explicit_ || !options->auth_info)
		return;
	json_put(info, "PIN", write_group(view, &factor_words[0], lang));
	json_put(info, "OTP", write_group(view, &factor_words[1], lang));
}

/* v2: `objects` stands whether or not authInfo was asked for: it is required with mode explicit,
 * and an empty list would say that no factor is needed. */
static json_t *write_auth_v2(const struct credential_view *view, enum lang lang)
{
	json_t *auth = json_object(), *objects = json_array();
	bool explicit_ = view->mode == CLIENT_EXPLICIT;

	json_put(&auth, "mode", json_string(explicit_ ? "explicit" : "oauth2code"));
	for (size_t i = 0; explicit_ && i < 2; i++) {
		const struct factor_words *factor = &factor_words[i];
		if (!view_needs(view, factor))
			continue;
		json_t *object = json_object();
		json_put(&object, "type", json_string("Password"));
		json_put(&object, "id", json_string(factor->id));
		json_put(&object, "format", json_string(factor->format));
		json_put(&object, "label", json_string(factor->label[lang]));
		json_put(&object, "description", json_string(factor->description[lang]));
		if (factor->generator != NULL)
			json_put(&object, "generator", json_string(factor->generator));
		json_add(&objects, object);
	}
	if (explicit_)
		json_put(&auth, "expression", json_string(view->factors));
	json_put(&auth, "objects", objects);
	return auth;
}

json_t *csc_view_write(const struct credential_view *view, const struct csc_view_options *options,
	enum rc_version version, enum lang lang)
{
	json_t *info = json_object();

	json_put(&info, "key", write_key(view));
	json_put(&info, "cert", write_cert(view, options));
	if (version == RC_CSC_V1)
		write_auth_v1(&info, view, options, lang);
	else
		json_put(&info, "auth", write_auth_v2(view, lang));
	json_put(&info, "SCAL", json_string(view->scal == SCAL_2 ? "2" : "1"));
	json_put(&info, "multisign", json_integer((json_int_t)view->multisign));
	json_put(&info, "lang", json_string(lang == LANG_EN ? "en" : "vi"));
	return info;
}
