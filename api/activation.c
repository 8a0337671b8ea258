/* The subscriber's own step: code, identity number and a PIN make the key and its certificate. */
#include "api/handlers.h"
#include "api/json.h"
#include "core/operation.h"

#include <stddef.h>

struct activation_values {
	const char *code, *identity_number, *pin, *password, *key, *lang;
	int factors;
};

/* PIN alone only where the operator's configuration allows it: the core refuses it elsewhere. */
enum { FACTORS_PIN_AND_OTP, FACTORS_PIN };
static const char *const offered_factors[] = {
	[FACTORS_PIN_AND_OTP] = "PIN AND OTP", [FACTORS_PIN] = "PIN", NULL};

#define ACTIVATION(member) offsetof(struct activation_values, member)
static const struct spec_field activation_fields[] = {
	{.name = "code",
		.type = SPEC_TEXT,
		.required = true,
		.line = true,
		.least = 1,
		.most = 64,
		.wrong = RC_PARAMETER_MISSING,
		.invalid = RC_PARAMETER_INVALID,
		.offset = ACTIVATION(code)},
	{.name = "identityNumber",
		.type = SPEC_TEXT,
		.required = true,
		.line = true,
		.least = 1,
		.most = 31,
		.wrong = RC_PARAMETER_MISSING,
		.invalid = RC_PARAMETER_INVALID,
		.offset = ACTIVATION(identity_number)},
	{.name = "PIN",
		.type = SPEC_TEXT,
		.required = true,
		.wrong = RC_PIN_INVALID_TYPE,
		.invalid = RC_PIN_INVALID_TYPE,
		.offset = ACTIVATION(pin)},
	{.name = "password",
		.type = SPEC_TEXT,
		.least = 1,
		.most = 128,
		.wrong = RC_PARAMETER_INVALID,
		.invalid = RC_PASSWORD_WEAK,
		.offset = ACTIVATION(password)},
	{.name = "key",
		.type = SPEC_TEXT,
		.wrong = RC_KEY_ALGO_INVALID,
		.invalid = RC_KEY_ALGO_INVALID,
		.offset = ACTIVATION(key)},
	{.name = "factors",
		.type = SPEC_CHOICE,
		.wrong = RC_PARAMETER_INVALID,
		.invalid = RC_PARAMETER_INVALID,
		.offset = ACTIVATION(factors),
		.choices = offered_factors},
	{.name = "lang",
		.type = SPEC_TEXT,
		.wrong = RC_LANG_INVALID,
		.invalid = RC_LANG_INVALID,
		.offset = ACTIVATION(lang)},
};
const struct spec activation_spec = SPEC(activation_fields, struct activation_values);

static void on_activated(
	void *arg, const struct fault *fault, const struct activation_view *activation)
{
	struct request *request = arg;

	if (fault->rc != RC_OK) {
		request_fault(request, fault);
		return;
	}
	json_t *body = json_object();
	json_put(&body, "userID", json_id(&activation->subscriber));
	json_put(&body, "credentialID", json_id(&activation->credential));
	json_put(&body, "otpauth", json_span(secret_span(activation->otpauth)));
	json_put(&body, "certificate", json_base64(activation->certificate));
	request_reply(request, body);
}

void activation_activate(struct request *request)
{
	const struct activation_values *values = request->values;
	const struct key_algo *key = key_algo_by_kind(KEY_P_256);

	if (values->key != NULL)
		key = key_algo_by_name(values->key);
	if (key == NULL) {
		request_refuse(request, RC_KEY_ALGO_INVALID);
		return;
	}
	const struct activation_request asked = {
		.code = span_string(values->code),
		.identity_number = span_string(values->identity_number),
		.pin = span_string(values->pin),
		.key = key,
		.pin_only = values->factors == FACTORS_PIN,
		.password = values->password == NULL ? SPAN_NONE : span_string(values->password),
	};
	core_activate(request->core, &request->call, &asked, on_activated, request);
}
