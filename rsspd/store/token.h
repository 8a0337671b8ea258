/* Access tokens and the clients they belong to. */
#ifndef STORE_TOKEN_H
#define STORE_TOKEN_H

#include "base/digest.h"
#include "store/audit.h"

/* A client, as tokens and their answers need it. Strings point into the rows. */
struct client_row {
	struct id client, agency;
	int64_t version;
	const char *mode, *profile, *state;
	struct span secret_sha256;	/* store_client_load() only */
	int64_t expires_ms;		/* of the token: store_token_load() only */
};

/* No row: unknown. */
void store_client_load(struct pg *pg, const struct id *client, pg_done_fn done, void *arg);
/* One row if it was kept; none if the client's secret is not the one that was compared, or it was
 * disabled meanwhile. */
void store_token_add(struct pg *pg, const struct audit_row *audit, const struct id *client,
	struct span secret_sha256, const uint8_t sha256[SHA256_LEN], int64_t expires_ms,
	pg_done_fn done, void *arg);
void store_token_load(
	struct pg *pg, const uint8_t sha256[SHA256_LEN], pg_done_fn done, void *arg);
void store_client_read(const struct pg_rows *rows, struct client_row *client);

#endif
