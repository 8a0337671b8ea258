/*
 * credentials/authorize: read and decide, count the try and commit it, ask the SAM, and then in one
 * commit either the SAD, or the failure (with the lock, at the last one), or the try given back.
 */
#include "core/sad.h"

#include "base/clock.h"
#include "core/attempt.h"
#include "core/oauth/code.h"
#include "core/subject.h"
#include "store/sad.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct authorize_op {
	struct core *core;
	struct call *call;
	core_sad_fn done;
	void *arg;
	/* the request */
	struct id credential;
	uint32_t signatures;
	struct buf hashes;
	size_t hash_len, hash_count;
	const struct digest_algo *digest;
	struct secret pin, otp;
	bool has_pin, has_otp;
	rc_t form; /* what is wrong with it in itself */
	const struct authorize_consent *consent;
	/* what was read */
	struct subject_versions versions;
	uint8_t certificate_sha256[SHA256_LEN];
	enum scal scal;
	int64_t start_ms, end_ms;
	/* what was got */
	struct attempt attempt;
	bool authorised; /* the SAM has said yes: only the commit is missing */
	struct id handle;
	uint8_t sha256[SHA256_LEN];
	struct buf seal;
	int64_t revision; /* of the slot that was opened */
	struct slot_renewed slot;
	struct secret text;
	struct buf code_seal; /* consent: the text, sealed under the code */
	int64_t otp_step;
	/* the end */
	unsigned rounds;
	struct buf why;
};

static void authorize_load(struct authorize_op *op);

static void authorize_end(void *arg, rc_t rc)
{
	struct authorize_op *op = arg;
	struct sad_issued issued = {&op->text, sad_expires_in_s(op->end_ms)};
	struct fault *fault = &op->attempt.fault;
	const char *text = NULL;

	fault->rc = rc;
	if (rc != RC_OK && op->why.len > 0 && buf_string(&op->why, &text) == RC_OK)
		fault->text = text;
	op->done(op->arg, fault, rc == RC_OK ? &issued : NULL);
	buf_free(&op->hashes);
	buf_free(&op->seal);
	buf_free(&op->slot.salt);
	buf_free(&op->slot.key_seal);
	buf_free(&op->why);
	buf_free(&op->code_seal);
	secret_free(&op->pin);
	secret_free(&op->otp);
	secret_free(&op->text);
	free(op);
}

/* ---- the commit ---- */

static void authorize_commit(struct authorize_op *op);

static void sad_added(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct authorize_op *op = arg;
	struct sad_added added;

	if (rc != RC_OK || pg_row_count(rows) != 1) {
		authorize_end(op, rc != RC_OK ? rc : RC_INTERNAL);
		return;
	}
	store_sad_added_read(rows, &added);
	if (added.done) {
		op->call->audited = true;
		authorize_end(op, RC_OK);
	} else if (added.answered) {
		attempt_stop(&op->attempt, RC_CONSENT_DONE);
	} else if (added.locked) {
		attempt_stop(&op->attempt, RC_PIN_LOCKED);
	} else if (op->otp_step != 0 && added.last_step >= op->otp_step) {
		attempt_overtaken(&op->attempt, added.last_step);
	} else if (op->rounds++ < SUBJECT_ROUNDS) {
		/* a version changed; or the guard did while its row was waited for, and what was
		 * read of it is from before */
		authorize_load(op);
	} else {
		attempt_stop(&op->attempt, RC_UNAVAILABLE);
	}
}

/* Of a consent: who approved what, as the page showed it. */
static void authorised_row(struct authorize_op *op, struct audit_row *row, bool moved)
{
	audit_row_from_call(row, op->call,
		op->consent == NULL ? "credential.authorised" : "consent.approved", RC_OK);
	snprintf(row->detail, sizeof(row->detail), "{\"signatures\":%" PRIu32 "%s}", op->signatures,
		moved ? ",\"slot_moved\":true" : "");
	if (op->consent == NULL)
		return;
	row->detail_text = op->consent->detail;
	row->digests = buf_span(&op->hashes);
	row->digest_len = op->hash_len;
	row->digest_count = op->hash_count;
}

static void authorize_commit(struct authorize_op *op)
{
	struct code_new code;
	struct audit_row row;
	struct sad_new fresh = {
		.id = op->handle,
		.scal = op->scal,
		.digest = op->digest->name,
		.hash_count = op->signatures,
		.seal = buf_span(&op->seal),
		.start_ms = op->start_ms,
		.end_ms = op->end_ms,
		.hashes = buf_span(&op->hashes),
	};
	struct slot_moved moved = {
		.revision = op->revision,
		.generation = (int64_t)op->slot.generation,
		.kdf_memory_kib = (int64_t)op->slot.kdf.memory_kib,
		.kdf_passes = (int64_t)op->slot.kdf.passes,
		.salt = buf_span(&op->slot.salt),
		.key_seal = buf_span(&op->slot.key_seal),
	};

	memcpy(fresh.sha256, op->sha256, SHA256_LEN);
	memcpy(fresh.certificate_sha256, op->certificate_sha256, SHA256_LEN);
	authorised_row(op, &row, moved.key_seal.len > 0);
	if (op->consent != NULL) {
		code = *op->consent->made;
		code.sad_seal = buf_span(&op->code_seal);
	}
	store_sad_add(op->core->pg, &row, &op->versions, &fresh, op->otp_step, &moved,
		op->consent == NULL ? NULL : &code, sad_added, op);
}

/* ---- the SAM ---- */

static void authorize_accept(struct authorize_op *op, struct job_authorized *answer)
{
	rc_t rc = id_random(&op->handle);

	if (rc == RC_OK)
		rc = sad_text_make(&op->text, &op->handle, buf_span(&answer->secret), op->sha256);
	if (rc == RC_OK && op->consent != NULL)
		rc = code_seal(&op->code_seal, op->consent->code, &op->consent->made->consent,
			secret_span(&op->text));
	if (rc != RC_OK) {
		attempt_stop(&op->attempt, rc);
		return;
	}
	op->seal = answer->seal;
	answer->seal = BUF_INIT;
	op->slot = answer->slot;
	answer->slot = (struct slot_renewed){.salt = BUF_INIT};
	op->otp_step = answer->otp_step;
	op->authorised = true;
	authorize_commit(op);
}

static void authorize_answered(void *arg, struct hsm_answer *answer)
{
	struct authorize_op *op = arg;

	if (answer->rc == RC_OK)
		authorize_accept(op, answer->authorized);
	else
		attempt_refused(&op->attempt, answer);
}

static void authorize_ask(struct authorize_op *op, const struct attempt_row *row)
{
	struct job_authorize job = {
		.terms = {.credential = op->credential,
			.subscriber = op->versions.subscriber,
			.client = op->call->who.client,
			.scal = op->scal,
			.digest = op->digest->kind,
			.hash_count = op->signatures,
			.start_ms = op->start_ms,
			.end_ms = op->end_ms},
	};

	memcpy(job.terms.certificate_sha256, op->certificate_sha256, SHA256_LEN);
	if (op->scal == SCAL_2)
		job.terms.hashes = buf_span(&op->hashes);
	attempt_factors(&op->attempt, row, op->scal, &op->pin, &op->otp, &job.factors);
	hsm_client_authorize(op->core->hsm, &job, authorize_answered, op);
}

static void authorize_attempted(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct authorize_op *op = arg;
	struct attempt_row attempt;

	if (!attempt_taken(&op->attempt, rc, rows, &attempt))
		return;
	op->revision = attempt.revision;
	authorize_ask(op, &attempt);
}

/* ---- reading and deciding ---- */

static rc_t form_check(const struct authorize_op *op, const struct authorize_request *request)
{
	const struct digest_algo *digest = request->digest;

	if (op->signatures < 1)
		return RC_NUM_SIGNATURES_INVALID;
	if (op->signatures > op->core->settings.multisign || op->signatures > HASHES_MAX)
		return RC_NUM_SIGNATURES_TOO_HIGH;
	if (op->hash_count > 0 && op->hash_count != op->signatures)
		return RC_NUM_SIGNATURES_INVALID;
	if (op->hash_count > 0 && (digest == NULL ? digest_algo_by_len(op->hash_len) == NULL
						  : digest->len != op->hash_len))
		return RC_HASH_LENGTH;
	if (request->pin.len > FACTOR_MAX)
		return RC_PIN_INVALID_TYPE;
	return request->otp.len > FACTOR_MAX ? RC_OTP_INVALID_TYPE : RC_OK;
}

static rc_t factors_check(const struct authorize_op *op, const struct subject_row *subject)
{
	bool with_otp = strcmp(subject->factors, "PIN AND OTP") == 0;

	if (subject->scal == 2 && op->hash_count == 0)
		return RC_HASH_MISSING;
	if (!op->has_pin)
		return RC_PIN_INVALID_TYPE;
	return with_otp && !op->has_otp ? RC_OTP_INVALID_TYPE : RC_OK;
}

static rc_t authorize_check(struct authorize_op *op, const struct subject_row *subject)
{
	bool consent = op->consent != NULL;
	rc_t rc = subject_may(op->call, subject);

	if (rc != RC_OK)
		return rc;
	if (strcmp(subject->client_mode, consent ? "oauth2code" : "explicit") != 0)
		return consent ? RC_NOT_OAUTH2CODE : RC_NOT_EXPLICIT;
	if (op->form != RC_OK)
		return op->form;
	rc = factors_check(op, subject);
	if (rc == RC_OK)
		rc = subject_decide(
			op->core, op->call, POLICY_AUTHORIZE, subject, op->signatures, &op->why);
	return rc == RC_OK ? subject_check(op->core, subject) : rc;
}

/* After the SAM's answer the row is read again only because a version changed: what is sealed must
 * still be what is stored. */
static rc_t authorize_keep(struct authorize_op *op, const struct subject_row *subject)
{
	if (subject->certificate_sha256.len != SHA256_LEN)
		return RC_HSM_REFUSED;
	if (op->authorised && (memcmp(op->certificate_sha256, subject->certificate_sha256.data,
				       SHA256_LEN) != 0 ||
				      op->scal != (enum scal)subject->scal))
		return RC_UNAVAILABLE;
	memcpy(op->certificate_sha256, subject->certificate_sha256.data, SHA256_LEN);
	op->scal = subject->scal == 2 ? SCAL_2 : SCAL_1;
	subject_versions(&op->versions, subject, &op->call->who.client);
	op->attempt.subscriber = subject->subscriber;
	return RC_OK;
}

static void authorize_decided(struct authorize_op *op)
{
	struct attempt_new attempt = {op->credential, op->call->who.client, clock_wall_ms(),
		op->core->settings.client_failures_per_minute};

	if (op->authorised) {
		authorize_commit(op);
		return;
	}
	op->start_ms = attempt.now_ms;
	op->end_ms = op->start_ms + op->core->settings.sad_lifetime_ms;
	store_attempt_take(op->core->pg, &attempt, authorize_attempted, op);
}

static void authorize_policy_read(void *arg, rc_t rc)
{
	struct authorize_op *op = arg;

	if (rc != RC_OK)
		attempt_stop(&op->attempt, subject_read_rc(rc));
	else
		authorize_load(op);
}

static void authorize_loaded(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct authorize_op *op = arg;
	struct subject_row subject;

	if (rc == RC_OK && pg_row_count(rows) != 1)
		rc = RC_CREDENTIAL_ID_INVALID;
	if (rc != RC_OK) {
		attempt_stop(&op->attempt, subject_read_rc(rc));
		return;
	}
	store_subject_read(rows, 0, &subject);
	subject_name(op->call, &subject);
	if (subject_policy_missing(op->core, &subject) && op->rounds++ < SUBJECT_ROUNDS) {
		core_policy_read(op->core, authorize_policy_read, op);
		return;
	}
	rc = authorize_check(op, &subject);
	if (rc == RC_OK)
		rc = authorize_keep(op, &subject);
	if (rc == RC_OK)
		authorize_decided(op);
	else
		attempt_stop(&op->attempt, rc);
}

static void authorize_load(struct authorize_op *op)
{
	store_credential_get(
		op->core->pg, &op->call->who.client, &op->credential, authorize_loaded, op);
}

static void authorize_refuse(void *arg)
{
	struct authorize_op *op = arg;

	authorize_end(op, op->form);
}

void core_authorize(struct core *core, struct call *call, const struct authorize_request *request,
	core_sad_fn done, void *arg)
{
	struct authorize_op *op = core_alloc(sizeof(*op));

	*op = (struct authorize_op){.core = core,
		.call = call,
		.done = done,
		.arg = arg,
		.credential = request->credential,
		.signatures = request->signatures,
		.hash_len = request->hash_len,
		.hash_count = request->hash_count,
		.digest = request->digest,
		.consent = request->consent,
		.has_pin = request->pin.data != NULL,
		.has_otp = request->otp.data != NULL,
		.attempt = {.core = core,
			.call = call,
			.event = "authorisation.refused",
			.end = authorize_end,
			.arg = op,
			.credential = request->credential}};
	if (op->digest == NULL)
		op->digest = op->hash_count > 0 ? digest_algo_by_len(op->hash_len)
						: digest_algo_by_kind(DIGEST_SHA256);
	op->form = form_check(op, request);
	rc_t rc = RC_OK;
	if (op->form == RC_OK)
		rc = buf_append(&op->hashes, request->hashes.data, op->hash_len * op->hash_count);
	if (rc == RC_OK && op->form == RC_OK)
		rc = secret_set(&op->pin, request->pin);
	if (rc == RC_OK && op->form == RC_OK)
		rc = secret_set(&op->otp, request->otp);
	if (rc != RC_OK) {
		op->form = rc;
		core_defer(core, authorize_refuse, op);
		return;
	}
	authorize_load(op);
}
