#include "core/oauth/token_jwt.h"

#include "base/base64.h"
#include "core/oauth/jose.h"
#include "core/oauth/token.h"
#include "hsm/jobs.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>
#include <stdlib.h>
#include <string.h>

#define POINT_LEN (1 + 2 * JOSE_P256_LEN)
#define URL_MAX 1024

/* ---- keys ---- */

struct token_key {
	uint64_t epoch;
	EVP_PKEY *pair;
	uint8_t point[POINT_LEN];
};

static rc_t point_of(struct span scalar, uint8_t point[POINT_LEN])
{
	rc_t rc = RC_CRYPTO;
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	EC_POINT *public = group == NULL ? NULL : EC_POINT_new(group);
	BIGNUM *number = BN_secure_new();

	if (public != NULL && number != NULL &&
		BN_bin2bn(scalar.data, (int)scalar.len, number) != NULL &&
		EC_POINT_mul(group, public, number, NULL, NULL, NULL) == 1 &&
		EC_POINT_point2oct(group, public, POINT_CONVERSION_UNCOMPRESSED, point, POINT_LEN,
			NULL) == POINT_LEN)
		rc = RC_OK;
	BN_clear_free(number);
	EC_POINT_free(public);
	EC_GROUP_free(group);
	return rc;
}

static rc_t pair_make(struct span scalar, const uint8_t point[POINT_LEN], EVP_PKEY **pair)
{
	rc_t rc = RC_CRYPTO;
	OSSL_PARAM *params = NULL;
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	BIGNUM *number = BN_secure_new();

	if (build == NULL || context == NULL || number == NULL ||
		BN_bin2bn(scalar.data, (int)scalar.len, number) == NULL)
		goto out;
	if (OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) != 1 ||
		OSSL_PARAM_BLD_push_octet_string(
			build, OSSL_PKEY_PARAM_PUB_KEY, point, POINT_LEN) != 1 ||
		OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, number) != 1)
		goto out;
	params = OSSL_PARAM_BLD_to_param(build);
	if (params != NULL && EVP_PKEY_fromdata_init(context) == 1 &&
		EVP_PKEY_fromdata(context, pair, EVP_PKEY_KEYPAIR, params) == 1)
		rc = RC_OK;
out:
	OSSL_PARAM_free(params);
	BN_clear_free(number);
	EVP_PKEY_CTX_free(context);
	OSSL_PARAM_BLD_free(build);
	return rc;
}

rc_t token_key_new(uint64_t epoch, struct span scalar, struct token_key **key)
{
	struct token_key *fresh = calloc(1, sizeof(*fresh));

	if (fresh == NULL)
		return RC_NO_MEMORY;
	fresh->epoch = epoch;
	rc_t rc = scalar.len == TOKEN_KEY_LEN ? point_of(scalar, fresh->point) : RC_FORMAT;
	if (rc == RC_OK)
		rc = pair_make(scalar, fresh->point, &fresh->pair);
	if (rc != RC_OK) {
		token_key_free(&fresh);
		return rc;
	}
	*key = fresh;
	return RC_OK;
}

void token_key_free(struct token_key **key)
{
	if (*key == NULL)
		return;
	EVP_PKEY_free((*key)->pair);
	free(*key);
	*key = NULL;
}

uint64_t token_key_epoch(const struct token_key *key)
{
	return key->epoch;
}

static json_t *json_base64url(const uint8_t *bytes, size_t len)
{
	struct buf text = BUF_INIT;
	json_t *value = NULL;

	if (base64url_encode(&text, SPAN(bytes, len)) == RC_OK)
		value = json_stringn((const char *)text.data, text.len);
	buf_free(&text);
	return value;
}

#define KID_TEXT 21

static void kid_format(uint64_t epoch, char kid[KID_TEXT])
{
	snprintf(kid, KID_TEXT, "%llu", (unsigned long long)epoch);
}

json_t *token_key_jwk(const struct token_key *key)
{
	char kid[KID_TEXT];

	kid_format(key->epoch, kid);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o}", "kty", "EC", "crv", "P-256", "use",
		"sig", "alg", "ES256", "kid", kid, "x",
		json_base64url(key->point + 1, JOSE_P256_LEN), "y",
		json_base64url(key->point + 1 + JOSE_P256_LEN, JOSE_P256_LEN));
}

/* ---- making ---- */

static const char *const modes[] = {
	[CLIENT_EXPLICIT] = "explicit",
	[CLIENT_OAUTH2CODE] = "oauth2code",
};

static json_t *header_make(const struct token_key *key)
{
	char kid[KID_TEXT];

	kid_format(key->epoch, kid);
	return json_pack("{s:s, s:s, s:s}", "alg", "ES256", "typ", "at+jwt", "kid", kid);
}

static void put(json_t *object, const char *name, json_t *value, bool *good)
{
	*good = json_object_set_new(object, name, value) == 0 && *good;
}

static void put_id(json_t *object, const char *name, const struct id *id, bool *good)
{
	char text[ID_TEXT];

	id_format(id, text);
	put(object, name, json_string(text), good);
}

static json_t *claims_make(const char *issuer, const struct token_claims *claims)
{
	bool personal = !id_is_zero(&claims->subscriber), good = true;
	json_t *object = json_object();

	put(object, "iss", json_string(issuer), &good);
	put(object, "aud", json_sprintf("%s/csc", issuer), &good);
	put_id(object, "sub", personal ? &claims->subscriber : &claims->client, &good);
	put_id(object, "client_id", &claims->client, &good);
	put(object, "scope", json_string("service"), &good);
	put(object, "iat", json_integer(claims->issued_ms / 1000), &good);
	put(object, "exp", json_integer(claims->expires_ms / 1000), &good);
	put_id(object, "jti", &claims->jti, &good);
	put_id(object, "agency", &claims->agency, &good);
	put(object, "mode", json_string(modes[claims->mode]), &good);
	if (personal)
		put_id(object, "consent", &claims->consent, &good);
	if (claims->bound)
		put(object, "cnf",
			json_pack("{s:o}", "x5t#S256",
				json_base64url(claims->tls_sha256, SHA256_LEN)),
			&good);
	if (!good) {
		json_decref(object);
		return NULL;
	}
	return object;
}

/* Takes the value over. */
static rc_t part_append(struct buf *out, json_t *value)
{
	char *text = value == NULL ? NULL : json_dumps(value, JSON_COMPACT);
	rc_t rc = text == NULL ? RC_NO_MEMORY : base64url_encode(out, span_string(text));

	free(text);
	json_decref(value);
	return rc;
}

rc_t token_jwt_make(const struct token_key *key, const char *issuer,
	const struct token_claims *claims, struct secret *text)
{
	struct secret made = SECRET_INIT;
	uint8_t raw[JOSE_ES256_LEN];

	rc_t rc = part_append(&made.bytes, header_make(key));
	if (rc == RC_OK)
		rc = buf_append_string(&made.bytes, ".");
	if (rc == RC_OK)
		rc = part_append(&made.bytes, claims_make(issuer, claims));
	if (rc == RC_OK)
		rc = jose_es256_sign(key->pair, secret_span(&made), raw);
	if (rc == RC_OK)
		rc = buf_append_string(&made.bytes, ".");
	if (rc == RC_OK)
		rc = base64url_encode(&made.bytes, SPAN(raw, sizeof(raw)));
	if (rc == RC_OK)
		rc = secret_set(text, secret_span(&made));
	secret_free(&made);
	return rc;
}

/* ---- reading ---- */

static const char *text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static bool is_text(const json_t *object, const char *name, const char *wanted)
{
	const char *text = text_of(object, name);

	return text != NULL && strcmp(text, wanted) == 0;
}

static bool kid_parse(const char *text, uint64_t *epoch)
{
	char again[KID_TEXT];

	if (text == NULL || strlen(text) > 9 || strspn(text, "0123456789") != strlen(text))
		return false;
	*epoch = strtoull(text, NULL, 10);
	kid_format(*epoch, again);
	return strcmp(text, again) == 0;
}

/* Three members and these values: no `none`, no HMAC with a public key, no other kind of JWT, no
 * key that the token brings along, nothing critical that we would not know. */
static bool header_read(struct span part, uint64_t *epoch)
{
	json_t *header = NULL;
	bool ours = jose_object(part, &header) == RC_OK && json_object_size(header) == 3 &&
		    is_text(header, "alg", "ES256") && is_text(header, "typ", "at+jwt") &&
		    kid_parse(text_of(header, "kid"), epoch);

	json_decref(header);
	return ours;
}

static rc_t key_find(
	struct token_key *const *keys, size_t count, uint64_t epoch, const struct token_key **found)
{
	uint64_t oldest = UINT64_MAX, newest = 0;

	for (size_t i = 0; i < count; i++) {
		if (keys[i] == NULL)
			continue;
		if (keys[i]->epoch == epoch) {
			*found = keys[i];
			return RC_OK;
		}
		oldest = keys[i]->epoch < oldest ? keys[i]->epoch : oldest;
		newest = keys[i]->epoch > newest ? keys[i]->epoch : newest;
	}
	if (oldest == UINT64_MAX)
		return RC_UNAVAILABLE;
	if (epoch < oldest)
		return RC_TOKEN_EXPIRED;
	return epoch < newest ? RC_UNAVAILABLE : RC_TOKEN_INVALID;
}

static bool id_read(const json_t *object, const char *name, struct id *id)
{
	return id_parse(id, text_of(object, name)) == RC_OK && !id_is_zero(id);
}

static bool seconds_read(const json_t *object, const char *name, int64_t *ms)
{
	const json_t *value = json_object_get(object, name);

	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
		json_integer_value(value) > INT64_MAX / 1000)
		return false;
	*ms = json_integer_value(value) * 1000;
	return true;
}

static bool binding_read(const json_t *object, struct token_claims *claims)
{
	const json_t *confirmation = json_object_get(object, "cnf");
	const char *text = text_of(confirmation, "x5t#S256");
	struct buf bytes = BUF_INIT;

	if (confirmation == NULL)
		return true;
	claims->bound = text != NULL && base64url_decode(&bytes, span_string(text)) == RC_OK &&
			bytes.len == SHA256_LEN;
	if (claims->bound)
		memcpy(claims->tls_sha256, bytes.data, SHA256_LEN);
	buf_free(&bytes);
	return claims->bound;
}

static bool mode_read(const json_t *object, enum client_mode *mode)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (is_text(object, "mode", modes[i])) {
			*mode = (enum client_mode)i;
			return true;
		}
	}
	return false;
}

/* A consent makes the token its subscriber's; without one the client acts for itself. */
static bool parties_read(const json_t *object, struct token_claims *claims)
{
	struct id subject;

	if (!id_read(object, "sub", &subject) || !id_read(object, "client_id", &claims->client) ||
		!id_read(object, "agency", &claims->agency) || !mode_read(object, &claims->mode))
		return false;
	if (json_object_get(object, "consent") == NULL)
		return id_equal(&subject, &claims->client);
	claims->subscriber = subject;
	return id_read(object, "consent", &claims->consent);
}

static bool terms_read(const json_t *object, const char *issuer, struct token_claims *claims)
{
	char audience[URL_MAX];
	int len = snprintf(audience, sizeof(audience), "%s/csc", issuer);

	return len > 0 && (size_t)len < sizeof(audience) && is_text(object, "iss", issuer) &&
	       is_text(object, "aud", audience) && is_text(object, "scope", "service") &&
	       id_read(object, "jti", &claims->jti) &&
	       seconds_read(object, "iat", &claims->issued_ms) &&
	       seconds_read(object, "exp", &claims->expires_ms);
}

static rc_t times_check(const json_t *object, const struct token_claims *claims, int64_t now_ms)
{
	int64_t from_ms = claims->issued_ms;

	if (json_object_get(object, "nbf") != NULL && !seconds_read(object, "nbf", &from_ms))
		return RC_TOKEN_INVALID;
	if (from_ms > now_ms + TOKEN_SKEW_MS || claims->issued_ms > now_ms + TOKEN_SKEW_MS ||
		claims->expires_ms > claims->issued_ms + TOKEN_LIFETIME_S * INT64_C(1000))
		return RC_TOKEN_INVALID;
	return claims->expires_ms > now_ms ? RC_OK : RC_TOKEN_EXPIRED;
}

rc_t token_claims_read(
	struct span json, const char *issuer, int64_t now_ms, struct token_claims *claims)
{
	struct token_claims got = {.bound = false};
	json_t *object = NULL;
	bool ours = jose_json(json, &object) == RC_OK && terms_read(object, issuer, &got) &&
		    parties_read(object, &got) && binding_read(object, &got);
	rc_t rc = ours ? times_check(object, &got, now_ms) : RC_TOKEN_INVALID;

	json_decref(object);
	if (rc == RC_OK)
		*claims = got;
	return rc;
}

/* Its signature, before a claim is read. */
static rc_t parts_verify(
	struct token_key *const *keys, size_t count, const struct jose_parts *parts)
{
	const struct token_key *key = NULL;
	struct buf signature = BUF_INIT;
	uint64_t epoch = 0;
	rc_t rc = header_read(parts->header, &epoch) ? RC_OK : RC_TOKEN_INVALID;

	if (rc == RC_OK)
		rc = key_find(keys, count, epoch, &key);
	if (rc != RC_OK)
		return rc;
	rc = base64url_decode(&signature, parts->signature);
	if (rc == RC_OK)
		rc = jose_es256_verify(key->pair, parts->signed_part, buf_span(&signature));
	buf_free(&signature);
	return rc == RC_OK ? RC_OK : RC_TOKEN_INVALID;
}

rc_t token_jwt_read(struct token_key *const *keys, size_t count, const char *issuer,
	struct span text, int64_t now_ms, struct token_claims *claims)
{
	struct buf json = BUF_INIT;
	struct jose_parts parts;
	rc_t rc = jose_split(text, TOKEN_JWT_MAX, &parts) == RC_OK ? RC_OK : RC_TOKEN_INVALID;

	if (rc == RC_OK)
		rc = parts_verify(keys, count, &parts);
	if (rc != RC_OK)
		return rc;
	rc = base64url_decode(&json, parts.claims);
	rc = rc == RC_OK ? token_claims_read(buf_span(&json), issuer, now_ms, claims)
			 : RC_TOKEN_INVALID;
	buf_free(&json);
	return rc;
}
