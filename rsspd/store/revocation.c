#include "store/revocation.h"

#include "store/unit.h"

static const struct pg_statement revoked_load = {"revoked_load",
	"SELECT serial, revoked_at, coalesce(revocation_reason, 0)::bigint FROM rssp.credential"
	" WHERE state = 'revoked' ORDER BY revoked_at, serial"};

void store_revoked_load(struct pg *pg, pg_done_fn done, void *arg)
{
	pg_submit(pg, &revoked_load, unit_params(NULL), done, arg);
}
