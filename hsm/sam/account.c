/* Role activate: what a subscriber changes about his own factors, and the password of his pages. */
#include "hsm/sam/state.h"

#include "hsm/sam/factors.h"
#include "hsm/sam/password.h"
#include "hsm/sam/pin.h"
#include "hsm/sam/slot.h"

rc_t sam_password_check(
	struct sam *sam, const struct job_password_check *job, struct job_password_checked *answer)
{
	struct job_password_checked made = {.renewed = {.generation = 0}};

	rc_t rc = password_check(sam, &job->subscriber, &job->record, job->password);
	if (rc == RC_OK && password_is_old(sam, &job->record))
		rc = password_make(sam, &job->subscriber, job->password, &made.renewed);
	if (rc == RC_OK)
		*answer = made;
	return sam_note(sam, rc);
}

/* ---- change of PIN ---- */

#define PERSON_TEXT 64

static rc_t person_text(char out[PERSON_TEXT], struct span text)
{
	if (text.len >= PERSON_TEXT)
		return RC_HSM_REFUSED;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == 0)
			return RC_HSM_REFUSED;
		out[i] = (char)text.data[i];
	}
	out[text.len] = 0;
	return RC_OK;
}

/* The rules of activation; and a new PIN is another one. */
static rc_t new_pin_check(const struct job_change_pin *job)
{
	char birth_date[PERSON_TEXT], identity_number[PERSON_TEXT], phone[PERSON_TEXT];
	struct pin_person person = {birth_date, identity_number, phone};

	rc_t rc = person_text(birth_date, job->birth_date);
	if (rc == RC_OK)
		rc = person_text(identity_number, job->identity_number);
	if (rc == RC_OK)
		rc = person_text(phone, job->phone);
	if (rc == RC_OK)
		rc = pin_check_rules(job->new_pin, &person);
	if (rc == RC_OK && secret_equal(job->new_pin, job->factors.pin))
		rc = RC_PIN_WEAK;
	return rc;
}

static rc_t change_pin_counted(
	struct sam *sam, struct factors *factors, struct span new_pin, struct job_pin_changed *made)
{
	rc_t rc = factors_check(sam, factors);

	if (rc == RC_OK)
		rc = slot_anew(sam, &factors->job->key, factors->certificate->public_sha256,
			new_pin, &factors->key, &made->slot);
	if (rc == RC_OK)
		rc = factors_accept(sam, factors);
	return rc;
}

rc_t sam_change_pin(struct sam *sam, const struct job_change_pin *job,
	struct job_pin_changed *answer, unsigned *retry_after_s)
{
	struct job_pin_changed made = {.otp_step = 0};
	struct factors factors;

	/* what a new PIN must be is no secret, and costs no try */
	rc_t rc = factors_begin(sam, &factors, &job->factors);
	if (rc == RC_OK)
		rc = new_pin_check(job);
	if (rc == RC_OK)
		rc = factors_count(sam, &factors, retry_after_s);
	if (rc != RC_OK)
		return sam_note(sam, rc);
	rc = change_pin_counted(sam, &factors, job->new_pin, &made);
	if (rc == RC_OK) {
		made.otp_step = factors_step(&factors);
		*answer = made;
	} else {
		job_pin_changed_free(&made);
	}
	return sam_note(sam, factors_end(sam, &factors, rc, retry_after_s));
}

/* ---- proof of a factor ---- */

static rc_t prove_counted(struct sam *sam, struct factors *factors, const struct job_prove *job,
	struct password_record *password)
{
	rc_t rc = factors_check_one(sam, factors);

	if (rc == RC_OK && job->new_password.len > 0)
		rc = password_make(sam, &job->factors.key.subscriber, job->new_password, password);
	if (rc == RC_OK)
		rc = factors_accept_one(sam, factors);
	return rc;
}

rc_t sam_prove(struct sam *sam, const struct job_prove *job, struct job_proved *answer,
	unsigned *retry_after_s)
{
	struct job_proved made = {.otp_step = 0};
	struct factors factors;

	rc_t rc = factors_begin(sam, &factors, &job->factors);
	if (rc == RC_OK && job->new_password.len > 0)
		rc = password_check_rules(job->new_password, job->identity_number, job->email);
	if (rc == RC_OK)
		rc = factors_count(sam, &factors, retry_after_s);
	if (rc != RC_OK)
		return sam_note(sam, rc);
	rc = prove_counted(sam, &factors, job, &made.password);
	made.otp_step = factors_step(&factors);
	if (rc == RC_OK)
		*answer = made;
	return sam_note(sam, factors_end(sam, &factors, rc, retry_after_s));
}
