/* Access tokens that ended before their time, and the commits that give and take tokens. */
#ifndef STORE_TOKEN_REVOCATION_H
#define STORE_TOKEN_REVOCATION_H

#include "base/digest.h"
#include "store/audit.h"

/* What the trigger of rssp.token_revocation notifies: "kind subject before ends", times in
 * milliseconds since 1970. */
#define TOKEN_REVOCATION_CHANNEL "rssp_token_revocation"

enum revocation_kind { REVOKED_TOKEN, REVOKED_CONSENT, REVOKED_CLIENT, REVOKED_SUBSCRIBER };
#define REVOCATION_KINDS 4

struct revocation_row {
	enum revocation_kind kind;
	struct id subject;
	int64_t before_ms; /* tokens issued up to then have ended; token, consent: all */
	int64_t ends_ms;   /* no token lives longer */
};

/* What a notification says. RC_FORMAT: not of that form. */
must_check rc_t store_revocation_parse(const char *payload, struct revocation_row *row);

/* All that end after now; one row for each kind and subject. */
void store_revocation_load(struct pg *pg, int64_t now_ms, pg_done_fn done, void *arg);
/* RC_INTERNAL: not a row that we wrote. */
must_check rc_t store_revocation_read(
	const struct pg_rows *rows, size_t row, struct revocation_row *out);

/* One token, asked of the database. Column 0: is it revoked, or its client not active any more? */
struct revocation_query {
	struct id jti, consent, client, subscriber; /* zero: none */
	int64_t issued_ms;
};
void store_revocation_ask(
	struct pg *pg, const struct revocation_query *query, pg_done_fn done, void *arg);

/* Ends one access token. */
void store_token_revoke(struct pg *pg, const struct audit_row *audit, const struct id *jti,
	int64_t expires_ms, pg_done_fn done, void *arg);

/*
 * client_credentials: the row of the audit, if client has still the version and the secret (none:
 * data NULL) that its proof was compared with. Column 0: when, by the database's clock. What
 * revokes the client's tokens comes, by the same clock, either before it, and then there is no row,
 * or after it.
 */
void store_token_granted(struct pg *pg, const struct audit_row *audit, const struct id *client,
	int64_t version, struct span secret_sha256, pg_done_fn done, void *arg);

/* Revocations, refresh tokens and consents that nobody can use any more. */
void store_tokens_expire(struct pg *pg, int64_t now_ms, pg_done_fn done, void *arg);

#endif
