/* What the page asks and sends between an application's request and its answer. */
#include "api/csc_certificate.h"
#include "api/handlers.h"
#include "api/json.h"
#include "api/rows.h"
#include "core/oauth/consent.h"

#include <stddef.h>

struct consent_values {
	const char *handle, *pin, *otp, *lang;
	struct id credential;
};

#define CONSENT(member) offsetof(struct consent_values, member)
#define FIELD_HANDLE                                                        \
	{                                                                   \
		.name = "request", .type = SPEC_TEXT, .required = true,     \
		.wrong = RC_CONSENT_EXPIRED, .invalid = RC_CONSENT_EXPIRED, \
		.offset = CONSENT(handle)                                   \
	}
#define FIELD_LANG                                                           \
	{                                                                    \
		.name = "lang", .type = SPEC_TEXT, .wrong = RC_LANG_INVALID, \
		.invalid = RC_LANG_INVALID, .offset = CONSENT(lang)          \
	}
static const struct spec_field request_fields[] = {FIELD_HANDLE, FIELD_LANG};
const struct spec consent_request_spec = SPEC(request_fields, struct consent_values);

static const struct spec_field approve_fields[] = {
	FIELD_HANDLE,
	{.name = "credentialID",
		.type = SPEC_ID,
		.wrong = RC_CREDENTIAL_ID_MISSING,
		.invalid = RC_CREDENTIAL_ID_INVALID,
		.offset = CONSENT(credential)},
	{.name = "PIN",
		.type = SPEC_TEXT,
		.wrong = RC_PIN_INVALID_TYPE,
		.invalid = RC_PIN_INVALID_TYPE,
		.offset = CONSENT(pin)},
	{.name = "OTP",
		.type = SPEC_TEXT,
		.wrong = RC_OTP_INVALID_TYPE,
		.invalid = RC_OTP_INVALID_TYPE,
		.offset = CONSENT(otp)},
	FIELD_LANG,
};
const struct spec consent_approve_spec = SPEC(approve_fields, struct consent_values);

/* ---- what is shown ---- */

static json_t *credential_write(const void *row)
{
	const struct credential_view *view = row;
	struct certificate_facts facts;
	json_t *entry = json_object();

	if (certificate_read(&facts, view->certificate) != RC_OK)
		facts = (struct certificate_facts){0};
	json_put(&entry, "credentialID", json_id(&view->id));
	json_put(&entry, "subjectDN", json_span(buf_span(&facts.subject)));
	json_put(&entry, "serialNumber", json_span(buf_span(&facts.serial)));
	json_put(&entry, "validFrom", json_time(view->valid_from_ms));
	json_put(&entry, "validTo", json_time(view->valid_to_ms));
	json_put(&entry, "key", json_string(view->key->name));
	json_put(&entry, "factors", json_string(view->factors));
	json_put(&entry, "status", json_string(view->enabled ? "enabled" : "disabled"));
	certificate_facts_free(&facts);
	return entry;
}

static void write_credentials(json_t **body, const struct consent_view *view)
{
	bool named = !id_is_zero(&view->asked->wish.credential);
	json_t *list =
		rows_write(&ROWS(view->credentials, view->credential_count, credential_write));

	if (!named) {
		json_put(body, "credentials", list);
		return;
	}
	/* one that is not the subscriber's is not there */
	if (json_array_size(list) > 0)
		json_put(body, "credential", json_incref(json_array_get(list, 0)));
	json_decref(list);
}

static json_t *write_documents(const struct wish *wish)
{
	json_t *list = json_array();

	for (size_t i = 0; i < wish->hash_count; i++) {
		const char *label = json_string_value(json_array_get(wish->labels, i));
		json_t *document = json_object();
		json_put(&document, "hash",
			json_base64(SPAN(wish->hashes.data + i * wish->hash_len, wish->hash_len)));
		json_put(&document, "hashAlgorithm", json_string(wish->digest->oid));
		if (label != NULL && label[0] != 0)
			json_put(&document, "label", json_string(label));
		json_add(&list, document);
	}
	return list;
}

static void write_asked(json_t **body, const struct consent_view *view, bool signed_in)
{
	const struct authorization *asked = view->asked;

	json_put(body, "expiresInSeconds", json_integer((json_int_t)view->expires_in_s));
	if (asked->description != NULL)
		json_put(body, "description", json_string(asked->description));
	if (view->other_expected)
		json_put(body, "otherExpected", json_true());
	if (!asked->credential_scope)
		return;
	json_put(body, "numSignatures", json_integer((json_int_t)asked->wish.signatures));
	json_put(body, "documents", write_documents(&asked->wish));
	if (signed_in)
		write_credentials(body, view);
}

static void on_request(void *arg, const struct fault *fault, const struct consent_view *view)
{
	static const char *const states[] = {
		[CONSENT_PENDING] = "pending",
		[CONSENT_APPROVED] = "approved",
		[CONSENT_DECLINED] = "declined",
		[CONSENT_EXPIRED] = "expired",
	};
	struct request *request = arg;

	if (fault->rc != RC_OK) {
		request_fault(request, fault);
		return;
	}
	bool signed_in = request->call.who.kind == PRINCIPAL_SUBSCRIBER;
	json_t *body = json_object();
	json_put(&body, "client", json_string(view->client));
	json_put(&body, "agency", json_string(view->agency));
	json_put(&body, "scope",
		json_string(view->asked->credential_scope ? "credential" : "service"));
	json_put(&body, "state", json_string(states[view->state]));
	json_put(&body, "signedIn", json_boolean(signed_in));
	if (signed_in)
		json_put(&body, "name", json_string(view->name));
	if (view->state == CONSENT_PENDING)
		write_asked(&body, view, signed_in);
	request_reply(request, body);
}

void consent_request(struct request *request)
{
	const struct consent_values *values = request->values;

	core_consent_load(
		request->core, &request->call, span_string(values->handle), on_request, request);
}

/* ---- what is decided ---- */

static void on_decided(void *arg, const struct fault *fault, const struct secret *location)
{
	struct request *request = arg;

	if (fault->rc != RC_OK) {
		request_fault(request, fault);
		return;
	}
	json_t *body = json_object();
	json_put(&body, "redirect", json_span(secret_span(location)));
	request_reply(request, body);
}

static struct span span_given(const char *text)
{
	return text == NULL ? SPAN_NONE : span_string(text);
}

void consent_approve(struct request *request)
{
	const struct consent_values *values = request->values;
	const struct consent_approval approval = {
		.handle = span_string(values->handle),
		.credential = values->credential,
		.pin = span_given(values->pin),
		.otp = span_given(values->otp),
		.issuer = request->settings->public_url,
	};

	core_consent_approve(request->core, &request->call, &approval, on_decided, request);
}

void consent_decline(struct request *request)
{
	const struct consent_values *values = request->values;

	core_consent_decline(request->core, &request->call, span_string(values->handle),
		request->settings->public_url, on_decided, request);
}
