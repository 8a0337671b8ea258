/* link: hsm */
#include "fake_sam.h"

static const struct hsm_client_limits limits = {.job_timeout_ms = 10000, .queue_max = 100};
static const struct hsm_client_limits narrow = {.job_timeout_ms = 10000, .queue_max = 2};
static const struct hsm_client_limits hasty = {.job_timeout_ms = 50, .queue_max = 100};

static uint8_t hash[SHA256_LEN], salt[SALT_LEN];

static void ask_authorize(struct world *world, uint8_t credential, struct heard *heard)
{
	struct job_authorize job = {.factors = {.key = {.credential = {{credential, credential,
								credential, credential}},
							.scal = SCAL_2,
							.factors = "PIN AND OTP",
							.salt = SPAN(salt, SALT_LEN)},
					    .pin = span_string("pin"),
					    .otp = span_string("otp")},
		.terms = fake_terms(credential, hash, 1)};

	hsm_client_authorize(world->client, &job, heard_plain, heard);
}

/* ---- readiness ---- */

static void it_is_ready_when_each_role_has_greeted(void **state)
{
	struct world world;

	(void)state;
	world_open(&world, limits);
	assert_false(hsm_client_ready(world.client));
	fake_ready(&world, SAM_ACTIVATE, 0);
	fake_ready(&world, SAM_SIGN, 1);
	struct fake_sam *issue = fake_open(&world, SAM_ISSUE, 0);
	settle(&world);
	assert_false(hsm_client_ready(world.client));
	fake_hello(issue, SAM_ISSUE, 0);
	turn_until(&world, hsm_client_ready(world.client));
	fake_close(issue);
	turn_until(&world, !hsm_client_ready(world.client));
	assert_int_equal(world.lost[SAM_ISSUE][0], 1);
	world_close(&world);
}

static void a_sam_that_greets_as_another_is_given_up(void **state)
{
	struct world world;

	(void)state;
	world_open(&world, limits);
	struct fake_sam *sam = fake_open(&world, SAM_SIGN, 1);
	fake_hello(sam, SAM_SIGN, 0);
	turn_until(&world, sam->closed);
	assert_int_equal(world.lost[SAM_SIGN][1], 1);
	sam = fake_open(&world, SAM_SIGN, 0);
	fake_hello(sam, SAM_ACTIVATE, 0);
	turn_until(&world, sam->closed);
	sam = fake_open(&world, SAM_SIGN, 0);
	fake_hello(sam, SAM_SIGN, 0);
	fake_hello(sam, SAM_SIGN, 0);
	turn_until(&world, sam->closed);
	world_close(&world);
}

static void nothing_is_sent_before_the_greeting(void **state)
{
	struct heard heard = {0};
	struct world world;

	(void)state;
	world_open(&world, limits);
	struct fake_sam *sam = fake_open(&world, SAM_ISSUE, 0);
	ask_crl(&world, 1, &heard);
	settle(&world);
	assert_int_equal(sam->got, 0);
	fake_hello(sam, SAM_ISSUE, 0);
	turn_until(&world, sam->got == 1);
	fake_answer(sam, RC_OK, 0);
	turn_until(&world, heard.calls > 0);
	assert_heard(&heard, RC_OK);
	buf_free(&heard.bytes);
	world_close(&world);
}

/* ---- callbacks ---- */

static void without_a_sam_the_answer_comes_later_and_once(void **state)
{
	struct heard heard = {0};
	struct world world;

	(void)state;
	world_open(&world, limits);
	ask_crl(&world, 1, &heard);
	assert_int_equal(heard.calls, 0);
	turn_until(&world, heard.calls > 0);
	settle(&world);
	assert_heard(&heard, RC_HSM_DOWN);
	world_close(&world);
}

static void a_refusal_carries_the_sams_reason_and_wait(void **state)
{
	struct heard heard = {0};
	struct world world;

	(void)state;
	world_open(&world, limits);
	struct fake_sam *sam = fake_ready(&world, SAM_ACTIVATE, 0);
	ask_authorize(&world, 1, &heard);
	turn_until(&world, sam->got == 1);
	fake_answer(sam, RC_OTP_REPLAYED, 12);
	turn_until(&world, heard.calls > 0);
	assert_heard(&heard, RC_OTP_REPLAYED);
	assert_int_equal(heard.retry_after_s, 12);
	world_close(&world);
}

static void an_edited_row_is_refused_before_anything_is_asked(void **state)
{
	struct job_sign job = {.terms = fake_terms(1, hash, 2)};
	struct hsm_signing *signing = NULL;

	(void)state;
	assert_int_equal(hsm_signing_new(KEY_P_256, &job, &signing), RC_HSM_REFUSED);
	assert_null(signing);
}

/* ---- the queue ---- */

static void four_jobs_are_with_a_sam_and_answers_keep_their_order(void **state)
{
	struct heard heard[12] = {0};
	struct world world;

	(void)state;
	world_open(&world, limits);
	struct fake_sam *sam = fake_ready(&world, SAM_ISSUE, 0);
	ask_crls(&world, heard, 12);
	turn_until(&world, sam->got == 4);
	settle(&world);
	assert_int_equal(sam->got, 4);
	while (sam->answered < 12) {
		fake_answer(sam, RC_OK, 0);
		turn_until(&world, heard[sam->answered - 1].calls > 0);
		settle(&world);
	}
	assert_int_equal(sam->most_waiting, 4);
	assert_crl_numbers(heard, 12);
	assert_all_in_order(heard, 12);
	world_close(&world);
}

static void a_full_queue_refuses_at_once(void **state)
{
	struct heard heard[7] = {0};
	struct world world;

	(void)state;
	world_open(&world, narrow);
	fake_ready(&world, SAM_ISSUE, 0);
	ask_crls(&world, heard, 7);
	turn_until(&world, heard[6].calls > 0);
	assert_heard(&heard[6], RC_HSM_DOWN);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(heard[i].calls, 0);
	world_close(&world);
}

static void a_job_goes_to_the_less_busy_sam(void **state)
{
	struct heard heard[6] = {0};
	struct world world;

	(void)state;
	world_open(&world, limits);
	struct fake_sam *first = fake_ready(&world, SAM_ISSUE, 0);
	struct fake_sam *second = fake_ready(&world, SAM_ISSUE, 1);
	ask_crls(&world, heard, 6);
	turn_until(&world, first->got + second->got == 6);
	assert_int_equal(first->got, 3);
	world_close(&world);
}

/* ---- deaths ---- */

static void a_death_loses_what_was_sent_and_moves_what_was_not(void **state)
{
	struct heard heard[7] = {0};
	struct world world;

	(void)state;
	world_open(&world, limits);
	struct fake_sam *sam = fake_ready(&world, SAM_ISSUE, 0);
	ask_crls(&world, heard, 7);
	turn_until(&world, sam->got == 4);
	struct fake_sam *other = fake_ready(&world, SAM_ISSUE, 1);
	other->obliging = true;
	fake_close(sam);
	turn_until(&world, callbacks == 7);
	settle(&world);
	assert_all_heard(heard, 4, RC_HSM_LOST);
	assert_all_heard(heard + 4, 7 - 4, RC_OK);
	assert_int_equal(other->got, 3);
	assert_int_equal(world.lost[SAM_ISSUE][0], 1);
	assert_int_equal(world.lost[SAM_ISSUE][1], 0);
	world_close(&world);
}

static void without_another_sam_what_was_not_sent_is_down(void **state)
{
	struct heard heard[5] = {0};
	struct world world;

	(void)state;
	world_open(&world, limits);
	struct fake_sam *sam = fake_ready(&world, SAM_ISSUE, 0);
	ask_crls(&world, heard, 5);
	turn_until(&world, sam->got == 4);
	fake_close(sam);
	turn_until(&world, callbacks == 5);
	assert_heard(&heard[3], RC_HSM_LOST);
	assert_heard(&heard[4], RC_HSM_DOWN);
	world_close(&world);
}

static void a_frame_that_the_sam_never_had_whole_is_not_lost(void **state)
{
	struct heard heard = {0};
	struct world world;

	(void)state;
	world_open(&world, limits);
	struct fake_sam *sam = fake_ready(&world, SAM_ISSUE, 0);
	assert_int_equal(loop_watch_want(sam->watch, 0), RC_OK); /* it reads no more */
	ask_long_crl(&world, 1, LONG_LIST, &heard);
	settle(&world);
	fake_close(sam);
	turn_until(&world, heard.calls > 0);
	assert_heard(&heard, RC_HSM_DOWN);
	world_close(&world);
}

static void a_sam_that_takes_no_more_finishes_what_it_has(void **state)
{
	struct heard heard[9] = {0};
	struct world world;

	(void)state;
	world_open(&world, limits);
	struct fake_sam *sam = fake_ready(&world, SAM_ISSUE, 0);
	ask_crls(&world, heard, 6);
	turn_until(&world, sam->got == 4);
	struct fake_sam *other = fake_ready(&world, SAM_ISSUE, 1);
	other->obliging = true;
	assert_int_equal(shutdown(sam->fd, SHUT_RD), 0);
	while (sam->answered < 4)
		fake_answer(sam, RC_OK, 0);
	close(sam->fd);
	loop_watch_free(&sam->watch);
	sam->fd = -1;
	for (uint64_t i = 6; i < 9; i++)
		ask_crl(&world, i + 1, &heard[i]);
	turn_until(&world, callbacks == 9);
	assert_all_heard(heard, 9, RC_OK);
	world_close(&world);
}

static void a_new_sam_replaces_the_old_one(void **state)
{
	struct heard before = {0}, after = {0};
	struct world world;

	(void)state;
	world_open(&world, limits);
	struct fake_sam *sam = fake_ready(&world, SAM_ISSUE, 0);
	ask_crl(&world, 1, &before);
	turn_until(&world, sam->got == 1);
	int old = dup(sam->fd); /* the old one lives, and answers late */
	struct fake_sam late = {.fd = old};
	uint64_t job = sam->frames[0].job;
	sam = fake_ready(&world, SAM_ISSUE, 0);
	turn_until(&world, before.calls > 0);
	assert_heard(&before, RC_HSM_LOST);
	struct buf frame = BUF_INIT;
	assert_int_equal(frame_put(&frame, FRAME_CRL, job, SPAN_NONE), RC_OK);
	assert_true(send(late.fd, frame.data, frame.len, MSG_NOSIGNAL) < 0);
	buf_free(&frame);
	close(old);
	ask_crl(&world, 2, &after);
	turn_until(&world, sam->got == 1);
	fake_answer(sam, RC_OK, 0);
	turn_until(&world, after.calls > 0);
	assert_heard(&after, RC_OK);
	assert_int_equal(world.lost[SAM_ISSUE][0], 0);
	buf_free(&after.bytes);
	world_close(&world);
}

/* ---- time ---- */

static void a_silent_sam_is_given_up_and_its_socket_closed(void **state)
{
	struct heard heard[5] = {0};
	struct world world;

	(void)state;
	world_open(&world, hasty);
	struct fake_sam *sam = fake_ready(&world, SAM_ISSUE, 0);
	ask_crls(&world, heard, 5);
	turn_until(&world, callbacks == 5 && sam->closed);
	for (unsigned i = 0; i < 5; i++)
		assert_heard(&heard[i], i < 4 ? RC_HSM_LOST : RC_HSM_DOWN);
	assert_int_equal(world.lost[SAM_ISSUE][0], 1);
	world_close(&world);
}

static void set_from_timer(void *arg)
{
	*(bool *)arg = true;
}

static void an_idle_sam_is_not_given_up(void **state)
{
	static const struct hsm_client_limits some = {.job_timeout_ms = 400, .queue_max = 100};
	struct heard heard = {0};
	struct world world;

	(void)state;
	world_open(&world, some);
	struct fake_sam *sam = fake_ready(&world, SAM_ISSUE, 0);
	ask_crl(&world, 1, &heard);
	turn_until(&world, sam->got == 1);
	fake_answer(sam, RC_OK, 0);
	struct loop_timer *later = NULL;
	bool over = false;
	assert_int_equal(loop_timer_new(world.loop, set_from_timer, &over, &later), RC_OK);
	loop_timer_set(later, some.job_timeout_ms + 100);
	turn_until(&world, over);
	loop_timer_free(&later);
	assert_heard(&heard, RC_OK);
	assert_int_equal(world.lost[SAM_ISSUE][0], 0);
	buf_free(&heard.bytes);
	world_close(&world);
}

static void answer_from_timer(void *arg)
{
	fake_answer(arg, RC_OK, 0);
}

static void the_time_of_a_job_counts_from_when_it_is_the_first(void **state)
{
	static const struct hsm_client_limits some = {.job_timeout_ms = 1000, .queue_max = 100};
	struct loop_timer *timers[2] = {NULL, NULL};
	struct heard heard[2] = {0};
	struct world world;

	(void)state;
	world_open(&world, some);
	struct fake_sam *sam = fake_ready(&world, SAM_ISSUE, 0);
	ask_crl(&world, 1, &heard[0]);
	ask_crl(&world, 2, &heard[1]);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
			loop_timer_new(world.loop, answer_from_timer, sam, &timers[i]), RC_OK);
		loop_timer_set(timers[i], 600 * (i + 1));
	}
	turn_until(&world, callbacks == 2);
	for (int i = 0; i < 2; i++) {
		assert_heard(&heard[i], RC_OK);
		buf_free(&heard[i].bytes);
		loop_timer_free(&timers[i]);
	}
	world_close(&world);
}

/* ---- bad frames ---- */

static void frame_of_another_job(struct fake_sam *sam)
{
	sam->frames[sam->answered].job++;
	fake_answer(sam, RC_OK, 0);
}

static void frame_of_another_kind(struct fake_sam *sam)
{
	struct buf body = BUF_INIT;

	assert_int_equal(proto_answer_encode(&body, RC_PIN_WRONG, 0), RC_OK);
	fake_send_frame(sam, FRAME_ENROL, sam->frames[0].job, buf_span(&body));
	buf_free(&body);
}

static void frame_of_no_answer(struct fake_sam *sam)
{
	fake_send_frame(sam, FRAME_CRL, sam->frames[0].job, span_string("nonsense"));
}

static void frame_with_more_than_the_answer(struct fake_sam *sam)
{
	struct buf body = BUF_INIT;

	assert_int_equal(proto_answer_encode(&body, RC_OK, 0), RC_OK);
	assert_int_equal(buf_append_string(&body, "\0\0\0\0more"), RC_OK);
	fake_send_frame(sam, FRAME_CRL, sam->frames[0].job, buf_span(&body));
	buf_free(&body);
}

static void bytes_of_no_frame(struct fake_sam *sam)
{
	fake_send(sam, span_string("this is not a frame of ours at all"));
}

static void a_frame_of_endless_length(struct fake_sam *sam)
{
	uint8_t header[FRAME_HEADER_LEN] = {'R', 'S', 'F', '1', FRAME_CRL};

	memset(header + 16, 0xff, 4);
	fake_send(sam, SPAN(header, sizeof(header)));
}

static void a_bad_frame_ends_the_sam(void **state)
{
	static void (*const faults[])(struct fake_sam * sam) = {frame_of_another_job,
		frame_of_another_kind, frame_of_no_answer, frame_with_more_than_the_answer,
		bytes_of_no_frame, a_frame_of_endless_length};

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct heard heard = {0};
		struct world world;

		world_open(&world, limits);
		struct fake_sam *sam = fake_ready(&world, SAM_ISSUE, 0);
		ask_crl(&world, 1, &heard);
		turn_until(&world, sam->got == 1);
		faults[i](sam);
		turn_until(&world, sam->closed && heard.calls > 0);
		assert_heard(&heard, RC_HSM_LOST);
		assert_int_equal(world.lost[SAM_ISSUE][0], 1);
		world_close(&world);
	}
}

static void an_answer_that_nobody_asked_for_ends_the_sam(void **state)
{
	struct world world;

	(void)state;
	world_open(&world, limits);
	struct fake_sam *sam = fake_ready(&world, SAM_ISSUE, 0);
	fake_send_frame(sam, FRAME_CRL, 1, SPAN_NONE);
	turn_until(&world, sam->closed);
	assert_int_equal(world.lost[SAM_ISSUE][0], 1);
	world_close(&world);
}

static void an_answer_may_come_in_crumbs(void **state)
{
	struct heard heard = {0};
	struct world world;
	struct buf body = BUF_INIT, frame = BUF_INIT;
	struct job_crl_made made = {.crl = BUF_INIT};

	(void)state;
	world_open(&world, limits);
	struct fake_sam *sam = fake_ready(&world, SAM_ISSUE, 0);
	ask_crl(&world, 1, &heard);
	turn_until(&world, sam->got == 1);
	assert_int_equal(buf_append_string(&made.crl, "a list"), RC_OK);
	assert_int_equal(proto_answer_encode(&body, RC_OK, 0), RC_OK);
	assert_int_equal(proto_crl_made_encode(&body, &made), RC_OK);
	assert_int_equal(frame_put(&frame, FRAME_CRL, sam->frames[0].job, buf_span(&body)), RC_OK);
	for (size_t i = 0; i < frame.len; i++) {
		assert_int_equal(heard.calls, 0);
		fake_send(sam, SPAN(frame.data + i, 1));
		settle(&world);
	}
	assert_heard(&heard, RC_OK);
	assert_true(span_equal(buf_span(&heard.bytes), span_string("a list")));
	buf_free(&made.crl);
	buf_free(&body);
	buf_free(&frame);
	buf_free(&heard.bytes);
	world_close(&world);
}

/* ---- which SAM ---- */

static void a_credential_is_authorised_by_one_sam_only(void **state)
{
	struct heard heard[32] = {0};
	struct world world;
	unsigned used = 0;

	(void)state;
	world_open(&world, limits);
	for (unsigned i = 0; i < 3; i++)
		fake_ready(&world, SAM_ACTIVATE, i);
	for (uint8_t i = 0; i < 4; i++)
		ask_authorize(&world, 77, &heard[i]);
	struct fake_sam *home = &world.sams[SAM_ACTIVATE][0];
	struct fake_sam *sams = world.sams[SAM_ACTIVATE];
	turn_until(&world, sams[0].got + sams[1].got + sams[2].got == 4);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(sams[i].got == 0 || sams[i].got == 4);
		home = sams[i].got == 4 ? &sams[i] : home;
	}
	for (uint8_t i = 4; i < 16; i++)
		ask_authorize(&world, i, &heard[i]);
	settle(&world);
	for (unsigned i = 0; i < 3; i++)
		used += sams[i].got > 0;
	assert_true(used > 1);
	fake_close(home);
	settle(&world);
	ask_authorize(&world, 77, &heard[20]);
	turn_until(&world, heard[20].calls > 0);
	assert_heard(&heard[20], RC_HSM_DOWN);
	world_close(&world);
}

static void a_key_stays_with_its_sam_unless_that_is_busy(void **state)
{
	struct heard heard[8] = {0};
	struct world world;

	(void)state;
	world_open(&world, limits);
	struct fake_sam *sams = world.sams[SAM_SIGN];
	fake_ready(&world, SAM_SIGN, 0);
	fake_ready(&world, SAM_SIGN, 1);
	sign_ones(&world, 2, KEY_P_256, heard, 4); /* even: the first one's */
	settle(&world);
	assert_int_equal(sams[0].got, 4);
	assert_int_equal(sams[1].got, 0);
	for (unsigned i = 4; i < 8; i++)
		sign_one(&world, 4, KEY_RSA_4096, &heard[i]);
	sign_one(&world, 6, KEY_RSA_4096, &heard[0]);
	settle(&world);
	assert_true(sams[1].got > 0);
	world_close(&world);
}

/* ---- the end ---- */

static struct world *again_world;

static void heard_and_asks_again(void *arg, struct hsm_answer *answer)
{
	static struct heard second;
	struct heard *heard = arg;

	heard_one(heard, answer);
	second = (struct heard){0};
	ask_crl(again_world, 9, &second);
	assert_int_equal(second.calls, 0); /* never from inside the call */
}

static void at_the_end_every_job_is_answered_once(void **state)
{
	struct heard heard[6] = {0}, again = {0};
	struct job_crl job = {.number = 1};
	struct world world;

	(void)state;
	world_open(&world, limits);
	again_world = &world;
	struct fake_sam *sam = fake_ready(&world, SAM_ISSUE, 0);
	ask_crls(&world, heard, 6);
	turn_until(&world, sam->got == 4);
	hsm_client_crl(world.client, &job, heard_and_asks_again, &again);
	hsm_client_free(&world.client);
	assert_null(world.client);
	for (unsigned i = 0; i < 6; i++)
		assert_heard(&heard[i], i < 4 ? RC_HSM_LOST : RC_HSM_DOWN);
	assert_heard(&again, RC_HSM_DOWN);
	assert_int_equal(callbacks, 8); /* one for the job that a callback asked for */
	assert_int_equal(world.lost[SAM_ISSUE][0], 0);
	world_close(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_ready_when_each_role_has_greeted),
		cmocka_unit_test(a_sam_that_greets_as_another_is_given_up),
		cmocka_unit_test(nothing_is_sent_before_the_greeting),
		cmocka_unit_test(without_a_sam_the_answer_comes_later_and_once),
		cmocka_unit_test(a_refusal_carries_the_sams_reason_and_wait),
		cmocka_unit_test(an_edited_row_is_refused_before_anything_is_asked),
		cmocka_unit_test(four_jobs_are_with_a_sam_and_answers_keep_their_order),
		cmocka_unit_test(a_full_queue_refuses_at_once),
		cmocka_unit_test(a_job_goes_to_the_less_busy_sam),
		cmocka_unit_test(a_death_loses_what_was_sent_and_moves_what_was_not),
		cmocka_unit_test(without_another_sam_what_was_not_sent_is_down),
		cmocka_unit_test(a_frame_that_the_sam_never_had_whole_is_not_lost),
		cmocka_unit_test(a_sam_that_takes_no_more_finishes_what_it_has),
		cmocka_unit_test(a_new_sam_replaces_the_old_one),
		cmocka_unit_test(a_silent_sam_is_given_up_and_its_socket_closed),
		cmocka_unit_test(an_idle_sam_is_not_given_up),
		cmocka_unit_test(the_time_of_a_job_counts_from_when_it_is_the_first),
		cmocka_unit_test(a_bad_frame_ends_the_sam),
		cmocka_unit_test(an_answer_that_nobody_asked_for_ends_the_sam),
		cmocka_unit_test(an_answer_may_come_in_crumbs),
		cmocka_unit_test(a_credential_is_authorised_by_one_sam_only),
		cmocka_unit_test(a_key_stays_with_its_sam_unless_that_is_busy),
		cmocka_unit_test(at_the_end_every_job_is_answered_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
