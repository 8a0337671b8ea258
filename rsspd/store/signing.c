#include "store/signing.h"

#include "store/unit.h"

#include <string.h>

/* Whoever waited for the SAD's row sees it as it is by then: its conditions are asked again. */
static const struct pg_statement signing_start = {"signing_start",
	"WITH " HELD_SQL("$18", "$19", "$20", "$21", "$22", "$23", "$24") ","
	" spent AS (UPDATE rssp.sad SET unspent = unspent - $27::integer, turn = turn + 1,"
	"  spent = spent | $26::varbit"
	"  WHERE id = $25::uuid AND state = 'live' AND unspent >= $27::integer"
	"  AND bit_count(spent & $26::varbit) = 0"
	"  AND end_at > $1::timestamptz"
	"  AND credential = $18::uuid AND client = $22::uuid AND EXISTS (SELECT FROM held)"
	"  RETURNING id),"
	" begun AS (INSERT INTO rssp.signing (request, sad, credential, subscriber, client, spends,"
	"  started_at) SELECT $3::uuid, id, $18::uuid, $20::uuid, $22::uuid, $26::varbit,"
	"  $1::timestamptz FROM spent),"
	" noted AS (" AUDIT_INSERT("spent") ")"
	" SELECT id FROM spent"};

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
	store_held_put(params, &start->versions);
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
	"::uuid AND d.state = 'live' AND d.unspent = 0 AND EXISTS (SELECT FROM gate) AND NOT "     \
	"EXISTS (SELECT FROM rssp.signing g WHERE g.sad = d.id AND g.request <> $3::uuid)"
#define GATE "gate AS (DELETE FROM rssp.signing WHERE request = $3::uuid RETURNING request, spends)"

static const struct pg_statement signing_created = {"signing_created",
	"WITH " HELD_SQL("$18", "$19", "$20", "$21", "$22", "$23", "$24") ", " GATE ","
	" closed AS (" SAD_CLOSE("$25") "),"
	" verdict AS (SELECT EXISTS (SELECT FROM held) AS good FROM gate),"
	" noted AS (INSERT INTO audit.event (" AUDIT_COLUMNS ") SELECT $1::timestamptz, $2::uuid,"
	"  $3::uuid, CASE WHEN good THEN $4::text ELSE 'signature.failed' END,"
	"  CASE WHEN good THEN $5::text ELSE 'failed' END, CASE WHEN good THEN $6::text ELSE 'STALE' END,"
	"  $7::uuid, $8::text, $9::uuid, $10::uuid, $11::uuid, $12::inet, $13::text, $14::bigint,"
	"  $15::json, $16::bytea[], $17::bytea[] FROM verdict)"
	" SELECT good FROM verdict"};

void store_signing_created(struct pg *pg, const struct audit_row *audit,
	const struct subject_versions *versions, const struct id *sad, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(audit);

	store_held_put(params, versions);
	pg_put_id(params, sad);
	pg_submit(pg, &signing_created, params, done, arg);
}

static const struct pg_statement signing_failed = {"signing_failed",
	"WITH " GATE ", closed AS (" SAD_CLOSE("$18") "),"
	" noted AS (" AUDIT_INSERT("gate") ") SELECT request FROM gate"};

void store_signing_failed(struct pg *pg, const struct audit_row *audit, const struct id *sad,
	pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(audit);

	pg_set_lane(params, &audit->credential);
	pg_put_id(params, sad);
	pg_submit(pg, &signing_failed, params, done, arg);
}

static const struct pg_statement signing_give_back = {"signing_give_back",
	"WITH " GATE ","
	" given AS (UPDATE rssp.sad SET unspent = unspent + $19::integer, turn = turn + 1,"
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
static const struct pg_statement signing_sweep = {"signing_sweep",
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

static const struct pg_statement token_expire = {"token_expire",
	"WITH gone AS (DELETE FROM rssp.token WHERE expires_at < $1::timestamptz RETURNING 1)"
	" SELECT count(*) FROM gone"};

void store_token_expire(struct pg *pg, int64_t now_ms, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(NULL);

	pg_put_time(params, now_ms);
	pg_submit(pg, &token_expire, params, done, arg);
}

static const struct pg_statement audit_partitions = {"audit_partitions",
	"SELECT audit.ensure_partitions($1::timestamptz, 3)"};

void store_audit_partitions(struct pg *pg, int64_t now_ms, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(NULL);

	pg_put_time(params, now_ms);
	pg_submit(pg, &audit_partitions, params, done, arg);
}
