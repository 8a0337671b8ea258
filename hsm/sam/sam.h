/*
 * The signature activation module: what a rssp-sam process does, a function a job (hsm/jobs.h).
 * It trusts nothing in a job but what a seal, a MAC, an operator's signature or a factor proves.
 */
#ifndef HSM_SAM_SAM_H
#define HSM_SAM_SAM_H

#include "hsm/jobs.h"

struct sam;

/* All texts stay the caller's and must live as long as the SAM. */
struct sam_options {
	enum sam_role role;
	const char *module, *key_token, *key_pin_file;
	const char *ca_token, *ca_pin_file; /* issue */
	const char *operators_file;	    /* activate, issue */
	const char *ca_certificate;	    /* activate: who may have certified a key */
	const char *codes_spool;	    /* issue */
	const char *pki_url, *public_url;   /* issue */
	const char *service_name;	    /* issue */
	bool pin_only;			    /* activate, issue */
	size_t resident_keys;		    /* sign; 0: off */
	uint64_t recycle_unwraps;
	uint32_t failures_per_credential, failures_per_hour; /* activate */
	int area_fd;					     /* activate */
};

/*
 * Logs in, finds the service keys of the role in every generation, checks each attribute, derives
 * the working keys. RC_TOKEN_ATTRIBUTES, RC_CONFIG: a person has to mend something first.
 */
must_check rc_t sam_new(const struct sam_options *options, struct sam **sam);
void sam_free(struct sam **sam);

/* The process should end after its answer: its token is gone, or it has unwrapped enough. */
bool sam_is_broken(const struct sam *sam);
bool sam_is_worn(const struct sam *sam);

/* RC_STATEMENT_INVALID; RC_SYSTEM if the mail cannot be written. */
must_check rc_t sam_enrol(
	struct sam *sam, const struct job_enrol *job, struct job_enrolled *answer);
/* RC_STATEMENT_INVALID, RC_ACTIVATION_REFUSED, RC_PIN_WEAK, RC_PASSWORD_WEAK,
 * RC_KEY_ALGO_INVALID, RC_PARAMETER_INVALID (factors). */
must_check rc_t sam_activate(
	struct sam *sam, const struct job_activate *job, struct job_activated *answer);
/*
 * In this order: form, unlock statement, budget, OTP, PIN, then the last step and the reset.
 * RC_HSM_REFUSED (what is stored does not fit together), RC_CERTIFICATE_EXPIRED, RC_PIN_LOCKED,
 * RC_TOO_MANY, RC_OTP_WRONG, RC_OTP_REPLAYED, RC_PIN_WRONG. An answer's otp_step is 0 when no OTP
 * was asked for.
 */
must_check rc_t sam_authorize(struct sam *sam, const struct job_authorize *job,
	struct job_authorized *answer, unsigned *retry_after_s);
/* account.c. RC_PASSWORD_WRONG. */
must_check rc_t sam_password_check(
	struct sam *sam, const struct job_password_check *job, struct job_password_checked *answer);
/* RC_PIN_WEAK before anything is counted; then as sam_authorize(). */
must_check rc_t sam_change_pin(struct sam *sam, const struct job_change_pin *job,
	struct job_pin_changed *answer, unsigned *retry_after_s);
/* RC_PASSWORD_WEAK before anything is counted; then as sam_authorize(), but for one factor. */
must_check rc_t sam_prove(struct sam *sam, const struct job_prove *job, struct job_proved *answer,
	unsigned *retry_after_s);
/* All or nothing. RC_HSM_REFUSED, RC_SAD_EXPIRED, RC_CERTIFICATE_EXPIRED, RC_HASH_NOT_AUTHORIZED,
 * RC_SIGN_ALGO_INVALID, RC_SIGNATURE_BAD. */
must_check rc_t sam_sign(struct sam *sam, const struct job_sign *job, struct job_signed *answer);
must_check rc_t sam_extend(
	struct sam *sam, const struct job_extend *job, struct job_extended *answer);
/* RC_RANGE. */
must_check rc_t sam_token_key(
	struct sam *sam, const struct job_token_key *job, struct job_token_key_given *answer);
must_check rc_t sam_crl(struct sam *sam, const struct job_crl *job, struct job_crl_made *answer);

#endif
