#include "store/client.h"

#include "store/unit.h"

static const struct pg_statement client_add = {.name = "client_add", .sql =
	"WITH fresh AS (INSERT INTO rssp.client (id, name, agency, mode, profile, authentication,"
	"  csc_version, redirect_uris, secret_sha256, tls_sha256, jwks)"
	" SELECT $18::uuid, $20::text, g.id, $21::text, $22::text, $23::text, $24::bigint,"
	"  ARRAY(SELECT json_array_elements_text($25::text::json)), $26::bytea, $27::bytea,"
	"  $28::text::json FROM rssp.agency g"
	" WHERE g.id = $19::uuid RETURNING id), "
	"noted AS (" AUDIT_INSERT("fresh") ") SELECT id FROM fresh"};

void store_client_add(struct pg *pg, const struct audit_row *audit, const struct client_new *fresh,
	pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(audit);

	pg_put_id(params, &fresh->id);
	pg_put_id(params, &fresh->agency);
	pg_put_text(params, fresh->name);
	pg_put_text(params, fresh->mode);
	pg_put_text(params, fresh->profile);
	pg_put_text(params, fresh->authentication);
	pg_put_number(params, fresh->csc_version);
	pg_put_text(params, fresh->redirect_uris);
	pg_put_bytes(params, fresh->secret_sha256);
	pg_put_bytes(params, fresh->tls_sha256);
	pg_put_text(params, fresh->jwks);
	pg_submit(pg, &client_add, params, done, arg);
}

static const struct pg_statement client_rotate = {.name = "client_rotate", .sql =
	"WITH changed AS (UPDATE rssp.client SET secret_sha256 = $19::bytea"
	" WHERE id = $18::uuid AND state = 'active' AND authentication = 'secret' RETURNING id), "
	"noted AS (" AUDIT_INSERT("changed") ") SELECT c.id, EXISTS (SELECT FROM changed)"
	" FROM rssp.client c WHERE c.id = $18::uuid AND c.state = 'active'"};

void store_client_rotate(struct pg *pg, const struct audit_row *audit, const struct id *client,
	const uint8_t secret_sha256[SHA256_LEN], pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(audit);

	pg_put_id(params, client);
	pg_put_bytes(params, SPAN(secret_sha256, SHA256_LEN));
	pg_submit(pg, &client_rotate, params, done, arg);
}

static const struct pg_statement client_change = {.name = "client_change", .sql =
	"WITH changed AS (UPDATE rssp.client SET redirect_uris = CASE WHEN $21::text IS NULL"
	"  THEN redirect_uris ELSE ARRAY(SELECT json_array_elements_text($21::text::json)) END,"
	"  jwks = coalesce($22::text::json, jwks), tls_sha256 = coalesce($23::bytea, tls_sha256),"
	"  version = version + CASE WHEN $22::text IS NULL AND $23::bytea IS NULL THEN 0 ELSE 1 END"
	" WHERE id = $18::uuid AND state = 'active' AND mode = $19::text"
	" AND authentication = $20::text RETURNING id), "
	"noted AS (" AUDIT_INSERT("changed") ") SELECT id FROM changed"};

void store_client_change(struct pg *pg, const struct audit_row *audit,
	const struct client_new *changed, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(audit);

	pg_put_id(params, &changed->id);
	pg_put_text(params, changed->mode);
	pg_put_text(params, changed->authentication);
	pg_put_text(params, changed->redirect_uris);
	pg_put_text(params, changed->jwks);
	pg_put_bytes(params, changed->tls_sha256);
	pg_submit(pg, &client_change, params, done, arg);
}

static const struct pg_statement client_disable = {.name = "client_disable", .sql =
	"WITH changed AS (UPDATE rssp.client SET state = 'disabled', version = version + 1"
	" WHERE id = $18::uuid RETURNING id), "
	"noted AS (" AUDIT_INSERT("changed") ") SELECT id FROM changed"};

void store_client_disable(struct pg *pg, const struct audit_row *audit, const struct id *client,
	pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(audit);

	pg_put_id(params, client);
	pg_submit(pg, &client_disable, params, done, arg);
}

#define CLIENT_RECORD                                                                  \
	"SELECT id, agency, version, name, mode, profile, state, authentication,"      \
	" csc_version::bigint, to_json(redirect_uris)::text, jwks::text, secret_sha256," \
	" tls_sha256 FROM rssp.client "

static const struct pg_statement client_find = {.name = "client_find", .sql =
	CLIENT_RECORD "WHERE id = $1::uuid"};

void store_client_find(struct pg *pg, const struct id *client, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(NULL);

	pg_put_id(params, client);
	pg_submit(pg, &client_find, params, done, arg);
}

static const struct pg_statement client_list = {.name = "client_list", .sql =
	CLIENT_RECORD "ORDER BY name, id"};

void store_client_list(struct pg *pg, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(NULL);

	pg_set_slow(params);
	pg_submit(pg, &client_list, params, done, arg);
}

static struct span span_or_none(const struct pg_rows *rows, size_t row, int column)
{
	return pg_is_null(rows, row, column) ? SPAN_NONE : pg_span(rows, row, column);
}

void store_client_get(const struct pg_rows *rows, size_t row, struct client_record *client)
{
	client->id = pg_id(rows, row, 0);
	client->agency = pg_id(rows, row, 1);
	client->version = pg_number(rows, row, 2);
	client->name = pg_text(rows, row, 3);
	client->mode = pg_text(rows, row, 4);
	client->profile = pg_text(rows, row, 5);
	client->state = pg_text(rows, row, 6);
	client->authentication = pg_text(rows, row, 7);
	client->csc_version = (unsigned)pg_number(rows, row, 8);
	client->redirect_uris = pg_text(rows, row, 9);
	client->jwks = pg_is_null(rows, row, 10) ? NULL : pg_text(rows, row, 10);
	client->secret_sha256 = span_or_none(rows, row, 11);
	client->tls_sha256 = span_or_none(rows, row, 12);
}

static const struct pg_statement jti_use = {.name = "jti_use", .sql =
	"INSERT INTO rssp.seen_jti (client, sha256, ends_at)"
	" VALUES ($1::uuid, $2::bytea, $3::timestamptz)"
	" ON CONFLICT DO NOTHING RETURNING 1::bigint"};

void store_jti_use(struct pg *pg, const struct id *client, const uint8_t sha256[SHA256_LEN],
	int64_t ends_ms, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(NULL);

	pg_put_id(params, client);
	pg_put_bytes(params, SPAN(sha256, SHA256_LEN));
	pg_put_time(params, ends_ms);
	pg_submit(pg, &jti_use, params, done, arg);
}

static const struct pg_statement jti_expire = {.name = "jti_expire", .sql =
	"DELETE FROM rssp.seen_jti WHERE ends_at < $1::timestamptz"};

void store_jti_expire(struct pg *pg, int64_t now_ms, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(NULL);

	pg_put_time(params, now_ms);
	pg_submit(pg, &jti_expire, params, done, arg);
}
