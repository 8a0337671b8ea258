#include "store/token.h"

#include "store/unit.h"

#define CLIENT_COLUMNS "cl.id, cl.agency, cl.version, cl.mode, cl.profile, cl.state, "

static const struct pg_statement client_load = {.name = "client_load", .sql =
	"SELECT " CLIENT_COLUMNS "cl.secret_sha256, NULL::timestamptz FROM rssp.client cl"
	" WHERE cl.id = $1::uuid"};

void store_client_load(struct pg *pg, const struct id *client, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(NULL);

	pg_put_id(params, client);
	pg_submit(pg, &client_load, params, done, arg);
}

static const struct pg_statement token_add = {.name = "token_add", .sql =
	"WITH held AS MATERIALIZED (SELECT id FROM rssp.client WHERE id = $18::uuid"
	"  AND state = 'active' AND secret_sha256 IS NOT DISTINCT FROM $19::bytea FOR SHARE),"
	" fresh AS (INSERT INTO rssp.token (sha256, client, expires_at)"
	"  SELECT $20::bytea, id, $21::timestamptz FROM held RETURNING client),"
	" noted AS (" AUDIT_INSERT("fresh") ") SELECT client FROM fresh"};

void store_token_add(struct pg *pg, const struct audit_row *audit, const struct id *client,
	struct span secret_sha256, const uint8_t sha256[SHA256_LEN], int64_t expires_ms,
	pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(audit);

	pg_put_id(params, client);
	pg_put_bytes(params, secret_sha256);
	pg_put_bytes(params, SPAN(sha256, SHA256_LEN));
	pg_put_time(params, expires_ms);
	pg_submit(pg, &token_add, params, done, arg);
}

static const struct pg_statement token_load = {.name = "token_load", .sql =
	"SELECT k.unit, " CLIENT_COLUMNS "''::bytea, t.expires_at"
	" FROM unnest($1::bytea[]) WITH ORDINALITY AS k (sha256, unit)"
	" JOIN rssp.token t ON t.sha256 = k.sha256 JOIN rssp.client cl ON cl.id = t.client",
	.batch = true};

void store_token_load(struct pg *pg, const uint8_t sha256[SHA256_LEN], pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(NULL);

	pg_put_bytes(params, SPAN(sha256, SHA256_LEN));
	pg_submit(pg, &token_load, params, done, arg);
}

void store_client_read(const struct pg_rows *rows, struct client_row *client)
{
	client->client = pg_id(rows, 0, 0);
	client->agency = pg_id(rows, 0, 1);
	client->version = pg_number(rows, 0, 2);
	client->mode = pg_text(rows, 0, 3);
	client->profile = pg_text(rows, 0, 4);
	client->state = pg_text(rows, 0, 5);
	client->secret_sha256 = pg_span(rows, 0, 6);
	client->expires_ms = pg_is_null(rows, 0, 7) ? 0 : pg_time_ms(rows, 0, 7);
}
