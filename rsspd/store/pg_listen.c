#include "store/pg_listen.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/pg_internal.h"

#include <stdlib.h>
#include <string.h>

#define SIGN_EVERY_MS 200
#define SIGN_LATE_MS 2000 /* from then on the connection is given up */
#define BACKOFF_FIRST_MS 100
#define BACKOFF_LAST_MS 2000
#define CONNECT_MS 5000

enum listen_state { LISTEN_DOWN, LISTEN_CONNECTING, LISTEN_ASKING, LISTEN_UP };

struct pg_listener {
	struct loop *loop;
	struct buf conninfo;
	int64_t timeout_ms;
	const char *channel;
	const struct pg_listener_events *events;
	void *arg;
	enum listen_state state;
	PGconn *conn;
	struct loop_watch *watch;
	struct loop_timer *timer; /* back-off, time-out, next sign of life */
	int64_t backoff_ms;
	bool complained;
	bool asking;	    /* for a sign of life */
	int64_t asked_us;   /* monotonic: when the one under way was asked for, */
	int64_t current_us; /* the last one that was answered, */
	int64_t doubted_us; /* and what it must be later than */
};

static void listen_ready(void *arg);

static void listen_lost(struct pg_listener *listener, const char *why)
{
	bool was_up = listener->state == LISTEN_UP;
	char text[512];

	log_write(listener->complained ? LOG_DEBUG : LOG_ERROR,
		"store: listener-lost channel=%s again-ms=%lld text=\"%s\"", listener->channel,
		(long long)listener->backoff_ms, log_escape(why, text, sizeof(text)));
	listener->complained = true;
	listener->state = LISTEN_DOWN;
	listener->asking = false;
	loop_watch_free(&listener->watch);
	PQfinish(listener->conn);
	listener->conn = NULL;
	loop_timer_set(listener->timer, listener->backoff_ms);
	listener->backoff_ms = listener->backoff_ms * 2 < BACKOFF_LAST_MS ? listener->backoff_ms * 2
									  : BACKOFF_LAST_MS;
	if (was_up)
		listener->events->lost(listener->arg);
}

/* The socket may be another one after each step of connecting. */
static bool listen_watch(struct pg_listener *listener, int want)
{
	loop_watch_free(&listener->watch);
	return loop_watch_new(listener->loop, PQsocket(listener->conn), listen_ready, listen_ready,
		       listener, &listener->watch) == RC_OK &&
	       loop_watch_want(listener->watch, want) == RC_OK;
}

static void listen_flush(struct pg_listener *listener)
{
	int more = PQflush(listener->conn);

	if (more < 0)
		listen_lost(listener, PQerrorMessage(listener->conn));
	else if (loop_watch_want(listener->watch, more ? LOOP_READ | LOOP_WRITE : LOOP_READ) !=
		 RC_OK)
		listen_lost(listener, "cannot watch the socket");
}

static void listen_send(struct pg_listener *listener, const char *sql, int64_t late_ms)
{
	listener->asking = true;
	listener->asked_us = clock_monotonic_us();
	loop_timer_set(listener->timer, late_ms);
	if (PQsendQuery(listener->conn, sql) == 1)
		listen_flush(listener);
	else
		listen_lost(listener, PQerrorMessage(listener->conn));
}

/* An empty statement: the server sends what was notified before it says that it is ready. */
static void sign_ask(struct pg_listener *listener)
{
	listen_send(listener, "", SIGN_LATE_MS);
}

static void listen_begin(struct pg_listener *listener)
{
	struct buf sql = BUF_INIT;
	const char *text = NULL;

	listener->state = LISTEN_ASKING;
	if (PQsetnonblocking(listener->conn, 1) != 0 || !listen_watch(listener, LOOP_READ) ||
		buf_printf(&sql, "LISTEN %s", listener->channel) != RC_OK ||
		buf_string(&sql, &text) != RC_OK)
		listen_lost(listener, "cannot listen");
	else
		listen_send(listener, text, SIGN_LATE_MS);
	buf_free(&sql);
}

static void listen_connecting(struct pg_listener *listener)
{
	bool watched = true;

	switch (PQconnectPoll(listener->conn)) {
	case PGRES_POLLING_READING:
		watched = listen_watch(listener, LOOP_READ);
		break;
	case PGRES_POLLING_WRITING:
		watched = listen_watch(listener, LOOP_WRITE);
		break;
	case PGRES_POLLING_OK:
		listen_begin(listener);
		return;
	default:
		listen_lost(listener, PQerrorMessage(listener->conn));
		return;
	}
	if (!watched)
		listen_lost(listener, "cannot watch the socket");
}

/* false: the answer is an error. */
static bool answer_good(ExecStatusType status)
{
	return status == PGRES_COMMAND_OK || status == PGRES_EMPTY_QUERY;
}

static void answer_over(struct pg_listener *listener)
{
	listener->asking = false;
	listener->current_us = listener->asked_us;
	if (listener->state == LISTEN_ASKING) {
		listener->state = LISTEN_UP;
		listener->backoff_ms = BACKOFF_FIRST_MS;
		listener->complained = false;
		log_info("store: listening channel=%s", listener->channel);
		listener->events->listening(listener->arg);
	}
	if (listener->doubted_us > listener->current_us)
		sign_ask(listener);
	else
		loop_timer_set(listener->timer, SIGN_EVERY_MS);
}

static void hear(struct pg_listener *listener)
{
	for (PGnotify *said = PQnotifies(listener->conn); said != NULL;
		said = PQnotifies(listener->conn)) {
		if (strcmp(said->relname, listener->channel) == 0)
			listener->events->heard(listener->arg, said->extra);
		PQfreemem(said);
	}
}

/* With TLS one readiness may stand for more than libpq reads at once. */
static bool listen_consume(struct pg_listener *listener)
{
	int rounds = PQsslInUse(listener->conn) ? 4 : 1;

	while (rounds-- > 0) {
		if (!PQconsumeInput(listener->conn))
			return false;
	}
	return true;
}

static void listen_answers(struct pg_listener *listener)
{
	bool good = true, over = false;

	if (!listen_consume(listener)) {
		listen_lost(listener, PQerrorMessage(listener->conn));
		return;
	}
	while (listener->asking && !over && PQisBusy(listener->conn) == 0) {
		PGresult *result = PQgetResult(listener->conn);
		over = result == NULL;
		good = good && (over || answer_good(PQresultStatus(result)));
		PQclear(result);
	}
	hear(listener);
	if (!good || PQstatus(listener->conn) != CONNECTION_OK) {
		listen_lost(listener, PQerrorMessage(listener->conn));
		return;
	}
	if (over)
		answer_over(listener);
	if (listener->state >= LISTEN_ASKING)
		listen_flush(listener);
}

static void listen_ready(void *arg)
{
	struct pg_listener *listener = arg;

	if (listener->state == LISTEN_CONNECTING)
		listen_connecting(listener);
	else if (listener->state != LISTEN_DOWN)
		listen_answers(listener);
}

static void listen_start(struct pg_listener *listener)
{
	const char *conninfo = NULL;

	listener->state = LISTEN_CONNECTING;
	if (buf_string(&listener->conninfo, &conninfo) == RC_OK)
		listener->conn = pg_connect_start(conninfo, "rsspd listener", listener->timeout_ms);
	if (listener->conn == NULL || PQstatus(listener->conn) == CONNECTION_BAD) {
		listen_lost(listener,
			listener->conn == NULL ? "no connection" : PQerrorMessage(listener->conn));
		return;
	}
	loop_timer_set(listener->timer, CONNECT_MS);
	if (!listen_watch(listener, LOOP_WRITE))
		listen_lost(listener, "cannot watch the socket");
}

static void listen_timer(void *arg)
{
	struct pg_listener *listener = arg;

	if (listener->state == LISTEN_DOWN)
		listen_start(listener);
	else if (listener->state == LISTEN_UP && !listener->asking)
		sign_ask(listener);
	else
		listen_lost(listener, "no answer in time");
}

rc_t pg_listener_new(struct loop *loop, const struct pg *pg, const char *channel,
	const struct pg_listener_events *events, void *arg, struct pg_listener **listener)
{
	struct pg_listener *fresh = calloc(1, sizeof(*fresh));

	if (fresh == NULL)
		return RC_NO_MEMORY;
	fresh->loop = loop;
	fresh->channel = channel;
	fresh->events = events;
	fresh->arg = arg;
	fresh->timeout_ms = pg->settings.timeout_ms;
	fresh->backoff_ms = BACKOFF_FIRST_MS;
	rc_t rc = buf_append_string(&fresh->conninfo, pg->conninfo);
	if (rc == RC_OK)
		rc = loop_timer_new(loop, listen_timer, fresh, &fresh->timer);
	if (rc != RC_OK) {
		pg_listener_free(&fresh);
		return rc;
	}
	loop_timer_set(fresh->timer, 0);
	*listener = fresh;
	return RC_OK;
}

void pg_listener_free(struct pg_listener **listener)
{
	struct pg_listener *old = *listener;

	if (old == NULL)
		return;
	loop_watch_free(&old->watch);
	loop_timer_free(&old->timer);
	PQfinish(old->conn);
	buf_free(&old->conninfo);
	free(old);
	*listener = NULL;
}

bool pg_listener_current(const struct pg_listener *listener)
{
	int64_t late_us = clock_monotonic_us() - PG_LISTEN_LATE_MS * INT64_C(1000);

	return listener->state == LISTEN_UP && listener->current_us > late_us &&
	       listener->current_us > listener->doubted_us;
}

void pg_listener_doubt(struct pg_listener *listener)
{
	listener->doubted_us = clock_monotonic_us();
	if (listener->state == LISTEN_UP && !listener->asking)
		sign_ask(listener);
}
