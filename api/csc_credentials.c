#include "api/csc.h"
#include "api/handlers.h"
#include "api/json.h"

#include <stddef.h>

#define LIST_MAX 1000 /* credentials of one subscriber in one answer */
#define PAGE_MAX 100

struct list_values {
	struct id user, page;
	bool paged, credential_info, cert_info, auth_info, only_valid;
	int certificates;
	int64_t max_results;
	const char *page_token, *lang, *client_data;
};

/* An out-of-range maxResults means the server's default (CSC, credentials/list); only its type is
 * checked. */
#define LIST(member) offsetof(struct list_values, member)
static const struct spec_field list_fields[] = {
	{.name = "userID",
		.type = SPEC_ID,
		.wrong = RC_USER_ID_INVALID,
		.invalid = RC_USER_ID_INVALID,
		.offset = LIST(user)},
	{.name = "credentialInfo",
		.type = SPEC_FLAG,
		.wrong = RC_CREDENTIAL_INFO_INVALID,
		.invalid = RC_CREDENTIAL_INFO_INVALID,
		.offset = LIST(credential_info)},
	{.name = "certificates",
		.type = SPEC_CHOICE,
		.wrong = RC_CERTIFICATES_INVALID,
		.invalid = RC_CERTIFICATES_INVALID,
		.offset = LIST(certificates),
		.preset = CSC_SINGLE,
		.choices = csc_certificates_names},
	{.name = "certInfo",
		.type = SPEC_FLAG,
		.wrong = RC_CERT_INFO_INVALID,
		.invalid = RC_CERT_INFO_INVALID,
		.offset = LIST(cert_info)},
	{.name = "authInfo",
		.type = SPEC_FLAG,
		.wrong = RC_AUTH_INFO_INVALID,
		.invalid = RC_AUTH_INFO_INVALID,
		.offset = LIST(auth_info)},
	{.name = "onlyValid",
		.type = SPEC_FLAG,
		.wrong = RC_ONLY_VALID_INVALID,
		.invalid = RC_ONLY_VALID_INVALID,
		.offset = LIST(only_valid)},
	{.name = "maxResults",
		.type = SPEC_NUMBER,
		.wrong = RC_MAX_RESULTS_INVALID,
		.invalid = RC_MAX_RESULTS_INVALID,
		.offset = LIST(max_results)},
	{.name = "pageToken",
		.type = SPEC_TEXT,
		.wrong = RC_PAGE_TOKEN_INVALID,
		.invalid = RC_PAGE_TOKEN_INVALID,
		.offset = LIST(page_token)},
	{.name = "lang",
		.type = SPEC_TEXT,
		.wrong = RC_LANG_INVALID,
		.invalid = RC_LANG_INVALID,
		.offset = LIST(lang)},
	{.name = "clientData",
		.type = SPEC_TEXT,
		.wrong = RC_CLIENT_DATA_INVALID,
		.invalid = RC_CLIENT_DATA_INVALID,
		.offset = LIST(client_data)},
};
const struct spec csc_list_spec = SPEC(list_fields, struct list_values);

static json_t *list_infos(const struct request *request, const struct credential_views *views)
{
	const struct list_values *values = request->values;
	const struct csc_view_options options = {
		(enum csc_certificates)values->certificates, values->cert_info, values->auth_info};
	json_t *infos = json_array();

	for (size_t i = 0; i < views->count; i++) {
		json_t *info = csc_view_write(
			&views->views[i], &options, request->call.version, request->call.lang);
		json_put(&info, "credentialID", json_id(&views->views[i].id));
		json_add(&infos, info);
	}
	return infos;
}

static void on_list(void *arg, const struct fault *fault, const struct credential_views *views)
{
	struct request *request = arg;
	const struct list_values *values = request->values;
	json_t *body = json_object(), *ids = json_array();

	if (fault->rc != RC_OK) {
		json_decref(body);
		json_decref(ids);
		request_fault(request, fault);
		return;
	}
	for (size_t i = 0; i < views->count; i++)
		json_add(&ids, json_id(&views->views[i].id));
	json_put(&body, "credentialIDs", ids);
	if (values->credential_info)
		json_put(&body, "credentialInfos", list_infos(request, views));
	if (values->only_valid)
		json_put(&body, "onlyValid", json_true());
	if (values->paged && views->more)
		json_put(&body, "nextPageToken", json_id(&views->last));
	request_reply(request, body);
}

/* A token that stands for one subscriber is asked for his own; any other client says whose. */
static rc_t list_user(const struct request *request, struct list_values *values)
{
	const struct id *own = &request->call.who.subscriber;
	bool named = !id_is_zero(&values->user);

	if (id_is_zero(own))
		return named ? RC_OK : RC_USER_ID_INVALID;
	values->user = *own;
	return named ? RC_USER_ID_NOT_NULL : RC_OK;
}

/* The page token is the last credential of the page before; pages only for those who ask. */
void csc_list(struct request *request)
{
	struct list_values *values = request->values;
	uint32_t limit = LIST_MAX;

	rc_t rc = list_user(request, values);
	request->call.subscriber = values->user; /* also when it is not the client's to ask about */
	if (rc != RC_OK) {
		request_refuse(request, rc);
		return;
	}
	if (values->page_token != NULL && id_parse(&values->page, values->page_token) != RC_OK) {
		request_refuse(request, RC_PAGE_TOKEN_INVALID);
		return;
	}
	values->paged = values->page_token != NULL ||
			json_is_integer(json_object_get(request->params, "maxResults"));
	if (values->paged)
		limit = values->max_results >= 1 && values->max_results <= PAGE_MAX
				? (uint32_t)values->max_results
				: PAGE_MAX;
	core_credential_list(request->core, &request->call, &values->user, values->only_valid,
		&values->page, limit, on_list, request);
}

struct credential_values {
	struct id credential;
	int certificates;
	bool cert_info, auth_info;
	const char *lang, *client_data;
};

#define CREDENTIAL(member) offsetof(struct credential_values, member)
static const struct spec_field credential_fields[] = {
	{.name = "credentialID",
		.type = SPEC_ID,
		.required = true,
		.wrong = RC_CREDENTIAL_ID_MISSING,
		.invalid = RC_CREDENTIAL_ID_INVALID,
		.offset = CREDENTIAL(credential)},
	{.name = "certificates",
		.type = SPEC_CHOICE,
		.wrong = RC_CERTIFICATES_INVALID,
		.invalid = RC_CERTIFICATES_INVALID,
		.offset = CREDENTIAL(certificates),
		.preset = CSC_SINGLE,
		.choices = csc_certificates_names},
	{.name = "certInfo",
		.type = SPEC_FLAG,
		.wrong = RC_CERT_INFO_INVALID,
		.invalid = RC_CERT_INFO_INVALID,
		.offset = CREDENTIAL(cert_info)},
	{.name = "authInfo",
		.type = SPEC_FLAG,
		.wrong = RC_AUTH_INFO_INVALID,
		.invalid = RC_AUTH_INFO_INVALID,
		.offset = CREDENTIAL(auth_info)},
	{.name = "lang",
		.type = SPEC_TEXT,
		.wrong = RC_LANG_INVALID,
		.invalid = RC_LANG_INVALID,
		.offset = CREDENTIAL(lang)},
	{.name = "clientData",
		.type = SPEC_TEXT,
		.wrong = RC_CLIENT_DATA_INVALID,
		.invalid = RC_CLIENT_DATA_INVALID,
		.offset = CREDENTIAL(client_data)},
};
const struct spec csc_credential_spec = SPEC(credential_fields, struct credential_values);

static void on_credential(
	void *arg, const struct fault *fault, const struct credential_views *views)
{
	struct request *request = arg;
	const struct credential_values *values = request->values;

	if (fault->rc != RC_OK) {
		request_fault(request, fault);
		return;
	}
	const struct csc_view_options options = {
		(enum csc_certificates)values->certificates, values->cert_info, values->auth_info};
	request->call.subscriber = views->views[0].subscriber;
	request_reply(request, csc_view_write(&views->views[0], &options, request->call.version,
				       request->call.lang));
}

void csc_credential(struct request *request)
{
	const struct credential_values *values = request->values;

	request->call.credential = values->credential;
	core_credential_get(
		request->core, &request->call, &values->credential, on_credential, request);
}
