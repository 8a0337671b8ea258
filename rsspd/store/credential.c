#include "store/credential.h"

#include "store/unit.h"

void store_subject_read(const struct pg_rows *rows, size_t row, struct subject_row *subject)
{
	subject->credential = pg_id(rows, row, 0);
	subject->subscriber = pg_id(rows, row, 1);
	subject->agency = pg_id(rows, row, 2);
	subject->credential_version = pg_number(rows, row, 3);
	subject->subscriber_version = pg_number(rows, row, 4);
	subject->client_version = pg_number(rows, row, 5);
	subject->policy_version = pg_number(rows, row, 6);
	subject->credential_state = pg_text(rows, row, 7);
	subject->subscriber_state = pg_text(rows, row, 8);
	subject->client_state = pg_text(rows, row, 9);
	subject->client_mode = pg_text(rows, row, 10);
	subject->client_profile = pg_text(rows, row, 11);
	subject->client_sector = pg_text(rows, row, 12);
	subject->key_algo = pg_text(rows, row, 13);
	subject->factors = pg_text(rows, row, 14);
	subject->scal = pg_number(rows, row, 15);
	subject->certificate = pg_span(rows, row, 16);
	subject->certificate_sha256 = pg_span(rows, row, 17);
	subject->valid_from_ms = pg_time_ms(rows, row, 18);
	subject->valid_to_ms = pg_time_ms(rows, row, 19);
	subject->position = pg_text(rows, row, 20);
	subject->budget_code = pg_text(rows, row, 21);
	subject->sector = pg_text(rows, row, 22);
	subject->locked = pg_bool(rows, row, 23);
}

void store_held_put(struct pg_params *params, const struct subject_versions *versions)
{
	pg_set_lane(params, &versions->credential);
	pg_put_id(params, &versions->credential);
	pg_put_number(params, versions->credential_version);
	pg_put_id(params, &versions->subscriber);
	pg_put_number(params, versions->subscriber_version);
	pg_put_id(params, &versions->client);
	pg_put_number(params, versions->client_version);
	pg_put_number(params, versions->policy_version);
}

void store_held_put_batch(struct pg_params *params, const struct subject_versions *versions)
{
	pg_set_lane(params, &versions->credential);
	pg_put_number(params, versions->credential_version);
	pg_put_number(params, versions->subscriber_version);
	pg_put_number(params, versions->client_version);
	pg_put_number(params, versions->policy_version);
}

static const struct pg_statement credential_get = {.name = "credential_get", .sql =
	"SELECT k.unit, " SUBJECT_COLUMNS
	" FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS k (client, credential, unit)"
	" JOIN (" SUBJECT_TABLES ") ON cl.id = k.client AND c.id = k.credential", .batch = true};

void store_credential_get(struct pg *pg, const struct id *client, const struct id *credential,
	pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(NULL);

	pg_put_id(params, client);
	pg_put_id(params, credential);
	pg_submit(pg, &credential_get, params, done, arg);
}

static const struct pg_statement credential_list = {.name = "credential_list", .sql =
	"SELECT " SUBJECT_COLUMNS " FROM " SUBJECT_TABLES
	" WHERE cl.id = $1::uuid AND c.subscriber = $2::uuid AND ($3::uuid IS NULL OR c.id > $3::uuid)"
	" ORDER BY c.id LIMIT $4::bigint"};

void store_credential_list(struct pg *pg, const struct id *client, const struct id *subscriber,
	const struct id *after, int64_t limit, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(NULL);

	pg_put_id(params, client);
	pg_put_id(params, subscriber);
	pg_put_id(params, after);
	pg_put_number(params, limit);
	pg_submit(pg, &credential_list, params, done, arg);
}

static const struct pg_statement subscriber_seen = {.name = "subscriber_seen", .sql =
	"SELECT s.id FROM rssp.client cl JOIN rssp.subscriber s ON s.id = $2::uuid"
	" JOIN rssp.agency a ON a.id = s.agency AND a.path @> ARRAY[cl.agency]"
	" WHERE cl.id = $1::uuid"};

void store_subscriber_seen(struct pg *pg, const struct id *client, const struct id *subscriber,
	pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(NULL);

	pg_put_id(params, client);
	pg_put_id(params, subscriber);
	pg_submit(pg, &subscriber_seen, params, done, arg);
}

/*
 * Failures of attempts that never ended (a crash) stay counted: when the tries are used up and the
 * last attempt began longer than any attempt takes, the credential is locked.
 */
static const struct pg_statement attempt_take = {.name = "attempt_take", .sql =
	"WITH asked AS MATERIALIZED (SELECT u.*, coalesce((SELECT f.failures"
	"  FROM rssp.client_failures f WHERE f.client = u.client"
	"  AND f.window_start > u.at - interval '1 minute'), 0) >= u.most AS closed"
	"  FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::bigint[])"
	"  WITH ORDINALITY AS u (credential, client, at, most, unit)),"
	" taken AS (UPDATE rssp.credential_guard g SET failures = g.failures + 1,"
	"  attempted_at = k.at FROM asked k WHERE g.credential = k.credential AND g.failures < 5"
	"  AND g.locked_at IS NULL AND NOT k.closed RETURNING k.unit, g.failures)"
	" SELECT k.unit, coalesce((SELECT n.failures FROM taken n WHERE n.unit = k.unit), 0)::bigint,"
	" g.locked_at IS NOT NULL, g.failures >= 5 AND g.attempted_at < k.at - interval '1 minute',"
	" k.closed, c.factors, c.certificate, t.generation, t.kdf_memory_kib,"
	" t.kdf_passes, t.salt, t.key_seal, coalesce(c.otp_seal, ''), g.last_step,"
	" coalesce(g.unlock, ''), coalesce(g.unlock_signature, ''), coalesce(g.unlock_fingerprint, ''),"
	" t.revision"
	" FROM asked k JOIN rssp.credential_guard g ON g.credential = k.credential"
	" JOIN rssp.credential c ON c.id = g.credential"
	" JOIN LATERAL (SELECT * FROM rssp.slot WHERE credential = c.id AND slot = 0"
	"  ORDER BY revision DESC, generation DESC, kdf_memory_kib DESC, kdf_passes DESC LIMIT 1) t"
	"  ON true", .batch = true};

void store_attempt_take(struct pg *pg, const struct attempt_new *attempt, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(NULL);

	pg_set_lane(params, &attempt->credential);
	pg_set_key(params, &attempt->credential);
	pg_put_id(params, &attempt->credential);
	pg_put_id(params, &attempt->client);
	pg_put_time(params, attempt->now_ms);
	pg_put_number(params, attempt->client_failures_per_minute);
	pg_submit(pg, &attempt_take, params, done, arg);
}

void store_attempt_read(const struct pg_rows *rows, struct attempt_row *attempt)
{
	attempt->ordinal = pg_number(rows, 0, 0);
	attempt->taken = attempt->ordinal > 0;
	attempt->locked = !attempt->taken && pg_bool(rows, 0, 1);
	attempt->lost = !attempt->taken && !attempt->locked && !pg_is_null(rows, 0, 2) &&
		pg_bool(rows, 0, 2);
	attempt->throttled =
		!attempt->taken && !attempt->locked && !attempt->lost && pg_bool(rows, 0, 3);
	attempt->factors = pg_text(rows, 0, 4);
	attempt->certificate = pg_span(rows, 0, 5);
	attempt->generation = pg_number(rows, 0, 6);
	attempt->kdf_memory_kib = pg_number(rows, 0, 7);
	attempt->kdf_passes = pg_number(rows, 0, 8);
	attempt->salt = pg_span(rows, 0, 9);
	attempt->key_seal = pg_span(rows, 0, 10);
	attempt->otp_seal = pg_span(rows, 0, 11);
	attempt->last_step = pg_number(rows, 0, 12);
	attempt->unlock = pg_span(rows, 0, 13);
	attempt->unlock_signature = pg_span(rows, 0, 14);
	attempt->unlock_fingerprint = pg_span(rows, 0, 15);
	attempt->revision = pg_number(rows, 0, 16);
}

static const struct pg_statement attempt_give_back = {.name = "attempt_give_back", .sql =
	"WITH given AS (UPDATE rssp.credential_guard SET failures = greatest(failures - 1, 0)"
	"  WHERE credential = $18::uuid RETURNING credential),"
	" noted AS (" AUDIT_INSERT("given") ") SELECT credential FROM given"};

void store_attempt_give_back(struct pg *pg, const struct audit_row *audit,
	const struct id *credential, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(audit);

	pg_set_lane(params, credential);
	pg_put_id(params, credential);
	pg_submit(pg, &attempt_give_back, params, done, arg);
}

/* The lock's own audit row is like that of the refusal, but for id, event and code. */
#define LOCK_EVENT(source)                                                                         \
	"INSERT INTO audit.event (" AUDIT_COLUMNS ") SELECT $1::timestamptz, $20::uuid, "          \
	"$3::uuid, 'credential.locked', 'ok', 'PIN_LOCKED', $7::uuid, $8::text, $9::uuid, "        \
	"$10::uuid, $11::uuid, $12::inet, $13::text, $14::bigint, '{}', NULL, NULL FROM " source
#define LOCK_NOTICE(source)                                                                        \
	"INSERT INTO rssp.notice (subscriber, kind, detail) SELECT $19::uuid, 'locked', "          \
	"json_build_object('credential', $18::uuid) FROM " source

/* A right factor in between may have set the count to none: this failure counts all the same. */
static const struct pg_statement attempt_wrong = {.name = "attempt_wrong", .sql =
	"WITH wrong AS (UPDATE rssp.credential_guard SET failures = greatest(failures, 1),"
	"  locked_at = CASE WHEN locked_at IS NULL AND failures >= 5 AND $22::bigint >= 5"
	"   THEN $21::timestamptz ELSE locked_at END"
	"  WHERE credential = $18::uuid RETURNING locked_at IS NOT DISTINCT FROM $21::timestamptz AS locked),"
	" counted AS (INSERT INTO rssp.client_failures AS f (client, window_start, failures)"
	"  SELECT $23::uuid, $21::timestamptz, 1 WHERE $23::uuid IS NOT NULL"
	"  ON CONFLICT (client) DO UPDATE SET"
	"  failures = CASE WHEN f.window_start > excluded.window_start - interval '1 minute'"
	"   THEN f.failures + 1 ELSE 1 END,"
	"  window_start = CASE WHEN f.window_start > excluded.window_start - interval '1 minute'"
	"   THEN f.window_start ELSE excluded.window_start END),"
	" noted AS (" AUDIT_INSERT("wrong") "),"
	" locked AS (" LOCK_EVENT("wrong WHERE locked") "),"
	" told AS (" LOCK_NOTICE("wrong WHERE locked") ")"
	" SELECT locked FROM wrong"};

static void attempt_put(struct pg_params *params, const struct attempt_wrong *wrong)
{
	pg_set_lane(params, &wrong->credential);
	pg_put_id(params, &wrong->credential);
	pg_put_id(params, &wrong->subscriber);
	pg_put_id(params, &wrong->lock_event);
	pg_put_time(params, wrong->now_ms);
}

void store_attempt_wrong(struct pg *pg, const struct audit_row *audit,
	const struct attempt_wrong *wrong, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(audit);

	attempt_put(params, wrong);
	pg_put_number(params, wrong->ordinal);
	pg_put_id(params, &wrong->client);
	pg_submit(pg, &attempt_wrong, params, done, arg);
}

static const struct pg_statement credential_lock = {.name = "credential_lock", .sql =
	"WITH changed AS (UPDATE rssp.credential_guard SET locked_at = $21::timestamptz"
	"  WHERE credential = $18::uuid AND locked_at IS NULL RETURNING credential),"
	" noted AS (" AUDIT_INSERT("(SELECT 1) AS once") "),"
	" locked AS (" LOCK_EVENT("changed") "),"
	" told AS (" LOCK_NOTICE("changed") ")"
	" SELECT EXISTS (SELECT FROM changed)"};

void store_credential_lock(struct pg *pg, const struct audit_row *audit,
	const struct attempt_wrong *wrong, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(audit);

	attempt_put(params, wrong);
	pg_submit(pg, &credential_lock, params, done, arg);
}
