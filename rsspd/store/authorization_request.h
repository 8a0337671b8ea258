/* What applications ask subscribers for, between the request and its answer. */
#ifndef STORE_AUTHORIZATION_REQUEST_H
#define STORE_AUTHORIZATION_REQUEST_H

#include "base/digest.h"
#include "store/audit.h"

struct authorization_new {
	uint8_t sha256[SHA256_LEN];	/* of its handle */
	struct id client;
	const char *parameters;		/* JSON */
	bool pushed;			/* else shown */
	int64_t ends_ms;
};
/* One row when it was kept; none: the client is not active any more. */
void store_authorization_add(struct pg *pg, const struct audit_row *audit,
	const struct authorization_new *fresh, pg_done_fn done, void *arg);

/* A pushed request gets the handle of the page, once. Column 0: its parameters. No row: unknown,
 * taken, late, another client's. */
void store_authorization_take(struct pg *pg, const struct audit_row *audit,
	const uint8_t pushed_sha256[SHA256_LEN], const struct authorization_new *shown,
	pg_done_fn done, void *arg);

/* Strings and spans point into the rows. */
struct authorization_row {
	const char *state;		/* "shown", "approved", "declined" */
	int64_t ends_ms;
	struct span parameters;
	struct id client, agency;
	const char *client_name, *client_profile;
	const char *agency_name;	/* from the lowest level up */
	bool client_active;		/* and still of mode oauth2code */
	const char *subscriber_name;	/* of who is asked for; "" nobody */
};
/* For a subscriber, or for nobody (zero). No row: unknown, or not shown yet. */
void store_authorization_load(struct pg *pg, const uint8_t sha256[SHA256_LEN],
	const struct id *subscriber, pg_done_fn done, void *arg);
void store_authorization_read(const struct pg_rows *rows, struct authorization_row *row);

/* One row when it was declined by this; none: it was answered before, or is late. */
void store_authorization_decline(struct pg *pg, const struct audit_row *audit,
	const uint8_t sha256[SHA256_LEN], pg_done_fn done, void *arg);

/* Deletes requests, codes and consents that nobody can use any more, nor misuse: a used code is kept
 * as long as its consent, to know it when it comes again. */
void store_authorization_expire(struct pg *pg, int64_t now_ms, pg_done_fn done, void *arg);

#endif
