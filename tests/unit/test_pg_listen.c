/* link: store */
/* The connection that listens, against a real PostgreSQL: what it hears, and what it says of itself
 * when it hears nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pg_world.h"
#include "store/pg_listen.h"

static struct pg_listener *listener;
static struct {
	unsigned listening, heard, lost;
	char last[64];
} seen;

static void on_listening(void *arg)
{
	(void)arg;
	seen.listening++;
}

static void on_heard(void *arg, const char *payload)
{
	(void)arg;
	seen.heard++;
	snprintf(seen.last, sizeof(seen.last), "%s", payload);
}

static void on_lost(void *arg)
{
	(void)arg;
	seen.lost++;
}

static const struct pg_listener_events events = {on_listening, on_heard, on_lost};

static bool is_current(struct world *world)
{
	(void)world;
	return pg_listener_current(listener);
}

static bool is_not_current(struct world *world)
{
	(void)world;
	return !pg_listener_current(listener);
}

static bool has_heard_one(struct world *world)
{
	(void)world;
	return seen.heard == 1;
}

static bool has_lost(struct world *world)
{
	(void)world;
	return seen.lost == 1;
}

static void listen(struct world *world)
{
	memset(&seen, 0, sizeof(seen));
	assert_int_equal(
		pg_listener_new(world->loop, world->pg, "t_channel", &events, world, &listener),
		RC_OK);
	assert_false(pg_listener_current(listener));
	await(world, is_current);
	assert_int_equal(seen.listening, 1);
}

static int listener_new(void **state)
{
	int failed = store_new(state);

	if (failed != 0)
		return failed;
	start_store(*state, 1, 1000, 5000);
	await_ready(*state);
	listen(*state);
	return 0;
}

static int listener_free(void **state)
{
	pg_listener_free(&listener);
	return store_free(state);
}

static void what_is_notified_is_heard(void **state)
{
	struct world *world = *state;

	super_sql(world, "NOTIFY t_channel, 'one'");
	await(world, has_heard_one);
	assert_string_equal(seen.last, "one");
	super_sql(world, "NOTIFY t_other, 'two'");
	pg_listener_doubt(listener);
	await(world, is_current);
	assert_int_equal(seen.heard, 1);
}

static void after_a_doubt_all_that_was_committed_before_it_has_been_heard(void **state)
{
	struct world *world = *state;

	for (unsigned i = 0; i < 50; i++) {
		seen.heard = 0;
		super_sql(world, "NOTIFY t_channel, 'one'");
		pg_listener_doubt(listener);
		assert_false(pg_listener_current(listener));
		await(world, is_current);
		assert_int_equal(seen.heard, 1);
	}
}

static void it_stays_current_without_anything_to_hear(void **state)
{
	struct world *world = *state;
	int64_t end_ms = clock_monotonic_ms() + 2 * PG_LISTEN_LATE_MS;

	while (clock_monotonic_ms() < end_ms)
		await(world, is_current);
	assert_int_equal(seen.lost, 0);
}

static void one_that_is_cut_says_so_and_is_made_anew(void **state)
{
	struct world *world = *state;

	super_sql(world, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
			 " WHERE application_name = 'rsspd listener'");
	await(world, has_lost);
	assert_false(pg_listener_current(listener));
	await(world, is_current);
	assert_int_equal(seen.listening, 2);
	seen.heard = 0;
	super_sql(world, "NOTIFY t_channel, 'again'");
	await(world, has_heard_one);
}

static void one_that_hangs_is_not_current_within_its_time(void **state)
{
	struct world *world = *state;
	pid_t pid = (pid_t)super_number(world, "SELECT pid FROM pg_stat_activity"
					       " WHERE application_name = 'rsspd listener'");
	int64_t from_ms = clock_monotonic_ms();

	assert_int_equal(kill(pid, SIGSTOP), 0);
	await(world, is_not_current);
	assert_in_range(clock_monotonic_ms() - from_ms, 0, PG_LISTEN_LATE_MS + 200);
	assert_int_equal(kill(pid, SIGCONT), 0);
	await(world, is_current);
}

static void it_outlives_the_store_that_it_was_made_from(void **state)
{
	struct world *world = *state;

	pg_free(&world->pg);
	super_sql(world, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
			 " WHERE application_name = 'rsspd listener'");
	await(world, has_lost);
	await(world, is_current);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, listener_new, listener_free)
	const struct CMUnitTest tests[] = {
		TEST(what_is_notified_is_heard),
		TEST(after_a_doubt_all_that_was_committed_before_it_has_been_heard),
		TEST(it_stays_current_without_anything_to_hear),
		TEST(one_that_is_cut_says_so_and_is_made_anew),
		TEST(one_that_hangs_is_not_current_within_its_time),
		TEST(it_outlives_the_store_that_it_was_made_from),
	};
	return cmocka_run_group_tests(tests, world_new, world_free);
}
