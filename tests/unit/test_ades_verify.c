/* link: ades */
/* What pades.h signs, verify.h judges: that it holds, and that nothing else does. Files signed by
 * others, revocation and timestamps are tests/func/test_cli_verify.py's. */
#include "ades_fixture.h"

#include "clients/lib/ades/verify.h"
#include "clients/lib/ades/verify_internal.h"

#include <time.h>

#define RESERVED 8192 /* bytes; at least so many are kept for a CMS */
#define ALLOWED (VERIFY_BIT(VERIFY_NO_TIMESTAMP) | VERIFY_BIT(VERIFY_REVOCATION_UNKNOWN))

static const struct shape shapes[] = {
	{"no form, no annotations", "", "", {NULL}},
	{"annotations beside the page", "", "/Annots 5 0 R",
		{"[6 0 R]", "<< /Type /Annot /Subtype /Text /Rect [10 10 20 20] /Contents (x) >>",
			NULL}},
	{"form beside the catalog", "/AcroForm 5 0 R", "", {"<< /Fields [] /SigFlags 1 >>", NULL}},
	{"form with a field", "/AcroForm << /Fields [5 0 R] /DA (/Helv 0 Tf) >>", "/Annots [5 0 R]",
		{"<< /Type /Annot /Subtype /Widget /FT /Tx /T (diem) /V (5) /Rect [0 0 9 9] "
		 "/P 3 0 R >>",
			NULL}},
	{"fields beside the form", "/AcroForm 5 0 R", "/Annots 7 0 R",
		{"<< /Fields 6 0 R /SigFlags 3 >>", "[]", "[]", NULL}},
};

static struct verify_trust *trust_in_root(void)
{
	struct verify_trust *trust = NULL;

	assert_int_equal(verify_trust_new(&trust), RC_OK);
	assert_int_equal(verify_trust_add_roots(trust, buf_span(&fixture.root.certificate)), RC_OK);
	return trust;
}

static int64_t now_ms(void)
{
	return (int64_t)time(NULL) * 1000;
}

/* NULL: it could not be judged. */
static struct verify_report *report_at(struct span file, int64_t at_ms)
{
	struct verify_trust *trust = trust_in_root();
	struct verify_report *report = NULL;
	const struct verify_options options = {.trust = trust, .now_ms = at_ms};

	if (verify_file(file, &options, &report) != RC_OK)
		assert_null(report);
	verify_trust_free(&trust);
	return report;
}

static bool holds(struct span file)
{
	struct verify_report *report = report_at(file, now_ms());
	bool good = report != NULL && verify_holds(report, ALLOWED);

	verify_report_free(&report);
	return good;
}

static void read_path(const char *path, struct buf *out)
{
	char chunk[4096];
	size_t got;
	FILE *file = fopen(path, "rb");

	assert_non_null(file);
	buf_clear(out);
	while ((got = fread(chunk, 1, sizeof(chunk), file)) > 0)
		assert_int_equal(buf_append(out, chunk, got), RC_OK);
	fclose(file);
}

static void test_what_is_signed_here_holds_in_every_scheme_and_shape(void **state)
{
	static const struct {
		bool rsa;
		enum ades_scheme scheme;
		enum ades_digest digest;
	} ways[] = {{true, ADES_RSA_PKCS1, ADES_SHA256}, {true, ADES_RSA_PSS, ADES_SHA384},
		{true, ADES_RSA_PSS, ADES_SHA512}, {false, ADES_ECDSA, ADES_SHA256}};
	struct buf pdf = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		make_pdf(&shapes[i], &pdf);
		for (size_t w = 0; w < sizeof(ways) / sizeof(ways[0]); w++) {
			sign(&pdf, ways[w].rsa ? &fixture.rsa : &fixture.ec, ways[w].scheme,
				ways[w].digest);
			if (!holds(buf_span(&pdf)))
				fail_msg("%s, %zu signatures", shapes[i].name, w + 1);
		}
	}
	buf_free(&pdf);
}

static void test_signatures_after_reference_streams_and_linearization_hold(void **state)
{
	static const char *const variants[] = {"--object-streams=generate", "--linearize", "--qdf"};
	struct buf pdf = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++) {
		make_variant(&shapes[3], variants[i], &pdf);
		sign(&pdf, &fixture.ec, ADES_ECDSA, ADES_SHA256);
		sign(&pdf, &fixture.rsa, ADES_RSA_PKCS1, ADES_SHA256);
		if (!holds(buf_span(&pdf)))
			fail_msg("%s", variants[i]);
	}
	buf_free(&pdf);
}

/* Our signature on another program's leaves that one as it was. */
static void test_a_signature_on_libreoffices_leaves_it_valid(void **state)
{
	static const char folder[] = SOURCE_DIR "/tests/data/libreoffice/";
	struct verify_trust *trust = trust_in_root();
	struct verify_report *report = NULL;
	struct buf bytes = BUF_INIT;
	char path[PATH_MAX_HERE];

	(void)state;
	snprintf(path, sizeof(path), "%sroot.pem", folder);
	read_path(path, &bytes);
	assert_int_equal(verify_trust_add_roots(trust, buf_span(&bytes)), RC_OK);
	snprintf(path, sizeof(path), "%ssigned.pdf", folder);
	read_path(path, &bytes);
	sign(&bytes, &fixture.ec, ADES_ECDSA, ADES_SHA256);
	const struct verify_options options = {.trust = trust, .now_ms = now_ms()};
	assert_int_equal(verify_file(buf_span(&bytes), &options, &report), RC_OK);
	assert_int_equal(report->count, 2);
	assert_int_equal(report->signatures[0].later, LATER_SIGNATURE);
	assert_true(verify_holds(report, ALLOWED));
	verify_report_free(&report);
	verify_trust_free(&trust);
	buf_free(&bytes);
}

static void test_the_report_says_who_and_what(void **state)
{
	struct buf pdf = BUF_INIT;

	(void)state;
	make_pdf(&plain, &pdf);
	sign(&pdf, &fixture.rsa, ADES_RSA_PSS, ADES_SHA256);
	size_t first = pdf.len;
	sign(&pdf, &fixture.ec, ADES_ECDSA, ADES_SHA256);
	struct verify_report *report = report_at(buf_span(&pdf), now_ms());
	assert_int_equal(report->count, 2);
	const struct verify_signature *older = &report->signatures[0];
	const struct verify_signature *newer = &report->signatures[1];
	assert_string_equal(older->signer.name, "Nguyễn Thị Ví Dụ");
	assert_string_equal(older->algorithm, "RSA-PSS 2048, sha256");
	assert_string_equal(older->signer.serial, "02");
	assert_string_equal(older->signer.root, "Ví dụ CA");
	assert_int_equal(older->signing_ms, SIGNED_AT_MS);
	assert_int_equal(older->covered, first);
	assert_int_equal(older->later, LATER_SIGNATURE);
	assert_false(older->whole_file);
	assert_string_equal(newer->signer.name, "Trần Văn Mẫu");
	assert_true(newer->whole_file);
	assert_int_equal(newer->later, 0);
	verify_report_free(&report);
	buf_free(&pdf);
}

static void test_no_signed_byte_may_change(void **state)
{
	struct buf pdf = BUF_INIT;

	(void)state;
	make_pdf(&plain, &pdf);
	sign(&pdf, &fixture.ec, ADES_ECDSA, ADES_SHA256);
	const uint8_t *contents = memmem(pdf.data, pdf.len, "/Contents <", 11);
	assert_non_null(contents);
	size_t gap = (size_t)(contents - pdf.data) + 10;
	size_t end = gap;
	while (pdf.data[end] != '>')
		end++;
	for (size_t i = 0; i < pdf.len; i += 2) {
		if (i >= gap && i < end)
			i = end;
		pdf.data[i] ^= 1;
		if (holds(buf_span(&pdf)))
			fail_msg("byte %zu of %zu", i, pdf.len);
		pdf.data[i] ^= 1;
	}
	assert_true(holds(buf_span(&pdf)));
	buf_free(&pdf);
}

/* Inside the signature there are bytes that say nothing, a root's certificate for one. */
static void test_no_byte_of_the_signature_may_become_another_signer(void **state)
{
	struct buf pdf = BUF_INIT;

	(void)state;
	make_pdf(&plain, &pdf);
	sign(&pdf, &fixture.ec, ADES_ECDSA, ADES_SHA256);
	const uint8_t *contents = memmem(pdf.data, pdf.len, "/Contents <", 11);
	assert_non_null(contents);
	const size_t start = (size_t)(contents - pdf.data) + 11;
	/* the CMS closely, the zeros behind it here and there */
	for (size_t i = start; i < start + 2 * RESERVED; i += i < start + 3000 ? 7 : 997) {
		pdf.data[i] ^= 1;
		struct verify_report *report = report_at(buf_span(&pdf), now_ms());
		if (report != NULL && verify_holds(report, ALLOWED))
			assert_string_equal(report->signatures[0].signer.name, "Trần Văn Mẫu");
		verify_report_free(&report);
		pdf.data[i] ^= 1;
	}
	buf_free(&pdf);
}

static void test_no_part_of_a_signed_file_holds(void **state)
{
	struct buf pdf = BUF_INIT;

	(void)state;
	make_pdf(&plain, &pdf);
	sign(&pdf, &fixture.ec, ADES_ECDSA, ADES_SHA256);
	/* the last line's end is not signed by everybody: it is here */
	for (size_t len = 0; len < pdf.len; len += len + 100 < pdf.len ? 211 : 3) {
		if (holds(SPAN(pdf.data, len)))
			fail_msg("%zu of %zu bytes", len, pdf.len);
	}
	buf_free(&pdf);
}

static void test_the_time_of_check_decides_without_a_timestamp(void **state)
{
	static const int64_t day_ms = 86400000;
	struct buf pdf = BUF_INIT;

	(void)state;
	make_pdf(&plain, &pdf);
	sign(&pdf, &fixture.ec, ADES_ECDSA, ADES_SHA256);
	struct verify_report *late = report_at(buf_span(&pdf), now_ms() + 2 * day_ms);
	assert_true((late->signatures[0].faults & VERIFY_BIT(VERIFY_EXPIRED)) != 0);
	assert_int_equal(late->signatures[0].certificate, VERIFY_BAD);
	struct verify_report *early = report_at(buf_span(&pdf), now_ms() - day_ms);
	assert_true((early->signatures[0].faults & VERIFY_BIT(VERIFY_NOT_YET_VALID)) != 0);
	verify_report_free(&late);
	verify_report_free(&early);
	buf_free(&pdf);
}

static void test_nothing_is_trusted_but_the_roots_that_are_given(void **state)
{
	struct verify_trust *trust = NULL;
	struct verify_report *report = NULL;
	struct buf pdf = BUF_INIT;

	(void)state;
	make_pdf(&plain, &pdf);
	sign(&pdf, &fixture.ec, ADES_ECDSA, ADES_SHA256);
	assert_int_equal(verify_trust_new(&trust), RC_OK);
	assert_int_equal(verify_trust_add_roots(trust, SPAN_NONE), RC_FORMAT);
	assert_int_equal(verify_trust_add_roots(trust, span_string("no root")), RC_FORMAT);
	assert_int_equal(verify_trust_add_crl(trust, span_string("no list")), RC_FORMAT);
	const struct verify_options options = {.trust = trust, .now_ms = now_ms()};
	assert_int_equal(verify_file(buf_span(&pdf), &options, &report), RC_OK);
	assert_true((report->signatures[0].faults & VERIFY_BIT(VERIFY_UNTRUSTED)) != 0);
	assert_false(verify_holds(report, ALLOWED));
	/* nor is anybody's address asked for */
	assert_int_equal(report->crl_url_count, 0);
	verify_report_free(&report);
	verify_trust_free(&trust);
	buf_free(&pdf);
}

static void test_what_is_allowed_is_no_error_and_nothing_more(void **state)
{
	const struct verify_signature signature = {
		.faults = VERIFY_BIT(VERIFY_NO_TIMESTAMP) | VERIFY_BIT(VERIFY_REVOCATION_UNKNOWN) |
			  VERIFY_BIT(VERIFY_NEITHER) | VERIFY_BIT(VERIFY_ESS_ABSENT)};
	const struct verify_signature revoked = {.faults = VERIFY_BIT(VERIFY_REVOKED)};

	(void)state;
	assert_int_equal(verify_errors(&signature, ALLOWED), 0);
	assert_int_equal(verify_errors(&signature, VERIFY_BIT(VERIFY_NO_TIMESTAMP)),
		VERIFY_BIT(VERIFY_REVOCATION_UNKNOWN));
	assert_true(verify_errors(&signature, 0) != 0);
	assert_true(verify_errors(&revoked, ALLOWED) != 0);
}

static void test_an_unsigned_pdf_does_not_hold(void **state)
{
	struct buf pdf = BUF_INIT;

	(void)state;
	make_pdf(&plain, &pdf);
	struct verify_report *report = report_at(buf_span(&pdf), now_ms());
	assert_int_equal(report->count, 0);
	assert_false(verify_holds(report, UINT64_MAX));
	verify_report_free(&report);
	buf_free(&pdf);
}

static void test_dates_of_pdfs_are_read_with_their_zones(void **state)
{
	static const struct {
		const char *date;
		int64_t ms;
	} rows[] = {{"D:20260528202640Z", SIGNED_AT_MS}, {"D:20260529032640+07'00'", SIGNED_AT_MS},
		{"D:20260529032640+07'00", SIGNED_AT_MS}, {"D:20260528152640-05'00'", SIGNED_AT_MS},
		{"20260528202640", SIGNED_AT_MS}, {"D:2026", 1767225600000}, {"D:20x6", 0}, {"", 0},
		{"D:2026052820264", 0}, {"yesterday", 0}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (verify_pdf_date_ms(rows[i].date) != rows[i].ms)
			fail_msg("%s", rows[i].date);
	}
}

static void test_texts_are_cut_between_signs_and_steer_no_terminal(void **state)
{
	char text[8];

	(void)state;
	verify_copy_text(text, sizeof(text), "a\x1b[2J\n");
	assert_string_equal(text, "a [2J ");
	verify_copy_text(text, sizeof(text), "12345\xe1\xbb\x85");
	assert_string_equal(text, "12345");
	verify_copy_text(text, sizeof(text), "1234\xe1\xbb\x85");
	assert_string_equal(text, "1234\xe1\xbb\x85");
	verify_copy_text(text, sizeof(text), "1234\xe1\xbb\x85x");
	assert_string_equal(text, "1234\xe1\xbb\x85");
	verify_copy_text(text, sizeof(text),
		"a\xe2\x80\xae"
		"b\xc2\x9b"
		"c");
	assert_string_equal(text, "abc");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_signed_here_holds_in_every_scheme_and_shape),
		cmocka_unit_test(test_signatures_after_reference_streams_and_linearization_hold),
		cmocka_unit_test(test_a_signature_on_libreoffices_leaves_it_valid),
		cmocka_unit_test(test_the_report_says_who_and_what),
		cmocka_unit_test(test_no_signed_byte_may_change),
		cmocka_unit_test(test_no_byte_of_the_signature_may_become_another_signer),
		cmocka_unit_test(test_no_part_of_a_signed_file_holds),
		cmocka_unit_test(test_the_time_of_check_decides_without_a_timestamp),
		cmocka_unit_test(test_nothing_is_trusted_but_the_roots_that_are_given),
		cmocka_unit_test(test_what_is_allowed_is_no_error_and_nothing_more),
		cmocka_unit_test(test_an_unsigned_pdf_does_not_hold),
		cmocka_unit_test(test_dates_of_pdfs_are_read_with_their_zones),
		cmocka_unit_test(test_texts_are_cut_between_signs_and_steer_no_terminal),
	};
	return cmocka_run_group_tests_name("ades/verify", tests, setup, teardown);
}
