/* link: sam
 * One-time passwords: RFC 6238's own vectors, the window, replay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "hsm/sam/otp.h"

#include <string.h>

static const char secret[] = "12345678901234567890";

/* RFC 6238, appendix B, SHA-1; the last six of its eight digits. */
static const struct {
	int64_t seconds;
	const char *code;
} vectors[] = {
	{59, "287082"},
	{1111111109, "081804"},
	{1111111111, "050471"},
	{1234567890, "005924"},
	{2000000000, "279037"},
	{20000000000, "353130"},
};

static rc_t check(const char *code, int64_t now_ms, int64_t last, struct otp_answer *answer)
{
	return otp_check(span_string(secret), span_string(code), now_ms, last, answer);
}

static void otp_follows_rfc_6238(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct otp_answer answer = {0};
		assert_int_equal(
			check(vectors[i].code, vectors[i].seconds * 1000, -1, &answer), RC_OK);
		assert_int_equal(answer.step, vectors[i].seconds / 30);
	}
}

static void otp_of_the_neighbouring_steps_is_accepted(void **state)
{
	struct otp_answer answer = {0};
	int64_t step = 1234567890 / 30;

	(void)state;
	for (int64_t offset = -1; offset <= 1; offset++) {
		assert_int_equal(check("005924", (step + offset) * 30000, -1, &answer), RC_OK);
		assert_int_equal(answer.step, step);
	}
	assert_int_equal(check("005924", (step - 2) * 30000 + 29999, -1, &answer), RC_OTP_WRONG);
	assert_int_equal(check("005924", (step - 1) * 30000 - 1, -1, &answer), RC_OTP_WRONG);
	assert_int_equal(check("005924", (step + 2) * 30000, -1, &answer), RC_OTP_WRONG);
}

static void otp_of_a_used_step_is_replayed_and_says_how_long_to_wait(void **state)
{
	struct otp_answer answer = {0};
	int64_t step = 1234567890 / 30, now = step * 30000 + 10000;

	(void)state;
	assert_int_equal(check("005924", now, step - 1, &answer), RC_OK);
	assert_int_equal(check("005924", now, step, &answer), RC_OTP_REPLAYED);
	assert_int_equal(answer.retry_after_s, 20);
	assert_int_equal(check("005924", now, step + 1, &answer), RC_OTP_REPLAYED);
	assert_int_equal(answer.retry_after_s, 50);
	/* a database that claims a step far ahead cannot make the wait absurd */
	assert_int_equal(check("005924", now, INT64_MAX, &answer), RC_OTP_REPLAYED);
	assert_true(answer.retry_after_s <= 90);
	assert_int_equal(check("005925", now, step, &answer), RC_OTP_WRONG);
}

static void otp_of_another_form_is_wrong(void **state)
{
	static const char *const forms[] = {"", "05924", "0059240", "00592a", " 05924", "005 24"};
	struct otp_answer answer = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		assert_int_equal(check(forms[i], 1234567890000, -1, &answer), RC_OTP_WRONG);
}

static void otp_record_has_one_form(void **state)
{
	struct buf record = BUF_INIT;
	struct span found = SPAN_NONE;

	(void)state;
	assert_int_equal(otp_record_encode(&record, span_string(secret)), RC_OK);
	assert_int_equal(otp_record_decode(buf_span(&record), &found), RC_OK);
	assert_true(span_equal(found, span_string(secret)));
	for (size_t cut = 0; cut < record.len; cut++)
		assert_int_equal(otp_record_decode(SPAN(record.data, cut), &found), RC_FORMAT);
	record.data[record.len - 1] ^= 1;
	assert_int_equal(otp_record_decode(buf_span(&record), &found), RC_FORMAT);
	buf_free(&record);
}

static int start(void **state)
{
	(void)state;
	return otp_library_start() == RC_OK ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(otp_follows_rfc_6238),
		cmocka_unit_test(otp_of_the_neighbouring_steps_is_accepted),
		cmocka_unit_test(otp_of_a_used_step_is_replayed_and_says_how_long_to_wait),
		cmocka_unit_test(otp_of_another_form_is_wrong),
		cmocka_unit_test(otp_record_has_one_form),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
