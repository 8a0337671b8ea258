#include "store/sad.h"

#include "store/unit.h"

static const struct pg_statement sad_load = {.name = "sad_load", .sql =
	"SELECT k.unit, " SUBJECT_COLUMNS ", d.id, d.state, d.digest, d.scal, d.hash_count,"
	" d.unspent, d.turn,"
	" d.start_at, d.end_at, coalesce(d.seal, ''), d.certificate_sha256,"
	" d.hashes, d.spent::text, coalesce(d.tls_sha256, '')"
	" FROM unnest($1::uuid[], $2::uuid[], $3::bytea[]) WITH ORDINALITY"
	"  AS k (client, credential, sha256, unit) JOIN (" SUBJECT_TABLES ")"
	"  ON cl.id = k.client AND c.id = k.credential"
	" LEFT JOIN rssp.sad d ON d.sha256 = k.sha256 AND d.credential = c.id AND d.client = cl.id"
	"  AND d.subscriber = s.id", .batch = true};

void store_sad_load(struct pg *pg, const struct id *client, const struct id *credential,
	const uint8_t sha256[SHA256_LEN], pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(NULL);

	pg_put_id(params, client);
	pg_put_id(params, credential);
	pg_put_bytes(params, SPAN(sha256, SHA256_LEN));
	pg_submit(pg, &sad_load, params, done, arg);
}

void store_sad_read(const struct pg_rows *rows, struct sad_row *sad)
{
	int column = SUBJECT_COLUMN_COUNT;

	*sad = (struct sad_row){0};
	store_subject_read(rows, 0, &sad->subject);
	sad->found = !pg_is_null(rows, 0, column);
	if (!sad->found)
		return;
	sad->id = pg_id(rows, 0, column++);
	sad->state = pg_text(rows, 0, column++);
	sad->digest = pg_text(rows, 0, column++);
	sad->scal = pg_number(rows, 0, column++);
	sad->hash_count = pg_number(rows, 0, column++);
	sad->unspent = pg_number(rows, 0, column++);
	sad->turn = pg_number(rows, 0, column++);
	sad->start_ms = pg_time_ms(rows, 0, column++);
	sad->end_ms = pg_time_ms(rows, 0, column++);
	sad->seal = pg_span(rows, 0, column++);
	sad->certificate_sha256 = pg_span(rows, 0, column++);
	sad->hashes = pg_span(rows, 0, column++);
	sad->spent = span_string(pg_text(rows, 0, column++));
	sad->tls_sha256 = pg_span(rows, 0, column++);
}

static const struct pg_statement sad_bearer = {.name = "sad_bearer", .sql =
	"SELECT d.client, cl.agency, d.subscriber, d.credential, o.id, cl.version, d.end_at, cl.profile,"
	" d.state, cl.state = 'active' AND cl.mode = 'oauth2code', o.revoked_at IS NOT NULL,"
	" coalesce(d.tls_sha256, '') FROM rssp.sad d JOIN rssp.consent o ON o.id = d.consent"
	" JOIN rssp.client cl ON cl.id = d.client WHERE d.sha256 = $1::bytea"};

void store_sad_bearer(
	struct pg *pg, const uint8_t sha256[SHA256_LEN], pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(NULL);

	pg_put_bytes(params, SPAN(sha256, SHA256_LEN));
	pg_submit(pg, &sad_bearer, params, done, arg);
}

void store_sad_bearer_read(const struct pg_rows *rows, struct sad_bearer_row *bearer)
{
	*bearer = (struct sad_bearer_row){
		.client = pg_id(rows, 0, 0),
		.agency = pg_id(rows, 0, 1),
		.subscriber = pg_id(rows, 0, 2),
		.credential = pg_id(rows, 0, 3),
		.consent = pg_id(rows, 0, 4),
		.client_version = pg_number(rows, 0, 5),
		.end_ms = pg_time_ms(rows, 0, 6),
		.profile = pg_text(rows, 0, 7),
		.state = pg_text(rows, 0, 8),
		.client_active = pg_bool(rows, 0, 9),
		.revoked = pg_bool(rows, 0, 10),
		.tls_sha256 = pg_span(rows, 0, 11),
	};
}

#define SAD_INSERT_COLUMNS                                                                         \
	"INSERT INTO rssp.sad (id, sha256, credential, subscriber, client, certificate_sha256, "   \
	"scal, digest, hash_count, unspent, seal, start_at, end_at, request, hashes, spent, "      \
	"consent, tls_sha256) "
/* $18… of the statements that make one SAD: HELD_PARAMS, then these from $25. */
#define SAD_INSERT(source, consent, tls)                                                           \
	SAD_INSERT_COLUMNS                                                                         \
	"SELECT $25::uuid, $26::bytea, $18::uuid, $20::uuid, $22::uuid, $27::bytea, "              \
	"$28::bigint, $29::text, $30::bigint, $30::bigint, $31::bytea, $32::timestamptz, "     \
	"$33::timestamptz, $3::uuid, $34::bytea, "                                                 \
	"repeat('0', CASE $34::bytea WHEN '' THEN 0 ELSE $30::bigint::integer END)::varbit, "    \
	consent ", " tls " FROM " source

static void sad_put(struct pg_params *params, const struct sad_new *fresh)
{
	pg_put_id(params, &fresh->id);
	pg_put_bytes(params, SPAN(fresh->sha256, SHA256_LEN));
	pg_put_bytes(params, SPAN(fresh->certificate_sha256, SHA256_LEN));
	pg_put_number(params, fresh->scal);
	pg_put_text(params, fresh->digest);
	pg_put_number(params, fresh->hash_count);
	pg_put_bytes(params, fresh->seal);
	pg_put_time(params, fresh->start_ms);
	pg_put_time(params, fresh->end_ms);
	/* not NULL when there are none */
	pg_put_bytes(params, fresh->hashes.len == 0 ? SPAN("", 0) : fresh->hashes);
}

/* The guard is opened by the right factors, if `source` has a row. */
#define GUARD_OPEN(source)                                                                         \
	"guard AS (UPDATE rssp.credential_guard SET failures = 0,"                                 \
	"  last_step = greatest(last_step, $35::bigint)"                                           \
	"  WHERE credential = $18::uuid AND locked_at IS NULL"                                     \
	"  AND ($35::bigint = 0 OR last_step < $35::bigint) AND EXISTS (SELECT FROM " source ")"   \
	"  RETURNING 1)"
#define SLOT_MOVE                                                                                  \
	"moved AS (INSERT INTO rssp.slot (credential, slot, generation, kdf_memory_kib,"           \
	"  kdf_passes, salt, key_seal, revision) SELECT $18::uuid, 0, $36::bigint, $37::bigint,"   \
	"  $38::bigint, $39::bytea, $40::bytea, $41::bigint FROM guard"                            \
	"  WHERE $40::bytea IS NOT NULL ON CONFLICT DO NOTHING)"
#define GUARD_STATE                                                                                \
	"SELECT EXISTS (SELECT FROM guard), g.locked_at IS NOT NULL, g.last_step"

/* A batch: what is asked stands in the columns of `asked`. */
static const struct pg_statement sad_add = {.name = "sad_add", .sql =
	"WITH " AUDIT_ASKED(HELD_ARRAYS("$18", "$19", "$20", "$21") ", $22::uuid[], $23::bytea[],"
	"  $24::bytea[], $25::bigint[], $26::text[], $27::bigint[], $28::bytea[],"
	"  $29::timestamptz[], $30::timestamptz[], $31::bytea[], $32::bigint[], $33::bigint[],"
	"  $34::bigint[], $35::bigint[], $36::bytea[], $37::bytea[], $38::bigint[]", HELD_COLUMNS
	", sad, sha256, certificate_sha256, scal, digest, hash_count, seal, start_at, end_at, hashes,"
	"  otp_step, generation, kdf_memory_kib, kdf_passes, salt, key_seal, revision") ","
	" " HELD_SQL_BATCH ","
	" guard AS (UPDATE rssp.credential_guard g SET failures = 0,"
	"  last_step = greatest(g.last_step, k.otp_step) FROM held k"
	"  WHERE g.credential = k.credential AND g.locked_at IS NULL"
	"  AND (k.otp_step = 0 OR g.last_step < k.otp_step) RETURNING k.*),"
	" fresh AS (" SAD_INSERT_COLUMNS "SELECT sad, sha256, credential, subscriber, client,"
	"  certificate_sha256, scal, digest, hash_count, hash_count, seal, start_at, end_at, request,"
	"  hashes, repeat('0', CASE hashes WHEN '' THEN 0 ELSE hash_count::integer END)::varbit,"
	"  NULL::uuid, NULL::bytea FROM guard),"
	" moved AS (INSERT INTO rssp.slot (credential, slot, generation, kdf_memory_kib, kdf_passes,"
	"  salt, key_seal, revision) SELECT credential, 0, generation, kdf_memory_kib, kdf_passes,"
	"  salt, key_seal, revision FROM guard WHERE key_seal IS NOT NULL ON CONFLICT DO NOTHING),"
	" noted AS (" AUDIT_INSERT_BATCH("event", "result", "code", "guard") ")"
	" SELECT k.unit, k.unit IN (SELECT unit FROM guard), g.locked_at IS NOT NULL, g.last_step,"
	" false FROM asked k JOIN rssp.credential_guard g ON g.credential = k.credential",
	.batch = true};

/* The same for a consent, one by one: the request is approved, and a code made, by the commit of the SAD; for
 * the first that comes while the request is open. */
static const struct pg_statement sad_consent = {.name = "sad_consent", .sql =
	"WITH " HELD_SQL("$18", "$19", "$20", "$21", "$22", "$23", "$24") ","
	" open AS MATERIALIZED (SELECT 1 FROM " REQUEST_OPEN_SQL("$42", "$22")
	"  AND EXISTS (SELECT FROM held) FOR UPDATE),"
	" " GUARD_OPEN("open") ","
	" approved AS (UPDATE rssp.authorization_request SET state = 'approved',"
	"  subscriber = $20::uuid FROM guard WHERE sha256 = $42::bytea),"
	" consent AS (" CONSENT_INSERT("$43", "$22", "$20", "credential", "$33", "guard") "),"
	" code AS (" CODE_INSERT("$43", "$44", "$45", "$46", "$47", "$25", "$48", "$49", "$50", "guard") "),"
	" fresh AS (" SAD_INSERT("guard", "$43::uuid", "NULL::bytea") "), " SLOT_MOVE ","
	" noted AS (" AUDIT_INSERT("guard") ") " GUARD_STATE ","
	" EXISTS (SELECT FROM held) AND NOT EXISTS (SELECT FROM open)"
	" FROM rssp.credential_guard g WHERE g.credential = $18::uuid"};

void store_sad_add(struct pg *pg, const struct audit_row *audit,
	const struct subject_versions *versions, const struct sad_new *fresh, int64_t otp_step,
	const struct slot_moved *moved, const struct code_new *code, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(audit);

	if (code == NULL)
		store_held_put_batch(params, versions);
	else
		store_held_put(params, versions);
	pg_set_key(params, &versions->credential);
	sad_put(params, fresh);
	pg_put_number(params, otp_step);
	pg_put_number(params, moved->generation);
	pg_put_number(params, moved->kdf_memory_kib);
	pg_put_number(params, moved->kdf_passes);
	pg_put_bytes(params, moved->salt.len > 0 ? moved->salt : SPAN_NONE);
	pg_put_bytes(params, moved->key_seal.len > 0 ? moved->key_seal : SPAN_NONE);
	pg_put_number(params, moved->revision);
	if (code != NULL)
		store_code_put(params, code);
	pg_submit(pg, code == NULL ? &sad_add : &sad_consent, params, done, arg);
}

void store_sad_added_read(const struct pg_rows *rows, struct sad_added *added)
{
	added->done = pg_bool(rows, 0, 0);
	added->locked = pg_bool(rows, 0, 1);
	added->last_step = pg_number(rows, 0, 2);
	added->answered = pg_bool(rows, 0, 3);
}

static const struct pg_statement sad_extend = {.name = "sad_extend", .sql =
	"WITH " HELD_SQL("$18", "$19", "$20", "$21", "$22", "$23", "$24") ","
	" old AS (UPDATE rssp.sad SET state = 'extended', seal = NULL, turn = turn + 1"
	"  WHERE id = $35::uuid AND turn = $36::bigint AND state = 'live'"
	"  AND end_at > $1::timestamptz AND end_at >= $33::timestamptz"
	"  AND credential = $18::uuid AND client = $22::uuid AND EXISTS (SELECT FROM held)"
	"  RETURNING id, consent, tls_sha256),"
	" fresh AS (" SAD_INSERT("old", "consent", "tls_sha256") "),"
	" noted AS (" AUDIT_INSERT("old") ")"
	" SELECT id FROM old"};

void store_sad_extend(struct pg *pg, const struct audit_row *audit,
	const struct subject_versions *versions, const struct id *old, int64_t turn,
	const struct sad_new *fresh, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(audit);

	store_held_put(params, versions);
	sad_put(params, fresh);
	pg_put_id(params, old);
	pg_put_number(params, turn);
	pg_submit(pg, &sad_extend, params, done, arg);
}

static const struct pg_statement sad_expire = {.name = "sad_expire", .sql =
	"WITH late AS (UPDATE rssp.sad SET state = 'expired', seal = NULL"
	"  WHERE state = 'live' AND end_at <= $1::timestamptz RETURNING id),"
	" spent AS (UPDATE rssp.sad SET state = 'spent', seal = NULL"
	"  WHERE state = 'live' AND end_at > $1::timestamptz AND unspent = 0"
	"  AND NOT EXISTS (SELECT FROM rssp.signing g WHERE g.sad = sad.id) RETURNING id)"
	" SELECT (SELECT count(*) FROM late) + (SELECT count(*) FROM spent)"};

void store_sad_expire(struct pg *pg, int64_t now_ms, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(NULL);

	pg_put_time(params, now_ms);
	pg_submit(pg, &sad_expire, params, done, arg);
}
