/* link: store */
/* The store's units against a real PostgreSQL: grouping, commits, errors, lost connections. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pg_world.h"

/* txid_current tells which units were committed together */
static const struct pg_statement insert_one = {.name = "t_insert",
	.sql = "INSERT INTO public.t (id) VALUES ($1::bigint) RETURNING txid_current()"};
static const struct pg_statement insert_deferred = {.name = "t_deferred",
	.sql = "INSERT INTO public.t_deferred (id) VALUES ($1::bigint) RETURNING txid_current()"};
static const struct pg_statement divide = {.name = "t_divide", .sql = "SELECT 1 / $1::bigint"};
static const struct pg_statement broken = {.name = "t_broken", .sql = "SELEKT 1"};
static const struct pg_statement backend = {.name = "t_backend", .sql = "SELECT pg_backend_pid()"};
static const struct pg_statement wait_row = {.name = "t_wait",
	.sql = "UPDATE public.t_lock SET n = n + 1 WHERE id = $1::bigint RETURNING n"};
static const struct pg_statement wait_two = {.name = "t_wait_two",
	.sql = "WITH a AS MATERIALIZED (UPDATE public.t_lock SET n = n + 1 WHERE id = $1::bigint RETURNING n)"
	       " UPDATE public.t_lock SET n = n + 1 WHERE id = $2::bigint AND (SELECT n FROM a) > 0"
	       " RETURNING n"};

static struct pg_params *one_number(int64_t number)
{
	struct pg_params *fresh = params();

	pg_put_number(fresh, number);
	return fresh;
}

static void units_that_wait_share_one_commit(void **state)
{
	struct world *world = *state;
	struct end ends[300];
	size_t transactions = 0;

	start_store(world, 1, 1000, 5000);
	await_ready(world);
	for (int i = 0; i < 300; i++)
		submit(world, &insert_one, one_number(i), &ends[i]);
	run(world);
	for (int i = 0; i < 300; i++) {
		assert_int_equal(ends[i].calls, 1);
		assert_int_equal(ends[i].rc, RC_OK);
		transactions += i == 0 || ends[i].number != ends[i - 1].number;
	}
	assert_int_equal(transactions, 3); /* 128 + 128 + 44 */
	assert_int_equal(super_number(world, "SELECT count(*) FROM public.t"), 300);
}

static void an_error_undoes_nobody_else(void **state)
{
	struct world *world = *state;
	struct end ends[5];

	start_store(world, 1, 1000, 5000);
	await_ready(world);
	submit(world, &insert_one, one_number(1), &ends[0]);
	submit(world, &insert_one, one_number(1), &ends[1]);
	submit(world, &divide, one_number(0), &ends[2]);
	submit(world, &broken, params(), &ends[3]);
	submit(world, &insert_one, one_number(2), &ends[4]);
	run(world);
	assert_int_equal(ends[0].rc, RC_OK);
	assert_int_equal(ends[1].rc, RC_DUPLICATE);
	assert_int_equal(ends[2].rc, RC_INTERNAL);
	assert_int_equal(ends[3].rc, RC_INTERNAL);
	assert_int_equal(ends[4].rc, RC_OK);
	assert_int_not_equal(ends[0].number, ends[4].number);
	assert_int_equal(super_number(world, "SELECT count(*) FROM public.t"), 2);
	submit(world, &insert_one, one_number(3), &ends[0]);
	run(world);
	assert_int_equal(ends[0].rc, RC_OK);
}

static void an_error_of_the_commit_itself_is_an_error_of_the_unit(void **state)
{
	struct world *world = *state;
	struct end ends[3];

	start_store(world, 1, 1000, 5000);
	await_ready(world);
	submit(world, &insert_deferred, one_number(1), &ends[0]);
	submit(world, &insert_deferred, one_number(1), &ends[1]);
	submit(world, &insert_one, one_number(1), &ends[2]);
	run(world);
	assert_int_equal(ends[0].rc, RC_OK);
	assert_int_equal(ends[1].rc, RC_DUPLICATE);
	assert_int_equal(ends[1].rows, 0);
	assert_int_equal(ends[2].rc, RC_OK);
	assert_int_equal(super_number(world, "SELECT count(*) FROM public.t_deferred"), 1);
}

static bool super_is_done(struct world *world)
{
	assert_int_equal(PQconsumeInput(world->super), 1);
	return !PQisBusy(world->super);
}

/* Ours holds row 1 and waits for 2, the superuser holds 2 and waits for 1; ours is the victim. */
static void a_deadlock_is_tried_again(void **state)
{
	struct world *world = *state;
	struct pg_params *given = params();
	struct end end;

	start_store(world, 1, 1000, 60000);
	await_ready(world);
	super_sql(world,
		"SET deadlock_timeout = '60s'; BEGIN; SELECT FROM public.t_lock WHERE id = 2"
		" FOR UPDATE");
	pg_put_number(given, 1);
	pg_put_number(given, 2);
	submit(world, &wait_two, given, &end);
	await(world, somebody_waits_for_a_lock);
	assert_int_equal(
		PQsendQuery(world->super, "UPDATE public.t_lock SET n = 10 WHERE id = 1"), 1);
	await(world, super_is_done);
	PQclear(PQgetResult(world->super));
	assert_null(PQgetResult(world->super));
	super_sql(world, "COMMIT");
	run(world);
	assert_int_equal(end.rc, RC_OK);
	assert_int_equal(super_number(world, "SELECT n FROM public.t_lock WHERE id = 1"), 11);
}

static void a_killed_backend_leaves_the_commit_unknown(void **state)
{
	struct world *world = *state;
	struct end pid, waiting, reading, later;

	start_store(world, 1, 1000, 10000);
	await_ready(world);
	submit(world, &backend, params(), &pid);
	run(world);
	super_sql(world, "BEGIN; UPDATE public.t_lock SET n = 0 WHERE id = 1");
	submit(world, &wait_row, one_number(1), &waiting);
	submit(world, &divide, one_number(1), &reading);
	await(world, somebody_waits_for_a_lock);
	assert_int_equal(kill((pid_t)pid.number, SIGKILL), 0);
	run(world);
	assert_int_equal(waiting.calls, 1);
	assert_int_equal(waiting.rc, RC_STORE_UNKNOWN);
	/* one that only reads has changed nothing, whatever became of it */
	assert_int_equal(reading.rc, RC_STORE_DOWN);
	submit(world, &insert_one, one_number(1), &later);
	run(world);
	assert_int_equal(later.rc, RC_STORE_DOWN);
	await_ready(world);
	submit(world, &insert_one, one_number(1), &later);
	run(world);
	assert_int_equal(later.rc, RC_OK);
	PQfinish(world->super);
	super_connect(world);
}

static void a_slow_commit_is_given_up(void **state)
{
	struct world *world = *state;
	struct end waiting, later;

	start_store(world, 1, 1000, 500);
	await_ready(world);
	super_sql(world, "BEGIN; UPDATE public.t_lock SET n = 0 WHERE id = 1");
	submit(world, &wait_row, one_number(1), &waiting);
	run(world);
	/* the server's own lock_timeout comes first: nothing happened, and the connection stays */
	assert_int_equal(waiting.rc, RC_STORE_DOWN);
	assert_true(pg_ready(world->pg));
	super_sql(world, "ROLLBACK");
	submit(world, &wait_row, one_number(1), &later);
	run(world);
	assert_int_equal(later.rc, RC_OK);
}

static void one_that_waits_too_long_fails_nobody_else(void **state)
{
	struct world *world = *state;
	struct end ends[3];

	start_store(world, 1, 1000, 1000);
	await_ready(world);
	super_sql(world, "BEGIN; UPDATE public.t_lock SET n = 0 WHERE id = 1");
	submit(world, &insert_one, one_number(1), &ends[0]);
	submit(world, &wait_row, one_number(1), &ends[1]);
	submit(world, &insert_one, one_number(2), &ends[2]);
	run(world);
	assert_int_equal(ends[0].rc, RC_OK);
	assert_int_equal(ends[1].rc, RC_STORE_DOWN);
	assert_int_equal(ends[2].rc, RC_OK);
	super_sql(world, "ROLLBACK");
	assert_int_equal(super_number(world, "SELECT n FROM public.t_lock WHERE id = 1"), 0);
}

static void readers_wait_for_no_writer(void **state)
{
	struct world *world = *state;
	struct end waiting, reading;

	start_store(world, 2, 1000, 10000);
	await(world, all_up);
	super_sql(world, "BEGIN; UPDATE public.t_lock SET n = 0 WHERE id = 1");
	submit(world, &wait_row, one_number(1), &waiting);
	await(world, somebody_waits_for_a_lock);
	submit(world, &divide, one_number(1), &reading);
	world->wanted--;
	run(world);
	assert_int_equal(reading.rc, RC_OK);
	assert_int_equal(waiting.calls, 0);
	super_sql(world, "ROLLBACK");
	world->wanted = 1;
	run(world);
	assert_int_equal(waiting.rc, RC_OK);
}

/* A server process counts its deadlocks in the statistics when it ends, at the latest. */
static bool nobody_is_connected(struct world *world)
{
	return super_number(
		       world, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'rsspd'") == 0;
}

static int64_t deadlocks(struct world *world)
{
	return super_number(world, "SELECT deadlocks FROM pg_stat_database"
				   " WHERE datname = current_database()");
}

static void one_lane_never_waits_for_itself(void **state)
{
	struct world *world = *state;
	struct end ends[64];

	await(world, nobody_is_connected);
	int64_t before = deadlocks(world);
	start_store(world, 5, 1000, 10000);
	await(world, all_up);
	for (int i = 0; i < 64; i++) {
		struct pg_params *given = params();
		struct id lane = {{7}};
		pg_put_number(given, 1 + i % 2);
		pg_put_number(given, 2 - i % 2);
		pg_set_lane(given, &lane);
		submit(world, &wait_two, given, &ends[i]);
	}
	run(world);
	for (int i = 0; i < 64; i++)
		assert_int_equal(ends[i].rc, RC_OK);
	assert_int_equal(super_number(world, "SELECT sum(n) FROM public.t_lock"), 128);
	assert_int_equal(deadlocks(world), before);
}

static void parameters_arrive_as_they_were_given(void **state)
{
	static const struct pg_statement echo = {.name = "t_echo",
		.sql = "SELECT CASE WHEN $1::text IS NULL AND $2::text = 'a''b' AND $3::bigint = -5"
		       " AND $4::bytea = '\\x0001ff' AND $5::bytea IS NULL AND $6::bytea = ''"
		       " AND $7::uuid = '01020304-0000-0000-0000-000000000000' AND $8::uuid IS NULL"
		       " AND $9::timestamptz = '2026-01-02 03:04:05.678Z' AND $10::timestamptz IS NULL"
		       " AND $11::bytea[] = '{\"\\\\x6161\",\"\\\\x6262\"}' AND $12::bytea[] = '{}'"
		       " THEN 1 ELSE 0 END::bigint"};
	struct world *world = *state;
	struct pg_params *given = params();
	const struct id id = {{1, 2, 3, 4}}, none = {{0}};
	struct end end;

	start_store(world, 1, 1000, 5000);
	await_ready(world);
	pg_put_text(given, NULL);
	pg_put_text(given, "a'b");
	pg_put_number(given, -5);
	pg_put_bytes(given, SPAN("\0\1\xff", 3));
	pg_put_bytes(given, SPAN_NONE);
	pg_put_bytes(given, SPAN("", 0));
	pg_put_id(given, &id);
	pg_put_id(given, &none);
	pg_put_time(given, 1767323045678);
	pg_put_time(given, 0);
	pg_put_bytes_array(given, SPAN("aabb", 4), 2, 2);
	pg_put_bytes_array(given, SPAN_NONE, 32, 0);
	submit(world, &echo, given, &end);
	run(world);
	assert_int_equal(end.rc, RC_OK);
	assert_int_equal(end.number, 1);
}

static void on_row(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct world *world = arg;
	struct buf bytes = BUF_INIT;
	struct id id = {{1, 2, 3, 4}}, read;

	assert_int_equal(rc, RC_OK);
	assert_int_equal(pg_row_count(rows), 1);
	assert_int_equal(pg_number(rows, 0, 0), -3);
	assert_int_equal(pg_number(rows, 0, 1), INT64_MIN);
	assert_true(pg_bool(rows, 0, 2));
	assert_string_equal(pg_text(rows, 0, 3), "Ví Dụ");
	assert_int_equal(pg_bytes(rows, 0, 4, &bytes), RC_OK);
	assert_memory_equal(bytes.data, "\0\xff", 2);
	assert_int_equal(bytes.len, 2);
	read = pg_id(rows, 0, 5);
	assert_true(id_equal(&read, &id));
	assert_int_equal(pg_time_ms(rows, 0, 6), 1767323045678);
	assert_int_equal(pg_time_ms(rows, 0, 7), -1);
	assert_true(pg_is_null(rows, 0, 8));
	buf_free(&bytes);
	loop_stop(world->loop);
}

static void columns_are_read_as_they_are(void **state)
{
	static const struct pg_statement row = {.name = "t_row",
		.sql = "SELECT (-3)::smallint, (-9223372036854775808)::bigint, true, 'Ví Dụ'::text,"
		       " '\\x00ff'::bytea,"
		       " '01020304-0000-0000-0000-000000000000'::uuid,"
		       " '2026-01-02 03:04:05.6789Z'::timestamptz,"
		       " '1969-12-31 23:59:59.9995Z'::timestamptz, NULL::text"};
	struct world *world = *state;

	start_store(world, 1, 1000, 5000);
	await_ready(world);
	pg_submit(world->pg, &row, params(), on_row, world);
	run(world);
}

static void too_many_waiting_are_refused_at_once(void **state)
{
	struct world *world = *state;
	struct end ends[6];

	start_store(world, 1, 4, 5000);
	await_ready(world);
	for (int i = 0; i < 6; i++)
		submit(world, &insert_one, one_number(i), &ends[i]);
	run(world);
	for (int i = 0; i < 6; i++)
		assert_int_equal(ends[i].rc, i < 4 ? RC_OK : RC_STORE_DOWN);
}

static void a_broken_parameter_is_the_units_own_fault(void **state)
{
	struct world *world = *state;
	struct pg_params *given = params();
	struct end bad, good;

	start_store(world, 1, 1000, 5000);
	await_ready(world);
	pg_put_bytes_array(given, SPAN("aabb", 4), 2, 3);
	submit(world, &insert_one, given, &bad);
	submit(world, &insert_one, one_number(1), &good);
	run(world);
	assert_int_equal(bad.rc, RC_INTERNAL);
	assert_int_equal(good.rc, RC_OK);
}

static void without_a_server_units_are_refused_at_once(void **state)
{
	struct world *world = *state;
	struct end end;

	start_store_as(world, "host=/nonexistent dbname=postgres user=rsspd", 2, 1000, 5000);
	submit(world, &insert_one, one_number(1), &end);
	run(world);
	assert_int_equal(end.rc, RC_STORE_DOWN);
	assert_false(pg_ready(world->pg));
}

/* Whatever word its statement begins with. */
static void a_slow_one_goes_where_nothing_is_written(void **state)
{
	static const struct pg_statement list = {.name = "t_list",
		.sql = "WITH one AS (SELECT pg_backend_pid()) SELECT * FROM one"};
	struct world *world = *state;
	struct pg_params *slow = params();
	struct end end;

	start_store(world, 2, 1000, 5000);
	await(world, all_up);
	pg_set_slow(slow);
	submit(world, &list, slow, &end);
	run(world);
	assert_int_equal(end.number, PQbackendPID(world->pg->conns[0].conn));
}

static bool the_first_is_down(struct world *world)
{
	return world->pg->conns[0].state == PG_DOWN && world->pg->conns[0].complained;
}

static void a_slow_one_does_not_wait_for_a_connection_that_is_down(void **state)
{
	struct world *world = *state;
	struct pg_params *slow = one_number(1);
	struct end end;

	start_store(world, 2, 1000, 5000);
	await(world, all_up);
	super_sql(world, "ALTER ROLE rsspd CONNECTION LIMIT 1");
	pg_conn_lost(&world->pg->conns[0], "as the test wants it");
	pg_set_slow(slow);
	submit(world, &divide, slow, &end);
	run(world);
	super_sql(world, "ALTER ROLE rsspd CONNECTION LIMIT -1");
	assert_int_equal(end.rc, RC_OK);
	assert_true(the_first_is_down(world));
}

static void freeing_answers_everybody_once(void **state)
{
	struct world *world = *state;
	struct end ends[200], waiting;

	start_store(world, 1, 1000, 5000);
	await_ready(world);
	super_sql(world, "BEGIN; UPDATE public.t_lock SET n = 0 WHERE id = 1");
	submit(world, &wait_row, one_number(1), &waiting);
	await(world, somebody_waits_for_a_lock);
	for (int i = 0; i < 200; i++)
		submit(world, &insert_one, one_number(i), &ends[i]);
	pg_free(&world->pg);
	assert_int_equal(waiting.calls, 1);
	assert_int_equal(waiting.rc, RC_STORE_UNKNOWN);
	for (int i = 0; i < 200; i++) {
		assert_int_equal(ends[i].calls, 1);
		assert_int_equal(ends[i].rc, RC_STORE_DOWN);
	}
	super_sql(world, "ROLLBACK");
}

/* Each setting of the server or the role, under which a connection must not come up. */
static void a_server_or_role_that_is_not_as_it_must_be_is_refused(void **state)
{
	static const struct {
		const char *spoil, *mend;
	} cases[] = {
		{"ALTER ROLE rsspd SET synchronous_commit = off", "ALTER ROLE rsspd RESET ALL"},
		{"ALTER ROLE rsspd SET synchronous_commit = local", "ALTER ROLE rsspd RESET ALL"},
		{"ALTER ROLE rsspd SET default_transaction_read_only = on",
			"ALTER ROLE rsspd RESET ALL"},
		{"ALTER ROLE rsspd SUPERUSER", "ALTER ROLE rsspd NOSUPERUSER"},
		{"ALTER ROLE rsspd CREATEROLE", "ALTER ROLE rsspd NOCREATEROLE"},
		{"GRANT rssp_owner TO rsspd", "REVOKE rssp_owner FROM rsspd"},
		{"GRANT rssp_audit_owner TO rsspd", "REVOKE rssp_audit_owner FROM rsspd"},
		{"GRANT pg_write_all_data TO rsspd", "REVOKE pg_write_all_data FROM rsspd"},
		{"ALTER TABLE public.rssp_migration RENAME TO t_away",
			"ALTER TABLE public.t_away RENAME TO rssp_migration"},
		{"UPDATE public.rssp_migration SET version = version - 100",
			"UPDATE public.rssp_migration SET version = version + 100"},
	};
	struct world *world = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		super_sql(world, cases[i].spoil);
		start_store(world, 1, 1000, 5000);
		await(world, was_refused);
		assert_false(pg_ready(world->pg));
		super_sql(world, cases[i].mend);
		await_ready(world);
		pg_free(&world->pg);
	}
}

static void the_clocks_are_compared(void **state)
{
	struct world *world = *state;

	start_store(world, 1, 1000, 5000);
	await_ready(world);
	assert_in_range(pg_clock_skew_ms(world->pg) + 1000, 0, 2000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, store_new, store_free)
	const struct CMUnitTest tests[] = {
		TEST(units_that_wait_share_one_commit),
		TEST(an_error_undoes_nobody_else),
		TEST(an_error_of_the_commit_itself_is_an_error_of_the_unit),
		TEST(a_deadlock_is_tried_again),
		TEST(a_slow_commit_is_given_up),
		TEST(one_that_waits_too_long_fails_nobody_else),
		TEST(readers_wait_for_no_writer),
		TEST(one_lane_never_waits_for_itself),
		TEST(parameters_arrive_as_they_were_given),
		TEST(columns_are_read_as_they_are),
		TEST(too_many_waiting_are_refused_at_once),
		TEST(a_broken_parameter_is_the_units_own_fault),
		TEST(without_a_server_units_are_refused_at_once),
		TEST(a_slow_one_goes_where_nothing_is_written),
		TEST(a_slow_one_does_not_wait_for_a_connection_that_is_down),
		TEST(freeing_answers_everybody_once),
		TEST(a_server_or_role_that_is_not_as_it_must_be_is_refused),
		TEST(the_clocks_are_compared),
		TEST(a_killed_backend_leaves_the_commit_unknown),
	};
	return cmocka_run_group_tests(tests, world_new, world_free);
}
