/* The policy's versions; the highest one is in force. */
#ifndef STORE_POLICY_H
#define STORE_POLICY_H

#include "store/pg.h"

/* One row: version and document of the policy in force; none if there is no policy. */
void store_policy_newest(struct pg *pg, pg_done_fn done, void *arg);
/* Lives as long as the rows. */
const char *store_policy_read(const struct pg_rows *rows, int64_t *version);

#endif
