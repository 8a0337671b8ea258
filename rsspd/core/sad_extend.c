/* credentials/extendTransaction: what is left of a SAD under a new secret. */
#include "core/sad.h"

#include "core/subject.h"
#include "store/sad.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct extend_op {
	struct core *core;
	struct call *call;
	core_sad_fn done;
	void *arg;
	/* the request */
	struct id credential;
	struct sad_text old;
	struct buf hashes;
	size_t hash_len, hash_count;
	const struct digest_algo *digest;
	rc_t form;
	/* what was read */
	struct subject_versions versions;
	struct id old_id;
	int64_t turn, start_ms, end_ms, count;
	enum scal scal;
	const struct digest_algo *sad_digest;
	uint8_t certificate_sha256[SHA256_LEN];
	uint32_t keep[HASHES_MAX];
	/* the new one */
	struct id handle;
	uint8_t sha256[SHA256_LEN];
	struct buf seal;
	struct secret text;
	unsigned rounds;
	struct buf why;
};

static void extend_load(struct extend_op *op);

static void extend_end(struct extend_op *op, rc_t rc)
{
	struct sad_issued issued = {&op->text, sad_expires_in_s(op->end_ms)};
	struct fault fault = fault_of(rc);
	const char *text = NULL;

	if (rc != RC_OK && op->why.len > 0 && buf_string(&op->why, &text) == RC_OK)
		fault.text = text;
	op->done(op->arg, &fault, rc == RC_OK ? &issued : NULL);
	sad_text_free(&op->old);
	buf_free(&op->hashes);
	buf_free(&op->seal);
	buf_free(&op->why);
	secret_free(&op->text);
	free(op);
}

static void extend_stored(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct extend_op *op = arg;

	if (rc != RC_OK) {
		extend_end(op, rc);
	} else if (pg_row_count(rows) == 1) {
		op->call->audited = true;
		extend_end(op, RC_OK);
	} else if (op->rounds++ < SUBJECT_ROUNDS) {
		extend_load(op);
	} else {
		extend_end(op, RC_UNAVAILABLE);
	}
}

static void extend_commit(struct extend_op *op)
{
	struct audit_row row;
	struct sad_new fresh = {
		.id = op->handle,
		.scal = op->scal,
		.digest = op->sad_digest->name,
		.hash_count = op->count,
		.seal = buf_span(&op->seal),
		.start_ms = op->start_ms,
		.end_ms = op->end_ms,
		.hashes = buf_span(&op->hashes),
	};

	memcpy(fresh.sha256, op->sha256, SHA256_LEN);
	memcpy(fresh.certificate_sha256, op->certificate_sha256, SHA256_LEN);
	audit_row_from_call(&row, op->call, "sad.extended", RC_OK);
	snprintf(row.detail, sizeof(row.detail), "{\"signatures\":%" PRId64 "}", op->count);
	store_sad_extend(op->core->pg, &row, &op->versions, &op->old_id, op->turn, &fresh,
		extend_stored, op);
}

static void extend_answered(void *arg, struct hsm_answer *answer)
{
	struct extend_op *op = arg;
	rc_t rc = answer->rc;

	if (rc == RC_SEAL_BROKEN)
		rc = RC_HSM_REFUSED;
	if (rc == RC_OK)
		rc = id_random(&op->handle);
	secret_free(&op->text);
	if (rc == RC_OK)
		rc = sad_text_make(
			&op->text, &op->handle, buf_span(&answer->extended->secret), op->sha256);
	if (rc != RC_OK) {
		extend_end(op, rc);
		return;
	}
	buf_free(&op->seal);
	op->seal = answer->extended->seal;
	answer->extended->seal = BUF_INIT;
	extend_commit(op);
}

static void extend_ask(struct extend_op *op, const struct sad_row *sad)
{
	struct job_extend job = {
		.terms = {.credential = op->credential,
			.subscriber = sad->subject.subscriber,
			.client = op->call->who.client,
			.scal = op->scal,
			.digest = op->sad_digest->kind,
			.hash_count = (uint64_t)sad->hash_count,
			.start_ms = op->start_ms,
			.end_ms = sad->end_ms},
		.certificate = sad->subject.certificate,
		.secret = secret_span(&op->old.s),
		.seal = sad->seal,
		.end_ms = op->end_ms,
	};

	memcpy(job.terms.certificate_sha256, op->certificate_sha256, SHA256_LEN);
	if (op->scal == SCAL_2) {
		job.terms.hashes = sad->hashes;
		job.keep = op->keep;
		job.keep_count = op->hash_count;
	} else {
		job.budget = (uint64_t)op->count;
	}
	hsm_client_extend(op->core->hsm, &job, extend_answered, op);
}

/* Which of the unspent hashes the new SAD holds; a SAD bound to none keeps its budget. */
static rc_t extend_choose(struct extend_op *op, const struct sad_row *sad)
{
	op->count = sad->unspent;
	if (sad->hashes.len == 0 && op->scal == SCAL_1) {
		op->hash_count = 0;
		buf_clear(&op->hashes);
		return RC_OK;
	}
	if (op->hash_count == 0)
		return RC_HASH_MISSING;
	if (op->hash_len != op->sad_digest->len ||
		(op->digest != NULL && op->digest != op->sad_digest))
		return RC_HASH_LENGTH;
	op->count = (int64_t)op->hash_count;
	return sad_positions_choose(op->keep, sad->hashes, sad->spent, buf_span(&op->hashes),
		op->hash_len, op->hash_count, 0);
}

static rc_t extend_check(struct extend_op *op, const struct sad_row *sad)
{
	const struct subject_row *subject = &sad->subject;

	rc_t rc = subject_may(op->call, subject);
	if (rc == RC_OK)
		rc = sad_row_check(sad, &op->old);
	if (rc == RC_OK)
		rc = sad_row_bound(sad, op->call);
	if (rc == RC_OK)
		rc = op->form;
	if (rc != RC_OK)
		return rc;
	op->sad_digest = sad_row_digest(sad);
	op->scal = sad->scal == 2 ? SCAL_2 : SCAL_1;
	rc = extend_choose(op, sad);
	if (rc == RC_OK)
		rc = subject_decide(
			op->core, op->call, POLICY_AUTHORIZE, subject, (size_t)op->count, &op->why);
	return rc == RC_OK ? subject_check(op->core, subject) : rc;
}

static void extend_policy_read(void *arg, rc_t rc)
{
	struct extend_op *op = arg;

	if (rc != RC_OK)
		extend_end(op, subject_read_rc(rc));
	else
		extend_load(op);
}

static void extend_loaded(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct extend_op *op = arg;
	struct sad_row sad;

	if (rc == RC_OK && pg_row_count(rows) != 1)
		rc = RC_CREDENTIAL_ID_INVALID;
	if (rc != RC_OK) {
		extend_end(op, subject_read_rc(rc));
		return;
	}
	store_sad_read(rows, &sad);
	subject_name(op->call, &sad.subject);
	if (subject_policy_missing(op->core, &sad.subject) && op->rounds++ < SUBJECT_ROUNDS) {
		core_policy_read(op->core, extend_policy_read, op);
		return;
	}
	rc = extend_check(op, &sad);
	if (rc != RC_OK) {
		extend_end(op, rc);
		return;
	}
	op->old_id = sad.id;
	op->turn = sad.turn;
	op->start_ms = sad.start_ms;
	op->end_ms = sad.end_ms;
	memcpy(op->certificate_sha256, sad.certificate_sha256.data, SHA256_LEN);
	subject_versions(&op->versions, &sad.subject, &op->call->who.client);
	extend_ask(op, &sad);
}

static void extend_load(struct extend_op *op)
{
	store_sad_load(op->core->pg, &op->call->who.client, &op->credential, op->old.sha256,
		extend_loaded, op);
}

static void extend_refuse(void *arg)
{
	struct extend_op *op = arg;

	extend_end(op, op->form);
}

void core_extend(struct core *core, struct call *call, const struct extend_request *request,
	core_sad_fn done, void *arg)
{
	struct extend_op *op = core_alloc(sizeof(*op));

	*op = (struct extend_op){.core = core,
		.call = call,
		.done = done,
		.arg = arg,
		.credential = request->credential,
		.hash_len = request->hash_len,
		.hash_count = request->hash_count,
		.digest = request->digest};
	if (request->hash_count > HASHES_MAX)
		op->form = RC_NUM_SIGNATURES_TOO_HIGH;
	rc_t rc = sad_text_read(&op->old, request->sad);
	if (rc == RC_OK && op->form == RC_OK)
		rc = buf_append(&op->hashes, request->hashes.data, op->hash_len * op->hash_count);
	if (rc != RC_OK) {
		op->form = rc;
		core_defer(core, extend_refuse, op);
		return;
	}
	extend_load(op);
}
