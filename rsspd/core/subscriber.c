#include "core/operate.h"

#include "base/clock.h"
#include "core/oauth/token.h"
#include "store/subscriber.h"

#include <stdlib.h>
#include <string.h>

#define SUBSCRIBER_LIST_MAX 1000
/* An operator's clock may be this far ahead of ours: a statement from further ahead would keep
 * every other unlock out until then. */
#define CLOCK_AHEAD_MS (5 * 60 * 1000)

/* ---- list ---- */

struct subscribers_op {
	core_subscribers_fn done;
	void *arg;
	struct fault fault;
};

static void subscribers_end(void *arg)
{
	struct subscribers_op *op = arg;

	op->done(op->arg, &op->fault, NULL, 0);
	free(op);
}

/* The rows of one subscriber stand together: each new id begins a view. */
static size_t subscribers_gather(const struct pg_rows *rows, struct subscriber_view *views,
	struct subscriber_credential *credentials)
{
	size_t count = 0, used = 0;

	for (size_t i = 0; i < pg_row_count(rows); i++) {
		struct subscriber_row row;
		store_subscriber_read(rows, i, &row);
		if (count == 0 || !id_equal(&views[count - 1].id, &row.id)) {
			struct subscriber_view *view = &views[count++];
			view->id = row.id;
			view->name = row.name;
			view->position = row.position;
			view->state = row.state;
			memcpy(view->agency, row.agency, sizeof(view->agency));
			view->credentials = &credentials[used];
		}
		if (id_is_zero(&row.credential))
			continue;
		credentials[used++] = (struct subscriber_credential){
			row.credential, row.status, row.key, row.valid_to_ms};
		views[count - 1].credential_count++;
	}
	return count;
}

static void subscribers_on_rows(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct subscribers_op *op = arg;
	struct subscriber_view *views = NULL;
	struct subscriber_credential *credentials = NULL;
	size_t count = rc == RC_OK ? pg_row_count(rows) : 0;

	op->fault = fault_of(rc);
	if (count > 0) {
		views = core_alloc(count * sizeof(*views));
		credentials = core_alloc(count * sizeof(*credentials));
		count = subscribers_gather(rows, views, credentials);
	}
	op->done(op->arg, &op->fault, views, count);
	free(views);
	free(credentials);
	free(op);
}

void core_subscriber_list(struct core *core, struct call *call,
	const struct subscriber_query *query, core_subscribers_fn done, void *arg)
{
	struct subscribers_op *op = core_alloc(sizeof(*op));
	struct subscriber_filter filter = {
		query->agency, query->subscriber, query->name, query->limit};

	op->done = done;
	op->arg = arg;
	call->subscriber = query->subscriber;
	if (query->limit < 1 || query->limit > SUBSCRIBER_LIST_MAX)
		op->fault = operate_fault(RC_PARAMETER_INVALID, "Parameter limit: 1 to 1000");
	else if (query->name != NULL && !operate_text_fits(query->name, OPERATE_TEXT_MAX))
		op->fault = operate_fault(RC_PARAMETER_INVALID, "Parameter name: 1 to 255 bytes");
	if (op->fault.rc != RC_OK)
		core_defer(core, subscribers_end, op);
	else
		store_subscriber_list(core->pg, &filter, subscribers_on_rows, op);
}

/* ---- a new position ---- */

struct position_op {
	struct core *core;
	struct call *call;
	core_decision_fn done;
	void *arg;
	struct fault fault;
	struct id subscriber;
	char position[STATEMENT_TEXT];
	struct subscriber_facts facts;
	struct operate_policy ask;
	struct policy_decision decision;
};

static void position_end(void *arg)
{
	struct position_op *op = arg;
	struct decision_view view;
	bool ok = op->fault.rc == RC_OK;

	if (ok)
		operate_view(&view, &op->decision);
	op->done(op->arg, &op->fault, ok ? &view : NULL);
	free(op);
}

static void position_on_changed(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct position_op *op = arg;

	op->fault = fault_of(operate_outcome(op->call, rc, rows, RC_CONFLICT));
	position_end(op);
}

/* What a signature through an ordinary client will be told from now on. */
static void position_on_policy(void *arg, rc_t rc, const struct policy *policy)
{
	static const struct policy_client general = {.profile = "general"};
	static const struct policy_transaction one = {.signatures = 1};
	struct position_op *op = arg;
	struct policy_subject subject = {
		.kind = "person",
		.sector = op->facts.sector,
		.position = op->position,
		.budget_code = op->facts.budget_code,
		.disabled = op->facts.disabled,
	};
	struct audit_row row = {0};

	if (rc != RC_OK) {
		op->fault = fault_of(rc);
		position_end(op);
		return;
	}
	policy_decide(policy, POLICY_SIGN, &subject, &general, &one, &op->decision);
	operate_name_rule(op->call, &op->decision);
	audit_row_from_call(&row, op->call, "subscriber.position-set", RC_OK);
	operate_detail(&row, "before", op->facts.position);
	operate_detail(&row, "position", op->position);
	operate_detail(&row, "effect", policy_effect_name(op->decision.effect));
	store_subscriber_set_position(op->core->pg, &row, &op->subscriber, op->facts.version,
		op->position, position_on_changed, op);
}

static void position_on_facts(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct position_op *op = arg;

	if (rc == RC_OK && pg_row_count(rows) == 0)
		op->fault = fault_of(RC_SUBSCRIBER_UNKNOWN);
	else
		op->fault =
			fault_of(rc == RC_OK ? store_subscriber_facts_read(rows, &op->facts) : rc);
	if (op->fault.rc != RC_OK)
		position_end(op);
	else
		operate_policy(
			&op->ask, op->core, op->facts.policy_version, position_on_policy, op);
}

void core_subscriber_set_position(struct core *core, struct call *call, const struct id *subscriber,
	const char *position, core_decision_fn done, void *arg)
{
	struct position_op *op = core_alloc(sizeof(*op));

	op->core = core;
	op->call = call;
	op->done = done;
	op->arg = arg;
	op->subscriber = *subscriber;
	call->subscriber = *subscriber;
	/* an empty one is allowed: then an operator has to decide */
	if (position[0] != 0 && !operate_text_fits(position, OPERATE_TEXT_MAX)) {
		op->fault = operate_fault(
			RC_PARAMETER_INVALID, "Parameter position: at most 255 bytes, one line");
		core_defer(core, position_end, op);
		return;
	}
	memcpy(op->position, position, strlen(position) + 1);
	store_subscriber_facts(core->pg, subscriber, position_on_facts, op);
}

/* ---- disable ---- */

struct disable_op {
	struct core *core;
	struct call *call;
	core_done_fn done;
	void *arg;
};

static void disable_on_done(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct disable_op *op = arg;
	struct fault fault = fault_of(operate_outcome(op->call, rc, rows, RC_SUBSCRIBER_UNKNOWN));

	core_tokens_doubt(op->core);
	op->done(op->arg, &fault);
	free(op);
}

void core_subscriber_disable(struct core *core, struct call *call, const struct id *subscriber,
	core_done_fn done, void *arg)
{
	struct disable_op *op = core_alloc(sizeof(*op));
	struct audit_row row = {0};

	*op = (struct disable_op){core, call, done, arg};
	call->subscriber = *subscriber;
	audit_row_from_call(&row, call, "subscriber.disabled", RC_OK);
	store_subscriber_disable(core->pg, &row, subscriber, disable_on_done, op);
}

/* ---- unlock ---- */

struct unlock_op {
	struct core *core;
	struct call *call;
	core_done_fn done;
	void *arg;
	struct fault fault;
	struct statement_unlock statement;
	struct buf encoded, signature, before;
};

static void unlock_end(void *arg)
{
	struct unlock_op *op = arg;

	op->done(op->arg, &op->fault);
	buf_free(&op->encoded);
	buf_free(&op->signature);
	buf_free(&op->before);
	free(op);
}

static void unlock_on_done(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct unlock_op *op = arg;

	op->fault = fault_of(operate_outcome(op->call, rc, rows, RC_CONFLICT));
	if (op->fault.rc == RC_OK)
		core_notices_wake(op->core);
	unlock_end(op);
}

/* Each statement gives the tries back once. What was stored does not decode only if somebody else
 * wrote it: a good statement then replaces it. */
static bool unlock_is_newer(const struct unlock_op *op)
{
	struct statement_unlock before;

	if (op->before.len == 0 || statement_unlock_decode(&before, buf_span(&op->before)) != RC_OK)
		return true;
	return op->statement.issued_at_ms > before.issued_at_ms;
}

static void unlock_on_found(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct unlock_op *op = arg;
	struct audit_row row = {0};

	if (rc == RC_OK && pg_row_count(rows) == 0)
		op->fault = fault_of(RC_CREDENTIAL_UNKNOWN);
	else
		op->fault = fault_of(
			rc != RC_OK ? rc
				    : store_unlock_found(rows, &op->call->subscriber, &op->before));
	if (op->fault.rc == RC_OK && !unlock_is_newer(op))
		op->fault = fault_of(RC_UNLOCK_TAKEN);
	if (op->fault.rc != RC_OK) {
		unlock_end(op);
		return;
	}
	struct unlock_new fresh = {
		.credential = op->statement.credential,
		.subscriber = op->call->subscriber,
		.before = buf_span(&op->before),
		.statement = buf_span(&op->encoded),
		.signature = buf_span(&op->signature),
		.fingerprint = op->call->who.operator_fingerprint,
	};
	audit_row_from_call(&row, op->call, "credential.unlocked", RC_OK);
	store_unlock(op->core->pg, &row, &fresh, unlock_on_done, op);
}

static rc_t unlock_read(struct unlock_op *op, struct span statement, struct span signature)
{
	rc_t rc = statement_unlock_decode(&op->statement, statement);

	if (rc == RC_OK)
		rc = operators_verify(op->core->operators, op->call->who.operator_fingerprint,
			statement, signature);
	if (rc == RC_OK && op->statement.issued_at_ms > clock_wall_ms() + CLOCK_AHEAD_MS)
		rc = RC_STATEMENT_INVALID;
	if (rc == RC_OK)
		rc = buf_append_span(&op->encoded, statement);
	if (rc == RC_OK)
		rc = buf_append_span(&op->signature, signature);
	return rc;
}

void core_subscriber_unlock(struct core *core, struct call *call, struct span statement,
	struct span signature, core_done_fn done, void *arg)
{
	struct unlock_op *op = core_alloc(sizeof(*op));

	op->core = core;
	op->call = call;
	op->done = done;
	op->arg = arg;
	op->fault.rc = unlock_read(op, statement, signature);
	if (op->fault.rc != RC_OK) {
		core_defer(core, unlock_end, op);
		return;
	}
	call->credential = op->statement.credential;
	store_unlock_find(core->pg, &op->statement.credential, unlock_on_found, op);
}
