#include "store/agency.h"

#include "store/unit.h"

/*
 * Parameters: $18 to $21 fresh ids, $22 to $25 names, $26 sector, $27 province.
 * l1 … l4: what is there; n1 … n4: what had to be made; a1 … a4: either. A level whose parent is
 * new cannot be there, so each level needs to look only below the one before.
 */
#define LEVEL(n, above, id, name, below)                                                       \
	"l" n " AS (SELECT g.id, g.path FROM rssp.agency g JOIN a" above                       \
	" a ON coalesce(g.parent, '00000000-0000-0000-0000-000000000000') = a.id"              \
	" WHERE g.name = $" name "::text), "                                                   \
	"n" n " AS (INSERT INTO rssp.agency (id, parent, level, name, province, sector, path)" \
	" SELECT $" id "::uuid, a.id, " n ", $" name "::text, coalesce($27::text, ''),"        \
	" CASE WHEN " below " THEN $26::text END, a.path || $" id "::uuid FROM a" above        \
	" a WHERE $" name "::text IS NOT NULL AND NOT EXISTS (SELECT FROM l" n ")"             \
	" RETURNING id, path), "                                                               \
	"a" n " AS (SELECT id, path FROM l" n " UNION ALL SELECT id, path FROM n" n "), "

static const struct pg_statement agency_add = {.name = "agency_add", .sql =
	"WITH l1 AS (SELECT id, path FROM rssp.agency"
	" WHERE coalesce(parent, '00000000-0000-0000-0000-000000000000')"
	" = '00000000-0000-0000-0000-000000000000' AND name = $22::text), "
	"n1 AS (INSERT INTO rssp.agency (id, parent, level, name, province, sector, path)"
	" SELECT $18::uuid, NULL, 1, $22::text, coalesce($27::text, ''),"
	" CASE WHEN $23::text IS NULL THEN $26::text END, ARRAY[$18::uuid]"
	" WHERE NOT EXISTS (SELECT FROM l1) RETURNING id, path), "
	"a1 AS (SELECT id, path FROM l1 UNION ALL SELECT id, path FROM n1), "
	/* clang-format off */
	LEVEL("2", "1", "19", "23", "$24::text IS NULL")
	LEVEL("3", "2", "20", "24", "$25::text IS NULL")
	LEVEL("4", "3", "21", "25", "true")
	/* clang-format on */
	"target AS (SELECT id FROM a4"
	" UNION ALL SELECT id FROM a3 WHERE $25::text IS NULL"
	" UNION ALL SELECT id FROM a2 WHERE $24::text IS NULL"
	" UNION ALL SELECT id FROM a1 WHERE $23::text IS NULL), "
	/* schema/0004 raises the versions of the people below */
	"changed AS (UPDATE rssp.agency g SET sector = coalesce($26::text, g.sector),"
	" province = coalesce(nullif($27::text, ''), g.province) FROM target"
	" WHERE g.id = target.id AND (g.sector IS DISTINCT FROM coalesce($26::text, g.sector)"
	" OR g.province <> coalesce(nullif($27::text, ''), g.province))), "
	"noted AS (INSERT INTO audit.event (" AUDIT_COLUMNS
	") SELECT $1::timestamptz, $2::uuid, $3::uuid, $4::text, $5::text, $6::text, $7::uuid,"
	" $8::text, $9::uuid, $10::uuid, coalesce($11::uuid, target.id), $12::inet, $13::text,"
	" $14::bigint, $15::json, $16::bytea[], $17::bytea[] FROM target) "
	"SELECT id FROM target"};

void store_agency_add(struct pg *pg, const struct audit_row *audit, const struct agency_new *fresh,
	pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(audit);

	for (size_t i = 0; i < AGENCY_LEVELS; i++)
		pg_put_id(params, &fresh->ids[i]);
	for (size_t i = 0; i < AGENCY_LEVELS; i++)
		pg_put_text(params, fresh->path[i]);
	pg_put_text(params, fresh->sector);
	pg_put_text(params, fresh->province);
	pg_submit(pg, &agency_add, params, done, arg);
}

struct id store_agency_added(const struct pg_rows *rows)
{
	return pg_id(rows, 0, 0);
}

static const struct pg_statement agency_list = {.name = "agency_list", .sql =
	"SELECT g.id, p1.name, p2.name, p3.name, p4.name, " SECTOR_SQL(
		"g") ", g.sector IS NULL,"
		     " g.province FROM rssp.agency g JOIN rssp.agency p1 ON p1.id = g.path[1]"
		     " LEFT JOIN rssp.agency p2 ON p2.id = g.path[2]"
		     " LEFT JOIN rssp.agency p3 ON p3.id = g.path[3]"
		     " LEFT JOIN rssp.agency p4 ON p4.id = g.path[4]"
		     " ORDER BY p1.name, p2.name NULLS FIRST, p3.name NULLS FIRST, p4.name NULLS FIRST"
		     " LIMIT $1::bigint"};

void store_agency_list(struct pg *pg, uint32_t limit, pg_done_fn done, void *arg)
{
	struct pg_params *params = unit_params(NULL);

	pg_put_number(params, limit);
	pg_set_slow(params);
	pg_submit(pg, &agency_list, params, done, arg);
}

void store_agency_read(const struct pg_rows *rows, size_t row, struct agency_row *agency)
{
	agency->id = pg_id(rows, row, 0);
	for (int i = 0; i < AGENCY_LEVELS; i++)
		agency->path[i] = pg_is_null(rows, row, 1 + i) ? NULL : pg_text(rows, row, 1 + i);
	agency->sector = pg_text(rows, row, 5);
	agency->sector_inherited = pg_bool(rows, row, 6);
	agency->province = pg_text(rows, row, 7);
}
