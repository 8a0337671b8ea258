#include "core/oauth/account_token.h"

#include "base/clock.h"
#include "core/internal.h"
#include "core/oauth/jws.h"
#include "store/client.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define JTI_MAX 255

struct account_op {
	core_hint_fn done;
	void *arg;
	rc_t rc;
	struct id subscriber;
};

static void account_end(void *arg)
{
	struct account_op *op = arg;
	struct fault fault = fault_of(op->rc);

	op->done(op->arg, &fault, op->rc == RC_OK ? &op->subscriber : NULL);
	free(op);
}

static void account_used(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct account_op *op = arg;

	op->rc = rc == RC_OK && pg_row_count(rows) == 0 ? RC_ACCOUNT_TOKEN_INVALID : rc;
	account_end(op);
}

static const char *claim_text(const json_t *claims, const char *name)
{
	const char *text = json_string_value(json_object_get(claims, name));

	return text == NULL ? "" : text;
}

/* CSC 1.0.4, 8.3.2: azp is the client, iat is recent, jti is there; exp where it is there, too. */
static bool claims_are_good(const json_t *claims, const struct client_known *client, double now)
{
	const json_t *iat = json_object_get(claims, "iat"), *exp = json_object_get(claims, "exp");
	size_t jti = strlen(claim_text(claims, "jti"));
	char id[ID_TEXT];

	id_format(&client->id, id);
	return strcmp(claim_text(claims, "azp"), id) == 0 && json_is_number(iat) &&
	       json_number_value(iat) >= now - ACCOUNT_TOKEN_MAX_AGE_S &&
	       json_number_value(iat) <= now + CLIENT_CLOCK_SKEW_S &&
	       (exp == NULL || (json_is_number(exp) && json_number_value(exp) > now)) && jti > 0 &&
	       jti <= JTI_MAX;
}

static rc_t account_read(struct account_op *op, const struct client_known *client,
	struct span token, uint8_t jti_sha256[SHA256_LEN])
{
	struct jws *jws = NULL;
	rc_t rc = jws_parse(token, &jws);
	const char *type = rc == RC_OK ? jws_type(jws) : NULL;

	if (rc == RC_OK)
		rc = jws_verify_hmac(jws, client->secret_sha256);
	if (rc == RC_OK && type != NULL && strcasecmp(type, "JWT") != 0)
		rc = RC_FORMAT;
	if (rc == RC_OK &&
		!claims_are_good(jws_claims(jws), client, (double)clock_wall_ms() / 1000))
		rc = RC_FORMAT;
	if (rc == RC_OK)
		rc = id_parse(&op->subscriber, claim_text(jws_claims(jws), "sub"));
	if (rc == RC_OK)
		rc = digest_sha256(span_string(claim_text(jws_claims(jws), "jti")), jti_sha256);
	jws_free(&jws);
	return rc == RC_OK || rc == RC_NO_MEMORY ? rc : RC_ACCOUNT_TOKEN_INVALID;
}

void core_account_token_read(struct core *core, struct call *call,
	const struct client_known *client, struct span token, core_hint_fn done, void *arg)
{
	struct account_op *op = core_alloc(sizeof(*op));
	uint8_t jti_sha256[SHA256_LEN];
	int64_t ends_ms = clock_wall_ms() +
			  (ACCOUNT_TOKEN_MAX_AGE_S + 2 * CLIENT_CLOCK_SKEW_S) * INT64_C(1000);

	(void)call; /* a hint changes nothing: its row is the request's */
	*op = (struct account_op){.done = done, .arg = arg};
	op->rc = account_read(op, client, token, jti_sha256);
	if (op->rc == RC_OK)
		store_jti_use(core->pg, &client->id, jti_sha256, ends_ms, account_used, op);
	else
		core_defer(core, account_end, op);
}
