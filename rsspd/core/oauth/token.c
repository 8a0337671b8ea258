#include "core/oauth/token.h"

#include "base/clock.h"
#include "base/log.h"
#include "core/oauth/sad_bearer.h"
#include "core/oauth/token_jwt.h"
#include "core/oauth/token_keys.h"
#include "core/oauth/token_revocation.h"

#include <stdlib.h>
#include <string.h>

/* Tokens whose signature was good, at a place that their SHA-256 gives: a newer one takes it. */
#define TOKENS_KNOWN 4096

struct token_known {
	uint8_t sha256[SHA256_LEN];
	struct token_claims claims; /* expires_ms 0: none stands here */
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

/* ---- making ---- */

bool core_token_ready(const struct core *core)
{
	return core_token_key_today(core) != NULL;
}

rc_t core_token_make(struct core *core, const struct token_terms *terms, struct secret *text,
	int64_t *expires_in_s)
{
	const struct token_key *key = core_token_key_today(core);
	int64_t now_ms = clock_wall_ms();
	struct token_claims claims = {
		.client = terms->client,
		.agency = terms->agency,
		.mode = terms->mode,
		.subscriber = terms->subscriber,
		.consent = terms->consent,
		.bound = terms->bound,
		.issued_ms = now_ms,
		.expires_ms = now_ms + TOKEN_LIFETIME_S * INT64_C(1000),
	};

	if (key == NULL)
		return RC_UNAVAILABLE;
	memcpy(claims.tls_sha256, terms->tls_sha256, SHA256_LEN);
	rc_t rc = id_at(&claims.jti, terms->issued_ms != 0 ? terms->issued_ms : now_ms);
	if (rc == RC_OK)
		rc = token_jwt_make(key, core->settings.public_url, &claims, text);
	if (rc == RC_OK)
		*expires_in_s = TOKEN_LIFETIME_S;
	return rc;
}

/* ---- reading ---- */

/* RC_OK: the claims of a token that is ours and was not late when it was first seen. */
static rc_t claims_find(
	struct core *core, struct span token, int64_t now_ms, const struct token_claims **claims)
{
	uint8_t sha256[SHA256_LEN];
	struct token_claims fresh;

	rc_t rc = digest_sha256(token, sha256);
	if (rc != RC_OK)
		return rc;
	struct token_known *place =
		&core->tokens->known[((size_t)sha256[0] << 8 | sha256[1]) % TOKENS_KNOWN];
	if (place->claims.expires_ms == 0 ||
		!secret_equal(sha256_span(place->sha256), sha256_span(sha256))) {
		rc = token_jwt_read(core_token_key_list(core), TOKEN_KEYS,
			core->settings.public_url, token, now_ms, &fresh);
		if (rc != RC_OK)
			return rc;
		memcpy(place->sha256, sha256, SHA256_LEN);
		place->claims = fresh;
	}
	*claims = &place->claims;
	return RC_OK;
}

static void who_from_claims(struct principal *who, const struct token_claims *claims)
{
	*who = (struct principal){
		.kind = PRINCIPAL_CLIENT,
		.client = claims->client,
		.agency = claims->agency,
		.mode = claims->mode,
		.subscriber = claims->subscriber,
		.consent = claims->consent,
	};
}

static bool binding_kept(const struct call *call, const struct token_claims *claims)
{
	if (!claims->bound)
		return true;
	return call->has_tls && memcmp(call->tls_sha256, claims->tls_sha256, SHA256_LEN) == 0;
}

/* All but whether it was revoked. */
static rc_t token_check(struct core *core, const struct call *call, struct span token,
	const struct token_claims **claims)
{
	int64_t now_ms = clock_wall_ms();
	rc_t rc = claims_find(core, token, now_ms, claims);

	if (rc == RC_OK && (*claims)->expires_ms <= now_ms)
		rc = RC_TOKEN_EXPIRED;
	if (rc == RC_OK && !binding_kept(call, *claims))
		rc = RC_TOKEN_INVALID;
	return rc;
}

static bool token_is_jwt(struct span token)
{
	return token.len > 0 && memchr(token.data, '.', token.len) != NULL;
}

bool core_token_recognise(struct core *core, struct call *call, struct span token, rc_t *rc)
{
	const struct token_claims *claims = NULL;

	if (!token_is_jwt(token))
		return false;
	rc_t checked = token_check(core, call, token, &claims);
	if (checked == RC_OK) {
		enum revoked revoked = core_token_revoked(core, claims);
		if (revoked == REVOKED_UNKNOWN)
			return false;
		if (revoked == REVOKED_ALREADY)
			checked = RC_TOKEN_EXPIRED;
		else
			who_from_claims(&call->who, claims);
	}
	*rc = checked;
	return true;
}

/* ---- asked of the database ---- */

struct authentication {
	struct core *core;
	struct call *call;
	core_done_fn done;
	void *arg;
	struct principal who;
	rc_t rc;
};

static void authentication_end(void *arg)
{
	struct authentication *op = arg;
	struct fault fault = fault_of(op->rc);

	if (op->rc == RC_OK)
		op->call->who = op->who;
	op->done(op->arg, &fault);
	free(op);
}

static void revocation_asked(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct authentication *op = arg;

	op->rc = rc;
	if (rc == RC_OK && pg_row_count(rows) != 1)
		op->rc = RC_INTERNAL;
	else if (rc == RC_OK && pg_bool(rows, 0, 0))
		op->rc = RC_TOKEN_EXPIRED;
	authentication_end(op);
}

void core_token_authenticate(
	struct core *core, struct call *call, struct span token, core_done_fn done, void *arg)
{
	if (!token_is_jwt(token)) {
		core_sad_bearer(core, call, token, done, arg);
		return;
	}
	struct authentication *op = core_alloc(sizeof(*op));
	const struct token_claims *claims = NULL;
	*op = (struct authentication){core, call, done, arg, {.kind = PRINCIPAL_NONE}, RC_OK};
	op->rc = token_check(core, call, token, &claims);
	if (op->rc != RC_OK) {
		core_defer(core, authentication_end, op);
		return;
	}
	struct revocation_query query = {
		.jti = claims->jti,
		.consent = claims->consent,
		.client = claims->client,
		.subscriber = claims->subscriber,
		.issued_ms = id_wall_ms(&claims->jti),
	};
	who_from_claims(&op->who, claims);
	store_revocation_ask(core->pg, &query, revocation_asked, op);
}
