/* What the authorisation server offers (RFC 8414), and nothing that it does not do. */
#include "api/handlers.h"
#include "api/json.h"

#include <stdio.h>
#include <string.h>

static json_t *endpoint(const char *base, const char *path)
{
	return json_sprintf("%s%s", base, path);
}

/* RFC 8705 §2.2: a certificate is registered itself, not a name in it. */
static json_t *proof_methods(void)
{
	static const char *const methods[] = {"client_secret_basic", "client_secret_post",
		"private_key_jwt", "self_signed_tls_client_auth", "none", NULL};

	return json_strings(methods);
}

static void put_proof(json_t **body, const char *methods, const char *algorithms)
{
	static const char *const names[] = {"RS256", "PS256", "ES256", NULL};

	json_put(body, methods, proof_methods());
	json_put(body, algorithms, json_strings(names));
}

/* The public address with the port of the second listener: "https://host:port". */
static json_t *aliases(const struct api_settings *settings)
{
	const char *url = settings->public_url;
	const char *host = strstr(url, "://");
	const char *end = host == NULL ? NULL : strrchr(host, ':');
	char base[512];
	json_t *body = json_object();

	/* the last colon of https://[::1] is no port's */
	if (end == host || end == NULL || strchr(end, ']') != NULL)
		end = url + strlen(url);
	snprintf(base, sizeof(base), "%.*s:%u", (int)(end - url), url, settings->mtls_port);
	json_put(&body, "token_endpoint", endpoint(base, "/oauth2/token"));
	json_put(&body, "revocation_endpoint", endpoint(base, "/oauth2/revoke"));
	json_put(&body, "pushed_authorization_request_endpoint",
		endpoint(base, "/oauth2/pushed_authorize"));
	return body;
}

static void put_endpoints(json_t **body, const char *url)
{
	json_put(body, "issuer", json_string(url));
	json_put(body, "authorization_endpoint", endpoint(url, "/oauth2/authorize"));
	json_put(body, "pushed_authorization_request_endpoint",
		endpoint(url, "/oauth2/pushed_authorize"));
	json_put(body, "token_endpoint", endpoint(url, "/oauth2/token"));
	json_put(body, "revocation_endpoint", endpoint(url, "/oauth2/revoke"));
	json_put(body, "jwks_uri", endpoint(url, "/oauth2/jwks"));
}

static void put_offers(json_t **body)
{
	static const struct {
		const char *name;
		const char *const values[4];
	} lists[] = {
		{"scopes_supported", {"service", "credential"}},
		{"response_types_supported", {"code"}},
		{"response_modes_supported", {"query"}},
		{"grant_types_supported",
			{"authorization_code", "client_credentials", "refresh_token"}},
		{"code_challenge_methods_supported", {"S256"}},
		{"authorization_details_types_supported",
			{"https://cloudsignatureconsortium.org/2025/credential", "credential"}},
		{"ui_locales_supported", {"vi", "en"}},
	};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		json_put(body, lists[i].name, json_strings(lists[i].values));
}

void oauth2_metadata(struct request *request)
{
	const struct api_settings *settings = request->settings;
	json_t *body = json_object();

	put_endpoints(&body, settings->public_url);
	put_offers(&body);
	put_proof(&body, "token_endpoint_auth_methods_supported",
		"token_endpoint_auth_signing_alg_values_supported");
	put_proof(&body, "revocation_endpoint_auth_methods_supported",
		"revocation_endpoint_auth_signing_alg_values_supported");
	json_put(&body, "authorization_response_iss_parameter_supported", json_true());
	json_put(&body, "require_pushed_authorization_requests", json_false());
	json_put(&body, "tls_client_certificate_bound_access_tokens", json_true());
	if (settings->mtls_port != 0)
		json_put(&body, "mtls_endpoint_aliases", aliases(settings));
	request_reply(request, body);
}
