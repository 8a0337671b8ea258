#include "store/account.h"

#include "store/unit.h"

#include <string.h>

#define WAIT_FROM 5
#define WAIT_FIRST_S 30
#define WAIT_LONGEST_S 900

/* ---- passwords ---- */

int64_t store_password_wait_s(int64_t failures)
{
	int64_t wait_s = failures < WAIT_FROM ? 0 : WAIT_FIRST_S;

	for (int64_t i = WAIT_FROM; i < failures && wait_s < WAIT_LONGEST_S; i++)
		wait_s *= 2;
	return wait_s < WAIT_LONGEST_S ? wait_s : WAIT_LONGEST_S;
}

/* The same in SQL, of the row as it was. */
#define WAIT_SQL                                                                         \
	"make_interval(secs => CASE WHEN f.failures < 5 THEN 0"                         \
	" ELSE least(30 * 2 ^ least(f.failures - 5, 10), 900) END)"

static const struct pg_statement password_try = {.name = "password_try", .sql =
	"WITH tried AS (INSERT INTO rssp.sign_in_failure AS f (sha256, failures, attempted_at)"
	"  VALUES ($1::bytea, 1, $2::timestamptz) ON CONFLICT (sha256) DO UPDATE SET"
	"  failures = least(f.failures + 1, 1000), attempted_at = excluded.attempted_at"
	"  WHERE f.attempted_at + " WAIT_SQL " <= excluded.attempted_at RETURNING failures),"
	" hit AS MATERIALIZED (SELECT id FROM rssp.subscriber WHERE identity_number = $3::text"
	"  UNION ALL SELECT id FROM rssp.subscriber WHERE lower(email) = $4::text"
	"  UNION ALL SELECT id FROM rssp.subscriber WHERE id = $5::uuid LIMIT 2)"
	" SELECT EXISTS (SELECT FROM tried), coalesce(f.failures, 0)::bigint, f.attempted_at,"
	" s.id, s.name, s.identity_number, s.email, s.version, s.generation, s.kdf_memory_kib,"
	" s.kdf_passes, s.salt, s.mac FROM (SELECT 1) AS one"
	" LEFT JOIN rssp.sign_in_failure f ON f.sha256 = $1::bytea"
	" LEFT JOIN (SELECT p.id, p.name, p.identity_number, p.email, a.version, a.generation,"
	"  a.kdf_memory_kib, a.kdf_passes, a.salt, a.mac FROM hit"
	"  JOIN rssp.subscriber p ON p.id = hit.id AND p.state = 'active'"
	"  JOIN rssp.account a ON a.subscriber = p.id"
	"  WHERE (SELECT count(*) FROM hit) = 1) s ON true"};

/* Attempts at one login change one row. */
static void set_lane(struct pg_params *params, const uint8_t sha256[SHA256_LEN])
{
	struct id lane;

	memcpy(lane.bytes, sha256, ID_LEN);
	pg_set_lane(params, &lane);
}

void store_password_try(
	struct pg *pg, const struct password_query *query, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(NULL);

	set_lane(params, query->sha256);
	pg_put_bytes(params, SPAN(query->sha256, SHA256_LEN));
	pg_put_time(params, query->now_ms);
	pg_put_text(params, query->identity_number);
	pg_put_text(params, query->email);
	pg_put_id(params, &query->subscriber);
	pg_submit(pg, &password_try, params, done, arg);
}

void store_password_read(const struct pg_rows *rows, struct password_row *row)
{
	*row = (struct password_row){
		.taken = pg_bool(rows, 0, 0),
		.failures = pg_number(rows, 0, 1),
		.attempted_ms = pg_is_null(rows, 0, 2) ? 0 : pg_time_ms(rows, 0, 2),
	};
	if (pg_is_null(rows, 0, 3))
		return;
	row->subscriber = pg_id(rows, 0, 3);
	row->name = pg_text(rows, 0, 4);
	row->identity_number = pg_text(rows, 0, 5);
	row->email = pg_text(rows, 0, 6);
	row->version = pg_number(rows, 0, 7);
	row->generation = pg_number(rows, 0, 8);
	row->kdf_memory_kib = pg_number(rows, 0, 9);
	row->kdf_passes = pg_number(rows, 0, 10);
	row->salt = pg_span(rows, 0, 11);
	row->mac = pg_span(rows, 0, 12);
}

static const struct pg_statement password_untry = {.name = "password_untry", .sql =
	"UPDATE rssp.sign_in_failure SET failures = greatest(failures - 1, 0)"
	" WHERE sha256 = $1::bytea"};

void store_password_untry(
	struct pg *pg, const uint8_t sha256[SHA256_LEN], pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(NULL);

	set_lane(params, sha256);
	pg_put_bytes(params, SPAN(sha256, SHA256_LEN));
	pg_submit(pg, &password_untry, params, done, arg);
}

void password_new_put(struct pg_params *params, const struct password_new *fresh)
{
	if (fresh->generation == 0) {
		pg_put_null(params, PG_NUMBER);
		pg_put_null(params, PG_NUMBER);
		pg_put_null(params, PG_NUMBER);
		pg_put_null(params, PG_BYTES);
		pg_put_null(params, PG_BYTES);
		return;
	}
	pg_put_number(params, fresh->generation);
	pg_put_number(params, fresh->kdf_memory_kib);
	pg_put_number(params, fresh->kdf_passes);
	pg_put_bytes(params, fresh->salt);
	pg_put_bytes(params, fresh->mac);
}

static const struct pg_statement session_add = {.name = "session_add", .sql =
	"WITH held AS MATERIALIZED (SELECT a.subscriber FROM rssp.account a, rssp.subscriber s"
	"  WHERE a.subscriber = $18::uuid AND a.version = $19::bigint AND s.id = a.subscriber"
	"  AND s.state = 'active' FOR SHARE OF s FOR UPDATE OF a),"
	" forgotten AS (DELETE FROM rssp.sign_in_failure WHERE sha256 = $20::bytea"
	"  AND EXISTS (SELECT FROM held)),"
	" renewed AS (UPDATE rssp.account SET generation = $23::bigint,"
	"  kdf_memory_kib = $24::bigint, kdf_passes = $25::bigint, salt = $26::bytea,"
	"  mac = $27::bytea WHERE subscriber = $18::uuid AND $23::bigint IS NOT NULL"
	"  AND EXISTS (SELECT FROM held)),"
	" fresh AS (INSERT INTO rssp.session (sha256, subscriber, created_at, seen_at, ends_at)"
	"  SELECT $21::bytea, subscriber, $1::timestamptz, $1::timestamptz, $22::timestamptz"
	"  FROM held RETURNING subscriber),"
	" noted AS (" AUDIT_INSERT("fresh") ") SELECT subscriber FROM fresh"};

void store_session_add(struct pg *pg, const struct audit_row *audit,
	const struct session_new *fresh, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(audit);

	set_lane(params, fresh->failures_sha256);
	pg_put_id(params, &fresh->subscriber);
	pg_put_number(params, fresh->version);
	pg_put_bytes(params, SPAN(fresh->failures_sha256, SHA256_LEN));
	pg_put_bytes(params, SPAN(fresh->sha256, SHA256_LEN));
	pg_put_time(params, fresh->ends_ms);
	password_new_put(params, &fresh->renewed);
	pg_submit(pg, &session_add, params, done, arg);
}

/* ---- what is shown ---- */

static const struct pg_statement account_credentials = {.name = "account_credentials", .sql =
	"SELECT c.id, c.state, c.key_algo, c.factors, g.locked_at IS NOT NULL OR g.failures >= 5,"
	" c.valid_from, c.valid_to, c.certificate FROM rssp.credential c"
	" JOIN rssp.credential_guard g ON g.credential = c.id"
	" WHERE c.subscriber = $1::uuid ORDER BY c.created_at DESC, c.id LIMIT 100"};

void store_account_credentials(
	struct pg *pg, const struct id *subscriber, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(NULL);

	pg_put_id(params, subscriber);
	pg_submit(pg, &account_credentials, params, done, arg);
}

void store_account_credentials_read(
	const struct pg_rows *rows, size_t row, struct account_credential_row *credential)
{
	*credential = (struct account_credential_row){
		.id = pg_id(rows, row, 0),
		.state = pg_text(rows, row, 1),
		.key_algo = pg_text(rows, row, 2),
		.factors = pg_text(rows, row, 3),
		.locked = pg_bool(rows, row, 4),
		.valid_from_ms = pg_time_ms(rows, row, 5),
		.valid_to_ms = pg_time_ms(rows, row, 6),
		.certificate = pg_span(rows, row, 7),
	};
}

/* Labels stand in the row of the approval, beside the digests: it was no longer ago than a SAD can
 * live. Those of the first hundred documents are enough to tell what it was. */
#define LABELS_SQL                                                                         \
	"SELECT json_agg(coalesce(a.detail -> 'labels' ->> (array_position(a.digests, d.digest)" \
	" - 1), '') ORDER BY d.number)::text AS labels"                                    \
	" FROM (SELECT detail, digests FROM audit.event WHERE subscriber = $1::uuid"       \
	"  AND event = 'consent.approved' AND credential = e.credential AND client = e.client" \
	"  AND at <= e.at AND at > e.at - interval '2 hours' AND digests @> e.digests"     \
	"  AND detail -> 'labels' IS NOT NULL ORDER BY at DESC LIMIT 1) a,"                \
	" unnest(e.digests) WITH ORDINALITY AS d (digest, number) WHERE d.number <= 100"

static const struct pg_statement account_signatures = {.name = "account_signatures", .sql =
	"SELECT e.at, e.id, e.credential, coalesce(cl.name, ''),"
	" coalesce((SELECT string_agg(up.name, ', ' ORDER BY up.level DESC) FROM rssp.agency up"
	"  WHERE up.id = ANY (g.path)), ''),"
	" coalesce(cardinality(e.signatures), 0)::bigint, coalesce(l.labels, '')"
	" FROM (SELECT at, id, credential, client, digests, signatures FROM audit.event"
	"  WHERE subscriber = $1::uuid AND event = 'signature.created'"
	"  AND at <= coalesce($2::timestamptz, 'infinity')"
	"  AND (at < coalesce($2::timestamptz, 'infinity') OR id < $3::uuid)"
	"  ORDER BY at DESC, id DESC LIMIT $4::bigint) AS e"
	" LEFT JOIN rssp.client cl ON cl.id = e.client"
	" LEFT JOIN rssp.agency g ON g.id = cl.agency"
	" LEFT JOIN LATERAL (" LABELS_SQL ") l ON true ORDER BY e.at DESC, e.id DESC"};

void store_account_signatures(struct pg *pg, const struct id *subscriber, int64_t before_ms,
	const struct id *before, int64_t limit, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(NULL);

	pg_put_id(params, subscriber);
	pg_put_time(params, before_ms);
	pg_put_id(params, before);
	pg_put_number(params, limit);
	pg_set_slow(params);
	pg_submit(pg, &account_signatures, params, done, arg);
}

void store_account_signatures_read(
	const struct pg_rows *rows, size_t row, struct account_signature_row *signature)
{
	*signature = (struct account_signature_row){
		.at_ms = pg_time_ms(rows, row, 0),
		.id = pg_id(rows, row, 1),
		.client = pg_text(rows, row, 3),
		.agency = pg_text(rows, row, 4),
		.count = pg_number(rows, row, 5),
		.labels = pg_text(rows, row, 6),
	};
	if (!pg_is_null(rows, row, 2))
		signature->credential = pg_id(rows, row, 2);
}

/* ---- what is changed ---- */

static const struct pg_statement change_load = {.name = "change_load", .sql =
	"SELECT c.state, c.factors, c.scal::bigint, to_char(s.birth_date, 'YYYY-MM-DD'),"
	" s.identity_number, s.phone, s.email"
	" FROM rssp.credential c JOIN rssp.subscriber s ON s.id = c.subscriber"
	" WHERE c.id = $2::uuid AND s.id = $1::uuid AND s.state = 'active'"};

void store_change_load(struct pg *pg, const struct id *subscriber, const struct id *credential,
	pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(NULL);

	pg_put_id(params, subscriber);
	pg_put_id(params, credential);
	pg_submit(pg, &change_load, params, done, arg);
}

void store_change_read(const struct pg_rows *rows, struct change_row *row)
{
	*row = (struct change_row){
		.state = pg_text(rows, 0, 0),
		.factors = pg_text(rows, 0, 1),
		.scal = pg_number(rows, 0, 2),
		.birth_date = pg_text(rows, 0, 3),
		.identity_number = pg_text(rows, 0, 4),
		.phone = pg_text(rows, 0, 5),
		.email = pg_text(rows, 0, 6),
	};
}

/* $18 to $20. */
static void change_put(struct pg_params *params, const struct change_new *change)
{
	pg_set_lane(params, &change->credential);
	pg_put_id(params, &change->credential);
	pg_put_id(params, &change->subscriber);
	pg_put_number(params, change->otp_step);
}

#define CHANGE_OWNED                                                                       \
	" FROM rssp.credential c JOIN rssp.subscriber s ON s.id = c.subscriber"            \
	" WHERE c.id = $18::uuid AND s.id = $19::uuid AND s.state = 'active'"
/* `failures` is what becomes of the count, `besides` what else must be so. */
#define CHANGE_GUARD(failures, besides)                                                    \
	" guard AS (UPDATE rssp.credential_guard SET failures = " failures ","             \
	"  last_step = greatest(last_step, $20::bigint)"                                   \
	"  WHERE credential = $18::uuid AND locked_at IS NULL"                             \
	"  AND ($20::bigint = 0 OR last_step < $20::bigint)"                               \
	"  AND EXISTS (SELECT FROM held)" besides " RETURNING credential),"
#define CHANGE_NOTICE(kind)                                                                \
	" told AS (INSERT INTO rssp.notice (subscriber, kind, detail) SELECT $19::uuid, '" kind \
	"', json_build_object('credential', credential) FROM guard),"
#define CHANGE_DONE                                                                        \
	" SELECT EXISTS (SELECT FROM guard), g.locked_at IS NOT NULL, g.last_step"         \
	" FROM rssp.credential_guard g WHERE g.credential = $18::uuid"

void store_change_done_read(const struct pg_rows *rows, struct change_done *done)
{
	done->done = pg_bool(rows, 0, 0);
	done->locked = pg_bool(rows, 0, 1);
	done->last_step = pg_number(rows, 0, 2);
}

/* PIN and OTP were right: that is what gives all tries back. */
static const struct pg_statement pin_change = {.name = "pin_change", .sql =
	"WITH held AS MATERIALIZED (SELECT 1" CHANGE_OWNED " AND c.state = 'active'"
	"  FOR SHARE OF s, c),"
	CHANGE_GUARD("0", " AND NOT EXISTS (SELECT FROM rssp.slot t"
	"  WHERE t.credential = $18::uuid AND t.slot = 0 AND t.revision > $21::bigint)")
	" fresh AS (INSERT INTO rssp.slot (credential, slot, revision, generation, kdf_memory_kib,"
	"  kdf_passes, salt, key_seal) SELECT credential, 0, $21::bigint + 1, $22::bigint,"
	"  $23::bigint, $24::bigint, $25::bytea, $26::bytea FROM guard),"
	/* what the old PIN permitted and nobody has used yet */
	" ended AS (UPDATE rssp.sad d SET state = 'revoked', seal = NULL, turn = d.turn + 1"
	"  WHERE d.credential = $18::uuid AND d.state = 'live' AND EXISTS (SELECT FROM guard)),"
	CHANGE_NOTICE("factor-changed")
	" noted AS (" AUDIT_INSERT("guard") ")" CHANGE_DONE};

void store_pin_change(struct pg *pg, const struct audit_row *audit, const struct change_new *change,
	const struct slot_new *slot, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(audit);

	change_put(params, change);
	pg_put_number(params, slot->revision);
	pg_put_number(params, slot->generation);
	pg_put_number(params, slot->kdf_memory_kib);
	pg_put_number(params, slot->kdf_passes);
	pg_put_bytes(params, slot->salt);
	pg_put_bytes(params, slot->key_seal);
	pg_submit(pg, &pin_change, params, done, arg);
}

/* One factor alone gives no tries back but its own. */
#define ONE_TRY "greatest(failures - 1, 0)"

static const struct pg_statement password_change = {.name = "password_change", .sql =
	"WITH account AS MATERIALIZED (SELECT subscriber FROM rssp.account"
	"  WHERE subscriber = $19::uuid AND version = $21::bigint FOR UPDATE),"
	" held AS MATERIALIZED (SELECT 1" CHANGE_OWNED " AND EXISTS (SELECT FROM account)"
	"  FOR SHARE OF s, c),"
	CHANGE_GUARD(ONE_TRY, "")
	" changed AS (UPDATE rssp.account SET generation = $22::bigint,"
	"  kdf_memory_kib = $23::bigint, kdf_passes = $24::bigint, salt = $25::bytea,"
	"  mac = $26::bytea, version = version + 1, changed_at = $1::timestamptz"
	"  WHERE subscriber = $19::uuid AND EXISTS (SELECT FROM guard)),"
	" ended AS (DELETE FROM rssp.session WHERE subscriber = $19::uuid"
	"  AND sha256 <> $27::bytea AND EXISTS (SELECT FROM guard)),"
	" forgotten AS (DELETE FROM rssp.sign_in_failure WHERE sha256 = $28::bytea"
	"  AND EXISTS (SELECT FROM guard)),"
	CHANGE_NOTICE("password-changed")
	" noted AS (" AUDIT_INSERT("guard") ")" CHANGE_DONE};

void store_password_change(struct pg *pg, const struct audit_row *audit,
	const struct change_new *change, const struct password_change *password, pg_done_fn done,
	void *arg)
{
	struct pg_params *params = unit_params(audit);

	change_put(params, change);
	pg_put_number(params, password->version);
	password_new_put(params, &password->fresh);
	pg_put_bytes(params, SPAN(password->session_sha256, SHA256_LEN));
	pg_put_bytes(params, SPAN(password->failures_sha256, SHA256_LEN));
	pg_submit(pg, &password_change, params, done, arg);
}

static const struct pg_statement sign_out = {.name = "sign_out_everywhere", .sql =
	"WITH held AS MATERIALIZED (SELECT 1" CHANGE_OWNED "  FOR SHARE OF s, c),"
	CHANGE_GUARD(ONE_TRY, "")
	" ended AS (DELETE FROM rssp.session WHERE subscriber = $19::uuid"
	"  AND EXISTS (SELECT FROM guard)),"
	" given AS (UPDATE rssp.consent SET revoked_at = $1::timestamptz"
	"  WHERE subscriber = $19::uuid AND revoked_at IS NULL AND EXISTS (SELECT FROM guard)"
	"  RETURNING id),"
	" tokens AS (INSERT INTO rssp.token_revocation (kind, subject, before, ends_at)"
	"  SELECT 'subscriber', $19::uuid, clock_timestamp(), $21::timestamptz FROM guard"
	"  ON CONFLICT DO NOTHING),"
	" sads AS (UPDATE rssp.sad SET state = 'expired', seal = NULL WHERE state = 'live'"
	"  AND consent IN (SELECT id FROM given)),"
	CHANGE_NOTICE("signed-out")
	" noted AS (" AUDIT_INSERT("guard") ")" CHANGE_DONE};

void store_sign_out_everywhere(struct pg *pg, const struct audit_row *audit,
	const struct change_new *change, int64_t tokens_end_ms, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(audit);

	change_put(params, change);
	pg_put_time(params, tokens_end_ms);
	pg_submit(pg, &sign_out, params, done, arg);
}
