/* The queue: which units go next, on which connection. */
#include "store/pg_internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"

#include <stdlib.h>
#include <string.h>

#define CLOCK_EVERY_MS 30000
#define READER_BUSY_US 20000 /* from then on the writers read too */
#define DELIVERED_MAX 16     /* callbacks of one turn */

static const struct pg_statement clock_statement = {
	.name = "pg_clock", .sql = "SELECT clock_timestamp()"};

void pg_list_init(struct pg_list *list)
{
	*list = (struct pg_list){NULL, NULL, 0};
}

void pg_list_push(struct pg_list *list, struct pg_params *unit)
{
	unit->next = NULL;
	if (list->first == NULL)
		list->first = unit;
	else
		*list->last = unit;
	list->last = &unit->next;
	list->count++;
}

struct pg_params *pg_list_pop(struct pg_list *list)
{
	struct pg_params *unit = list->first;

	if (unit == NULL)
		return NULL;
	list->first = unit->next;
	list->count--;
	unit->next = NULL;
	return unit;
}

void pg_list_move(struct pg_list *to, struct pg_list *from)
{
	for (struct pg_params *unit = pg_list_pop(from); unit != NULL; unit = pg_list_pop(from))
		pg_list_push(to, unit);
}

void pg_finish(struct pg_list *finished)
{
	for (struct pg_params *unit = pg_list_pop(finished); unit != NULL;
		unit = pg_list_pop(finished)) {
		unit->done(unit->arg, unit->outcome, &unit->rows);
		pg_params_free(&unit);
	}
}

void pg_pump_soon(struct pg *pg)
{
	if (!pg->closing)
		loop_timer_set(pg->pump, 0);
}

/* A copy of the list is finished, as callbacks may submit anew. */
static void answer_all(struct pg_list *list, rc_t outcome)
{
	struct pg_list finished;

	pg_list_init(&finished);
	pg_list_move(&finished, list);
	for (struct pg_params *unit = finished.first; unit != NULL; unit = unit->next) {
		if (unit->outcome == RC_OK)
			unit->outcome = outcome;
	}
	pg_finish(&finished);
}

static void answer_down(struct pg *pg)
{
	answer_all(&pg->refused, RC_STORE_DOWN);
	answer_all(&pg->again, RC_STORE_DOWN);
	answer_all(&pg->reading, RC_STORE_DOWN);
	answer_all(&pg->slow, RC_STORE_DOWN);
}

bool pg_unit_reads(const struct pg_params *unit)
{
	return unit->slow || strncmp(unit->statement->sql, "SELECT", 6) == 0;
}

/*
 * The connection that writes for a lane: few of them, because what waits together costs less. The
 * last one is for what has no lane (an operator's change may lock thousands of rows): signatures do
 * not wait behind it. The first one reads, if there are others. NULL: none is up.
 */
static struct pg_conn *writer(struct pg *pg, uint32_t lane)
{
	size_t last = pg->settings.connections - 1;
	size_t lanes = last > 1 ? last - 1 : last;

	for (size_t i = 0; i < last; i++) {
		size_t at = lane == 0 ? last - 1 - i : (lane % lanes + i) % last;
		struct pg_conn *conn = &pg->conns[1 + at];
		if (conn->state == PG_UP)
			return conn;
	}
	return pg->conns[0].state == PG_UP ? &pg->conns[0] : NULL;
}

static void route(struct pg *pg, struct pg_params *unit)
{
	struct pg_conn *conn = writer(pg, unit->lane);

	if (unit->outcome != RC_OK)
		pg_list_push(&pg->refused, unit);
	else if (pg_unit_reads(unit))
		pg_list_push(unit->slow ? &pg->slow : &pg->reading, unit);
	else
		pg_list_push(conn != NULL ? &conn->waiting : &pg->refused, unit);
}

void pg_reroute(struct pg_conn *conn)
{
	struct pg_list waiting;

	pg_list_init(&waiting);
	pg_list_move(&waiting, &conn->waiting);
	for (struct pg_params *unit = pg_list_pop(&waiting); unit != NULL;
		unit = pg_list_pop(&waiting))
		route(conn->pg, unit);
}

static size_t waiting_count(const struct pg *pg)
{
	size_t count = pg->reading.count + pg->slow.count + pg->again.count;

	for (size_t i = 0; i < pg->settings.connections; i++)
		count += pg->conns[i].waiting.count;
	return count;
}

static void group_take(struct pg_group *group, struct pg_list *from)
{
	size_t most = group->alone ? PG_ALONE_MAX : PG_GROUP_MAX;

	while (group->count < most && from->count > 0)
		group->units[group->count++] = pg_list_pop(from);
}

static void reader_fill(struct pg *pg, struct pg_group *group)
{
	bool slow = pg->slow.count > 0 && (pg->slow_next || pg->reading.count == 0);

	pg->slow_next = !slow;
	if (slow)
		group->units[group->count++] = pg_list_pop(&pg->slow);
	else
		group_take(group, &pg->reading);
}

/* The first one that is up. */
static const struct pg_conn *reader_of(const struct pg *pg)
{
	const struct pg_conn *conn = pg->conns;

	for (size_t i = 1; i < pg->settings.connections && conn->state != PG_UP; i++)
		conn = &pg->conns[i];
	return conn;
}

/* A writer that has nothing to write reads too, and so does every one when the reader is held up.
 */
static void group_fill(struct pg_conn *conn)
{
	struct pg *pg = conn->pg;
	struct pg_group *group = &conn->group;
	const struct pg_conn *reader = reader_of(pg);

	group->alone = pg->again.count > 0;
	if (group->alone) {
		group_take(group, &pg->again);
		return;
	}
	group_take(group, &conn->waiting);
	if (conn == reader && group->count == 0)
		reader_fill(pg, group);
	else if (conn == reader || group->count == 0 ||
		 clock_monotonic_us() - reader->sent_at_us > READER_BUSY_US)
		group_take(group, &pg->reading);
}

/* How long the connection rests; 0: it has something under way now, or has nothing to do. */
static int64_t conn_pump(struct pg_conn *conn)
{
	if (conn->state != PG_UP || !pg_group_idle(conn))
		return 0;
	int64_t rest_us = pg_conn_rest_us(conn);
	if (rest_us > 0)
		return rest_us;
	group_fill(conn);
	if (!pg_group_idle(conn))
		pg_conn_send(conn);
	return 0;
}

static void pump(void *arg)
{
	struct pg *pg = arg;
	int64_t next_us = 0;

	answer_all(&pg->refused, RC_STORE_DOWN);
	for (size_t i = 0; i < pg->settings.connections; i++) {
		int64_t rest_us = conn_pump(&pg->conns[i]);
		if (rest_us > 0 && (next_us == 0 || rest_us < next_us))
			next_us = rest_us;
	}
	if (next_us > 0)
		loop_timer_set(pg->pump, (next_us + 999) / 1000);
	if (!pg_ready(pg))
		answer_down(pg);
}

static void deliver(void *arg)
{
	struct pg *pg = arg;
	struct pg_list finished;

	pump(pg);
	pg_list_init(&finished);
	while (finished.count < DELIVERED_MAX && pg->ended.count > 0)
		pg_list_push(&finished, pg_list_pop(&pg->ended));
	if (pg->ended.count > 0)
		loop_timer_set(pg->deliver, 0);
	pg_finish(&finished);
}

void pg_finish_soon(struct pg *pg, struct pg_list *finished)
{
	pg_list_move(&pg->ended, finished);
	if (pg->ended.count > 0)
		loop_timer_set(pg->deliver, 0);
}

void pg_clock_heard(struct pg *pg, int64_t asked_ms, int64_t database_ms)
{
	int64_t heard_ms = clock_wall_ms();

	pg->clock_skew_ms = database_ms - (asked_ms + (heard_ms - asked_ms) / 2);
}

static void clock_done(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct pg *pg = arg;

	if (rc == RC_OK)
		pg_clock_heard(pg, pg->clock_asked_ms, pg_time_ms(rows, 0, 0));
	if (!pg->closing)
		loop_timer_set(pg->clock_timer, CLOCK_EVERY_MS);
}

static void clock_ask(void *arg)
{
	struct pg *pg = arg;
	struct pg_params *params = NULL;

	if (pg_params_new(&params) != RC_OK) {
		loop_timer_set(pg->clock_timer, CLOCK_EVERY_MS);
		return;
	}
	pg->clock_asked_ms = clock_wall_ms();
	pg_submit(pg, &clock_statement, params, clock_done, pg);
}

static rc_t pg_init(struct pg *pg, const struct pg_settings *settings)
{
	rc_t rc = RC_NO_MEMORY;

	pg->conninfo = strdup(settings->conninfo);
	pg->conns = calloc(settings->connections, sizeof(*pg->conns));
	if (pg->conninfo == NULL || pg->conns == NULL)
		return rc;
	pg->settings = *settings;
	pg->settings.conninfo = pg->conninfo;
	rc = loop_timer_new(pg->loop, pump, pg, &pg->pump);
	if (rc == RC_OK)
		rc = loop_timer_new(pg->loop, deliver, pg, &pg->deliver);
	if (rc == RC_OK)
		rc = loop_timer_new(pg->loop, clock_ask, pg, &pg->clock_timer);
	for (unsigned i = 0; i < settings->connections && rc == RC_OK; i++)
		rc = pg_conn_init(&pg->conns[i], pg, i);
	return rc;
}

rc_t pg_new(struct loop *loop, const struct pg_settings *settings, struct pg **pg)
{
	struct pg *fresh;

	if (settings->connections == 0 || settings->waiting_max == 0 || settings->timeout_ms < 100)
		return RC_RANGE;
	fresh = calloc(1, sizeof(*fresh));
	if (fresh == NULL)
		return RC_NO_MEMORY;
	fresh->loop = loop;
	pg_list_init(&fresh->reading);
	pg_list_init(&fresh->slow);
	pg_list_init(&fresh->again);
	pg_list_init(&fresh->refused);
	pg_list_init(&fresh->ended);
	rc_t rc = pg_init(fresh, settings);
	if (rc != RC_OK) {
		pg_free(&fresh);
		return rc;
	}
	for (size_t i = 0; i < settings->connections; i++)
		pg_conn_start(&fresh->conns[i]);
	loop_timer_set(fresh->clock_timer, CLOCK_EVERY_MS);
	*pg = fresh;
	return RC_OK;
}

void pg_free(struct pg **pg)
{
	struct pg *old = *pg;

	if (old == NULL)
		return;
	old->closing = true;
	for (size_t i = 0; i < old->settings.connections; i++)
		pg_conn_close(&old->conns[i]);
	/* callbacks may submit once more: those are answered here too */
	while (waiting_count(old) + old->refused.count + old->ended.count > 0) {
		pg_finish(&old->ended);
		for (size_t i = 0; i < old->settings.connections; i++)
			pg_reroute(&old->conns[i]);
		answer_down(old);
	}
	for (size_t i = 0; i < old->settings.connections; i++)
		pg_conn_clear(&old->conns[i]);
	loop_timer_free(&old->pump);
	loop_timer_free(&old->deliver);
	loop_timer_free(&old->clock_timer);
	free(old->conns);
	free(old->conninfo);
	free(old);
	*pg = NULL;
}

size_t pg_connections_up(const struct pg *pg)
{
	size_t up = 0;

	for (size_t i = 0; i < pg->settings.connections; i++)
		up += pg->conns[i].state == PG_UP;
	return up;
}

size_t pg_connections(const struct pg *pg)
{
	return pg->settings.connections;
}

bool pg_ready(const struct pg *pg)
{
	return pg_connections_up(pg) > 0;
}

int64_t pg_clock_skew_ms(const struct pg *pg)
{
	return pg->clock_skew_ms;
}

void pg_submit(struct pg *pg, const struct pg_statement *statement, struct pg_params *params,
	pg_done_fn done, void *arg)
{
	params->statement = statement;
	params->done = done;
	params->arg = arg;
	params->outcome = params->rc;
	if (params->rc == RC_OK && waiting_count(pg) >= pg->settings.waiting_max) {
		metric_add(METRIC_OVERLOAD, LIMIT_STORE, 0, 0);
		params->outcome = RC_STORE_DOWN;
	}
	route(pg, params);
	pg_pump_soon(pg);
}
