#include "core/credential.h"

#include "base/clock.h"
#include "core/subject.h"

#include <stdlib.h>
#include <string.h>

struct credential_op {
	struct core *core;
	struct call *call;
	struct id subscriber, credential, after;
	uint32_t limit;
	bool list, only_valid;
	unsigned policy_reads;
	core_credentials_fn done;
	void *arg;
};

static void credential_load(struct credential_op *op);

static void credential_end(struct credential_op *op, rc_t rc, const struct credential_views *views)
{
	struct fault fault = fault_of(rc);

	op->done(op->arg, &fault, rc == RC_OK ? views : NULL);
	free(op);
}

static enum certificate_status status_of(const struct subject_row *subject)
{
	if (strcmp(subject->credential_state, "revoked") == 0)
		return CERTIFICATE_REVOKED;
	return subject->valid_to_ms <= clock_wall_ms() ? CERTIFICATE_EXPIRED : CERTIFICATE_VALID;
}

/* May it sign now? The same questions as at authorisation, without anybody being told why not. */
static bool enabled_now(struct credential_op *op, const struct subject_row *subject)
{
	struct call scratch = *op->call;
	struct buf text = BUF_INIT;

	rc_t rc = subject_decide(op->core, &scratch, POLICY_AUTHORIZE, subject, 1, &text);
	buf_free(&text);
	return rc == RC_OK && subject_check(op->core, subject) == RC_OK && !subject->locked;
}

static void view_fill(
	struct credential_op *op, const struct subject_row *subject, struct credential_view *view)
{
	*view = (struct credential_view){
		.id = subject->credential,
		.subscriber = subject->subscriber,
		.key = key_algo_by_name(subject->key_algo),
		.enabled = enabled_now(op, subject),
		.status = status_of(subject),
		.factors = subject->factors,
		.scal = subject->scal == 2 ? SCAL_2 : SCAL_1,
		.mode = op->call->who.mode,
		.multisign = op->core->settings.multisign,
		.valid_from_ms = subject->valid_from_ms,
		.valid_to_ms = subject->valid_to_ms,
		.certificate = subject->certificate,
		.issuer_certificate = buf_span(&op->core->ca_certificate),
	};
}

/* One row more than asked for was read, to know whether more follow. */
static void credential_answer(struct credential_op *op, const struct pg_rows *rows)
{
	size_t count = pg_row_count(rows);
	struct credential_views views = {.more = op->list && count > op->limit};
	struct credential_view *made = core_alloc((count + 1) * sizeof(*made));

	count = views.more ? op->limit : count;
	for (size_t i = 0; i < count; i++) {
		struct subject_row subject;
		struct credential_view *view = &made[views.count];

		store_subject_read(rows, i, &subject);
		views.last = subject.credential;
		view_fill(op, &subject, view);
		if (!op->only_valid || (view->enabled && view->status == CERTIFICATE_VALID))
			views.count++;
	}
	views.views = made;
	if (views.count > 0) {
		op->call->subscriber = made[0].subscriber;
		op->call->credential = op->list ? (struct id){{0}} : made[0].id;
	}
	credential_end(op, RC_OK, &views);
	free(made);
}

static void credential_policy_read(void *arg, rc_t rc)
{
	struct credential_op *op = arg;

	if (rc != RC_OK)
		credential_end(op, rc == RC_STORE_UNKNOWN ? RC_STORE_DOWN : rc, NULL);
	else
		credential_load(op);
}

static void subscriber_checked(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct credential_op *op = arg;
	const struct credential_views none = {0};

	if (rc == RC_OK && pg_row_count(rows) == 0)
		rc = RC_USER_ID_INVALID;
	credential_end(op, rc, &none);
}

static void credential_loaded(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct credential_op *op = arg;
	struct subject_row subject;

	if (rc != RC_OK) {
		credential_end(op, rc, NULL);
		return;
	}
	if (pg_row_count(rows) == 0 && op->list) {
		store_subscriber_seen(op->core->pg, &op->call->who.client, &op->subscriber,
			subscriber_checked, op);
		return;
	}
	if (pg_row_count(rows) == 0) {
		credential_end(op, RC_CREDENTIAL_ID_INVALID, NULL);
		return;
	}
	store_subject_read(rows, 0, &subject);
	if (subject_may(op->call, &subject) != RC_OK) {
		credential_end(op, op->list ? RC_USER_ID_INVALID : RC_CREDENTIAL_ID_INVALID, NULL);
		return;
	}
	if (subject_policy_missing(op->core, &subject) && op->policy_reads++ < SUBJECT_ROUNDS)
		core_policy_read(op->core, credential_policy_read, op);
	else
		credential_answer(op, rows);
}

static void credential_load(struct credential_op *op)
{
	if (op->list)
		store_credential_list(op->core->pg, &op->call->who.client, &op->subscriber,
			&op->after, (int64_t)op->limit + 1, credential_loaded, op);
	else
		store_credential_get(op->core->pg, &op->call->who.client, &op->credential,
			credential_loaded, op);
}

void core_credential_list(struct core *core, struct call *call, const struct id *subscriber,
	bool only_valid, const struct id *after, uint32_t limit, core_credentials_fn done,
	void *arg)
{
	struct credential_op *op = core_alloc(sizeof(*op));

	*op = (struct credential_op){.core = core,
		.call = call,
		.subscriber = *subscriber,
		.after = *after,
		.limit = limit,
		.list = true,
		.only_valid = only_valid,
		.done = done,
		.arg = arg};
	credential_load(op);
}

void core_credential_get(struct core *core, struct call *call, const struct id *credential,
	core_credentials_fn done, void *arg)
{
	struct credential_op *op = core_alloc(sizeof(*op));

	*op = (struct credential_op){
		.core = core, .call = call, .credential = *credential, .done = done, .arg = arg};
	credential_load(op);
}
