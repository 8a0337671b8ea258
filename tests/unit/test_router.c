/* The router: the table, the order of checks, one answer and one audit row a request. link: api */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <strings.h>

#include <cmocka.h>

#include "fake_core.h"

#include "ask.h"

#include "base/log.h"

static const struct operator_entry operator_ = {.name = "Vận hành Mẫu"};

static void nothing(struct request *request)
{
	request_refuse(request, RC_INTERNAL);
}

static const struct route good = {ROUTE_POST, "/x", AUTH_CLIENT, "a.b", BODY_JSON, 1, NULL, nothing,
	RC_CSC_V1, RC_BEARER_MALFORMED, false};

static void assert_boots(struct route route, bool boots)
{
	assert_int_equal(routes_check(&route, 1), boots ? RC_OK : RC_CONFIG);
}

static void a_row_without_authorisation_or_event_does_not_boot(void **state)
{
	struct route row = good;

	(void)state;
	assert_boots(row, true);
	row.authorisation = AUTH_UNSET;
	assert_boots(row, false);
	row = good;
	row.event = NULL;
	assert_boots(row, false);
	row.event = AUDIT_NONE_HEALTH; /* only probes may go without a row */
	assert_boots(row, false);
	row.event = "Bad event";
	assert_boots(row, false);
	row = good;
	row.handler = NULL;
	assert_boots(row, false);
	row = good;
	row.body_max = 0;
	assert_boots(row, false);
	row = good;
	row.bearer_malformed = RC_OK;
	assert_boots(row, false);
	const struct route twice[] = {good, good};
	assert_int_equal(routes_check(twice, 2), RC_CONFIG);
	assert_int_equal(routes_check(routes, route_count), RC_OK);
}

static void note_who(struct request *request)
{
	request_set_cookie(request, "x", span_string("y"), 60);
	request_reply(request, json_pack("{s:i}", "who", (int)request->call.who.kind));
}

static const struct route of_pages[] = {
	{ROUTE_GET | ROUTE_POST, "/session", AUTH_SESSION, "a.b", BODY_JSON, 1, NULL, note_who,
		RC_CSC_V2, RC_OK, true},
	{ROUTE_GET | ROUTE_POST, "/page", AUTH_PAGE, "a.b", BODY_JSON, 1, NULL, note_who, RC_CSC_V2,
		RC_OK, true},
};

static int ask_page(const char *method, const char *path, const char *cookie, const char *csrf,
	const char *origin)
{
	struct router *router = NULL, *usual = ask.router;

	assert_int_equal(router_new(NULL, &ask_settings, of_pages, 2, &router), RC_OK);
	ask.router = router;
	ask.cookie = cookie;
	ask.csrf_token = csrf;
	ask.origin = origin;
	int status = ask_text(method, path, JSON, "");
	ask.router = usual;
	router_free(&router);
	return status;
}

#define COOKIE "a=b; __Host-rssp-session=c"

static void a_session_is_asked_for_cookie_token_and_origin(void **state)
{
	(void)state;
	assert_int_equal(ask_page("GET", "/session", NULL, NULL, NULL), 401);
	assert_int_equal(ask_page("GET", "/session", "rssp-session=c", NULL, NULL), 401);
	assert_int_equal(ask_page("GET", "/session", COOKIE, NULL, NULL), 200);
	assert_int_equal(ask_page("POST", "/session", COOKIE, NULL, NULL), 403);
	assert_int_equal(ask_page("POST", "/session", COOKIE, "t", NULL), 200);
	assert_int_equal(ask_page("POST", "/session", COOKIE, "t", "https://evil.example"), 403);
	assert_string_equal(ask_member("code"), "ORIGIN_FOREIGN");
	assert_int_equal(ask_page("POST", "/session", COOKIE, "t", ask_settings.public_url), 200);
	assert_string_equal(ask_header("Set-Cookie"),
		"__Host-x=y; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Lax");
}

static void a_page_is_open_to_visitors_but_to_no_other_site(void **state)
{
	(void)state;
	assert_int_equal(ask_page("POST", "/page", NULL, NULL, NULL), 200);
	assert_int_equal(ask_page("POST", "/page", NULL, NULL, "null"), 403);
	fake.authenticate.rc = RC_SESSION_ENDED;
	assert_int_equal(ask_page("POST", "/page", COOKIE, NULL, NULL), 200);
	fake.authenticate.rc = RC_STORE_DOWN;
	assert_int_equal(ask_page("POST", "/page", COOKIE, NULL, NULL), 503);
}

/* Every row of THE table, without any right to use it: refused, and with an audit row. */
static void every_guarded_route_refuses_and_records(void **state)
{
	for (size_t i = 0; i < route_count; i++) {
		const struct route *route = &routes[i];
		const char *method = route->methods & ROUTE_POST ? "POST" : "GET";
		ask_reset(state);
		ask.authorization = ask.cookie = ask.csrf_token = ask.origin = NULL;
		int status = ask_text(method, route->path, JSON, "");
		if (route->authorisation == AUTH_OPERATOR)
			assert_int_equal(status, 401);
		if (route->authorisation == AUTH_CLIENT || route->authorisation == AUTH_CREDENTIAL)
			assert_int_equal(status, 400);
		if (route->authorisation == AUTH_SESSION)
			assert_int_equal(status, 401);
		if (route->authorisation >= AUTH_CLIENT_PROOF && route->authorisation != AUTH_PAGE)
			assert_int_equal(fake.asked, 0);
		assert_int_equal(fake.row_count, route->event[0] == 0 ? 0 : 1);
		if (fake.row_count == 1)
			assert_string_equal(fake.rows[0].event, route->event);
		assert_string_not_equal(ask_header("X-Request-Id"), "");
	}
}

static void the_answer_carries_the_id_of_its_row(void **state)
{
	char id[ID_TEXT];

	(void)state;
	assert_int_equal(ask_json("/csc/v1/info", "{}"), 200);
	assert_int_equal(fake.row_count, 1);
	id_format(&fake.rows[0].request, id);
	assert_string_equal(ask_header("X-Request-Id"), id);
	assert_string_equal(fake.rows[0].result, "ok");
	assert_string_equal(ask_header("Content-Type"), "application/json");
	assert_string_equal(ask_header("Cache-Control"), "no-store");
	assert_string_equal(ask_header("X-Content-Type-Options"), "nosniff");
	assert_string_not_equal(ask_header("Strict-Transport-Security"), "");
}

static void no_answer_leaves_before_its_row_is_durable(void **state)
{
	(void)state;
	ask_start("POST", "/csc/v1/info", JSON, span_string("{}"));
	assert_int_equal(ask.answers, 0);
	assert_int_equal(router_under_way(ask.router), 1);
	fake_run();
	assert_int_equal(ask.answers, 1);
	assert_int_equal(router_under_way(ask.router), 0);

	fake.audit.rc = RC_STORE_DOWN;
	assert_int_equal(ask_json("/csc/v1/info", "{}"), 503);
	assert_string_equal(ask_header("Retry-After"), "5");
	assert_string_equal(ask_error(), "temporarily_unavailable");
	assert_null(json_object_get(ask.body, "name"));
}

static void an_operation_that_wrote_its_row_gets_no_second_one(void **state)
{
	(void)state;
	assert_int_equal(ask_json("/csc/v1/credentials/authorize",
				 "{\"credentialID\":\"" CREDENTIAL "\",\"numSignatures\":1,"
				 "\"PIN\":\"x\",\"OTP\":\"1\"}"),
		200);
	assert_int_equal(fake.row_count, 0);
}

static void unknown_addresses_are_404_and_wrong_methods_405(void **state)
{
	(void)state;
	assert_int_equal(ask_json("/csc/v1/nothing", "{}"), 404);
	assert_int_equal(ask_json("/csc/v1/info/", "{}"), 404);
	assert_int_equal(ask_json("", "{}"), 404);
	assert_int_equal(fake.row_count, 0);
	assert_int_equal(ask_text("DELETE", "/csc/v1/info", JSON, ""), 405);
	assert_string_equal(ask_header("Allow"), "GET, POST");
	assert_int_equal(ask_text("GET", "/oauth2/token", JSON, ""), 405);
	assert_string_equal(ask_header("Allow"), "POST");
	assert_int_equal(ask_text("PUT", "/operator/v1/agencies", JSON, ""), 405);
	assert_string_equal(ask_header("Allow"), "GET, POST");
	assert_int_equal(fake.row_count, 3);
	assert_string_equal(fake.rows[2].code, "METHOD_NOT_ALLOWED");
}

static void a_token_that_was_seen_before_comes_before_the_body_too(void **state)
{
	static const char missing[] = "{\"credentialID\":\"" CREDENTIAL "\"}";

	(void)state;
	fake.recognises = true;
	fake.authenticate.rc = RC_TOKEN_EXPIRED;
	assert_int_equal(ask_json("/csc/v1/signatures/signHash", "{broken"), 401);
	assert_int_equal(ask_json("/csc/v1/signatures/signHash", missing), 401);
	fake.authenticate.rc = RC_OK;
	assert_int_equal(ask_json("/csc/v1/signatures/signHash", "{broken"), 400);
	assert_int_equal(ask_json("/csc/v1/signatures/signHash", missing), 400);
	assert_int_equal(fake.row_count, 4);
	assert_int_equal(fake.asked, 0);
}

static void a_long_body_and_a_foreign_type_are_refused_first(void **state)
{
	static char body[129 * 1024];

	(void)state;
	memset(body, ' ', sizeof(body) - 1);
	ask.authorization = NULL;
	assert_int_equal(ask_json("/csc/v1/signatures/signHash", body), 413);
	assert_int_equal(ask_text("POST", "/csc/v1/signatures/signHash", "text/plain", "{}"), 415);
	assert_int_equal(ask_text("POST", "/csc/v1/signatures/signHash", NULL, "{}"), 415);
	assert_int_equal(ask_text("POST", "/oauth2/token", JSON, "{}"), 415);
	assert_int_equal(
		ask_text("POST", "/csc/v1/info", "application/json;charset=utf-8", "{}"), 200);
	assert_int_equal(ask_text("POST", "/csc/v1/info", "Application/JSON", "{}"), 200);
	assert_int_equal(ask_text("POST", "/csc/v1/info", NULL, ""), 200);
	assert_int_equal(ask_text("POST", "/csc/v1/info", "application/jsonx", "{}"), 415);
}

static void the_bearer_comes_before_the_body(void **state)
{
	(void)state;
	fake.authenticate.rc = RC_TOKEN_EXPIRED;
	assert_int_equal(ask_json("/csc/v1/signatures/signHash", "{broken"), 401);
	assert_string_equal(ask_error(), "expired_token");
	assert_non_null(strstr(ask_header("WWW-Authenticate"), "Bearer error=\"expired_token\""));
	assert_string_equal(fake.bearer, "abc");
	fake.authenticate.rc = RC_OK;
	assert_int_equal(ask_json("/csc/v1/signatures/signHash", "{broken"), 400);
	assert_int_equal(fake.asked, 0);
}

static void malformed_bearers_get_each_versions_string(void **state)
{
	static const char usual[] =
		"The request is missing a required parameter, includes an invalid "
		"parameter value, includes a parameter more than once, or is "
		"otherwise malformed.";
	static const char required[] =
		"The request is missing a REQUIRED parameter, includes an invalid "
		"parameter value, includes a parameter more than once, or is "
		"otherwise malformed.";

	(void)state;
	ask.authorization = "Bearer";
	assert_int_equal(ask_json("/csc/v1/credentials/list", "{}"), 400);
	assert_string_equal(ask_error(), "invalid_request");
	assert_string_equal(ask_text_of_error(), usual);
	assert_int_equal(ask_json("/csc/v1/credentials/extendTransaction", "{}"), 400);
	assert_string_equal(ask_text_of_error(), required);
	assert_int_equal(ask_json("/csc/v1/credentials/sendOTP", "{}"), 400);
	assert_string_equal(ask_text_of_error(), "Malformed authroization header.");
	assert_int_equal(ask_json("/csc/v2/credentials/extendTransaction", "{}"), 400);
	assert_string_equal(ask_text_of_error(), "Malformed authorization header");
}

static void repeated_headers_are_refused(void **state)
{
	(void)state;
	ask.ambiguous = true;
	assert_int_equal(ask_json("/csc/v1/credentials/list", "{}"), 400);
	assert_string_equal(fake.bearer, "");
}

static void methods_that_are_not_offered_say_501(void **state)
{
	static const char *const paths[] = {"/csc/v1/auth/login", "/csc/v2/auth/login",
		"/csc/v1/signatures/timestamp", "/csc/v2/signatures/signDoc",
		"/csc/v2/credentials/authorizeCheck", "/csc/v2/signatures/signPolling"};

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		assert_int_equal(ask_json(paths[i], "anything"), 501);
		assert_string_equal(ask_error(), "invalid_request");
		assert_string_equal(fake.rows[i].event, "service.not-offered");
	}
}

static void operators_come_by_certificate_only(void **state)
{
	(void)state;
	assert_int_equal(ask_json("/operator/v1/clients/disable", "{}"), 401);
	assert_string_equal(fake.rows[0].code, "OPERATOR_REQUIRED");
	ask.operator_ = &operator_;
	assert_int_equal(ask_json("/operator/v1/clients/disable", "{}"), 400);
	assert_string_equal(ask_text_of_error(),
		"A required parameter is missing or of the wrong type: clientID");
	assert_int_equal(
		ask_json("/operator/v1/clients/disable", "{\"clientID\":\"" USER "\"}"), 200);
	assert_int_equal(fake.asked, 1);
}

static void more_than_the_limit_under_way_get_503_at_once(void **state)
{
	(void)state;
	/* answers without a body to compare: only their number counts here */
	for (size_t i = 0; i < ask_settings.waiting_max; i++)
		ask_start("POST", "/csc/v1/info", JSON, span_string("{}"));
	ask_start("POST", "/csc/v1/info", JSON, span_string("{}"));
	assert_int_equal(ask.answers, 1);
	assert_int_equal(ask.status, 503);
	assert_string_not_equal(ask_header("Retry-After"), "");
	ask_start("GET", "/healthz", NULL, SPAN_NONE);
	assert_int_equal(ask.status, 200);
	fake_run();
	assert_int_equal(router_under_way(ask.router), 0);
	assert_int_equal(ask_json("/csc/v1/info", "{}"), 200);
}

static void what_is_ours_to_know_stays_inside(void **state)
{
	(void)state;
	fake.sad.rc = RC_SEAL_BROKEN;
	fake.sad.text = "the seal of slot 0";
	const char *body = "{\"credentialID\":\"" CREDENTIAL "\",\"numSignatures\":1}";
	assert_int_equal(ask_json("/csc/v1/credentials/authorize", body), 500);
	assert_string_equal(ask_error(), "server_error");
	assert_null(strstr(ask_text_of_error(), "seal"));
	fake.sad.rc = RC_TOO_MANY;
	fake.sad.retry_after_s = 17;
	fake.sad.text = NULL;
	assert_int_equal(ask_json("/csc/v1/credentials/authorize", body), 429);
	assert_string_equal(ask_header("Retry-After"), "17");
}

static void probes_say_what_is_missing(void **state)
{
	(void)state;
	assert_int_equal(ask_text("GET", "/healthz", NULL, ""), 200);
	assert_string_equal(ask_member("status"), "ok");
	assert_int_equal(ask_text("GET", "/readyz", NULL, ""), 503);
	assert_string_equal(ask_member("store"), "down");
	assert_string_not_equal(ask_header("Retry-After"), "");
	fake.health = (struct core_health){true, true, true, true};
	assert_int_equal(ask_text("GET", "/readyz", NULL, ""), 200);
	assert_string_equal(ask_member("clock"), "ok");
	assert_int_equal(fake.row_count, 0);
}

/* For the functional tests: one line a row, `methods path authorisation event limit`. */
static int print_table(void)
{
	static const char *const who[] = {[AUTH_NOBODY] = "nobody",
		[AUTH_CLIENT_PROOF] = "client-proof",
		[AUTH_CODE] = "code",
		[AUTH_CLIENT] = "client",
		[AUTH_CREDENTIAL] = "client",
		[AUTH_OPERATOR] = "operator",
		[AUTH_PAGE] = "page",
		[AUTH_SESSION] = "session"};

	for (size_t i = 0; i < route_count; i++)
		printf("%s%s%s %s %s %s %zu\n", routes[i].methods & ROUTE_GET ? "GET" : "",
			routes[i].methods == (ROUTE_GET | ROUTE_POST) ? "," : "",
			routes[i].methods & ROUTE_POST ? "POST" : "", routes[i].path,
			who[routes[i].authorisation],
			routes[i].event[0] == 0 ? "none" : routes[i].event, routes[i].body_max);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--table") == 0)
		return print_table();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
			a_row_without_authorisation_or_event_does_not_boot, ask_reset),
		cmocka_unit_test_setup(a_session_is_asked_for_cookie_token_and_origin, ask_reset),
		cmocka_unit_test_setup(a_page_is_open_to_visitors_but_to_no_other_site, ask_reset),
		cmocka_unit_test_setup(every_guarded_route_refuses_and_records, ask_reset),
		cmocka_unit_test_setup(the_answer_carries_the_id_of_its_row, ask_reset),
		cmocka_unit_test_setup(no_answer_leaves_before_its_row_is_durable, ask_reset),
		cmocka_unit_test_setup(
			an_operation_that_wrote_its_row_gets_no_second_one, ask_reset),
		cmocka_unit_test_setup(unknown_addresses_are_404_and_wrong_methods_405, ask_reset),
		cmocka_unit_test_setup(
			a_token_that_was_seen_before_comes_before_the_body_too, ask_reset),
		cmocka_unit_test_setup(a_long_body_and_a_foreign_type_are_refused_first, ask_reset),
		cmocka_unit_test_setup(the_bearer_comes_before_the_body, ask_reset),
		cmocka_unit_test_setup(malformed_bearers_get_each_versions_string, ask_reset),
		cmocka_unit_test_setup(repeated_headers_are_refused, ask_reset),
		cmocka_unit_test_setup(methods_that_are_not_offered_say_501, ask_reset),
		cmocka_unit_test_setup(operators_come_by_certificate_only, ask_reset),
		cmocka_unit_test_setup(more_than_the_limit_under_way_get_503_at_once, ask_reset),
		cmocka_unit_test_setup(what_is_ours_to_know_stays_inside, ask_reset),
		cmocka_unit_test_setup(probes_say_what_is_missing, ask_reset),
	};

	log_open("test", LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, ask_end);
}
