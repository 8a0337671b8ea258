/*
 * What a subscriber changes himself: PIN, password, all sessions. Each takes a factor of a
 * credential, in the steps of credentials/authorize: read and check, count the try and commit it,
 * ask the SAM, and then in one commit either the change, or the failure (with the lock, at the last
 * one), or the try given back.
 */
#include "core/account_internal.h"

#include "base/clock.h"
#include "core/attempt.h"
#include "core/oauth/token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PASSWORD_LABEL "rssp password "
/* An access token lives one hour; clocks may differ a little. */
#define TOKENS_END_MS (INT64_C(3600000) + 300000)

enum change_kind { CHANGE_PIN, CHANGE_PASSWORD, CHANGE_SESSIONS };

struct change_op {
	struct core *core;
	struct call *call;
	core_done_fn done;
	void *arg;
	enum change_kind kind;
	struct id credential;
	struct secret pin, otp, fresh; /* fresh: the new PIN or password */
	bool has_pin, has_otp;
	/* of the password that is changed */
	struct password_query query;
	struct password_change password;
	struct password_record record;
	/* what was read */
	enum scal scal;
	char birth_date[16], identity_number[64], phone[64], email[ACCOUNT_TEXT];
	int64_t revision;
	/* what was got */
	struct attempt attempt;
	int64_t otp_step;
	struct slot_renewed slot;
};

/* ---- the end ---- */

static void change_end(void *arg, rc_t rc)
{
	struct change_op *op = arg;

	op->attempt.fault.rc = rc;
	op->done(op->arg, &op->attempt.fault);
	secret_free(&op->pin);
	secret_free(&op->otp);
	secret_free(&op->fresh);
	buf_free(&op->slot.salt);
	buf_free(&op->slot.key_seal);
	free(op);
}

static void change_deferred(void *arg)
{
	struct change_op *op = arg;

	change_end(op, op->attempt.fault.rc);
}

/* ---- the commit ---- */

static void change_committed(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct change_op *op = arg;
	struct change_done done = {0};

	if (rc == RC_OK && pg_row_count(rows) != 1)
		rc = RC_INTERNAL;
	if (rc != RC_OK && rc != RC_DUPLICATE) {
		change_end(op, rc);
		return;
	}
	if (rc == RC_OK)
		store_change_done_read(rows, &done);
	if (done.done) {
		op->call->audited = true;
		core_notices_wake(op->core);
		core_tokens_doubt(op->core); /* some changes end tokens */
		change_end(op, RC_OK);
	} else if (done.locked) {
		attempt_stop(&op->attempt, RC_PIN_LOCKED);
	} else if (op->otp_step != 0 && done.last_step >= op->otp_step) {
		attempt_overtaken(&op->attempt, done.last_step);
	} else {
		/* another change of the same came first */
		attempt_stop(&op->attempt, RC_CONFLICT);
	}
}

static void commit_pin(struct change_op *op, const struct change_new *change, struct audit_row *row)
{
	struct slot_new slot = {
		.revision = op->revision,
		.generation = (int64_t)op->slot.generation,
		.kdf_memory_kib = (int64_t)op->slot.kdf.memory_kib,
		.kdf_passes = (int64_t)op->slot.kdf.passes,
		.salt = buf_span(&op->slot.salt),
		.key_seal = buf_span(&op->slot.key_seal),
	};

	store_pin_change(op->core->pg, row, change, &slot, change_committed, op);
}

static void commit_password(
	struct change_op *op, const struct change_new *change, struct audit_row *row)
{
	op->password.fresh = password_new_of(&op->record);
	memcpy(op->password.failures_sha256, op->query.sha256, SHA256_LEN);
	store_password_change(op->core->pg, row, change, &op->password, change_committed, op);
}

static void commit_sessions(
	struct change_op *op, const struct change_new *change, struct audit_row *row)
{
	store_sign_out_everywhere(
		op->core->pg, row, change, row->at_ms + TOKENS_END_MS, change_committed, op);
}

static const struct change_terms {
	const char *event; /* of the row that says it was done */
	bool both;	   /* PIN and OTP; else one of them */
	bool enabled;	   /* the credential must be in use */
	void (*commit)(
		struct change_op *op, const struct change_new *change, struct audit_row *row);
} change_kinds[] = {
	[CHANGE_PIN] = {"account.pin-changed", true, true, commit_pin},
	[CHANGE_PASSWORD] = {"account.password-changed", false, false, commit_password},
	[CHANGE_SESSIONS] = {"account.signed-out-everywhere", false, false, commit_sessions},
};

static void change_commit(struct change_op *op)
{
	struct change_new change = {op->credential, op->call->who.subscriber, op->otp_step};
	struct audit_row row;

	audit_row_from_call(&row, op->call, change_kinds[op->kind].event, RC_OK);
	change_kinds[op->kind].commit(op, &change, &row);
}

/* ---- the SAM ---- */

static void change_accept(struct change_op *op, struct hsm_answer *answer)
{
	if (op->kind == CHANGE_PIN) {
		op->otp_step = answer->pin->otp_step;
		op->slot = answer->pin->slot;
		answer->pin->slot = (struct slot_renewed){.salt = BUF_INIT};
	} else {
		op->otp_step = answer->proved->otp_step;
		op->record = answer->proved->password;
	}
	if (op->kind == CHANGE_PASSWORD && op->record.generation == 0)
		attempt_stop(&op->attempt, RC_INTERNAL);
	else
		change_commit(op);
}

static void change_answered(void *arg, struct hsm_answer *answer)
{
	struct change_op *op = arg;

	if (answer->rc == RC_OK)
		change_accept(op, answer);
	else
		attempt_refused(&op->attempt, answer);
}

static void change_ask(struct change_op *op, const struct attempt_row *row)
{
	struct job_change_pin change = {
		.new_pin = secret_span(&op->fresh),
		.birth_date = span_string(op->birth_date),
		.identity_number = span_string(op->identity_number),
		.phone = span_string(op->phone),
	};
	struct job_prove prove = {
		.identity_number = span_string(op->identity_number),
		.email = span_string(op->email),
	};

	if (op->kind == CHANGE_PIN) {
		attempt_factors(&op->attempt, row, op->scal, &op->pin, &op->otp, &change.factors);
		hsm_client_change_pin(op->core->hsm, &change, change_answered, op);
		return;
	}
	if (op->kind == CHANGE_PASSWORD)
		prove.new_password = secret_span(&op->fresh);
	attempt_factors(&op->attempt, row, op->scal, &op->pin, &op->otp, &prove.factors);
	hsm_client_prove(op->core->hsm, &prove, change_answered, op);
}

static void change_attempted(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct change_op *op = arg;
	struct attempt_row attempt;

	if (!attempt_taken(&op->attempt, rc, rows, &attempt))
		return;
	op->revision = attempt.revision;
	change_ask(op, &attempt);
}

/* ---- reading and checking ---- */

static rc_t factors_given(const struct change_op *op, const struct change_row *row)
{
	bool both = change_kinds[op->kind].both;
	bool with_otp = strcmp(row->factors, "PIN AND OTP") == 0;

	if (with_otp && !op->has_otp)
		return RC_OTP_INVALID_TYPE;
	return (both || !with_otp) && !op->has_pin ? RC_PIN_INVALID_TYPE : RC_OK;
}

static rc_t change_check(struct change_op *op, const struct change_row *row)
{
	rc_t rc = factors_given(op, row);

	if (rc == RC_OK && change_kinds[op->kind].enabled && strcmp(row->state, "active") != 0)
		rc = RC_CREDENTIAL_DISABLED;
	op->scal = row->scal == 2 ? SCAL_2 : SCAL_1;
	snprintf(op->birth_date, sizeof(op->birth_date), "%s", row->birth_date);
	snprintf(op->identity_number, sizeof(op->identity_number), "%s", row->identity_number);
	snprintf(op->phone, sizeof(op->phone), "%s", row->phone);
	snprintf(op->email, sizeof(op->email), "%s", row->email);
	return rc;
}

static void change_loaded(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct change_op *op = arg;
	struct change_row row;

	if (rc == RC_OK && pg_row_count(rows) != 1)
		rc = RC_CREDENTIAL_ID_INVALID;
	if (rc == RC_OK) {
		op->call->credential = op->credential;
		store_change_read(rows, &row);
		rc = change_check(op, &row);
	}
	if (rc != RC_OK) {
		change_end(op, rc);
		return;
	}
	struct attempt_new attempt = {.credential = op->credential,
		.now_ms = clock_wall_ms(),
		.client_failures_per_minute = INT64_MAX};
	store_attempt_take(op->core->pg, &attempt, change_attempted, op);
}

static void change_load(struct change_op *op)
{
	store_change_load(
		op->core->pg, &op->call->who.subscriber, &op->credential, change_loaded, op);
}

static struct change_op *change_new(struct core *core, struct call *call, enum change_kind kind,
	const struct account_factors *factors, core_done_fn done, void *arg)
{
	struct change_op *op = core_alloc(sizeof(*op));

	op->core = core;
	op->call = call;
	op->kind = kind;
	op->done = done;
	op->arg = arg;
	op->credential = factors->credential;
	op->attempt = (struct attempt){
		.core = core,
		.call = call,
		.event = call->event,
		.end = change_end,
		.arg = op,
		.credential = factors->credential,
		.subscriber = call->who.subscriber,
	};
	op->has_pin = factors->pin.data != NULL;
	op->has_otp = factors->otp.data != NULL;
	op->attempt.fault.rc = RC_OK;
	if (factors->pin.len > FACTOR_MAX)
		op->attempt.fault.rc = RC_PIN_INVALID_TYPE;
	else if (factors->otp.len > FACTOR_MAX)
		op->attempt.fault.rc = RC_OTP_INVALID_TYPE;
	if (op->attempt.fault.rc == RC_OK && op->has_pin)
		op->attempt.fault.rc = secret_set(&op->pin, factors->pin);
	if (op->attempt.fault.rc == RC_OK && op->has_otp)
		op->attempt.fault.rc = secret_set(&op->otp, factors->otp);
	return op;
}

/* ---- the interface ---- */

void core_account_change_pin(struct core *core, struct call *call,
	const struct account_factors *factors, struct span new_pin, core_done_fn done, void *arg)
{
	struct change_op *op = change_new(core, call, CHANGE_PIN, factors, done, arg);

	if (op->attempt.fault.rc == RC_OK && new_pin.len > FACTOR_MAX)
		op->attempt.fault.rc = RC_PIN_WEAK;
	if (op->attempt.fault.rc == RC_OK)
		op->attempt.fault.rc = secret_set(&op->fresh, new_pin);
	if (op->attempt.fault.rc == RC_OK)
		change_load(op);
	else
		core_defer(core, change_deferred, op);
}

void core_account_sign_out_everywhere(struct core *core, struct call *call,
	const struct account_factors *factors, core_done_fn done, void *arg)
{
	struct change_op *op = change_new(core, call, CHANGE_SESSIONS, factors, done, arg);

	if (op->attempt.fault.rc == RC_OK)
		change_load(op);
	else
		core_defer(core, change_deferred, op);
}

static void change_password_checked(void *arg, const struct password_checked *checked)
{
	struct change_op *op = arg;

	op->attempt.fault.retry_after_s = checked->retry_after_s;
	op->password.version = checked->version;
	if (checked->rc == RC_OK)
		change_load(op);
	else
		change_end(op, checked->rc);
}

/* Failures at one's own password are counted apart from those at the sign-in. */
static rc_t password_query_of(struct password_query *query, const struct id *subscriber)
{
	struct buf counted = BUF_INIT;

	query->subscriber = *subscriber;
	query->now_ms = clock_wall_ms();
	rc_t rc = buf_append_string(&counted, PASSWORD_LABEL);
	if (rc == RC_OK)
		rc = buf_append_span(&counted, id_span(subscriber));
	if (rc == RC_OK)
		rc = digest_sha256(buf_span(&counted), query->sha256);
	buf_free(&counted);
	return rc;
}

void core_account_change_password(struct core *core, struct call *call, struct span cookie,
	const struct account_factors *factors, struct span password, struct span new_password,
	core_done_fn done, void *arg)
{
	struct change_op *op = change_new(core, call, CHANGE_PASSWORD, factors, done, arg);

	if (op->attempt.fault.rc == RC_OK && new_password.len == 0)
		op->attempt.fault.rc =
			RC_PASSWORD_WEAK; /* to the SAM it would mean that none is asked for */
	if (op->attempt.fault.rc == RC_OK)
		op->attempt.fault.rc = secret_set(&op->fresh, new_password);
	if (op->attempt.fault.rc == RC_OK)
		op->attempt.fault.rc = digest_sha256(cookie, op->password.session_sha256);
	if (op->attempt.fault.rc == RC_OK)
		op->attempt.fault.rc = password_query_of(&op->query, &call->who.subscriber);
	if (op->attempt.fault.rc == RC_OK)
		password_check(core, &op->query, password, change_password_checked, op);
	else
		core_defer(core, change_deferred, op);
}
