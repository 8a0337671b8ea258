#include "core/token.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/log.h"
#include "core/internal.h"
#include "store/token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN_LEN 32

struct token_op {
	struct core *core;
	struct call *call;
	core_token_fn done;
	void *arg;
	uint8_t given_sha256[SHA256_LEN]; /* of the secret that the client sent */
	struct secret token;
	struct principal who;
};

static void token_end(struct token_op *op, rc_t rc)
{
	struct fault fault = fault_of(rc);
	struct token_issued issued = {.token = &op->token, .expires_in_s = TOKEN_LIFETIME_S};

	op->done(op->arg, &fault, rc == RC_OK ? &issued : NULL);
	secret_free(&op->token);
	free(op);
}

static void principal_from_row(struct principal *who, const struct client_row *row)
{
	*who = (struct principal){
		.kind = PRINCIPAL_CLIENT,
		.client = row->client,
		.agency = row->agency,
		.client_version = row->version,
		.mode = strcmp(row->mode, "explicit") == 0 ? CLIENT_EXPLICIT : CLIENT_OAUTH2CODE,
	};
	snprintf(who->profile, sizeof(who->profile), "%s", row->profile);
}

static void token_added(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct token_op *op = arg;

	if (rc == RC_OK && pg_row_count(rows) == 0)
		rc = RC_CLIENT_SECRET_INVALID;
	else if (rc == RC_OK)
		op->call->audited = true;
	token_end(op, rc);
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

/* An unknown client's secret is compared too, with one that nothing hashes to. */
static rc_t secret_check(
	const struct token_op *op, const struct pg_rows *rows, struct client_row *row)
{
	static const uint8_t nobody[SHA256_LEN];
	bool known = pg_row_count(rows) == 1;
	struct span expected = sha256_span(nobody);

	if (known) {
		store_client_read(rows, row);
		expected = row->secret_sha256;
	}
	bool equal = secret_equal(sha256_span(op->given_sha256), expected);
	if (!known)
		return RC_CLIENT_ID_INVALID;
	return equal && strcmp(row->state, "active") == 0 ? RC_OK : RC_CLIENT_SECRET_INVALID;
}

static void client_loaded(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct token_op *op = arg;
	struct client_row row = {0};
	struct audit_row audit;
	uint8_t sha256[SHA256_LEN];

	if (rc == RC_OK)
		rc = secret_check(op, rows, &row);
	if (rc == RC_OK)
		rc = token_make(&op->token, sha256);
	if (rc == RC_OK || rc == RC_CLIENT_SECRET_INVALID)
		principal_from_row(&op->call->who, &row);
	if (rc != RC_OK) {
		token_end(op, rc);
		return;
	}
	audit_row_from_call(&audit, op->call, op->call->event, RC_OK);
	store_token_add(op->core->pg, &audit, &row.client, row.secret_sha256, sha256,
		clock_wall_ms() + TOKEN_LIFETIME_S * INT64_C(1000), token_added, op);
}

static void token_refuse_id(void *arg)
{
	token_end(arg, RC_CLIENT_ID_INVALID);
}

void core_token_issue(struct core *core, struct call *call, const char *client_id,
	struct span client_secret, core_token_fn done, void *arg)
{
	struct token_op *op = core_alloc(sizeof(*op));
	struct id client;

	*op = (struct token_op){.core = core, .call = call, .done = done, .arg = arg};
	if (id_parse(&client, client_id) != RC_OK ||
		digest_sha256(client_secret, op->given_sha256) != RC_OK)
		core_defer(core, token_refuse_id, op);
	else
		store_client_load(core->pg, &client, client_loaded, op);
}

/* Tokens that were good, at a place that their SHA-256 gives: a newer one takes it. */
#define TOKENS_KNOWN 1024

struct token_known {
	uint8_t sha256[SHA256_LEN];
	struct principal who;
	int64_t expires_ms; /* 0: none stands here */
};

struct core_tokens {
	struct token_known known[TOKENS_KNOWN];
};

rc_t core_tokens_start(struct core *core)
{
	core->tokens = core_alloc(sizeof(*core->tokens));
	return RC_OK;
}

void core_tokens_stop(struct core *core)
{
	free(core->tokens);
	core->tokens = NULL;
}

static struct token_known *token_place(struct core *core, const uint8_t sha256[SHA256_LEN])
{
	return &core->tokens->known[((size_t)sha256[0] << 8 | sha256[1]) % TOKENS_KNOWN];
}

static void token_remember(struct core *core, const struct call *call, int64_t expires_ms)
{
	struct token_known *place = token_place(core, call->token_sha256);

	memcpy(place->sha256, call->token_sha256, SHA256_LEN);
	place->who = call->who;
	place->expires_ms = expires_ms;
}

static void token_forget(struct core *core, const uint8_t sha256[SHA256_LEN])
{
	struct token_known *place = token_place(core, sha256);

	if (memcmp(place->sha256, sha256, SHA256_LEN) == 0)
		place->expires_ms = 0;
}

bool core_token_recall(struct core *core, struct call *call, struct span token)
{
	uint8_t sha256[SHA256_LEN];

	if (digest_sha256(token, sha256) != RC_OK)
		return false;
	const struct token_known *place = token_place(core, sha256);
	if (place->expires_ms <= clock_wall_ms() ||
		!secret_equal(sha256_span(place->sha256), sha256_span(sha256)))
		return false;
	memcpy(call->token_sha256, sha256, SHA256_LEN);
	call->who = place->who;
	call->recalled = true;
	return true;
}

struct authentication {
	struct core *core;
	struct call *call;
	core_done_fn done;
	void *arg;
};

static void authentication_end(struct authentication *op, rc_t rc)
{
	struct fault fault = fault_of(rc);

	if (rc == RC_TOKEN_INVALID || rc == RC_TOKEN_EXPIRED)
		token_forget(op->core, op->call->token_sha256);
	op->done(op->arg, &fault);
	free(op);
}

static void token_loaded(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct authentication *op = arg;
	struct client_row row;

	if (rc == RC_OK && pg_row_count(rows) == 0)
		rc = RC_TOKEN_INVALID;
	if (rc == RC_OK) {
		store_client_read(rows, &row);
		if (strcmp(row.state, "active") != 0)
			rc = RC_TOKEN_INVALID;
		else if (row.expires_ms <= clock_wall_ms())
			rc = RC_TOKEN_EXPIRED;
	}
	if (rc == RC_OK) {
		principal_from_row(&op->call->who, &row);
		token_remember(op->core, op->call, row.expires_ms);
	}
	authentication_end(op, rc);
}

static void token_load(struct core *core, struct call *call, core_done_fn done, void *arg)
{
	struct authentication *op = core_alloc(sizeof(*op));

	*op = (struct authentication){core, call, done, arg};
	store_token_load(core->pg, call->token_sha256, token_loaded, op);
}

void core_token_authenticate(
	struct core *core, struct call *call, struct span token, core_done_fn done, void *arg)
{
	/* the same for all: without a digest the process cannot do anything */
	if (digest_sha256(token, call->token_sha256) != RC_OK) {
		log_error("core: no SHA-256");
		abort();
	}
	token_load(core, call, done, arg);
}

void core_token_confirm(struct core *core, struct call *call, core_done_fn done, void *arg)
{
	call->recalled = false;
	call->who = (struct principal){.kind = PRINCIPAL_NONE};
	token_load(core, call, done, arg);
}
