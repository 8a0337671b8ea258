#include "store/refresh_token.h"

#include "store/unit.h"

static const struct pg_statement refresh_load = {.name = "refresh_load", .sql =
	"SELECT o.id, o.client, o.subscriber, r.ends_at, r.used_at IS NOT NULL,"
	" o.revoked_at IS NOT NULL, s.state <> 'active' FROM rssp.refresh_token r"
	" JOIN rssp.consent o ON o.id = r.consent JOIN rssp.subscriber s ON s.id = o.subscriber"
	" WHERE r.sha256 = $1::bytea"};

void store_refresh_load(struct pg *pg, const uint8_t sha256[SHA256_LEN], pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(NULL);

	pg_put_bytes(params, SPAN(sha256, SHA256_LEN));
	pg_submit(pg, &refresh_load, params, done, arg);
}

void store_refresh_read(const struct pg_rows *rows, struct refresh_row *row)
{
	row->consent = pg_id(rows, 0, 0);
	row->client = pg_id(rows, 0, 1);
	row->subscriber = pg_id(rows, 0, 2);
	row->ends_ms = pg_time_ms(rows, 0, 3);
	row->used = pg_bool(rows, 0, 4);
	row->revoked = pg_bool(rows, 0, 5);
	row->disabled = pg_bool(rows, 0, 6);
}

struct pg_params *store_consent_use_params(
	const struct audit_row *audit, const struct consent_use *use)
{
	struct pg_params *params = unit_params(audit);

	pg_set_lane(params, &use->consent);
	pg_put_bytes(params, SPAN(use->sha256, SHA256_LEN));
	pg_put_id(params, &use->client);
	pg_put_number(params, use->client_version);
	pg_put_id(params, &use->subscriber);
	pg_put_id(params, &use->consent);
	return params;
}

static const struct pg_statement refresh_use = {.name = "refresh_use", .sql =
	"WITH held AS MATERIALIZED (SELECT 1 FROM rssp.client cl, rssp.subscriber s, rssp.consent o"
	"  WHERE cl.id = $19::uuid AND cl.version = $20::bigint AND cl.state = 'active'"
	"  AND s.id = $21::uuid AND s.state = 'active' AND o.id = $22::uuid AND o.client = cl.id"
	"  AND o.subscriber = s.id AND o.revoked_at IS NULL"
	"  FOR SHARE OF cl, s FOR NO KEY UPDATE OF o),"
	" used AS (UPDATE rssp.refresh_token SET used_at = $1::timestamptz"
	"  WHERE sha256 = $18::bytea AND consent = $22::uuid AND used_at IS NULL"
	"  AND ends_at > $1::timestamptz AND EXISTS (SELECT FROM held) RETURNING consent),"
	" next AS (" REFRESH_TOKEN_INSERT("$23", "$24", "used") "),"
	" kept AS (UPDATE rssp.consent o SET ends_at = greatest(o.ends_at, $24::timestamptz)"
	"  FROM used WHERE o.id = used.consent),"
	" noted AS (" AUDIT_INSERT("used") ") SELECT clock_timestamp() FROM used"};

void store_refresh_use(struct pg *pg, const struct audit_row *audit, const struct refresh_use *use,
	pg_done_fn done, void *arg)
{
	struct pg_params *params = store_consent_use_params(audit, &use->of);

	pg_put_bytes(params, SPAN(use->next_sha256, SHA256_LEN));
	pg_put_time(params, use->next_ends_ms);
	pg_submit(pg, &refresh_use, params, done, arg);
}

static const struct pg_statement consent_revoke = {.name = "consent_revoke", .sql =
	"WITH ended AS (UPDATE rssp.consent SET revoked_at = $1::timestamptz"
	"  WHERE id = $18::uuid AND revoked_at IS NULL),"
	" asked AS (SELECT 1), noted AS (" AUDIT_INSERT("asked") ") SELECT 1::bigint"};

void store_consent_revoke(struct pg *pg, const struct audit_row *audit, const struct id *consent,
	pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(audit);

	pg_set_lane(params, consent);
	pg_put_id(params, consent);
	pg_submit(pg, &consent_revoke, params, done, arg);
}

static const struct pg_statement sad_revoke = {.name = "sad_revoke", .sql =
	"WITH ended AS (UPDATE rssp.sad d SET state = 'revoked', seal = NULL, turn = d.turn + 1"
	"  WHERE d.sha256 = $18::bytea AND d.client = $19::uuid AND d.state = 'live'),"
	" asked AS (SELECT 1), noted AS (" AUDIT_INSERT("asked") ") SELECT 1::bigint"};

void store_sad_revoke(struct pg *pg, const struct audit_row *audit,
	const uint8_t sha256[SHA256_LEN], const struct id *client, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(audit);

	pg_set_lane(params, &audit->credential);
	pg_put_bytes(params, SPAN(sha256, SHA256_LEN));
	pg_put_id(params, client);
	pg_submit(pg, &sad_revoke, params, done, arg);
}

static const struct pg_statement sad_owner = {.name = "sad_owner", .sql =
	"SELECT client, subscriber, credential FROM rssp.sad WHERE sha256 = $1::bytea"};

void store_sad_owner(struct pg *pg, const uint8_t sha256[SHA256_LEN], pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(NULL);

	pg_put_bytes(params, SPAN(sha256, SHA256_LEN));
	pg_submit(pg, &sad_owner, params, done, arg);
}
