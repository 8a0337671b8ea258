/* A code for what it stands for: loaded, checked, used up in one commit, opened. */
#include "core/oauth/code.h"

#include "base/base64.h"
#include "base/clock.h"
#include "core/oauth/authorization.h"
#include "core/internal.h"
#include "core/oauth/refresh_token.h"
#include "core/secret_text.h"
#include "core/subject.h"
#include "core/oauth/token.h"
#include "store/authorization_code.h"
#include "store/refresh_token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct redeem_op {
	struct core *core;
	struct call *call;
	core_code_fn done;
	void *arg;
	rc_t rc;
	struct client_known client; /* without what points elsewhere */
	struct secret code, verifier;
	struct buf redirect_uri, details;
	bool has_redirect_uri, has_verifier, has_details;
	struct authorization asked; /* what was approved */
	struct code_use use;
	struct secret token, refresh;
	uint8_t refresh_sha256[SHA256_LEN];
	int64_t expires_in_s;
	json_t *granted;
};

static void redeem_end(struct redeem_op *op, rc_t rc)
{
	struct fault fault = fault_of(rc);
	struct code_granted granted = {
		.access_token = &op->token,
		.refresh_token = op->asked.credential_scope ? NULL : &op->refresh,
		.credential_scope = op->asked.credential_scope,
		.expires_in_s = op->expires_in_s,
		.credential = op->asked.wish.credential,
		.details = op->granted,
	};

	op->done(op->arg, &fault, rc == RC_OK ? &granted : NULL);
	secret_free(&op->code);
	secret_free(&op->verifier);
	secret_free(&op->token);
	secret_free(&op->refresh);
	buf_free(&op->redirect_uri);
	buf_free(&op->details);
	authorization_free(&op->asked);
	json_decref(op->granted);
	free(op);
}

static void redeem_refuse(void *arg)
{
	struct redeem_op *op = arg;

	redeem_end(op, op->rc);
}

/* ---- using it up ---- */

static void code_used(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct redeem_op *op = arg;

	redeem_end(op, core_outcome(op->call, rc, rows, RC_CODE_INVALID));
}

static void use_up(struct redeem_op *op)
{
	struct audit_row row;
	char consent[ID_TEXT];

	audit_row_from_call(&row, op->call, op->call->event, RC_OK);
	id_format(&op->use.of.consent, consent);
	snprintf(
		row.detail, sizeof(row.detail), "{\"grant\":\"code\",\"consent\":\"%s\"}", consent);
	store_code_use(op->core->pg, &row, &op->use, code_used, op);
}

/* RFC 9396 §7: what was granted, with the credential that the subscriber chose. */
static json_t *granted_details(const struct authorization *asked)
{
	const struct wish *wish = &asked->wish;
	char credential[ID_TEXT];
	json_t *documents = json_array();

	for (size_t i = 0; i < wish->hash_count; i++) {
		struct buf hash = BUF_INIT;
		const char *text = NULL;
		rc_t rc = base64_encode(
			&hash, SPAN(wish->hashes.data + i * wish->hash_len, wish->hash_len));
		if (rc == RC_OK)
			rc = buf_string(&hash, &text);
		json_t *document = rc == RC_OK ? json_pack("{s:s}", "hash", text) : NULL;
		buf_free(&hash);
		const char *label = json_string_value(json_array_get(wish->labels, i));
		if (document != NULL && label != NULL && label[0] != 0)
			json_object_set_new(document, "label", json_string(label));
		if (json_array_append_new(documents, document) != 0) {
			json_decref(documents);
			return NULL;
		}
	}
	id_format(&wish->credential, credential);
	return json_pack("[{s:s,s:s,s:I,s:s,s:o}]", "type", asked->details_type, "credentialID",
		credential, "numSignatures", (json_int_t)wish->signatures, "hashAlgorithmOID",
		wish->digest->oid, "documentDigests", documents);
}

static rc_t make_service(struct redeem_op *op)
{
	struct token_terms terms = {
		.client = op->client.id,
		.agency = op->client.agency,
		.mode = op->client.mode,
		.subscriber = op->use.of.subscriber,
		.consent = op->use.of.consent,
		.bound = op->client.bound,
	};

	memcpy(terms.tls_sha256, op->client.tls_sha256, SHA256_LEN);
	rc_t rc = core_token_make(op->core, &terms, &op->token, &op->expires_in_s);
	if (rc == RC_OK)
		rc = secret_text_make(&op->refresh, op->refresh_sha256);
	op->use.refresh_sha256 = sha256_span(op->refresh_sha256);
	op->use.refresh_ends_ms = clock_wall_ms() + REFRESH_TOKEN_LIFETIME_S * INT64_C(1000);
	op->use.consent_ends_ms = op->use.refresh_ends_ms;
	return rc;
}

static rc_t make_credential(struct redeem_op *op, const struct code_row *row)
{
	rc_t rc = code_open(&op->token, secret_span(&op->code), &row->consent, row->sad_seal);

	if (rc != RC_OK)
		return rc == RC_SEAL_BROKEN ? RC_CODE_INVALID : rc;
	op->expires_in_s = sad_expires_in_s(row->sad_ends_ms);
	op->use.consent_ends_ms = row->sad_ends_ms;
	if (op->client.bound)
		op->use.tls_sha256 = sha256_span(op->client.tls_sha256);
	if (op->asked.details_type == NULL)
		return RC_OK;
	op->granted = granted_details(&op->asked);
	return op->granted == NULL ? RC_NO_MEMORY : RC_OK;
}

/* ---- checking ---- */

/* What the request asked, said again: the credential may be left out where it was chosen. */
static rc_t details_check(const struct redeem_op *op)
{
	struct wish wish = {.labels = NULL};
	const char *text = NULL, *why = NULL;
	struct buf copy = BUF_INIT;

	if (!op->has_details)
		return RC_OK;
	rc_t rc = buf_append_span(&copy, buf_span(&op->details));
	if (rc == RC_OK)
		rc = buf_string(&copy, &text);
	if (rc == RC_OK)
		rc = wish_read_details(&wish, text, &why);
	if (rc == RC_OK)
		rc = wish_complete(&wish, INT32_MAX);
	if (rc == RC_OK && id_is_zero(&wish.credential))
		wish.credential = op->asked.wish.credential;
	bool same = rc == RC_OK && op->asked.credential_scope && wish_equal(&wish, &op->asked.wish);
	wish_free(&wish);
	buf_free(&copy);
	return same || rc == RC_NO_MEMORY ? rc : RC_DETAILS_MISMATCH;
}

static rc_t redirect_check(const struct redeem_op *op, const struct code_row *row)
{
	struct span uri = span_string(row->redirect_uri);

	if (!op->has_redirect_uri)
		return row->redirect_uri_given ? RC_REDIRECT_URI_MISMATCH : RC_OK;
	return span_equal(uri, buf_span(&op->redirect_uri)) ? RC_OK : RC_REDIRECT_URI_MISMATCH;
}

static rc_t verifier_check(struct redeem_op *op, const struct code_row *row)
{
	const char *verifier = NULL;

	/* one where none was asked for: the code may have come from another request (RFC 9700
	 * §4.8.2) */
	if (row->challenge.len == 0)
		return op->has_verifier ? RC_CODE_VERIFIER_INVALID : RC_OK;
	if (row->challenge.len != SHA256_LEN || !op->has_verifier ||
		buf_string(&op->verifier.bytes, &verifier) != RC_OK)
		return RC_CODE_VERIFIER_INVALID;
	return code_verifier_fits(verifier, row->challenge.data) ? RC_OK : RC_CODE_VERIFIER_INVALID;
}

static void reuse_written(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct redeem_op *op = arg;

	(void)rows;
	core_tokens_doubt(op->core);
	op->call->audited = rc == RC_OK;
	redeem_end(op, rc == RC_OK ? RC_CODE_INVALID : rc);
}

/* Who has it a second time with all that belongs to it: it, or what it gave, was stolen (RFC 6749
 * §4.1.2). */
static void reused(struct redeem_op *op)
{
	struct audit_row row;

	audit_row_from_call(&row, op->call, "code.reused", RC_CODE_INVALID);
	store_consent_revoke(op->core->pg, &row, &op->use.of.consent, reuse_written, op);
}

static rc_t redeem_check(struct redeem_op *op, const struct code_row *row)
{
	if (!id_equal(&row->client, &op->client.id))
		return RC_CODE_INVALID;
	op->call->subscriber = row->subscriber;
	op->use.of.subscriber = row->subscriber;
	op->use.of.consent = row->consent;
	rc_t rc = redirect_check(op, row);
	if (rc == RC_OK)
		rc = verifier_check(op, row);
	if (rc == RC_OK && authorization_read(&op->asked, row->parameters) != RC_OK)
		rc = RC_INTERNAL;
	if (rc == RC_OK)
		rc = details_check(op);
	if (rc == RC_OK)
		op->call->credential = op->asked.wish.credential;
	return rc;
}

static void code_loaded(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct redeem_op *op = arg;
	struct code_row row;

	if (rc == RC_OK && pg_row_count(rows) != 1)
		rc = RC_CODE_INVALID;
	if (rc == RC_OK) {
		store_code_read(rows, &row);
		rc = redeem_check(op, &row);
	}
	if (rc == RC_OK && row.used) {
		reused(op);
		return;
	}
	if (rc == RC_OK && (row.revoked || row.ends_ms <= clock_wall_ms()))
		rc = RC_CODE_INVALID;
	if (rc == RC_OK)
		rc = op->asked.credential_scope ? make_credential(op, &row) : make_service(op);
	if (rc == RC_OK)
		use_up(op);
	else
		redeem_end(op, rc == RC_STORE_UNKNOWN ? RC_STORE_DOWN : rc);
}

static rc_t redeem_copy(struct redeem_op *op, const struct code_redemption *redemption)
{
	rc_t rc = secret_set(&op->code, redemption->code);

	op->has_redirect_uri = redemption->redirect_uri != NULL && redemption->redirect_uri[0] != 0;
	op->has_verifier = redemption->verifier != NULL && redemption->verifier[0] != 0;
	op->has_details = redemption->details != NULL && redemption->details[0] != 0;
	if (rc == RC_OK && op->has_redirect_uri)
		rc = buf_append_string(&op->redirect_uri, redemption->redirect_uri);
	if (rc == RC_OK && op->has_verifier)
		rc = secret_set(&op->verifier, span_string(redemption->verifier));
	if (rc == RC_OK && op->has_details)
		rc = buf_append_string(&op->details, redemption->details);
	return rc;
}

void core_code_redeem(struct core *core, struct call *call, const struct client_known *client,
	const struct code_redemption *redemption, core_code_fn done, void *arg)
{
	struct redeem_op *op = core_alloc(sizeof(*op));

	*op = (struct redeem_op){
		.core = core, .call = call, .done = done, .arg = arg, .client = *client};
	op->client.redirect_uris = NULL;
	op->client.secret_sha256 = SPAN_NONE;
	op->use.of.client = client->id;
	op->use.of.client_version = client->version;
	op->rc = secret_text_is_formed(redemption->code) ? redeem_copy(op, redemption)
							 : RC_CODE_MALFORMED;
	if (op->rc == RC_OK)
		op->rc = digest_sha256(secret_span(&op->code), op->use.of.sha256);
	if (op->rc != RC_OK)
		core_defer(core, redeem_refuse, op);
	else
		store_code_load(core->pg, op->use.of.sha256, code_loaded, op);
}
