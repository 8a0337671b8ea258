/* link: ades */
/* PDFs of every shape are signed with keys made here, and judged by other people's programs:
 * pdfsig (poppler, NSS) and qpdf --check. */
#include "ades_fixture.h"

#include <openssl/cms.h>

static const struct shape shapes[] = {
	{"no form, no annotations", "", "", {NULL}},
	{"annotations in the page", "", "/Annots [5 0 R]",
		{"<< /Type /Annot /Subtype /Text /Rect [10 10 20 20] /Contents (x) >>", NULL}},
	{"annotations beside the page", "", "/Annots 5 0 R",
		{"[6 0 R]", "<< /Type /Annot /Subtype /Text /Rect [10 10 20 20] /Contents (x) >>",
			NULL}},
	{"form in the catalog", "/AcroForm << /Fields [5 0 R] /DA (/Helv 0 Tf) >>",
		"/Annots [5 0 R]",
		{"<< /Type /Annot /Subtype /Widget /FT /Tx /T (Signature7) /V (\\(\\000) "
		 "/Rect [0 0 9 9] /P 3 0 R >>",
			NULL}},
	{"form beside the catalog", "/AcroForm 5 0 R", "", {"<< /Fields [] /SigFlags 1 >>", NULL}},
	{"fields beside the form", "/AcroForm 5 0 R", "/Annots 7 0 R",
		{"<< /Fields 6 0 R /SigFlags 3 >>", "[]", "[]", NULL}},
	{"fields beside a form in the catalog", "/AcroForm << /Fields 5 0 R >>", "",
		{"[6 0 R]", "<< /FT /Tx /T (A#B) /Kids [] >>", NULL}},
	{"form without fields", "/AcroForm << /A#20B true >>", "", {NULL}},
};

/* tests */

static void test_every_shape_of_form_and_annotations_is_signed_twice(void **state)
{
	struct buf pdf = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		make_pdf(&shapes[i], &pdf);
		assert_int_equal(sign(&pdf, &fixture.rsa, ADES_RSA_PKCS1, ADES_SHA256), 0);
		assert_signed(&pdf, 1, shapes[i].name);
		assert_int_equal(sign(&pdf, &fixture.ec, ADES_ECDSA, ADES_SHA256), 1);
		assert_signed(&pdf, 2, shapes[i].name);
	}
	buf_free(&pdf);
}

static void test_object_streams_linearized_and_rewritten_files_are_signed_twice(void **state)
{
	static const char *const variants[] = {
		"--object-streams=generate", "--linearize", "--qdf", "--min-version=2.0"};
	struct buf pdf = BUF_INIT;

	(void)state;
	for (size_t v = 0; v < sizeof(variants) / sizeof(variants[0]); v++) {
		for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
			make_variant(&shapes[i], variants[v], &pdf);
			assert_int_equal(sign(&pdf, &fixture.ec, ADES_ECDSA, ADES_SHA256), 0);
			assert_int_equal(sign(&pdf, &fixture.rsa, ADES_RSA_PSS, ADES_SHA256), 1);
			assert_signed(&pdf, 2, variants[v]);
		}
	}
	buf_free(&pdf);
}

static void test_linearized_with_object_streams_is_signed(void **state)
{
	char in[PATH_MAX_HERE];
	char made[PATH_MAX_HERE];
	struct buf pdf = BUF_INIT;

	(void)state;
	make_pdf(&plain, &pdf);
	write_file("in.pdf", buf_span(&pdf));
	path_of("in.pdf", in);
	path_of("variant.pdf", made);
	run_well((const char *[]){
		"qpdf", "--linearize", "--object-streams=generate", in, made, NULL});
	read_file("variant.pdf", &pdf);
	sign(&pdf, &fixture.rsa, ADES_RSA_PKCS1, ADES_SHA256);
	assert_signed(&pdf, 1, "linearized with object streams");
	buf_free(&pdf);
}

static void test_every_scheme_and_digest_is_valid(void **state)
{
	static const struct {
		bool rsa;
		enum ades_scheme scheme;
	} schemes[] = {{true, ADES_RSA_PKCS1}, {true, ADES_RSA_PSS}, {false, ADES_ECDSA}};
	struct buf pdf = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		for (enum ades_digest digest = ADES_SHA256; digest <= ADES_SHA512; digest++) {
			make_pdf(&plain, &pdf);
			sign(&pdf, schemes[i].rsa ? &fixture.rsa : &fixture.ec, schemes[i].scheme,
				digest);
			assert_signed(&pdf, 1, "scheme and digest");
		}
	}
	buf_free(&pdf);
}

/* The CMS of the only signature, out of the hexadecimal between the angle brackets. */
static CMS_ContentInfo *extract_cms(struct buf *pdf)
{
	static uint8_t der[16384];
	const char *text = NULL;

	assert_int_equal(buf_string(pdf, &text), RC_OK);
	const char *at = strstr(text + pdf->len - 40000, "/Contents <");
	assert_non_null(at);
	at += strlen("/Contents <");
	for (size_t i = 0; i < sizeof(der); i++) {
		unsigned byte = 0;
		assert_int_equal(sscanf(at + 2 * i, "%2x", &byte), 1);
		der[i] = (uint8_t)byte;
	}
	const unsigned char *from = der;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &from, sizeof(der));
	assert_non_null(cms);
	return cms;
}

static void test_attributes_are_those_of_pades_baseline(void **state)
{
	struct buf pdf = BUF_INIT;
	const char *text = NULL;

	(void)state;
	make_pdf(&plain, &pdf);
	sign(&pdf, &fixture.rsa, ADES_RSA_PSS, ADES_SHA256);
	sign(&pdf, &fixture.rsa, ADES_RSA_PSS, ADES_SHA256);
	CMS_ContentInfo *cms = extract_cms(&pdf);
	CMS_SignerInfo *signer = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
	X509_ALGOR *algorithm = NULL;

	assert_int_equal(CMS_signed_get_attr_by_NID(signer, NID_pkcs9_signingTime, -1), -1);
	assert_true(CMS_signed_get_attr_by_NID(signer, NID_pkcs9_contentType, -1) >= 0);
	assert_true(CMS_signed_get_attr_by_NID(signer, NID_pkcs9_messageDigest, -1) >= 0);
	assert_true(
		CMS_signed_get_attr_by_NID(signer, NID_id_smime_aa_signingCertificateV2, -1) >= 0);
	assert_int_equal(CMS_signed_get_attr_count(signer), 3);
	assert_int_equal(CMS_is_detached(cms), 1);
	CMS_SignerInfo_get0_algs(signer, NULL, NULL, NULL, &algorithm);
	assert_int_equal(OBJ_obj2nid(algorithm->algorithm), NID_rsassaPss);
	STACK_OF(X509) *certificates = CMS_get1_certs(cms);
	assert_int_equal(sk_X509_num(certificates), 2);
	sk_X509_pop_free(certificates, X509_free);
	CMS_ContentInfo_free(cms);

	assert_int_equal(buf_string(&pdf, &text), RC_OK);
	const char *update = text + pdf.len - 40000;
	assert_non_null(strstr(update, "/SubFilter /ETSI.CAdES.detached"));
	assert_non_null(strstr(update, "/M (D:20260528202640Z)"));
	assert_non_null(strstr(update, "/Rect [ 0 0 0 0 ]"));
	assert_non_null(strstr(update, "/F 132"));
	assert_non_null(strstr(update, "/T (Signature2)"));
	assert_non_null(strstr(text, "/SigFlags 3"));
	buf_free(&pdf);
}

static void test_existing_fields_and_odd_names_survive(void **state)
{
	struct buf pdf = BUF_INIT;
	const char *text = NULL;

	(void)state;
	make_pdf(&shapes[3], &pdf);
	size_t before = pdf.len;
	sign(&pdf, &fixture.ec, ADES_ECDSA, ADES_SHA256);
	assert_int_equal(buf_string(&pdf, &text), RC_OK);
	assert_non_null(strstr(text + before, "/Fields [ 5 0 R 7 0 R ]"));
	assert_non_null(strstr(text + before, "/DA (/Helv 0 Tf)"));
	assert_non_null(strstr(text + before, "/Annots [ 5 0 R 7 0 R ]"));
	/* a name that no other field has */
	assert_non_null(strstr(text + before, "/T (Signature8)"));

	make_pdf(&shapes[7], &pdf);
	before = pdf.len;
	sign(&pdf, &fixture.ec, ADES_ECDSA, ADES_SHA256);
	assert_int_equal(buf_string(&pdf, &text), RC_OK);
	assert_non_null(strstr(text + before, "/A#20B true"));
	buf_free(&pdf);
}

static void test_what_was_signed_is_read_back_from_the_document(void **state)
{
	struct pades_options options = options_for(&fixture.rsa, ADES_RSA_PSS, ADES_SHA384);
	struct pades_summary found[4];
	struct buf pdf = BUF_INIT;
	struct buf signature = BUF_INIT;
	struct pades *pades = NULL;
	size_t count = 0;

	(void)state;
	make_pdf(&plain, &pdf);
	assert_int_equal(pades_list(buf_span(&pdf), found, 4, &count), RC_OK);
	assert_int_equal(count, 0);
	sign(&pdf, &fixture.ec, ADES_ECDSA, ADES_SHA256);
	assert_int_equal(pades_prepare(buf_span(&pdf), &options, &pades), RC_OK);
	sign_digest(fixture.rsa.key, ADES_RSA_PSS, ADES_SHA384, pades_to_sign(pades), &signature);
	assert_int_equal(pades_finish(pades, buf_span(&signature), &pdf), RC_OK);

	assert_int_equal(pades_list(buf_span(&pdf), found, 4, &count), RC_OK);
	assert_int_equal(count, 2);
	assert_string_equal(found[0].signer, "Trần Văn Mẫu");
	assert_int_equal(found[0].digest_len, 32);
	assert_string_equal(found[1].signer, "Nguyễn Thị Ví Dụ");
	assert_int_equal(found[1].digest_len, pades_to_sign(pades).len);
	assert_memory_equal(found[1].digest, pades_to_sign(pades).data, found[1].digest_len);
	pades_free(&pades);
	buf_free(&pdf);
	buf_free(&signature);
}

static void test_a_changed_document_is_not_valid(void **state)
{
	struct buf pdf = BUF_INIT;
	const char *text = NULL;

	(void)state;
	make_pdf(&plain, &pdf);
	sign(&pdf, &fixture.rsa, ADES_RSA_PKCS1, ADES_SHA256);
	assert_int_equal(buf_string(&pdf, &text), RC_OK);
	const char *at = memmem(pdf.data, pdf.len, "(Hoc ba)", 8);
	assert_non_null(at);
	pdf.data[(const uint8_t *)at - pdf.data + 1] = 'h';
	struct verdict verdict = judge(&pdf);
	assert_int_equal(verdict.signatures, 1);
	assert_int_equal(verdict.valid, 0);
	buf_free(&pdf);
}

static rc_t refusal(struct span pdf)
{
	struct pades_options options = options_for(&fixture.ec, ADES_ECDSA, ADES_SHA256);
	struct pades *pades = NULL;

	rc_t rc = pades_prepare(pdf, &options, &pades);
	if (rc == RC_OK)
		pades_free(&pades);
	return rc;
}

static void test_encrypted_files_are_refused_by_name(void **state)
{
	static const char *const users[] = {"", "secret"};
	char in[PATH_MAX_HERE];
	char made[PATH_MAX_HERE];
	struct buf pdf = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		make_pdf(&plain, &pdf);
		write_file("in.pdf", buf_span(&pdf));
		path_of("in.pdf", in);
		path_of("variant.pdf", made);
		run_well((const char *[]){
			"qpdf", "--encrypt", users[i], "owner", "256", "--", in, made, NULL});
		read_file("variant.pdf", &pdf);
		assert_int_equal(refusal(buf_span(&pdf)), RC_PDF_ENCRYPTED);
	}
	buf_free(&pdf);
}

static void test_a_document_certified_as_final_is_refused(void **state)
{
	static const struct shape final = {"final", "/Perms << /DocMDP 5 0 R >>", "",
		{"<< /Type /Sig /Filter /Adobe.PPKLite /Reference [<< /Type /SigRef /TransformMethod "
		 "/DocMDP /TransformParams << /Type /TransformParams /V /1.2 /P 1 >> >>] >>",
			NULL}};
	static const struct shape open_to_signatures = {"open", "/Perms << /DocMDP 5 0 R >>", "",
		{"<< /Type /Sig /Filter /Adobe.PPKLite /Reference [<< /Type /SigRef /TransformMethod "
		 "/DocMDP /TransformParams << /Type /TransformParams /V /1.2 /P 2 >> >>] >>",
			NULL}};
	struct buf pdf = BUF_INIT;

	(void)state;
	make_pdf(&final, &pdf);
	assert_int_equal(refusal(buf_span(&pdf)), RC_PDF_FINAL);
	make_pdf(&open_to_signatures, &pdf);
	assert_int_equal(refusal(buf_span(&pdf)), RC_OK);
	buf_free(&pdf);
}

/* ISO 32000-2 table 236: what programs call "lock document after signing". */
static void test_a_document_that_a_signature_locks_is_refused(void **state)
{
#define SIGNED(references)                                                                     \
	"<< /Type /Sig /Filter /Adobe.PPKLite /ByteRange [0 1 2 3] /Contents <00> /Reference " \
	"[" references "] >>"
#define PARAMS(method, params) \
	"<< /Type /SigRef /TransformMethod /" method " /TransformParams << " params " >> >>"
#define FIELD(more) "<< /FT /Sig /T (Ky) /V 5 0 R " more " >>"
	static const struct {
		struct shape shape;
		rc_t expected;
	} cases[] = {
		{{"FieldMDP", "/AcroForm << /Fields [6 0 R] >>", "",
			 {SIGNED(PARAMS("FieldMDP", "/Action /All /P 1")), FIELD(""), NULL}},
			RC_PDF_FINAL},
		{{"an approval's DocMDP", "/AcroForm << /Fields [6 0 R] >>", "",
			 {SIGNED(PARAMS("DocMDP", "/P 1")), FIELD(""), NULL}},
			RC_PDF_FINAL},
		{{"the field's Lock", "/AcroForm << /Fields [6 0 R] >>", "",
			 {SIGNED(""), FIELD("/Lock << /Action /All /P 1 >>"), NULL}},
			RC_PDF_FINAL},
		{{"deep in the form", "/AcroForm << /Fields [<< /T (a) /Kids [6 0 R] >>] >>", "",
			 {SIGNED(""), FIELD("/Lock << /Action /All /P 1 >>"), NULL}},
			RC_PDF_FINAL},
		{{"fields alone", "/AcroForm << /Fields [6 0 R] >>", "",
			 {SIGNED(PARAMS("FieldMDP", "/Action /All")),
				 FIELD("/Lock << /Action /All >>"), NULL}},
			RC_OK},
		{{"a lock that nobody closed yet", "/AcroForm << /Fields [5 0 R] >>", "",
			 {"<< /FT /Sig /T (Ky) /Lock << /Action /All /P 1 >> >>", NULL}},
			RC_OK},
	};
#undef SIGNED
#undef PARAMS
#undef FIELD
	struct buf pdf = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		make_pdf(&cases[i].shape, &pdf);
		if (refusal(buf_span(&pdf)) != cases[i].expected)
			fail_msg("%s", cases[i].shape.name);
	}
	buf_free(&pdf);
}

static void test_damaged_and_absurd_files_are_refused(void **state)
{
	static const struct shape absurd[] = {
		{"form is a number", "/AcroForm 7", "", {NULL}},
		{"fields are a name", "/AcroForm << /Fields /None >>", "", {NULL}},
		{"annotations are a string", "", "/Annots (x)", {NULL}},
		{"pages are a loop", "/Pages 5 0 R", "",
			{"<< /Type /Pages /Kids [5 0 R 5 0 R] /Count 2 >>", NULL}},
		{"no page at all", "/Pages 5 0 R", "",
			{"<< /Type /Pages /Kids [] /Count 0 >>", NULL}},
		{"page inside its parent", "/Pages 5 0 R", "",
			{"<< /Type /Pages /Kids [<< /Type /Page >>] /Count 1 >>", NULL}},
	};
	struct buf pdf = BUF_INIT;
	struct buf changed = BUF_INIT;

	(void)state;
	assert_int_equal(refusal(SPAN_NONE), RC_PDF_DAMAGED);
	assert_int_equal(refusal(span_string("%PDF-")), RC_PDF_DAMAGED);
	assert_int_equal(refusal(span_string("%PDF-1.7\nstartxref\n9\n%%EOF\n")), RC_PDF_DAMAGED);
	for (size_t i = 0; i < sizeof(absurd) / sizeof(absurd[0]); i++) {
		make_pdf(&absurd[i], &pdf);
		if (refusal(buf_span(&pdf)) != RC_PDF_DAMAGED)
			fail_msg("%s: not refused", absurd[i].name);
	}
	make_pdf(&plain, &pdf);
	for (size_t len = 0; len + 8 < pdf.len; len += 7) {
		if (refusal(SPAN(pdf.data, len)) != RC_PDF_DAMAGED)
			fail_msg("cut at %zu: not refused", len);
	}
	/* foreign bytes before the header */
	put(&changed, "MZ\n");
	assert_int_equal(buf_append_span(&changed, buf_span(&pdf)), RC_OK);
	assert_int_equal(refusal(buf_span(&changed)), RC_PDF_LATE);
	buf_free(&pdf);
	buf_free(&changed);
}

static void test_a_wrong_signature_is_not_taken_and_the_right_one_still_is(void **state)
{
	struct pades_options options = options_for(&fixture.rsa, ADES_RSA_PKCS1, ADES_SHA256);
	struct buf pdf = BUF_INIT;
	struct buf out = BUF_INIT;
	struct buf signature = BUF_INIT;
	struct pades *pades = NULL;

	(void)state;
	make_pdf(&plain, &pdf);
	assert_int_equal(pades_prepare(buf_span(&pdf), &options, &pades), RC_OK);
	sign_digest(fixture.rsa.key, ADES_RSA_PSS, ADES_SHA256, pades_to_sign(pades), &signature);
	assert_int_equal(pades_finish(pades, buf_span(&signature), &out), RC_SIGNATURE_BAD);
	sign_digest(fixture.rsa.key, ADES_RSA_PKCS1, ADES_SHA256, pades_to_sign(pades), &signature);
	signature.data[9] ^= 1;
	assert_int_equal(pades_finish(pades, buf_span(&signature), &out), RC_SIGNATURE_BAD);
	assert_int_equal(pades_finish(pades, SPAN_NONE, &out), RC_SIGNATURE_BAD);
	assert_int_equal(out.len, 0);
	signature.data[9] ^= 1;
	assert_int_equal(pades_finish(pades, buf_span(&signature), &out), RC_OK);
	assert_signed(&out, 1, "after wrong signatures");
	pades_free(&pades);
	buf_free(&pdf);
	buf_free(&out);
	buf_free(&signature);
}

static void test_a_scheme_that_does_not_fit_the_key_is_refused(void **state)
{
	struct pades_options options = options_for(&fixture.ec, ADES_RSA_PSS, ADES_SHA256);
	struct buf pdf = BUF_INIT;
	struct pades *pades = NULL;

	(void)state;
	make_pdf(&plain, &pdf);
	assert_int_equal(pades_prepare(buf_span(&pdf), &options, &pades), RC_SIGN_ALGO_INVALID);
	options = options_for(&fixture.rsa, ADES_ECDSA, ADES_SHA256);
	assert_int_equal(pades_prepare(buf_span(&pdf), &options, &pades), RC_SIGN_ALGO_INVALID);
	options.signer.certificate = span_string("no certificate");
	assert_int_equal(pades_prepare(buf_span(&pdf), &options, &pades), RC_FORMAT);
	assert_null(pades);
	buf_free(&pdf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_shape_of_form_and_annotations_is_signed_twice),
		cmocka_unit_test(
			test_object_streams_linearized_and_rewritten_files_are_signed_twice),
		cmocka_unit_test(test_linearized_with_object_streams_is_signed),
		cmocka_unit_test(test_every_scheme_and_digest_is_valid),
		cmocka_unit_test(test_attributes_are_those_of_pades_baseline),
		cmocka_unit_test(test_existing_fields_and_odd_names_survive),
		cmocka_unit_test(test_what_was_signed_is_read_back_from_the_document),
		cmocka_unit_test(test_a_changed_document_is_not_valid),
		cmocka_unit_test(test_encrypted_files_are_refused_by_name),
		cmocka_unit_test(test_a_document_certified_as_final_is_refused),
		cmocka_unit_test(test_a_document_that_a_signature_locks_is_refused),
		cmocka_unit_test(test_damaged_and_absurd_files_are_refused),
		cmocka_unit_test(test_a_wrong_signature_is_not_taken_and_the_right_one_still_is),
		cmocka_unit_test(test_a_scheme_that_does_not_fit_the_key_is_refused),
	};
	return cmocka_run_group_tests_name("ades/pades", tests, setup, teardown);
}
