/* A real PostgreSQL with the schema and a store of one test at a time; included after cmocka.h. */
#ifndef UNIT_PG_WORLD_H
#define UNIT_PG_WORLD_H

#include "base/clock.h"
#include "base/log.h"
#include "store/pg_internal.h"

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
	bool (*until)(struct world *world);
	size_t wanted; /* callbacks still to come */
};

/* one unit's end */
struct end {
	struct world *world;
	rc_t rc;
	unsigned calls;
	size_t rows;
	int64_t number;
};

static inline void cluster(const struct world *world, const char *verb)
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

static inline void super_connect(struct world *world)
{
	char conninfo[128];

	snprintf(conninfo, sizeof(conninfo), "host=%s dbname=postgres user=postgres", world->dir);
	world->super = PQconnectdb(conninfo);
	assert_int_equal(PQstatus(world->super), CONNECTION_OK);
}

static inline void super_sql(struct world *world, const char *sql)
{
	PGresult *result = PQexec(world->super, sql);

	if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(world->super));
	PQclear(result);
}

static inline int64_t super_number(struct world *world, const char *sql)
{
	PGresult *result = PQexec(world->super, sql);

	assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
	int64_t number = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
	PQclear(result);
	return number;
}

static inline void out_of_patience(void *arg)
{
	(void)arg;
	fail_msg("nothing came for %d ms", PATIENCE_MS);
}

static inline void run(struct world *world)
{
	loop_timer_set(world->patience, PATIENCE_MS);
	assert_int_equal(loop_run(world->loop), RC_OK);
	loop_timer_cancel(world->patience);
}

static inline void poll_once(void *arg)
{
	struct world *world = arg;

	if (world->until(world))
		loop_stop(world->loop);
	else
		loop_timer_set(world->poll, 5);
}

/* Runs the loop until the condition holds. */
static inline void await(struct world *world, bool (*until)(struct world *world))
{
	world->until = until;
	loop_timer_set(world->poll, 0);
	run(world);
}

static inline void start_store_as(struct world *world, const char *conninfo, size_t connections,
	size_t waiting_max, int64_t timeout_ms)
{
	const struct pg_settings settings = {.conninfo = conninfo,
		.connections = connections,
		.waiting_max = waiting_max,
		.timeout_ms = timeout_ms};

	assert_int_equal(pg_new(world->loop, &settings, &world->pg), RC_OK);
}

static inline void start_store(
	struct world *world, size_t connections, size_t waiting_max, int64_t timeout_ms)
{
	start_store_as(world, world->conninfo, connections, waiting_max, timeout_ms);
}

static inline bool is_ready(struct world *world)
{
	return pg_ready(world->pg);
}

static inline bool all_up(struct world *world)
{
	for (size_t i = 0; i < world->pg->settings.connections; i++) {
		if (world->pg->conns[i].state != PG_UP)
			return false;
	}
	return true;
}

static inline bool was_refused(struct world *world)
{
	return world->pg->conns[0].complained;
}

static inline bool somebody_waits_for_a_lock(struct world *world)
{
	return super_number(world, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'rsspd'"
				   " AND wait_event_type = 'Lock'") > 0;
}

static inline void await_ready(struct world *world)
{
	await(world, is_ready);
}

static inline void on_done(void *arg, rc_t rc, const struct pg_rows *rows)
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

static inline struct pg_params *params(void)
{
	struct pg_params *fresh = NULL;

	assert_int_equal(pg_params_new(&fresh), RC_OK);
	return fresh;
}

static inline void submit(struct world *world, const struct pg_statement *statement,
	struct pg_params *given, struct end *end)
{
	*end = (struct end){.world = world, .rc = RC_COUNT};
	world->wanted++;
	pg_submit(world->pg, statement, given, on_done, end);
	assert_int_equal(end->calls, 0);
}

static inline int world_new(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	log_open("test", LOG_ERROR + 1);
	snprintf(world->dir, sizeof(world->dir), "/tmp/rsspd-pg-XXXXXX");
	assert_non_null(mkdtemp(world->dir));
	cluster(world, "start");
	snprintf(world->conninfo, sizeof(world->conninfo), "host=%s dbname=postgres user=rsspd",
		world->dir);
	super_connect(world);
	super_sql(world,
		"CREATE TABLE public.t (id bigint PRIMARY KEY);"
		"CREATE TABLE public.t_deferred (id bigint UNIQUE DEFERRABLE INITIALLY DEFERRED);"
		"CREATE TABLE public.t_lock (id bigint PRIMARY KEY, n bigint NOT NULL DEFAULT 0);"
		"INSERT INTO public.t_lock (id) VALUES (1), (2);"
		"GRANT ALL ON public.t, public.t_deferred, public.t_lock TO rsspd");
	*state = world;
	return 0;
}

static inline int world_free(void **state)
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

static inline int store_new(void **state)
{
	struct world *world = *state;

	assert_int_equal(loop_new(&world->loop), RC_OK);
	assert_int_equal(
		loop_timer_new(world->loop, out_of_patience, NULL, &world->patience), RC_OK);
	assert_int_equal(loop_timer_new(world->loop, poll_once, world, &world->poll), RC_OK);
	world->wanted = 0;
	super_sql(world, "TRUNCATE public.t, public.t_deferred; UPDATE public.t_lock SET n = 0");
	return 0;
}

static inline int store_free(void **state)
{
	struct world *world = *state;

	pg_free(&world->pg);
	loop_timer_free(&world->poll);
	loop_timer_free(&world->patience);
	loop_free(&world->loop);
	return 0;
}

#endif
