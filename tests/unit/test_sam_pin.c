/* link: sam
 * The rules for PINs, as a table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "hsm/sam/pin.h"

#include <string.h>

static const struct pin_person person = {
	.birth_date = "1987-07-05",
	.identity_number = "001187012345",
	.phone = "0912 345 678",
};

static const struct {
	const char *why;
	const char *pin;
	rc_t rc;
} table[] = {
	{"six digits", "481927", RC_OK},
	{"a phrase", "hoa sen 4719", RC_OK},
	{"Vietnamese, six characters", "đường4ạ", RC_OK},
	{"64 characters", "q1w8e2r7t3y6u5i4o0p-a9s8d2f7g3h6j5k4l0z-x9c8v2b7n3m6.e7r1t4y9u3", RC_OK},
	{"five characters", "48192", RC_PIN_WEAK},
	{"empty", "", RC_PIN_WEAK},
	{"five characters of three bytes", "ạạệộẹ", RC_PIN_WEAK},
	{"65 characters", "q1w8e2r7t3y6u5i4o0p-a9s8d2f7g3h6j5k4l0z-x9c8v2b7n3m6.e7r1t4y9u3x5",
		RC_PIN_WEAK},
	{"one character", "444444", RC_PIN_WEAK},
	{"a piece twice", "582582", RC_PIN_WEAK},
	{"a piece again, cut", "5858585", RC_PIN_WEAK},
	{"a word twice", "hoahoa", RC_PIN_WEAK},
	{"two characters only", "477747", RC_PIN_WEAK},
	{"mostly one run of equals", "5555193", RC_PIN_WEAK},
	{"up", "234567", RC_PIN_WEAK},
	{"down", "765432", RC_PIN_WEAK},
	{"up over the zero", "678901", RC_PIN_WEAK},
	{"down over the zero", "210987", RC_PIN_WEAK},
	{"mostly up", "456782", RC_PIN_WEAK},
	{"letters up", "cdefgh", RC_PIN_WEAK},
	{"letters in capitals", "CDEFGH", RC_PIN_WEAK},
	{"a row of the keyboard", "qwerty", RC_PIN_WEAK},
	{"a row backwards", "lkjhgf", RC_PIN_WEAK},
	{"half a run is allowed", "456914", RC_OK},
	{"birth date ddmmyyyy", "05071987", RC_PIN_WEAK},
	{"birth date with dots", "05.07.1987", RC_PIN_WEAK},
	{"birth date dmyyyy", "571987", RC_PIN_WEAK},
	{"birth date ddmmyy", "050787", RC_PIN_WEAK},
	{"birth date yymmdd", "870705", RC_PIN_WEAK},
	{"birth date yyyymmdd", "19870705", RC_PIN_WEAK},
	{"birth date mmddyyyy", "07051987", RC_PIN_WEAK},
	{"birth date yyyyddmm", "19870507", RC_PIN_WEAK},
	{"month and year", "071987", RC_PIN_WEAK},
	{"birth date inside", "x050787y", RC_PIN_WEAK},
	{"another date", "14031962", RC_OK},
	{"start of the identity number", "0011xzq", RC_PIN_WEAK},
	{"middle of the identity number", "918701", RC_PIN_WEAK},
	{"four digits of it, apart", "2-3-4-5-x", RC_PIN_WEAK},
	{"three digits of it", "118xqz", RC_OK},
	{"part of the phone number", "z3456z", RC_PIN_WEAK},
	{"phone number over the blanks", "k2345k", RC_PIN_WEAK},
	{"a control character", "48\n1927", RC_PIN_WEAK},
	{"overlong UTF-8",
		"\xc0\xb4"
		"81927",
		RC_PIN_WEAK},
	{"half a character", "481927\xe1\xba", RC_PIN_WEAK},
	{"a surrogate",
		"\xed\xa0\x80"
		"481927",
		RC_PIN_WEAK},
};

static void pin_rules_hold(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		rc_t rc = pin_check_rules(span_string(table[i].pin), &person);
		if (rc != table[i].rc)
			fail_msg("%s: %s gives %s", table[i].why, table[i].pin, rc_name(rc));
	}
}

static const struct {
	const char *why;
	const char *password;
	rc_t rc;
} passwords[] = {
	{"a phrase", "mua xuân trên núi", RC_OK},
	{"ten characters", "đường 4ạ k", RC_OK},
	{"128 characters",
		"q1w8e2r7t3y6u5i4o0p-a9s8d2f7g3h6j5k4l0z-x9c8v2b7n3m6.e7r1t4y9u3w"
		"k4l0z-x9c8v2b7n3m6.e7r1t4y9u3wq1w8e2r7t3y6u5i4o0p-a9s8d2f7g3h6j5",
		RC_OK},
	{"129 characters",
		"q1w8e2r7t3y6u5i4o0p-a9s8d2f7g3h6j5k4l0z-x9c8v2b7n3m6.e7r1t4y9u3w"
		"k4l0z-x9c8v2b7n3m6.e7r1t4y9u3wq1w8e2r7t3y6u5i4o0p-a9s8d2f7g3h6j5x",
		RC_PASSWORD_WEAK},
	{"nine characters", "đường 4ạk", RC_PASSWORD_WEAK},
	{"empty", "", RC_PASSWORD_WEAK},
	{"one character", "aaaaaaaaaaaa", RC_PASSWORD_WEAK},
	{"a piece again and again", "hoasenhoasen", RC_PASSWORD_WEAK},
	{"up", "1234567890", RC_PASSWORD_WEAK},
	{"a row of the keyboard", "qwertyuiop", RC_PASSWORD_WEAK},
	{"the e-mail", "nguyen.vi.du@mau.edu.vn", RC_PASSWORD_WEAK},
	{"the e-mail in capitals", "Nguyen.Vi.Du@MAU.edu.vn", RC_PASSWORD_WEAK},
	{"the name of the e-mail", "nguyen.vi.du", RC_PASSWORD_WEAK},
	{"more than the name of the e-mail", "nguyen.vi.du 47", RC_OK},
	{"the identity number", "001187012345", RC_PASSWORD_WEAK},
	{"the identity number inside", "cccd 0011 8701 2345 x", RC_PASSWORD_WEAK},
	{"another number", "7281935046 xz", RC_OK},
	{"a control character", "mua xuân\ntrên núi", RC_PASSWORD_WEAK},
	{"half a character", "mua xuân trên n\xe1\xba", RC_PASSWORD_WEAK},
};

static void password_rules_hold(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(passwords) / sizeof(passwords[0]); i++) {
		rc_t rc = password_check_rules(span_string(passwords[i].password),
			span_string(person.identity_number),
			span_string("nguyen.vi.du@mau.edu.vn"));
		if (rc != passwords[i].rc)
			fail_msg("%s: %s gives %s", passwords[i].why, passwords[i].password,
				rc_name(rc));
	}
}

static void without_a_person_the_form_alone_counts(void **state)
{
	(void)state;
	assert_int_equal(
		password_check_rules(span_string("mua xuân trên núi"), SPAN_NONE, SPAN_NONE),
		RC_OK);
}

static void kdf_parameters_are_bounded(void **state)
{
	static const struct {
		struct kdf_parameters kdf;
		rc_t rc;
	} bounds[] = {
		{{PIN_KDF_MEMORY_KIB, PIN_KDF_PASSES}, RC_OK},
		{{65536, 8}, RC_OK},
		{{1023, 1}, RC_RANGE},
		{{65537, 1}, RC_RANGE},
		{{UINT64_MAX, 1}, RC_RANGE},
		{{4096, 0}, RC_RANGE},
		{{4096, 9}, RC_RANGE},
		{{4096, (uint64_t)1 << 32 | 1}, RC_RANGE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++)
		assert_int_equal(pin_kdf_check(&bounds[i].kdf), bounds[i].rc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pin_rules_hold),
		cmocka_unit_test(password_rules_hold),
		cmocka_unit_test(without_a_person_the_form_alone_counts),
		cmocka_unit_test(kdf_parameters_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
