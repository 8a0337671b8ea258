/* link: csc */
/* What an application of the browser flow makes and reads without a server. */
#include "clients/lib/oauth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

static void test_the_challenge_is_that_of_rfc_7636(void **state)
{
	char challenge[OAUTH_RANDOM];

	(void)state;
	assert_int_equal(
		oauth_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", challenge), RC_OK);
	assert_string_equal(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

static void test_state_and_verifier_are_random_and_never_the_same(void **state)
{
	struct oauth_pending one;
	struct oauth_pending two;

	(void)state;
	assert_int_equal(oauth_pending_new(&one), RC_OK);
	assert_int_equal(oauth_pending_new(&two), RC_OK);
	assert_int_equal(strlen(one.state), 43);
	assert_int_equal(strlen(one.verifier), 43);
	assert_string_not_equal(one.state, one.verifier);
	assert_string_not_equal(one.state, two.state);
	assert_string_not_equal(one.verifier, two.verifier);
}

static void test_details_name_each_document_by_hash_and_label(void **state)
{
	const struct span items[] = {SPAN("\xff\xfe\xfd", 3), SPAN("abc", 3)};
	const char *const labels[] = {"Học bạ \"lớp 10\"", "b"};
	const struct csc_hashes hashes = {.items = items, .count = 2, .digest = ADES_SHA256};
	struct buf out = BUF_INIT;
	const char *text = NULL;

	(void)state;
	assert_int_equal(oauth_details("c1", &hashes, labels, &out), RC_OK);
	assert_int_equal(buf_string(&out, &text), RC_OK);
	assert_string_equal(text,
		"[{\"type\":\"credential\",\"credentialID\":\"c1\",\"numSignatures\":2,"
		"\"hashAlgorithmOID\":\"2.16.840.1.101.3.4.2.1\",\"documentDigests\":["
		"{\"hash\":\"//79\",\"label\":\"Học bạ \\\"lớp 10\\\"\"},"
		"{\"hash\":\"YWJj\",\"label\":\"b\"}]}]");
	buf_free(&out);
}

static void test_what_the_browser_brings_is_read(void **state)
{
	struct oauth_return out;

	(void)state;
	assert_int_equal(
		oauth_return_read(
			"code=a%2Bb&state=s-1&x=%zz&flag&iss=https%3A%2F%2Frssp.mau.vn", &out),
		RC_OK);
	assert_string_equal(out.code, "a+b");
	assert_string_equal(out.state, "s-1");
	assert_string_equal(out.issuer, "https://rssp.mau.vn");
	assert_string_equal(out.error, "");
	assert_int_equal(
		oauth_return_read("error=access_denied&error_description=a+b%0ac", &out), RC_OK);
	assert_string_equal(out.code, "");
	assert_string_equal(out.error, "access_denied");
	assert_string_equal(out.text, "a b c");
	assert_int_equal(oauth_return_read("", &out), RC_OK);
}

static void test_what_is_said_twice_or_malformed_is_refused(void **state)
{
	static const char *const queries[] = {
		"code=a&code=b",
		"state=a&code=b&state=a",
		"code=%4",
		"code=%",
		"code=%g0",
		"code=%00",
		"state=a%00b",
	};
	struct oauth_return out = {.code = "before"};
	struct buf longest = BUF_INIT;
	const char *text = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++)
		assert_int_equal(oauth_return_read(queries[i], &out), RC_FORMAT);
	assert_int_equal(buf_append_string(&longest, "state="), RC_OK);
	for (size_t i = 0; i < OAUTH_PARAMETER; i++)
		assert_int_equal(buf_append_string(&longest, "x"), RC_OK);
	assert_int_equal(buf_string(&longest, &text), RC_OK);
	assert_int_equal(oauth_return_read(text, &out), RC_FORMAT);
	assert_string_equal(out.code, "before");
	buf_free(&longest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_challenge_is_that_of_rfc_7636),
		cmocka_unit_test(test_state_and_verifier_are_random_and_never_the_same),
		cmocka_unit_test(test_details_name_each_document_by_hash_and_label),
		cmocka_unit_test(test_what_the_browser_brings_is_read),
		cmocka_unit_test(test_what_is_said_twice_or_malformed_is_refused),
	};
	if (client_global_init() != RC_OK)
		return 1;
	return cmocka_run_group_tests_name("oauth", tests, NULL, NULL);
}
