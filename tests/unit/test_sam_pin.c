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
		cmocka_unit_test(kdf_parameters_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
