#include "hsm/sam/factors.h"

#include "base/clock.h"
#include "base/log.h"
#include "hsm/sam/known.h"
#include "hsm/sam/pin.h"
#include "hsm/sam/slot.h"

rc_t factors_begin(struct sam *sam, struct factors *factors, const struct job_factors *job)
{
	const struct sealed_key *key = &job->key;
	uint8_t digest[SHA256_LEN];

	*factors = (struct factors){.job = job, .now_ms = clock_wall_ms()};
	if (slot_factors(key->factors, key->scal, sam->options.pin_only, &factors->with_otp) !=
			RC_OK ||
		pin_kdf_check(&key->kdf) != RC_OK || key->salt.len != SALT_LEN || key->slot != 0)
		return RC_HSM_REFUSED;
	if (sam_generation(sam, key->generation) == NULL)
		return RC_HSM_REFUSED;
	rc_t rc = digest_sha256(job->certificate, digest);
	if (rc == RC_OK)
		rc = known_issued(sam, job->certificate, digest, &factors->certificate);
	return rc;
}

/*
 * An operator's word gives the tries back. A statement that is old news is the normal case; one
 * that proves nothing is worth a line in the log, and the lock stays.
 */
static void unlock_apply(struct sam *sam, const struct job_factors *job, int64_t now_ms)
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

rc_t factors_count(struct sam *sam, struct factors *factors, unsigned *retry_after_s)
{
	const struct job_factors *job = factors->job;
	struct budget_try attempt = {0};

	unlock_apply(sam, job, factors->now_ms);
	rc_t rc = budget_count(sam->budget, &job->key.credential, factors->now_ms, &attempt);
	if (rc == RC_OK)
		factors->last_step =
			attempt.last_step > job->last_step ? attempt.last_step : job->last_step;
	if (rc == RC_TOO_MANY)
		*retry_after_s = attempt.retry_after_s;
	return rc;
}

static rc_t otp_verify(struct sam *sam, struct factors *factors)
{
	const struct sealed_key *key = &factors->job->key;
	struct buf record = BUF_INIT;
	struct span secret = SPAN_NONE;

	rc_t rc = slot_otp_open(sam, &key->credential, key->otp_seal, &record);
	if (rc == RC_OK)
		rc = otp_record_decode(buf_span(&record), &secret);
	if (rc == RC_SEAL_BROKEN || rc == RC_FORMAT)
		rc = RC_HSM_REFUSED;
	if (rc == RC_OK)
		rc = otp_check(secret, factors->job->otp, factors->now_ms, factors->last_step,
			&factors->otp);
	buf_free(&record);
	return rc;
}

static rc_t pin_verify(struct sam *sam, struct factors *factors)
{
	rc_t rc = slot_open(sam, &factors->job->key, factors->certificate->public_sha256,
		factors->job->pin, &factors->plain, &factors->key);

	if (rc == RC_SEAL_BROKEN)
		return RC_PIN_WRONG;
	if (rc == RC_OK && factors->key.kind != factors->certificate->kind)
		return RC_HSM_REFUSED;
	return rc;
}

rc_t factors_check(struct sam *sam, struct factors *factors)
{
	rc_t rc = factors->with_otp ? otp_verify(sam, factors) : RC_OK;

	return rc == RC_OK ? pin_verify(sam, factors) : rc;
}

rc_t factors_check_one(struct sam *sam, struct factors *factors)
{
	return factors->with_otp ? otp_verify(sam, factors) : pin_verify(sam, factors);
}

static rc_t accepted(struct factors *factors, rc_t rc)
{
	if (rc == RC_OTP_REPLAYED)
		factors->otp.retry_after_s = OTP_STEP_S;
	return rc;
}

rc_t factors_accept(struct sam *sam, struct factors *factors)
{
	return accepted(factors, budget_success(sam->budget, &factors->job->key.credential,
					 factors->with_otp ? factors->otp.step : -1));
}

rc_t factors_accept_one(struct sam *sam, struct factors *factors)
{
	return accepted(factors, budget_proved(sam->budget, &factors->job->key.credential,
					 factors->with_otp ? factors->otp.step : -1));
}

/* A try that told the caller nothing about the factors is given back. */
static bool counts_as_failure(rc_t rc)
{
	return rc != RC_OTP_REPLAYED && rc != RC_HSM_DOWN && rc != RC_NO_MEMORY;
}

rc_t factors_end(struct sam *sam, struct factors *factors, rc_t rc, unsigned *retry_after_s)
{
	if (rc != RC_OK && !counts_as_failure(rc))
		budget_uncount(sam->budget, &factors->job->key.credential);
	if (rc == RC_OTP_REPLAYED)
		*retry_after_s = factors->otp.retry_after_s;
	buf_free(&factors->plain);
	return rc;
}

int64_t factors_step(const struct factors *factors)
{
	return factors->with_otp ? factors->otp.step : 0;
}
