/* link: core */
/* Compact JWS of others: which are read, which keys are taken, which signatures count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base64.h"
#include "base/digest.h"
#include "core/oauth/jws.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>

/* RFC 7515, appendix A: the same claims under three algorithms */
#define CLAIMS                                                                                     \
	"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0" \
	"cnVlfQ"
#define HS256_TEXT                                         \
	"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." CLAIMS \
	".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
#define HS256_KEY \
	"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
#define RS256_TEXT                                                                                \
	"eyJhbGciOiJSUzI1NiJ9." CLAIMS                                                            \
	".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_"  \
	"O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARN" \
	"PvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1" \
	"phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
#define RS256_JWK                                                                          \
	"{\"kty\":\"RSA\",\"n\":\""                                                        \
	"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJ" \
	"PMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0" \
	"LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uD" \
	"Zlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2" \
	"PAcDTW9gb54h4FRWyuXpoQ"                                                           \
	"\",\"e\":\"AQAB\"}"
#define ES256_TEXT                     \
	"eyJhbGciOiJFUzI1NiJ9." CLAIMS \
	".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
#define ES256_X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define ES256_Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define ES256_JWK "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" ES256_X "\",\"y\":\"" ES256_Y "\"}"
#define SET(keys) "{\"keys\":[" keys "]}"

static struct jws *parsed(const char *text)
{
	struct jws *jws = NULL;

	assert_int_equal(jws_parse(span_string(text), &jws), RC_OK);
	return jws;
}

static struct jws_keys *keys_of(const char *text)
{
	struct jws_keys *keys = NULL;
	const char *why = "";

	if (jws_keys_parse(span_string(text), &keys, &why) != RC_OK)
		fail_msg("%s: %s", why, text);
	return keys;
}

static rc_t verified(const char *text, const char *set)
{
	struct jws *jws = parsed(text);
	struct jws_keys *keys = keys_of(set);
	rc_t rc = jws_verify(jws, keys);

	jws_keys_free(&keys);
	jws_free(&jws);
	return rc;
}

static rc_t verified_hmac(const char *text, struct span key)
{
	struct jws *jws = parsed(text);
	rc_t rc = jws_verify_hmac(jws, key);

	jws_free(&jws);
	return rc;
}

/* {"alg":…} and claims, both given as JSON, without a signature that counts */
static void compose(struct buf *out, const char *header, const char *claims, struct span signature)
{
	buf_clear(out);
	assert_int_equal(base64url_encode(out, span_string(header)), RC_OK);
	assert_int_equal(buf_append_string(out, "."), RC_OK);
	assert_int_equal(base64url_encode(out, span_string(claims)), RC_OK);
	assert_int_equal(buf_append_string(out, "."), RC_OK);
	assert_int_equal(base64url_encode(out, signature), RC_OK);
}

static rc_t parse_of(const char *header, const char *claims)
{
	struct buf text = BUF_INIT;
	struct jws *jws = NULL;

	compose(&text, header, claims, span_string("signature"));
	rc_t rc = jws_parse(buf_span(&text), &jws);
	jws_free(&jws);
	buf_free(&text);
	return rc;
}

/* Reading */

static void the_claims_are_those_of_the_text(void **state)
{
	struct jws *jws = parsed(HS256_TEXT);

	(void)state;
	assert_string_equal(jws_type(jws), "JWT");
	assert_string_equal(json_string_value(json_object_get(jws_claims(jws), "iss")), "joe");
	jws_free(&jws);
	jws = parsed(ES256_TEXT);
	assert_null(jws_type(jws));
	jws_free(&jws);
}

static void what_is_no_compact_jws_is_refused(void **state)
{
	static const char *const texts[] = {"", ".", "..", "...", "a.b.c", "e30.e30.", "e30.e30.AA",
		"eyJhbGciOiJFUzI1NiJ9." CLAIMS, "eyJhbGciOiJFUzI1NiJ9." CLAIMS ".AA.AA",
		"eyJhbGciOiJFUzI1NiJ9." CLAIMS ".AA=", "eyJhbGciOiJFUzI1NiJ9." CLAIMS ".A",
		"eyJhbGciOiJFUzI1NiJ9." CLAIMS ".AB" /* not canonical */,
		" eyJhbGciOiJFUzI1NiJ9." CLAIMS ".AA", "eyJhbGciOiJFUzI1NiJ9.W10.AA",
		"eyJhbGciOiJFUzI1NiJ9.ImEi.AA", "bnVsbA." CLAIMS ".AA"};
	struct jws *jws = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(jws_parse(span_string(texts[i]), &jws), RC_FORMAT);
	assert_int_equal(jws_parse(SPAN_NONE, &jws), RC_FORMAT);
}

static void a_text_beyond_the_limit_is_refused(void **state)
{
	static char claims[JWS_TEXT_MAX];

	(void)state;
	snprintf(claims, sizeof(claims), "{\"a\":\"%06000d\"}", 0);
	assert_int_equal(parse_of("{\"alg\":\"ES256\"}", claims), RC_OK);
	snprintf(claims, sizeof(claims), "{\"a\":\"%06200d\"}", 0);
	assert_int_equal(parse_of("{\"alg\":\"ES256\"}", claims), RC_FORMAT);
}

static void headers_that_would_change_the_key_or_the_rules_are_refused(void **state)
{
	static const char *const headers[] = {"{}", "{\"alg\":null}", "{\"alg\":7}",
		"{\"alg\":\"none\"}", "{\"alg\":\"None\"}", "{\"alg\":\"\"}", "{\"alg\":\"es256\"}",
		"{\"alg\":\"ES384\"}", "{\"alg\":\"RS512\"}", "{\"alg\":\"HS512\"}",
		"{\"alg\":\"EdDSA\"}", "{\"alg\":[\"ES256\"]}",
		"{\"alg\":\"ES256\",\"alg\":\"ES256\"}", "{\"alg\":\"ES256\",\"crit\":[\"exp\"]}",
		"{\"alg\":\"ES256\",\"crit\":[]}", "{\"alg\":\"ES256\",\"b64\":true}",
		"{\"alg\":\"ES256\",\"jwk\":{}}", "{\"alg\":\"ES256\",\"jku\":\"https://a\"}",
		"{\"alg\":\"ES256\",\"x5u\":\"https://a\"}", "{\"alg\":\"ES256\",\"x5c\":[]}",
		"{\"alg\":\"ES256\",\"kid\":7}", "{\"alg\":\"ES256\",\"typ\":7}"};

	(void)state;
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		if (parse_of(headers[i], "{}") != RC_FORMAT)
			fail_msg("%s", headers[i]);
	}
	assert_int_equal(parse_of("{\"alg\":\"ES256\",\"kid\":\"1\",\"x5t\":\"a\"}", "{}"), RC_OK);
	assert_int_equal(parse_of("{\"alg\":\"ES256\"}", "{\"sub\":1,\"sub\":2}"), RC_FORMAT);
}

/* Verifying */

static void the_examples_of_the_standard_verify(void **state)
{
	struct buf key = BUF_INIT;

	(void)state;
	assert_int_equal(verified(RS256_TEXT, SET(RS256_JWK)), RC_OK);
	assert_int_equal(verified(ES256_TEXT, SET(ES256_JWK)), RC_OK);
	assert_int_equal(verified(ES256_TEXT, SET(RS256_JWK "," ES256_JWK)), RC_OK);
	assert_int_equal(base64url_decode(&key, span_string(HS256_KEY)), RC_OK);
	assert_int_equal(verified_hmac(HS256_TEXT, buf_span(&key)), RC_OK);
	key.data[0] ^= 1;
	assert_int_equal(verified_hmac(HS256_TEXT, buf_span(&key)), RC_FORMAT);
	buf_free(&key);
}

static void a_changed_byte_does_not_verify(void **state)
{
	static const char *const texts[] = {RS256_TEXT, ES256_TEXT};
	struct jws_keys *keys = keys_of(SET(RS256_JWK "," ES256_JWK));
	char text[1024];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		size_t len = strlen(texts[i]);
		for (size_t at = 0; at < len; at++) {
			struct jws *jws = NULL;
			memcpy(text, texts[i], len + 1);
			text[at] = text[at] == 'A' ? 'B' : 'A';
			if (jws_parse(SPAN(text, len), &jws) == RC_OK)
				assert_int_equal(jws_verify(jws, keys), RC_FORMAT);
			jws_free(&jws);
		}
	}
	jws_keys_free(&keys);
}

static void the_algorithm_is_the_keys_and_not_the_tokens(void **state)
{
	struct buf text = BUF_INIT, key = BUF_INIT;
	uint8_t mac[SHA256_LEN];
	static const char n[] = "ofgWCuLjybRlzo0tZWJj";

	(void)state;
	/* HS256 with what is public of the key */
	assert_int_equal(buf_set(&key, span_string(n)), RC_OK);
	compose(&text, "{\"alg\":\"HS256\"}", "{}", SPAN_NONE);
	assert_int_equal(
		digest_hmac_sha256(buf_span(&key), SPAN(text.data, text.len - 1), mac), RC_OK);
	compose(&text, "{\"alg\":\"HS256\"}", "{}", SPAN(mac, sizeof(mac)));
	struct jws *jws = NULL;
	assert_int_equal(jws_parse(buf_span(&text), &jws), RC_OK);
	struct jws_keys *keys = keys_of(SET(RS256_JWK "," ES256_JWK));
	assert_int_equal(jws_verify(jws, keys), RC_FORMAT);
	assert_int_equal(jws_verify_hmac(jws, SPAN_NONE), RC_FORMAT);
	jws_keys_free(&keys);
	jws_free(&jws);
	assert_int_equal(verified_hmac(ES256_TEXT, span_string(HS256_KEY)), RC_FORMAT);
	buf_free(&text);
	buf_free(&key);
}

static void a_token_without_a_kid_is_tried_with_keys_that_have_one(void **state)
{
	(void)state;
	assert_int_equal(verified(ES256_TEXT, SET("{\"kid\":\"a\",\"kty\":\"EC\",\"crv\":\"P-256\","
						  "\"x\":\"" ES256_X "\",\"y\":\"" ES256_Y "\"}")),
		RC_OK);
}

/* PS256, of which the standard has no example */

static void sign_rsa(EVP_PKEY *key, struct span message, int padding, int salt, struct buf *out)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *options = NULL;
	size_t len = 0;

	assert_int_equal(EVP_DigestSignInit(context, &options, EVP_sha256(), NULL, key), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(options, padding), 1);
	if (padding == RSA_PKCS1_PSS_PADDING)
		assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(options, salt), 1);
	assert_int_equal(EVP_DigestSign(context, NULL, &len, message.data, message.len), 1);
	assert_int_equal(buf_reserve(out, len), RC_OK);
	assert_int_equal(EVP_DigestSign(context, out->data, &len, message.data, message.len), 1);
	out->len = len;
	EVP_MD_CTX_free(context);
}

static void put_number(struct buf *out, EVP_PKEY *key, const char *parameter)
{
	BIGNUM *number = NULL;
	uint8_t bytes[512];

	assert_int_equal(EVP_PKEY_get_bn_param(key, parameter, &number), 1);
	int len = BN_bn2bin(number, bytes);
	assert_int_equal(base64url_encode(out, SPAN(bytes, (size_t)len)), RC_OK);
	BN_free(number);
}

static rc_t ps256_verified(EVP_PKEY *key, const char *set, const char *algo, int padding, int salt)
{
	struct buf text = BUF_INIT, signature = BUF_INIT;
	char header[64];

	snprintf(header, sizeof(header), "{\"alg\":\"%s\"}", algo);
	compose(&text, header, "{}", SPAN_NONE);
	sign_rsa(key, SPAN(text.data, text.len - 1), padding, salt, &signature);
	compose(&text, header, "{}", buf_span(&signature));
	const char *whole = NULL;
	assert_int_equal(buf_string(&text, &whole), RC_OK);
	rc_t rc = verified(whole, set);
	buf_free(&signature);
	buf_free(&text);
	return rc;
}

static void ps256_has_a_salt_as_long_as_the_digest(void **state)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);
	struct buf set = BUF_INIT;
	const char *text = NULL;

	(void)state;
	assert_int_equal(
		buf_append_string(&set, "{\"keys\":[{\"kty\":\"RSA\",\"alg\":\"PS256\",\"n\":\""),
		RC_OK);
	put_number(&set, key, OSSL_PKEY_PARAM_RSA_N);
	assert_int_equal(buf_append_string(&set, "\",\"e\":\""), RC_OK);
	put_number(&set, key, OSSL_PKEY_PARAM_RSA_E);
	assert_int_equal(buf_append_string(&set, "\"}]}"), RC_OK);
	assert_int_equal(buf_string(&set, &text), RC_OK);
	assert_int_equal(ps256_verified(key, text, "PS256", RSA_PKCS1_PSS_PADDING, 32), RC_OK);
	assert_int_equal(ps256_verified(key, text, "PS256", RSA_PKCS1_PSS_PADDING, 20), RC_FORMAT);
	assert_int_equal(ps256_verified(key, text, "PS256", RSA_PKCS1_PADDING, 0), RC_FORMAT);
	assert_int_equal(ps256_verified(key, text, "RS256", RSA_PKCS1_PADDING, 0), RC_FORMAT);
	buf_free(&set);
	EVP_PKEY_free(key);
}

/* Keys */

static void keys_are_kept_without_anything_else(void **state)
{
	struct jws_keys *keys = keys_of("{\"a\":1,\"keys\":[{\"kty\":\"EC\",\"use\":\"sig\","
					"\"crv\":\"P-256\",\"x\":\"" ES256_X "\",\"y\":\"" ES256_Y
					"\",\"kid\":\"k\",\"x5t\":\"t\"}]}");
	struct buf text = BUF_INIT;
	const char *printed = NULL;

	(void)state;
	assert_int_equal(jws_keys_print(keys, &text), RC_OK);
	assert_int_equal(buf_string(&text, &printed), RC_OK);
	assert_string_equal(
		printed, SET("{\"alg\":\"ES256\",\"kty\":\"EC\",\"kid\":\"k\","
			     "\"crv\":\"P-256\",\"x\":\"" ES256_X "\",\"y\":\"" ES256_Y "\"}"));
	jws_keys_free(&keys);
	keys = keys_of(printed);
	jws_keys_free(&keys);
	buf_free(&text);
}

static void keys_that_are_not_good_are_refused_with_a_reason(void **state)
{
	static const struct {
		const char *set, *why;
	} refused[] = {
		{"", "no JSON object"},
		{"[]", "no JSON object"},
		{"{\"keys\":[],\"keys\":[]}", "no JSON object"},
		{"{}", "no array"},
		{SET(""), "no array"},
		{SET("7"), "no JSON object"},
		{SET("{\"kty\":\"oct\",\"k\":\"AA\"}"), "private"},
		{SET("{\"kty\":\"OKP\"}"), "kty"},
		{SET("{\"kty\":\"EC\",\"crv\":\"P-384\"}"), "P-256"},
		{SET("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}"), "x and y"},
		/* not on the curve */
		{SET("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" ES256_X "\",\"y\":\"" ES256_X
		     "\"}"),
			"x and y"},
		{SET("{\"kty\":\"EC\",\"alg\":\"ES384\"}"), "alg"},
		{SET("{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}"), "2048"},
		{SET("{\"kty\":\"RSA\",\"n\":7,\"e\":\"AQAB\"}"), "n and e"},
		{SET("{\"kty\":\"RSA\",\"use\":\"enc\"}"), "use"},
		{SET("{\"kty\":\"RSA\",\"d\":null}"), "private"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct jws_keys *keys = NULL;
		const char *why = NULL;
		assert_int_equal(
			jws_keys_parse(span_string(refused[i].set), &keys, &why), RC_FORMAT);
		assert_null(keys);
		if (strstr(why, refused[i].why) == NULL)
			fail_msg("%s: %s", refused[i].set, why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_claims_are_those_of_the_text),
		cmocka_unit_test(what_is_no_compact_jws_is_refused),
		cmocka_unit_test(a_text_beyond_the_limit_is_refused),
		cmocka_unit_test(headers_that_would_change_the_key_or_the_rules_are_refused),
		cmocka_unit_test(the_examples_of_the_standard_verify),
		cmocka_unit_test(a_changed_byte_does_not_verify),
		cmocka_unit_test(the_algorithm_is_the_keys_and_not_the_tokens),
		cmocka_unit_test(a_token_without_a_kid_is_tried_with_keys_that_have_one),
		cmocka_unit_test(ps256_has_a_salt_as_long_as_the_digest),
		cmocka_unit_test(keys_are_kept_without_anything_else),
		cmocka_unit_test(keys_that_are_not_good_are_refused_with_a_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
