#include "store/notice.h"

#include "store/unit.h"

static const struct pg_statement notice_next = {.name = "notice_next", .sql =
	"WITH sent AS (UPDATE rssp.notice SET sent_at = now()"
	" WHERE id = $1::bigint AND sent_at IS NULL), "
	"next AS (UPDATE rssp.notice SET claimed_at = now() WHERE id = ("
	"SELECT id FROM rssp.notice WHERE sent_at IS NULL AND id <> $1::bigint"
	" AND (claimed_at IS NULL OR claimed_at < now() - interval '1 minute')"
	" ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)"
	" RETURNING id, subscriber, kind, detail, created_at) "
	"SELECT next.id, next.kind, coalesce(next.detail ->> 'credential', ''), next.created_at,"
	" s.email, s.name FROM next JOIN rssp.subscriber s ON s.id = next.subscriber"};

void store_notice_next(struct pg *pg, int64_t sent, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(NULL);

	pg_put_number(params, sent);
	pg_submit(pg, &notice_next, params, done, arg);
}

void store_notice_read(const struct pg_rows *rows, struct notice_row *notice)
{
	*notice = (struct notice_row){
		.id = pg_number(rows, 0, 0),
		.kind = pg_text(rows, 0, 1),
		.credential = pg_text(rows, 0, 2),
		.created_ms = pg_time_ms(rows, 0, 3),
		.email = pg_text(rows, 0, 4),
		.name = pg_text(rows, 0, 5),
	};
}
