/* link: core */
/* Where a subscriber's browser may be sent back to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/client_terms.h"

#include <stdio.h>
#include <string.h>

static void https_with_a_host_is_good(void **state)
{
	static const char *const good[] = {"https://mau.edu.vn", "https://mau.edu.vn/",
		"https://mau.edu.vn?a=b", "https://mau.edu.vn:1/",
		"https://mau.edu.vn:65535/a/b?c=d@e:f", "https://10.0.0.1/xong",
		"https://[2001:db8::1]/", "https://[2001:db8::1]:8443/",
		"https://hoc-ba.mau.edu.vn/%C4%91"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (!client_redirect_is_good(span_string(good[i])))
			fail_msg("%s", good[i]);
	}
}

static void http_is_good_on_this_machine_only(void **state)
{
	(void)state;
	assert_true(client_redirect_is_good(span_string("http://127.0.0.1/")));
	assert_true(client_redirect_is_good(span_string("http://127.0.0.1:49152/a")));
	assert_true(client_redirect_is_good(span_string("http://[::1]:1/a")));
	assert_true(client_redirect_is_good(span_string("http://localhost:3000/a")));
	assert_false(client_redirect_is_good(span_string("http://mau.edu.vn/")));
	assert_false(client_redirect_is_good(span_string("http://127.0.0.1.mau.edu.vn/")));
	assert_false(client_redirect_is_good(span_string("http://localhost@mau.edu.vn/")));
	assert_false(client_redirect_is_good(span_string("http://[::1].mau.edu.vn/")));
	assert_false(client_redirect_is_good(span_string("http://127.1/")));
}

static void anything_else_is_refused(void **state)
{
	static const char *const bad[] = {"", "https://", "https:///", "https://:443/", "https://?",
		"mau.edu.vn", "//mau.edu.vn/", "HTTPS://mau.edu.vn", "https//mau.edu.vn",
		"ftp://mau.edu.vn", "javascript:alert(1)//https://", "https://mau.edu.vn/#",
		"https://mau.edu.vn/a#b", "https://a@mau.edu.vn/", "https://a:b@mau.edu.vn/",
		"https://mau.edu.vn:/", "https://mau.edu.vn:0/", "https://mau.edu.vn:65536/",
		"https://mau.edu.vn:99999999999999999999/", "https://mau.edu.vn:+1/",
		"https://mau.edu.vn:1:2/", "https://mau edu.vn", "https://mau.edu.vn/a b",
		"https://mau.edu.vn/\n", "https://mau.edu.vn/\x7f", "https://m\xe1\xba\xabu.vn/",
		"https://mau.edu.vn\\@x.vn/", "https://mau.edu.vn/\"", "https://mau.edu.vn/<b>",
		"https://MAU.edu.vn/", "https://*.mau.edu.vn/", "https://[::1", "https://[]/",
		"https://[::1]a/", "https://[g::]/", "https://::1/", "https://%6dau.edu.vn/"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (client_redirect_is_good(span_string(bad[i])))
			fail_msg("%s", bad[i]);
	}
	assert_false(client_redirect_is_good(SPAN("https://mau.edu.vn/\0a", 21)));
}

static void an_address_has_its_limit(void **state)
{
	char text[CLIENT_REDIRECT_MAX + 2];

	(void)state;
	snprintf(text, sizeof(text), "https://mau.edu.vn/%0*d", CLIENT_REDIRECT_MAX - 19, 0);
	assert_int_equal(strlen(text), CLIENT_REDIRECT_MAX);
	assert_true(client_redirect_is_good(span_string(text)));
	strncat(text, "0", 2);
	assert_false(client_redirect_is_good(span_string(text)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(https_with_a_host_is_good),
		cmocka_unit_test(http_is_good_on_this_machine_only),
		cmocka_unit_test(anything_else_is_refused),
		cmocka_unit_test(an_address_has_its_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
