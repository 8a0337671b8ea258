/* link: hsm */
#include "fake_sam.h"

/* Jobs that come together: how many a SAM has at a time, and what is written together. */

static const struct hsm_client_limits limits = {.job_timeout_ms = 10000, .queue_max = 100};

static void thirty_two_brief_jobs_are_with_a_sam(void **state)
{
	struct heard heard[36] = {0};
	struct world world;

	(void)state;
	world_open(&world, limits);
	struct fake_sam *sam = fake_ready(&world, SAM_SIGN, 0);
	sign_ones(&world, 1, KEY_P_256, heard, 36);
	settle(&world);
	assert_int_equal(sam->got, 32);
	sam->obliging = true;
	while (sam->answered < 32)
		fake_answer(sam, RC_OK, 0);
	turn_until(&world, callbacks == 36);
	assert_all_in_order(heard, 36);
	world_close(&world);
}

/* Of two SAMs one has twenty signatures to make: ten each, on the average. */
static void what_the_sams_have_to_do_is_known_until_it_is_done(void **state)
{
	struct heard heard[20] = {0};
	struct world world;

	(void)state;
	world_open(&world, limits);
	struct fake_sam *sam = fake_ready(&world, SAM_SIGN, 0);
	fake_ready(&world, SAM_SIGN, 1);
	assert_int_equal(hsm_client_work_us(world.client), 0);
	sign_ones(&world, 2, KEY_P_256, heard, 20); /* even: the first one's */
	assert_int_equal(
		hsm_client_work_us(world.client), 10 * key_algo_by_kind(KEY_P_256)->sign_cost_us);
	sam->obliging = true;
	turn_until(&world, callbacks == 20);
	assert_int_equal(hsm_client_work_us(world.client), 0);
	assert_all_heard(heard, 20, RC_OK);
	world_close(&world);
}

static void brief_jobs_let_no_long_one_pile_up_behind_them(void **state)
{
	struct heard heard[12] = {0};
	struct world world;

	(void)state;
	world_open(&world, limits);
	struct fake_sam *sam = fake_ready(&world, SAM_SIGN, 0);
	sign_ones(&world, 1, KEY_P_256, heard, 6);
	for (unsigned i = 6; i < 12; i++)
		sign_one(&world, 1, KEY_RSA_4096, &heard[i]);
	settle(&world);
	assert_int_equal(sam->got, 6);
	for (unsigned i = 0; i < 3; i++)
		fake_answer(sam, RC_OK, 0);
	settle(&world);
	assert_int_equal(sam->got, 7); /* four of any kind */
	for (unsigned i = 0; i < 3; i++)
		buf_free(&heard[i].bytes);
	world_close(&world);
}

static void what_one_turn_asks_is_written_at_once(void **state)
{
	struct heard heard[16] = {0};
	struct world world;

	(void)state;
	world_open(&world, limits);
	struct fake_sam *sam = fake_ready(&world, SAM_SIGN, 0);
	sign_ones(&world, 1, KEY_P_256, heard, 16);
	turn_until(&world, sam->got > 0);
	assert_int_equal(sam->got, 16);
	assert_int_equal(sam->reads, 1);
	world_close(&world);
}

static void frames_that_the_socket_takes_only_in_part_arrive_whole(void **state)
{
	struct heard heard[4] = {0};
	struct world world;

	(void)state;
	world_open(&world, limits);
	struct fake_sam *sam = fake_ready(&world, SAM_ISSUE, 0);
	sam->obliging = true;
	for (size_t i = 0; i < 4; i++)
		ask_long_crl(&world, i + 1, LONG_LIST >> i, &heard[i]);
	turn_until(&world, callbacks == 4);
	assert_true(sam->reads > 4);
	assert_crl_numbers(heard, 4);
	assert_all_heard(heard, 4, RC_OK);
	world_close(&world);
}

static void a_death_in_a_burst_loses_only_what_the_sam_had(void **state)
{
	struct heard heard[40] = {0};
	struct world world;

	(void)state;
	world_open(&world, limits);
	struct fake_sam *sam = fake_ready(&world, SAM_SIGN, 0);
	sign_ones(&world, 1, KEY_P_256, heard, 40);
	turn_until(&world, sam->got == 32);
	for (unsigned i = 0; i < 3; i++)
		fake_answer(sam, RC_OK, 0);
	turn_until(&world, callbacks == 3 && sam->got == 35);
	struct fake_sam *other = fake_ready(&world, SAM_SIGN, 1);
	other->obliging = true;
	fake_close(sam);
	turn_until(&world, callbacks == 40);
	for (unsigned i = 0; i < 40; i++) {
		assert_heard(&heard[i], i >= 3 && i < 35 ? RC_HSM_LOST : RC_OK);
		buf_free(&heard[i].bytes);
	}
	assert_int_equal(other->got, 5);
	world_close(&world);
}

/* Before the turn is over nothing is sent: what waits for it is nobody's yet. */
static void a_sam_that_ended_in_the_same_turn_has_nothing_of_it(void **state)
{
	struct heard heard[16] = {0};
	struct world world;

	(void)state;
	world_open(&world, limits);
	struct fake_sam *sam = fake_ready(&world, SAM_SIGN, 0);
	struct fake_sam *other = fake_open(&world, SAM_SIGN, 1);
	other->obliging = true;
	sign_ones(&world, 2, KEY_P_256, heard, 16); /* even: the first one's */
	fake_close(sam);
	fake_hello(other, SAM_SIGN, 1);
	turn_until(&world, callbacks == 16);
	assert_all_heard(heard, 16, RC_OK);
	world_close(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(thirty_two_brief_jobs_are_with_a_sam),
		cmocka_unit_test(what_the_sams_have_to_do_is_known_until_it_is_done),
		cmocka_unit_test(brief_jobs_let_no_long_one_pile_up_behind_them),
		cmocka_unit_test(what_one_turn_asks_is_written_at_once),
		cmocka_unit_test(frames_that_the_socket_takes_only_in_part_arrive_whole),
		cmocka_unit_test(a_death_in_a_burst_loses_only_what_the_sam_had),
		cmocka_unit_test(a_sam_that_ended_in_the_same_turn_has_nothing_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
