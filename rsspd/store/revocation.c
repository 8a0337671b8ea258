#include "store/revocation.h"

#include "store/unit.h"

static const struct pg_statement revoked_load = {.name = "revoked_load", .sql =
	"SELECT serial, revoked_at, coalesce(revocation_reason, 0)::bigint FROM rssp.credential"
	" WHERE state = 'revoked' ORDER BY revoked_at, serial"};

void store_revoked_load(struct pg *pg, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(NULL);

	pg_set_slow(params);
	pg_submit(pg, &revoked_load, params, done, arg);
}
