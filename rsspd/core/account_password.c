/*
 * A password: counted as a failure and committed, then checked by a SAM. Whoever it is asked for,
 * and if there is nobody: the same statement, the same job.
 */
#include "core/account_internal.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Anybody may ask, and each check costs a SAM milliseconds: a flood of them must not be what those
 * wait for who sign. */
#define PASSWORDS_AT_ONCE 32
#define RETRY_CROWDED_S 1

struct password_op {
	struct core *core;
	password_checked_fn done;
	void *arg;
	uint8_t sha256[SHA256_LEN];
	struct secret password;
	struct password_checked checked;
};

static void password_end(struct password_op *op, rc_t rc)
{
	op->checked.rc = rc;
	op->core->passwords_asked--;
	op->done(op->arg, &op->checked);
	secret_free(&op->password);
	free(op);
}

static void password_given_back(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct password_op *op = arg;

	(void)rc; /* then it stays counted */
	(void)rows;
	password_end(op, op->checked.rc);
}

static void password_answered(void *arg, struct hsm_answer *answer)
{
	struct password_op *op = arg;
	rc_t rc = answer->rc;

	if (rc == RC_HSM_REFUSED)
		log_error("account: a password's record is none that a SAM made");
	if (rc == RC_OK && !id_is_zero(&op->checked.subscriber)) {
		op->checked.renewed = answer->password->renewed;
		password_end(op, RC_OK);
	} else if (rc == RC_OK || rc == RC_PASSWORD_WRONG || rc == RC_HSM_REFUSED) {
		password_end(op, RC_PASSWORD_WRONG);
	} else if (rc == RC_HSM_LOST) {
		password_end(op, rc); /* it may have been checked */
	} else {
		op->checked.rc = rc;
		store_password_untry(op->core->pg, op->sha256, password_given_back, op);
	}
}

static void password_ask(struct password_op *op, const struct password_row *row)
{
	struct job_password_check job = {
		.subscriber = row->subscriber,
		.password = secret_span(&op->password),
	};

	if (row->salt.len == SALT_LEN && row->mac.len == PASSWORD_MAC_LEN && row->generation > 0) {
		job.record.generation = (uint64_t)row->generation;
		job.record.kdf.memory_kib = (uint64_t)row->kdf_memory_kib;
		job.record.kdf.passes = (uint64_t)row->kdf_passes;
		memcpy(job.record.salt, row->salt.data, SALT_LEN);
		memcpy(job.record.mac, row->mac.data, PASSWORD_MAC_LEN);
		op->checked.subscriber = row->subscriber;
		op->checked.version = row->version;
		snprintf(op->checked.name, sizeof(op->checked.name), "%s", row->name);
	}
	hsm_client_password_check(op->core->hsm, &job, password_answered, op);
}

static unsigned password_wait_s(const struct password_row *row)
{
	int64_t wait_s = store_password_wait_s(row->failures);
	int64_t end_ms = row->attempted_ms + 1000 * wait_s;
	int64_t left_ms = end_ms - clock_wall_ms();

	if (row->attempted_ms == 0 || left_ms <= 0 || left_ms > 1000 * wait_s)
		return wait_s == 0 ? 1 : (unsigned)wait_s;
	return (unsigned)((left_ms + 999) / 1000);
}

static void password_tried(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct password_op *op = arg;
	struct password_row row = {0};

	if (rc != RC_OK) {
		password_end(op, rc);
		return;
	}
	store_password_read(rows, &row);
	if (row.taken) {
		password_ask(op, &row);
		return;
	}
	op->checked.retry_after_s = password_wait_s(&row);
	password_end(op, RC_TOO_MANY);
}

static void password_refused(void *arg)
{
	struct password_op *op = arg;

	password_end(op, op->checked.rc);
}

void password_check(struct core *core, const struct password_query *query, struct span password,
	password_checked_fn done, void *arg)
{
	struct password_op *op = core_alloc(sizeof(*op));

	op->core = core;
	op->done = done;
	op->arg = arg;
	memcpy(op->sha256, query->sha256, SHA256_LEN);
	op->checked.rc = secret_set(&op->password, password);
	if (++core->passwords_asked > PASSWORDS_AT_ONCE) {
		op->checked.rc = RC_TOO_MANY;
		op->checked.retry_after_s = RETRY_CROWDED_S;
	}
	if (op->checked.rc == RC_OK)
		store_password_try(core->pg, query, password_tried, op);
	else
		core_defer(core, password_refused, op);
}

struct password_new password_new_of(const struct password_record *record)
{
	return (struct password_new){
		.generation = (int64_t)record->generation,
		.kdf_memory_kib = (int64_t)record->kdf.memory_kib,
		.kdf_passes = (int64_t)record->kdf.passes,
		.salt = SPAN(record->salt, SALT_LEN),
		.mac = SPAN(record->mac, PASSWORD_MAC_LEN),
	};
}
