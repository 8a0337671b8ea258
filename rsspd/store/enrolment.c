#include "store/enrolment.h"

#include "store/unit.h"

/* ---- what a line meets ---- */

#define BELOW(n, above, name)                                               \
	"l" n " AS (SELECT g.id, g.path FROM rssp.agency g JOIN l" above    \
	" up ON coalesce(g.parent, '00000000-0000-0000-0000-000000000000')" \
	" = up.id WHERE g.name = $" name "::text), "

static const struct pg_statement enrolment_facts = {.name = "enrolment_facts", .sql =
	"WITH l1 AS (SELECT id, path FROM rssp.agency"
	" WHERE coalesce(parent, '00000000-0000-0000-0000-000000000000')"
	" = '00000000-0000-0000-0000-000000000000' AND name = $1::text), "
	/* clang-format off */
	BELOW("2", "1", "2")
	BELOW("3", "2", "3")
	BELOW("4", "3", "4")
	/* clang-format on */
	"found AS (SELECT id, path FROM l4"
	" UNION ALL SELECT id, path FROM l3 WHERE $4::text IS NULL"
	" UNION ALL SELECT id, path FROM l2 WHERE $3::text IS NULL"
	" UNION ALL SELECT id, path FROM l1 WHERE $2::text IS NULL) "
	"SELECT " POLICY_VERSION_SQL ", found.id, " SECTOR_SQL(
		"found") ", s.id,"
			 " coalesce(s.version, 0), coalesce(s.state <> 'active', false),"
			 " EXISTS (SELECT FROM rssp.enrolment e WHERE e.number = $5::uuid)"
			 " FROM (SELECT 1) AS one LEFT JOIN found ON true"
			 " LEFT JOIN rssp.subscriber s ON s.identity_number = $6::text"};

void store_enrolment_facts(
	struct pg *pg, const struct enrolment_query *query, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(NULL);

	for (size_t i = 0; i < AGENCY_LEVELS; i++)
		pg_put_text(params, query->agency[i]);
	pg_put_text(params, query->number);
	pg_put_text(params, query->identity_number);
	pg_submit(pg, &enrolment_facts, params, done, arg);
}

rc_t store_enrolment_facts_read(const struct pg_rows *rows, struct enrolment_facts *facts)
{
	*facts = (struct enrolment_facts){
		.policy_version = pg_number(rows, 0, 0),
		.subscriber_version = pg_number(rows, 0, 4),
		.disabled = pg_bool(rows, 0, 5),
		.number_taken = pg_bool(rows, 0, 6),
	};
	if (!pg_is_null(rows, 0, 1))
		facts->agency = pg_id(rows, 0, 1);
	if (!pg_is_null(rows, 0, 3))
		facts->subscriber = pg_id(rows, 0, 3);
	return unit_text(rows, 0, 2, facts->sector, sizeof(facts->sector));
}

/* ---- lines ---- */

/* $18 to $32, the same for both statements. */
static void enrolment_put(struct pg_params *params, const struct enrolment_new *fresh)
{
	pg_put_id(params, &fresh->id);
	pg_put_text(params, fresh->number);
	pg_put_id(params, &fresh->subscriber);
	pg_put_id(params, &fresh->agency);
	pg_put_text(params, fresh->name);
	pg_put_text(params, fresh->birth_date);
	pg_put_text(params, fresh->identity_number);
	pg_put_text(params, fresh->position);
	pg_put_text(params, fresh->budget_code);
	pg_put_bytes(params, fresh->statement);
	pg_put_bytes(params, fresh->signature);
	pg_put_text(params, fresh->operator_name);
	pg_put_bytes(params, SPAN(fresh->operator_fingerprint, SHA256_LEN));
	pg_put_text(params, fresh->rule);
	pg_put_number(params, fresh->policy_version);
}

static const struct pg_statement enrolment_keep = {.name = "enrolment_keep", .sql =
	/* the same person only: a mistyped number changes nobody else */
	"WITH known AS (UPDATE rssp.subscriber SET agency = $21::uuid, position = $25::text,"
	" budget_code = $26::text, version = version + 1 WHERE id = $20::uuid"
	" AND name = $22::text AND birth_date = $23::date), "
	"fresh AS (INSERT INTO rssp.enrolment (id, number, subscriber, identity_number, statement,"
	" signature, operator, operator_fingerprint, rule, policy_version, state)"
	" VALUES ($18::uuid, $19::uuid, $20::uuid, $24::text, $27::bytea, $28::bytea, $29::text,"
	" $30::bytea, $31::text, $32::bigint, $33::text) RETURNING id), "
	"noted AS (" AUDIT_INSERT("fresh") ") SELECT id FROM fresh"};

void store_enrolment_keep(struct pg *pg, const struct audit_row *audit,
	const struct enrolment_new *fresh, const char *state, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(audit);

	enrolment_put(params, fresh);
	pg_put_text(params, state);
	pg_submit(pg, &enrolment_keep, params, done, arg);
}

static const struct pg_statement enrolment_code = {.name = "enrolment_code", .sql =
	"WITH person AS (INSERT INTO rssp.subscriber AS s (id, agency, name, birth_date,"
	" identity_number, email, phone, position, budget_code)"
	" VALUES ($20::uuid, $21::uuid, $22::text, $23::date, $24::text, $35::text, $36::text,"
	" $25::text, $26::text) ON CONFLICT (identity_number) DO UPDATE SET agency = excluded.agency,"
	" name = excluded.name, birth_date = excluded.birth_date, email = excluded.email,"
	" phone = excluded.phone, position = excluded.position,"
	" budget_code = excluded.budget_code, version = s.version + 1"
	" WHERE s.version = $37::bigint RETURNING s.id), "
	/* the SAM's MAC covers the end of a code: one that ends early is dead for it as well */
	"older AS (UPDATE rssp.enrolment e SET code_expires_at ="
	" least(e.code_expires_at, $1::timestamptz) FROM person"
	" WHERE e.identity_number = $24::text AND e.state = 'coded'), "
	"fresh AS (INSERT INTO rssp.enrolment (id, number, subscriber, identity_number, statement,"
	" signature, operator, operator_fingerprint, rule, policy_version, state, code_mac,"
	" code_expires_at) SELECT $18::uuid, $19::uuid, person.id, $24::text, $27::bytea,"
	" $28::bytea, $29::text, $30::bytea, $31::text, $32::bigint, 'coded', $33::bytea,"
	" $34::timestamptz FROM person RETURNING id), "
	"noted AS (" AUDIT_INSERT("fresh") ") SELECT id FROM fresh"};

void store_enrolment_code(struct pg *pg, const struct audit_row *audit,
	const struct enrolment_new *fresh, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(audit);

	enrolment_put(params, fresh);
	pg_put_bytes(params, fresh->code_mac);
	pg_put_time(params, fresh->code_expires_ms);
	pg_put_text(params, fresh->email);
	pg_put_text(params, fresh->phone);
	pg_put_number(params, fresh->subscriber_version);
	pg_submit(pg, &enrolment_code, params, done, arg);
}

/* ---- activation ---- */

#define TRIES "5"

static const struct pg_statement enrolment_try = {.name = "enrolment_try", .sql =
	"WITH counted AS (UPDATE rssp.enrolment SET tries = tries + 1 WHERE id = ("
	"SELECT id FROM rssp.enrolment WHERE identity_number = $1::text AND state = 'coded'"
	" AND tries < " TRIES " AND code_expires_at > $2::timestamptz"
	" ORDER BY created_at DESC, id LIMIT 1 FOR UPDATE)"
	" AND state = 'coded' AND tries < " TRIES " RETURNING id, subscriber, statement, signature,"
	" operator_fingerprint, code_mac, code_expires_at) "
	"SELECT c.id, c.subscriber, c.statement, c.signature, c.operator_fingerprint, c.code_mac,"
	" c.code_expires_at, s.name, s.version, " POLICY_VERSION_SQL
	", s.position, s.budget_code, " SECTOR_SQL(
		"g") ", s.state <> 'active' FROM counted c"
		     " JOIN rssp.subscriber s ON s.id = c.subscriber JOIN rssp.agency g ON g.id = s.agency"};

void store_enrolment_try(
	struct pg *pg, const char *identity_number, int64_t now_ms, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(NULL);

	pg_put_text(params, identity_number);
	pg_put_time(params, now_ms);
	pg_submit(pg, &enrolment_try, params, done, arg);
}

rc_t store_enrolment_tried(const struct pg_rows *rows, struct enrolment_tried *tried)
{
	struct subscriber_facts *facts = &tried->facts;

	tried->id = pg_id(rows, 0, 0);
	tried->subscriber = pg_id(rows, 0, 1);
	tried->code_expires_ms = pg_time_ms(rows, 0, 6);
	facts->version = pg_number(rows, 0, 8);
	facts->policy_version = pg_number(rows, 0, 9);
	facts->disabled = pg_bool(rows, 0, 13);
	rc_t rc = pg_bytes(rows, 0, 2, &tried->statement);
	if (rc == RC_OK)
		rc = pg_bytes(rows, 0, 3, &tried->signature);
	if (rc == RC_OK)
		rc = unit_fixed(rows, 0, 4, tried->operator_fingerprint, SHA256_LEN);
	if (rc == RC_OK)
		rc = pg_bytes(rows, 0, 5, &tried->code_mac);
	if (rc == RC_OK)
		rc = unit_text(rows, 0, 7, tried->name, sizeof(tried->name));
	if (rc == RC_OK)
		rc = unit_text(rows, 0, 10, facts->position, sizeof(facts->position));
	if (rc == RC_OK)
		rc = unit_text(rows, 0, 11, facts->budget_code, sizeof(facts->budget_code));
	if (rc == RC_OK)
		rc = unit_text(rows, 0, 12, facts->sector, sizeof(facts->sector));
	return rc;
}

void enrolment_tried_free(struct enrolment_tried *tried)
{
	buf_free(&tried->statement);
	buf_free(&tried->signature);
	buf_free(&tried->code_mac);
}

static const struct pg_statement enrolment_untry = {.name = "enrolment_untry", .sql =
	"WITH changed AS (UPDATE rssp.enrolment SET tries = tries - 1"
	" WHERE id = $18::uuid AND state = 'coded' AND tries > 0 RETURNING id), "
	"noted AS (" AUDIT_INSERT("changed") ") SELECT id FROM changed"};

void store_enrolment_untry(struct pg *pg, const struct audit_row *audit, const struct id *enrolment,
	pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(audit);

	pg_put_id(params, enrolment);
	pg_submit(pg, &enrolment_untry, params, done, arg);
}

static const struct pg_statement credential_add = {.name = "credential_add", .sql =
	"WITH subject AS (SELECT id FROM rssp.subscriber WHERE id = $20::uuid"
	" AND version = $21::bigint AND state = 'active' AND " POLICY_VERSION_SQL " = $22::bigint"
	" FOR SHARE), "
	"redeemed AS (UPDATE rssp.enrolment e SET state = 'redeemed' FROM subject"
	" WHERE e.id = $19::uuid AND e.state = 'coded' AND e.subscriber = subject.id"
	" RETURNING e.id, subject.id AS subscriber), "
	"fresh AS (INSERT INTO rssp.credential (id, subscriber, enrolment, key_algo, factors, scal,"
	" certificate, certificate_sha256, serial, valid_from, valid_to, otp_seal, wrap_generation)"
	" SELECT $18::uuid, subscriber, id, $23::text, $24::text, $25::bigint, $26::bytea,"
	" $27::bytea, $28::bytea, $29::timestamptz, $30::timestamptz, $31::bytea, $32::bigint FROM redeemed"
	" RETURNING id, subscriber), "
	"slot AS (INSERT INTO rssp.slot (credential, slot, generation, kdf_memory_kib, kdf_passes,"
	" salt, key_seal) SELECT id, 0, $32::bigint, $33::bigint, $34::bigint, $35::bytea,"
	" $36::bytea FROM fresh), "
	"guard AS (INSERT INTO rssp.credential_guard (credential) SELECT id FROM fresh), "
	/* the code and the identity number prove more than an older password */
	"account AS (INSERT INTO rssp.account AS a (subscriber, generation, kdf_memory_kib, kdf_passes,"
	" salt, mac) SELECT subscriber, $37::bigint, $38::bigint, $39::bigint, $40::bytea, $41::bytea"
	" FROM fresh WHERE $37::bigint IS NOT NULL ON CONFLICT (subscriber) DO UPDATE SET"
	" generation = excluded.generation, kdf_memory_kib = excluded.kdf_memory_kib,"
	" kdf_passes = excluded.kdf_passes, salt = excluded.salt, mac = excluded.mac,"
	" version = a.version + 1, changed_at = $1::timestamptz RETURNING a.subscriber), "
	"ended AS (DELETE FROM rssp.session WHERE subscriber IN (SELECT subscriber FROM account)), "
	"told AS (INSERT INTO rssp.notice (subscriber, kind, detail)"
	" SELECT subscriber, 'activated', json_build_object('credential', id) FROM fresh), "
	"noted AS (" AUDIT_INSERT("fresh") ") SELECT id FROM fresh"};

void store_credential_add(struct pg *pg, const struct audit_row *audit,
	const struct credential_new *fresh, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(audit);

	pg_put_id(params, &fresh->id);
	pg_put_id(params, &fresh->enrolment);
	pg_put_id(params, &fresh->subscriber);
	pg_put_number(params, fresh->subscriber_version);
	pg_put_number(params, fresh->policy_version);
	pg_put_text(params, fresh->key);
	pg_put_text(params, fresh->factors);
	pg_put_number(params, fresh->scal);
	pg_put_bytes(params, fresh->certificate);
	pg_put_bytes(params, SPAN(fresh->certificate_sha256, SHA256_LEN));
	pg_put_bytes(params, fresh->serial);
	pg_put_time(params, fresh->valid_from_ms);
	pg_put_time(params, fresh->valid_to_ms);
	pg_put_bytes(params, fresh->otp_seal);
	pg_put_number(params, fresh->generation);
	pg_put_number(params, fresh->kdf_memory_kib);
	pg_put_number(params, fresh->kdf_passes);
	pg_put_bytes(params, fresh->salt);
	pg_put_bytes(params, fresh->key_seal);
	password_new_put(params, &fresh->password);
	pg_submit(pg, &credential_add, params, done, arg);
}
