#include "core/oauth/jws.h"

#include "base/base64.h"
#include "base/digest.h"
#include "base/secret.h"
#include "core/oauth/jose.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 4096 /* each verification is done on the loop */
#define RSA_EXPONENT_BITS 64

static const char *const algo_names[] = {
	[JWS_RS256] = "RS256",
	[JWS_PS256] = "PS256",
	[JWS_ES256] = "ES256",
	[JWS_HS256] = "HS256",
};

static bool algo_from_name(const char *name, enum jws_algo *algo)
{
	for (size_t i = 0; name != NULL && i < sizeof(algo_names) / sizeof(algo_names[0]); i++) {
		if (strcmp(algo_names[i], name) == 0) {
			*algo = (enum jws_algo)i;
			return true;
		}
	}
	return false;
}

/* The token */

struct jws {
	enum jws_algo algo;
	struct buf signed_part; /* header '.' claims, as they came */
	struct buf signature;
	json_t *header, *claims;
};

/* RFC 7515 §4.1: what would change how it is verified, or by which key. */
static rc_t header_check(const json_t *header, enum jws_algo *algo)
{
	static const char *const refused[] = {"crit", "b64", "jwk", "jku", "x5u", "x5c"};
	const json_t *kid = json_object_get(header, "kid"), *typ = json_object_get(header, "typ");

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		if (json_object_get(header, refused[i]) != NULL)
			return RC_FORMAT;
	}
	if ((kid != NULL && !json_is_string(kid)) || json_string_length(kid) > JWS_KID_MAX ||
		(typ != NULL && !json_is_string(typ)))
		return RC_FORMAT;
	return algo_from_name(json_string_value(json_object_get(header, "alg")), algo) ? RC_OK
										       : RC_FORMAT;
}

rc_t jws_parse(struct span text, struct jws **jws)
{
	struct jose_parts parts;
	struct jws *fresh = NULL;
	rc_t rc = jose_split(text, JWS_TEXT_MAX, &parts);

	if (rc != RC_OK)
		return rc;
	fresh = calloc(1, sizeof(*fresh));
	if (fresh == NULL)
		return RC_NO_MEMORY;
	rc = jose_object(parts.header, &fresh->header);
	if (rc == RC_OK)
		rc = header_check(fresh->header, &fresh->algo);
	if (rc == RC_OK)
		rc = jose_object(parts.claims, &fresh->claims);
	if (rc == RC_OK)
		rc = base64url_decode(&fresh->signature, parts.signature);
	if (rc == RC_OK)
		rc = buf_set(&fresh->signed_part, parts.signed_part);
	if (rc == RC_OK)
		*jws = fresh;
	else
		jws_free(&fresh);
	return rc;
}

void jws_free(struct jws **jws)
{
	if (*jws == NULL)
		return;
	buf_free(&(*jws)->signed_part);
	buf_free(&(*jws)->signature);
	json_decref((*jws)->header);
	json_decref((*jws)->claims);
	free(*jws);
	*jws = NULL;
}

const json_t *jws_claims(const struct jws *jws)
{
	return jws->claims;
}

const char *jws_type(const struct jws *jws)
{
	return json_string_value(json_object_get(jws->header, "typ"));
}

/* The keys */

struct jws_key {
	enum jws_algo algo;
	EVP_PKEY *key;
	json_t *jwk; /* as it is kept */
};

struct jws_keys {
	struct jws_key keys[JWS_KEYS_MAX];
	size_t count;
};

/* A point that is not on its curve is refused here. */
static rc_t key_from_params(const char *type, OSSL_PARAM_BLD *build, EVP_PKEY **key)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *fresh = NULL;
	rc_t rc = RC_FORMAT;

	if (params == NULL || context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
		EVP_PKEY_fromdata(context, &fresh, EVP_PKEY_PUBLIC_KEY, params) != 1)
		goto out;
	*key = fresh;
	fresh = NULL;
	rc = RC_OK;
out:
	EVP_PKEY_free(fresh);
	EVP_PKEY_CTX_free(context);
	OSSL_PARAM_free(params);
	ERR_clear_error();
	return rc;
}

/* A member's number, base64url of its big-endian bytes (RFC 7518 §6.3.1). */
static BIGNUM *member_number(const json_t *jwk, const char *name)
{
	const json_t *member = json_object_get(jwk, name);
	struct buf bytes = BUF_INIT;
	BIGNUM *number = NULL;

	if (json_is_string(member) &&
		base64url_decode(&bytes,
			SPAN(json_string_value(member), json_string_length(member))) == RC_OK &&
		bytes.len > 0 && bytes.len <= RSA_BITS_MAX / 8)
		number = BN_bin2bn(bytes.data, (int)bytes.len, NULL);
	buf_free(&bytes);
	return number;
}

static rc_t rsa_read(const json_t *jwk, EVP_PKEY **key, const char **why)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *n = member_number(jwk, "n"), *e = member_number(jwk, "e");
	rc_t rc = RC_FORMAT;

	*why = "an RSA key needs n and e, in base64url, of at most 4096 bits";
	if (build == NULL || n == NULL || e == NULL)
		goto out;
	*why = "an RSA key must have 2048 to 4096 bits, and its n be odd";
	if (BN_num_bits(n) < RSA_BITS_MIN || !BN_is_odd(n))
		goto out;
	*why = "an RSA key's e must be odd and more than 1";
	if (!BN_is_odd(e) || BN_is_one(e) || BN_num_bits(e) > RSA_EXPONENT_BITS)
		goto out;
	*why = "an RSA key is not valid";
	if (OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
		OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		rc = key_from_params("RSA", build, key);
out:
	BN_free(n);
	BN_free(e);
	OSSL_PARAM_BLD_free(build);
	return rc;
}

static rc_t coordinate_read(const json_t *jwk, const char *name, uint8_t out[JOSE_P256_LEN])
{
	const json_t *member = json_object_get(jwk, name);
	struct buf bytes = BUF_INIT;
	rc_t rc = RC_FORMAT;

	if (json_is_string(member))
		rc = base64url_decode(
			&bytes, SPAN(json_string_value(member), json_string_length(member)));
	if (rc == RC_OK && bytes.len != JOSE_P256_LEN)
		rc = RC_FORMAT;
	if (rc == RC_OK)
		memcpy(out, bytes.data, JOSE_P256_LEN);
	buf_free(&bytes);
	return rc;
}

static rc_t p256_read(const json_t *jwk, EVP_PKEY **key, const char **why)
{
	const char *curve = json_string_value(json_object_get(jwk, "crv"));
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	uint8_t point[1 + 2 * JOSE_P256_LEN] = {0x04}; /* uncompressed */
	rc_t rc = RC_FORMAT;

	*why = "an EC key must be on P-256";
	if (build == NULL || curve == NULL || strcmp(curve, "P-256") != 0)
		goto out;
	*why = "an EC key needs x and y, 32 bytes each in base64url, of a point on P-256";
	if (coordinate_read(jwk, "x", point + 1) == RC_OK &&
		coordinate_read(jwk, "y", point + 1 + JOSE_P256_LEN) == RC_OK &&
		OSSL_PARAM_BLD_push_utf8_string(
			build, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) == 1 &&
		OSSL_PARAM_BLD_push_octet_string(
			build, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)) == 1)
		rc = key_from_params("EC", build, key);
out:
	OSSL_PARAM_BLD_free(build);
	return rc;
}

/* An RSA key that names no algorithm is for RS256, as RFC 7591 has it. */
static bool jwk_algo(const json_t *jwk, bool rsa, enum jws_algo *algo)
{
	const json_t *name = json_object_get(jwk, "alg");

	*algo = rsa ? JWS_RS256 : JWS_ES256;
	if (name == NULL)
		return true;
	if (!algo_from_name(json_string_value(name), algo))
		return false;
	return rsa ? *algo == JWS_RS256 || *algo == JWS_PS256 : *algo == JWS_ES256;
}

static const char *jwk_fault(const json_t *jwk)
{
	/* RFC 7518 §6.2.2, §6.3.2, §6.4: a secret, or a part of one */
	static const char *const secrets[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};
	const json_t *use = json_object_get(jwk, "use"), *kid = json_object_get(jwk, "kid");

	if (!json_is_object(jwk))
		return "a key is no JSON object";
	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
		if (json_object_get(jwk, secrets[i]) != NULL)
			return "it holds a private key: keep that one, make a new pair and send the "
			       "public part alone";
	}
	if (use != NULL && (!json_is_string(use) || strcmp(json_string_value(use), "sig") != 0))
		return "a key's use must be sig";
	if (kid != NULL && (!json_is_string(kid) || json_string_length(kid) == 0 ||
				   json_string_length(kid) > JWS_KID_MAX))
		return "a key's kid must be a text of 1 to 255 bytes";
	return NULL;
}

/* What is kept of a key: nothing but the key. */
static json_t *jwk_kept(json_t *jwk, bool rsa, enum jws_algo algo)
{
	static const char *const rsa_members[] = {"kty", "kid", "n", "e", NULL};
	static const char *const ec_members[] = {"kty", "kid", "crv", "x", "y", NULL};
	json_t *kept = json_object();
	int failed = json_object_set_new(kept, "alg", json_string(algo_names[algo]));

	for (const char *const *name = rsa ? rsa_members : ec_members; *name != NULL; name++) {
		json_t *member = json_object_get(jwk, *name);
		if (member != NULL)
			failed |= json_object_set(kept, *name, member);
	}
	if (failed == 0)
		return kept;
	json_decref(kept);
	return NULL;
}

static rc_t key_read(json_t *jwk, struct jws_key *key, const char **why)
{
	const char *type = json_string_value(json_object_get(jwk, "kty"));
	bool rsa = type != NULL && strcmp(type, "RSA") == 0;

	*why = jwk_fault(jwk);
	if (*why != NULL)
		return RC_FORMAT;
	*why = "a key's kty must be RSA or EC";
	if (type == NULL || (!rsa && strcmp(type, "EC") != 0))
		return RC_FORMAT;
	*why = "a key's alg must be RS256 or PS256 (RSA), or ES256 (EC)";
	if (!jwk_algo(jwk, rsa, &key->algo))
		return RC_FORMAT;
	rc_t rc = rsa ? rsa_read(jwk, &key->key, why) : p256_read(jwk, &key->key, why);
	if (rc != RC_OK)
		return rc;
	key->jwk = jwk_kept(jwk, rsa, key->algo);
	return key->jwk == NULL ? RC_NO_MEMORY : RC_OK;
}

static const char *key_id(const struct jws_key *key)
{
	return json_string_value(json_object_get(key->jwk, "kid"));
}

static bool kid_repeated(const struct jws_keys *keys, const struct jws_key *key)
{
	const char *kid = key_id(key);

	for (size_t i = 0; kid != NULL && i < keys->count; i++) {
		const char *other = key_id(&keys->keys[i]);
		if (other != NULL && strcmp(other, kid) == 0)
			return true;
	}
	return false;
}

static rc_t keys_add(struct jws_keys *keys, json_t *jwk, const char **why)
{
	struct jws_key key = {0};
	rc_t rc = key_read(jwk, &key, why);

	if (rc == RC_OK && kid_repeated(keys, &key)) {
		*why = "two keys have the same kid";
		rc = RC_FORMAT;
	}
	if (rc == RC_OK) {
		keys->keys[keys->count++] = key;
		return RC_OK;
	}
	EVP_PKEY_free(key.key);
	json_decref(key.jwk);
	return rc;
}

rc_t jws_keys_read(const json_t *set, struct jws_keys **keys, const char **why)
{
	const json_t *list = json_object_get(set, "keys");
	size_t count = json_array_size(list);
	struct jws_keys *fresh = NULL;
	rc_t rc = RC_OK;

	*why = "there is no array `keys` of 1 to 8 keys";
	if (count == 0 || count > JWS_KEYS_MAX)
		return RC_FORMAT;
	fresh = calloc(1, sizeof(*fresh));
	if (fresh == NULL)
		return RC_NO_MEMORY;
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		rc = keys_add(fresh, json_array_get(list, i), why);
	if (rc == RC_OK)
		*keys = fresh;
	else
		jws_keys_free(&fresh);
	return rc;
}

rc_t jws_keys_parse(struct span text, struct jws_keys **keys, const char **why)
{
	json_t *set = NULL;
	rc_t rc = RC_FORMAT;

	*why = "it is no JSON object";
	if (text.len > 0)
		set = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(set))
		rc = jws_keys_read(set, keys, why);
	json_decref(set);
	return rc;
}

void jws_keys_free(struct jws_keys **keys)
{
	if (*keys == NULL)
		return;
	for (size_t i = 0; i < (*keys)->count; i++) {
		EVP_PKEY_free((*keys)->keys[i].key);
		json_decref((*keys)->keys[i].jwk);
	}
	free(*keys);
	*keys = NULL;
}

static int keys_write(const char *bytes, size_t len, void *arg)
{
	return buf_append(arg, bytes, len) == RC_OK ? 0 : -1;
}

rc_t jws_keys_print(const struct jws_keys *keys, struct buf *out)
{
	json_t *list = json_array();
	rc_t rc = list == NULL ? RC_NO_MEMORY : RC_OK;

	for (size_t i = 0; rc == RC_OK && i < keys->count; i++) {
		if (json_array_append(list, keys->keys[i].jwk) != 0)
			rc = RC_NO_MEMORY;
	}
	json_t *set = rc == RC_OK ? json_pack("{s:O}", "keys", list) : NULL;
	if (set == NULL || json_dump_callback(set, keys_write, out, JSON_COMPACT) != 0)
		rc = RC_NO_MEMORY;
	json_decref(set);
	json_decref(list);
	return rc;
}

/* The signature */

static rc_t rsa_verify(const struct jws_key *key, struct span message, struct span signature)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *options = NULL;
	rc_t rc = RC_FORMAT;

	if (context == NULL ||
		EVP_DigestVerifyInit(context, &options, EVP_sha256(), NULL, key->key) != 1)
		goto out;
	/* RFC 7518 §3.5: MGF1 with SHA-256, a salt as long as the digest */
	if (key->algo == JWS_PS256 &&
		(EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) != 1 ||
			EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) != 1))
		goto out;
	if (EVP_DigestVerify(context, signature.data, signature.len, message.data, message.len) ==
		1)
		rc = RC_OK;
out:
	EVP_MD_CTX_free(context);
	ERR_clear_error();
	return rc;
}

/* The algorithm is the key's, whatever the token would like. */
static bool key_suits(const struct jws_key *key, const struct jws *jws)
{
	const char *named = json_string_value(json_object_get(jws->header, "kid"));
	const char *own = key_id(key);

	return key->algo == jws->algo && (named == NULL || own == NULL || strcmp(named, own) == 0);
}

rc_t jws_verify(const struct jws *jws, const struct jws_keys *keys)
{
	struct span message = buf_span(&jws->signed_part), signature = buf_span(&jws->signature);
	rc_t rc = RC_FORMAT; /* until a key verifies it */

	for (size_t i = 0; rc == RC_FORMAT && signature.len > 0 && i < keys->count; i++) {
		const struct jws_key *key = &keys->keys[i];
		if (!key_suits(key, jws))
			continue;
		rc = key->algo == JWS_ES256 ? jose_es256_verify(key->key, message, signature)
					    : rsa_verify(key, message, signature);
	}
	return rc;
}

rc_t jws_verify_hmac(const struct jws *jws, struct span key)
{
	uint8_t expected[SHA256_LEN];

	if (jws->algo != JWS_HS256 || key.len < SHA256_LEN)
		return RC_FORMAT;
	rc_t rc = digest_hmac_sha256(key, buf_span(&jws->signed_part), expected);
	if (rc != RC_OK)
		return rc;
	return secret_equal(SPAN(expected, SHA256_LEN), buf_span(&jws->signature)) ? RC_OK
										   : RC_FORMAT;
}
