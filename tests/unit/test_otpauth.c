/* link: core */
/* The key URI that authenticators scan. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/otpauth.h"

#include <stdio.h>
#include <string.h>

static void assert_uri(
	struct span secret, const char *issuer, const char *account, const char *want)
{
	struct secret uri = SECRET_INIT;

	assert_int_equal(otpauth_uri(&uri, secret, issuer, account), RC_OK);
	assert_int_equal(secret_span(&uri).len, strlen(want));
	assert_memory_equal(secret_span(&uri).data, want, strlen(want));
	secret_free(&uri);
}

static void test_secret_is_base32_without_padding(void **state)
{
	static const struct {
		const char *bytes, *base32;
	} rows[] = {/* RFC 4648 §10 */
		{"f", "MY"}, {"fo", "MZXQ"}, {"foo", "MZXW6"}, {"foob", "MZXW6YQ"},
		{"fooba", "MZXW6YTB"}, {"foobar", "MZXW6YTBOI"}};
	char want[256];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(want, sizeof(want),
			"otpauth://totp/a:b?secret=%s&issuer=a&algorithm=SHA1&digits=6&period=30",
			rows[i].base32);
		assert_uri(span_string(rows[i].bytes), "a", "b", want);
	}
}

static void test_labels_are_percent_encoded_utf8(void **state)
{
	(void)state;
	assert_uri(span_string("f"), "Ký số", "Ví Dụ (1a:&?)",
		"otpauth://totp/K%C3%BD%20s%E1%BB%91:V%C3%AD%20D%E1%BB%A5%20%281a%3A%26%3F%29"
		"?secret=MY&issuer=K%C3%BD%20s%E1%BB%91&algorithm=SHA1&digits=6&period=30");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_secret_is_base32_without_padding),
		cmocka_unit_test(test_labels_are_percent_encoded_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
