#include "core/operate.h"

#include "store/enrolment.h"

#include <stdlib.h>
#include <string.h>

/* A line of form 01: asked about (check), or taken (submit). */
struct enrol_op {
	struct core *core;
	struct call *call;
	core_enrol_fn done;
	void *arg;
	struct fault fault;
	bool submit;
	struct statement_enrol line;
	struct buf statement, signature;
	struct enrolment_facts facts;
	struct operate_policy ask;
	struct policy_decision decision;
	struct id id, subscriber; /* of the enrolment; of its person */
};

static void enrol_end(void *arg)
{
	struct enrol_op *op = arg;
	struct decision_view view;
	bool ok = op->fault.rc == RC_OK;

	if (ok)
		operate_view(&view, &op->decision);
	op->done(op->arg, &op->fault, ok && op->submit ? &op->id : NULL, ok ? &view : NULL);
	buf_free(&op->statement);
	buf_free(&op->signature);
	free(op);
}

static void enrol_fail(struct enrol_op *op, rc_t rc)
{
	op->fault = fault_of(rc);
	enrol_end(op);
}

/* ---- what is written ---- */

static void enrol_row(struct enrol_op *op, struct audit_row *row, const char *event, rc_t rc)
{
	op->call->subscriber = op->subscriber;
	audit_row_from_call(row, op->call, event, rc);
	row->agency = op->facts.agency;
	if (op->submit)
		operate_detail_id(row, "enrolment", &op->id);
	operate_detail(row, "statement", op->line.number);
	operate_detail(row, "position", op->line.position);
	operate_detail(row, "effect", policy_effect_name(op->decision.effect));
}

static struct enrolment_new enrol_new(const struct enrol_op *op)
{
	return (struct enrolment_new){
		.id = op->id,
		.subscriber = op->subscriber,
		.agency = op->facts.agency,
		.subscriber_version = op->facts.subscriber_version,
		.number = op->line.number,
		.name = op->line.name,
		.birth_date = op->line.birth_date,
		.identity_number = op->line.identity_number,
		.email = op->line.email,
		.phone = op->line.phone,
		.position = op->line.position,
		.budget_code = op->line.budget_code,
		.statement = buf_span(&op->statement),
		.signature = buf_span(&op->signature),
		.operator_name = op->call->who.operator_name,
		.operator_fingerprint = op->call->who.operator_fingerprint,
		.rule = op->decision.rule,
		.policy_version = op->decision.version,
	};
}

static void enrol_on_written(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct enrol_op *op = arg;

	op->fault = fault_of(operate_outcome(op->call, rc, rows, RC_CONFLICT));
	enrol_end(op);
}

static void enrol_on_checked(void *arg, const struct fault *fault)
{
	struct enrol_op *op = arg;

	op->fault = fault_of(fault->rc);
	op->call->audited = fault->rc == RC_OK;
	enrol_end(op);
}

/* The mail with the code is on its way; when this commit fails it opens nothing. */
static void enrol_on_code(void *arg, struct hsm_answer *answer)
{
	struct enrol_op *op = arg;
	struct enrolment_new fresh = enrol_new(op);
	struct audit_row row = {0};

	if (answer->rc != RC_OK) {
		enrol_fail(op, answer->rc);
		return;
	}
	fresh.code_mac = SPAN(answer->enrolled->code_mac, CODE_MAC_LEN);
	fresh.code_expires_ms = answer->enrolled->code_expires_ms;
	enrol_row(op, &row, "enrolment.coded", RC_OK);
	store_enrolment_code(op->core->pg, &row, &fresh, enrol_on_written, op);
}

static void enrol_make_code(struct enrol_op *op)
{
	struct job_enrol job = {
		.statement = buf_span(&op->statement),
		.signature = buf_span(&op->signature),
		.enrolment = op->id,
	};

	if (id_is_zero(&op->subscriber)) {
		rc_t rc = id_random(&op->subscriber);
		if (rc != RC_OK) {
			enrol_fail(op, rc);
			return;
		}
	}
	memcpy(job.operator_fingerprint, op->call->who.operator_fingerprint, SHA256_LEN);
	hsm_client_enrol(op->core->hsm, &job, enrol_on_code, op);
}

/* ---- what is decided ---- */

static void enrol_keep(struct enrol_op *op)
{
	bool waits = op->decision.effect == POLICY_WAIT;
	struct enrolment_new fresh = enrol_new(op);
	struct audit_row row = {0};

	enrol_row(op, &row, waits ? "enrolment.waiting" : "enrolment.refused",
		waits ? RC_POLICY_WAIT : RC_POLICY_DENIED);
	store_enrolment_keep(
		op->core->pg, &row, &fresh, waits ? "waiting" : "refused", enrol_on_written, op);
}

static void enrol_on_policy(void *arg, rc_t rc, const struct policy *policy)
{
	struct enrol_op *op = arg;
	struct policy_subject subject = {
		.kind = "person",
		.sector = op->facts.sector,
		.position = op->line.position,
		.budget_code = op->line.budget_code,
		.disabled = op->facts.disabled,
	};
	struct audit_row row = {0};

	if (rc != RC_OK) {
		enrol_fail(op, rc);
		return;
	}
	policy_decide(policy, POLICY_ENROL, &subject, NULL, NULL, &op->decision);
	operate_name_rule(op->call, &op->decision);
	if (!op->submit) {
		enrol_row(op, &row, "enrolment.checked", RC_OK);
		core_audit_write(op->core, op->call, &row, enrol_on_checked, op);
	} else if (op->decision.effect == POLICY_PERMIT) {
		enrol_make_code(op);
	} else {
		enrol_keep(op);
	}
}

static void enrol_on_facts(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct enrol_op *op = arg;

	if (rc == RC_OK)
		rc = store_enrolment_facts_read(rows, &op->facts);
	if (rc != RC_OK) {
		enrol_fail(op, rc);
		return;
	}
	op->subscriber = op->facts.subscriber;
	if (id_is_zero(&op->facts.agency))
		enrol_fail(op, RC_LINE_AGENCY_UNKNOWN);
	else if (op->facts.number_taken)
		enrol_fail(op, RC_STATEMENT_TAKEN);
	else
		operate_policy(&op->ask, op->core, op->facts.policy_version, enrol_on_policy, op);
}

/* ---- what is asked ---- */

static rc_t enrol_read(struct enrol_op *op, struct span statement, struct span signature)
{
	rc_t rc = statement_enrol_decode(&op->line, statement);

	if (rc == RC_OK && op->submit)
		rc = operators_verify(op->core->operators, op->call->who.operator_fingerprint,
			statement, signature);
	if (rc == RC_OK && op->submit)
		rc = id_random(&op->id);
	if (rc == RC_OK)
		rc = buf_append_span(&op->statement, statement);
	if (rc == RC_OK)
		rc = buf_append_span(&op->signature, signature);
	return rc;
}

static void enrol_start(struct enrol_op *op, struct span statement, struct span signature)
{
	struct enrolment_query query = {
		.number = op->line.number, .identity_number = op->line.identity_number};

	op->fault.rc = enrol_read(op, statement, signature);
	if (op->fault.rc != RC_OK) {
		core_defer(op->core, enrol_end, op);
		return;
	}
	for (size_t i = 0; i < STATEMENT_LEVELS && op->line.agency[i][0] != 0; i++)
		query.agency[i] = op->line.agency[i];
	store_enrolment_facts(op->core->pg, &query, enrol_on_facts, op);
}

static struct enrol_op *enrol_new_op(
	struct core *core, struct call *call, core_enrol_fn done, void *arg, bool submit)
{
	struct enrol_op *op = core_alloc(sizeof(*op));

	op->core = core;
	op->call = call;
	op->done = done;
	op->arg = arg;
	op->submit = submit;
	return op;
}

void core_enrol_check(
	struct core *core, struct call *call, struct span statement, core_enrol_fn done, void *arg)
{
	enrol_start(enrol_new_op(core, call, done, arg, false), statement, SPAN_NONE);
}

void core_enrol_submit(struct core *core, struct call *call, struct span statement,
	struct span signature, core_enrol_fn done, void *arg)
{
	enrol_start(enrol_new_op(core, call, done, arg, true), statement, signature);
}
