/* Role activate: the subscriber's factors become a SAD. */
#include "hsm/sam/state.h"

#include "base/clock.h"
#include "base/log.h"
#include "hsm/sam/otp.h"
#include "hsm/sam/known.h"
#include "hsm/sam/pin.h"
#include "hsm/sam/sad.h"
#include "hsm/sam/seal.h"
#include "hsm/sam/slot.h"
#include "hsm/sam/terms.h"

#include <string.h>

struct authorization {
	const struct job_authorize *job;
	const struct certificate *certificate;
	int64_t now_ms;
	int64_t last_step; /* the later of the area's and the database's */
	bool with_otp;
	struct otp_answer otp;
};

/* Does what is asked for belong together? Nothing is counted for a fault here. */
static rc_t form_check(
	struct sam *sam, const struct job_authorize *job, int64_t now_ms, bool *with_otp)
{
	const struct sad_terms *terms = &job->terms;
	const struct sealed_key *key = &job->key;

	if (!id_equal(&key->credential, &terms->credential) ||
		!id_equal(&key->subscriber, &terms->subscriber) || key->scal != terms->scal)
		return RC_HSM_REFUSED;
	if (slot_factors(key->factors, key->scal, sam->options.pin_only, with_otp) != RC_OK ||
		pin_kdf_check(&key->kdf) != RC_OK || key->salt.len != SALT_LEN || key->slot != 0)
		return RC_HSM_REFUSED;
	if (sam_generation(sam, key->generation) == NULL)
		return RC_HSM_REFUSED;
	rc_t rc = terms_check(terms, now_ms);
	if (rc == RC_OK && terms->end_ms <= now_ms)
		rc = RC_HSM_REFUSED;
	return rc;
}

static rc_t certificate_check(struct sam *sam, const struct job_authorize *job, int64_t now_ms,
	const struct certificate **certificate)
{
	uint8_t digest[SHA256_LEN];

	rc_t rc = digest_sha256(job->certificate, digest);
	if (rc == RC_OK && memcmp(digest, job->terms.certificate_sha256, sizeof(digest)) != 0)
		rc = RC_HSM_REFUSED;
	if (rc == RC_OK)
		rc = known_issued(sam, job->certificate, digest, certificate);
	if (rc == RC_OK)
		rc = certificate_check_time(*certificate, now_ms);
	return rc;
}

/*
 * An operator's word gives the tries back. A statement that is old news is the normal case; one
 * that proves nothing is worth a line in the log, and the lock stays.
 */
static void unlock_apply(struct sam *sam, const struct job_authorize *job, int64_t now_ms)
{
	struct statement_unlock statement;
	const struct id *credential = &job->key.credential;

	if (job->unlock.len == 0)
		return;
	rc_t rc = statement_unlock_decode(&statement, job->unlock);
	if (rc == RC_OK && !id_equal(&statement.credential, credential))
		rc = RC_STATEMENT_INVALID;
	if (rc == RC_OK &&
		!budget_unlock_is_new(sam->budget, credential, statement.issued_at_ms, now_ms))
		return;
	if (rc == RC_OK)
		rc = operators_verify(sam->operators, job->unlock_fingerprint, job->unlock,
			job->unlock_signature);
	if (rc == RC_OK)
		rc = budget_unlock(sam->budget, credential, statement.issued_at_ms, now_ms);
	if (rc == RC_OK)
		log_info("sam: unlocked by an operator's statement");
	else
		log_warning("sam: unlock statement not applied rc=%s", rc_name(rc));
}

static rc_t otp_verify(struct sam *sam, struct authorization *auth)
{
	const struct sealed_key *key = &auth->job->key;
	struct buf record = BUF_INIT;
	struct span secret = SPAN_NONE;

	rc_t rc = slot_otp_open(sam, &key->credential, key->otp_seal, &record);
	if (rc == RC_OK)
		rc = otp_record_decode(buf_span(&record), &secret);
	if (rc == RC_SEAL_BROKEN || rc == RC_FORMAT)
		rc = RC_HSM_REFUSED;
	if (rc == RC_OK)
		rc = otp_check(secret, auth->job->otp, auth->now_ms, auth->last_step, &auth->otp);
	buf_free(&record);
	return rc;
}

/* OTP first, then the slot: its tag is the check of the PIN. */
static rc_t factors_check(
	struct sam *sam, struct authorization *auth, struct buf *plain, struct wrapped_key *key)
{
	rc_t rc = RC_OK;

	if (auth->with_otp)
		rc = otp_verify(sam, auth);
	if (rc == RC_OK)
		rc = slot_open(sam, &auth->job->key, auth->certificate->public_sha256,
			auth->job->pin, plain, key);
	if (rc == RC_SEAL_BROKEN)
		return RC_PIN_WRONG;
	if (rc == RC_OK && key->kind != auth->certificate->kind)
		return RC_HSM_REFUSED;
	return rc;
}

/* A try that told the caller nothing about the factors is given back. */
static bool counts_as_failure(rc_t rc)
{
	return rc != RC_OTP_REPLAYED && rc != RC_HSM_DOWN && rc != RC_NO_MEMORY;
}

static rc_t authorize_counted(
	struct sam *sam, struct authorization *auth, struct job_authorized *answer)
{
	const struct job_authorize *job = auth->job;
	struct job_authorized made = {.otp_step = 0};
	struct buf plain = BUF_INIT;
	struct wrapped_key key;

	rc_t rc = factors_check(sam, auth, &plain, &key);
	if (rc == RC_OK)
		rc = sad_make(sam, &job->terms, auth->certificate->public_sha256, &key,
			&made.secret, &made.seal);
	if (rc == RC_OK)
		rc = slot_renew(sam, &job->key, auth->certificate->public_sha256, job->pin, &key,
			&made.slot);
	if (rc == RC_OK) {
		/* the area decides, as two SAMs may have checked the same code at once */
		rc = budget_success(
			sam->budget, &job->key.credential, auth->with_otp ? auth->otp.step : -1);
		if (rc == RC_OTP_REPLAYED)
			auth->otp.retry_after_s = OTP_STEP_S;
	}
	buf_free(&plain);
	if (rc != RC_OK) {
		if (!counts_as_failure(rc))
			budget_uncount(sam->budget, &job->key.credential);
		job_authorized_free(&made);
		return rc;
	}
	made.otp_step = auth->with_otp ? auth->otp.step : 0;
	*answer = made;
	return RC_OK;
}

rc_t sam_authorize(struct sam *sam, const struct job_authorize *job, struct job_authorized *answer,
	unsigned *retry_after_s)
{
	struct authorization auth = {.job = job, .now_ms = clock_wall_ms()};
	struct budget_try attempt = {0};

	rc_t rc = form_check(sam, job, auth.now_ms, &auth.with_otp);
	if (rc == RC_OK)
		rc = certificate_check(sam, job, auth.now_ms, &auth.certificate);
	if (rc != RC_OK)
		return rc;
	unlock_apply(sam, job, auth.now_ms);
	rc = budget_count(sam->budget, &job->key.credential, auth.now_ms, &attempt);
	if (rc == RC_OK) {
		auth.last_step =
			attempt.last_step > job->last_step ? attempt.last_step : job->last_step;
		rc = authorize_counted(sam, &auth, answer);
	}
	if (rc == RC_TOO_MANY)
		*retry_after_s = attempt.retry_after_s;
	if (rc == RC_OTP_REPLAYED)
		*retry_after_s = auth.otp.retry_after_s;
	return sam_note(sam, rc);
}
