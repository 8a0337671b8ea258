#include "store/audit.h"

#include "base/digest.h"
#include "store/unit.h"

#include <stdio.h>
#include <string.h>

static void put_items(struct pg_params *params, struct span items, size_t len, size_t count)
{
	if (count == 0)
		pg_put_null(params, PG_BYTES_ARRAY);
	else
		pg_put_bytes_array(params, items, len, count);
}

static void put_name(struct pg_params *params, const char *text)
{
	pg_put_text(params, text != NULL && text[0] != '\0' ? text : NULL);
}

void audit_put(struct pg_params *params, const struct audit_row *row)
{
	pg_put_time(params, row->at_ms);
	pg_put_id(params, &row->id);
	pg_put_id(params, &row->request);
	pg_put_text(params, row->event);
	pg_put_text(params, row->result);
	pg_put_text(params, row->code);
	pg_put_id(params, &row->client);
	put_name(params, row->operator_name);
	pg_put_id(params, &row->subscriber);
	pg_put_id(params, &row->credential);
	pg_put_id(params, &row->agency);
	put_name(params, row->address);
	put_name(params, row->rule);
	if (row->policy_version == 0)
		pg_put_null(params, PG_NUMBER);
	else
		pg_put_number(params, row->policy_version);
	if (row->detail_text != NULL)
		pg_put_text(params, row->detail_text);
	else
		pg_put_text(params, row->detail[0] != '\0' ? row->detail : "{}");
	put_items(params, row->digests, row->digest_len, row->digest_count);
	put_items(params, row->signatures, SHA256_LEN, row->signature_count);
}

static const struct pg_statement audit_add = {.name = "audit_add", .sql =
	"INSERT INTO audit.event (" AUDIT_COLUMNS ") VALUES (" AUDIT_PARAMS ")"};

void store_audit_add(struct pg *pg, const struct audit_row *row, pg_done_fn done, void *arg)
{
	pg_submit(pg, &audit_add, unit_params(row), done, arg);
}

/*
 * `first` is what an index finds; the rest only filters. One statement a way of asking, because
 * plans are made once for all parameters. Without any, the newest rows are found by their time.
 */
#define AUDIT_FIND(first)                                                                          \
	"SELECT e.at, e.id, e.request, e.event, e.result, e.code, e.client, e.operator, "          \
	"e.subscriber, e.credential, e.agency, host(e.address), e.rule, e.policy_version, "        \
	"e.detail, " AUDIT_JOINED("e.digests") ", coalesce(cardinality(e.digests), 0), "           \
	AUDIT_JOINED("e.signatures") ", coalesce(cardinality(e.signatures), 0) "                   \
	"FROM (SELECT * FROM audit.event WHERE " first                                             \
	" AND at >= coalesce($4::timestamptz, '-infinity')"                                        \
	" AND at < coalesce($5::timestamptz, 'infinity')"                                          \
	" AND ($1::uuid IS NULL OR subscriber = $1::uuid)"                                         \
	" AND ($2::uuid IS NULL OR credential = $2::uuid)"                                         \
	" AND ($3::uuid IS NULL OR request = $3::uuid)"                                            \
	" AND ($6::bytea IS NULL OR (event = 'signature.created' AND digests @> ARRAY[$6::bytea]))"\
	" ORDER BY at DESC, id DESC LIMIT $7::bigint) AS e ORDER BY e.at, e.id"
#define AUDIT_JOINED(items)                                                                        \
	"(SELECT string_agg(i, ''::bytea ORDER BY n) FROM unnest(" items ") WITH ORDINALITY u (i, n))"

static const struct pg_statement find_by_request = {.name = "audit_by_request", .sql =
	AUDIT_FIND("request = $3::uuid")};
static const struct pg_statement find_by_digest = {.name = "audit_by_digest", .sql =
	AUDIT_FIND("event = 'signature.created' AND digests @> ARRAY[$6::bytea]")};
static const struct pg_statement find_by_subscriber = {.name = "audit_by_subscriber", .sql =
	AUDIT_FIND("subscriber = $1::uuid")};
static const struct pg_statement find_by_time = {.name = "audit_by_time", .sql = AUDIT_FIND("true")};

static const struct pg_statement *find_statement(const struct audit_filter *filter)
{
	if (!id_is_zero(&filter->request))
		return &find_by_request;
	if (filter->digest.len > 0)
		return &find_by_digest;
	return id_is_zero(&filter->subscriber) ? &find_by_time : &find_by_subscriber;
}

void store_audit_find(struct pg *pg, const struct audit_filter *filter, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(NULL);

	pg_put_id(params, &filter->subscriber);
	pg_put_id(params, &filter->credential);
	pg_put_id(params, &filter->request);
	pg_put_time(params, filter->from_ms);
	pg_put_time(params, filter->to_ms);
	pg_put_bytes(params, filter->digest.len > 0 ? filter->digest : SPAN_NONE);
	pg_put_number(params, filter->limit);
	pg_set_slow(params);
	pg_submit(pg, find_statement(filter), params, done, arg);
}

static struct id read_id(const struct pg_rows *rows, size_t row, int column)
{
	return pg_is_null(rows, row, column) ? (struct id){{0}} : pg_id(rows, row, column);
}

static const char *read_text(const struct pg_rows *rows, size_t row, int column)
{
	return pg_is_null(rows, row, column) ? "" : pg_text(rows, row, column);
}

void store_audit_read(const struct pg_rows *rows, size_t row, struct audit_row *out)
{
	*out = (struct audit_row){
		.at_ms = pg_time_ms(rows, row, 0),
		.id = pg_id(rows, row, 1),
		.request = pg_id(rows, row, 2),
		.event = pg_text(rows, row, 3),
		.result = pg_text(rows, row, 4),
		.code = pg_text(rows, row, 5),
		.client = read_id(rows, row, 6),
		.operator_name = read_text(rows, row, 7),
		.subscriber = read_id(rows, row, 8),
		.credential = read_id(rows, row, 9),
		.agency = read_id(rows, row, 10),
		.address = read_text(rows, row, 11),
		.rule = read_text(rows, row, 12),
		.policy_version = pg_is_null(rows, row, 13) ? 0 : pg_number(rows, row, 13),
		.digests = pg_is_null(rows, row, 15) ? SPAN_NONE : pg_span(rows, row, 15),
		.digest_count = (size_t)pg_number(rows, row, 16),
		.signatures = pg_is_null(rows, row, 17) ? SPAN_NONE : pg_span(rows, row, 17),
		.signature_count = (size_t)pg_number(rows, row, 18),
	};
	if (out->digest_count > 0)
		out->digest_len = out->digests.len / out->digest_count;
	snprintf(out->detail, sizeof(out->detail), "%s", pg_text(rows, row, 14));
}
