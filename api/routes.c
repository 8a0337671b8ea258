/*
 * THE table: every address of the service, who may use it, what is audited, what may be sent.
 * Nothing answers that does not stand here; a row without authorisation or audit event does not
 * boot.
 */
#include "api/routes.h"

#include "api/handlers.h"
#include "api/pages.h"
#include "base/log.h"

#include <string.h>

#define KIB ((size_t)1024)

/* 500 hashes of 64 bytes in base64, twice (hash and hashes), and room for the rest */
#define BODY_HASHES (128 * KIB)
#define BODY_SMALL (8 * KIB)
/* a statement of 8192 bytes and its signature in base64 */
#define BODY_STATEMENT (16 * KIB)
/* authorization_details of 500 documents with labels, percent-encoded */
#define BODY_DETAILS (512 * KIB)

/* A CSC method stands under both versions, with the same spec, handler and audit event. */
#define CSC(path, methods, authorisation, event, limit, spec, handler, malformed)                 \
	{(methods), "/csc/v1/" path, (authorisation), (event), BODY_JSON, (limit), (spec),        \
		(handler), RC_CSC_V1, (malformed), false},                                        \
	{                                                                                         \
		(methods), "/csc/v2/" path, (authorisation), (event), BODY_JSON, (limit), (spec), \
			(handler), RC_CSC_V2, (malformed), false                                  \
	}
/* A token of scope credential, too: for its own credential. */
#define CSC_CREDENTIAL(path, event, limit, spec, handler, malformed) \
	CSC(path, ROUTE_POST, AUTH_CREDENTIAL, event, limit, spec, handler, malformed)
#define CSC_CLIENT(path, event, limit, spec, handler, malformed) \
	CSC(path, ROUTE_POST, AUTH_CLIENT, event, limit, spec, handler, malformed)
/* A method of the standard that is not offered says so to everybody, whatever came with it. */
#define ABSENT(methods, path, version)                                                             \
	{                                                                                          \
		(methods), path, AUTH_NOBODY, "service.not-offered", BODY_NONE, BODY_HASHES, NULL, \
			csc_not_offered, (version), RC_OK, false                                   \
	}
#define CSC_ABSENT(path)                                \
	ABSENT(ROUTE_POST, "/csc/v1/" path, RC_CSC_V1), \
		ABSENT(ROUTE_POST, "/csc/v2/" path, RC_CSC_V2)
#define OPERATOR(method, path, event, limit, spec, handler)                                 \
	{                                                                                   \
		(method), "/operator/v1/" path, AUTH_OPERATOR, (event), BODY_JSON, (limit), \
			(spec), (handler), RC_CSC_V1, RC_OK, false                          \
	}
/* What our own pages ask, in JSON; answered in the page's form and language. */
#define FROM_PAGE(method, path, authorisation, event, limit, spec, handler)                        \
	{                                                                                          \
		(method), (path), (authorisation), (event), BODY_JSON, (limit), (spec), (handler), \
			RC_CSC_V2, RC_OK, true                                                     \
	}
#define PAGE(path, handler)                                                                 \
	{                                                                                   \
		ROUTE_GET, path, AUTH_NOBODY, AUDIT_NONE_PAGE, BODY_NONE, BODY_SMALL, NULL, \
			(handler), RC_CSC_V2, RC_OK, true                                   \
	}
#define PROBE(path, handler)                                                                  \
	{                                                                                     \
		ROUTE_GET, path, AUTH_NOBODY, AUDIT_NONE_HEALTH, BODY_NONE, BODY_SMALL, NULL, \
			(handler), RC_CSC_V1, RC_OK, false                                    \
	}

const struct route routes[] = {
	CSC("info", ROUTE_GET | ROUTE_POST, AUTH_NOBODY, "service.info", BODY_SMALL, &csc_info_spec,
		csc_info, RC_OK),
	CSC_CLIENT("credentials/list", "credential.list", BODY_SMALL, &csc_list_spec, csc_list,
		RC_BEARER_MALFORMED),
	CSC_CREDENTIAL("credentials/info", "credential.info", BODY_SMALL, &csc_credential_spec,
		csc_credential, RC_BEARER_MALFORMED),
	CSC_CLIENT("credentials/authorize", "credential.authorize", BODY_HASHES,
		&csc_authorize_spec, csc_authorize, RC_BEARER_MALFORMED),
	CSC_CREDENTIAL("credentials/extendTransaction", "credential.extend", BODY_HASHES,
		&csc_extend_spec, csc_extend, RC_BEARER_MALFORMED_EXTEND),
	CSC_CLIENT("credentials/sendOTP", "credential.challenge", BODY_SMALL, &csc_send_otp_spec,
		csc_send_otp, RC_BEARER_MALFORMED_OTP),
	CSC_CLIENT("credentials/getChallenge", "credential.challenge", BODY_SMALL,
		&csc_challenge_spec, csc_challenge, RC_BEARER_MALFORMED),
	CSC_CREDENTIAL("signatures/signHash", "signature.requested", BODY_HASHES,
		&csc_sign_hash_spec, csc_sign_hash, RC_BEARER_MALFORMED),

	CSC_CREDENTIAL("auth/revoke", "token.revoke", BODY_SMALL, &csc_revoke_spec, csc_revoke,
		RC_BEARER_MALFORMED_EXTEND),

	CSC_ABSENT("auth/login"),
	CSC_ABSENT("credentials/authorizeCheck"),
	CSC_ABSENT("credentials/create"),
	CSC_ABSENT("credentials/delete"),
	CSC_ABSENT("signatures/signDoc"),
	CSC_ABSENT("signatures/signPolling"),
	CSC_ABSENT("signatures/timestamp"),

	{ROUTE_GET, "/oauth2/authorize", AUTH_NOBODY, "authorization.request", BODY_NONE,
		BODY_SMALL, NULL, oauth2_authorize, RC_CSC_V2, RC_OK, false},
	{ROUTE_POST, "/oauth2/pushed_authorize", AUTH_CLIENT_PROOF, "authorization.push", BODY_FORM,
		BODY_DETAILS, &oauth2_push_spec, oauth2_push, RC_CSC_V2, RC_OK, false},
	{ROUTE_POST, "/oauth2/token", AUTH_CLIENT_PROOF, "token.issue", BODY_FORM, BODY_DETAILS,
		&oauth2_token_spec, oauth2_token, RC_CSC_V1, RC_OK, false},
	{ROUTE_POST, "/oauth2/revoke", AUTH_CLIENT_PROOF, "token.revoke", BODY_FORM, BODY_DETAILS,
		&oauth2_revoke_spec, oauth2_revoke, RC_CSC_V1, RC_OK, false},
	{ROUTE_GET, "/.well-known/oauth-authorization-server", AUTH_NOBODY, AUDIT_NONE_PAGE,
		BODY_NONE, BODY_SMALL, NULL, oauth2_metadata, RC_CSC_V2, RC_OK, false},
	{ROUTE_GET, "/oauth2/jwks", AUTH_NOBODY, AUDIT_NONE_PAGE, BODY_NONE, BODY_SMALL, NULL,
		oauth2_keys, RC_CSC_V1, RC_OK, false},
	{ROUTE_POST, "/activation/v1/activate", AUTH_CODE, "credential.activate", BODY_JSON,
		BODY_SMALL, &activation_spec, activation_activate, RC_CSC_V1, RC_OK, false},

	FROM_PAGE(ROUTE_GET, "/consent/v1/request", AUTH_PAGE, "consent.show", BODY_SMALL,
		&consent_request_spec, consent_request),
	FROM_PAGE(ROUTE_POST, "/consent/v1/approve", AUTH_SESSION, "consent.approve", BODY_SMALL,
		&consent_approve_spec, consent_approve),
	FROM_PAGE(ROUTE_POST, "/consent/v1/decline", AUTH_PAGE, "consent.decline", BODY_SMALL,
		&consent_request_spec, consent_decline),
	FROM_PAGE(ROUTE_GET, "/account/v1/session", AUTH_PAGE, "account.session", BODY_SMALL,
		&account_session_spec, account_session),
	FROM_PAGE(ROUTE_POST, "/account/v1/sign-in", AUTH_PAGE, "account.sign-in", BODY_SMALL,
		&account_sign_in_spec, account_sign_in),
	FROM_PAGE(ROUTE_POST, "/account/v1/sign-out", AUTH_SESSION, "account.sign-out", BODY_SMALL,
		&account_session_spec, account_sign_out),
	FROM_PAGE(ROUTE_POST, "/account/v1/sign-out-everywhere", AUTH_SESSION,
		"account.sign-out-everywhere", BODY_SMALL, &account_factor_spec,
		account_sign_out_everywhere),
	FROM_PAGE(ROUTE_GET, "/account/v1/credentials", AUTH_SESSION, "account.credentials",
		BODY_SMALL, &account_session_spec, account_credentials),
	FROM_PAGE(ROUTE_GET, "/account/v1/signatures", AUTH_SESSION, "account.signatures",
		BODY_SMALL, &account_signatures_spec, account_signatures),
	FROM_PAGE(ROUTE_POST, "/account/v1/change-pin", AUTH_SESSION, "account.change-pin",
		BODY_SMALL, &account_change_pin_spec, account_change_pin),
	FROM_PAGE(ROUTE_POST, "/account/v1/change-password", AUTH_SESSION,
		"account.change-password", BODY_SMALL, &account_change_password_spec,
		account_change_password),

	OPERATOR(ROUTE_POST, "agencies", "agency.add", BODY_SMALL, &operator_agency_add_spec,
		operator_agency_add),
	OPERATOR(ROUTE_GET, "agencies", "agency.list", BODY_SMALL, NULL, operator_agency_list),
	OPERATOR(ROUTE_POST, "clients", "client.add", BODY_STATEMENT, &operator_client_add_spec,
		operator_client_add),
	OPERATOR(ROUTE_GET, "clients", "client.list", BODY_SMALL, &operator_client_list_spec,
		operator_client_list),
	OPERATOR(ROUTE_POST, "clients/change", "client.change", BODY_STATEMENT,
		&operator_client_change_spec, operator_client_change),
	OPERATOR(ROUTE_POST, "clients/rotate", "client.rotate", BODY_SMALL, &operator_client_spec,
		operator_client_rotate),
	OPERATOR(ROUTE_POST, "clients/disable", "client.disable", BODY_SMALL, &operator_client_spec,
		operator_client_disable),
	OPERATOR(ROUTE_GET, "subscribers", "subscriber.list", BODY_SMALL,
		&operator_subscriber_list_spec, operator_subscriber_list),
	OPERATOR(ROUTE_POST, "subscribers/set-position", "subscriber.set-position", BODY_SMALL,
		&operator_position_spec, operator_subscriber_set_position),
	OPERATOR(ROUTE_POST, "subscribers/disable", "subscriber.disable", BODY_SMALL,
		&operator_subscriber_spec, operator_subscriber_disable),
	OPERATOR(ROUTE_POST, "subscribers/unlock", "subscriber.unlock", BODY_STATEMENT,
		&operator_signed_spec, operator_subscriber_unlock),
	OPERATOR(ROUTE_POST, "enrolments/check", "enrolment.check", BODY_STATEMENT,
		&operator_statement_spec, operator_enrolment_check),
	OPERATOR(ROUTE_POST, "enrolments", "enrolment.submit", BODY_STATEMENT,
		&operator_signed_spec, operator_enrolment_submit),
	OPERATOR(ROUTE_GET, "status", "service.status", BODY_SMALL, NULL, operator_status),
	OPERATOR(
		ROUTE_GET, "audit", "audit.read", BODY_SMALL, &operator_audit_spec, operator_audit),

	PAGE("/consent", pages_show),
	PAGE("/account", pages_show),
	PAGE("/activate", pages_show),
	PAGE("/problem", pages_show),
	PAGE("/assets/", pages_asset),

	PROBE("/healthz", health_live),
	PROBE("/readyz", health_ready),
};
const size_t route_count = sizeof(routes) / sizeof(routes[0]);

/* The form that the audit's table asks of an event's name. */
static bool event_well_formed(const char *event)
{
	size_t word = strspn(event, "abcdefghijklmnopqrstuvwxyz");

	return word > 0 && event[word] == '.' && event[word + 1] != 0 &&
	       strspn(event, "abcdefghijklmnopqrstuvwxyz-.") == strlen(event);
}

static bool event_suits(const struct route *route)
{
	if (route->event == NULL)
		return false;
	if (route->event[0] == 0)
		return route->authorisation == AUTH_NOBODY && route->methods == ROUTE_GET &&
		       route->spec == NULL;
	return event_well_formed(route->event);
}

static bool spec_suits(const struct spec *spec)
{
	for (size_t i = 0; spec != NULL && i < spec->count; i++) {
		const struct spec_field *field = &spec->fields[i];
		if (field->wrong == RC_OK || field->invalid == RC_OK ||
			(field->alias != NULL && field->contradiction == RC_OK) ||
			(field->type == SPEC_CHOICE && field->choices == NULL))
			return false;
	}
	return true;
}

static bool wants_token(const struct route *route)
{
	return route->authorisation == AUTH_CLIENT || route->authorisation == AUTH_CREDENTIAL;
}

static const char *route_fault(const struct route *route)
{
	if (route->path == NULL || route->path[0] != '/' || route->methods == 0)
		return "no path or no method";
	if (route->authorisation == AUTH_UNSET)
		return "no authorisation";
	if (wants_token(route) && route->bearer_malformed == RC_OK)
		return "no error for a malformed bearer";
	if (!event_suits(route))
		return "no audit event";
	if (route->handler == NULL)
		return "no handler";
	if (route->body_max == 0)
		return "no body limit";
	if (!spec_suits(route->spec))
		return "a parameter without its errors or choices";
	return NULL;
}

static bool route_is_repeated(const struct route *table, size_t at)
{
	for (size_t i = 0; i < at; i++) {
		if (strcmp(table[i].path, table[at].path) == 0 &&
			(table[i].methods & table[at].methods) != 0)
			return true;
	}
	return false;
}

rc_t routes_check(const struct route *table, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *fault = route_fault(&table[i]);
		if (fault == NULL && route_is_repeated(table, i))
			fault = "it stands there twice";
		if (fault == NULL)
			continue;
		log_error("api: the route table is not valid path=%s fault=\"%s\"",
			table[i].path == NULL ? "" : table[i].path, fault);
		return RC_CONFIG;
	}
	return RC_OK;
}

static bool path_is(const char *row, const char *path)
{
	size_t len = strlen(row);

	return strcmp(row, path) == 0 || (row[len - 1] == '/' && strncmp(row, path, len) == 0);
}

static unsigned method_bit(const char *method)
{
	if (strcmp(method, "POST") == 0)
		return ROUTE_POST;
	return strcmp(method, "GET") == 0 ? ROUTE_GET : 0;
}

const struct route *routes_find(const struct route *table, size_t count, const char *method,
	const char *path, unsigned *allow)
{
	const struct route *first = NULL;
	unsigned has = 0;

	*allow = 0;
	for (size_t i = 0; i < count; i++) {
		if (!path_is(table[i].path, path))
			continue;
		if (table[i].methods & method_bit(method))
			return &table[i];
		has |= table[i].methods;
		first = first == NULL ? &table[i] : first;
	}
	*allow = has;
	return first;
}
