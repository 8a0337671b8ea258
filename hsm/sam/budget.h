/*
 * Who may still try: failures by credential and of all together, the last OTP step and the last
 * unlock of a credential, in the memory that outlives this process (hsm/budget.h). A try is counted
 * before it is made and given back only when it succeeds, so that kill -9 at any point leaves a
 * count that is right or one too high. Several SAMs may share one area: each call locks it.
 *
 * Layout, native byte order, one machine: a header of one page, then BUDGET_SLOTS entries of
 * 64 bytes, open addressing by the credential, at most BUDGET_PROBES steps. An entry that tells
 * nothing any more (no failure, no unlock, its OTP step out of the window) is used again; when
 * there is none, the try is refused.
 */
#ifndef HSM_SAM_BUDGET_H
#define HSM_SAM_BUDGET_H

#include "base/id.h"
#include "hsm/budget.h"

struct budget;

struct budget_limits {
	uint32_t per_credential;
	uint32_t per_hour; /* of all credentials together */
};

/* Maps the area; fd stays the caller's. The first to open a zeroed area dates it. */
must_check rc_t budget_open(
	int fd, struct budget_limits limits, int64_t now_ms, struct budget **budget);
void budget_close(struct budget **budget);

struct budget_try {
	int64_t last_step;	/* of the credential; -1: none known */
	unsigned retry_after_s; /* with RC_TOO_MANY */
};

/*
 * Counts one failure, on both counts, before anything is tried. RC_PIN_LOCKED when the credential
 * has no tries left, RC_TOO_MANY when all together have none in this hour or the table is full.
 */
must_check rc_t budget_count(struct budget *budget, const struct id *credential, int64_t now_ms,
	struct budget_try *attempt);
/* It was no failure after all (a replayed OTP): takes that one count back. */
void budget_uncount(struct budget *budget, const struct id *credential);
/* Full success: the credential's failures are forgotten, its step is remembered (if not negative).
 * RC_OTP_REPLAYED: another SAM accepted that step or a later one meanwhile; nothing is changed. */
must_check rc_t budget_success(struct budget *budget, const struct id *credential, int64_t step);
/* One factor alone was right: its step is remembered, and only its own count is taken back, so that
 * who has one factor gains no tries at the other. */
must_check rc_t budget_proved(struct budget *budget, const struct id *credential, int64_t step);
/*
 * Gives the credential's tries back, if that unlock is later than the area, than the last one
 * applied and not ahead of the clock by more than 5 minutes; RC_STALE if not.
 */
must_check rc_t budget_unlock(
	struct budget *budget, const struct id *credential, int64_t issued_at_ms, int64_t now_ms);
/* Would budget_unlock take it? Changes nothing: saves checking a signature in vain. */
bool budget_unlock_is_new(
	struct budget *budget, const struct id *credential, int64_t issued_at_ms, int64_t now_ms);

#endif
