#include "api/handlers.h"
#include "api/json.h"
#include "core/operation.h"

#include <stddef.h>

struct client_values {
	struct id client, agency;
	const char *name;
	int mode, profile;
};

static const char *const modes[] = {"explicit", "oauth2code", NULL};
static const char *const profiles[] = {"general", "finance", NULL};

#define CLIENT(member) offsetof(struct client_values, member)
static const struct spec_field add_fields[] = {
	{.name = "name",
		.type = SPEC_TEXT,
		.required = true,
		.line = true,
		.least = 1,
		.most = 200,
		.wrong = RC_PARAMETER_MISSING,
		.invalid = RC_PARAMETER_INVALID,
		.offset = CLIENT(name)},
	{.name = "agencyID",
		.type = SPEC_ID,
		.required = true,
		.wrong = RC_PARAMETER_MISSING,
		.invalid = RC_PARAMETER_INVALID,
		.offset = CLIENT(agency)},
	{.name = "mode",
		.type = SPEC_CHOICE,
		.required = true,
		.wrong = RC_PARAMETER_MISSING,
		.invalid = RC_PARAMETER_INVALID,
		.offset = CLIENT(mode),
		.choices = modes},
	{.name = "profile",
		.type = SPEC_CHOICE,
		.required = true,
		.wrong = RC_PARAMETER_MISSING,
		.invalid = RC_PARAMETER_INVALID,
		.offset = CLIENT(profile),
		.choices = profiles},
};
const struct spec operator_client_add_spec = SPEC(add_fields, struct client_values);

static const struct spec_field client_fields[] = {
	{.name = "clientID",
		.type = SPEC_ID,
		.required = true,
		.wrong = RC_PARAMETER_MISSING,
		.invalid = RC_PARAMETER_INVALID,
		.offset = CLIENT(client)},
};
const struct spec operator_client_spec = SPEC(client_fields, struct client_values);

static void on_client(void *arg, const struct fault *fault, const struct id *client,
	const struct secret *client_secret)
{
	struct request *request = arg;

	if (fault->rc != RC_OK) {
		request_fault(request, fault);
		return;
	}
	json_t *body = json_object();
	json_put(&body, "clientID", json_id(client));
	json_put(&body, "clientSecret", json_span(secret_span(client_secret)));
	request_reply(request, body);
}

static void on_disabled(void *arg, const struct fault *fault)
{
	struct request *request = arg;

	if (fault->rc != RC_OK)
		request_fault(request, fault);
	else
		request_reply(request, json_object());
}

void operator_client_add(struct request *request)
{
	const struct client_values *values = request->values;
	const struct client_add_request asked = {
		values->name, values->agency, modes[values->mode], profiles[values->profile]};

	core_client_add(request->core, &request->call, &asked, on_client, request);
}

void operator_client_rotate(struct request *request)
{
	const struct client_values *values = request->values;

	core_client_rotate(request->core, &request->call, &values->client, on_client, request);
}

void operator_client_disable(struct request *request)
{
	const struct client_values *values = request->values;

	core_client_disable(request->core, &request->call, &values->client, on_disabled, request);
}
