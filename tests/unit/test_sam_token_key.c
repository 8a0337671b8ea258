/* link: sam
 * The key of a day's access tokens: the same from every SAM of a token, another for every day, and
 * none for days that are not near. */
#include "sam_fixture.h"

#define DAY_MS (24 * INT64_C(3600000))

static uint64_t today(void)
{
	return (uint64_t)(clock_wall_ms() / DAY_MS);
}

static struct buf key_of(struct sam *sam, uint64_t epoch)
{
	struct job_token_key job = {.epoch = epoch};
	struct job_token_key_given given = {BUF_INIT};

	assert_int_equal(sam_token_key(sam, &job, &given), RC_OK);
	assert_int_equal(given.key.len, TOKEN_KEY_LEN);
	return given.key;
}

static void every_sam_gives_the_same_key_for_a_day(void **state)
{
	struct sam *one = sam_as(SAM_ISSUE);
	uint64_t day = today();
	struct buf first = key_of(one, day);

	(void)state;
	sam_free(&one);
	struct sam *other = sam_as(SAM_ISSUE);
	struct buf second = key_of(other, day);
	assert_memory_equal(first.data, second.data, TOKEN_KEY_LEN);
	buf_free(&first);
	buf_free(&second);
	sam_free(&other);
}

static void each_day_has_a_key_of_its_own(void **state)
{
	struct sam *sam = sam_as(SAM_ISSUE);
	uint64_t day = today();
	struct buf keys[] = {key_of(sam, day - 1), key_of(sam, day), key_of(sam, day + 1)};

	(void)state;
	assert_memory_not_equal(keys[0].data, keys[1].data, TOKEN_KEY_LEN);
	assert_memory_not_equal(keys[1].data, keys[2].data, TOKEN_KEY_LEN);
	for (size_t i = 0; i < 3; i++)
		buf_free(&keys[i]);
	sam_free(&sam);
}

static void only_yesterday_today_and_tomorrow_are_given(void **state)
{
	struct sam *sam = sam_as(SAM_ISSUE);
	const uint64_t far[] = {today() - 3, today() + 3, 0, UINT64_MAX, UINT64_MAX - 1};
	struct job_token_key_given given = {BUF_INIT};

	(void)state;
	for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++) {
		struct job_token_key job = {.epoch = far[i]};
		assert_int_equal(sam_token_key(sam, &job, &given), RC_RANGE);
	}
	assert_int_equal(given.key.len, 0);
	sam_free(&sam);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_sam_gives_the_same_key_for_a_day),
		cmocka_unit_test(each_day_has_a_key_of_its_own),
		cmocka_unit_test(only_yesterday_today_and_tomorrow_are_given),
	};

	return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}
