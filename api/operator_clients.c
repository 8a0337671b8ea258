#include "api/handlers.h"
#include "api/json.h"
#include "api/rows.h"
#include "core/operation.h"

#include <stddef.h>

struct client_values {
	struct id client, agency;
	const char *name, *certificate;
	int mode, profile, authentication;
	int64_t csc_version;
	const json_t *redirect_uris;
};

/* The first of each is the default. */
static const char *const modes[] = {"oauth2code", "explicit", NULL};
static const char *const profiles[] = {"general", "finance", NULL};
static const char *const authentications[] = {"secret", "private-key-jwt", "tls", "none", NULL};

#define CLIENT(member) offsetof(struct client_values, member)
#define OURS .wrong = RC_PARAMETER_MISSING, .invalid = RC_PARAMETER_INVALID
static const struct spec_field add_fields[] = {
	{.name = "name",
		.type = SPEC_TEXT,
		.required = true,
		.line = true,
		.least = 1,
		.most = 200,
		OURS,
		.offset = CLIENT(name)},
	{.name = "agencyID", .type = SPEC_ID, .required = true, OURS, .offset = CLIENT(agency)},
	{.name = "mode", .type = SPEC_CHOICE, OURS, .offset = CLIENT(mode), .choices = modes},
	{.name = "profile",
		.type = SPEC_CHOICE,
		OURS,
		.offset = CLIENT(profile),
		.choices = profiles},
	{.name = "authentication",
		.type = SPEC_CHOICE,
		OURS,
		.offset = CLIENT(authentication),
		.choices = authentications},
	{.name = "cscVersion",
		.type = SPEC_NUMBER,
		.least = 1,
		.most = 2,
		.preset = 2,
		OURS,
		.offset = CLIENT(csc_version)},
	{.name = "redirectURIs", .type = SPEC_ARRAY, OURS, .offset = CLIENT(redirect_uris)},
	{.name = "certificate", .type = SPEC_TEXT, OURS, .offset = CLIENT(certificate)},
};
const struct spec operator_client_add_spec = SPEC(add_fields, struct client_values);

static const struct spec_field change_fields[] = {
	{.name = "clientID", .type = SPEC_ID, .required = true, OURS, .offset = CLIENT(client)},
	{.name = "redirectURIs", .type = SPEC_ARRAY, OURS, .offset = CLIENT(redirect_uris)},
	{.name = "certificate", .type = SPEC_TEXT, OURS, .offset = CLIENT(certificate)},
};
const struct spec operator_client_change_spec = SPEC(change_fields, struct client_values);

static const struct spec_field list_fields[] = {
	{.name = "clientID", .type = SPEC_ID, OURS, .offset = CLIENT(client)},
};
const struct spec operator_client_list_spec = SPEC(list_fields, struct client_values);

static const struct spec_field client_fields[] = {
	{.name = "clientID", .type = SPEC_ID, .required = true, OURS, .offset = CLIENT(client)},
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
	if (secret_span(client_secret).len > 0)
		json_put(&body, "clientSecret", json_span(secret_span(client_secret)));
	request_reply(request, body);
}

static void on_done(void *arg, const struct fault *fault)
{
	struct request *request = arg;

	if (fault->rc != RC_OK)
		request_fault(request, fault);
	else
		request_reply(request, json_object());
}

/* The one parameter that is an object. */
static const json_t *jwks_of(const struct request *request)
{
	const json_t *jwks = json_object_get(request->params, "jwks");

	return json_is_null(jwks) ? NULL : jwks;
}

void operator_client_add(struct request *request)
{
	const struct client_values *values = request->values;
	const struct client_add_request asked = {
		.name = values->name,
		.agency = values->agency,
		.mode = modes[values->mode],
		.profile = profiles[values->profile],
		.authentication = authentications[values->authentication],
		.csc_version = (unsigned)values->csc_version,
		.redirect_uris = values->redirect_uris,
		.jwks = jwks_of(request),
		.certificate = values->certificate,
	};

	core_client_add(request->core, &request->call, &asked, on_client, request);
}

void operator_client_change(struct request *request)
{
	const struct client_values *values = request->values;
	const struct client_change_request asked = {
		.client = values->client,
		.redirect_uris = values->redirect_uris,
		.jwks = jwks_of(request),
		.certificate = values->certificate,
	};

	core_client_change(request->core, &request->call, &asked, on_done, request);
}

void operator_client_rotate(struct request *request)
{
	const struct client_values *values = request->values;

	core_client_rotate(request->core, &request->call, &values->client, on_client, request);
}

void operator_client_disable(struct request *request)
{
	const struct client_values *values = request->values;

	core_client_disable(request->core, &request->call, &values->client, on_done, request);
}

static json_t *client_write(const void *row)
{
	const struct client_view *client = row;
	json_t *entry = json_object();

	json_put(&entry, "clientID", json_id(&client->id));
	json_put(&entry, "name", json_text(client->name));
	json_put(&entry, "agencyID", json_id(&client->agency));
	json_put(&entry, "state", json_text(client->state));
	json_put(&entry, "mode", json_text(client->mode));
	json_put(&entry, "profile", json_text(client->profile));
	json_put(&entry, "authentication", json_text(client->authentication));
	json_put(&entry, "cscVersion", json_integer(client->csc_version));
	json_put(&entry, "redirectURIs", json_incref(client->redirect_uris));
	if (client->jwks != NULL)
		json_put(&entry, "jwks", json_incref(client->jwks));
	if (client->tls_sha256.len > 0)
		json_put(&entry, "certificateSHA256", json_hex(client->tls_sha256));
	return entry;
}

static void on_clients(
	void *arg, const struct fault *fault, const struct client_view *clients, size_t count)
{
	rows_reply(arg, fault, "clients", &ROWS(clients, count, client_write));
}

void operator_client_list(struct request *request)
{
	const struct client_values *values = request->values;

	core_client_list(request->core, &request->call, &values->client, on_clients, request);
}
