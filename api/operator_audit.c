#include "api/handlers.h"
#include "api/json.h"
#include "api/rows.h"
#include "core/audit.h"

#include <stddef.h>

struct audit_values {
	struct id subscriber, credential, request;
	int64_t from_ms, to_ms, limit;
	struct buf digest;
};

#define AUDIT(member) offsetof(struct audit_values, member)
#define FIELD(parameter, kind, member)                                              \
	{                                                                           \
		.name = (parameter), .type = (kind), .wrong = RC_PARAMETER_INVALID, \
		.invalid = RC_PARAMETER_INVALID, .offset = AUDIT(member)            \
	}
static const struct spec_field audit_fields[] = {
	FIELD("subscriber", SPEC_ID, subscriber),
	FIELD("credential", SPEC_ID, credential),
	FIELD("request", SPEC_ID, request),
	FIELD("from", SPEC_TIME, from_ms),
	FIELD("to", SPEC_TIME, to_ms),
	FIELD("digest", SPEC_HEX, digest),
	{.name = "limit",
		.type = SPEC_NUMBER,
		.least = 1,
		.most = 1000,
		.preset = 100,
		.wrong = RC_PARAMETER_INVALID,
		.invalid = RC_PARAMETER_INVALID,
		.offset = AUDIT(limit)},
};
const struct spec operator_audit_spec = SPEC(audit_fields, struct audit_values);

static json_t *hexes(struct span items, size_t len, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count && (i + 1) * len <= items.len; i++)
		json_add(&list, json_hex(SPAN(items.data + i * len, len)));
	return list;
}

static json_t *detail(const char *text)
{
	json_error_t error;
	json_t *read = json_loads(text, 0, &error);

	return read != NULL ? read : json_object();
}

static json_t *event_write(const void *found)
{
	const struct audit_row *row = &((const struct audit_event *)found)->row;
	json_t *event = json_object();

	json_put(&event, "at", json_time(row->at_ms));
	json_put(&event, "event", json_text(row->event));
	json_put(&event, "result", json_text(row->result));
	json_put(&event, "code", json_text(row->code));
	json_put(&event, "request", json_id(&row->request));
	json_put(&event, "client", json_id(&row->client));
	json_put(&event, "subscriber", json_id(&row->subscriber));
	json_put(&event, "operator", json_text(row->operator_name));
	json_put(&event, "credential", json_id(&row->credential));
	json_put(&event, "agency", json_id(&row->agency));
	json_put(&event, "address", json_text(row->address));
	json_put(&event, "rule", json_text(row->rule));
	json_put(&event, "policyVersion",
		row->policy_version == 0 ? json_null() : json_integer(row->policy_version));
	json_put(&event, "detail", detail(row->detail));
	json_put(&event, "digests", hexes(row->digests, row->digest_len, row->digest_count));
	json_put(&event, "signatures", hexes(row->signatures, SHA256_LEN, row->signature_count));
	return event;
}

static void on_events(void *arg, const struct fault *fault, const struct audit_events *events)
{
	struct request *request = arg;

	if (fault->rc != RC_OK) {
		request_fault(request, fault);
		return;
	}
	json_t *body = json_object();
	json_put(&body, "events", rows_write(&ROWS(events->events, events->count, event_write)));
	request_reply(request, body);
}

void operator_audit(struct request *request)
{
	const struct audit_values *values = request->values;
	const struct audit_query query = {
		.subscriber = values->subscriber,
		.credential = values->credential,
		.request = values->request,
		.from_ms = values->from_ms,
		.to_ms = values->to_ms,
		.digest = buf_span(&values->digest),
		.limit = (uint32_t)values->limit,
	};

	/* who was looked at belongs to the row of the look */
	request->call.subscriber = values->subscriber;
	request->call.credential = values->credential;
	core_audit_find(request->core, &request->call, &query, on_events, request);
}
