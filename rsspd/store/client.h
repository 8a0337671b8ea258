/* Client applications: as operators manage them, and as they are known when they ask. */
#ifndef STORE_CLIENT_H
#define STORE_CLIENT_H

#include "base/digest.h"
#include "store/audit.h"

struct client_new {
	struct id id, agency;
	const char *name, *mode, *profile;
	const char *authentication; /* "secret", "private-key-jwt", "tls", "none" */
	unsigned csc_version;	    /* 1, 2 */
	const char *redirect_uris;  /* JSON array of strings */
	/* the one that the authentication needs; none otherwise */
	struct span secret_sha256, tls_sha256;
	const char *jwks; /* JSON; NULL: none */
};

/* A client as it was registered. Strings and spans point into the rows. */
struct client_record {
	struct id id, agency;
	int64_t version;
	const char *name, *mode, *profile, *state, *authentication, *redirect_uris;
	unsigned csc_version;
	const char *jwks; /* NULL where it authenticates in another way; like the two below */
	struct span secret_sha256, tls_sha256;
};

/* Each: one row when it was done, none when there is no such agency or client. */
void store_client_add(struct pg *pg, const struct audit_row *audit, const struct client_new *fresh,
	pg_done_fn done, void *arg);
/* Only an active one; its tokens go with the old secret. Column 1: was there a secret to replace? */
void store_client_rotate(struct pg *pg, const struct audit_row *audit, const struct id *client,
	const uint8_t secret_sha256[SHA256_LEN], pg_done_fn done, void *arg);
/* Only an active one of that mode and authentication. Of `changed` what is NULL (without data) stays as
 * it is. With other keys or another certificate its version goes up: who proved itself with the old
 * ones gets nothing more. */
void store_client_change(struct pg *pg, const struct audit_row *audit,
	const struct client_new *changed, pg_done_fn done, void *arg);
/* What is being signed through it stops: its version goes up. */
void store_client_disable(struct pg *pg, const struct audit_row *audit, const struct id *client,
	pg_done_fn done, void *arg);

/* No row: unknown. */
void store_client_find(struct pg *pg, const struct id *client, pg_done_fn done, void *arg);
/* All of them, by name. */
void store_client_list(struct pg *pg, pg_done_fn done, void *arg);
void store_client_get(const struct pg_rows *rows, size_t row, struct client_record *client);

/* A client's assertion or account token, by the SHA-256 of its jti. One row: it was not seen before;
 * none: it was. */
void store_jti_use(struct pg *pg, const struct id *client, const uint8_t sha256[SHA256_LEN],
	int64_t ends_ms, pg_done_fn done, void *arg);
/* Those that nobody could use any more. */
void store_jti_expire(struct pg *pg, int64_t now_ms, pg_done_fn done, void *arg);

#endif
