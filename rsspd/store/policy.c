#include "store/policy.h"

#include "store/unit.h"

static const struct pg_statement policy_newest = {.name = "policy_newest", .sql =
	"SELECT version, document::text FROM rssp.policy ORDER BY version DESC LIMIT 1"};

void store_policy_newest(struct pg *pg, pg_done_fn done, void *arg)
{
	pg_submit(pg, &policy_newest, unit_params(NULL), done, arg);
}

const char *store_policy_read(const struct pg_rows *rows, int64_t *version)
{
	*version = pg_number(rows, 0, 0);
	return pg_text(rows, 0, 1);
}
