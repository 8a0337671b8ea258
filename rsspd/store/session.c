#include "store/session.h"

#include "store/unit.h"

static const struct pg_statement session_load = {.name = "session_load", .sql =
	"SELECT x.subscriber, s.name, x.seen_at, x.ends_at FROM rssp.session x"
	" JOIN rssp.subscriber s ON s.id = x.subscriber"
	" WHERE x.sha256 = $1::bytea AND s.state = 'active'"
	" AND x.ends_at > $2::timestamptz AND x.seen_at > $3::timestamptz"};

void store_session_load(struct pg *pg, const uint8_t sha256[SHA256_LEN], int64_t now_ms,
	int64_t idle_ms, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(NULL);

	pg_put_bytes(params, SPAN(sha256, SHA256_LEN));
	pg_put_time(params, now_ms);
	pg_put_time(params, now_ms - idle_ms);
	pg_submit(pg, &session_load, params, done, arg);
}

void store_session_read(const struct pg_rows *rows, struct session_row *session)
{
	*session = (struct session_row){
		.subscriber = pg_id(rows, 0, 0),
		.name = pg_text(rows, 0, 1),
		.seen_ms = pg_time_ms(rows, 0, 2),
		.ends_ms = pg_time_ms(rows, 0, 3),
	};
}

static const struct pg_statement session_touch = {.name = "session_touch", .sql =
	"UPDATE rssp.session SET seen_at = $2::timestamptz"
	" WHERE sha256 = $1::bytea AND seen_at < $2::timestamptz"};

void store_session_touch(struct pg *pg, const uint8_t sha256[SHA256_LEN], int64_t now_ms,
	pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(NULL);

	pg_put_bytes(params, SPAN(sha256, SHA256_LEN));
	pg_put_time(params, now_ms);
	pg_submit(pg, &session_touch, params, done, arg);
}

static const struct pg_statement session_end = {.name = "session_end", .sql =
	"WITH gone AS (DELETE FROM rssp.session WHERE sha256 = $18::bytea RETURNING subscriber), "
	"noted AS (" AUDIT_INSERT("gone") ") SELECT subscriber FROM gone"};

void store_session_end(struct pg *pg, const struct audit_row *audit,
	const uint8_t sha256[SHA256_LEN], pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(audit);

	pg_put_bytes(params, SPAN(sha256, SHA256_LEN));
	pg_submit(pg, &session_end, params, done, arg);
}

/* The longest wait after a wrong password is 15 minutes; few of them do not begin anew at once. */
static const struct pg_statement session_sweep = {.name = "session_sweep", .sql =
	"WITH over AS (DELETE FROM rssp.session WHERE ends_at <= $1::timestamptz),"
	" forgotten AS (DELETE FROM rssp.sign_in_failure"
	"  WHERE attempted_at < $1::timestamptz - interval '1 hour' AND (failures < 5"
	"  OR attempted_at < $1::timestamptz - interval '1 day')) SELECT 1"};

void store_session_sweep(struct pg *pg, int64_t now_ms, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(NULL);

	pg_put_time(params, now_ms);
	pg_submit(pg, &session_sweep, params, done, arg);
}
