#include "core/session.h"

#include "core/internal.h"

#include <stdlib.h>

struct session_op {
	core_done_fn done;
	void *arg;
};

static void session_refuse(void *arg)
{
	struct session_op *op = arg;
	struct fault fault = fault_of(RC_SESSION_ENDED);

	op->done(op->arg, &fault);
	free(op);
}

void core_session_authenticate(struct core *core, struct call *call, struct span cookie,
	struct span csrf, core_done_fn done, void *arg)
{
	struct session_op *op = core_alloc(sizeof(*op));

	(void)call;
	(void)cookie;
	(void)csrf;
	*op = (struct session_op){done, arg};
	core_defer(core, session_refuse, op);
}
