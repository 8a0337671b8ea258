#include "store/authorization_request.h"

#include "store/unit.h"

static struct span sha256_of(const uint8_t sha256[SHA256_LEN])
{
	return SPAN(sha256, SHA256_LEN);
}

/* Units that answer one request go over one connection. */
static void request_lane(struct pg_params *params, const uint8_t sha256[SHA256_LEN])
{
	struct id lane;

	for (size_t i = 0; i < ID_LEN; i++)
		lane.bytes[i] = sha256[i];
	pg_set_lane(params, &lane);
}

static const struct pg_statement authorization_add = {.name = "authorization_add", .sql =
	"WITH fresh AS (INSERT INTO rssp.authorization_request (sha256, client, parameters, state,"
	"  created_at, ends_at) SELECT $18::bytea, cl.id, $20::json, $21::text, $1::timestamptz,"
	"  $22::timestamptz FROM rssp.client cl WHERE cl.id = $19::uuid AND cl.state = 'active'"
	"  AND cl.mode = 'oauth2code' RETURNING 1),"
	" noted AS (" AUDIT_INSERT("fresh") ") SELECT 1::bigint FROM fresh"};

void store_authorization_add(struct pg *pg, const struct audit_row *audit,
	const struct authorization_new *fresh, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(audit);

	pg_put_bytes(params, sha256_of(fresh->sha256));
	pg_put_id(params, &fresh->client);
	pg_put_text(params, fresh->parameters);
	pg_put_text(params, fresh->pushed ? "pushed" : "shown");
	pg_put_time(params, fresh->ends_ms);
	pg_submit(pg, &authorization_add, params, done, arg);
}

static const struct pg_statement authorization_take = {.name = "authorization_take", .sql =
	"WITH taken AS (UPDATE rssp.authorization_request SET sha256 = $18::bytea, state = 'shown',"
	"  ends_at = $20::timestamptz WHERE sha256 = $21::bytea AND client = $19::uuid"
	"  AND state = 'pushed' AND ends_at > $1::timestamptz RETURNING parameters),"
	" noted AS (" AUDIT_INSERT("taken") ") SELECT parameters::text FROM taken"};

void store_authorization_take(struct pg *pg, const struct audit_row *audit,
	const uint8_t pushed_sha256[SHA256_LEN], const struct authorization_new *shown,
	pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(audit);

	request_lane(params, pushed_sha256);
	pg_put_bytes(params, sha256_of(shown->sha256));
	pg_put_id(params, &shown->client);
	pg_put_time(params, shown->ends_ms);
	pg_put_bytes(params, sha256_of(pushed_sha256));
	pg_submit(pg, &authorization_take, params, done, arg);
}

static const struct pg_statement authorization_load = {.name = "authorization_load", .sql =
	"SELECT r.state, r.ends_at, r.parameters::text, cl.id, cl.agency, cl.name, cl.profile,"
	" coalesce((SELECT string_agg(up.name, ', ' ORDER BY up.level DESC) FROM rssp.agency up"
	"  WHERE up.id = ANY (a.path)), ''), cl.state = 'active' AND cl.mode = 'oauth2code',"
	" coalesce((SELECT s.name FROM rssp.subscriber s WHERE s.id = $2::uuid), '')"
	" FROM rssp.authorization_request r JOIN rssp.client cl ON cl.id = r.client"
	" JOIN rssp.agency a ON a.id = cl.agency"
	" WHERE r.sha256 = $1::bytea AND r.state <> 'pushed'"};

void store_authorization_load(struct pg *pg, const uint8_t sha256[SHA256_LEN],
	const struct id *subscriber, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(NULL);

	pg_put_bytes(params, sha256_of(sha256));
	pg_put_id(params, subscriber);
	pg_submit(pg, &authorization_load, params, done, arg);
}

void store_authorization_read(const struct pg_rows *rows, struct authorization_row *row)
{
	*row = (struct authorization_row){
		.state = pg_text(rows, 0, 0),
		.ends_ms = pg_time_ms(rows, 0, 1),
		.parameters = span_string(pg_text(rows, 0, 2)),
		.client = pg_id(rows, 0, 3),
		.agency = pg_id(rows, 0, 4),
		.client_name = pg_text(rows, 0, 5),
		.client_profile = pg_text(rows, 0, 6),
		.agency_name = pg_text(rows, 0, 7),
		.client_active = pg_bool(rows, 0, 8),
		.subscriber_name = pg_text(rows, 0, 9),
	};
}

static const struct pg_statement authorization_decline = {.name = "authorization_decline", .sql =
	"WITH declined AS (UPDATE rssp.authorization_request SET state = 'declined'"
	"  WHERE sha256 = $18::bytea AND state = 'shown' AND ends_at > $1::timestamptz RETURNING 1),"
	" noted AS (" AUDIT_INSERT("declined") ") SELECT 1::bigint FROM declined"};

void store_authorization_decline(struct pg *pg, const struct audit_row *audit,
	const uint8_t sha256[SHA256_LEN], pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(audit);

	request_lane(params, sha256);
	pg_put_bytes(params, sha256_of(sha256));
	pg_submit(pg, &authorization_decline, params, done, arg);
}

/* Late rows stay a while: who comes late is told so, rather than that there never was a request. */
static const struct pg_statement authorization_expire = {.name = "authorization_expire", .sql =
	"WITH requests AS (DELETE FROM rssp.authorization_request"
	"  WHERE ends_at < $1::timestamptz - interval '1 hour' RETURNING 1),"
	" consents AS (DELETE FROM rssp.consent WHERE ends_at < $1::timestamptz - interval '2 hours'"
	"  RETURNING 1)"
	" SELECT (SELECT count(*) FROM requests) + (SELECT count(*) FROM consents)"};

void store_authorization_expire(struct pg *pg, int64_t now_ms, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(NULL);

	pg_put_time(params, now_ms);
	pg_submit(pg, &authorization_expire, params, done, arg);
}
