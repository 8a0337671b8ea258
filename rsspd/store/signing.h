/*
 * A signature's books: started (the SAD's hashes are spent), then exactly one of created, failed,
 * given back or lost, because each of these deletes the row of rssp.signing that `started` made.
 */
#ifndef STORE_SIGNING_H
#define STORE_SIGNING_H

#include "store/credential.h"

struct signing_start {
	struct subject_versions versions;
	struct id sad;
	size_t bound;			/* hashes that the SAD is bound to, at most 500; 0: none */
	const uint32_t *positions;	/* position_count of them, each below `bound` */
	size_t position_count;
	size_t signature_count;
};
/* The audit row is "signature.started". No row: a version changed, the SAD or one of the
 * hashes was spent, its end has passed; nothing was spent. */
void store_signing_start(struct pg *pg, const struct audit_row *audit,
	const struct signing_start *start, pg_done_fn done, void *arg);

/* The audit row is "signature.created"; what was read before is compared once more under lock, and
 * when it has changed the row says "signature.failed" instead. No row: somebody recorded the
 * signing as lost. Column 0: may be released. */
void store_signing_created(struct pg *pg, const struct audit_row *audit,
	const struct subject_versions *versions, const struct id *sad, pg_done_fn done, void *arg);
/* The audit row is "signature.failed"; what was spent stays spent. */
void store_signing_failed(struct pg *pg, const struct audit_row *audit, const struct id *sad,
	pg_done_fn done, void *arg);
/* Nothing was signed: what was spent is given back, if the SAD still lives. The audit row is
 * "signature.failed". Column 0: given back. */
void store_signing_give_back(struct pg *pg, const struct audit_row *audit, const struct id *sad,
	size_t signature_count, pg_done_fn done, void *arg);

/* Signings that began before `before_ms` and have no end are recorded as lost. One row each:
 * request, credential. */
void store_signing_sweep(struct pg *pg, int64_t now_ms, int64_t before_ms, pg_done_fn done, void *arg);

/* Housekeeping of the sweeper. */
void store_audit_partitions(struct pg *pg, int64_t now_ms, pg_done_fn done, void *arg);

#endif
