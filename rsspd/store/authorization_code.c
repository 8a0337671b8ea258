#include "store/authorization_code.h"

#include "store/unit.h"

static struct span or_null(struct span bytes)
{
	return bytes.len == 0 ? SPAN_NONE : bytes;
}

void store_code_put(struct pg_params *params, const struct code_new *code)
{
	pg_put_bytes(params, SPAN(code->request_sha256, SHA256_LEN));
	pg_put_id(params, &code->consent);
	pg_put_bytes(params, SPAN(code->sha256, SHA256_LEN));
	pg_put_text(params, code->redirect_uri);
	pg_put_number(params, code->redirect_uri_given ? 1 : 0);
	pg_put_bytes(params, or_null(code->challenge));
	pg_put_bytes(params, or_null(code->sad_seal));
	pg_put_text(params, code->parameters);
	pg_put_time(params, code->ends_ms);
}

static const struct pg_statement consent_service = {.name = "consent_service", .sql =
	"WITH held AS MATERIALIZED (SELECT 1 FROM rssp.subscriber s"
	"  JOIN rssp.agency a ON a.id = s.agency"
	"  JOIN rssp.client cl ON cl.id = $19::uuid AND a.path @> ARRAY[cl.agency]"
	"  WHERE s.id = $18::uuid AND s.state = 'active' AND cl.state = 'active'"
	"  AND cl.mode = 'oauth2code' FOR SHARE OF s, cl),"
	" open AS MATERIALIZED (SELECT 1 FROM " REQUEST_OPEN_SQL("$20", "$19")
	"  AND EXISTS (SELECT FROM held) FOR UPDATE),"
	" approved AS (UPDATE rssp.authorization_request SET state = 'approved',"
	"  subscriber = $18::uuid FROM open WHERE sha256 = $20::bytea),"
	" consent AS (" CONSENT_INSERT("$21", "$19", "$18", "service", "$28", "open") "),"
	" code AS (" CODE_INSERT("$21", "$22", "$23", "$24", "$25", "NULL", "$26", "$27", "$28", "open") "),"
	" noted AS (" AUDIT_INSERT("open") ")"
	" SELECT EXISTS (SELECT FROM open), EXISTS (SELECT FROM held)"};

void store_consent_service(struct pg *pg, const struct audit_row *audit, const struct id *client,
	const struct id *subscriber, const struct code_new *code, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(audit);

	pg_put_id(params, subscriber);
	pg_put_id(params, client);
	store_code_put(params, code);
	pg_submit(pg, &consent_service, params, done, arg);
}

void store_consent_added_read(const struct pg_rows *rows, struct consent_added *added)
{
	added->done = pg_bool(rows, 0, 0);
	added->allowed = pg_bool(rows, 0, 1);
}

static const struct pg_statement code_load = {.name = "code_load", .sql =
	"SELECT o.id, o.client, o.subscriber, k.sad, k.redirect_uri, k.redirect_uri_given,"
	" coalesce(k.challenge, ''), coalesce(k.sad_seal, ''), k.parameters::text, k.ends_at,"
	" coalesce(d.end_at, k.ends_at), k.used_at IS NOT NULL, o.revoked_at IS NOT NULL"
	" FROM rssp.authorization_code k JOIN rssp.consent o ON o.id = k.consent"
	" LEFT JOIN rssp.sad d ON d.id = k.sad WHERE k.sha256 = $1::bytea"};

void store_code_load(
	struct pg *pg, const uint8_t sha256[SHA256_LEN], pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(NULL);

	pg_put_bytes(params, SPAN(sha256, SHA256_LEN));
	pg_submit(pg, &code_load, params, done, arg);
}

void store_code_read(const struct pg_rows *rows, struct code_row *row)
{
	*row = (struct code_row){
		.consent = pg_id(rows, 0, 0),
		.client = pg_id(rows, 0, 1),
		.subscriber = pg_id(rows, 0, 2),
		.redirect_uri = pg_text(rows, 0, 4),
		.redirect_uri_given = pg_bool(rows, 0, 5),
		.challenge = pg_span(rows, 0, 6),
		.sad_seal = pg_span(rows, 0, 7),
		.parameters = span_string(pg_text(rows, 0, 8)),
		.ends_ms = pg_time_ms(rows, 0, 9),
		.sad_ends_ms = pg_time_ms(rows, 0, 10),
		.used = pg_bool(rows, 0, 11),
		.revoked = pg_bool(rows, 0, 12),
	};
	if (!pg_is_null(rows, 0, 3))
		row->sad = pg_id(rows, 0, 3);
}

static const struct pg_statement code_use = {.name = "code_use", .sql =
	"WITH held AS MATERIALIZED (SELECT 1 FROM rssp.client cl, rssp.subscriber s, rssp.consent o"
	"  WHERE cl.id = $19::uuid AND cl.version = $20::bigint AND cl.state = 'active'"
	"  AND cl.mode = 'oauth2code'"
	"  AND s.id = $21::uuid AND s.state = 'active' AND o.id = $22::uuid AND o.client = cl.id"
	"  AND o.subscriber = s.id AND o.revoked_at IS NULL"
	"  FOR SHARE OF cl, s FOR NO KEY UPDATE OF o),"
	" used AS (UPDATE rssp.authorization_code SET used_at = $1::timestamptz, sad_seal = NULL"
	"  WHERE sha256 = $18::bytea AND consent = $22::uuid AND used_at IS NULL"
	"  AND ends_at > $1::timestamptz AND EXISTS (SELECT FROM held) RETURNING consent, sad),"
	" kept AS (UPDATE rssp.consent o SET ends_at = $23::timestamptz FROM used"
	"  WHERE o.id = used.consent),"
	" bound AS (UPDATE rssp.sad d SET tls_sha256 = $24::bytea FROM used"
	"  WHERE d.id = used.sad AND $24::bytea IS NOT NULL),"
	" refresh AS (" REFRESH_TOKEN_INSERT("$25", "$26", "used") "),"
	" noted AS (" AUDIT_INSERT("used") ") SELECT 1::bigint FROM used"};

void store_code_use(struct pg *pg, const struct audit_row *audit, const struct code_use *use,
	pg_done_fn done, void *arg)
{
	struct pg_params *params = store_consent_use_params(audit, &use->of);

	pg_put_time(params, use->consent_ends_ms);
	pg_put_bytes(params, or_null(use->tls_sha256));
	pg_put_bytes(params, or_null(use->refresh_sha256));
	pg_put_time(params, use->refresh_ends_ms);
	pg_submit(pg, &code_use, params, done, arg);
}
