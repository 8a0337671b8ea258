/* link: core */
/* What the books keep of a certificate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/x509.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>

#define FROM_MS INT64_C(1767225600000) /* 2026-01-01 */
#define TO_MS INT64_C(2556143999000)   /* 2050-12-31 23:59:59: GeneralizedTime */

static void make(struct buf *der, const unsigned char *serial, size_t len)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();
	BIGNUM *number = BN_bin2bn(serial, (int)len, NULL);
	unsigned char *bytes = NULL;

	assert_true(key != NULL && certificate != NULL && number != NULL);
	assert_int_equal(X509_set_version(certificate, X509_VERSION_3), 1);
	assert_non_null(BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)));
	assert_non_null(ASN1_TIME_set(X509_getm_notBefore(certificate), FROM_MS / 1000));
	assert_non_null(ASN1_TIME_set(X509_getm_notAfter(certificate), TO_MS / 1000));
	assert_int_equal(X509_set_pubkey(certificate, key), 1);
	assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
	int size = i2d_X509(certificate, &bytes);
	assert_true(size > 0);
	assert_int_equal(buf_set(der, SPAN(bytes, (size_t)size)), RC_OK);
	OPENSSL_free(bytes);
	BN_free(number);
	X509_free(certificate);
	EVP_PKEY_free(key);
}

static void test_serial_and_times_are_those_of_the_certificate(void **state)
{
	static const unsigned char serial[16] = {
		0x9f, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0};
	uint8_t sha256[SHA256_LEN];
	struct buf der = BUF_INIT;
	struct x509_facts facts;

	(void)state;
	make(&der, serial, sizeof(serial));
	assert_int_equal(x509_facts_read(&facts, buf_span(&der)), RC_OK);
	assert_int_equal(facts.serial_len, sizeof(serial));
	assert_memory_equal(facts.serial, serial, sizeof(serial));
	assert_true(facts.valid_from_ms == FROM_MS && facts.valid_to_ms == TO_MS);
	assert_int_equal(digest_sha256(buf_span(&der), sha256), RC_OK);
	assert_memory_equal(facts.sha256, sha256, SHA256_LEN);
	buf_free(&der);
}

static void test_what_is_not_one_certificate_is_refused(void **state)
{
	static const unsigned char serial[] = {1};
	struct buf der = BUF_INIT;
	struct x509_facts facts;

	(void)state;
	make(&der, serial, sizeof(serial));
	for (size_t len = 0; len < der.len; len++)
		assert_int_equal(x509_facts_read(&facts, SPAN(der.data, len)), RC_FORMAT);
	assert_int_equal(buf_append(&der, "x", 1), RC_OK);
	assert_int_equal(x509_facts_read(&facts, buf_span(&der)), RC_FORMAT);
	buf_free(&der);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_serial_and_times_are_those_of_the_certificate),
		cmocka_unit_test(test_what_is_not_one_certificate_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
