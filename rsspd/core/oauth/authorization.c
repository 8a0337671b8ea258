#include "core/oauth/authorization.h"

#include "base/base64.h"
#include "core/secret_text.h"
#include "hsm/jobs.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#define DESCRIPTION_MAX 500 /* characters (CSC) */
#define CHALLENGE_TEXT 43   /* base64url of a SHA-256 (RFC 7636 §4.2) */

void authorization_free(struct authorization *authorization)
{
	wish_free(&authorization->wish);
	json_decref(authorization->kept);
	*authorization = (struct authorization){.kept = NULL};
}

/* ---- checking ---- */

/* Somebody who sends an empty parameter sends none (RFC 6749 §3.1). */
static const char *given(const char *text)
{
	return text == NULL || text[0] == 0 ? NULL : text;
}

static rc_t check_scope(struct authorization *out, const struct authorization_asked *asked)
{
	const char *scope = given(asked->scope);
	bool credential = scope != NULL && strcmp(scope, "credential") == 0;

	if (scope != NULL && !credential && strcmp(scope, "service") != 0)
		return RC_SCOPE_INVALID;
	if (scope != NULL && !credential && given(asked->details) != NULL)
		return RC_SCOPE_INVALID;
	out->credential_scope = credential || given(asked->details) != NULL;
	return RC_OK;
}

static rc_t check_challenge(struct authorization *out, const struct authorization_asked *asked,
	const struct client_known *client)
{
	const char *challenge = given(asked->challenge), *method = given(asked->challenge_method);
	struct buf bytes = BUF_INIT;

	if (challenge == NULL && method == NULL && client->confidential && client->csc_version == 1)
		return RC_OK;
	if (challenge == NULL)
		return RC_CODE_CHALLENGE_MISSING;
	/* not said means plain (RFC 7636 §4.3) */
	if (method == NULL || strcmp(method, "S256") != 0 || strlen(challenge) != CHALLENGE_TEXT)
		return RC_CODE_CHALLENGE_INVALID;
	rc_t rc = base64url_decode(&bytes, span_string(challenge));
	if (rc == RC_FORMAT)
		rc = RC_CODE_CHALLENGE_INVALID;
	if (rc == RC_OK) {
		memcpy(out->challenge, bytes.data, SHA256_LEN);
		out->has_challenge = true;
	}
	buf_free(&bytes);
	return rc;
}

static rc_t read_count(const char *text, int64_t *count)
{
	char *end = NULL;

	errno = 0;
	long long number = strtoll(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != 0 || errno != 0)
		return RC_NUM_SIGNATURES_MISSING;
	if (number < 1)
		return RC_NUM_SIGNATURES_INVALID;
	*count = number;
	return RC_OK;
}

/* The parameters of CSC, one by one. */
static rc_t read_plain(struct wish *wish, const struct authorization_asked *asked)
{
	const char *oid = given(asked->hash_algo), *count = given(asked->signatures);
	const char *credential = given(asked->credential);

	if (given(asked->qualifier) != NULL)
		return RC_QUALIFIER_INVALID;
	if (credential != NULL && id_parse(&wish->credential, credential) != RC_OK)
		return RC_CREDENTIAL_ID_INVALID;
	rc_t rc = count == NULL ? RC_OK : read_count(count, &wish->signatures);
	if (rc == RC_OK && oid != NULL) {
		wish->digest = digest_algo_by_oid(oid);
		rc = wish->digest == NULL ? RC_HASH_ALGO_INVALID : RC_OK;
	}
	if (rc == RC_OK && given(asked->hashes) != NULL)
		rc = wish_read_hashes(wish, asked->hashes);
	return rc;
}

static rc_t read_details(
	struct authorization *out, const struct authorization_asked *asked, const char **why)
{
	if (given(asked->credential) != NULL || given(asked->qualifier) != NULL ||
		given(asked->signatures) != NULL || given(asked->hashes) != NULL ||
		given(asked->hash_algo) != NULL) {
		*why = "what it says is not said by other parameters besides";
		return RC_DETAILS_INVALID;
	}
	out->details_type = wish_details_type(asked->details);
	return wish_read_details(&out->wish, asked->details, why);
}

static rc_t check_wish(struct authorization *out, const struct authorization_asked *asked,
	const struct authorization_limits *limits, const char **why)
{
	rc_t rc = given(asked->details) != NULL ? read_details(out, asked, why)
						: read_plain(&out->wish, asked);

	if (rc == RC_OK && out->wish.hash_count == 0 && !limits->hashless)
		return RC_HASH_MISSING;
	return rc == RC_OK ? wish_complete(&out->wish, limits->signatures_max) : rc;
}

static rc_t check_all(struct authorization *out, const struct authorization_asked *asked,
	const struct client_known *client, const struct authorization_limits *limits,
	const char **why)
{
	const char *type = given(asked->response_type);

	if (client->mode != CLIENT_OAUTH2CODE)
		return RC_NOT_OAUTH2CODE;
	if (asked->state != NULL && strlen(asked->state) > AUTHORIZATION_STATE_MAX)
		return RC_STATE_INVALID;
	if (given(asked->request) != NULL)
		return RC_REQUEST_OBJECT_REFUSED;
	if (given(asked->response_mode) != NULL && strcmp(asked->response_mode, "query") != 0)
		return RC_RESPONSE_MODE_INVALID;
	if (type == NULL)
		return RC_RESPONSE_TYPE_MISSING;
	if (strcmp(type, "code") != 0)
		return RC_RESPONSE_TYPE_INVALID;
	rc_t rc = check_scope(out, asked);
	if (rc == RC_OK)
		rc = check_challenge(out, asked, client);
	if (rc == RC_OK && given(asked->description) != NULL &&
		!wish_text_is_plain(asked->description, DESCRIPTION_MAX))
		rc = RC_DESCRIPTION_INVALID;
	if (rc == RC_OK && out->credential_scope)
		rc = check_wish(out, asked, limits, why);
	return rc;
}

/* ---- keeping ---- */

static bool keep_text(json_t *kept, const char *name, const char *text)
{
	return text == NULL || json_object_set_new(kept, name, json_string(text)) == 0;
}

static bool keep_bytes(json_t *kept, const char *name, struct span bytes)
{
	struct buf text = BUF_INIT;
	const char *string = NULL;
	bool done = base64url_encode(&text, bytes) == RC_OK && buf_string(&text, &string) == RC_OK;

	done = done && keep_text(kept, name, string);
	buf_free(&text);
	return done;
}

static bool keep_wish(json_t *kept, const struct wish *wish)
{
	char credential[ID_TEXT];
	bool named = !id_is_zero(&wish->credential);

	id_format(&wish->credential, credential);
	return keep_text(kept, "credential", named ? credential : NULL) &&
	       keep_text(kept, "digest", wish->digest->name) &&
	       json_object_set_new(kept, "signatures", json_integer(wish->signatures)) == 0 &&
	       keep_bytes(kept, "hashes", buf_span(&wish->hashes)) &&
	       (wish->labels == NULL || json_object_set(kept, "labels", wish->labels) == 0);
}

static rc_t keep(struct authorization *out, const struct authorization_asked *asked,
	const char *redirect_uri)
{
	json_t *kept = json_pack(
		"{s:b}", "redirect_uri_given", given(asked->redirect_uri) != NULL ? 1 : 0);

	if (kept == NULL)
		return RC_NO_MEMORY;
	out->kept = kept;
	bool done = keep_text(kept, "redirect_uri", redirect_uri) &&
		    keep_text(kept, "state", asked->state) &&
		    keep_text(kept, "description", given(asked->description)) &&
		    keep_text(kept, "lang", given(asked->lang)) &&
		    keep_text(kept, "details_type", out->details_type) &&
		    keep_text(kept, "scope", out->credential_scope ? "credential" : "service") &&
		    (!out->has_challenge ||
			    keep_bytes(kept, "challenge", SPAN(out->challenge, SHA256_LEN))) &&
		    (!out->credential_scope || keep_wish(kept, &out->wish));
	return done ? RC_OK : RC_NO_MEMORY;
}

static const char *text_of(const json_t *kept, const char *name)
{
	return json_string_value(json_object_get(kept, name));
}

static void point_into(struct authorization *out)
{
	out->redirect_uri = text_of(out->kept, "redirect_uri");
	out->redirect_uri_given = json_is_true(json_object_get(out->kept, "redirect_uri_given"));
	out->state = text_of(out->kept, "state");
	out->description = text_of(out->kept, "description");
	out->lang = text_of(out->kept, "lang");
	out->details_type = text_of(out->kept, "details_type");
}

rc_t authorization_check(struct authorization *authorization,
	const struct authorization_asked *asked, const struct client_known *client,
	const struct authorization_limits *limits, const char **why)
{
	struct authorization made = {.kept = NULL};
	const char *target = NULL;

	*why = NULL;
	rc_t rc = authorization_target(client, asked->redirect_uri, &target);
	if (rc == RC_OK)
		rc = check_all(&made, asked, client, limits, why);
	if (rc == RC_OK)
		rc = keep(&made, asked, target);
	if (rc != RC_OK) {
		authorization_free(&made);
		return rc;
	}
	point_into(&made);
	*authorization = made;
	return RC_OK;
}

rc_t authorization_keep_id(
	struct authorization *authorization, const char *name, const struct id *id)
{
	char text[ID_TEXT];

	id_format(id, text);
	return keep_text(authorization->kept, name, text) ? RC_OK : RC_NO_MEMORY;
}

/* ---- reading what was kept ---- */

static rc_t read_bytes(const json_t *kept, const char *name, struct buf *out)
{
	const char *text = text_of(kept, name);

	return text == NULL ? RC_FORMAT : base64url_decode(out, span_string(text));
}

static rc_t read_id(const json_t *kept, const char *name, struct id *id)
{
	const char *text = text_of(kept, name);

	return text == NULL ? RC_OK : id_parse(id, text);
}

static rc_t read_challenge(struct authorization *out)
{
	struct buf bytes = BUF_INIT;

	if (text_of(out->kept, "challenge") == NULL)
		return RC_OK;
	rc_t rc = read_bytes(out->kept, "challenge", &bytes);
	if (rc == RC_OK && bytes.len != SHA256_LEN)
		rc = RC_FORMAT;
	if (rc == RC_OK) {
		memcpy(out->challenge, bytes.data, SHA256_LEN);
		out->has_challenge = true;
	}
	buf_free(&bytes);
	return rc;
}

static rc_t read_labels(struct wish *wish, json_t *labels)
{
	size_t count = json_array_size(labels);

	if (labels == NULL)
		return RC_OK;
	if (!json_is_array(labels) || count != wish->hash_count)
		return RC_FORMAT;
	for (size_t i = 0; i < count; i++) {
		if (!json_is_string(json_array_get(labels, i)))
			return RC_FORMAT;
	}
	wish->labels = json_incref(labels);
	return RC_OK;
}

static const struct digest_algo *digest_by_name(const char *name)
{
	for (enum digest_kind kind = DIGEST_SHA256; name != NULL && kind <= DIGEST_SHA512; kind++) {
		if (strcmp(digest_algo_by_kind(kind)->name, name) == 0)
			return digest_algo_by_kind(kind);
	}
	return NULL;
}

static rc_t read_wish(struct authorization *out)
{
	struct wish *wish = &out->wish;

	wish->digest = digest_by_name(text_of(out->kept, "digest"));
	wish->signatures = json_integer_value(json_object_get(out->kept, "signatures"));
	if (wish->digest == NULL)
		return RC_FORMAT;
	rc_t rc = read_id(out->kept, "credential", &wish->credential);
	if (rc == RC_OK)
		rc = read_bytes(out->kept, "hashes", &wish->hashes);
	if (rc != RC_OK)
		return rc;
	wish->hash_count = wish->hashes.len / wish->digest->len;
	wish->hash_len = wish->hash_count > 0 ? wish->digest->len : 0;
	if (wish->hash_count * wish->hash_len != wish->hashes.len ||
		wish_complete(wish, HASHES_MAX) != RC_OK)
		return RC_FORMAT;
	return read_labels(wish, json_object_get(out->kept, "labels"));
}

rc_t authorization_read(struct authorization *authorization, struct span kept)
{
	json_error_t error;
	struct authorization read = {.kept = json_loadb((const char *)kept.data, kept.len,
					     JSON_REJECT_DUPLICATES, &error)};
	const char *scope = text_of(read.kept, "scope");
	rc_t rc = scope == NULL ? RC_FORMAT : RC_OK;

	if (rc == RC_OK) {
		point_into(&read);
		read.credential_scope = strcmp(scope, "credential") == 0;
		rc = read.redirect_uri == NULL ? RC_FORMAT : read_challenge(&read);
	}
	if (rc == RC_OK)
		rc = read_id(read.kept, "hint", &read.hint);
	if (rc == RC_OK && read.credential_scope)
		rc = read_wish(&read);
	if (rc != RC_OK) {
		authorization_free(&read);
		return rc;
	}
	*authorization = read;
	return RC_OK;
}

/* ---- in the database ---- */

static rc_t request_mac(
	struct buf *out, const char *kept, const struct id *client, struct span handle)
{
	static const char label[] = "rssp authorization request";
	struct buf signed_ = BUF_INIT;
	uint8_t key[SHA256_LEN], mac[SHA256_LEN];

	rc_t rc =
		digest_hkdf_sha256(handle, SPAN_NONE, SPAN(label, sizeof(label)), key, sizeof(key));
	if (rc == RC_OK)
		rc = buf_append_span(&signed_, id_span(client));
	if (rc == RC_OK)
		rc = buf_append_string(&signed_, kept);
	if (rc == RC_OK)
		rc = digest_hmac_sha256(SPAN(key, sizeof(key)), buf_span(&signed_), mac);
	if (rc == RC_OK)
		rc = base64url_encode(out, SPAN(mac, sizeof(mac)));
	OPENSSL_cleanse(key, sizeof(key));
	buf_free(&signed_);
	return rc;
}

rc_t authorization_print(struct buf *out, const struct authorization *authorization,
	const struct id *client, struct span handle)
{
	char *kept = json_dumps(authorization->kept, JSON_COMPACT), *whole = NULL;
	struct buf mac = BUF_INIT;
	const char *text = NULL;

	rc_t rc = kept == NULL ? RC_NO_MEMORY : request_mac(&mac, kept, client, handle);
	if (rc == RC_OK)
		rc = buf_string(&mac, &text);
	if (rc == RC_OK) {
		json_t *stored = json_pack("{s:s,s:s}", "mac", text, "request", kept);
		whole = json_dumps(stored, JSON_COMPACT);
		json_decref(stored);
		rc = whole == NULL ? RC_NO_MEMORY : buf_append_string(out, whole);
	}
	buf_free(&mac);
	free(kept);
	free(whole);
	return rc;
}

rc_t authorization_open(struct authorization *authorization, struct span stored,
	const struct id *client, struct span handle)
{
	json_error_t error;
	json_t *whole = json_loadb((const char *)stored.data, stored.len, 0, &error);
	const char *kept = text_of(whole, "request"), *mac = text_of(whole, "mac");
	struct buf expected = BUF_INIT;
	rc_t rc = kept == NULL || mac == NULL ? RC_FORMAT
					      : request_mac(&expected, kept, client, handle);

	if (rc == RC_OK && !secret_equal(buf_span(&expected), span_string(mac)))
		rc = RC_FORMAT;
	if (rc == RC_OK)
		rc = authorization_read(authorization, span_string(kept));
	buf_free(&expected);
	json_decref(whole);
	return rc;
}

rc_t authorization_page_handle(struct secret *page, struct span pushed, uint8_t sha256[SHA256_LEN])
{
	static const char label[] = "rssp consent page";
	uint8_t made[SHA256_LEN];

	rc_t rc = digest_hkdf_sha256(
		pushed, SPAN_NONE, SPAN(label, sizeof(label)), made, sizeof(made));
	if (rc == RC_OK)
		rc = secret_text_of(page, SPAN(made, sizeof(made)), sha256);
	OPENSSL_cleanse(made, sizeof(made));
	return rc;
}

/* ---- where the answer goes ---- */

rc_t authorization_target(
	const struct client_known *client, const char *redirect_uri, const char **target)
{
	const char *asked = given(redirect_uri);

	if (asked == NULL && json_array_size(client->redirect_uris) != 1)
		return RC_REDIRECT_URI_MISSING;
	if (asked == NULL)
		asked = json_string_value(json_array_get(client->redirect_uris, 0));
	for (size_t i = 0; asked != NULL && i < json_array_size(client->redirect_uris); i++) {
		const char *uri = json_string_value(json_array_get(client->redirect_uris, i));
		if (uri == NULL || strcmp(uri, asked) != 0)
			continue;
		*target = uri;
		return RC_OK;
	}
	return RC_REDIRECT_URI_INVALID;
}

static rc_t encode(struct buf *out, const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789-._~";
	rc_t rc = RC_OK;

	while (rc == RC_OK && *text != 0) {
		size_t len = strspn(text, plain);
		rc = buf_append(out, text, len);
		text += len;
		if (rc == RC_OK && *text != 0)
			rc = buf_printf(out, "%%%02X", (unsigned char)*text++);
	}
	return rc;
}

rc_t authorization_location(
	struct buf *out, const char *uri, const struct uri_parameter *parameters, size_t count)
{
	const char *sign = strchr(uri, '?') == NULL ? "?" : "&";
	size_t before = out->len;
	rc_t rc = buf_append_string(out, uri);

	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		if (parameters[i].value == NULL)
			continue;
		rc = buf_append_string(out, sign);
		if (rc == RC_OK)
			rc = buf_append_string(out, parameters[i].name);
		if (rc == RC_OK)
			rc = buf_append_string(out, "=");
		if (rc == RC_OK)
			rc = encode(out, parameters[i].value);
		sign = "&";
	}
	if (rc != RC_OK)
		out->len = before;
	return rc;
}
