/* Agencies: a tree of up to four levels; a sector holds for an agency and all below it. */
#ifndef STORE_AGENCY_H
#define STORE_AGENCY_H

#include "store/audit.h"

#define AGENCY_LEVELS 4

struct agency_new {
	const char *path[AGENCY_LEVELS];	/* level 1 first; NULL: no such level */
	struct id ids[AGENCY_LEVELS];		/* for the levels that are not there yet */
	const char *sector;			/* of the last level; NULL: leaves what is stored */
	const char *province;			/* NULL or "": leaves what is stored */
};

/* Finds or makes every level. One row: id of the last level. RC_DUPLICATE: another request made one
 * of them meanwhile; try again. The row's agency is filled in by the statement. */
void store_agency_add(struct pg *pg, const struct audit_row *audit, const struct agency_new *fresh,
	pg_done_fn done, void *arg);
struct id store_agency_added(const struct pg_rows *rows);

/* Rows of store_agency_list, in order of their names. Strings live as long as the rows. */
struct agency_row {
	struct id id;
	const char *path[AGENCY_LEVELS];	/* NULL: no such level */
	const char *sector;			/* in force; "": none */
	bool sector_inherited;
	const char *province;
};
void store_agency_list(struct pg *pg, uint32_t limit, pg_done_fn done, void *arg);
void store_agency_read(const struct pg_rows *rows, size_t row, struct agency_row *agency);

#endif
