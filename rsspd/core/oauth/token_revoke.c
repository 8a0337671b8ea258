/* Tokens that their owner gives back. Which kind it is shows in its form. */
#include "core/oauth/token.h"

#include "base/clock.h"
#include "core/internal.h"
#include "core/sad_cache.h"
#include "core/secret_text.h"
#include "core/subject.h"
#include "core/oauth/token_jwt.h"
#include "core/oauth/token_keys.h"
#include "store/refresh_token.h"
#include "store/token_revocation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct revoke_op {
	struct core *core;
	struct call *call;
	core_done_fn done;
	void *arg;
	rc_t rc;
	uint8_t sha256[SHA256_LEN]; /* of a refresh token or a SAD */
};

static void revoke_end(void *arg)
{
	struct revoke_op *op = arg;
	struct fault fault = fault_of(op->rc);

	op->done(op->arg, &fault);
	free(op);
}

static void revoke_ended(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct revoke_op *op = arg;

	(void)rows;
	core_tokens_doubt(op->core);
	op->call->audited = op->call->audited || rc == RC_OK;
	op->rc = rc;
	revoke_end(op);
}

static void revoke_row(const struct revoke_op *op, struct audit_row *row, const char *kind)
{
	audit_row_from_call(row, op->call, op->call->event, RC_OK);
	snprintf(row->detail, sizeof(row->detail), "{\"kind\":\"%s\"}", kind);
}

/* A client ends what was given to it; by a token that stands for one subscriber only what is his,
 * by one of scope credential only what is of that credential. */
static rc_t owner_check(const struct revoke_op *op, const struct id *client,
	const struct id *subscriber, const struct id *credential)
{
	const struct principal *who = &op->call->who;

	if (!id_equal(client, &who->client))
		return RC_REVOKED_INVALID;
	if (!id_is_zero(&who->subscriber) && !id_equal(subscriber, &who->subscriber))
		return RC_REVOKED_INVALID;
	if (id_is_zero(&who->sad_credential))
		return RC_OK;
	return credential != NULL && id_equal(credential, &who->sad_credential) ? RC_OK
										: RC_TOKEN_SCOPE;
}

/* ---- access tokens ---- */

static void access_revoke(struct revoke_op *op, struct span token)
{
	struct token_claims claims;
	struct audit_row row;

	op->rc = token_jwt_read(core_token_key_list(op->core), TOKEN_KEYS,
		op->core->settings.public_url, token, clock_wall_ms(), &claims);
	if (op->rc == RC_OK)
		op->rc = owner_check(op, &claims.client, &claims.subscriber, NULL);
	if (op->rc != RC_OK) {
		if (op->rc == RC_TOKEN_INVALID)
			op->rc = RC_REVOKED_INVALID;
		else if (op->rc == RC_TOKEN_EXPIRED)
			op->rc = RC_OK; /* it has ended by itself */
		core_defer(op->core, revoke_end, op);
		return;
	}
	op->call->subscriber = claims.subscriber;
	revoke_row(op, &row, "access");
	store_token_revoke(op->core->pg, &row, &claims.jti, claims.expires_ms, revoke_ended, op);
}

/* ---- refresh tokens ---- */

static void refresh_found(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct revoke_op *op = arg;
	struct refresh_row refresh;
	struct audit_row row;

	op->rc = rc;
	if (rc == RC_OK && pg_row_count(rows) == 1) {
		store_refresh_read(rows, &refresh);
		op->rc = owner_check(op, &refresh.client, &refresh.subscriber, NULL);
	}
	if (op->rc != RC_OK || pg_row_count(rows) != 1) {
		revoke_end(op);
		return;
	}
	op->call->subscriber = refresh.subscriber;
	revoke_row(op, &row, "refresh");
	store_consent_revoke(op->core->pg, &row, &refresh.consent, revoke_ended, op);
}

/* ---- SADs ---- */

static void sad_found(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct revoke_op *op = arg;
	struct audit_row row;

	op->rc = rc;
	if (rc == RC_OK && pg_row_count(rows) == 1) {
		struct id client = pg_id(rows, 0, 0);
		op->call->subscriber = pg_id(rows, 0, 1);
		op->call->credential = pg_id(rows, 0, 2);
		op->rc = owner_check(op, &client, &op->call->subscriber, &op->call->credential);
	}
	if (op->rc != RC_OK || pg_row_count(rows) != 1) {
		revoke_end(op);
		return;
	}
	sad_cache_drop(op->core, op->sha256);
	revoke_row(op, &row, "SAD");
	store_sad_revoke(op->core->pg, &row, op->sha256, &op->call->who.client, revoke_ended, op);
}

static rc_t sad_form_check(struct revoke_op *op, struct span token)
{
	struct sad_text sad = {.well_formed = false};
	rc_t rc = sad_text_read(&sad, token);

	if (rc == RC_OK && !sad.well_formed)
		rc = RC_REVOKED_INVALID;
	memcpy(op->sha256, sad.sha256, SHA256_LEN);
	sad_text_free(&sad);
	return rc;
}

void core_token_revoke(
	struct core *core, struct call *call, struct span token, core_done_fn done, void *arg)
{
	struct revoke_op *op = core_alloc(sizeof(*op));

	*op = (struct revoke_op){.core = core, .call = call, .done = done, .arg = arg};
	if (token.len > 0 && memchr(token.data, '.', token.len) != NULL) {
		access_revoke(op, token);
		return;
	}
	if (secret_text_is_formed(token)) {
		op->rc = digest_sha256(token, op->sha256);
		if (op->rc == RC_OK) {
			store_refresh_load(core->pg, op->sha256, refresh_found, op);
			return;
		}
	} else {
		op->rc = sad_form_check(op, token);
		if (op->rc == RC_OK) {
			store_sad_owner(core->pg, op->sha256, sad_found, op);
			return;
		}
	}
	core_defer(core, revoke_end, op);
}
