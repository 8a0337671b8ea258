/* link: hsm */
#include "fake_sam.h"

/* Large signing jobs: cut, spread over the SAMs, joined, all or nothing. */

static const struct hsm_client_limits limits = {.job_timeout_ms = 10000, .queue_max = 100};

static uint8_t hashes[HASHES_MAX * SHA256_LEN];
static uint32_t all[HASHES_MAX];

/* In an order that is not that of the hashes: the answers have to keep it. */
static uint32_t index_at(size_t i)
{
	return (uint32_t)(HASHES_MAX - 1 - i);
}

static void sign_many(struct world *world, enum key_kind key, size_t count, struct heard *heard)
{
	static const uint8_t secret[SAD_SECRET_LEN];
	struct job_sign job = {.terms = fake_terms(2, hashes, HASHES_MAX),
		.secret = SPAN(secret, sizeof(secret)),
		.seal = span_string("seal"),
		.scheme = SCHEME_RSA_PKCS1,
		.indices = all,
		.index_count = count};

	for (size_t i = 0; i < count; i++)
		all[i] = index_at(i);
	ask_to_sign(world, key, &job, heard);
	/* the job's spans need to live no longer */
	memset(all, 0xff, sizeof(all));
}

static void assert_in_order(const struct heard *heard, size_t count)
{
	assert_heard(heard, RC_OK);
	assert_int_equal(heard->count, count);
	assert_int_equal(heard->bytes.len, 2 * count);
	for (size_t i = 0; i < count; i++) {
		uint32_t index =
			(uint32_t)heard->bytes.data[2 * i] << 8 | heard->bytes.data[2 * i + 1];
		assert_int_equal(index, index_at(i));
	}
}

static size_t piece_of(const struct fake_frame *frame)
{
	static uint32_t indices[HASHES_MAX];
	struct job_sign job;

	assert_int_equal(proto_sign_decode(&job, indices, buf_span(&frame->body)), RC_OK);
	return (size_t)job.index_count;
}

static void no_piece_costs_more_than_20_ms(void **state)
{
	static const enum key_kind keys[] = {
		KEY_RSA_2048, KEY_RSA_3072, KEY_RSA_4096, KEY_P_256, KEY_P_384};

	(void)state;
	for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
		const struct key_algo *algo = key_algo_by_kind(keys[k]);
		struct heard heard = {0};
		struct world world;

		world_open(&world, limits);
		struct fake_sam *sam = fake_ready(&world, SAM_SIGN, 0);
		sam->obliging = true;
		sign_many(&world, keys[k], HASHES_MAX, &heard);
		turn_until(&world, heard.calls > 0);
		assert_in_order(&heard, HASHES_MAX);
		for (size_t i = 0; i < sam->got; i++) {
			size_t piece = piece_of(&sam->frames[i]);
			assert_true(piece * algo->sign_cost_us <= 20000);
			assert_true(i + 1 == sam->got || (piece + 1) * algo->sign_cost_us > 20000);
		}
		assert_int_equal(sam->most_waiting, 1);
		buf_free(&heard.bytes);
		world_close(&world);
	}
}

static void pieces_are_spread_one_a_sam_at_a_time(void **state)
{
	struct heard heard = {0};
	struct world world;

	(void)state;
	world_open(&world, limits);
	struct fake_sam *first = fake_ready(&world, SAM_SIGN, 0);
	struct fake_sam *second = fake_ready(&world, SAM_SIGN, 1);
	sign_many(&world, KEY_RSA_2048, 100, &heard);
	turn_until(&world, first->got == 1 && second->got == 1);
	settle(&world);
	assert_int_equal(first->got + second->got, 2);
	/* the second is fast, the first one slow: the answers are joined in order all the same */
	while (second->got < 3) {
		fake_answer(second, RC_OK, 0);
		settle(&world);
	}
	fake_answer(second, RC_OK, 0);
	settle(&world);
	assert_int_equal(heard.calls, 0);
	fake_answer(first, RC_OK, 0);
	turn_until(&world, heard.calls > 0);
	assert_in_order(&heard, 100);
	buf_free(&heard.bytes);
	world_close(&world);
}

static void a_small_job_gets_in_between(void **state)
{
	struct heard large = {0}, small = {0};
	struct world world;

	(void)state;
	world_open(&world, limits);
	struct fake_sam *sam = fake_ready(&world, SAM_SIGN, 0);
	sign_many(&world, KEY_RSA_2048, HASHES_MAX, &large);
	sign_many(&world, KEY_RSA_2048, 1, &small);
	sam->obliging = true;
	settle(&world);
	turn_until(&world, sam->got >= 2);
	while (sam->answered < sam->got)
		fake_answer(sam, RC_OK, 0);
	turn_until(&world, large.calls > 0);
	assert_heard(&small, RC_OK);
	assert_int_equal(small.order, 1);
	assert_in_order(&large, HASHES_MAX);
	buf_free(&large.bytes);
	buf_free(&small.bytes);
	world_close(&world);
}

static void a_refusal_before_anything_was_signed_is_told_as_it_is(void **state)
{
	struct heard heard = {0};
	struct world world;

	(void)state;
	world_open(&world, limits);
	struct fake_sam *first = fake_ready(&world, SAM_SIGN, 0);
	struct fake_sam *second = fake_ready(&world, SAM_SIGN, 1);
	sign_many(&world, KEY_RSA_2048, 100, &heard);
	turn_until(&world, first->got == 1 && second->got == 1);
	fake_answer(first, RC_SAD_EXPIRED, 0);
	settle(&world);
	assert_int_equal(heard.calls, 0); /* the other may sign yet */
	fake_answer(second, RC_SAD_EXPIRED, 0);
	turn_until(&world, heard.calls > 0);
	assert_heard(&heard, RC_SAD_EXPIRED);
	settle(&world);
	assert_int_equal(first->got + second->got, 2);
	world_close(&world);
}

static void a_refusal_after_a_piece_was_signed_counts_as_lost(void **state)
{
	struct heard heard = {0};
	struct world world;

	(void)state;
	world_open(&world, limits);
	struct fake_sam *sam = fake_ready(&world, SAM_SIGN, 0);
	sign_many(&world, KEY_RSA_2048, 100, &heard);
	turn_until(&world, sam->got == 1);
	fake_answer(sam, RC_OK, 0);
	turn_until(&world, sam->got == 2);
	fake_answer(sam, RC_HSM_REFUSED, 0);
	turn_until(&world, heard.calls > 0);
	assert_heard(&heard, RC_HSM_LOST);
	assert_int_equal(heard.bytes.len, 0);
	settle(&world);
	assert_int_equal(sam->got, 2);
	world_close(&world);
}

static void a_death_in_mid_batch_loses_the_batch(void **state)
{
	struct heard heard = {0}, next = {0};
	struct world world;

	(void)state;
	world_open(&world, limits);
	struct fake_sam *first = fake_ready(&world, SAM_SIGN, 0);
	struct fake_sam *second = fake_ready(&world, SAM_SIGN, 1);
	sign_many(&world, KEY_RSA_2048, HASHES_MAX, &heard);
	turn_until(&world, first->got == 1 && second->got == 1);
	fake_close(first);
	settle(&world);
	assert_int_equal(heard.calls, 0);
	fake_answer(second, RC_OK, 0);
	turn_until(&world, heard.calls > 0);
	assert_heard(&heard, RC_HSM_LOST);
	assert_int_equal(world.lost[SAM_SIGN][0], 1);
	/* the next one works */
	second->obliging = true;
	sign_many(&world, KEY_RSA_2048, 64, &next);
	turn_until(&world, next.calls > 0);
	assert_in_order(&next, 64);
	buf_free(&next.bytes);
	world_close(&world);
}

static void pieces_that_were_not_sent_go_to_another_sam(void **state)
{
	struct heard busy[4] = {0}, heard = {0};
	struct world world;

	(void)state;
	world_open(&world, limits);
	struct fake_sam *first = fake_ready(&world, SAM_SIGN, 0);
	struct fake_sam *second = fake_ready(&world, SAM_SIGN, 1);
	for (int i = 0; i < 4; i++)
		sign_many(&world, KEY_P_256, 1, &busy[i]);
	turn_until(&world, first->got + second->got == 4);
	assert_int_equal(first->got, 4); /* at work: the piece has to wait behind them */
	sign_many(&world, KEY_RSA_2048, 60, &heard);
	turn_until(&world, second->got == 1);
	fake_close(first);
	settle(&world);
	assert_heard(&busy[3], RC_HSM_LOST);
	second->obliging = true;
	fake_answer(second, RC_OK, 0);
	turn_until(&world, heard.calls > 0);
	assert_in_order(&heard, 60);
	assert_int_equal(second->got, 2);
	buf_free(&heard.bytes);
	world_close(&world);
}

static void without_any_sam_left_an_unsigned_batch_is_down(void **state)
{
	struct heard busy[4] = {0}, heard = {0};
	struct world world;

	(void)state;
	world_open(&world, limits);
	struct fake_sam *sam = fake_ready(&world, SAM_SIGN, 0);
	for (int i = 0; i < 4; i++)
		sign_many(&world, KEY_P_256, 1, &busy[i]);
	sign_many(&world, KEY_RSA_2048, 60, &heard);
	turn_until(&world, sam->got == 4);
	fake_close(sam);
	turn_until(&world, heard.calls > 0);
	assert_heard(&heard, RC_HSM_DOWN);
	world_close(&world);
}

static void a_failed_batch_takes_back_what_waits(void **state)
{
	struct heard busy[4] = {0}, heard = {0};
	struct world world;

	(void)state;
	world_open(&world, limits);
	struct fake_sam *first = fake_ready(&world, SAM_SIGN, 0);
	for (int i = 0; i < 4; i++)
		sign_many(&world, KEY_P_256, 1, &busy[i]);
	turn_until(&world, first->got == 4);
	struct fake_sam *second = fake_ready(&world, SAM_SIGN, 1);
	sign_many(&world, KEY_RSA_2048, 60, &heard);
	turn_until(&world, second->got == 1);
	fake_answer(second, RC_HSM_REFUSED, 0);
	settle(&world);
	fake_answer(first, RC_OK, 0);
	turn_until(&world, heard.calls > 0);
	assert_heard(&heard, RC_HSM_REFUSED);
	assert_int_equal(first->got, 4);
	world_close(&world);
	for (int i = 0; i < 4; i++)
		buf_free(&busy[i].bytes);
}

static void too_few_signatures_are_a_bad_frame(void **state)
{
	struct buf body = BUF_INIT, one = BUF_INIT;
	struct job_signed answer = {&one, 1};
	struct heard heard = {0};
	struct world world;

	(void)state;
	world_open(&world, limits);
	struct fake_sam *sam = fake_ready(&world, SAM_SIGN, 0);
	sign_many(&world, KEY_P_256, 2, &heard);
	turn_until(&world, sam->got == 1);
	assert_int_equal(buf_append_string(&one, "signature"), RC_OK);
	assert_int_equal(proto_answer_encode(&body, RC_OK, 0), RC_OK);
	assert_int_equal(proto_signed_encode(&body, &answer), RC_OK);
	fake_send_frame(sam, FRAME_SIGN, sam->frames[0].job, buf_span(&body));
	turn_until(&world, heard.calls > 0);
	assert_heard(&heard, RC_HSM_LOST);
	assert_int_equal(world.lost[SAM_SIGN][0], 1);
	buf_free(&one);
	buf_free(&body);
	world_close(&world);
}

static void at_the_end_a_batch_is_answered_once(void **state)
{
	struct heard heard = {0};
	struct world world;

	(void)state;
	world_open(&world, limits);
	struct fake_sam *first = fake_ready(&world, SAM_SIGN, 0);
	struct fake_sam *second = fake_ready(&world, SAM_SIGN, 1);
	sign_many(&world, KEY_RSA_2048, HASHES_MAX, &heard);
	turn_until(&world, first->got == 1 && second->got == 1);
	hsm_client_free(&world.client);
	assert_heard(&heard, RC_HSM_LOST);
	world_close(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_piece_costs_more_than_20_ms),
		cmocka_unit_test(pieces_are_spread_one_a_sam_at_a_time),
		cmocka_unit_test(a_small_job_gets_in_between),
		cmocka_unit_test(a_refusal_before_anything_was_signed_is_told_as_it_is),
		cmocka_unit_test(a_refusal_after_a_piece_was_signed_counts_as_lost),
		cmocka_unit_test(a_death_in_mid_batch_loses_the_batch),
		cmocka_unit_test(pieces_that_were_not_sent_go_to_another_sam),
		cmocka_unit_test(without_any_sam_left_an_unsigned_batch_is_down),
		cmocka_unit_test(a_failed_batch_takes_back_what_waits),
		cmocka_unit_test(too_few_signatures_are_a_bad_frame),
		cmocka_unit_test(at_the_end_a_batch_is_answered_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
