/*
 * One try of a credential's factors: by credentials/authorize, by a consent, by a change of the
 * account. It is counted and committed before a SAM is asked (store_attempt_take()), and accounted
 * for once: in the commit of what it was for, or by one of the ends below, each in a commit with
 * its row of the audit. Seen by the files of core/ only.
 */
#ifndef CORE_ATTEMPT_H
#define CORE_ATTEMPT_H

#include "base/secret.h"
#include "core/internal.h"
#include "store/credential.h"

#define FACTOR_MAX 256 /* bytes of a PIN or an OTP */

/* Part of an operation, which fills in the first members; `end` gets `arg` and what became of it,
 * and `fault` says more. */
struct attempt {
	struct core *core;
	struct call *call;
	const char *event; /* of the row of a refusal */
	void (*end)(void *arg, rc_t rc);
	void *arg;
	struct id credential, subscriber;
	int64_t ordinal; /* of the try that is counted and not yet accounted for; 0: none */
	struct fault fault;
	char text[160]; /* of the fault, where it has words of its own */
};

/* The answer to store_attempt_take(). Was it counted? Then `row` has what the SAM needs. Otherwise
 * it has ended: no store, locked, throttled, another one under way. */
bool attempt_taken(
	struct attempt *attempt, rc_t rc, const struct pg_rows *rows, struct attempt_row *row);
/* What the SAM checks then: what is stored, and what the subscriber typed. */
void attempt_factors(const struct attempt *attempt, const struct attempt_row *row, enum scal scal,
	const struct secret *pin, const struct secret *otp, struct job_factors *factors);
/* Ends for a reason that says nothing of the factors: the try is given back. */
void attempt_stop(struct attempt *attempt, rc_t rc);
/* Ends as the SAM said; any answer but RC_OK. */
void attempt_refused(struct attempt *attempt, const struct hsm_answer *answer);
/* Ends because the OTP's step, or a later one, was taken meanwhile. */
void attempt_overtaken(struct attempt *attempt, int64_t last_step);

#endif
