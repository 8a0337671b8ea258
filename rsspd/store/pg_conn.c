/*
 * One connection: connecting without blocking, checking that the server keeps what it is told and
 * that our role can do no more than it must, losing it, trying again.
 */
#include "store/pg_internal.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdlib.h>
#include <string.h>

#define BACKOFF_FIRST_MS 100
#define BACKOFF_LAST_MS 3000
#define CONNECT_TIMEOUT_MS 5000
#define CONNINFO_KEYS 64
#define REST_UNITS 4
#define REST_ENOUGH 96
#define REST_MAX_US 16000

static void conn_ready(void *arg);
static void conn_timer(void *arg);

enum {
	CHECK_VERSION,
	CHECK_FSYNC,
	CHECK_COMMIT,
	CHECK_PAGES,
	CHECK_STANDBY,
	CHECK_POWERS,
	CHECK_MEMBERSHIPS,
	CHECK_MIGRATION,
	CHECK_CLOCK,
};

static const struct pg_statement check_statement = {
	.name = "pg_check",
	.sql = "SELECT current_setting('server_version_num')::bigint, current_setting('fsync') = 'on',"
	       " current_setting('synchronous_commit') IN ('on', 'remote_write', 'remote_apply'),"
	       " current_setting('full_page_writes') = 'on',"
	       " pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on',"
	       " (SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls"
	       "  FROM pg_roles WHERE rolname = session_user),"
	       " coalesce((SELECT string_agg(rolname, ', ') FROM pg_roles"
	       "  WHERE rolname <> session_user AND pg_has_role(session_user, oid, 'MEMBER')), ''),"
	       " (SELECT coalesce(max(version), 0) FROM public.rssp_migration), clock_timestamp()",
};

rc_t pg_conn_init(struct pg_conn *conn, struct pg *pg, unsigned number)
{
	conn->pg = pg;
	conn->number = number;
	conn->state = PG_DOWN;
	conn->backoff_ms = BACKOFF_FIRST_MS;
	pg_list_init(&conn->waiting);
	return loop_timer_new(pg->loop, conn_timer, conn, &conn->timer);
}

static void conn_notice(void *arg, const PGresult *result)
{
	const struct pg_conn *conn = arg;
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	char text[512];

	log_warning("store: notice connection=%u text=\"%s\"", conn->number,
		log_escape(message != NULL ? message : "", text, sizeof(text)));
}

/* What every connection runs under, whatever the configuration says. The server ends a statement
 * before we give the connection up, so that a slow one is an error, not an unknown commit. Every
 * statement finds its rows by an index, also by a plan that was made, and is kept, when the tables
 * were empty and reading them whole seemed to be as cheap. Digests of the audit that wait for their
 * place in its index are put there by the commit that fills the list: with the usual 4 MB everybody
 * would wait for some 70,000 of them at once. */
static rc_t session_options(int64_t timeout_ms, const char *given, struct buf *out)
{
	long long timeout = (long long)timeout_ms;

	return buf_printf(out,
		"%s -c statement_timeout=%lld -c lock_timeout=%lld -c jit=off -c timezone=UTC"
		" -c idle_in_transaction_session_timeout=%lld"
		" -c default_transaction_isolation=read\\ committed"
		" -c client_min_messages=warning -c search_path=pg_catalog"
		" -c plan_cache_mode=force_generic_plan -c enable_seqscan=off"
		" -c enable_hashjoin=off -c enable_mergejoin=off -c gin_pending_list_limit=256",
		given, timeout * 4 / 5, timeout / 5, timeout);
}

struct conninfo {
	const char *keys[CONNINFO_KEYS + 1], *values[CONNINFO_KEYS + 1];
	size_t count;
};

static void conninfo_put(struct conninfo *info, const char *key, const char *value)
{
	if (info->count == CONNINFO_KEYS)
		return;
	info->keys[info->count] = key;
	info->values[info->count++] = value;
}

static const char *option_value(const PQconninfoOption *options, const char *key)
{
	for (; options->keyword != NULL; options++) {
		if (strcmp(options->keyword, key) == 0 && options->val != NULL)
			return options->val;
	}
	return "";
}

PGconn *pg_connect_start(const char *conninfo, const char *name, int64_t timeout_ms)
{
	PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
	struct conninfo info = {.count = 0};
	struct buf session = BUF_INIT;
	const char *text = NULL;
	PGconn *conn = NULL;

	if (options == NULL)
		goto out;
	if (session_options(timeout_ms, option_value(options, "options"), &session) != RC_OK ||
		buf_string(&session, &text) != RC_OK)
		goto out;
	conninfo_put(&info, "application_name", name);
	conninfo_put(&info, "keepalives_idle", "30");
	conninfo_put(&info, "tcp_user_timeout", "10000");
	conninfo_put(&info, "client_encoding", "UTF8");
	for (const PQconninfoOption *o = options; o->keyword != NULL; o++) {
		if (o->val != NULL && strcmp(o->keyword, "options") != 0)
			conninfo_put(&info, o->keyword, o->val);
	}
	conninfo_put(&info, "options", text);
	conn = PQconnectStartParams(info.keys, info.values, 0);
out:
	buf_free(&session);
	PQconninfoFree(options);
	return conn;
}

/* The socket may be another one after each step of connecting. */
static rc_t conn_watch(struct pg_conn *conn, int want)
{
	loop_watch_free(&conn->watch);
	rc_t rc = loop_watch_new(
		conn->pg->loop, PQsocket(conn->conn), conn_ready, conn_ready, conn, &conn->watch);
	return rc == RC_OK ? loop_watch_want(conn->watch, want) : rc;
}

static void conn_flush(struct pg_conn *conn)
{
	int more = PQflush(conn->conn);

	if (more < 0)
		pg_conn_lost(conn, PQerrorMessage(conn->conn));
	else if (loop_watch_want(conn->watch, more ? LOOP_READ | LOOP_WRITE : LOOP_READ) != RC_OK)
		pg_conn_lost(conn, "cannot watch the socket");
}

void pg_conn_send(struct pg_conn *conn)
{
	conn->group.alone = conn->group.alone || conn->state == PG_CHECKING;
	if (pg_group_send(conn) != RC_OK) {
		pg_conn_lost(conn, PQerrorMessage(conn->conn));
		return;
	}
	conn->sent_at_us = clock_monotonic_us();
	conn->sent_units = conn->group.count;
	loop_timer_set(conn->timer, conn->pg->settings.timeout_ms);
	conn_flush(conn);
}

/* NULL, or what is wrong with the server or our role. */
static const char *check_fault(const struct pg_rows *rows)
{
	if (pg_number(rows, 0, CHECK_VERSION) < 150000)
		return "PostgreSQL 15 or later is needed";
	if (!pg_bool(rows, 0, CHECK_FSYNC) || !pg_bool(rows, 0, CHECK_COMMIT) ||
		!pg_bool(rows, 0, CHECK_PAGES))
		return "fsync, synchronous_commit and full_page_writes must be on: rows must last";
	if (pg_bool(rows, 0, CHECK_STANDBY))
		return "the server only reads (a standby)";
	if (pg_is_null(rows, 0, CHECK_POWERS) || pg_bool(rows, 0, CHECK_POWERS))
		return "the daemon's role must not be a superuser or make roles, databases or replicas";
	if (pg_text(rows, 0, CHECK_MEMBERSHIPS)[0] != '\0')
		return "the daemon's role must not be a member of other roles";
	if (pg_number(rows, 0, CHECK_MIGRATION) < PG_SCHEMA_VERSION)
		return "the schema is older than this program: run schema/migrate";
	return NULL;
}

static void check_done(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct pg_conn *conn = arg;

	if (rc != RC_OK || pg_row_count(rows) != 1) {
		pg_conn_lost(conn, "the check failed; was schema/migrate run?");
		return;
	}
	const char *fault = check_fault(rows);
	if (fault != NULL) {
		pg_conn_lost(conn, fault);
		return;
	}
	pg_clock_heard(conn->pg, conn->checked_at_ms, pg_time_ms(rows, 0, CHECK_CLOCK));
	conn->state = PG_UP;
	conn->backoff_ms = BACKOFF_FIRST_MS;
	conn->complained = false;
	log_info("store: connected connection=%u server=%d", conn->number,
		PQserverVersion(conn->conn));
	pg_pump_soon(conn->pg);
}

static void conn_check(struct pg_conn *conn)
{
	struct pg_params *unit = NULL;

	conn->state = PG_CHECKING;
	if (PQsetnonblocking(conn->conn, 1) != 0 || PQenterPipelineMode(conn->conn) != 1 ||
		pg_params_new(&unit) != RC_OK) {
		pg_conn_lost(conn, PQerrorMessage(conn->conn));
		return;
	}
	unit->statement = &check_statement;
	unit->done = check_done;
	unit->arg = conn;
	unit->tries = PG_TRIES_MAX;
	conn->group.units[0] = unit;
	conn->group.count = 1;
	conn->checked_at_ms = clock_wall_ms();
	pg_conn_send(conn);
}

static void conn_connecting(struct pg_conn *conn)
{
	rc_t rc = RC_OK;

	switch (PQconnectPoll(conn->conn)) {
	case PGRES_POLLING_READING:
		rc = conn_watch(conn, LOOP_READ);
		break;
	case PGRES_POLLING_WRITING:
		rc = conn_watch(conn, LOOP_WRITE);
		break;
	case PGRES_POLLING_OK:
		rc = conn_watch(conn, LOOP_READ);
		if (rc == RC_OK)
			conn_check(conn);
		break;
	default:
		pg_conn_lost(conn, PQerrorMessage(conn->conn));
		return;
	}
	if (rc != RC_OK)
		pg_conn_lost(conn, "cannot watch the socket");
}

/* With TLS one readiness may stand for more than libpq reads at once. */
static bool conn_consume(struct pg_conn *conn)
{
	int rounds = PQsslInUse(conn->conn) ? 4 : 1;

	while (rounds-- > 0) {
		if (!PQconsumeInput(conn->conn))
			return false;
	}
	return true;
}

/*
 * A group's cost hardly depends on its size. Where many work at once, a connection is idle for
 * three times as long as a group takes, so that the next one is larger: what PostgreSQL does not
 * spend on groups the SAMs have. Who is nearly alone waits for nobody, and a group that the SAMs
 * would otherwise wait for is sent before they have nothing to do.
 */
static void conn_rest(struct pg_conn *conn)
{
	int64_t now = clock_monotonic_us();

	conn->took_us = now - conn->sent_at_us;
	int64_t rest = conn->sent_units < REST_UNITS ? 0 : 3 * conn->took_us;
	conn->rests_until_us = now + (rest < REST_MAX_US ? rest : REST_MAX_US);
}

static bool others_have_work(const struct pg_conn *conn)
{
	const struct pg_settings *settings = &conn->pg->settings;

	return settings->others_work_us == NULL ||
	       settings->others_work_us(settings->others_arg) > conn->took_us;
}

int64_t pg_conn_rest_us(const struct pg_conn *conn)
{
	const struct pg *pg = conn->pg;
	size_t waiting = conn->waiting.count + (conn->number == 0 ? pg->reading.count : 0);
	int64_t left = conn->rests_until_us - clock_monotonic_us();

	if (left <= 0 || waiting >= REST_ENOUGH || pg->again.count > 0 || !others_have_work(conn))
		return 0;
	return left;
}

static void conn_answers(struct pg_conn *conn)
{
	struct pg_list finished;
	char why[256] = "";

	pg_list_init(&finished);
	bool checking = conn->state == PG_CHECKING;
	bool alive = conn_consume(conn);
	if (!alive)
		snprintf(why, sizeof(why), "%s", PQerrorMessage(conn->conn));
	rc_t rc = pg_group_read(conn, &finished);
	if (alive && rc == RC_OK && PQstatus(conn->conn) == CONNECTION_OK) {
		if (pg_group_idle(conn)) {
			loop_timer_cancel(conn->timer);
			conn_rest(conn);
			pg_pump_soon(conn->pg);
		}
		conn_flush(conn);
	} else {
		pg_conn_lost(conn, why[0] != '\0' ? why : PQerrorMessage(conn->conn));
	}
	/* the check's own callback is about the connection as it is now */
	if (checking)
		pg_finish(&finished);
	else
		pg_finish_soon(conn->pg, &finished);
}

static void conn_ready(void *arg)
{
	struct pg_conn *conn = arg;

	if (conn->state == PG_CONNECTING)
		conn_connecting(conn);
	else if (conn->state != PG_DOWN)
		conn_answers(conn);
}

static void conn_timer(void *arg)
{
	struct pg_conn *conn = arg;

	if (conn->state == PG_DOWN)
		pg_conn_start(conn);
	else
		pg_conn_lost(conn, "no answer in time");
}

void pg_conn_start(struct pg_conn *conn)
{
	conn->conn = pg_connect_start(conn->pg->conninfo, "rsspd", conn->pg->settings.timeout_ms);
	conn->state = PG_CONNECTING;
	if (conn->conn == NULL || PQstatus(conn->conn) == CONNECTION_BAD) {
		pg_conn_lost(conn, conn->conn == NULL ? "the conninfo cannot be read"
						      : PQerrorMessage(conn->conn));
		return;
	}
	PQsetNoticeReceiver(conn->conn, conn_notice, conn);
	loop_timer_set(conn->timer, CONNECT_TIMEOUT_MS);
	if (conn_watch(conn, LOOP_WRITE) != RC_OK)
		pg_conn_lost(conn, "cannot watch the socket");
}

static void conn_complain(struct pg_conn *conn, const char *why)
{
	char text[512];

	log_write(conn->complained ? LOG_DEBUG : LOG_ERROR,
		"store: connection-lost connection=%u again-ms=%lld text=\"%s\"", conn->number,
		(long long)conn->backoff_ms, log_escape(why, text, sizeof(text)));
	conn->complained = true;
}

void pg_conn_close(struct pg_conn *conn)
{
	struct pg_list finished;

	pg_list_init(&finished);
	pg_group_abandon(conn, &finished);
	conn->state = PG_DOWN;
	loop_watch_free(&conn->watch);
	PQfinish(conn->conn);
	conn->conn = NULL;
	conn->prepared_count = 0;
	pg_finish(&finished);
}

void pg_conn_lost(struct pg_conn *conn, const char *why)
{
	if (conn->state == PG_DOWN)
		return;
	conn_complain(conn, why);
	loop_timer_set(conn->timer, conn->backoff_ms);
	conn->backoff_ms =
		conn->backoff_ms * 2 < BACKOFF_LAST_MS ? conn->backoff_ms * 2 : BACKOFF_LAST_MS;
	pg_conn_close(conn);
	pg_reroute(conn);
	pg_pump_soon(conn->pg);
}

void pg_conn_clear(struct pg_conn *conn)
{
	loop_timer_free(&conn->timer);
	free(conn->prepared);
}
