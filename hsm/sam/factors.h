/*
 * A credential's factors, checked: form, unlock statement, budget, OTP, PIN, then the last step.
 * Whatever is asked for with them (AUTHORIZE, CHANGE PIN, PROVE), the tries are the same ones.
 */
#ifndef HSM_SAM_FACTORS_H
#define HSM_SAM_FACTORS_H

#include "hsm/sam/otp.h"
#include "hsm/sam/state.h"
#include "hsm/sam/terms.h"

struct factors {
	const struct job_factors *job;
	const struct certificate *certificate;
	int64_t now_ms;
	int64_t last_step; /* the later of the area's and the database's */
	bool with_otp;
	struct otp_answer otp;
	/* the key, when the PIN was checked */
	struct buf plain;
	struct wrapped_key key;
};

/* Does what is stored belong together? Nothing is counted for a fault here. RC_HSM_REFUSED. */
must_check rc_t factors_begin(
	struct sam *sam, struct factors *factors, const struct job_factors *job);
/* Applies a new unlock statement, then counts the try. RC_PIN_LOCKED, RC_TOO_MANY. After RC_OK
 * factors_end() follows, whatever comes. */
must_check rc_t factors_count(struct sam *sam, struct factors *factors, unsigned *retry_after_s);
/* OTP first, then the slot: its tag is the check of the PIN. RC_OTP_WRONG, RC_OTP_REPLAYED,
 * RC_PIN_WRONG. */
must_check rc_t factors_check(struct sam *sam, struct factors *factors);
/* One factor: the OTP; the PIN where there is none. */
must_check rc_t factors_check_one(struct sam *sam, struct factors *factors);
/* When all else is done: the area decides, as two SAMs may have checked the same code at once.
 * RC_OTP_REPLAYED. */
must_check rc_t factors_accept(struct sam *sam, struct factors *factors);
must_check rc_t factors_accept_one(struct sam *sam, struct factors *factors);
/* Gives a try back that told nothing about the factors; releases. Returns rc. */
must_check rc_t factors_end(
	struct sam *sam, struct factors *factors, rc_t rc, unsigned *retry_after_s);

/* To be committed by the caller; 0: no OTP was asked for. */
int64_t factors_step(const struct factors *factors);

#endif
