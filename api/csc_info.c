#include "api/handlers.h"
#include "api/json.h"
#include "api/routes.h"
#include "core/algo.h"

#include <stddef.h>
#include <string.h>

struct info_values {
	const char *lang;
};

static const struct spec_field info_fields[] = {
	{.name = "lang",
		.type = SPEC_TEXT,
		.wrong = RC_LANG_INVALID,
		.invalid = RC_LANG_INVALID,
		.offset = offsetof(struct info_values, lang)},
};
const struct spec csc_info_spec = SPEC(info_fields, struct info_values);

void csc_not_offered(struct request *request)
{
	request_refuse(request, RC_NOT_IMPLEMENTED);
}

/* Those of CSC: others under the same address are no methods of it. */
static bool info_names(const struct route *route)
{
	static const route_fn handlers[] = {
		oauth2_authorize, oauth2_push, oauth2_token, oauth2_revoke};

	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
		if (route->handler == handlers[i])
			return true;
	}
	return false;
}

/* From the route table, so that nothing is announced that does not work. */
static json_t *info_methods(enum rc_version version)
{
	static const char oauth2[] = "/oauth2/";
	const char *prefix = version == RC_CSC_V1 ? "/csc/v1/" : "/csc/v2/";
	json_t *methods = json_array();

	for (size_t i = 0; i < route_count; i++) {
		const struct route *route = &routes[i];
		if (strncmp(route->path, prefix, strlen(prefix)) != 0 ||
			route->handler == csc_not_offered || route->handler == csc_send_otp ||
			route->handler == csc_challenge)
			continue;
		json_add(&methods, json_string(route->path + strlen(prefix)));
	}
	for (size_t i = 0; i < route_count; i++) {
		const struct route *route = &routes[i];
		if (strncmp(route->path, oauth2, strlen(oauth2)) == 0 && info_names(route))
			json_add(&methods, json_string(route->path + 1));
	}
	return methods;
}

static json_t *info_sign_algorithms(void)
{
	json_t *algorithms = json_object();

	json_put(&algorithms, "algos", json_strings(sign_algo_all_oids()));
	return algorithms;
}

/* Members that v2 requires of a service even if it signs hashes only: what clients can make of our
 * signatures, the container being theirs. */
static void info_add_v2(json_t **info)
{
	json_put(info, "asynchronousOperationMode", json_false());
	json_put(info, "validationInfo", json_false());
	json_put(info, "signature_formats",
		json_pack("{s:[s,s,s,s],s:[[s,s,s],[s,s,s],[s,s],[s,s,s]]}", "formats", "C", "X",
			"P", "J", "envelope_properties", "Detached", "Attached", "Parallel",
			"Enveloped", "Enveloping", "Detached", "Certification", "Revision",
			"Detached", "Attached", "Parallel"));
	json_put(info, "conformance_levels", json_pack("[s]", "Ades-B-B"));
	json_put(info, "supportedHashTypes", json_pack("[s]", "dtbsr"));
	json_put(info, "supportsRar", json_true());
	json_put(info, "oauth2FAPIsupport", json_false());
}

void csc_info(struct request *request)
{
	const struct api_settings *settings = request->settings;
	enum rc_version version = request->call.version;
	const char *logo = settings->service_logo;
	json_t *info = json_object();

	/* clients parse it as an absolute URI, whether or not there is a picture */
	if (logo == NULL || logo[0] == 0)
		logo = settings->public_url;
	json_put(&info, "specs", json_string(version == RC_CSC_V1 ? "1.0.4.0" : "2.0.0.2"));
	json_put(&info, "name", json_string(settings->service_name));
	json_put(&info, "logo", json_string(logo));
	json_put(&info, "region", json_string(settings->service_region));
	json_put(&info, "lang", json_string(request->call.lang == LANG_EN ? "en" : "vi"));
	json_put(&info, "description", json_string(settings->service_description));
	json_put(&info, "authType", json_pack("[s,s]", "oauth2client", "oauth2code"));
	json_put(&info, "oauth2", json_string(settings->public_url));
	json_put(&info, "methods", info_methods(version));
	json_put(&info, "signAlgorithms", info_sign_algorithms());
	if (version == RC_CSC_V2)
		info_add_v2(&info);
	request_reply(request, info);
}
