#include "store/client.h"

#include "store/unit.h"

static const struct pg_statement client_add = {.name = "client_add", .sql =
	"WITH fresh AS (INSERT INTO rssp.client (id, name, agency, mode, profile, secret_sha256)"
	" SELECT $18::uuid, $20::text, g.id, $21::text, $22::text, $23::bytea FROM rssp.agency g"
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
	pg_put_bytes(params, SPAN(fresh->secret_sha256, SHA256_LEN));
	pg_submit(pg, &client_add, params, done, arg);
}

static const struct pg_statement client_rotate = {.name = "client_rotate", .sql =
	"WITH changed AS (UPDATE rssp.client SET secret_sha256 = $19::bytea"
	" WHERE id = $18::uuid AND state = 'active' RETURNING id), "
	"gone AS (DELETE FROM rssp.token t USING changed WHERE t.client = changed.id), "
	"noted AS (" AUDIT_INSERT("changed") ") SELECT id FROM changed"};

void store_client_rotate(struct pg *pg, const struct audit_row *audit, const struct id *client,
	const uint8_t secret_sha256[SHA256_LEN], pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(audit);

	pg_put_id(params, client);
	pg_put_bytes(params, SPAN(secret_sha256, SHA256_LEN));
	pg_submit(pg, &client_rotate, params, done, arg);
}

static const struct pg_statement client_disable = {.name = "client_disable", .sql =
	"WITH changed AS (UPDATE rssp.client SET state = 'disabled', version = version + 1"
	" WHERE id = $18::uuid RETURNING id), "
	"gone AS (DELETE FROM rssp.token t USING changed WHERE t.client = changed.id), "
	"noted AS (" AUDIT_INSERT("changed") ") SELECT id FROM changed"};

void store_client_disable(struct pg *pg, const struct audit_row *audit, const struct id *client,
	pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(audit);

	pg_put_id(params, client);
	pg_submit(pg, &client_disable, params, done, arg);
}
