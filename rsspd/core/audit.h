/* Audit rows: built here, written by the store in the commit they belong to. */
#ifndef CORE_AUDIT_H
#define CORE_AUDIT_H

#include "core/call.h"
#include "store/audit.h"

/* Fills a row from the call: request, who, address, time; result and code from rc. */
void audit_row_from_call(struct audit_row *row, struct call *call, const char *event, rc_t rc);

/* For operations that change nothing else. */
void core_audit_write(struct core *core, struct call *call, const struct audit_row *row,
	core_done_fn done, void *arg);

struct audit_query {
	struct id subscriber, credential, request; /* zero: any */
	int64_t from_ms, to_ms;			   /* 0: open */
	struct span digest;			   /* of a document's signed bytes; empty: any */
	uint32_t limit;				   /* 1 to 1000 */
};

struct audit_event {
	struct audit_row row;
	/* digests and signatures of the row, one after another */
};

struct audit_events {
	const struct audit_event *events;
	size_t count;
};

typedef void (*core_audit_fn)(
	void *arg, const struct fault *fault, const struct audit_events *events);
/* Operators only. Newest last. */
void core_audit_find(struct core *core, struct call *call, const struct audit_query *query,
	core_audit_fn done, void *arg);

#endif
