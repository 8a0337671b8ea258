#include "api/handlers.h"
#include "api/json.h"
#include "api/operator.h"

#include <stddef.h>

#define STATEMENT(member) offsetof(struct statement_values, member)
#define FIELD_STATEMENT                                                         \
	{                                                                       \
		.name = "statement", .type = SPEC_BASE64, .required = true,     \
		.wrong = RC_PARAMETER_MISSING, .invalid = RC_STATEMENT_INVALID, \
		.offset = STATEMENT(statement)                                  \
	}

static const struct spec_field statement_fields[] = {FIELD_STATEMENT};
const struct spec operator_statement_spec = SPEC(statement_fields, struct statement_values);

static const struct spec_field signed_fields[] = {
	FIELD_STATEMENT,
	{.name = "signature",
		.type = SPEC_BASE64,
		.required = true,
		.wrong = RC_PARAMETER_MISSING,
		.invalid = RC_STATEMENT_INVALID,
		.offset = STATEMENT(signature)},
};
const struct spec operator_signed_spec = SPEC(signed_fields, struct statement_values);

static json_t *both_languages(const char *vi, const char *en)
{
	json_t *text = json_object();

	json_put(&text, "vi", json_string(vi == NULL ? "" : vi));
	json_put(&text, "en", json_string(en == NULL ? "" : en));
	return text;
}

void operator_put_decision(json_t **body, const struct decision_view *decision)
{
	json_put(body, "effect", json_string(decision->effect));
	json_put(body, "rule", json_text(decision->rule));
	json_put(body, "policyVersion", json_integer(decision->policy_version));
	json_put(body, "reason", both_languages(decision->reason_vi, decision->reason_en));
	json_put(body, "alternative",
		both_languages(decision->alternative_vi, decision->alternative_en));
}

static void on_decided(void *arg, const struct fault *fault, const struct id *enrolment,
	const struct decision_view *decision)
{
	struct request *request = arg;

	if (fault->rc != RC_OK) {
		request_fault(request, fault);
		return;
	}
	json_t *body = json_object();
	if (enrolment != NULL && !id_is_zero(enrolment))
		json_put(&body, "enrolmentID", json_id(enrolment));
	operator_put_decision(&body, decision);
	request_reply(request, body);
}

void operator_enrolment_check(struct request *request)
{
	const struct statement_values *values = request->values;

	core_enrol_check(
		request->core, &request->call, buf_span(&values->statement), on_decided, request);
}

void operator_enrolment_submit(struct request *request)
{
	const struct statement_values *values = request->values;

	core_enrol_submit(request->core, &request->call, buf_span(&values->statement),
		buf_span(&values->signature), on_decided, request);
}
