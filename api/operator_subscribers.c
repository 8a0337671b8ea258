#include "api/handlers.h"
#include "api/json.h"
#include "api/operator.h"
#include "api/rows.h"
#include "core/operation.h"

#include <stddef.h>

struct subscriber_values {
	struct id agency, subscriber;
	const char *name, *position;
	int64_t limit;
};

#define SUBSCRIBER(member) offsetof(struct subscriber_values, member)
static const struct spec_field list_fields[] = {
	{.name = "agency",
		.type = SPEC_ID,
		.wrong = RC_PARAMETER_INVALID,
		.invalid = RC_PARAMETER_INVALID,
		.offset = SUBSCRIBER(agency)},
	{.name = "userID",
		.type = SPEC_ID,
		.wrong = RC_PARAMETER_INVALID,
		.invalid = RC_PARAMETER_INVALID,
		.offset = SUBSCRIBER(subscriber)},
	{.name = "name",
		.type = SPEC_TEXT,
		.line = true,
		.least = 1,
		.most = 200,
		.wrong = RC_PARAMETER_INVALID,
		.invalid = RC_PARAMETER_INVALID,
		.offset = SUBSCRIBER(name)},
	{.name = "limit",
		.type = SPEC_NUMBER,
		.least = 1,
		.most = 1000,
		.preset = 100,
		.wrong = RC_PARAMETER_INVALID,
		.invalid = RC_PARAMETER_INVALID,
		.offset = SUBSCRIBER(limit)},
};
const struct spec operator_subscriber_list_spec = SPEC(list_fields, struct subscriber_values);

#define FIELD_USER                                                              \
	{                                                                       \
		.name = "userID", .type = SPEC_ID, .required = true,            \
		.wrong = RC_PARAMETER_MISSING, .invalid = RC_PARAMETER_INVALID, \
		.offset = SUBSCRIBER(subscriber)                                \
	}

/* An empty position is one that nobody knows: the policy waits. */
static const struct spec_field position_fields[] = {
	FIELD_USER,
	{.name = "position",
		.type = SPEC_TEXT,
		.required = true,
		.line = true,
		.most = 200,
		.wrong = RC_PARAMETER_MISSING,
		.invalid = RC_PARAMETER_INVALID,
		.offset = SUBSCRIBER(position)},
};
const struct spec operator_position_spec = SPEC(position_fields, struct subscriber_values);

static const struct spec_field subscriber_fields[] = {FIELD_USER};
const struct spec operator_subscriber_spec = SPEC(subscriber_fields, struct subscriber_values);

static json_t *credential_write(const void *row)
{
	const struct subscriber_credential *credential = row;
	json_t *entry = json_object();

	json_put(&entry, "credentialID", json_id(&credential->id));
	json_put(&entry, "status", json_text(credential->status));
	json_put(&entry, "key", json_text(credential->key));
	json_put(&entry, "validTo", json_time(credential->valid_to_ms));
	return entry;
}

static json_t *subscriber_write(const void *row)
{
	const struct subscriber_view *subscriber = row;
	const struct rows credentials =
		ROWS(subscriber->credentials, subscriber->credential_count, credential_write);
	json_t *entry = json_object();

	json_put(&entry, "userID", json_id(&subscriber->id));
	json_put(&entry, "name", json_text(subscriber->name));
	json_put(&entry, "position", json_text(subscriber->position));
	json_put(&entry, "agency", json_path(subscriber->agency, STATEMENT_LEVELS));
	json_put(&entry, "state", json_text(subscriber->state));
	json_put(&entry, "credentials", rows_write(&credentials));
	return entry;
}

static void on_subscribers(void *arg, const struct fault *fault,
	const struct subscriber_view *subscribers, size_t count)
{
	rows_reply(arg, fault, "subscribers", &ROWS(subscribers, count, subscriber_write));
}

void operator_subscriber_list(struct request *request)
{
	const struct subscriber_values *values = request->values;
	const struct subscriber_query query = {
		values->agency, values->subscriber, values->name, (uint32_t)values->limit};

	core_subscriber_list(request->core, &request->call, &query, on_subscribers, request);
}

static void on_position(void *arg, const struct fault *fault, const struct decision_view *decision)
{
	struct request *request = arg;
	json_t *body = NULL;

	if (fault->rc != RC_OK) {
		request_fault(request, fault);
		return;
	}
	body = json_object();
	operator_put_decision(&body, decision);
	request_reply(request, body);
}

void operator_subscriber_set_position(struct request *request)
{
	const struct subscriber_values *values = request->values;

	request->call.subscriber = values->subscriber;
	core_subscriber_set_position(request->core, &request->call, &values->subscriber,
		values->position, on_position, request);
}

static void on_done(void *arg, const struct fault *fault)
{
	struct request *request = arg;

	if (fault->rc != RC_OK)
		request_fault(request, fault);
	else
		request_reply(request, json_object());
}

void operator_subscriber_disable(struct request *request)
{
	const struct subscriber_values *values = request->values;

	request->call.subscriber = values->subscriber;
	core_subscriber_disable(
		request->core, &request->call, &values->subscriber, on_done, request);
}

void operator_subscriber_unlock(struct request *request)
{
	const struct statement_values *values = request->values;

	core_subscriber_unlock(request->core, &request->call, buf_span(&values->statement),
		buf_span(&values->signature), on_done, request);
}
