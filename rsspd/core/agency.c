#include "core/operate.h"

#include "store/agency.h"

#include <stdlib.h>
#include <string.h>

#define AGENCY_LIST_MAX 10000
#define AGENCY_TRIES 3

_Static_assert(AGENCY_LEVELS == STATEMENT_LEVELS, "a statement names an agency level by level");

struct agency_op {
	struct core *core;
	struct call *call;
	core_id_fn done;
	void *arg;
	struct fault fault;
	struct audit_row row;
	struct agency_new fresh;
	char path[AGENCY_LEVELS][STATEMENT_TEXT];
	char sector[16];
	char province[STATEMENT_TEXT];
	struct id id;
	unsigned tries;
};

static void agency_end(void *arg)
{
	struct agency_op *op = arg;

	op->done(op->arg, &op->fault, op->fault.rc == RC_OK ? &op->id : NULL);
	free(op);
}

static bool sector_known(const char *sector)
{
	static const char *const sectors[] = {"education", "training", "health", "other"};

	for (size_t i = 0; i < sizeof(sectors) / sizeof(sectors[0]); i++) {
		if (strcmp(sector, sectors[i]) == 0)
			return true;
	}
	return false;
}

/* NULL, or what is wrong with the request. */
static const char *agency_copy(struct agency_op *op, const struct agency_add_request *request)
{
	bool more = true;

	if (request->path[0] == NULL)
		return "Parameter path: the name of level 1 is missing";
	for (size_t i = 0; i < AGENCY_LEVELS; i++) {
		const char *name = request->path[i];
		if (name == NULL) {
			more = false;
			continue;
		}
		if (!more || !operate_text_fits(name, OPERATE_TEXT_MAX))
			return "Parameter path: names of 1 to 255 bytes, level 1 first, none left out";
		memcpy(op->path[i], name, strlen(name) + 1);
		op->fresh.path[i] = op->path[i];
	}
	if (request->sector != NULL) {
		if (!sector_known(request->sector))
			return "Parameter sector: education, training, health or other";
		memcpy(op->sector, request->sector, strlen(request->sector) + 1);
		op->fresh.sector = op->sector;
	}
	if (request->province != NULL && request->province[0] != 0) {
		if (!operate_text_fits(request->province, OPERATE_TEXT_MAX))
			return "Parameter province: at most 255 bytes";
		memcpy(op->province, request->province, strlen(request->province) + 1);
		op->fresh.province = op->province;
	}
	return NULL;
}

static void agency_on_added(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct agency_op *op = arg;

	/* somebody else made one of the levels at this moment: now it is there to be found */
	if (rc == RC_DUPLICATE && ++op->tries < AGENCY_TRIES) {
		store_agency_add(op->core->pg, &op->row, &op->fresh, agency_on_added, op);
		return;
	}
	op->fault.rc = operate_outcome(op->call, rc, rows, RC_INTERNAL);
	if (op->fault.rc == RC_OK)
		op->id = store_agency_added(rows);
	agency_end(op);
}

void core_agency_add(struct core *core, struct call *call, const struct agency_add_request *request,
	core_id_fn done, void *arg)
{
	struct agency_op *op = core_alloc(sizeof(*op));

	op->core = core;
	op->call = call;
	op->done = done;
	op->arg = arg;
	op->fault.text = agency_copy(op, request);
	op->fault.rc = op->fault.text == NULL ? RC_OK : RC_PARAMETER_INVALID;
	for (size_t i = 0; op->fault.rc == RC_OK && i < AGENCY_LEVELS; i++)
		op->fault.rc = id_random(&op->fresh.ids[i]);
	if (op->fault.rc != RC_OK) {
		core_defer(core, agency_end, op);
		return;
	}
	audit_row_from_call(&op->row, call, "agency.added", RC_OK);
	for (size_t i = AGENCY_LEVELS; i > 0; i--) {
		if (op->fresh.path[i - 1] == NULL)
			continue;
		operate_detail(&op->row, "name", op->fresh.path[i - 1]);
		break;
	}
	if (op->fresh.sector != NULL)
		operate_detail(&op->row, "sector", op->fresh.sector);
	store_agency_add(core->pg, &op->row, &op->fresh, agency_on_added, op);
}

/* ---- list ---- */

struct agency_list_op {
	core_agencies_fn done;
	void *arg;
};

static void agencies_on_rows(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct agency_list_op *op = arg;
	struct fault fault = fault_of(rc);
	struct agency_view *views = NULL;
	size_t count = rc == RC_OK ? pg_row_count(rows) : 0;

	if (count > 0)
		views = core_alloc(count * sizeof(*views));
	for (size_t i = 0; i < count; i++) {
		struct agency_row row;
		store_agency_read(rows, i, &row);
		views[i] = (struct agency_view){
			.id = row.id,
			.sector = row.sector,
			.sector_inherited = row.sector_inherited,
			.province = row.province,
		};
		memcpy(views[i].path, row.path, sizeof(row.path));
	}
	op->done(op->arg, &fault, views, count);
	free(views);
	free(op);
}

void core_agency_list(struct core *core, struct call *call, core_agencies_fn done, void *arg)
{
	struct agency_list_op *op = core_alloc(sizeof(*op));

	(void)call; /* changes nothing: the router's row is the audit */
	*op = (struct agency_list_op){done, arg};
	store_agency_list(core->pg, AGENCY_LIST_MAX, agencies_on_rows, op);
}
