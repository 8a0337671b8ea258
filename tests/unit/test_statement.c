/* link: hsm */
#include "hsm/statement.h"

#include "base/wire.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static struct statement_enrol a_teacher(void)
{
	return (struct statement_enrol){
		.number = "0b6f5a34-9c5e-4f0a-8f5d-0d5f1f0a1b2c",
		.issued_at_ms = 1760000000000,
		.name = "Nguyễn Thị Ví Dụ",
		.birth_date = "1987-07-12",
		.identity_number = "001187000001",
		.identity_place = "Cục Cảnh sát quản lý hành chính về trật tự xã hội",
		.identity_date = "2023-01-01",
		.email = "ntvdu.thpt@mau.edu.vn",
		.agency = {"ỦY BAN NHÂN DÂN TỈNH MẪU", "SỞ GIÁO DỤC VÀ ĐÀO TẠO", "TRƯỜNG THPT MẪU"},
		.province = "Tỉnh Mẫu",
		.position = "Giáo viên",
		.phone = "0123456789",
	};
}

static rc_t encode_decode(const struct statement_enrol *statement, struct statement_enrol *got)
{
	struct buf out = BUF_INIT;
	rc_t rc = statement_enrol_encode(&out, statement);

	if (rc == RC_OK)
		rc = statement_enrol_decode(got, buf_span(&out));
	buf_free(&out);
	return rc;
}

static void an_enrolment_line_arrives_as_it_was_signed(void **state)
{
	struct statement_enrol line = a_teacher(), got;

	(void)state;
	assert_int_equal(encode_decode(&line, &got), RC_OK);
	assert_string_equal(got.name, line.name);
	assert_string_equal(got.email, line.email);
	assert_string_equal(got.agency[2], line.agency[2]);
	assert_string_equal(got.agency[3], "");
	assert_string_equal(got.position, "Giáo viên");
	assert_string_equal(got.budget_code, "");
	assert_int_equal(got.issued_at_ms, line.issued_at_ms);
}

static void a_line_without_a_position_is_well_formed(void **state)
{
	struct statement_enrol line = a_teacher(), got;

	(void)state;
	line.position[0] = 0;
	assert_int_equal(encode_decode(&line, &got), RC_OK);
}

static void a_line_in_bad_form_is_refused(void **state)
{
	static const struct {
		size_t offset;
		const char *text;
	} edits[] = {
		{offsetof(struct statement_enrol, number), "17"},
		{offsetof(struct statement_enrol, name), ""},
		{offsetof(struct statement_enrol, name), "Nguy\xe1n"},
		{offsetof(struct statement_enrol, name), "a\xc0\xaf"},
		{offsetof(struct statement_enrol, name), "a\xed\xa0\x80"},
		{offsetof(struct statement_enrol, name), "a\xf4\x90\x80\x80"},
		{offsetof(struct statement_enrol, name), "a\xe1\xba"},
		{offsetof(struct statement_enrol, name), "Mẫu\nBcc: x@mau.edu.vn"},
		{offsetof(struct statement_enrol, name), "Mẫu\x7f"},
		{offsetof(struct statement_enrol, name), "M\xe2\x80\xae\x75"},
		{offsetof(struct statement_enrol, birth_date), "12/07/1987"},
		{offsetof(struct statement_enrol, birth_date), "1987-02-29"},
		{offsetof(struct statement_enrol, birth_date), "1987-13-01"},
		{offsetof(struct statement_enrol, birth_date), ""},
		{offsetof(struct statement_enrol, identity_number), ""},
		{offsetof(struct statement_enrol, email), "nobody"},
		{offsetof(struct statement_enrol, email), "@mau.edu.vn"},
		{offsetof(struct statement_enrol, email), "a@b@mau.edu.vn"},
		{offsetof(struct statement_enrol, email), "a@mau"},
		{offsetof(struct statement_enrol, email), "a b@mau.edu.vn"},
		{offsetof(struct statement_enrol, email), "a@mau.edu.vn,b@mau.edu.vn"},
		{offsetof(struct statement_enrol, agency[0]), ""},
		{offsetof(struct statement_enrol, agency[1]), ""},
		{offsetof(struct statement_enrol, position), "Giáo\tviên"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		struct statement_enrol line = a_teacher(), got;
		memcpy((char *)&line + edits[i].offset, edits[i].text, strlen(edits[i].text) + 1);
		assert_int_equal(encode_decode(&line, &got), RC_STATEMENT_INVALID);
	}
}

static void a_leap_day_is_a_date(void **state)
{
	struct statement_enrol line = a_teacher(), got;

	(void)state;
	memcpy(line.birth_date, "1988-02-29", 11);
	assert_int_equal(encode_decode(&line, &got), RC_OK);
}

static void only_exactly_one_statement_is_read(void **state)
{
	struct statement_enrol line = a_teacher(), got;
	struct statement_unlock unlock = {{{1, 2}}, 77}, unlocked;
	struct buf out = BUF_INIT;

	(void)state;
	assert_int_equal(statement_enrol_encode(&out, &line), RC_OK);
	for (size_t len = 0; len < out.len; len++)
		assert_int_equal(
			statement_enrol_decode(&got, SPAN(out.data, len)), RC_STATEMENT_INVALID);
	assert_int_equal(buf_append(&out, "", 1), RC_OK);
	assert_int_equal(statement_enrol_decode(&got, buf_span(&out)), RC_STATEMENT_INVALID);
	out.data[7] = 2; /* the version */
	out.len--;
	assert_int_equal(statement_enrol_decode(&got, buf_span(&out)), RC_STATEMENT_INVALID);
	buf_clear(&out);

	assert_int_equal(statement_unlock_encode(&out, &unlock), RC_OK);
	assert_int_equal(statement_unlock_decode(&unlocked, buf_span(&out)), RC_OK);
	assert_true(id_equal(&unlocked.credential, &unlock.credential));
	assert_int_equal(unlocked.issued_at_ms, 77);
	assert_int_equal(statement_enrol_decode(&got, buf_span(&out)), RC_STATEMENT_INVALID);
	assert_int_equal(buf_append(&out, "", 1), RC_OK);
	assert_int_equal(statement_unlock_decode(&unlocked, buf_span(&out)), RC_STATEMENT_INVALID);
	buf_free(&out);
}

/* ---- operators ---- */

struct maker {
	const char *curve, *name;
	long from_s, to_s; /* validity, from now */
	bool foreign;	   /* signed by another key */
};

static EVP_PKEY *make_certificate(FILE *file, const struct maker *maker)
{
	EVP_PKEY *key = EVP_EC_gen(maker->curve), *other = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();
	X509_NAME *name = X509_get_subject_name(certificate);

	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), maker->from_s);
	X509_gmtime_adj(X509_getm_notAfter(certificate), maker->to_s);
	if (maker->name != NULL)
		X509_NAME_add_entry_by_txt(
			name, "CN", MBSTRING_UTF8, (const unsigned char *)maker->name, -1, -1, 0);
	X509_set_issuer_name(certificate, name);
	X509_set_pubkey(certificate, key);
	X509_sign(certificate, maker->foreign ? other : key, EVP_sha256());
	assert_int_equal(PEM_write_X509(file, certificate), 1);
	X509_free(certificate);
	EVP_PKEY_free(other);
	return key;
}

static const struct maker good = {"P-256", "Trần Văn Mẫu", -3600, 3600, false};

struct operators_file {
	char path[32];
	FILE *file;
};

static struct operators_file new_file(void)
{
	struct operators_file made = {.path = "/tmp/operators-XXXXXX"};
	int fd = mkstemp(made.path);

	assert_true(fd >= 0);
	made.file = fdopen(fd, "w");
	assert_non_null(made.file);
	return made;
}

static rc_t load(struct operators_file *made, mode_t mode, struct operators **operators)
{
	fclose(made->file);
	assert_int_equal(chmod(made->path, mode), 0);
	rc_t rc = operators_load(operators, made->path);
	unlink(made->path);
	return rc;
}

static void fingerprint_of(EVP_PKEY *key, uint8_t out[SHA256_LEN])
{
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(key, &der);

	assert_true(len > 0);
	assert_int_equal(digest_sha256(SPAN(der, (size_t)len), out), RC_OK);
	OPENSSL_free(der);
}

static size_t sign_bytes(EVP_PKEY *key, struct span bytes, uint8_t out[128])
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	size_t len = 128;

	assert_int_equal(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key), 1);
	assert_int_equal(EVP_DigestSign(context, out, &len, bytes.data, bytes.len), 1);
	EVP_MD_CTX_free(context);
	return len;
}

static void an_operator_in_the_file_signs(void **state)
{
	struct operators_file made = new_file();
	EVP_PKEY *first = make_certificate(made.file, &good);
	EVP_PKEY *second = make_certificate(made.file, &good);
	struct operators *operators = NULL;
	uint8_t fingerprint[SHA256_LEN], other[SHA256_LEN], signature[128];
	struct span text = span_string("a statement");

	(void)state;
	assert_int_equal(load(&made, 0644, &operators), RC_OK);
	fingerprint_of(second, fingerprint);
	fingerprint_of(first, other);
	assert_string_equal(operators_find(operators, fingerprint)->name, "Trần Văn Mẫu");
	size_t len = sign_bytes(second, text, signature);
	struct span proof = SPAN(signature, len);

	assert_int_equal(operators_verify(operators, fingerprint, text, proof), RC_OK);
	assert_int_equal(operators_verify(operators, other, text, proof), RC_STATEMENT_INVALID);
	assert_int_equal(
		operators_verify(operators, fingerprint, span_string("a statemens"), proof),
		RC_STATEMENT_INVALID);
	assert_int_equal(operators_verify(operators, fingerprint, text, SPAN(signature, len - 1)),
		RC_STATEMENT_INVALID);
	assert_int_equal(
		operators_verify(operators, fingerprint, text, SPAN_NONE), RC_STATEMENT_INVALID);
	fingerprint[0] ^= 1;
	assert_null(operators_find(operators, fingerprint));
	assert_int_equal(
		operators_verify(operators, fingerprint, text, proof), RC_STATEMENT_INVALID);
	operators_free(&operators);
	assert_null(operators);
	EVP_PKEY_free(first);
	EVP_PKEY_free(second);
}

static void outside_its_validity_a_certificate_signs_nothing(void **state)
{
	static const struct maker late[] = {
		{"P-256", "Lê Thị Hết Hạn", -7200, -3600, false},
		{"P-256", "Lê Văn Chưa Đến", 3600, 7200, false},
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct operators_file made = new_file();
		EVP_PKEY *key = make_certificate(made.file, &late[i]);
		struct operators *operators = NULL;
		uint8_t fingerprint[SHA256_LEN], signature[128];
		struct span text = span_string("a statement");

		assert_int_equal(load(&made, 0644, &operators), RC_OK);
		fingerprint_of(key, fingerprint);
		assert_non_null(operators_find(operators, fingerprint));
		size_t len = sign_bytes(key, text, signature);
		assert_int_equal(
			operators_verify(operators, fingerprint, text, SPAN(signature, len)),
			RC_STATEMENT_INVALID);
		operators_free(&operators);
		EVP_PKEY_free(key);
	}
}

static void a_file_that_others_can_write_is_refused(void **state)
{
	static const mode_t modes[] = {0664, 0646, 0620};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct operators_file made = new_file();
		struct operators *operators = NULL;
		EVP_PKEY_free(make_certificate(made.file, &good));
		assert_int_equal(load(&made, modes[i], &operators), RC_CONFIG);
		assert_null(operators);
	}
}

static void a_certificate_that_is_no_operators_is_refused(void **state)
{
	static const struct maker bad[] = {
		{"P-384", "Trần Văn Mẫu", -3600, 3600, false},
		{"P-256", "Trần Văn Mẫu", -3600, 3600, true},
		{"P-256", NULL, -3600, 3600, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct operators_file made = new_file();
		struct operators *operators = NULL;
		EVP_PKEY_free(make_certificate(made.file, &good));
		EVP_PKEY_free(make_certificate(made.file, &bad[i]));
		assert_int_equal(load(&made, 0600, &operators), RC_CONFIG);
	}
}

static void a_file_of_something_else_is_refused(void **state)
{
	static const char *const texts[] = {"hello\n",
		"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\nAAAA\n"};
	struct operators *operators = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct operators_file made = new_file();
		fputs(texts[i], made.file);
		assert_int_equal(load(&made, 0600, &operators), RC_CONFIG);
	}
	assert_int_equal(operators_load(&operators, "/nonexistent"), RC_CONFIG);
	assert_int_equal(operators_load(&operators, "/tmp"), RC_CONFIG);
}

static void an_empty_file_names_nobody(void **state)
{
	struct operators_file made = new_file();
	struct operators *operators = NULL;
	uint8_t fingerprint[SHA256_LEN] = {0};

	(void)state;
	assert_int_equal(load(&made, 0600, &operators), RC_OK);
	assert_null(operators_find(operators, fingerprint));
	operators_free(&operators);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_enrolment_line_arrives_as_it_was_signed),
		cmocka_unit_test(a_line_without_a_position_is_well_formed),
		cmocka_unit_test(a_line_in_bad_form_is_refused),
		cmocka_unit_test(a_leap_day_is_a_date),
		cmocka_unit_test(only_exactly_one_statement_is_read),
		cmocka_unit_test(an_operator_in_the_file_signs),
		cmocka_unit_test(outside_its_validity_a_certificate_signs_nothing),
		cmocka_unit_test(a_file_that_others_can_write_is_refused),
		cmocka_unit_test(a_certificate_that_is_no_operators_is_refused),
		cmocka_unit_test(a_file_of_something_else_is_refused),
		cmocka_unit_test(an_empty_file_names_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
