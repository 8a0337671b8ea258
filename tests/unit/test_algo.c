/* link: core */
/* signAlgo, hashAlgo and signAlgoParams against the key: a table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/algo.h"

#include <string.h>

#define SHA1 "1.3.14.3.2.26"
#define SHA256 "2.16.840.1.101.3.4.2.1"
#define SHA384 "2.16.840.1.101.3.4.2.2"
#define SHA512 "2.16.840.1.101.3.4.2.3"
#define RSA "1.2.840.113549.1.1.1"
#define PSS "1.2.840.113549.1.1.10"

/* RSASSA-PSS-params: SHA-256, MGF1 with SHA-256, 32 bytes of salt */
static const uint8_t pss256[] = {0x30, 0x34, 0xa0, 0x0f, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48,
	0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0xa1, 0x1c, 0x30, 0x1a, 0x06, 0x09, 0x2a,
	0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48,
	0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0xa2, 0x03, 0x02, 0x01, 0x20};
/* the same with MGF1 over SHA-384 */
static const uint8_t pss_mixed[] = {0x30, 0x34, 0xa0, 0x0f, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86,
	0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0xa1, 0x1c, 0x30, 0x1a, 0x06, 0x09,
	0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86,
	0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0xa2, 0x03, 0x02, 0x01, 0x20};
/* all defaults: SHA-1 */
static const uint8_t pss_sha1[] = {0x30, 0x00};
/* 30000 bytes of salt */
static const uint8_t pss_salty[] = {0x30, 0x35, 0xa0, 0x0f, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86,
	0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0xa1, 0x1c, 0x30, 0x1a, 0x06, 0x09,
	0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86,
	0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0xa2, 0x04, 0x02, 0x02, 0x75, 0x30};

#define NO_PARAMS NULL, 0
#define PARAMS(bytes) bytes, sizeof(bytes)

static const struct {
	const char *key, *sign_algo, *hash_algo;
	const uint8_t *params;
	size_t params_len;
	rc_t rc;
	enum scheme_kind scheme;
	const char *digest;
} table[] = {
	{"rsa-2048", "1.2.840.113549.1.1.11", NULL, NO_PARAMS, RC_OK, SCHEME_RSA_PKCS1, "SHA-256"},
	{"rsa-3072", "1.2.840.113549.1.1.12", NULL, NO_PARAMS, RC_OK, SCHEME_RSA_PKCS1, "SHA-384"},
	{"rsa-4096", "1.2.840.113549.1.1.13", NULL, NO_PARAMS, RC_OK, SCHEME_RSA_PKCS1, "SHA-512"},
	{"rsa-2048", "1.2.840.113549.1.1.11", SHA256, NO_PARAMS, RC_OK, SCHEME_RSA_PKCS1,
		"SHA-256"},
	{"rsa-2048", "1.2.840.113549.1.1.11", SHA512, NO_PARAMS, RC_HASH_ALGO_CONTRADICTS, 0, NULL},
	{"rsa-2048", "1.2.840.113549.1.1.11", SHA1, NO_PARAMS, RC_HASH_ALGO_CONTRADICTS, 0, NULL},
	{"rsa-2048", RSA, SHA512, NO_PARAMS, RC_OK, SCHEME_RSA_PKCS1, "SHA-512"},
	{"rsa-2048", RSA, NULL, NO_PARAMS, RC_HASH_ALGO_MISSING, 0, NULL},
	{"rsa-2048", RSA, SHA1, NO_PARAMS, RC_HASH_ALGO_INVALID, 0, NULL},
	{"rsa-2048", RSA, "", NO_PARAMS, RC_HASH_ALGO_INVALID, 0, NULL},
	{"rsa-2048", "1.2.840.113549.1.1.5", NULL, NO_PARAMS, RC_SIGN_ALGO_INVALID, 0, NULL},
	{"rsa-2048", "1.2.840.113549.1.1.14", NULL, NO_PARAMS, RC_SIGN_ALGO_INVALID, 0, NULL},
	{"rsa-2048", "1.2.840.113549.1.1.4", NULL, NO_PARAMS, RC_SIGN_ALGO_INVALID, 0, NULL},
	{"rsa-2048", "1.2.840.10045.4.3.2", NULL, NO_PARAMS, RC_SIGN_ALGO_INVALID, 0, NULL},
	{"rsa-2048", "", NULL, NO_PARAMS, RC_SIGN_ALGO_INVALID, 0, NULL},
	{"rsa-2048", PSS, NULL, PARAMS(pss256), RC_OK, SCHEME_RSA_PSS, "SHA-256"},
	{"rsa-2048", PSS, SHA256, PARAMS(pss256), RC_OK, SCHEME_RSA_PSS, "SHA-256"},
	{"rsa-2048", PSS, SHA384, PARAMS(pss256), RC_HASH_ALGO_CONTRADICTS, 0, NULL},
	{"rsa-2048", PSS, SHA256, NO_PARAMS, RC_SIGN_ALGO_PARAMS_MISSING, 0, NULL},
	{"rsa-2048", PSS, NULL, PARAMS(pss_mixed), RC_SIGN_ALGO_PARAMS_INVALID, 0, NULL},
	{"rsa-2048", PSS, NULL, PARAMS(pss_sha1), RC_SIGN_ALGO_PARAMS_INVALID, 0, NULL},
	{"rsa-2048", PSS, NULL, PARAMS(pss_salty), RC_SIGN_ALGO_PARAMS_INVALID, 0, NULL},
	{"rsa-2048", PSS, NULL, pss256, sizeof(pss256) - 1, RC_SIGN_ALGO_PARAMS_INVALID, 0, NULL},
	{"p-256", "1.2.840.10045.4.3.2", NULL, NO_PARAMS, RC_OK, SCHEME_ECDSA, "SHA-256"},
	{"p-384", "1.2.840.10045.4.3.3", NULL, NO_PARAMS, RC_OK, SCHEME_ECDSA, "SHA-384"},
	{"p-384", "1.2.840.10045.4.3.4", SHA512, NO_PARAMS, RC_OK, SCHEME_ECDSA, "SHA-512"},
	{"p-256", "1.2.840.10045.4.3.2", SHA384, NO_PARAMS, RC_HASH_ALGO_CONTRADICTS, 0, NULL},
	{"p-256", "1.2.840.10045.4.1", NULL, NO_PARAMS, RC_SIGN_ALGO_INVALID, 0, NULL},
	{"p-256", RSA, SHA256, NO_PARAMS, RC_SIGN_ALGO_INVALID, 0, NULL},
	{"p-256", PSS, NULL, PARAMS(pss256), RC_SIGN_ALGO_INVALID, 0, NULL},
};

static void each_combination_has_its_answer(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct sign_algo algo = {0};
		rc_t rc =
			sign_algo_resolve(&algo, key_algo_by_name(table[i].key), table[i].sign_algo,
				table[i].hash_algo, SPAN(table[i].params, table[i].params_len));
		if (rc != table[i].rc)
			fail_msg("row %zu: %s", i, rc_name(rc));
		if (rc != RC_OK)
			continue;
		assert_int_equal(algo.scheme, table[i].scheme);
		assert_string_equal(algo.digest->name, table[i].digest);
		assert_int_equal(algo.salt_len, algo.scheme == SCHEME_RSA_PSS ? 32 : 0);
	}
}

static void every_advertised_algorithm_is_served(void **state)
{
	static const char *const keys[] = {"rsa-2048", "rsa-3072", "rsa-4096", "p-256", "p-384"};

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const struct key_algo *key = key_algo_by_name(keys[i]);
		for (const char *const *oid = sign_algo_oids(key); *oid != NULL; oid++) {
			struct sign_algo algo;
			bool pss = strcmp(*oid, PSS) == 0;
			assert_int_equal(sign_algo_resolve(&algo, key, *oid,
						 strcmp(*oid, RSA) == 0 ? SHA256 : NULL,
						 SPAN(pss256, pss ? sizeof(pss256) : 0)),
				RC_OK);
		}
	}
}

static void oids_that_name_a_digest_stand_first(void **state)
{
	(void)state;
	assert_string_equal(
		sign_algo_oids(key_algo_by_name("rsa-2048"))[0], "1.2.840.113549.1.1.11");
	assert_string_equal(sign_algo_oids(key_algo_by_name("p-256"))[0], "1.2.840.10045.4.3.2");
	assert_string_equal(sign_algo_oids(key_algo_by_name("p-384"))[0], "1.2.840.10045.4.3.3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_combination_has_its_answer),
		cmocka_unit_test(every_advertised_algorithm_is_served),
		cmocka_unit_test(oids_that_name_a_digest_stand_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
