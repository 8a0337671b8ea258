#include "core/attempt.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_IN_FLIGHT_S 1
#define RETRY_THROTTLED_S 60
#define OTP_STEP_S 30 /* RFC 6238 */

static void attempt_end(struct attempt *attempt, rc_t rc)
{
	attempt->fault.rc = rc;
	attempt->end(attempt->arg, rc);
}

/* The row of the refusal was written (or not, and then the router tries). */
static void refusal_written(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct attempt *attempt = arg;

	(void)rows;
	attempt->call->audited = rc == RC_OK;
	attempt_end(attempt, rc == RC_OK ? attempt->fault.rc : rc);
}

static void refusal_row(struct attempt *attempt, struct audit_row *row, rc_t rc)
{
	attempt->fault.rc = rc;
	audit_row_from_call(row, attempt->call, attempt->event, rc);
}

void attempt_stop(struct attempt *attempt, rc_t rc)
{
	struct audit_row row;

	if (attempt->ordinal == 0) {
		attempt_end(attempt, rc);
		return;
	}
	attempt->ordinal = 0;
	refusal_row(attempt, &row, rc);
	store_attempt_give_back(
		attempt->core->pg, &row, &attempt->credential, refusal_written, attempt);
}

static void wrong_fill(
	const struct attempt *attempt, struct attempt_wrong *wrong, const struct audit_row *row)
{
	*wrong = (struct attempt_wrong){
		.credential = attempt->credential,
		.subscriber = attempt->subscriber,
		.client = attempt->call->who.client,
		.ordinal = attempt->ordinal,
		.now_ms = row->at_ms,
	};
	if (id_random(&wrong->lock_event) != RC_OK)
		abort();
}

static void lock_written(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct attempt *attempt = arg;

	if (rc == RC_OK && pg_row_count(rows) == 1 && pg_bool(rows, 0, 0))
		core_notices_wake(attempt->core);
	refusal_written(attempt, rc, rows);
}

static void attempt_wrong(struct attempt *attempt, rc_t rc)
{
	struct attempt_wrong wrong;
	struct audit_row row;

	attempt->fault.has_tries = true;
	attempt->fault.tries_left =
		attempt->ordinal < GUARD_TRIES ? (unsigned)(GUARD_TRIES - attempt->ordinal) : 0;
	refusal_row(attempt, &row, rc);
	wrong_fill(attempt, &wrong, &row);
	store_attempt_wrong(attempt->core->pg, &row, &wrong, lock_written, attempt);
}

static void attempt_lock(struct attempt *attempt)
{
	struct attempt_wrong wrong;
	struct audit_row row;

	refusal_row(attempt, &row, RC_PIN_LOCKED);
	wrong_fill(attempt, &wrong, &row);
	store_credential_lock(attempt->core->pg, &row, &wrong, lock_written, attempt);
}

static void attempt_replayed(struct attempt *attempt, unsigned wait_s)
{
	if (attempt->call->lang == LANG_EN)
		snprintf(attempt->text, sizeof(attempt->text),
			"The OTP was used already; wait %u seconds for the next one", wait_s);
	else
		snprintf(attempt->text, sizeof(attempt->text),
			"Mã OTP đã được dùng; hãy đợi %u giây để có mã mới", wait_s);
	attempt->fault.text = attempt->text;
	attempt->fault.retry_after_s = wait_s;
	attempt_stop(attempt, RC_OTP_REPLAYED);
}

void attempt_overtaken(struct attempt *attempt, int64_t last_step)
{
	/* the row may say anything: no code is accepted more than one step ahead */
	int64_t now = clock_wall_ms() / 1000, ahead = now / OTP_STEP_S + 1;
	int64_t last = last_step < ahead ? last_step : ahead;
	int64_t wait = (last + 1) * OTP_STEP_S - now;

	attempt_replayed(attempt, wait < 1 ? 1 : (unsigned)wait);
}

bool attempt_taken(
	struct attempt *attempt, rc_t rc, const struct pg_rows *rows, struct attempt_row *row)
{
	if (rc != RC_OK || pg_row_count(rows) != 1) {
		attempt_end(attempt, rc == RC_OK ? RC_INTERNAL : rc);
		return false;
	}
	store_attempt_read(rows, row);
	attempt->ordinal = row->ordinal;
	if (row->taken)
		return true;
	if (row->lost) {
		attempt_lock(attempt);
	} else if (row->locked) {
		attempt_end(attempt, RC_PIN_LOCKED);
	} else {
		attempt->fault.retry_after_s =
			row->throttled ? RETRY_THROTTLED_S : RETRY_IN_FLIGHT_S;
		attempt_end(attempt, RC_TOO_MANY);
	}
	return false;
}

void attempt_factors(const struct attempt *attempt, const struct attempt_row *row, enum scal scal,
	const struct secret *pin, const struct secret *otp, struct job_factors *factors)
{
	*factors = (struct job_factors){
		.key = {attempt->credential, attempt->subscriber, 0, scal, row->factors,
			{(uint64_t)row->kdf_memory_kib, (uint64_t)row->kdf_passes},
			(uint64_t)row->generation, row->salt, row->key_seal, row->otp_seal},
		.certificate = row->certificate,
		.pin = secret_span(pin),
		.otp = secret_span(otp),
		.last_step = row->last_step,
		.unlock = row->unlock,
		.unlock_signature = row->unlock_signature,
	};
	if (row->unlock_fingerprint.len == SHA256_LEN)
		memcpy(factors->unlock_fingerprint, row->unlock_fingerprint.data, SHA256_LEN);
}

void attempt_refused(struct attempt *attempt, const struct hsm_answer *answer)
{
	attempt->fault.retry_after_s = answer->retry_after_s;
	switch (answer->rc) {
	case RC_PIN_WRONG:
	case RC_OTP_WRONG:
		attempt_wrong(attempt, answer->rc);
		break;
	case RC_PIN_LOCKED:
		attempt_lock(attempt);
		break;
	case RC_OTP_REPLAYED:
		attempt_replayed(attempt, answer->retry_after_s);
		break;
	case RC_HSM_LOST:
		/* it may have checked the factors: the try stays counted */
		attempt_end(attempt, RC_HSM_LOST);
		break;
	default:
		attempt_stop(attempt, answer->rc == RC_SEAL_BROKEN ? RC_HSM_REFUSED : answer->rc);
		break;
	}
}
