#include "core/oauth/client_grant.h"

#include "core/internal.h"
#include "store/token_revocation.h"

#include <stdlib.h>
#include <string.h>

struct grant_op {
	struct core *core;
	struct call *call;
	core_token_fn done;
	void *arg;
	rc_t rc;
	struct token_terms terms;
	struct secret token;
	int64_t expires_in_s;
};

static void grant_end(void *arg)
{
	struct grant_op *op = arg;
	struct fault fault = fault_of(op->rc);
	struct token_issued issued = {.token = &op->token, .expires_in_s = op->expires_in_s};

	op->done(op->arg, &fault, op->rc == RC_OK ? &issued : NULL);
	secret_free(&op->token);
	free(op);
}

static void grant_written(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct grant_op *op = arg;

	rc = core_outcome(op->call, rc, rows, RC_CLIENT_SECRET_INVALID);
	if (rc == RC_OK) {
		op->terms.issued_ms = pg_time_ms(rows, 0, 0);
		rc = core_token_make(op->core, &op->terms, &op->token, &op->expires_in_s);
	}
	op->rc = rc;
	grant_end(op);
}

void core_client_grant(struct core *core, struct call *call, const struct client_known *client,
	core_token_fn done, void *arg)
{
	struct grant_op *op = core_alloc(sizeof(*op));
	struct audit_row row;

	*op = (struct grant_op){.core = core, .call = call, .done = done, .arg = arg};
	op->terms = (struct token_terms){.client = client->id,
		.agency = client->agency,
		.mode = client->mode,
		.bound = client->bound};
	memcpy(op->terms.tls_sha256, client->tls_sha256, SHA256_LEN);
	op->rc = client->confidential ? RC_OK : RC_GRANT_NOT_ALLOWED;
	if (op->rc == RC_OK && !core_token_ready(core))
		op->rc = RC_UNAVAILABLE;
	if (op->rc != RC_OK) {
		core_defer(core, grant_end, op);
		return;
	}
	audit_row_from_call(&row, call, call->event, RC_OK);
	store_token_granted(core->pg, &row, &client->id, client->version, client->secret_sha256,
		grant_written, op);
}
