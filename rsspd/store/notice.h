/* The outbox of notices to subscribers. */
#ifndef STORE_NOTICE_H
#define STORE_NOTICE_H

#include "store/pg.h"

/* Says that the mail of `sent` is in the spool (0: none is), and claims the next notice for this
 * daemon for a minute. One row, or none: the outbox is empty. Strings live as long as the rows. */
struct notice_row {
	int64_t id;
	const char *kind;		/* "activated", "locked", "unlocked", "factor-changed" */
	const char *credential;		/* "" if it is about none */
	int64_t created_ms;
	const char *email, *name;
};
void store_notice_next(struct pg *pg, int64_t sent, pg_done_fn done, void *arg);
void store_notice_read(const struct pg_rows *rows, struct notice_row *notice);

#endif
