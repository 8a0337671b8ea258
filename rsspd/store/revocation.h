/* Revoked certificates. */
#ifndef STORE_REVOCATION_H
#define STORE_REVOCATION_H

#include "store/pg.h"

/* A row each: serial (bytea), when, reason (RFC 5280 §5.3.1). */
void store_revoked_load(struct pg *pg, pg_done_fn done, void *arg);

#endif
