#include "api/router.h"

#include "api/params.h"
#include "api/reply.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "core/audit.h"
#include "core/session.h"
#include "core/oauth/token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct router {
	struct core *core;
	const struct api_settings *settings;
	const struct route *table;
	size_t count;
	size_t under_way;
};

rc_t router_new(struct core *core, const struct api_settings *settings, const struct route *table,
	size_t count, struct router **router)
{
	rc_t rc = routes_check(table, count);
	if (rc != RC_OK)
		return rc;
	struct router *fresh = calloc(1, sizeof(*fresh));
	if (fresh == NULL)
		return RC_NO_MEMORY;
	*fresh = (struct router){core, settings, table, count, 0};
	*router = fresh;
	return RC_OK;
}

void router_free(struct router **router)
{
	free(*router);
	*router = NULL;
}

size_t router_under_way(const struct router *router)
{
	return router->under_way;
}

/* The end */

static void request_count(const struct request *request, int64_t took_us)
{
	const struct router *router = request->router;
	const char *name = request->message->method;
	size_t route =
		request->route == NULL ? router->count : (size_t)(request->route - router->table);
	enum metric_method method = strcmp(name, "POST") == 0  ? METHOD_POST
				    : strcmp(name, "GET") == 0 ? METHOD_GET
							       : METHOD_OTHER;

	metric_add(METRIC_REQUESTS, route, method, metric_status(request->answer.status));
	metric_observe(METRIC_REQUEST_SECONDS, route, method, took_us);
	metric_add(METRIC_RESULTS, request->outcome, 0, 0);
}

/* A line for each answer, but what went well only at `debug`: a signature costs no line. */
static void request_log(const struct request *request, int64_t took_us)
{
	char id[ID_TEXT], path[160];
	int status = request->answer.status;
	bool ours = status >= 500 && status != 501;
	enum log_level level = ours ? LOG_WARNING : status >= 400 ? LOG_INFO : LOG_DEBUG;

	if (!log_wanted(level))
		return;
	id_format(&request->call.request, id);
	log_write(level, "api: answered method=%s path=\"%s\" status=%d code=%s us=%lld req=%s",
		request->message->method, log_escape(request->message->path, path, sizeof(path)),
		status, rc_name(request->outcome), (long long)took_us, id);
}

/* Parameters hold PIN and SAD: they are wiped (api/http_memory.h) as soon as nobody needs them. */
static void request_drop_params(struct request *request)
{
	if (request->values != NULL)
		spec_release(request->route->spec, request->values);
	free(request->values);
	request->values = NULL;
	json_decref(request->params);
	request->params = NULL;
}

static void request_leave(struct request *request)
{
	int64_t took_us = clock_monotonic_us() - request->start_us;

	request_count(request, took_us);
	request_log(request, took_us);
	request->router->under_way--;
	metric_set(METRIC_IN_FLIGHT, 0, 0, (int64_t)request->router->under_way);
	request->done(request->done_arg, &request->answer);
	http_answer_free(&request->answer);
	free(request);
}

static void request_write_fault(struct request *request, const struct fault *fault, unsigned allow)
{
	http_answer_free(&request->answer);
	reply_fault(&request->answer, &request->call, request->route, allow, fault);
	request->outcome = fault->rc;
}

static void request_on_audited(void *arg, const struct fault *fault)
{
	struct request *request = arg;

	/* without its row no answer leaves but this one; a refusal for the same reason stays */
	if (fault->rc != RC_OK && request->answer.status != 503)
		request_write_fault(request, fault, 0);
	request_leave(request);
}

/* The one end of every request: the answer is written, the audit row follows, then it leaves. */
static void request_finish(struct request *request)
{
	const struct route *route = request->route;
	struct audit_row row = {0};

	request_drop_params(request);
	if (route == NULL || route->event[0] == 0 || request->call.audited) {
		request_leave(request);
		return;
	}
	audit_row_from_call(&row, &request->call, route->event, request->outcome);
	core_audit_write(request->core, &request->call, &row, request_on_audited, request);
}

static bool request_ends_twice(struct request *request)
{
	char id[ID_TEXT];

	if (!request->finished) {
		request->finished = true;
		return false;
	}
	id_format(&request->call.request, id);
	log_error("api: a request was answered twice, our bug path=%s req=%s",
		request->route == NULL ? "" : request->route->path, id);
	return true;
}

/* What is ours to know only. */
static rc_t request_outer_rc(rc_t rc)
{
	switch (rc) {
	case RC_OK:
	case RC_CRYPTO:
	case RC_SEAL_BROKEN:
	case RC_TOKEN_ATTRIBUTES:
	case RC_FORMAT:
	case RC_TOO_LONG:
	case RC_RANGE:
	case RC_SYSTEM:
	case RC_CONFIG:
		return RC_INTERNAL;
	case RC_STALE:
		return RC_UNAVAILABLE;
	case RC_DUPLICATE:
		return RC_CONFLICT;
	default:
		return rc;
	}
}

static void request_end(struct request *request, const struct fault *fault, unsigned allow)
{
	struct fault outer = *fault;

	if (request_ends_twice(request))
		return;
	outer.rc = request_outer_rc(fault->rc);
	if (outer.rc != fault->rc)
		outer.text = NULL;
	request_write_fault(request, &outer, allow);
	if (fault->rc != RC_OK)
		request->outcome = fault->rc; /* the row and the log know what the answer hides */
	request_finish(request);
}

void request_fault(struct request *request, const struct fault *fault)
{
	request_end(request, fault, 0);
}

void request_refuse(struct request *request, rc_t rc)
{
	request_end(request, &(struct fault){.rc = rc}, 0);
}

static void request_end_well(struct request *request, rc_t rc)
{
	if (rc != RC_OK)
		request_write_fault(request, &(struct fault){.rc = rc}, 0);
	/* what is told with a 503 is no success in the log and the metrics */
	request->outcome = rc == RC_OK && request->answer.status == 503 ? RC_UNAVAILABLE : rc;
	request_finish(request);
}

void request_reply_status(struct request *request, int status, json_t *body)
{
	rc_t rc = RC_OK;

	if (body == NULL && status != 204) {
		request_refuse(request, RC_NO_MEMORY);
		return;
	}
	if (request_ends_twice(request)) {
		json_decref(body);
		return;
	}
	if (body == NULL)
		reply_empty(&request->answer, &request->call, status);
	else
		rc = reply_json(&request->answer, &request->call, status, body);
	json_decref(body);
	request_end_well(request, rc);
}

void request_redirect(struct request *request, const char *location)
{
	if (request_ends_twice(request))
		return;
	reply_redirect(&request->answer, &request->call, location);
	request_end_well(request, RC_OK);
}

void request_reply_page(struct request *request, int status, struct span bytes,
	const char *content_type, bool lasting)
{
	if (request_ends_twice(request))
		return;
	request_end_well(request,
		reply_page(&request->answer, &request->call, status, bytes, content_type, lasting));
}

void request_fault_page(struct request *request, const struct fault *fault, struct span html,
	const char *content_type)
{
	if (request_ends_twice(request))
		return;
	rc_t rc = reply_page(
		&request->answer, &request->call, rc_status(fault->rc), html, content_type, false);
	if (rc != RC_OK)
		request_write_fault(request, &(struct fault){.rc = rc}, 0);
	request->outcome = fault->rc;
	request_finish(request);
}

void request_fault_redirect(
	struct request *request, const struct fault *fault, const char *location)
{
	if (request_ends_twice(request))
		return;
	reply_redirect(&request->answer, &request->call, location);
	request->outcome = fault->rc;
	request_finish(request);
}

void request_reply(struct request *request, json_t *body)
{
	request_reply_status(request, 200, body);
}

void request_reply_unavailable(struct request *request, json_t *body)
{
	request_reply_status(request, 503, body);
}

/* Parameters and handler */

static enum lang lang_from_text(const char *text, enum lang otherwise)
{
	const char *en = strcasestr(text, "en"), *vi = strcasestr(text, "vi");

	if (en == NULL && vi == NULL)
		return otherwise;
	return en != NULL && (vi == NULL || en < vi) ? LANG_EN : LANG_VI;
}

static bool request_is_get(const struct request *request)
{
	return strcmp(request->message->method, "GET") == 0;
}

/* Some clients put the token endpoint's parameters into the query; secrets never belong there. */
static rc_t request_read_form(struct request *request)
{
	const struct http_message *message = request->message;

	if (message->body.len > 0)
		return params_read_form(message->body, &request->params);
	rc_t rc = params_read_form(span_string(message->query), &request->params);
	if (rc == RC_OK) {
		json_object_del(request->params, "client_secret");
		json_object_del(request->params, "client_assertion");
	}
	return rc;
}

static rc_t request_read_params(struct request *request)
{
	if (request_is_get(request))
		return params_read_form(span_string(request->message->query), &request->params);
	if (request->route->body == BODY_FORM)
		return request_read_form(request);
	return params_read_json(request->message->body, &request->params);
}

static void request_refuse_parameter(struct request *request, rc_t rc, const char *name)
{
	char text[160];

	/* CSC has a string for each of its parameters; ours share one, so the name is added */
	snprintf(text, sizeof(text), "%s: %s", rc_text(rc, request->call.version), name);
	bool ours = rc == RC_PARAMETER_MISSING || rc == RC_PARAMETER_INVALID;
	request_fault(request, &(struct fault){.rc = rc, .text = ours ? text : NULL});
}

static void request_handle(struct request *request)
{
	const struct spec *spec = request->route->spec;
	const char *name = "";
	rc_t rc = RC_OK;

	if (spec == NULL) {
		request->route->handler(request);
		return;
	}
	rc = request_read_params(request);
	if (rc != RC_OK) {
		request_refuse(request, rc);
		return;
	}
	const char *lang = json_string_value(json_object_get(request->params, "lang"));
	if (lang != NULL)
		request->call.lang = lang_from_text(lang, request->call.lang);
	request->values = calloc(1, spec->size);
	if (request->values == NULL) {
		request_refuse(request, RC_NO_MEMORY);
		return;
	}
	bool textual = request_is_get(request) || request->route->body == BODY_FORM;
	rc = spec_read(spec, request->params, textual, request->values, &name);
	if (rc == RC_OK)
		request->route->handler(request);
	else
		request_refuse_parameter(request, rc, name);
}

/* Cookies */

void request_set_cookie(
	struct request *request, const char *name, struct span value, int64_t max_age_s)
{
	http_answer_field(&request->answer, "Set-Cookie",
		"__Host-%s=%.*s; Path=/; Max-Age=%lld; Secure; HttpOnly; SameSite=Lax", name,
		(int)value.len, value.len > 0 ? (const char *)value.data : "",
		(long long)max_age_s);
}

rc_t request_cookie(const struct request *request, const char *name, struct span *value)
{
	static const char prefix[] = "__Host-";
	const char *at = request->message->cookie;
	size_t len = strlen(name);

	while (at != NULL) {
		at += strspn(at, " ;");
		size_t size = strcspn(at, ";");
		if (size > sizeof(prefix) - 1 + len &&
			strncmp(at, prefix, sizeof(prefix) - 1) == 0 &&
			strncmp(at + sizeof(prefix) - 1, name, len) == 0 &&
			at[sizeof(prefix) - 1 + len] == '=') {
			*value = SPAN(at + sizeof(prefix) + len, size - sizeof(prefix) - len);
			return RC_OK;
		}
		at = at[size] == 0 ? NULL : at + size;
	}
	return RC_NOT_FOUND;
}

/* Who asks */

static void request_on_authenticated(void *arg, const struct fault *fault)
{
	struct request *request = arg;
	bool sad = !id_is_zero(&request->call.who.sad_credential);

	if (fault->rc != RC_OK)
		request_fault(request, fault);
	else if (sad && request->route->authorisation != AUTH_CREDENTIAL)
		request_refuse(request, RC_TOKEN_SCOPE);
	else
		request_handle(request);
}

static void request_authenticate(struct request *request)
{
	struct span token = SPAN_NONE;
	rc_t rc = RC_OK;

	if (params_read_bearer(request->message->authorization, &token) != RC_OK)
		request_refuse(request, request->route->bearer_malformed);
	else if (!core_token_recognise(request->core, &request->call, token, &rc))
		core_token_authenticate(
			request->core, &request->call, token, request_on_authenticated, request);
	else if (rc == RC_OK)
		request_handle(request);
	else
		request_refuse(request, rc);
}

static void request_identify(struct request *request)
{
	const struct operator_entry *operator_ = request->message->operator_;
	struct principal *who = &request->call.who;

	if (operator_ == NULL) {
		request_refuse(request, RC_OPERATOR_REQUIRED);
		return;
	}
	who->kind = PRINCIPAL_OPERATOR;
	snprintf(who->operator_name, sizeof(who->operator_name), "%s", operator_->name);
	memcpy(who->operator_fingerprint, operator_->fingerprint, SHA256_LEN);
	request_handle(request);
}

/* A browser names the page that a POST comes from; who names none is no browser, and has no cookie
 * that was not given to him. */
static bool request_is_ours(const struct request *request)
{
	const char *origin = request->message->origin;

	return origin == NULL || strcmp(origin, request->settings->public_url) == 0;
}

static void request_on_visitor(void *arg, const struct fault *fault)
{
	struct request *request = arg;

	/* nobody is signed in, or not any more: the page says so */
	if (fault->rc != RC_OK && fault->rc != RC_SESSION_ENDED)
		request_fault(request, fault);
	else
		request_handle(request);
}

static void request_welcome(struct request *request)
{
	const char *csrf = request->message->csrf_token;
	struct span cookie = SPAN_NONE;
	bool must = request->route->authorisation == AUTH_SESSION;

	if (!request_is_ours(request))
		request_refuse(request, RC_ORIGIN_FOREIGN);
	else if (request_cookie(request, SESSION_COOKIE, &cookie) == RC_OK)
		core_session_authenticate(request->core, &request->call, cookie,
			must && !request_is_get(request) ? span_string(csrf == NULL ? "" : csrf)
							 : SPAN_NONE,
			must ? request_on_authenticated : request_on_visitor, request);
	else if (must)
		request_refuse(request, RC_SESSION_ENDED);
	else
		request_handle(request);
}

static void request_authorise(struct request *request)
{
	switch (request->route->authorisation) {
	case AUTH_CLIENT:
	case AUTH_CREDENTIAL:
		request_authenticate(request);
		return;
	case AUTH_OPERATOR:
		request_identify(request);
		return;
	case AUTH_PAGE:
	case AUTH_SESSION:
		request_welcome(request);
		return;
	case AUTH_NOBODY:
	case AUTH_CLIENT_PROOF:
	case AUTH_CODE:
		request_handle(request);
		return;
	case AUTH_UNSET:
		break;
	}
	request_refuse(request, RC_INTERNAL); /* routes_check lets no such row boot */
}

/* The request's form */

static bool media_is(const char *given, const char *wanted)
{
	size_t len = strlen(wanted);

	if (given == NULL || strncasecmp(given, wanted, len) != 0)
		return false;
	return given[len] == 0 || strchr(" \t;", given[len]) != NULL;
}

static rc_t request_check_form(const struct request *request)
{
	static const char *const media[] = {
		[BODY_JSON] = "application/json",
		[BODY_FORM] = "application/x-www-form-urlencoded",
	};
	const struct http_message *message = request->message;
	const struct route *route = request->route;

	if (message->body.len > route->body_max)
		return RC_BODY_TOO_LONG;
	if (message->ambiguous)
		return RC_MALFORMED;
	if (message->body.len > 0 && route->body != BODY_NONE &&
		!media_is(message->content_type, media[route->body]))
		return RC_MEDIA_TYPE;
	return RC_OK;
}

static void request_start(struct request *request)
{
	const struct router *router = request->router;
	const struct http_message *message = request->message;
	unsigned allow = 0;

	request->route =
		routes_find(router->table, router->count, message->method, message->path, &allow);
	if (request->route == NULL) {
		request_refuse(request, RC_ROUTE_UNKNOWN);
		return;
	}
	request->call.event = request->route->event;
	request->call.version = request->route->version;
	if (allow != 0) {
		request_end(request, &(struct fault){.rc = RC_METHOD_NOT_ALLOWED}, allow);
		return;
	}
	if (router->under_way > router->settings->waiting_max && request->route->event[0] != 0) {
		/* no row either: the store is what everybody waits for */
		request->call.audited = true;
		metric_add(METRIC_OVERLOAD, LIMIT_REQUESTS, 0, 0);
		request_refuse(request, RC_UNAVAILABLE);
		return;
	}
	rc_t rc = request_check_form(request);
	if (rc != RC_OK)
		request_refuse(request, rc);
	else
		request_authorise(request);
}

void router_handle(
	void *arg, const struct http_message *message, http_answer_fn done, void *done_arg)
{
	struct router *router = arg;
	struct request *request = calloc(1, sizeof(*request));

	if (request == NULL || id_timed(&request->call.request) != RC_OK) {
		free(request);
		log_error("api: no memory or no random numbers for a request");
		done(done_arg, &(struct http_answer){.status = 503});
		return;
	}
	router->under_way++;
	metric_set(METRIC_IN_FLIGHT, 0, 0, (int64_t)router->under_way);
	request->router = router;
	request->core = router->core;
	request->settings = router->settings;
	request->message = message;
	request->done = done;
	request->done_arg = done_arg;
	request->start_us = clock_monotonic_us();
	request->call.event = "";
	request->call.version = RC_CSC_V1;
	request->call.lang = LANG_VI;
	if (message->accept_language != NULL)
		request->call.lang = lang_from_text(message->accept_language, LANG_VI);
	snprintf(request->call.address, sizeof(request->call.address), "%s", message->address);
	request->call.has_tls = message->has_tls;
	memcpy(request->call.tls_sha256, message->tls_sha256, SHA256_LEN);
	request_start(request);
}
