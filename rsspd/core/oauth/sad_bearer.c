#include "core/oauth/sad_bearer.h"

#include "base/clock.h"
#include "core/subject.h"
#include "store/sad.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bearer_op {
	struct core *core;
	struct call *call;
	core_done_fn done;
	void *arg;
	rc_t rc;
	struct sad_text sad;
};

static void bearer_end(void *arg)
{
	struct bearer_op *op = arg;
	struct fault fault = fault_of(op->rc);

	op->done(op->arg, &fault);
	sad_text_free(&op->sad);
	free(op);
}

/* A spent one still reads its credential; it signs nothing more. */
static rc_t bearer_check(const struct bearer_op *op, const struct sad_bearer_row *row)
{
	bool same = op->call->has_tls &&
		    secret_equal(row->tls_sha256, sha256_span(op->call->tls_sha256));

	if (!row->client_active || (row->tls_sha256.len > 0 && !same))
		return RC_TOKEN_INVALID;
	bool ours = strcmp(row->state, "live") == 0 || strcmp(row->state, "spent") == 0;
	return ours && !row->revoked && row->end_ms > clock_wall_ms() ? RC_OK : RC_TOKEN_EXPIRED;
}

static void bearer_loaded(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct bearer_op *op = arg;
	struct principal *who = &op->call->who;
	struct sad_bearer_row row;

	if (rc == RC_OK && pg_row_count(rows) != 1)
		rc = RC_TOKEN_INVALID;
	if (rc == RC_OK) {
		store_sad_bearer_read(rows, &row);
		rc = bearer_check(op, &row);
	}
	if (rc == RC_OK) {
		*who = (struct principal){
			.kind = PRINCIPAL_CLIENT,
			.client = row.client,
			.agency = row.agency,
			.client_version = row.client_version,
			.mode = CLIENT_OAUTH2CODE,
			.subscriber = row.subscriber,
			.consent = row.consent,
			.sad_credential = row.credential,
		};
		snprintf(who->profile, sizeof(who->profile), "%s", row.profile);
	}
	op->rc = rc == RC_STORE_UNKNOWN ? RC_STORE_DOWN : rc;
	bearer_end(op);
}

void core_sad_bearer(
	struct core *core, struct call *call, struct span token, core_done_fn done, void *arg)
{
	struct bearer_op *op = core_alloc(sizeof(*op));

	*op = (struct bearer_op){.core = core, .call = call, .done = done, .arg = arg};
	op->rc = sad_text_read(&op->sad, token);
	if (op->rc == RC_OK && !op->sad.well_formed)
		op->rc = RC_TOKEN_INVALID;
	if (op->rc != RC_OK)
		core_defer(core, bearer_end, op);
	else
		store_sad_bearer(core->pg, op->sad.sha256, bearer_loaded, op);
}
