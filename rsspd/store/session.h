/* Sessions of the subscribers' pages. */
#ifndef STORE_SESSION_H
#define STORE_SESSION_H

#include "base/digest.h"
#include "store/audit.h"

/* The session of a cookie, while it lasts and its subscriber is active. One row or none. */
struct session_row {
	struct id subscriber;
	const char *name;		/* lives as long as the rows */
	int64_t seen_ms, ends_ms;
};
void store_session_load(struct pg *pg, const uint8_t sha256[SHA256_LEN], int64_t now_ms,
	int64_t idle_ms, pg_done_fn done, void *arg);
void store_session_read(const struct pg_rows *rows, struct session_row *session);
void store_session_touch(struct pg *pg, const uint8_t sha256[SHA256_LEN], int64_t now_ms,
	pg_done_fn done, void *arg);
/* One row if there was one. */
void store_session_end(struct pg *pg, const struct audit_row *audit,
	const uint8_t sha256[SHA256_LEN], pg_done_fn done, void *arg);
/* Sessions that are over, and counts of wrong passwords that nobody waits for any more. */
void store_session_sweep(struct pg *pg, int64_t now_ms, pg_done_fn done, void *arg);

#endif
