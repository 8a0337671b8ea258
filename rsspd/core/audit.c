#include "core/audit.h"

#include "base/clock.h"
#include "base/log.h"
#include "core/internal.h"

#include <stdlib.h>

static const char *result_of(rc_t rc)
{
	if (rc == RC_OK)
		return "ok";
	return rc_status(rc) >= 500 ? "failed" : "refused";
}

/* The rows of a request are counted in the last bits of its id (RFC 9562 §6.2). */
static struct id row_id(struct call *call)
{
	struct id id = call->request;
	unsigned number = ++call->rows;

	id.bytes[ID_LEN - 1] ^= (uint8_t)number;
	id.bytes[ID_LEN - 2] ^= (uint8_t)(number >> 8);
	return id;
}

void audit_row_from_call(struct audit_row *row, struct call *call, const char *event, rc_t rc)
{
	*row = (struct audit_row){
		.at_ms = clock_wall_ms(),
		.id = row_id(call),
		.request = call->request,
		.event = event,
		.result = result_of(rc),
		.code = rc_name(rc),
		.subscriber = call->subscriber,
		.credential = call->credential,
		.address = call->address,
		.rule = call->rule,
		.policy_version = call->policy_version,
	};
	/* on the pages: the client that the subscriber answers to */
	row->client = call->who.client;
	row->agency = call->who.agency;
	if (call->who.kind == PRINCIPAL_OPERATOR)
		row->operator_name = call->who.operator_name;
}

struct audit_writing {
	struct call *call;
	core_done_fn done;
	void *arg;
};

static void audit_written(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct audit_writing writing = *(struct audit_writing *)arg;
	struct fault fault = fault_of(rc);

	(void)rows;
	free(arg);
	if (rc == RC_OK)
		writing.call->audited = true;
	writing.done(writing.arg, &fault);
}

void core_audit_write(struct core *core, struct call *call, const struct audit_row *row,
	core_done_fn done, void *arg)
{
	struct audit_writing *writing = core_alloc(sizeof(*writing));

	*writing = (struct audit_writing){call, done, arg};
	store_audit_add(core->pg, row, audit_written, writing);
}

struct audit_finding {
	core_audit_fn done;
	void *arg;
	rc_t rc;
};

static void audit_refuse(void *arg)
{
	struct audit_finding finding = *(struct audit_finding *)arg;
	struct fault fault = fault_of(finding.rc);

	free(arg);
	finding.done(finding.arg, &fault, NULL);
}

static void audit_found(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct audit_finding finding = *(struct audit_finding *)arg;
	struct fault fault = fault_of(rc);
	struct audit_events found = {NULL, 0};
	struct audit_event *events = NULL;

	free(arg);
	if (rc != RC_OK) {
		finding.done(finding.arg, &fault, NULL);
		return;
	}
	found.count = pg_row_count(rows);
	events = core_alloc((found.count + 1) * sizeof(*events));
	for (size_t i = 0; i < found.count; i++)
		store_audit_read(rows, i, &events[i].row);
	found.events = events;
	finding.done(finding.arg, &fault, &found);
	free(events);
}

void core_audit_find(struct core *core, struct call *call, const struct audit_query *query,
	core_audit_fn done, void *arg)
{
	struct audit_finding *finding = core_alloc(sizeof(*finding));
	const struct audit_filter filter = {query->subscriber, query->credential, query->request,
		query->from_ms, query->to_ms, query->digest, query->limit};

	*finding = (struct audit_finding){done, arg, RC_OK};
	if (call->who.kind != PRINCIPAL_OPERATOR)
		finding->rc = RC_OPERATOR_REQUIRED;
	else if (query->limit < 1 || query->limit > 1000)
		finding->rc = RC_PARAMETER_INVALID;
	if (finding->rc != RC_OK)
		core_defer(core, audit_refuse, finding);
	else
		store_audit_find(core->pg, &filter, audit_found, finding);
}
