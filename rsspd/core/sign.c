/*
 * signatures/signHash: read everything in one statement, or know it from the last
 * request with this SAD; check, decide; spend and write down "started" in one commit that checks
 * again under lock; let the SAM sign; write down the end in one commit that checks once more;
 * answer.
 */
#include "core/sign.h"

#include "base/log.h"
#include "core/algo.h"
#include "core/sad_cache.h"
#include "core/subject.h"
#include "store/sad.h"
#include "store/signing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OID_MAX 64

struct sign_op {
	struct core *core;
	struct call *call;
	core_sign_fn done;
	void *arg;
	/* the request */
	struct id credential;
	struct sad_text sad;
	struct buf hashes, params;
	size_t hash_len, count;
	char sign_algo[OID_MAX], hash_algo[OID_MAX];
	rc_t params_fault, hashes_fault;
	bool has_hash_algo;
	/* what was read */
	struct subject_versions versions;
	struct id sad_id;
	const struct key_algo *key;
	struct sign_algo algo;
	size_t bound; /* hashes that the SAD is bound to: indices are its positions */
	struct hsm_signing *signing; /* what the SAM will be asked */
	/* what came of it */
	struct job_signed signed_;
	struct buf digests; /* SHA-256 of each signature */
	rc_t outcome;
	unsigned rounds;
	struct buf why;
	/* of `count` hashes: where they stand in the SAD's list, then where in the job's own */
	uint32_t indices[];
};

static void sign_load(struct sign_op *op);

static void sign_end(struct sign_op *op, rc_t rc)
{
	struct fault fault = fault_of(rc);
	struct signatures signatures = {op->signed_.signatures, (size_t)op->signed_.count};
	const char *text = NULL;

	if (rc != RC_OK && op->why.len > 0 && buf_string(&op->why, &text) == RC_OK)
		fault.text = text;
	op->done(op->arg, &fault, rc == RC_OK ? &signatures : NULL);
	sad_text_free(&op->sad);
	buf_free(&op->hashes);
	buf_free(&op->params);
	hsm_signing_free(&op->signing);
	buf_free(&op->digests);
	buf_free(&op->why);
	job_signed_free(&op->signed_);
	free(op);
}

static void sign_row(const struct sign_op *op, struct audit_row *row, const char *event, rc_t rc)
{
	audit_row_from_call(row, op->call, event, rc);
	row->digests = buf_span(&op->hashes);
	row->digest_len = op->hash_len;
	row->digest_count = op->count;
}

/* ---- the end is recorded ---- */

static void failure_recorded(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct sign_op *op = arg;
	char request[ID_TEXT];

	(void)rows;
	id_format(&op->call->request, request);
	/* else the sweeper will write it down as lost */
	if (rc != RC_OK)
		log_warning("core: signature-failed-unrecorded rc=%s req=%s", rc_name(rc), request);
	sign_end(op, op->outcome);
}

static void sign_failed(struct sign_op *op, rc_t rc)
{
	struct audit_row row;

	op->outcome = rc;
	sign_row(op, &row, "signature.failed", rc);
	row.result = "failed";
	store_signing_failed(op->core->pg, &row, &op->sad_id, failure_recorded, op);
}

static void sign_give_back(struct sign_op *op, rc_t rc)
{
	struct audit_row row;

	op->outcome = rc;
	sad_cache_drop(op->core, op->sad.sha256);
	sign_row(op, &row, "signature.failed", rc);
	row.result = "failed";
	snprintf(row.detail, sizeof(row.detail), "{\"given_back\":true}");
	store_signing_give_back(op->core->pg, &row, &op->sad_id, op->count, failure_recorded, op);
}

/* What changed while the SAM signed: said in the words of the check that now fails. */
static void changed_loaded(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct sign_op *op = arg;
	struct subject_row subject;

	if (rc == RC_OK && pg_row_count(rows) != 1)
		rc = RC_CREDENTIAL_ID_INVALID;
	if (rc == RC_OK) {
		store_subject_read(rows, 0, &subject);
		rc = subject_policy_missing(op->core, &subject)
			     ? RC_UNAVAILABLE
			     : subject_decide(op->core, op->call, POLICY_SIGN, &subject, op->count,
				       &op->why);
	}
	if (rc == RC_OK)
		rc = subject_check(op->core, &subject);
	sign_end(op, rc == RC_OK ? RC_UNAVAILABLE : rc);
}

static void created_recorded(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct sign_op *op = arg;

	if (rc == RC_OK && pg_row_count(rows) == 0)
		rc = RC_HSM_LOST;
	if (rc != RC_OK)
		sign_end(op, rc);
	else if (pg_bool(rows, 0, 0))
		sign_end(op, RC_OK);
	else
		store_credential_get(
			op->core->pg, &op->call->who.client, &op->credential, changed_loaded, op);
}

static rc_t signatures_digest(struct sign_op *op)
{
	rc_t rc = op->signed_.count == op->count ? RC_OK : RC_INTERNAL;

	for (size_t i = 0; i < op->count && rc == RC_OK; i++) {
		uint8_t sha256[SHA256_LEN];
		rc = digest_sha256(buf_span(&op->signed_.signatures[i]), sha256);
		if (rc == RC_OK)
			rc = buf_append(&op->digests, sha256, sizeof(sha256));
	}
	return rc;
}

static void sign_created(struct sign_op *op, struct job_signed *answer)
{
	struct audit_row row;

	op->signed_ = *answer;
	*answer = (struct job_signed){NULL, 0};
	rc_t rc = signatures_digest(op);
	if (rc != RC_OK) {
		sign_failed(op, rc);
		return;
	}
	sign_row(op, &row, "signature.created", RC_OK);
	row.signatures = buf_span(&op->digests);
	row.signature_count = op->count;
	store_signing_created(op->core->pg, &row, &op->versions, &op->sad_id, created_recorded, op);
}

/* ---- the SAM ---- */

/* The SAM was not reached, or did not begin: certainly nothing was signed, and the next try may
 * succeed. All else stays spent. */
static bool nothing_was_signed(rc_t rc)
{
	return rc == RC_HSM_DOWN || rc == RC_TOO_MANY || rc == RC_NO_MEMORY;
}

static void sign_answered(void *arg, struct hsm_answer *answer)
{
	struct sign_op *op = arg;
	rc_t rc = answer->rc;

	if (rc == RC_OK)
		sign_created(op, answer->signed_);
	else if (nothing_was_signed(rc))
		sign_give_back(op, rc);
	else
		sign_failed(op, rc == RC_SEAL_BROKEN ? RC_HSM_REFUSED : rc);
}

static void sign_started(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct sign_op *op = arg;

	if (rc != RC_OK) {
		sign_end(op, rc);
		return;
	}
	if (pg_row_count(rows) == 0) {
		sad_cache_drop(op->core, op->sad.sha256);
		if (op->rounds++ < SUBJECT_ROUNDS)
			sign_load(op);
		else
			sign_end(op, RC_UNAVAILABLE);
		return;
	}
	op->call->audited = true;
	sad_cache_spend(op->core, op->sad.sha256, op->bound > 0 ? op->indices : NULL, op->count);
	hsm_client_sign(op->core->hsm, &op->signing, sign_answered, op);
}

static void sign_start(struct sign_op *op)
{
	struct audit_row row;
	struct signing_start start = {
		.versions = op->versions,
		.sad = op->sad_id,
		.bound = op->bound,
		.positions = op->indices,
		.position_count = op->bound > 0 ? op->count : 0,
		.signature_count = op->count,
	};

	sign_row(op, &row, "signature.started", RC_OK);
	store_signing_start(op->core->pg, &row, &start, sign_started, op);
}

/* ---- reading, checking, deciding: SAD, algorithm, hashes, then what is authorised ---- */

static rc_t sign_check_hashes(struct sign_op *op, const struct sad_row *sad)
{
	struct span params = buf_span(&op->params);

	op->key = key_algo_by_name(sad->subject.key_algo);
	if (op->key == NULL)
		return RC_INTERNAL;
	rc_t rc = sign_algo_resolve(&op->algo, op->key, op->sign_algo,
		op->has_hash_algo ? op->hash_algo : NULL, params);
	if (rc != RC_SIGN_ALGO_INVALID && op->params_fault != RC_OK)
		return op->params_fault;
	if (rc != RC_OK)
		return rc;
	if (op->hashes_fault != RC_OK)
		return op->hashes_fault;
	if (op->hash_len != op->algo.digest->len)
		return RC_HASH_LENGTH;
	if (op->algo.digest != sad_row_digest(sad) || (int64_t)op->count > sad->unspent)
		return RC_HASH_NOT_AUTHORIZED;
	op->bound = sad->hashes.len > 0 || sad->scal == 2 ? (size_t)sad->hash_count : 0;
	if (op->bound == 0)
		return RC_OK;
	/* who lost a race for equal hashes begins elsewhere than the others */
	size_t from = op->rounds == 0 ? 0 : (size_t)op->call->request.bytes[ID_LEN - 1];
	return sad_positions_choose(op->indices, sad->hashes, sad->spent, buf_span(&op->hashes),
		op->hash_len, op->count, from);
}

static rc_t sign_check(struct sign_op *op, const struct sad_row *sad)
{
	rc_t rc = subject_may(op->call, &sad->subject);

	if (rc == RC_OK)
		rc = sad_row_check(sad, &op->sad);
	if (rc == RC_OK)
		rc = sad_row_bound(sad, op->call);
	if (rc == RC_OK)
		rc = sign_check_hashes(op, sad);
	if (rc == RC_OK)
		rc = subject_check(op->core, &sad->subject);
	if (rc == RC_OK)
		rc = subject_decide(
			op->core, op->call, POLICY_SIGN, &sad->subject, op->count, &op->why);
	return rc;
}

/* With SCAL 1 the SAM is told the hashes now; with SCAL 2 it knows them from the SAD. */
static void sign_job_hashes(struct sign_op *op, const struct sad_row *sad, struct job_sign *job)
{
	uint32_t *in_order = op->indices + op->count;

	if (job->terms.scal == SCAL_2) {
		job->terms.hashes = sad->hashes;
		job->indices = op->indices;
		return;
	}
	for (uint32_t i = 0; i < op->count; i++)
		in_order[i] = i;
	job->hashes = buf_span(&op->hashes);
	job->indices = in_order;
}

/* The rows die with the callback; the SAM is asked after the next commit. */
static rc_t sign_keep(struct sign_op *op, const struct sad_row *sad)
{
	struct job_sign job = {
		.terms = {.credential = sad->subject.credential,
			.subscriber = sad->subject.subscriber,
			.client = op->call->who.client,
			.scal = sad->scal == 2 ? SCAL_2 : SCAL_1,
			.digest = op->algo.digest->kind,
			.hash_count = (uint64_t)sad->hash_count,
			.start_ms = sad->start_ms,
			.end_ms = sad->end_ms},
		.certificate = sad->subject.certificate,
		.secret = secret_span(&op->sad.s),
		.seal = sad->seal,
		.scheme = op->algo.scheme,
		.salt_len = op->algo.salt_len,
		.index_count = op->count,
	};

	memcpy(job.terms.certificate_sha256, sad->certificate_sha256.data, SHA256_LEN);
	sign_job_hashes(op, sad, &job);
	op->sad_id = sad->id;
	subject_versions(&op->versions, &sad->subject, &op->call->who.client);
	hsm_signing_free(&op->signing);
	return hsm_signing_new(op->key->kind, &job, &op->signing);
}

static void sign_policy_read(void *arg, rc_t rc)
{
	struct sign_op *op = arg;

	if (rc != RC_OK)
		sign_end(op, subject_read_rc(rc));
	else
		sign_load(op);
}

static void sign_loaded(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct sign_op *op = arg;
	struct sad_row sad;

	if (rc == RC_OK && pg_row_count(rows) != 1)
		rc = RC_CREDENTIAL_ID_INVALID;
	if (rc != RC_OK) {
		sign_end(op, subject_read_rc(rc));
		return;
	}
	store_sad_read(rows, &sad);
	subject_name(op->call, &sad.subject);
	if (subject_policy_missing(op->core, &sad.subject) && op->rounds++ < SUBJECT_ROUNDS) {
		core_policy_read(op->core, sign_policy_read, op);
		return;
	}
	rc = sign_check(op, &sad);
	if (rc == RC_OK)
		rc = sign_keep(op, &sad);
	if (rc == RC_OK && (size_t)sad.unspent > op->count)
		sad_cache_keep(op->core, &op->call->who.client, op->sad.sha256, &sad);
	if (rc == RC_OK)
		sign_start(op);
	else
		sign_end(op, rc);
}

/* Only what goes on to the commit that checks it again. */
static bool sign_known(struct sign_op *op)
{
	const struct sad_row *sad =
		sad_cache_find(op->core, &op->call->who.client, &op->credential, op->sad.sha256);

	if (sad == NULL || op->rounds > 0 || subject_policy_missing(op->core, &sad->subject) ||
		sign_check(op, sad) != RC_OK || sign_keep(op, sad) != RC_OK)
		return false;
	subject_name(op->call, &sad->subject);
	return true;
}

static void sign_load(struct sign_op *op)
{
	if (sign_known(op))
		sign_start(op);
	else
		store_sad_load(op->core->pg, &op->call->who.client, &op->credential, op->sad.sha256,
			sign_loaded, op);
}

static void sign_refuse(void *arg)
{
	struct sign_op *op = arg;

	sign_end(op, op->outcome);
}

static rc_t sign_copy(struct sign_op *op, const struct sign_request *request)
{
	op->params_fault = request->params_fault;
	op->hashes_fault = request->hashes_fault;
	if (request->hash_count < 1 && op->hashes_fault == RC_OK)
		return RC_HASH_EMPTY;
	if (request->hash_count > HASHES_MAX)
		return RC_HASH_NOT_AUTHORIZED;
	if (request->hash_len > DIGEST_MAX)
		return RC_HASH_LENGTH;
	/* what does not fit is no OID that we know */
	snprintf(op->sign_algo, sizeof(op->sign_algo), "%s", request->sign_algo);
	op->has_hash_algo = request->hash_algo != NULL;
	if (op->has_hash_algo)
		snprintf(op->hash_algo, sizeof(op->hash_algo), "%s", request->hash_algo);
	op->hash_len = request->hash_len;
	op->count = request->hash_count;
	rc_t rc = buf_append(&op->hashes, request->hashes.data, op->hash_len * op->count);
	if (rc == RC_OK)
		rc = buf_append_span(&op->params, request->sign_algo_params);
	return rc == RC_OK ? sad_text_read(&op->sad, request->sad) : rc;
}

void core_sign_hash(struct core *core, struct call *call, const struct sign_request *request,
	core_sign_fn done, void *arg)
{
	size_t count = request->hash_count <= HASHES_MAX ? request->hash_count : 0;
	struct sign_op *op = core_alloc(sizeof(*op) + 2 * count * sizeof(op->indices[0]));

	op->core = core;
	op->call = call;
	op->done = done;
	op->arg = arg;
	op->credential = request->credential;
	op->outcome = sign_copy(op, request);
	if (op->outcome != RC_OK)
		core_defer(core, sign_refuse, op);
	else
		sign_load(op);
}
