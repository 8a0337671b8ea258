#include "core/oauth/refresh_token.h"

#include "base/clock.h"
#include "core/internal.h"
#include "core/secret_text.h"
#include "store/refresh_token.h"

#include <stdlib.h>
#include <string.h>

#define ROUNDS 2 /* who finds another one faster looks again, and then it was used */

struct refresh_op {
	struct core *core;
	struct call *call;
	core_token_fn done;
	void *arg;
	rc_t rc;
	unsigned rounds;
	struct refresh_use use;
	struct token_terms terms;
	struct secret token, next;
	int64_t expires_in_s;
};

static void refresh_end(void *arg)
{
	struct refresh_op *op = arg;
	struct fault fault = fault_of(op->rc);
	struct token_issued issued = {.token = &op->token,
		.expires_in_s = op->expires_in_s,
		.refresh = &op->next,
		.consent = op->use.of.consent};

	op->done(op->arg, &fault, op->rc == RC_OK ? &issued : NULL);
	secret_free(&op->token);
	secret_free(&op->next);
	free(op);
}

static void refresh_fail(struct refresh_op *op, rc_t rc)
{
	op->rc = rc;
	refresh_end(op);
}

/* ---- it came again ---- */

static void reuse_ended(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct refresh_op *op = arg;

	(void)rows;
	core_tokens_doubt(op->core);
	if (rc == RC_OK)
		op->call->audited = true;
	refresh_fail(op, rc == RC_OK ? RC_REFRESH_TOKEN_INVALID : rc);
}

static void reuse_punish(struct refresh_op *op)
{
	struct audit_row row;

	audit_row_from_call(&row, op->call, "token.reused", RC_REFRESH_TOKEN_INVALID);
	store_consent_revoke(op->core->pg, &row, &op->use.of.consent, reuse_ended, op);
}

/* ---- one for another ---- */

static void refresh_load(struct refresh_op *op);

static void refresh_used(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct refresh_op *op = arg;

	if (rc == RC_OK && pg_row_count(rows) == 0) {
		if (++op->rounds < ROUNDS)
			refresh_load(op);
		else
			refresh_fail(op, RC_REFRESH_TOKEN_INVALID);
		return;
	}
	if (rc == RC_OK) {
		op->call->audited = true;
		op->terms.issued_ms = pg_time_ms(rows, 0, 0);
		rc = core_token_make(op->core, &op->terms, &op->token, &op->expires_in_s);
	}
	op->rc = rc;
	refresh_end(op);
}

static void refresh_use(struct refresh_op *op)
{
	struct audit_row row;

	rc_t rc = core_token_ready(op->core) ? RC_OK : RC_UNAVAILABLE;
	if (rc == RC_OK)
		rc = secret_text_make(&op->next, op->use.next_sha256);
	if (rc != RC_OK) {
		refresh_fail(op, rc);
		return;
	}
	op->use.next_ends_ms = clock_wall_ms() + REFRESH_TOKEN_LIFETIME_S * INT64_C(1000);
	audit_row_from_call(&row, op->call, op->call->event, RC_OK);
	snprintf(row.detail, sizeof(row.detail), "{\"grant\":\"refresh_token\"}");
	store_refresh_use(op->core->pg, &row, &op->use, refresh_used, op);
}

static rc_t refresh_check(const struct refresh_op *op, const struct refresh_row *row)
{
	if (!id_equal(&row->client, &op->use.of.client))
		return RC_REFRESH_TOKEN_INVALID;
	if (row->revoked || row->disabled)
		return RC_REFRESH_TOKEN_INVALID;
	return row->ends_ms > clock_wall_ms() ? RC_OK : RC_REFRESH_TOKEN_EXPIRED;
}

static void refresh_loaded(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct refresh_op *op = arg;
	struct refresh_row row;

	if (rc == RC_OK && pg_row_count(rows) != 1)
		rc = RC_REFRESH_TOKEN_INVALID;
	if (rc == RC_OK) {
		store_refresh_read(rows, &row);
		rc = refresh_check(op, &row);
	}
	if (rc != RC_OK) {
		refresh_fail(op, rc);
		return;
	}
	op->call->subscriber = row.subscriber;
	op->use.of.consent = op->terms.consent = row.consent;
	op->use.of.subscriber = op->terms.subscriber = row.subscriber;
	if (row.used)
		reuse_punish(op);
	else
		refresh_use(op);
}

static void refresh_load(struct refresh_op *op)
{
	store_refresh_load(op->core->pg, op->use.of.sha256, refresh_loaded, op);
}

void core_refresh_token_use(struct core *core, struct call *call, const struct client_known *client,
	struct span token, core_token_fn done, void *arg)
{
	struct refresh_op *op = core_alloc(sizeof(*op));

	*op = (struct refresh_op){.core = core, .call = call, .done = done, .arg = arg};
	op->use.of.client = client->id;
	op->use.of.client_version = client->version;
	op->terms = (struct token_terms){.client = client->id,
		.agency = client->agency,
		.mode = client->mode,
		.bound = client->bound};
	memcpy(op->terms.tls_sha256, client->tls_sha256, SHA256_LEN);
	op->rc = secret_text_is_formed(token) ? digest_sha256(token, op->use.of.sha256)
					      : RC_REFRESH_TOKEN_INVALID;
	if (op->rc == RC_OK)
		refresh_load(op);
	else
		core_defer(core, refresh_end, op);
}
