/* Client applications as operators manage them. */
#ifndef STORE_CLIENT_H
#define STORE_CLIENT_H

#include "base/digest.h"
#include "store/audit.h"

struct client_new {
	struct id id, agency;
	const char *name, *mode, *profile;
	uint8_t secret_sha256[SHA256_LEN];
};

/* Each: one row when it was done, none when there is no such agency or client. */
void store_client_add(struct pg *pg, const struct audit_row *audit, const struct client_new *fresh,
	pg_done_fn done, void *arg);
/* Only an active one; its tokens go with the old secret. */
void store_client_rotate(struct pg *pg, const struct audit_row *audit, const struct id *client,
	const uint8_t secret_sha256[SHA256_LEN], pg_done_fn done, void *arg);
/* What is being signed through it stops: its version goes up. */
void store_client_disable(struct pg *pg, const struct audit_row *audit, const struct id *client,
	pg_done_fn done, void *arg);

#endif
