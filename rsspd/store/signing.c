#include "store/signing.h"

#include "store/unit.h"

#include <string.h>

/* Whoever waited for the SAD's row sees it as it is by then: its conditions are asked again. They
 * are put so that no index but the one on the id answers them: an empty table's plan may be in use
 * for hours. */
static const struct pg_statement signing_start = {.name = "signing_start", .sql =
	"WITH " AUDIT_ASKED(HELD_ARRAYS("$18", "$19", "$20", "$21") ", $22::uuid[], $23::text[],"
	"  $24::bigint[]", HELD_COLUMNS ", sad, spends, signatures_wanted") ","
	" " HELD_SQL_BATCH ","
	" spent AS (UPDATE rssp.sad d SET unspent = d.unspent - k.signatures_wanted,"
	"  turn = d.turn + 1, spent = d.spent | k.spends::varbit FROM held k"
	"  WHERE d.id = k.sad AND (d.state = 'live') IS TRUE AND d.unspent >= k.signatures_wanted"
	"  AND bit_count(d.spent & k.spends::varbit) = 0 AND d.end_at > k.at"
	"  AND d.credential = k.credential AND d.client = k.client RETURNING k.*),"
	" begun AS (INSERT INTO rssp.signing (request, sad, credential, subscriber, client, spends,"
	"  started_at) SELECT request, sad, credential, subscriber, client, spends::varbit, at"
	"  FROM spent),"
	" noted AS (" AUDIT_INSERT_BATCH("event", "result", "code", "spent") ")"
	" SELECT unit FROM spent", .batch = true};

#define SPENDS_TEXT 501 /* of bit varying(500), with the terminator */

/* The positions as a bit string as long as the SAD's own; "" for one that is bound to no hashes. */
static void spends_format(const struct signing_start *start, char bits[SPENDS_TEXT])
{
	memset(bits, '0', start->bound);
	bits[start->bound] = 0;
	for (size_t i = 0; i < start->position_count; i++)
		bits[start->positions[i]] = '1';
}

void store_signing_start(struct pg *pg, const struct audit_row *audit,
	const struct signing_start *start, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(audit);
	char spends[SPENDS_TEXT];

	spends_format(start, spends);
	store_held_put_batch(params, &start->versions);
	pg_set_key(params, &start->sad);
	pg_put_id(params, &start->sad);
	pg_put_text(params, spends);
	pg_put_number(params, (int64_t)start->signature_count);
	pg_submit(pg, &signing_start, params, done, arg);
}

/* The seal goes when nothing is left to sign and nothing is under way that may be given back (two
 * that end at once may each see the other: then the sweeper deletes it). rssp.signing is looked at
 * only for a SAD that is used up: hence g.sad = d.id, which does not let the planner look first. */
#define SAD_CLOSE(sad)                                                                             \
	"UPDATE rssp.sad d SET state = 'spent', seal = NULL WHERE d.id = " sad                     \
	"::uuid AND (d.state = 'live') IS TRUE AND d.unspent = 0 AND EXISTS (SELECT FROM gate) AND NOT "     \
	"EXISTS (SELECT FROM rssp.signing g WHERE g.sad = d.id AND g.request <> $3::uuid)"
#define GATE(sad)                                                                                  \
	"gate AS (DELETE FROM rssp.signing WHERE sad = " sad "::uuid AND request = $3::uuid"       \
	" RETURNING request, spends)"

/* rssp.signing is mostly empty when it is analysed. By ANY its index is of use for looking a row up
 * and for nothing else: no plan reads what everybody else has under way. */
static const struct pg_statement signing_created = {.name = "signing_created", .sql =
	"WITH " AUDIT_ASKED(HELD_ARRAYS("$18", "$19", "$20", "$21") ", $22::uuid[]",
	HELD_COLUMNS ", sad") ","
	" " HELD_SQL_BATCH ","
	" gate AS (DELETE FROM rssp.signing g USING asked k WHERE g.sad = ANY (ARRAY[k.sad])"
	"  AND g.request = ANY (ARRAY[k.request]) RETURNING k.*),"
	" closed AS (UPDATE rssp.sad d SET state = 'spent', seal = NULL FROM gate k"
	"  WHERE d.id = k.sad AND (d.state = 'live') IS TRUE AND d.unspent = 0 AND NOT EXISTS"
	"  (SELECT FROM rssp.signing g WHERE g.sad = ANY (ARRAY[d.id]) AND g.request <> k.request)),"
	" verdict AS (SELECT gate.*, unit IN (SELECT unit FROM held) AS good FROM gate),"
	" noted AS (" AUDIT_INSERT_BATCH("CASE WHEN good THEN event ELSE 'signature.failed' END",
		"CASE WHEN good THEN result ELSE 'failed' END",
		"CASE WHEN good THEN code ELSE 'STALE' END", "verdict") ")"
	" SELECT unit, good FROM verdict", .batch = true};

void store_signing_created(struct pg *pg, const struct audit_row *audit,
	const struct subject_versions *versions, const struct id *sad, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(audit);

	store_held_put_batch(params, versions);
	pg_set_key(params, sad);
	pg_put_id(params, sad);
	pg_submit(pg, &signing_created, params, done, arg);
}

static const struct pg_statement signing_failed = {.name = "signing_failed", .sql =
	"WITH " GATE("$18") ", closed AS (" SAD_CLOSE("$18") "),"
	" noted AS (" AUDIT_INSERT("gate") ") SELECT request FROM gate"};

void store_signing_failed(struct pg *pg, const struct audit_row *audit, const struct id *sad,
	pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(audit);

	pg_set_lane(params, &audit->credential);
	pg_put_id(params, sad);
	pg_submit(pg, &signing_failed, params, done, arg);
}

static const struct pg_statement signing_give_back = {.name = "signing_give_back", .sql =
	"WITH " GATE("$18") ","
	" given AS (UPDATE rssp.sad SET unspent = unspent + $19::bigint, turn = turn + 1,"
	"  spent = spent & ~(SELECT spends FROM gate)"
	"  WHERE id = $18::uuid AND state = 'live' AND EXISTS (SELECT FROM gate) RETURNING id),"
	" noted AS (" AUDIT_INSERT("gate") ")"
	" SELECT EXISTS (SELECT FROM given) FROM gate"};

void store_signing_give_back(struct pg *pg, const struct audit_row *audit, const struct id *sad,
	size_t signature_count, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(audit);

	pg_set_lane(params, &audit->credential);
	pg_put_id(params, sad);
	pg_put_number(params, (int64_t)signature_count);
	pg_submit(pg, &signing_give_back, params, done, arg);
}

/* Several daemons may sweep at once: each row is deleted, and so written down, by one of them. */
static const struct pg_statement signing_sweep = {.name = "signing_sweep", .sql =
	"WITH gone AS (DELETE FROM rssp.signing WHERE started_at < $2::timestamptz"
	"  RETURNING request, credential, subscriber, client),"
	" noted AS (INSERT INTO audit.event (" AUDIT_COLUMNS ") SELECT $1::timestamptz,"
	"  gen_random_uuid(), request, 'signature.lost', 'failed', 'HSM_LOST', client, NULL, subscriber,"
	"  credential, NULL, NULL, NULL, NULL, '{}', NULL, NULL FROM gone)"
	" SELECT request, credential FROM gone"};

void store_signing_sweep(struct pg *pg, int64_t now_ms, int64_t before_ms, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(NULL);

	pg_put_time(params, now_ms);
	pg_put_time(params, before_ms);
	pg_submit(pg, &signing_sweep, params, done, arg);
}

/* No SELECT, which would be a unit that only reads, among others that wait for it. */
static const struct pg_statement audit_partitions = {.name = "audit_partitions", .sql =
	"WITH made AS MATERIALIZED (SELECT audit.ensure_partitions($1::timestamptz, 3) AS count)"
	" SELECT count FROM made"};

void store_audit_partitions(struct pg *pg, int64_t now_ms, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(NULL);

	pg_put_time(params, now_ms);
	pg_submit(pg, &audit_partitions, params, done, arg);
}
