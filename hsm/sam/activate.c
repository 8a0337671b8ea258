/* Role activate: the subscriber's factors become a SAD. */
#include "hsm/sam/state.h"

#include "hsm/sam/factors.h"
#include "hsm/sam/sad.h"
#include "hsm/sam/slot.h"

#include <string.h>

/* Does what is asked for belong together? Nothing is counted for a fault here. */
static rc_t terms_suit(const struct job_authorize *job, const struct factors *factors)
{
	const struct sad_terms *terms = &job->terms;
	const struct sealed_key *key = &job->factors.key;
	uint8_t digest[SHA256_LEN];

	if (!id_equal(&key->credential, &terms->credential) ||
		!id_equal(&key->subscriber, &terms->subscriber) || key->scal != terms->scal)
		return RC_HSM_REFUSED;
	rc_t rc = terms_check(terms, factors->now_ms);
	if (rc == RC_OK && terms->end_ms <= factors->now_ms)
		rc = RC_HSM_REFUSED;
	if (rc == RC_OK)
		rc = digest_sha256(job->factors.certificate, digest);
	if (rc == RC_OK && memcmp(digest, terms->certificate_sha256, sizeof(digest)) != 0)
		rc = RC_HSM_REFUSED;
	if (rc == RC_OK)
		rc = certificate_check_time(factors->certificate, factors->now_ms);
	return rc;
}

static rc_t authorize_counted(struct sam *sam, struct factors *factors,
	const struct job_authorize *job, struct job_authorized *answer)
{
	const uint8_t *public_sha256 = factors->certificate->public_sha256;
	struct job_authorized made = {.otp_step = 0};

	rc_t rc = factors_check(sam, factors);
	if (rc == RC_OK)
		rc = sad_make(
			sam, &job->terms, public_sha256, &factors->key, &made.secret, &made.seal);
	if (rc == RC_OK)
		rc = slot_renew(sam, &job->factors.key, public_sha256, job->factors.pin,
			&factors->key, &made.slot);
	if (rc == RC_OK)
		rc = factors_accept(sam, factors);
	if (rc != RC_OK) {
		job_authorized_free(&made);
		return rc;
	}
	made.otp_step = factors_step(factors);
	*answer = made;
	return RC_OK;
}

rc_t sam_authorize(struct sam *sam, const struct job_authorize *job, struct job_authorized *answer,
	unsigned *retry_after_s)
{
	struct factors factors;

	rc_t rc = factors_begin(sam, &factors, &job->factors);
	if (rc == RC_OK)
		rc = terms_suit(job, &factors);
	if (rc == RC_OK)
		rc = factors_count(sam, &factors, retry_after_s);
	if (rc != RC_OK)
		return sam_note(sam, rc);
	rc = authorize_counted(sam, &factors, job, answer);
	return sam_note(sam, factors_end(sam, &factors, rc, retry_after_s));
}
