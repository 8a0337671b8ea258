#include "core/oauth/client_auth.h"

#include "base/clock.h"
#include "base/secret.h"
#include "core/internal.h"
#include "core/oauth/jws.h"
#include "store/client.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#define JTI_MAX 255

/* One way to prove oneself. */
enum proof_way { WAY_NONE, WAY_SECRET, WAY_ASSERTION };

struct client_op {
	struct core *core;
	struct call *call;
	core_client_fn2 done;
	void *arg;
	bool prove; /* false: core_client_find() */
	enum proof_way way;
	struct id id;
	uint8_t given_sha256[SHA256_LEN]; /* of the secret that came */
	struct jws *assertion;
	struct buf endpoint;
	rc_t rc;
	char text[200]; /* of the fault; "": the error list's */
	struct client_known known;
	json_t *redirect_uris;
	uint8_t secret_sha256[SHA256_LEN]; /* the registered one */
};

static void client_op_end(void *arg)
{
	struct client_op *op = arg;
	struct fault fault = {.rc = op->rc, .text = op->text[0] == 0 ? NULL : op->text};

	op->done(op->arg, &fault, op->rc == RC_OK ? &op->known : NULL);
	jws_free(&op->assertion);
	buf_free(&op->endpoint);
	json_decref(op->redirect_uris);
	OPENSSL_cleanse(op, sizeof(*op));
	free(op);
}

/* Who it is, from its row */

static rc_t known_from_record(struct client_op *op, const struct client_record *row)
{
	struct client_known *known = &op->known;

	*known = (struct client_known){
		.id = row->id,
		.agency = row->agency,
		.version = row->version,
		.mode = strcmp(row->mode, "explicit") == 0 ? CLIENT_EXPLICIT : CLIENT_OAUTH2CODE,
		.csc_version = row->csc_version,
		.confidential = strcmp(row->authentication, "none") != 0,
		.bound = row->tls_sha256.len == SHA256_LEN,
	};
	snprintf(known->name, sizeof(known->name), "%s", row->name);
	snprintf(known->profile, sizeof(known->profile), "%s", row->profile);
	if (known->bound)
		memcpy(known->tls_sha256, row->tls_sha256.data, SHA256_LEN);
	if (row->secret_sha256.len == SHA256_LEN) {
		memcpy(op->secret_sha256, row->secret_sha256.data, SHA256_LEN);
		known->secret_sha256 = sha256_span(op->secret_sha256);
	}
	op->redirect_uris = json_loads(row->redirect_uris, 0, NULL);
	known->redirect_uris = op->redirect_uris;
	return json_is_array(op->redirect_uris) ? RC_OK : RC_INTERNAL;
}

static void client_becomes_principal(struct call *call, const struct client_known *known)
{
	call->who = (struct principal){
		.kind = PRINCIPAL_CLIENT,
		.client = known->id,
		.agency = known->agency,
		.client_version = known->version,
		.mode = known->mode,
	};
	memcpy(call->who.profile, known->profile, sizeof(call->who.profile));
}

/* A client's assertion: RFC 7523 §3 */

static bool claim_is(const json_t *claims, const char *name, const char *wanted)
{
	const char *value = json_string_value(json_object_get(claims, name));

	return value != NULL && strcmp(value, wanted) == 0;
}

/* The issuer (draft-ietf-oauth-rfc7523bis) or this endpoint; several only if all of them are. */
static bool audience_is_ours(const struct client_op *op, const json_t *claims)
{
	const json_t *audience = json_object_get(claims, "aud");
	size_t count = json_is_string(audience) ? 1 : json_array_size(audience);

	for (size_t i = 0; i < count; i++) {
		const char *one = json_string_value(
			json_is_string(audience) ? audience : json_array_get(audience, i));
		if (one == NULL || (strcmp(one, op->core->settings.public_url) != 0 &&
					   !span_equal(span_string(one), buf_span(&op->endpoint))))
			return false;
	}
	return count > 0;
}

/* NumericDate may have a fraction (RFC 7519 §2). Absent: `otherwise`. */
static double claim_time(const json_t *claims, const char *name, double otherwise)
{
	const json_t *value = json_object_get(claims, name);

	return json_is_number(value) ? json_number_value(value) : otherwise;
}

static bool claim_is_late(const json_t *claims, const char *name, double now)
{
	return claim_time(claims, name, 0) > now + CLIENT_CLOCK_SKEW_S;
}

static const char *assertion_fault(const struct client_op *op, const json_t *claims, double now)
{
	const char *type = jws_type(op->assertion);
	size_t jti = json_string_length(json_object_get(claims, "jti"));
	double ends = claim_time(claims, "exp", 0);
	char id[ID_TEXT];

	id_format(&op->id, id);
	if (type != NULL && strcasecmp(type, "JWT") != 0 &&
		strcasecmp(type, "client-authentication+jwt") != 0)
		return "typ must be JWT or client-authentication+jwt";
	if (!claim_is(claims, "iss", id) || !claim_is(claims, "sub", id))
		return "iss and sub must both be the client_id";
	if (!audience_is_ours(op, claims))
		return "aud must be the issuer or the address of this endpoint";
	if (ends <= now)
		return "exp is missing, or it has expired";
	if (ends > now + CLIENT_ASSERTION_MAX_S + CLIENT_CLOCK_SKEW_S)
		return "exp must be at most 5 minutes ahead";
	if (claim_is_late(claims, "nbf", now) || claim_is_late(claims, "iat", now))
		return "nbf or iat is in the future";
	if (jti == 0 || jti > JTI_MAX)
		return "jti must be a text of 1 to 255 bytes";
	return NULL;
}

static void assertion_refuse(struct client_op *op, const char *why)
{
	op->rc = RC_CLIENT_ASSERTION_INVALID;
	snprintf(op->text, sizeof(op->text), "%s: %s", rc_text(op->rc, RC_CSC_V2), why);
}

static void assertion_used(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct client_op *op = arg;

	op->rc = rc;
	if (rc == RC_OK && pg_row_count(rows) == 0)
		assertion_refuse(op, "this jti was used before; make a new one for each request");
	client_op_end(op);
}

/* True: the answer comes by assertion_used(). */
static bool assertion_check(struct client_op *op, const struct client_record *row)
{
	const json_t *claims = jws_claims(op->assertion);
	double now = (double)clock_wall_ms() / 1000;
	struct jws_keys *keys = NULL;
	const char *why = NULL;
	uint8_t jti_sha256[SHA256_LEN];

	op->rc = jws_keys_parse(span_string(row->jwks), &keys, &why);
	if (op->rc != RC_OK) {
		op->rc = op->rc == RC_FORMAT ? RC_INTERNAL : op->rc;
		return false; /* it was checked when it was registered */
	}
	op->rc = jws_verify(op->assertion, keys);
	jws_keys_free(&keys);
	why = op->rc == RC_FORMAT ? "it is not signed by a registered key with that key's algorithm"
	      : op->rc == RC_OK	  ? assertion_fault(op, claims, now)
				  : NULL;
	if (why != NULL)
		assertion_refuse(op, why);
	if (op->rc == RC_OK)
		op->rc = digest_sha256(
			span_string(json_string_value(json_object_get(claims, "jti"))), jti_sha256);
	if (op->rc != RC_OK)
		return false;
	int64_t ends_ms = (int64_t)(claim_time(claims, "exp", 0) + CLIENT_CLOCK_SKEW_S) * 1000;
	store_jti_use(op->core->pg, &op->id, jti_sha256, ends_ms, assertion_used, op);
	return true;
}

/* The ways */

static rc_t secret_check(const struct client_op *op)
{
	if (op->way == WAY_NONE)
		return RC_CLIENT_AUTH_REQUIRED;
	if (op->way != WAY_SECRET)
		return RC_CLIENT_AUTH_METHOD;
	return secret_equal(sha256_span(op->given_sha256), sha256_span(op->secret_sha256))
		       ? RC_OK
		       : RC_CLIENT_SECRET_INVALID;
}

static rc_t tls_check(const struct client_op *op)
{
	const struct call *call = op->call;

	if (op->way != WAY_NONE)
		return RC_CLIENT_AUTH_METHOD;
	if (!call->has_tls)
		return RC_CLIENT_AUTH_REQUIRED;
	return secret_equal(sha256_span(call->tls_sha256), sha256_span(op->known.tls_sha256))
		       ? RC_OK
		       : RC_CLIENT_CERTIFICATE_INVALID;
}

/* As it was registered, and in no other way. True: the answer comes later. */
static bool client_prove(struct client_op *op, const struct client_record *row)
{
	if (strcmp(row->authentication, "secret") == 0) {
		op->rc = secret_check(op);
	} else if (strcmp(row->authentication, "tls") == 0) {
		op->rc = tls_check(op);
	} else if (strcmp(row->authentication, "none") == 0) {
		op->rc = op->way == WAY_NONE ? RC_OK : RC_CLIENT_AUTH_METHOD;
	} else if (op->way == WAY_ASSERTION) {
		return assertion_check(op, row);
	} else {
		op->rc = op->way == WAY_NONE ? RC_CLIENT_AUTH_REQUIRED : RC_CLIENT_AUTH_METHOD;
	}
	return false;
}

static void client_loaded(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct client_op *op = arg;
	struct client_record row = {0};

	op->rc = rc;
	if (rc == RC_OK && pg_row_count(rows) == 0) {
		/* what a known one's secret costs; nothing hashes to zeros */
		op->rc = secret_check(op) == RC_OK ? RC_INTERNAL : RC_CLIENT_ID_INVALID;
	} else if (rc == RC_OK) {
		store_client_get(rows, 0, &row);
		op->rc = known_from_record(op, &row);
	}
	if (op->rc == RC_OK && op->prove)
		client_becomes_principal(op->call, &op->known);
	if (op->rc == RC_OK && strcmp(row.state, "active") != 0)
		op->rc = RC_CLIENT_ID_INVALID;
	if (op->rc == RC_OK && op->prove && client_prove(op, &row))
		return;
	client_op_end(op);
}

/* What came */

static rc_t assertion_read(struct client_op *op, const struct client_proof *proof)
{
	if (!span_equal(proof->assertion_type, span_string(ASSERTION_TYPE))) {
		assertion_refuse(op, "client_assertion_type must be " ASSERTION_TYPE);
		return op->rc;
	}
	rc_t rc = jws_parse(proof->assertion, &op->assertion);
	if (rc != RC_FORMAT)
		return rc;
	assertion_refuse(op, "it is no compact JWS with alg RS256, PS256 or ES256 and without crit "
			     "or a key of its own");
	return op->rc;
}

/* RFC 6749 §2.3: not more than one way. An empty secret is none (§2.3.1). */
static rc_t proof_read(struct client_op *op, const struct client_proof *proof)
{
	bool assertion = proof->assertion.data != NULL || proof->assertion_type.data != NULL;

	if (assertion && (proof->secret.len > 0 || proof->basic))
		return RC_MALFORMED;
	if (proof->secret.len > 0) {
		op->way = WAY_SECRET;
		return digest_sha256(proof->secret, op->given_sha256);
	}
	if (!assertion)
		return RC_OK;
	op->way = WAY_ASSERTION;
	rc_t rc = buf_set(&op->endpoint, span_string(proof->endpoint));
	return rc == RC_OK ? assertion_read(op, proof) : rc;
}

static rc_t id_read(struct client_op *op, struct span given)
{
	char text[ID_TEXT];

	if (given.len == 0 && op->assertion != NULL)
		given = span_string(
			json_string_value(json_object_get(jws_claims(op->assertion), "sub")));
	if (given.len == 0)
		return RC_CLIENT_ID_MISSING;
	if (given.len != ID_TEXT - 1)
		return RC_CLIENT_ID_INVALID;
	memcpy(text, given.data, given.len);
	text[given.len] = 0;
	return id_parse(&op->id, text) == RC_OK ? RC_OK : RC_CLIENT_ID_INVALID;
}

static void client_op_start(struct client_op *op)
{
	if (op->rc == RC_OK)
		store_client_find(op->core->pg, &op->id, client_loaded, op);
	else
		core_defer(op->core, client_op_end, op);
}

void core_client_authenticate(struct core *core, struct call *call,
	const struct client_proof *proof, core_client_fn2 done, void *arg)
{
	struct client_op *op = core_alloc(sizeof(*op));

	*op = (struct client_op){
		.core = core, .call = call, .done = done, .arg = arg, .prove = true};
	op->rc = proof_read(op, proof);
	if (op->rc == RC_OK)
		op->rc = id_read(op, proof->id);
	client_op_start(op);
}

void core_client_find(
	struct core *core, struct call *call, struct span id, core_client_fn2 done, void *arg)
{
	struct client_op *op = core_alloc(sizeof(*op));

	*op = (struct client_op){.core = core, .call = call, .done = done, .arg = arg};
	op->rc = id_read(op, id);
	client_op_start(op);
}

bool core_client_redirects_to(const struct client_known *client, const char *uri)
{
	for (size_t i = 0; i < json_array_size(client->redirect_uris); i++) {
		const char *one = json_string_value(json_array_get(client->redirect_uris, i));
		if (one != NULL && strcmp(one, uri) == 0)
			return true;
	}
	return false;
}
