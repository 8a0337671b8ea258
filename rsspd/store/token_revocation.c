#include "store/token_revocation.h"

#include "store/unit.h"

#include <stdlib.h>
#include <string.h>

static const char *const kinds[REVOCATION_KINDS] = {
	[REVOKED_TOKEN] = "token",
	[REVOKED_CONSENT] = "consent",
	[REVOKED_CLIENT] = "client",
	[REVOKED_SUBSCRIBER] = "subscriber",
};

static bool kind_find(const char *name, size_t len, enum revocation_kind *kind)
{
	for (size_t i = 0; i < REVOCATION_KINDS; i++) {
		if (strlen(kinds[i]) == len && memcmp(kinds[i], name, len) == 0) {
			*kind = (enum revocation_kind)i;
			return true;
		}
	}
	return false;
}

/* A number of milliseconds and what stands behind it; NULL: none. */
static const char *time_parse(const char *text, char behind, int64_t *ms)
{
	size_t len = strspn(text, "0123456789");

	if (len == 0 || len > 15 || text[len] != behind)
		return NULL;
	*ms = strtoll(text, NULL, 10);
	return text + len + 1;
}

rc_t store_revocation_parse(const char *payload, struct revocation_row *row)
{
	struct revocation_row got = {.kind = REVOKED_TOKEN};
	char subject[ID_TEXT];
	size_t word = strcspn(payload, " ");

	if (!kind_find(payload, word, &got.kind) || payload[word] != ' ' ||
		strnlen(payload + word + 1, ID_TEXT) != ID_TEXT || payload[word + ID_TEXT] != ' ')
		return RC_FORMAT;
	memcpy(subject, payload + word + 1, ID_TEXT - 1);
	subject[ID_TEXT - 1] = 0;
	const char *times = time_parse(payload + word + ID_TEXT + 1, ' ', &got.before_ms);
	if (id_parse(&got.subject, subject) != RC_OK || times == NULL ||
		time_parse(times, 0, &got.ends_ms) == NULL)
		return RC_FORMAT;
	*row = got;
	return RC_OK;
}

static const struct pg_statement revocation_load = {.name = "revocation_load", .sql =
	"SELECT kind, subject, max(before), max(ends_at) FROM rssp.token_revocation"
	" WHERE ends_at > $1::timestamptz GROUP BY kind, subject"};

void store_revocation_load(struct pg *pg, int64_t now_ms, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(NULL);

	pg_put_time(params, now_ms);
	pg_submit(pg, &revocation_load, params, done, arg);
}

rc_t store_revocation_read(const struct pg_rows *rows, size_t row, struct revocation_row *out)
{
	const char *kind = pg_text(rows, row, 0);

	if (!kind_find(kind, strlen(kind), &out->kind))
		return RC_INTERNAL;
	out->subject = pg_id(rows, row, 1);
	out->before_ms = pg_time_ms(rows, row, 2);
	out->ends_ms = pg_time_ms(rows, row, 3);
	return RC_OK;
}

#define ENDED(kind, subject, before)                                                   \
	"EXISTS (SELECT FROM rssp.token_revocation r WHERE r.kind = '" kind            \
	"' AND r.subject = k." subject before ")"

/* The times are the token's own, to the millisecond: one that was revoked in the same has ended. */
static const struct pg_statement revocation_ask = {.name = "revocation_ask", .sql =
	"SELECT k.unit, " ENDED("token", "jti", "") " OR " ENDED("consent", "consent", "")
	" OR " ENDED("client", "client", " AND r.before >= k.issued")
	" OR " ENDED("subscriber", "subscriber", " AND r.before >= k.issued")
	" OR NOT EXISTS (SELECT FROM rssp.client c WHERE c.id = k.client AND c.state = 'active')"
	" FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::timestamptz[])"
	" WITH ORDINALITY AS k (jti, consent, client, subscriber, issued, unit)", .batch = true};

void store_revocation_ask(
	struct pg *pg, const struct revocation_query *query, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(NULL);

	pg_put_id(params, &query->jti);
	pg_put_id(params, &query->consent);
	pg_put_id(params, &query->client);
	pg_put_id(params, &query->subscriber);
	pg_put_time(params, query->issued_ms);
	pg_submit(pg, &revocation_ask, params, done, arg);
}

static const struct pg_statement token_revoke = {.name = "token_revoke", .sql =
	"WITH ended AS (INSERT INTO rssp.token_revocation (kind, subject, before, ends_at)"
	"  SELECT 'token', $18::uuid, $19::timestamptz, $19::timestamptz + interval '5 minutes'"
	"  WHERE NOT EXISTS (SELECT FROM rssp.token_revocation WHERE kind = 'token'"
	"  AND subject = $18::uuid) ON CONFLICT DO NOTHING),"
	" asked AS (SELECT 1), noted AS (" AUDIT_INSERT("asked") ") SELECT 1::bigint"};

void store_token_revoke(struct pg *pg, const struct audit_row *audit, const struct id *jti,
	int64_t expires_ms, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(audit);

	pg_put_id(params, jti);
	pg_put_time(params, expires_ms);
	pg_submit(pg, &token_revoke, params, done, arg);
}

static const struct pg_statement token_granted = {.name = "token_granted", .sql =
	"WITH held AS MATERIALIZED (SELECT id FROM rssp.client WHERE id = $18::uuid"
	"  AND state = 'active' AND version = $19::bigint"
	"  AND secret_sha256 IS NOT DISTINCT FROM $20::bytea FOR SHARE),"
	" noted AS (" AUDIT_INSERT("held") " RETURNING 1)"
	" SELECT clock_timestamp() FROM noted"};

void store_token_granted(struct pg *pg, const struct audit_row *audit, const struct id *client,
	int64_t version, struct span secret_sha256, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(audit);

	pg_put_id(params, client);
	pg_put_number(params, version);
	pg_put_bytes(params, secret_sha256);
	pg_submit(pg, &token_granted, params, done, arg);
}

/* A consent outlives its refresh tokens: used ones are known until they would have ended. */
static const struct pg_statement tokens_expire = {.name = "tokens_expire", .sql =
	"WITH revocations AS (DELETE FROM rssp.token_revocation WHERE ends_at < $1::timestamptz"
	"  RETURNING 1),"
	" refreshes AS (DELETE FROM rssp.refresh_token WHERE ends_at < $1::timestamptz RETURNING 1)"
	" SELECT (SELECT count(*) FROM revocations) + (SELECT count(*) FROM refreshes)"};

void store_tokens_expire(struct pg *pg, int64_t now_ms, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(NULL);

	pg_put_time(params, now_ms);
	pg_submit(pg, &tokens_expire, params, done, arg);
}
