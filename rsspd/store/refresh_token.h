/* Refresh tokens, and the consents that they belong to. */
#ifndef STORE_REFRESH_TOKEN_H
#define STORE_REFRESH_TOKEN_H

#include "base/digest.h"
#include "store/audit.h"

/* For the WITH of the statement that redeems a code: source's rows give the column `consent`;
 * sha256 (bytea) and ends (timestamptz) are parameters, and a sha256 that is null makes none. */
#define REFRESH_TOKEN_INSERT(sha256, ends, source)                                       \
	"INSERT INTO rssp.refresh_token (sha256, consent, ends_at) SELECT " sha256       \
	"::bytea, consent, " ends "::timestamptz FROM " source " WHERE " sha256          \
	"::bytea IS NOT NULL"

/* What is used up under a consent: a code or a refresh token. */
struct consent_use {
	uint8_t sha256[SHA256_LEN];
	struct id consent, client, subscriber;
	int64_t client_version;
};
/* Parameters $18 to $22 of its statement: sha256, client, its version, subscriber, consent; in the
 * consent's lane. */
struct pg_params *store_consent_use_params(
	const struct audit_row *audit, const struct consent_use *use);

struct refresh_row {
	struct id consent, client, subscriber;
	int64_t ends_ms;
	bool used;
	bool revoked;	/* the consent */
	bool disabled;	/* the subscriber */
};
/* No row: unknown. */
void store_refresh_load(
	struct pg *pg, const uint8_t sha256[SHA256_LEN], pg_done_fn done, void *arg);
void store_refresh_read(const struct pg_rows *rows, struct refresh_row *row);

/* The old one is used up and the new one takes its place. Column 0: when, by the database's clock.
 * No row: somebody was faster, it is late or revoked, or client or subscriber are not as they
 * were. */
struct refresh_use {
	struct consent_use of;
	uint8_t next_sha256[SHA256_LEN];
	int64_t next_ends_ms;
};
void store_refresh_use(struct pg *pg, const struct audit_row *audit, const struct refresh_use *use,
	pg_done_fn done, void *arg);

/* Ends a consent and all that it gave. The triggers of schema/0005 end its access tokens, on every
 * daemon, and its SADs; codes and refresh tokens look at revoked_at when they are used. */
void store_consent_revoke(struct pg *pg, const struct audit_row *audit, const struct id *consent,
	pg_done_fn done, void *arg);

/* Ends one SAD of the client, whatever the database has of it. Always one row. */
void store_sad_revoke(struct pg *pg, const struct audit_row *audit,
	const uint8_t sha256[SHA256_LEN], const struct id *client, pg_done_fn done, void *arg);
/* Whose SAD that is: client, subscriber, credential. No row: unknown. */
void store_sad_owner(
	struct pg *pg, const uint8_t sha256[SHA256_LEN], pg_done_fn done, void *arg);

#endif
