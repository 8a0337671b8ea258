/* link: ades */
/* Detached CAdES B-B with keys made here, judged by openssl cms. */
#include "ades_fixture.h"

#include "clients/lib/ades/cades.h"

#include <openssl/cms.h>
#include <openssl/pem.h>

static const char content[] = "Học bạ, lớp 9A\r\n\nmore\n";
#define CONTENT SPAN(content, sizeof(content) - 1)

/* options_for() knows the chain; the rest of it is for PDFs. */
static struct ades_signer signer_for(
	struct identity *identity, enum ades_scheme scheme, enum ades_digest digest)
{
	return options_for(identity, scheme, digest).signer;
}

static struct cades *prepared(const struct ades_signer *signer, struct span bytes, int64_t at_ms)
{
	struct cades *cades = NULL;

	assert_int_equal(cades_new(signer->digest, &cades), RC_OK);
	assert_int_equal(cades_update(cades, bytes), RC_OK);
	assert_int_equal(cades_prepare(cades, signer, at_ms), RC_OK);
	return cades;
}

static void sign_content(struct identity *identity, enum ades_scheme scheme,
	enum ades_digest digest, int64_t at_ms, struct buf *out)
{
	const struct ades_signer signer = signer_for(identity, scheme, digest);
	struct cades *cades = prepared(&signer, CONTENT, at_ms);
	struct buf signature = BUF_INIT;

	sign_digest(identity->key, scheme, digest, cades_to_sign(cades), &signature);
	assert_int_equal(cades_finish(cades, buf_span(&signature), out), RC_OK);
	cades_free(&cades);
	buf_free(&signature);
}

/* Is it the root's subscriber's signature over that content, says openssl? */
static bool openssl_accepts(const struct buf *der, struct span bytes)
{
	char file[PATH_MAX_HERE];
	char signature[PATH_MAX_HERE];
	char root[PATH_MAX_HERE];
	struct buf shown = BUF_INIT;
	BIO *pem = NULL;

	write_file("content", bytes);
	write_file("content.p7s", buf_span(der));
	path_of("content", file);
	path_of("content.p7s", signature);
	path_of("cms-root.pem", root);
	const unsigned char *at = fixture.root.certificate.data;
	X509 *certificate = d2i_X509(NULL, &at, (long)fixture.root.certificate.len);
	pem = BIO_new_file(root, "w");
	assert_true(pem != NULL && PEM_write_bio_X509(pem, certificate) == 1);
	BIO_free(pem);
	X509_free(certificate);
	int status =
		run(&shown, (const char *[]){"openssl", "cms", "-verify", "-cades", "-binary",
				    "-inform", "DER", "-in", signature, "-content", file, "-CAfile",
				    root, "-purpose", "any", "-out", "/dev/null", NULL});
	buf_free(&shown);
	return status == 0;
}

static CMS_ContentInfo *parse(const struct buf *der)
{
	const unsigned char *at = der->data;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)der->len);

	assert_non_null(cms);
	assert_ptr_equal(at, der->data + der->len);
	return cms;
}

/* tests */

static void test_every_scheme_and_digest_is_accepted_by_openssl(void **state)
{
	static const struct {
		bool rsa;
		enum ades_scheme scheme;
	} schemes[] = {{true, ADES_RSA_PKCS1}, {true, ADES_RSA_PSS}, {false, ADES_ECDSA}};
	struct buf der = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		for (enum ades_digest digest = ADES_SHA256; digest <= ADES_SHA512; digest++) {
			buf_clear(&der);
			sign_content(schemes[i].rsa ? &fixture.rsa : &fixture.ec, schemes[i].scheme,
				digest, SIGNED_AT_MS, &der);
			assert_true(openssl_accepts(&der, CONTENT));
		}
	}
	buf_free(&der);
}

static void test_another_content_is_not_accepted(void **state)
{
	struct buf der = BUF_INIT;

	(void)state;
	sign_content(&fixture.ec, ADES_ECDSA, ADES_SHA256, SIGNED_AT_MS, &der);
	assert_false(openssl_accepts(&der, SPAN(content, sizeof(content) - 2)));
	buf_free(&der);
}

/* EN 319 122-1 §6.3 */
static void test_attributes_are_those_of_the_baseline(void **state)
{
	struct buf der = BUF_INIT;

	(void)state;
	sign_content(&fixture.rsa, ADES_RSA_PKCS1, ADES_SHA256, SIGNED_AT_MS, &der);
	CMS_ContentInfo *cms = parse(&der);
	CMS_SignerInfo *signer = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);

	assert_int_equal(CMS_is_detached(cms), 1);
	assert_int_equal(CMS_signed_get_attr_count(signer), 4);
	assert_true(CMS_signed_get_attr_by_NID(signer, NID_pkcs9_contentType, -1) >= 0);
	assert_true(CMS_signed_get_attr_by_NID(signer, NID_pkcs9_messageDigest, -1) >= 0);
	assert_true(CMS_signed_get_attr_by_NID(signer, NID_pkcs9_signingTime, -1) >= 0);
	assert_true(
		CMS_signed_get_attr_by_NID(signer, NID_id_smime_aa_signingCertificateV2, -1) >= 0);
	STACK_OF(X509) *certificates = CMS_get1_certs(cms);
	assert_int_equal(sk_X509_num(certificates), 2);
	sk_X509_pop_free(certificates, X509_free);
	CMS_ContentInfo_free(cms);
	buf_free(&der);
}

/* RFC 5652 §11.3 */
static void test_the_signing_time_is_utctime_until_2049_and_generalized_after(void **state)
{
	static const struct {
		int64_t at_ms;
		int type;
		const char *text;
	} times[] = {{SIGNED_AT_MS, V_ASN1_UTCTIME, "260528202640Z"},
		{2524607999000, V_ASN1_UTCTIME, "491231235959Z"},
		{2524608000000, V_ASN1_GENERALIZEDTIME, "20500101000000Z"}};
	struct buf der = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		buf_clear(&der);
		sign_content(&fixture.ec, ADES_ECDSA, ADES_SHA256, times[i].at_ms, &der);
		CMS_ContentInfo *cms = parse(&der);
		CMS_SignerInfo *signer = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
		const ASN1_STRING *time = CMS_signed_get0_data_by_OBJ(
			signer, OBJ_nid2obj(NID_pkcs9_signingTime), -3, times[i].type);
		assert_non_null(time);
		assert_memory_equal(
			ASN1_STRING_get0_data(time), times[i].text, strlen(times[i].text));
		CMS_ContentInfo_free(cms);
	}
	buf_free(&der);
}

static void test_a_content_in_pieces_is_the_same_content(void **state)
{
	const struct ades_signer signer = signer_for(&fixture.ec, ADES_ECDSA, ADES_SHA256);
	struct cades *whole = prepared(&signer, CONTENT, SIGNED_AT_MS);
	struct cades *pieces = NULL;

	(void)state;
	assert_int_equal(cades_new(ADES_SHA256, &pieces), RC_OK);
	for (size_t i = 0; i + 1 < sizeof(content); i++)
		assert_int_equal(cades_update(pieces, SPAN(content + i, 1)), RC_OK);
	assert_int_equal(cades_prepare(pieces, &signer, SIGNED_AT_MS), RC_OK);
	assert_true(span_equal(cades_to_sign(whole), cades_to_sign(pieces)));
	cades_free(&whole);
	cades_free(&pieces);
}

/* rssp makes it twice: before the PIN and after the signature. */
static void test_the_same_content_and_second_give_the_same_digest_another_second_does_not(
	void **state)
{
	const struct ades_signer signer = signer_for(&fixture.rsa, ADES_RSA_PSS, ADES_SHA256);
	struct cades *first = prepared(&signer, CONTENT, SIGNED_AT_MS);
	struct cades *second = prepared(&signer, CONTENT, SIGNED_AT_MS + 999);
	struct cades *later = prepared(&signer, CONTENT, SIGNED_AT_MS + 1000);

	(void)state;
	assert_true(span_equal(cades_to_sign(first), cades_to_sign(second)));
	assert_false(span_equal(cades_to_sign(first), cades_to_sign(later)));
	cades_free(&first);
	cades_free(&second);
	cades_free(&later);
}

static void test_an_empty_content_is_signed(void **state)
{
	const struct ades_signer signer = signer_for(&fixture.ec, ADES_ECDSA, ADES_SHA256);
	struct cades *cades = prepared(&signer, SPAN_NONE, SIGNED_AT_MS);
	struct buf signature = BUF_INIT;
	struct buf der = BUF_INIT;

	(void)state;
	sign_digest(fixture.ec.key, ADES_ECDSA, ADES_SHA256, cades_to_sign(cades), &signature);
	assert_int_equal(cades_finish(cades, buf_span(&signature), &der), RC_OK);
	assert_true(openssl_accepts(&der, SPAN_NONE));
	cades_free(&cades);
	buf_free(&signature);
	buf_free(&der);
}

static void test_a_wrong_signature_is_not_taken_and_the_right_one_still_is(void **state)
{
	const struct ades_signer signer = signer_for(&fixture.rsa, ADES_RSA_PKCS1, ADES_SHA256);
	struct cades *cades = prepared(&signer, CONTENT, SIGNED_AT_MS);
	struct buf signature = BUF_INIT;
	struct buf der = BUF_INIT;

	(void)state;
	sign_digest(fixture.rsa.key, ADES_RSA_PKCS1, ADES_SHA256, cades_to_sign(cades), &signature);
	signature.data[7] ^= 1;
	assert_int_equal(cades_finish(cades, buf_span(&signature), &der), RC_SIGNATURE_BAD);
	assert_int_equal(der.len, 0);
	signature.data[7] ^= 1;
	assert_int_equal(cades_finish(cades, buf_span(&signature), &der), RC_OK);
	cades_free(&cades);
	buf_free(&signature);
	buf_free(&der);
}

static void test_what_does_not_fit_is_refused(void **state)
{
	struct ades_signer signer = signer_for(&fixture.ec, ADES_RSA_PSS, ADES_SHA256);
	struct cades *cades = NULL;

	(void)state;
	assert_int_equal(cades_new((enum ades_digest)9, &cades), RC_HASH_ALGO_INVALID);
	assert_null(cades);
	assert_int_equal(cades_new(ADES_SHA384, &cades), RC_OK);
	assert_int_equal(cades_prepare(cades, &signer, SIGNED_AT_MS), RC_HASH_ALGO_INVALID);
	cades_free(&cades);
	assert_int_equal(cades_new(ADES_SHA256, &cades), RC_OK);
	assert_int_equal(cades_prepare(cades, &signer, SIGNED_AT_MS), RC_SIGN_ALGO_INVALID);
	cades_free(&cades);
	signer = signer_for(&fixture.ec, ADES_ECDSA, ADES_SHA256);
	assert_int_equal(cades_new(ADES_SHA256, &cades), RC_OK);
	assert_int_equal(cades_prepare(cades, &signer, -1), RC_RANGE);
	cades_free(&cades);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_scheme_and_digest_is_accepted_by_openssl),
		cmocka_unit_test(test_another_content_is_not_accepted),
		cmocka_unit_test(test_attributes_are_those_of_the_baseline),
		cmocka_unit_test(test_the_signing_time_is_utctime_until_2049_and_generalized_after),
		cmocka_unit_test(test_a_content_in_pieces_is_the_same_content),
		cmocka_unit_test(
			test_the_same_content_and_second_give_the_same_digest_another_second_does_not),
		cmocka_unit_test(test_an_empty_content_is_signed),
		cmocka_unit_test(test_a_wrong_signature_is_not_taken_and_the_right_one_still_is),
		cmocka_unit_test(test_what_does_not_fit_is_refused),
	};
	return cmocka_run_group_tests_name("ades/cades", tests, setup, teardown);
}
