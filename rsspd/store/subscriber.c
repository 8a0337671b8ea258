#include "store/subscriber.h"

#include "store/unit.h"

/* Plans are made once, for any parameters: so each filter that an index serves has a statement of its
 * own, which `driver` begins. */
#define SUBSCRIBER_LIST(driver)                                                                    \
	"WITH picked AS (SELECT s.id, s.name, s.position, s.state, g.path"                         \
	" FROM rssp.subscriber s JOIN rssp.agency g ON g.id = s.agency WHERE " driver              \
	" AND ($1::uuid IS NULL OR g.path @> ARRAY[$1::uuid])"                                     \
	" AND ($2::uuid IS NULL OR s.id = $2::uuid)"                                               \
	" AND ($3::text IS NULL OR position(lower($3::text) IN lower(s.name)) > 0)"                \
	" ORDER BY s.id LIMIT $4::bigint) "                                                        \
	"SELECT picked.id, picked.name, picked.position, picked.state, p1.name, p2.name, p3.name," \
	" p4.name, c.id, CASE WHEN c.state = 'active' AND u.locked_at IS NOT NULL THEN 'locked'"   \
	" ELSE c.state END, c.key_algo, c.valid_to"                                                \
	" FROM picked JOIN rssp.agency p1 ON p1.id = picked.path[1]"                               \
	" LEFT JOIN rssp.agency p2 ON p2.id = picked.path[2]"                                      \
	" LEFT JOIN rssp.agency p3 ON p3.id = picked.path[3]"                                      \
	" LEFT JOIN rssp.agency p4 ON p4.id = picked.path[4]"                                      \
	" LEFT JOIN rssp.credential c ON c.subscriber = picked.id"                                 \
	" LEFT JOIN rssp.credential_guard u ON u.credential = c.id"                                \
	" ORDER BY picked.id, c.created_at, c.id"

static const struct pg_statement subscriber_list_one = {.name = "subscriber_list_one",
	.sql = SUBSCRIBER_LIST("s.id = $2::uuid")};
static const struct pg_statement subscriber_list_agency = {.name = "subscriber_list_agency", .sql =
	SUBSCRIBER_LIST("s.agency IN (SELECT id FROM rssp.agency WHERE path @> ARRAY[$1::uuid])")};
static const struct pg_statement subscriber_list_all = {.name = "subscriber_list_all",
	.sql = SUBSCRIBER_LIST("true")};

void store_subscriber_list(
	struct pg *pg, const struct subscriber_filter *filter, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(NULL);

	pg_put_id(params, &filter->agency);
	pg_put_id(params, &filter->subscriber);
	pg_put_text(params, filter->name);
	pg_put_number(params, filter->limit);
	if (!id_is_zero(&filter->subscriber)) {
		pg_submit(pg, &subscriber_list_one, params, done, arg);
		return;
	}
	pg_set_slow(params);
	pg_submit(pg, id_is_zero(&filter->agency) ? &subscriber_list_all : &subscriber_list_agency,
		params, done, arg);
}

void store_subscriber_read(const struct pg_rows *rows, size_t row, struct subscriber_row *out)
{
	*out = (struct subscriber_row){
		.id = pg_id(rows, row, 0),
		.name = pg_text(rows, row, 1),
		.position = pg_text(rows, row, 2),
		.state = pg_text(rows, row, 3),
	};
	for (int i = 0; i < AGENCY_LEVELS; i++)
		out->agency[i] = pg_is_null(rows, row, 4 + i) ? NULL : pg_text(rows, row, 4 + i);
	if (pg_is_null(rows, row, 8))
		return;
	out->credential = pg_id(rows, row, 8);
	out->status = pg_text(rows, row, 9);
	out->key = pg_text(rows, row, 10);
	out->valid_to_ms = pg_time_ms(rows, row, 11);
}

static const struct pg_statement subscriber_facts = {.name = "subscriber_facts", .sql =
	"SELECT s.version, " POLICY_VERSION_SQL ", s.position, s.budget_code, " SECTOR_SQL(
		"g") ", s.state <> 'active' FROM rssp.subscriber s JOIN rssp.agency g ON g.id = s.agency"
		     " WHERE s.id = $1::uuid"};

void store_subscriber_facts(struct pg *pg, const struct id *subscriber, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(NULL);

	pg_put_id(params, subscriber);
	pg_submit(pg, &subscriber_facts, params, done, arg);
}

rc_t store_subscriber_facts_read(const struct pg_rows *rows, struct subscriber_facts *facts)
{
	facts->version = pg_number(rows, 0, 0);
	facts->policy_version = pg_number(rows, 0, 1);
	facts->disabled = pg_bool(rows, 0, 5);
	rc_t rc = unit_text(rows, 0, 2, facts->position, sizeof(facts->position));
	if (rc == RC_OK)
		rc = unit_text(rows, 0, 3, facts->budget_code, sizeof(facts->budget_code));
	if (rc == RC_OK)
		rc = unit_text(rows, 0, 4, facts->sector, sizeof(facts->sector));
	return rc;
}

static const struct pg_statement subscriber_set_position = {.name = "subscriber_set_position", .sql =
	"WITH changed AS (UPDATE rssp.subscriber SET position = $20::text, version = version + 1"
	" WHERE id = $18::uuid AND version = $19::bigint RETURNING id), "
	"noted AS (" AUDIT_INSERT("changed") ") SELECT id FROM changed"};

void store_subscriber_set_position(struct pg *pg, const struct audit_row *audit,
	const struct id *subscriber, int64_t version, const char *position, pg_done_fn done,
	void *arg)
{
	struct pg_params *params = unit_params(audit);

	pg_put_id(params, subscriber);
	pg_put_number(params, version);
	pg_put_text(params, position);
	pg_submit(pg, &subscriber_set_position, params, done, arg);
}

static const struct pg_statement subscriber_disable = {.name = "subscriber_disable", .sql =
	"WITH changed AS (UPDATE rssp.subscriber SET state = 'disabled', version = version + 1"
	" WHERE id = $18::uuid RETURNING id), "
	"noted AS (" AUDIT_INSERT("changed") ") SELECT id FROM changed"};

void store_subscriber_disable(struct pg *pg, const struct audit_row *audit,
	const struct id *subscriber, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(audit);

	pg_put_id(params, subscriber);
	pg_submit(pg, &subscriber_disable, params, done, arg);
}

static const struct pg_statement unlock_find = {.name = "unlock_find", .sql =
	"SELECT c.subscriber, u.unlock FROM rssp.credential c"
	" JOIN rssp.credential_guard u ON u.credential = c.id WHERE c.id = $1::uuid"};

void store_unlock_find(struct pg *pg, const struct id *credential, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(NULL);

	pg_put_id(params, credential);
	pg_submit(pg, &unlock_find, params, done, arg);
}

rc_t store_unlock_found(const struct pg_rows *rows, struct id *subscriber, struct buf *unlock)
{
	*subscriber = pg_id(rows, 0, 0);
	return pg_is_null(rows, 0, 1) ? RC_OK : pg_bytes(rows, 0, 1, unlock);
}

static const struct pg_statement unlock = {.name = "unlock", .sql =
	"WITH changed AS (UPDATE rssp.credential_guard SET failures = 0, locked_at = NULL,"
	" unlock = $21::bytea, unlock_signature = $22::bytea, unlock_fingerprint = $23::bytea"
	" WHERE credential = $18::uuid AND unlock IS NOT DISTINCT FROM $20::bytea"
	" RETURNING credential), "
	"told AS (INSERT INTO rssp.notice (subscriber, kind, detail)"
	" SELECT $19::uuid, 'unlocked', json_build_object('credential', credential) FROM changed), "
	"noted AS (" AUDIT_INSERT("changed") ") SELECT credential FROM changed"};

void store_unlock(struct pg *pg, const struct audit_row *audit, const struct unlock_new *fresh,
	pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(audit);

	pg_put_id(params, &fresh->credential);
	pg_put_id(params, &fresh->subscriber);
	pg_put_bytes(params, fresh->before);
	pg_put_bytes(params, fresh->statement);
	pg_put_bytes(params, fresh->signature);
	pg_put_bytes(params, SPAN(fresh->fingerprint, SHA256_LEN));
	pg_submit(pg, &unlock, params, done, arg);
}
