/* link: core */
/* The text of an access token: made by us and read by us, and nothing else passes for one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base64.h"
#include "core/oauth/token.h"
#include "core/oauth/token_jwt.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ISSUER "https://ky.mau.edu.vn"
#define EPOCH 20779
#define NOW_MS INT64_C(1795348800123)

static struct token_key *keys[3]; /* yesterday's, today's, tomorrow's */

static struct token_key *key_of(uint64_t epoch, uint8_t fill)
{
	struct token_key *key = NULL;
	uint8_t scalar[32];

	memset(scalar, fill, sizeof(scalar));
	assert_int_equal(token_key_new(epoch, SPAN(scalar, sizeof(scalar)), &key), RC_OK);
	return key;
}

static int keys_start(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++)
		keys[i] = key_of(EPOCH - 1 + i, (uint8_t)(i + 1));
	return 0;
}

static int keys_stop(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++)
		token_key_free(&keys[i]);
	return 0;
}

static struct token_claims sample(void)
{
	struct token_claims claims = {
		.client = {{1, 2, 3}},
		.agency = {{4, 5}},
		.mode = CLIENT_OAUTH2CODE,
		.subscriber = {{6}},
		.consent = {{7}},
		.bound = true,
		.tls_sha256 = {8, 9},
		.issued_ms = NOW_MS,
		.expires_ms = NOW_MS + TOKEN_LIFETIME_S * INT64_C(1000),
	};

	assert_int_equal(id_at(&claims.jti, NOW_MS), RC_OK);
	return claims;
}

static struct secret made_by(const struct token_key *key, const struct token_claims *claims)
{
	struct secret text = SECRET_INIT;

	assert_int_equal(token_jwt_make(key, ISSUER, claims, &text), RC_OK);
	return text;
}

static rc_t read_at(struct span text, int64_t now_ms, struct token_claims *got)
{
	return token_jwt_read(keys, 3, ISSUER, text, now_ms, got);
}

static rc_t read_text(const char *text)
{
	struct token_claims got;

	return read_at(span_string(text), NOW_MS, &got);
}

/* ---- what was made is read ---- */

static void what_it_says_comes_back(void **state)
{
	struct token_claims claims = sample(), got;
	struct secret text = made_by(keys[1], &claims);

	(void)state;
	assert_int_equal(read_at(secret_span(&text), NOW_MS, &got), RC_OK);
	assert_true(id_equal(&got.jti, &claims.jti));
	assert_true(id_equal(&got.client, &claims.client));
	assert_true(id_equal(&got.agency, &claims.agency));
	assert_true(id_equal(&got.subscriber, &claims.subscriber));
	assert_true(id_equal(&got.consent, &claims.consent));
	assert_int_equal(got.mode, CLIENT_OAUTH2CODE);
	assert_true(got.bound);
	assert_memory_equal(got.tls_sha256, claims.tls_sha256, SHA256_LEN);
	assert_int_equal(got.issued_ms, NOW_MS / 1000 * 1000);
	assert_int_equal(got.expires_ms, got.issued_ms + 3600000);
	assert_int_equal(id_wall_ms(&got.jti), NOW_MS);
	assert_true(text.bytes.len < TOKEN_JWT_MAX);
	secret_free(&text);
}

static void one_without_a_subscriber_is_the_clients_own(void **state)
{
	struct token_claims claims = sample(), got;

	(void)state;
	claims.subscriber = claims.consent = (struct id){{0}};
	claims.bound = false;
	struct secret text = made_by(keys[1], &claims);
	assert_int_equal(read_at(secret_span(&text), NOW_MS, &got), RC_OK);
	assert_true(id_is_zero(&got.subscriber));
	assert_true(id_is_zero(&got.consent));
	assert_false(got.bound);
	secret_free(&text);
}

static void the_keys_of_three_days_are_known(void **state)
{
	struct token_claims claims = sample(), got;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct secret text = made_by(keys[i], &claims);
		assert_int_equal(read_at(secret_span(&text), NOW_MS, &got), RC_OK);
		secret_free(&text);
	}
}

static void the_key_of_an_earlier_day_is_over_and_of_a_later_one_none_of_ours(void **state)
{
	struct token_claims claims = sample(), got;
	struct token_key *others[] = {key_of(EPOCH - 2, 9), key_of(EPOCH + 2, 9)};
	const rc_t wanted[] = {RC_TOKEN_EXPIRED, RC_TOKEN_INVALID};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct secret text = made_by(others[i], &claims);
		assert_int_equal(read_at(secret_span(&text), NOW_MS, &got), wanted[i]);
		secret_free(&text);
		token_key_free(&others[i]);
	}
}

static void a_key_that_is_missing_is_no_reason_to_call_the_token_bad(void **state)
{
	struct token_key *some[] = {keys[0], NULL, keys[2]}, *none[] = {NULL, NULL, NULL};
	struct token_claims claims = sample(), got;
	struct secret text = made_by(keys[1], &claims);

	(void)state;
	assert_int_equal(
		token_jwt_read(some, 3, ISSUER, secret_span(&text), NOW_MS, &got), RC_UNAVAILABLE);
	assert_int_equal(
		token_jwt_read(none, 3, ISSUER, secret_span(&text), NOW_MS, &got), RC_UNAVAILABLE);
	secret_free(&text);
}

static void another_key_of_the_same_day_made_none_of_ours(void **state)
{
	struct token_key *own = key_of(EPOCH, 77);
	struct token_claims claims = sample(), got;
	struct secret text = made_by(own, &claims);

	(void)state;
	assert_int_equal(read_at(secret_span(&text), NOW_MS, &got), RC_TOKEN_INVALID);
	secret_free(&text);
	token_key_free(&own);
}

static void it_is_good_from_its_second_to_its_end(void **state)
{
	struct token_claims claims = sample(), got;
	struct secret text = made_by(keys[1], &claims);
	int64_t end_ms = NOW_MS / 1000 * 1000 + 3600000;

	(void)state;
	assert_int_equal(read_at(secret_span(&text), end_ms - 1, &got), RC_OK);
	assert_int_equal(read_at(secret_span(&text), end_ms, &got), RC_TOKEN_EXPIRED);
	assert_int_equal(read_at(secret_span(&text), NOW_MS - TOKEN_SKEW_MS, &got), RC_OK);
	assert_int_equal(
		read_at(secret_span(&text), NOW_MS - TOKEN_SKEW_MS - 1000, &got), RC_TOKEN_INVALID);
	secret_free(&text);
}

static void another_issuers_is_none_of_ours(void **state)
{
	struct token_claims claims = sample(), got;
	struct secret text = SECRET_INIT;

	(void)state;
	assert_int_equal(token_jwt_make(keys[1], "https://khac.mau.edu.vn", &claims, &text), RC_OK);
	assert_int_equal(read_at(secret_span(&text), NOW_MS, &got), RC_TOKEN_INVALID);
	secret_free(&text);
}

static void every_changed_character_counts(void **state)
{
	struct token_claims claims = sample(), got;
	struct secret text = made_by(keys[1], &claims);

	(void)state;
	for (size_t i = 0; i < text.bytes.len; i++) {
		uint8_t was = text.bytes.data[i];
		text.bytes.data[i] = was == 'A' ? 'B' : 'A';
		rc_t rc = read_at(secret_span(&text), NOW_MS, &got);
		if (rc == RC_OK)
			fail_msg("character %zu does not count", i);
		text.bytes.data[i] = was;
		assert_int_not_equal(read_at(SPAN(text.bytes.data, i), NOW_MS, &got), RC_OK);
	}
	assert_int_equal(read_at(secret_span(&text), NOW_MS, &got), RC_OK);
	secret_free(&text);
}

static void what_is_no_jwt_is_refused(void **state)
{
	static char longest[TOKEN_JWT_MAX + 2];

	(void)state;
	assert_int_equal(read_text(""), RC_TOKEN_INVALID);
	assert_int_equal(read_text("."), RC_TOKEN_INVALID);
	assert_int_equal(read_text(".."), RC_TOKEN_INVALID);
	assert_int_equal(read_text("e30.e30.e30"), RC_TOKEN_INVALID);
	assert_int_equal(read_text("bnVsbA.e30.e30"), RC_TOKEN_INVALID);
	memset(longest, '.', sizeof(longest) - 1);
	assert_int_equal(read_text(longest), RC_TOKEN_INVALID);
}

/* ---- what somebody with the key could say: the header and each claim are looked at ---- */

static EVP_PKEY *pair_of(uint8_t fill)
{
	uint8_t der[] = {0x30, 0x31, 0x02, 0x01, 0x01, 0x04, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xa0, 0x0a, 0x06,
		0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
	const uint8_t *at = der;

	memset(der + 7, fill, 32);
	EVP_PKEY *pair = d2i_PrivateKey(EVP_PKEY_EC, NULL, &at, (long)sizeof(der));
	assert_non_null(pair);
	return pair;
}

static void part_put(struct buf *out, const char *json)
{
	assert_int_equal(base64url_encode(out, span_string(json)), RC_OK);
}

static void signature_put(struct buf *out)
{
	EVP_PKEY *pair = pair_of(2); /* today's */
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t der[80], raw[64];
	size_t len = sizeof(der);
	const uint8_t *at = der;

	assert_int_equal(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, pair), 1);
	assert_int_equal(EVP_DigestSign(context, der, &len, out->data, out->len), 1);
	ECDSA_SIG *numbers = d2i_ECDSA_SIG(NULL, &at, (long)len);
	BN_bn2binpad(ECDSA_SIG_get0_r(numbers), raw, 32);
	BN_bn2binpad(ECDSA_SIG_get0_s(numbers), raw + 32, 32);
	ECDSA_SIG_free(numbers);
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(pair);
	assert_int_equal(buf_append_string(out, "."), RC_OK);
	assert_int_equal(base64url_encode(out, SPAN(raw, sizeof(raw))), RC_OK);
}

static rc_t read_signed(const char *header, const char *claims)
{
	struct buf text = BUF_INIT;
	struct token_claims got;

	part_put(&text, header);
	assert_int_equal(buf_append_string(&text, "."), RC_OK);
	part_put(&text, claims);
	signature_put(&text);
	rc_t rc = read_at(buf_span(&text), NOW_MS, &got);
	buf_free(&text);
	return rc;
}

#define HEADER "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"20779\"}"
#define ID_A "01020300-0000-4000-8000-000000000001"
#define ID_B "01020300-0000-4000-8000-000000000002"
#define CLAIMS(iss, aud, sub, more)                                                      \
	"{\"iss\":" iss ",\"aud\":" aud ",\"sub\":" sub ",\"client_id\":\"" ID_A         \
	"\",\"scope\":\"service\",\"iat\":1795348800,\"exp\":1795352400,\"jti\":\"" ID_A \
	"\",\"agency\":\"" ID_B "\",\"mode\":\"explicit\"" more "}"
#define ISS "\"" ISSUER "\""
#define AUD "\"" ISSUER "/csc\""
#define SUB "\"" ID_A "\""

static void a_token_that_is_put_together_right_is_read(void **state)
{
	(void)state;
	assert_int_equal(read_signed(HEADER, CLAIMS(ISS, AUD, SUB, "")), RC_OK);
	assert_int_equal(read_signed(HEADER, CLAIMS(ISS, AUD, SUB, ",\"nbf\":1795348800")), RC_OK);
	assert_int_equal(read_signed(HEADER, CLAIMS(ISS, AUD, SUB, ",\"other\":{}")), RC_OK);
}

static void only_our_own_header_is_taken(void **state)
{
	static const char *const headers[] = {
		"{\"alg\":\"none\",\"typ\":\"at+jwt\",\"kid\":\"20779\"}",
		"{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"20779\"}",
		"{\"alg\":\"ES384\",\"typ\":\"at+jwt\",\"kid\":\"20779\"}",
		"{\"alg\":\"es256\",\"typ\":\"at+jwt\",\"kid\":\"20779\"}",
		"{\"alg\":[\"ES256\"],\"typ\":\"at+jwt\",\"kid\":\"20779\"}",
		"{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"20779\"}",
		"{\"alg\":\"ES256\",\"typ\":\"AT+JWT\",\"kid\":\"20779\"}",
		"{\"alg\":\"ES256\",\"kid\":\"20779\"}",
		"{\"alg\":\"ES256\",\"typ\":\"at+jwt\"}",
		"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":20779}",
		"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"020779\"}",
		"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"\"}",
		"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"20779\",\"crit\":[]}",
		"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"20779\",\"jwk\":{}}",
		"{\"alg\":\"none\",\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"20779\"}",
		"[]",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		assert_int_equal(
			read_signed(headers[i], CLAIMS(ISS, AUD, SUB, "")), RC_TOKEN_INVALID);
}

static void every_claim_must_be_as_we_write_it(void **state)
{
	static const char *const claims[] = {
		CLAIMS("\"https://khac.mau.edu.vn\"", AUD, SUB, ""),
		CLAIMS("null", AUD, SUB, ""),
		CLAIMS(ISS, "\"" ISSUER "\"", SUB, ""),
		CLAIMS(ISS, "\"https://khac.mau.edu.vn/csc\"", SUB, ""),
		CLAIMS(ISS, "[" AUD "]", SUB, ""),
		CLAIMS(ISS, AUD, "\"" ID_B "\"", ""), /* a subscriber, and no consent */
		CLAIMS(ISS, AUD, "\"nobody\"", ""),
		CLAIMS(ISS, AUD, SUB, ",\"consent\":7"),
		CLAIMS(ISS, AUD, SUB, ",\"consent\":\"00000000-0000-0000-0000-000000000000\""),
		CLAIMS(ISS, AUD, SUB, ",\"cnf\":{}"),
		CLAIMS(ISS, AUD, SUB, ",\"cnf\":{\"x5t#S256\":\"AAAA\"}"),
		CLAIMS(ISS, AUD, SUB, ",\"cnf\":{\"jkt\":\"x\"}"),
		CLAIMS(ISS, AUD, SUB, ",\"scope\":\"service\""), /* twice */
		CLAIMS(ISS, AUD, SUB, ",\"nbf\":\"1795348800\""),
		CLAIMS(ISS, AUD, SUB, ",\"nbf\":1795349000"), /* not yet */
		CLAIMS(ISS, AUD, SUB, "}"),
		"{}",
		"[]",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++)
		assert_int_equal(read_signed(HEADER, claims[i]), RC_TOKEN_INVALID);
}

static void one_with_a_claim_changed(const char *from, const char *to, rc_t wanted)
{
	static const char good[] = CLAIMS(ISS, AUD, SUB, "");
	char text[sizeof(good) + 64];
	const char *at = strstr(good, from);

	assert_non_null(at);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - good), good, to, at + strlen(from));
	assert_int_equal(read_signed(HEADER, text), wanted);
}

static void times_scope_and_mode_must_be_as_we_write_them(void **state)
{
	(void)state;
	one_with_a_claim_changed("\"service\"", "\"credential\"", RC_TOKEN_INVALID);
	one_with_a_claim_changed("\"service\"", "\"service credential\"", RC_TOKEN_INVALID);
	one_with_a_claim_changed("\"explicit\"", "\"implicit\"", RC_TOKEN_INVALID);
	one_with_a_claim_changed("1795352400", "1795352401", RC_TOKEN_INVALID); /* longer */
	one_with_a_claim_changed("1795352400", "1795348800", RC_TOKEN_EXPIRED);
	one_with_a_claim_changed("1795352400", "-1", RC_TOKEN_INVALID);
	one_with_a_claim_changed("1795352400", "1795352400.5", RC_TOKEN_INVALID);
	one_with_a_claim_changed("1795352400", "9223372036854775807", RC_TOKEN_INVALID);
	one_with_a_claim_changed("1795348800", "1795349000", RC_TOKEN_INVALID); /* from later on */
	one_with_a_claim_changed("\"exp\"", "\"ext\"", RC_TOKEN_INVALID);
	one_with_a_claim_changed("\"iat\"", "\"iam\"", RC_TOKEN_INVALID);
	one_with_a_claim_changed("\"jti\"", "\"jtj\"", RC_TOKEN_INVALID);
	one_with_a_claim_changed("\"agency\"", "\"agencies\"", RC_TOKEN_INVALID);
}

/* ---- keys ---- */

static void a_published_key_is_the_public_half(void **state)
{
	json_t *jwk = token_key_jwk(keys[1]);
	uint8_t point[65];
	size_t len = 0;
	EVP_PKEY *pair = pair_of(2);
	struct buf x = BUF_INIT;

	(void)state;
	assert_string_equal(json_string_value(json_object_get(jwk, "kid")), "20779");
	assert_int_equal(json_object_size(jwk), 7);
	assert_null(json_object_get(jwk, "d"));
	assert_int_equal(EVP_PKEY_get_octet_string_param(
				 pair, "encoded-pub-key", point, sizeof(point), &len),
		1);
	assert_int_equal(len, 65);
	assert_int_equal(
		base64url_decode(&x, span_string(json_string_value(json_object_get(jwk, "x")))),
		RC_OK);
	assert_memory_equal(x.data, point + 1, 32);
	buf_free(&x);
	EVP_PKEY_free(pair);
	json_decref(jwk);
}

static void what_is_no_private_key_is_refused(void **state)
{
	static const uint8_t zeros[33];
	struct token_key *key = NULL;

	(void)state;
	assert_int_not_equal(token_key_new(1, SPAN(zeros, 31), &key), RC_OK);
	assert_int_not_equal(token_key_new(1, SPAN(zeros, 33), &key), RC_OK);
	assert_int_not_equal(token_key_new(1, SPAN(zeros, 32), &key), RC_OK);
	assert_null(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_it_says_comes_back),
		cmocka_unit_test(one_without_a_subscriber_is_the_clients_own),
		cmocka_unit_test(the_keys_of_three_days_are_known),
		cmocka_unit_test(the_key_of_an_earlier_day_is_over_and_of_a_later_one_none_of_ours),
		cmocka_unit_test(a_key_that_is_missing_is_no_reason_to_call_the_token_bad),
		cmocka_unit_test(another_key_of_the_same_day_made_none_of_ours),
		cmocka_unit_test(it_is_good_from_its_second_to_its_end),
		cmocka_unit_test(another_issuers_is_none_of_ours),
		cmocka_unit_test(every_changed_character_counts),
		cmocka_unit_test(what_is_no_jwt_is_refused),
		cmocka_unit_test(a_token_that_is_put_together_right_is_read),
		cmocka_unit_test(only_our_own_header_is_taken),
		cmocka_unit_test(every_claim_must_be_as_we_write_it),
		cmocka_unit_test(times_scope_and_mode_must_be_as_we_write_them),
		cmocka_unit_test(a_published_key_is_the_public_half),
		cmocka_unit_test(what_is_no_private_key_is_refused),
	};

	return cmocka_run_group_tests(tests, keys_start, keys_stop);
}
