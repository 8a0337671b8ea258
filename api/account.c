/* The subscriber's own account, as its pages ask: signing in and out, what is shown and changed. */
#include "api/csc_certificate.h"
#include "api/handlers.h"
#include "api/json.h"
#include "api/rows.h"
#include "core/account.h"
#include "core/session.h"

#include <stddef.h>

struct account_values {
	const char *login, *password, *new_password, *pin, *new_pin, *otp, *before, *lang;
	struct id credential;
};

#define ACCOUNT(member) offsetof(struct account_values, member)
#define FIELD_LANG                                                           \
	{                                                                    \
		.name = "lang", .type = SPEC_TEXT, .wrong = RC_LANG_INVALID, \
		.invalid = RC_LANG_INVALID, .offset = ACCOUNT(lang)          \
	}
#define FIELD_CREDENTIAL                                                                \
	{                                                                               \
		.name = "credentialID", .type = SPEC_ID, .required = true,              \
		.wrong = RC_CREDENTIAL_ID_MISSING, .invalid = RC_CREDENTIAL_ID_INVALID, \
		.offset = ACCOUNT(credential)                                           \
	}
/* Which of them is needed is the credential's to say. */
#define FIELD_PIN                                                               \
	{                                                                       \
		.name = "PIN", .type = SPEC_TEXT, .wrong = RC_PIN_INVALID_TYPE, \
		.invalid = RC_PIN_INVALID_TYPE, .offset = ACCOUNT(pin)          \
	}
#define FIELD_OTP                                                               \
	{                                                                       \
		.name = "OTP", .type = SPEC_TEXT, .wrong = RC_OTP_INVALID_TYPE, \
		.invalid = RC_OTP_INVALID_TYPE, .offset = ACCOUNT(otp)          \
	}
#define FIELD_PASSWORD(text, member)                                                              \
	{                                                                                         \
		.name = text, .type = SPEC_TEXT, .required = true, .wrong = RC_PARAMETER_MISSING, \
		.invalid = RC_PARAMETER_INVALID, .offset = ACCOUNT(member)                        \
	}

static const struct spec_field session_fields[] = {FIELD_LANG};
const struct spec account_session_spec = SPEC(session_fields, struct account_values);

static const struct spec_field sign_in_fields[] = {
	{.name = "login",
		.type = SPEC_TEXT,
		.required = true,
		.line = true,
		.least = 1,
		.most = 254,
		.wrong = RC_PARAMETER_MISSING,
		.invalid = RC_PARAMETER_INVALID,
		.offset = ACCOUNT(login)},
	FIELD_PASSWORD("password", password),
	FIELD_LANG,
};
const struct spec account_sign_in_spec = SPEC(sign_in_fields, struct account_values);

static const struct spec_field signatures_fields[] = {
	{.name = "before",
		.type = SPEC_TEXT,
		.line = true,
		.least = 1,
		.most = ACCOUNT_CURSOR - 1,
		.wrong = RC_PARAMETER_INVALID,
		.invalid = RC_PARAMETER_INVALID,
		.offset = ACCOUNT(before)},
	FIELD_LANG,
};
const struct spec account_signatures_spec = SPEC(signatures_fields, struct account_values);

static const struct spec_field factor_fields[] = {
	FIELD_CREDENTIAL, FIELD_PIN, FIELD_OTP, FIELD_LANG};
const struct spec account_factor_spec = SPEC(factor_fields, struct account_values);

static const struct spec_field change_pin_fields[] = {
	FIELD_CREDENTIAL,
	FIELD_PIN,
	{.name = "newPIN",
		.type = SPEC_TEXT,
		.required = true,
		.wrong = RC_PIN_INVALID_TYPE,
		.invalid = RC_PIN_INVALID_TYPE,
		.offset = ACCOUNT(new_pin)},
	FIELD_OTP,
	FIELD_LANG,
};
const struct spec account_change_pin_spec = SPEC(change_pin_fields, struct account_values);

static const struct spec_field change_password_fields[] = {
	FIELD_PASSWORD("password", password),
	{.name = "newPassword",
		.type = SPEC_TEXT,
		.required = true,
		.least = 1,
		.most = 128,
		.wrong = RC_PARAMETER_MISSING,
		.invalid = RC_PASSWORD_WEAK,
		.offset = ACCOUNT(new_password)},
	FIELD_CREDENTIAL,
	FIELD_PIN,
	FIELD_OTP,
	FIELD_LANG,
};
const struct spec account_change_password_spec =
	SPEC(change_password_fields, struct account_values);

/* ---- sessions ---- */

/* Of a route that only a session reaches: the router has read the same one. */
static struct span session_cookie(const struct request *request)
{
	struct span cookie = SPAN_NONE;

	return request_cookie(request, SESSION_COOKIE, &cookie) == RC_OK ? cookie : SPAN_NONE;
}

static void answer_session(
	struct request *request, struct span cookie, const char *name, int64_t ends_in_s)
{
	char csrf[CSRF_TEXT];
	json_t *body = json_object();

	json_put(&body, "signedIn", json_true());
	json_put(&body, "name", json_string(name));
	json_put(&body, "csrfToken",
		core_session_csrf(cookie, csrf) == RC_OK ? json_string(csrf) : NULL);
	json_put(&body, "endsInSeconds", json_integer((json_int_t)ends_in_s));
	request_reply(request, body);
}

static void answer_nobody(struct request *request)
{
	request_reply(request, json_pack("{s:b}", "signedIn", 0));
}

static void on_session(void *arg, const struct fault *fault, const struct session_view *session)
{
	struct request *request = arg;

	if (fault->rc == RC_OK)
		answer_session(request, session_cookie(request), session->name, session->ends_in_s);
	else if (fault->rc == RC_SESSION_ENDED)
		answer_nobody(request);
	else
		request_fault(request, fault);
}

void account_session(struct request *request)
{
	if (request->call.who.kind == PRINCIPAL_SUBSCRIBER)
		core_session_view(request->core, &request->call, session_cookie(request),
			on_session, request);
	else
		answer_nobody(request);
}

static void on_signed_in(void *arg, const struct fault *fault, const struct sign_in_view *signed_in)
{
	struct request *request = arg;

	if (fault->rc != RC_OK) {
		request_fault(request, fault);
		return;
	}
	struct span cookie = secret_span(signed_in->cookie);
	request_set_cookie(request, SESSION_COOKIE, cookie, signed_in->lasts_s);
	answer_session(request, cookie, signed_in->name, SESSION_IDLE_MS / 1000);
}

void account_sign_in(struct request *request)
{
	const struct account_values *values = request->values;

	core_sign_in(request->core, &request->call, span_string(values->login),
		span_string(values->password), on_signed_in, request);
}

static void on_signed_out(void *arg, const struct fault *fault)
{
	struct request *request = arg;

	if (fault->rc != RC_OK) {
		request_fault(request, fault);
		return;
	}
	request_set_cookie(request, SESSION_COOKIE, span_string(""), 0);
	request_reply(request, json_object());
}

void account_sign_out(struct request *request)
{
	core_session_end(
		request->core, &request->call, session_cookie(request), on_signed_out, request);
}

/* ---- what is shown ---- */

static json_t *credential_write(const void *row)
{
	const struct account_credential *credential = row;
	struct certificate_facts facts;
	json_t *entry = json_object();

	if (certificate_read(&facts, credential->certificate) != RC_OK)
		facts = (struct certificate_facts){0};
	json_put(&entry, "credentialID", json_id(&credential->id));
	json_put(&entry, "status", json_string(credential->status));
	json_put(&entry, "key", json_string(credential->key));
	json_put(&entry, "factors", json_string(credential->factors));
	json_put(&entry, "validFrom", json_time(credential->valid_from_ms));
	json_put(&entry, "validTo", json_time(credential->valid_to_ms));
	json_put(&entry, "serialNumber", json_span(buf_span(&facts.serial)));
	json_put(&entry, "subjectDN", json_span(buf_span(&facts.subject)));
	certificate_facts_free(&facts);
	return entry;
}

static void on_credentials(void *arg, const struct fault *fault,
	const struct account_credential *credentials, size_t count)
{
	rows_reply(arg, fault, "credentials", &ROWS(credentials, count, credential_write));
}

void account_credentials(struct request *request)
{
	core_account_credentials(request->core, &request->call, on_credentials, request);
}

static json_t *signature_write(const void *row)
{
	const struct account_signature *signature = row;
	json_t *entry = json_object();

	json_put(&entry, "at", json_time(signature->at_ms));
	json_put(&entry, "client", json_string(signature->client));
	json_put(&entry, "agency", json_string(signature->agency));
	json_put(&entry, "credentialID", json_id(&signature->credential));
	json_put(&entry, "count", json_integer((json_int_t)signature->count));
	if (signature->labels[0] != 0)
		json_put(&entry, "labels", json_loads(signature->labels, 0, NULL));
	return entry;
}

static void on_signatures(void *arg, const struct fault *fault,
	const struct account_signature *signatures, size_t count, const char *next)
{
	struct request *request = arg;

	if (fault->rc != RC_OK) {
		request_fault(request, fault);
		return;
	}
	json_t *body = json_object();
	json_put(&body, "signatures", rows_write(&ROWS(signatures, count, signature_write)));
	if (next[0] != 0)
		json_put(&body, "next", json_string(next));
	request_reply(request, body);
}

void account_signatures(struct request *request)
{
	const struct account_values *values = request->values;

	core_account_signatures(
		request->core, &request->call, values->before, on_signatures, request);
}

/* ---- what is changed ---- */

static struct span span_or_none(const char *text)
{
	return text == NULL ? SPAN_NONE : span_string(text);
}

static struct account_factors factors_of(const struct account_values *values)
{
	return (struct account_factors){
		values->credential, span_or_none(values->pin), span_or_none(values->otp)};
}

static void on_changed(void *arg, const struct fault *fault)
{
	struct request *request = arg;

	if (fault->rc == RC_OK)
		request_reply(request, json_object());
	else
		request_fault(request, fault);
}

void account_change_pin(struct request *request)
{
	const struct account_values *values = request->values;
	struct account_factors factors = factors_of(values);

	core_account_change_pin(request->core, &request->call, &factors,
		span_string(values->new_pin), on_changed, request);
}

void account_change_password(struct request *request)
{
	const struct account_values *values = request->values;
	struct account_factors factors = factors_of(values);

	core_account_change_password(request->core, &request->call, session_cookie(request),
		&factors, span_string(values->password), span_string(values->new_password),
		on_changed, request);
}

void account_sign_out_everywhere(struct request *request)
{
	struct account_factors factors = factors_of(request->values);

	core_account_sign_out_everywhere(
		request->core, &request->call, &factors, on_signed_out, request);
}
