#include "core/client_grant.h"

#include "base/base64.h"
#include "base/clock.h"
#include "core/internal.h"
#include "store/token.h"

#include <stdlib.h>

#define TOKEN_LEN 32

struct grant_op {
	struct call *call;
	core_token_fn done;
	void *arg;
	rc_t rc;
	struct secret token;
};

static void grant_end(void *arg)
{
	struct grant_op *op = arg;
	struct fault fault = fault_of(op->rc);
	struct token_issued issued = {.token = &op->token, .expires_in_s = TOKEN_LIFETIME_S};

	op->done(op->arg, &fault, op->rc == RC_OK ? &issued : NULL);
	secret_free(&op->token);
	free(op);
}

static void grant_written(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct grant_op *op = arg;

	op->rc = rc;
	if (rc == RC_OK && pg_row_count(rows) == 0)
		op->rc = RC_CLIENT_SECRET_INVALID;
	else if (rc == RC_OK)
		op->call->audited = true;
	grant_end(op);
}

static rc_t token_make(struct secret *token, uint8_t sha256[SHA256_LEN])
{
	struct secret bytes = SECRET_INIT;

	rc_t rc = secret_random(&bytes, TOKEN_LEN);
	if (rc == RC_OK)
		rc = base64url_encode(&token->bytes, secret_span(&bytes));
	if (rc == RC_OK)
		rc = digest_sha256(secret_span(token), sha256);
	secret_free(&bytes);
	return rc;
}

void core_client_grant(struct core *core, struct call *call, const struct client_known *client,
	core_token_fn done, void *arg)
{
	struct grant_op *op = core_alloc(sizeof(*op));
	uint8_t sha256[SHA256_LEN];
	struct audit_row row;

	*op = (struct grant_op){.call = call, .done = done, .arg = arg};
	op->rc = client->confidential ? token_make(&op->token, sha256) : RC_GRANT_NOT_ALLOWED;
	if (op->rc != RC_OK) {
		core_defer(core, grant_end, op);
		return;
	}
	audit_row_from_call(&row, call, call->event, RC_OK);
	store_token_add(core->pg, &row, &client->id, client->secret_sha256, sha256,
		clock_wall_ms() + TOKEN_LIFETIME_S * INT64_C(1000), grant_written, op);
}
