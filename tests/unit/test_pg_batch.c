/* link: store */
/* Batches against a real PostgreSQL: units of one statement as rows of one execution. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pg_world.h"
#include "store/signing.h"

/* Adds $2 to the row $1: the sum of those that are below 100; the others get no row. */
static const struct pg_statement add_batch = {.name = "t_add",
	.sql = "WITH asked AS MATERIALIZED (SELECT * FROM unnest($1::bigint[], $2::bigint[])"
	       "  WITH ORDINALITY AS u (id, n, unit)),"
	       " added AS (UPDATE public.t_lock t SET n = t.n + 100 / k.n * k.n FROM asked k"
	       "  WHERE t.id = k.id AND k.n < 100 RETURNING k.unit, t.n)"
	       " SELECT unit, n, (SELECT count(*) FROM asked) FROM added",
	.batch = true};

struct batch_end {
	struct end end;
	int64_t together;
};

static void on_batch_row(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct batch_end *end = arg;

	if (pg_row_count(rows) == 1)
		end->together = pg_number(rows, 0, 1);
	on_done(&end->end, rc, rows);
}

static void submit_add(struct world *world, int64_t id, int64_t n, struct batch_end *end)
{
	struct pg_params *given = params();
	struct id key = {{(uint8_t)id}};

	*end = (struct batch_end){.end = {.world = world, .rc = RC_COUNT}};
	world->wanted++;
	pg_put_number(given, id);
	pg_put_number(given, n);
	pg_set_key(given, &key);
	pg_submit(world->pg, &add_batch, given, on_batch_row, end);
}

static void units_of_a_batch_get_their_own_rows(void **state)
{
	struct world *world = *state;
	struct batch_end two, none, one;

	start_store(world, 1, 1000, 5000);
	await_ready(world);
	submit_add(world, 2, 50, &two);
	submit_add(world, 3, 50, &none);
	submit_add(world, 1, 25, &one);
	run(world);
	assert_int_equal(two.end.rc, RC_OK);
	assert_int_equal(none.end.rc, RC_OK);
	assert_int_equal(one.end.rc, RC_OK);
	assert_int_equal(two.end.rows, 1);
	assert_int_equal(none.end.rows, 0);
	assert_int_equal(one.end.rows, 1);
	assert_int_equal(two.end.number, 100);
	assert_int_equal(one.end.number, 100);
	assert_int_equal(one.together, 3);
}

static void units_of_one_key_never_share_a_batch(void **state)
{
	struct world *world = *state;
	struct batch_end ends[8];

	start_store(world, 1, 1000, 5000);
	await_ready(world);
	for (int i = 0; i < 8; i++)
		submit_add(world, 1 + i % 2, 1, &ends[i]);
	run(world);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(ends[i].end.rows, 1);
		assert_int_equal(ends[i].together, 2);
	}
	assert_int_equal(super_number(world, "SELECT sum(n) FROM public.t_lock"), 800);
}

static void an_error_in_a_batch_undoes_nobody_else(void **state)
{
	struct world *world = *state;
	struct batch_end good, bad;

	start_store(world, 1, 1000, 5000);
	await_ready(world);
	submit_add(world, 1, 10, &good);
	submit_add(world, 2, 0, &bad); /* division by zero */
	run(world);
	assert_int_equal(good.end.rc, RC_OK);
	assert_int_equal(good.end.number, 100);
	assert_int_equal(bad.end.rc, RC_INTERNAL);
	assert_int_equal(super_number(world, "SELECT sum(n) FROM public.t_lock"), 100);
}

/* Who waited cannot be told from the error of a batch. */
static void one_that_waits_too_long_in_a_batch_fails_nobody_else(void **state)
{
	struct world *world = *state;
	struct batch_end free, locked;

	start_store(world, 1, 1000, 1000);
	await_ready(world);
	super_sql(world, "BEGIN; UPDATE public.t_lock SET n = 0 WHERE id = 2");
	submit_add(world, 1, 10, &free); /* the first one by its key */
	submit_add(world, 2, 10, &locked);
	run(world);
	super_sql(world, "ROLLBACK");
	assert_int_equal(free.end.rc, RC_OK);
	assert_int_equal(free.end.number, 100);
	assert_int_equal(locked.end.rc, RC_STORE_DOWN);
}

/* Together they wait for longer than a connection may be without an answer. */
static void all_that_wait_too_long_are_told_that_nothing_happened(void **state)
{
	struct world *world = *state;
	struct batch_end ends[9];

	start_store(world, 1, 1000, 1000);
	await_ready(world);
	super_sql(world, "BEGIN; UPDATE public.t_lock SET n = 0 WHERE id = 2");
	for (int i = 0; i < 9; i++)
		submit_add(world, 2, 10, &ends[i]);
	run(world);
	super_sql(world, "ROLLBACK");
	for (int i = 0; i < 9; i++)
		assert_int_equal(ends[i].end.rc, RC_STORE_DOWN);
	assert_true(all_up(world));
}

/* A hostile database: a column of eight bytes that has two. */
static void a_value_that_is_shorter_than_its_type_is_not_read(void **state)
{
	PGresAttDesc column = {.name = (char[]){"n"}, .format = 1, .typid = 20, .typlen = 8};
	PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
	struct pg_result shared = {result, 1};
	const struct pg_rows rows = {&shared, 0, 1, 0};
	int status = 0;

	(void)state;
	assert_int_equal(PQsetResultAttrs(result, 1, &column), 1);
	assert_int_equal(PQsetvalue(result, 0, 0, (char[]){1, 2}, 2), 1);
	pid_t child = fork();
	if (child == 0) {
		signal(SIGABRT, SIG_DFL);
		_exit(pg_number(&rows, 0, 0) == 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	PQclear(result);
}

static void every_kind_of_parameter_has_its_array(void **state)
{
	static const struct pg_statement kinds = {.name = "t_kinds",
		.sql = "SELECT unit, (text IS NOT DISTINCT FROM 'a''b\"{,}' AND number = -5"
		       " AND bytes = '\\x0001ff' AND id = '01020304-0000-0000-0000-000000000000'"
		       " AND at = '2026-01-02 03:04:05.678Z'"
		       " AND items::bytea[] = '{\"\\\\x6161\",\"\\\\x6262\"}')::integer::bigint"
		       " FROM unnest($1::text[], $2::bigint[], $3::bytea[], $4::uuid[],"
		       "  $5::timestamptz[], $6::text[])"
		       "  WITH ORDINALITY AS u (text, number, bytes, id, at, items, unit)"
		       " WHERE unit = 1 OR num_nulls(text, number, bytes, id, at, items) = 6",
		.batch = true};
	struct world *world = *state;
	struct pg_params *given = params(), *nulls = params();
	const struct id id = {{1, 2, 3, 4}};
	struct end end, all_null;

	start_store(world, 1, 1000, 5000);
	await_ready(world);
	pg_put_text(given, "a'b\"{,}");
	pg_put_number(given, -5);
	pg_put_bytes(given, SPAN("\0\1\xff", 3));
	pg_put_id(given, &id);
	pg_put_time(given, 1767323045678);
	pg_put_bytes_array(given, SPAN("aabb", 4), 2, 2);
	for (enum pg_kind kind = PG_TEXT; kind <= PG_BYTES_ARRAY; kind++)
		pg_put_null(nulls, (const enum pg_kind[]){PG_TEXT, PG_NUMBER, PG_BYTES, PG_ID,
					   PG_TIME, PG_BYTES_ARRAY}[kind]);
	submit(world, &kinds, given, &end);
	submit(world, &kinds, nulls, &all_null);
	run(world);
	assert_int_equal(end.rows, 1);
	assert_int_equal(end.number, 1);
	assert_int_equal(all_null.rows, 1);
}

static bool nobody_is_connected(struct world *world)
{
	return super_number(
		       world, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'rsspd'") == 0;
}

static void on_created(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct end *end = arg;

	end->rc = rc;
	end->rows = pg_row_count(rows);
	if (--end->world->wanted == 0)
		loop_stop(end->world->loop);
}

static void submit_created(struct world *world, struct end *end)
{
	const struct audit_row row = {.id = {{1}},
		.request = {{1}},
		.at_ms = clock_wall_ms(),
		.event = "signature.created",
		.result = "ok",
		.code = "OK"};
	const struct subject_versions versions = {.credential = {{1}}};
	const struct id sad = {{1}};

	*end = (struct end){.world = world, .rc = RC_COUNT};
	world->wanted++;
	store_signing_created(world->pg, &row, &versions, &sad, on_created, end);
}

/* The table of what is under way is mostly empty when it is analysed: that plan is kept. */
static void the_end_of_a_signature_does_not_read_those_of_others(void **state)
{
	struct world *world = *state;
	struct end end;

	super_sql(world, "ALTER TABLE rssp.signing SET (autovacuum_enabled = off)");
	super_sql(world, "VACUUM ANALYZE rssp.signing");
	start_store(world, 1, 1000, 5000);
	await_ready(world);
	submit_created(world, &end);
	run(world);
	assert_int_equal(end.rows, 0);
	super_sql(world,
		"SELECT audit.ensure_partitions(now() - interval '1 day', 3);"
		"INSERT INTO rssp.signing SELECT uuid(lpad(n::text, 2, '0') || repeat('0', 30)),"
		" uuid(lpad(n::text, 2, '0') || repeat('0', 30)), gen_random_uuid(),"
		" gen_random_uuid(), gen_random_uuid(), '', now() FROM generate_series(1, 99) n;"
		"INSERT INTO rssp.signing SELECT gen_random_uuid(), gen_random_uuid(),"
		" gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), '', now()"
		" FROM generate_series(1, 1000)");
	submit_created(world, &end);
	run(world);
	assert_int_equal(end.rows, 1);
	assert_int_equal(super_number(world, "SELECT count(*) FROM rssp.signing"), 1098);
	pg_free(&world->pg);
	await(world, nobody_is_connected);
	assert_in_range(super_number(world, "SELECT idx_tup_read FROM pg_stat_all_indexes"
					    " WHERE indexrelname = 'signing_pkey'"),
		0, 10);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, store_new, store_free)
	const struct CMUnitTest tests[] = {
		TEST(units_of_a_batch_get_their_own_rows),
		TEST(units_of_one_key_never_share_a_batch),
		TEST(an_error_in_a_batch_undoes_nobody_else),
		TEST(one_that_waits_too_long_in_a_batch_fails_nobody_else),
		TEST(all_that_wait_too_long_are_told_that_nothing_happened),
		TEST(a_value_that_is_shorter_than_its_type_is_not_read),
		TEST(the_end_of_a_signature_does_not_read_those_of_others),
		TEST(every_kind_of_parameter_has_its_array),
	};
	return cmocka_run_group_tests(tests, world_new, world_free);
}
