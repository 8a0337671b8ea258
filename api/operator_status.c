/*
 * GET status: what the metrics tell, for people. What is wrong is a problem: which part, how bad,
 * and a code, whose words and remedies the operators' tool has in their language.
 */
#include "api/handlers.h"
#include "api/json.h"
#include "api/metrics.h"
#include "api/routes.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "core/audit.h"

#define HOUR_MS INT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)
#define RESTART_RECENT_MS HOUR_MS
#define SKEW_MS 1000		     /* beyond twice that nothing is signed */
#define CRL_SOON_MS (12 * HOUR_MS)   /* it is made anew every hour, for a day */
#define AUDIT_SOON_MS (20 * DAY_MS)  /* two whole months lie ahead when all is well */
#define SERVER_SOON_MS (21 * DAY_MS) /* what renews by itself does so before */
#define CERTIFICATE_SOON_MS (60 * DAY_MS)
#define CERTIFICATE_URGENT_MS (7 * DAY_MS)

enum severity { WARNING, CRITICAL };

static void problem(json_t **problems, const char *part, const char *code, enum severity severity)
{
	json_t *one = json_object();

	json_put(&one, "part", json_string(part));
	json_put(&one, "code", json_string(code));
	json_put(&one, "severity", json_string(severity == CRITICAL ? "critical" : "warning"));
	json_add(problems, one);
}

static void put_number(json_t **object, const char *name, int64_t number)
{
	json_put(object, name, json_integer((json_int_t)number));
}

static json_t *status_service(const struct request *request, int64_t now_ms)
{
	int64_t start_ms = metric_value(METRIC_START, 0, 0, 0);
	json_t *service = json_object();

	json_put(&service, "name", json_string(request->settings->service_name));
	json_put(&service, "version", json_string(RSSPD_VERSION));
	json_put(&service, "startedAt", json_time(start_ms));
	json_put(&service, "now", json_time(now_ms));
	put_number(
		&service, "apiRestarts", metric_value(METRIC_RESTARTS, PROCESS_API, CAUSE_DIED, 0));
	return service;
}

/* writes: it has just taken a row. One that hangs keeps its connections and takes none. */
static json_t *status_database(
	const struct core_watch *watch, bool writes, int64_t now_ms, json_t **problems)
{
	json_t *database = json_object();

	if (watch->store_up == 0 || !writes)
		problem(problems, "database", "database-down", CRITICAL);
	else if (watch->store_up < watch->store_wanted)
		problem(problems, "database", "database-partly", WARNING);
	if (watch->skew_ms > SKEW_MS || watch->skew_ms < -SKEW_MS)
		problem(problems, "database", "clock-skew",
			watch->skew_ms > 2 * SKEW_MS || watch->skew_ms < -2 * SKEW_MS ? CRITICAL
										      : WARNING);
	if (watch->audit_until_ms - now_ms < AUDIT_SOON_MS)
		problem(problems, "audit", "audit-partition",
			watch->audit_until_ms < now_ms ? CRITICAL : WARNING);
	put_number(&database, "connections", (int64_t)watch->store_wanted);
	put_number(&database, "up", (int64_t)watch->store_up);
	put_number(&database, "clockSkewMs", watch->skew_ms);
	json_put(&database, "auditUntil", json_time(watch->audit_until_ms));
	return database;
}

static json_t *status_module(
	const struct core_watch *watch, enum sam_role role, int64_t now_ms, json_t **problems)
{
	static const char *const names[SAM_ROLES] = {"activate", "sign", "issue"};
	const struct hsm_load *load = &watch->sams[role];
	int64_t restart_ms = metric_value(METRIC_LAST_RESTART, role, 0, 0);
	json_t *module = json_object();

	if (load->ready == 0)
		problem(problems, names[role], "module-missing", CRITICAL);
	else if (load->ready < load->seen)
		problem(problems, names[role], "module-partly", WARNING);
	if (restart_ms != 0 && now_ms - restart_ms < RESTART_RECENT_MS)
		problem(problems, names[role], "module-restarts", WARNING);
	json_put(&module, "role", json_string(names[role]));
	put_number(&module, "processes", (int64_t)load->seen);
	put_number(&module, "ready", (int64_t)load->ready);
	put_number(&module, "waiting", (int64_t)load->waiting);
	put_number(&module, "inFlight", (int64_t)load->in_flight);
	put_number(&module, "died", metric_value(METRIC_RESTARTS, role, CAUSE_DIED, 0));
	put_number(&module, "recycled", metric_value(METRIC_RESTARTS, role, CAUSE_RECYCLED, 0));
	json_put(&module, "lastRestart", json_time(restart_ms));
	return module;
}

static json_t *status_modules(const struct core_watch *watch, int64_t now_ms, json_t **problems)
{
	json_t *modules = json_array();

	for (int role = 0; role < SAM_ROLES; role++)
		json_add(&modules, status_module(watch, (enum sam_role)role, now_ms, problems));
	return modules;
}

/* Whole days, rounded down: -1 from the end on. */
static int64_t days_until(int64_t end_ms, int64_t now_ms)
{
	int64_t left_ms = end_ms - now_ms;

	return left_ms >= 0 ? left_ms / DAY_MS : (left_ms + 1) / DAY_MS - 1;
}

static json_t *status_certificates(int64_t now_ms, json_t **problems)
{
	static const struct {
		const char *part, *code;
		int64_t soon_ms;
	} kinds[] = {
		[CERTIFICATE_SERVER] = {"server", "server-certificate", SERVER_SOON_MS},
		[CERTIFICATE_CA] = {"ca", "ca-certificate", CERTIFICATE_SOON_MS},
		[CERTIFICATE_OPERATOR] = {"operator", "operator-certificate", CERTIFICATE_SOON_MS},
	};
	json_t *certificates = json_array();

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		int64_t end_ms = metric_value(METRIC_CERTIFICATE_EXPIRES, i, 0, 0);
		json_t *one = json_object();
		if (end_ms - now_ms < kinds[i].soon_ms)
			problem(problems, kinds[i].part, kinds[i].code,
				end_ms - now_ms < CERTIFICATE_URGENT_MS ? CRITICAL : WARNING);
		json_put(&one, "name", json_string(kinds[i].part));
		json_put(&one, "validTo", json_time(end_ms));
		put_number(&one, "daysLeft", days_until(end_ms, now_ms));
		json_add(&certificates, one);
	}
	if (metric_value(METRIC_TLS_CURRENT, 0, 0, 0) == 0)
		problem(problems, "server", "reload-failed", CRITICAL);
	return certificates;
}

static json_t *status_crl(const struct core_watch *watch, int64_t now_ms, json_t **problems)
{
	json_t *crl = json_object();

	if (watch->crl_ends_ms == 0)
		problem(problems, "revocation-list", "crl-missing", CRITICAL);
	else if (watch->crl_ends_ms - now_ms < CRL_SOON_MS)
		problem(problems, "revocation-list", "crl-old",
			watch->crl_ends_ms < now_ms ? CRITICAL : WARNING);
	json_put(&crl, "thisUpdate", json_time(watch->crl_made_ms));
	json_put(&crl, "nextUpdate", json_time(watch->crl_ends_ms));
	return crl;
}

static json_t *status_requests(void)
{
	json_t *requests = json_object();

	put_number(&requests, "inFlight", metric_value(METRIC_IN_FLIGHT, 0, 0, 0));
	put_number(&requests, "connections", metric_value(METRIC_CONNECTIONS, 0, 0, 0));
	put_number(&requests, "refusedForLoad",
		metric_value(METRIC_OVERLOAD, LIMIT_REQUESTS, 0, 0) +
			metric_value(METRIC_OVERLOAD, LIMIT_STORE, 0, 0));
	put_number(&requests, "handshakesFailed",
		metric_value(METRIC_HANDSHAKES, OUTCOME_FAILED, 0, 0));
	return requests;
}

static const char *word(const json_t *problems)
{
	for (size_t i = 0; i < json_array_size(problems); i++) {
		const json_t *severity = json_object_get(json_array_get(problems, i), "severity");
		if (json_string_length(severity) == sizeof("critical") - 1)
			return "critical";
	}
	return json_array_size(problems) == 0 ? "ok" : "warning";
}

static json_t *status_body(const struct request *request, bool writes)
{
	int64_t now_ms = clock_wall_ms();
	struct core_watch watch = {0};
	json_t *body = json_object(), *problems = json_array();

	metrics_collect(request->core);
	core_watch(request->core, &watch);
	json_put(&body, "service", status_service(request, now_ms));
	json_put(&body, "database", status_database(&watch, writes, now_ms, &problems));
	json_put(&body, "modules", status_modules(&watch, now_ms, &problems));
	json_put(&body, "certificates", status_certificates(now_ms, &problems));
	json_put(&body, "revocationList", status_crl(&watch, now_ms, &problems));
	json_put(&body, "requests", status_requests());
	json_put(&body, "status", json_string(word(problems)));
	json_put(&body, "problems", problems);
	return body;
}

static void status_on_audited(void *arg, const struct fault *fault)
{
	struct request *request = arg;
	json_t *body = status_body(request, fault->rc == RC_OK);

	if (fault->rc == RC_OK) {
		request_reply(request, body);
		return;
	}
	/* not tried again: of a database that hangs that would take as long once more */
	request->call.audited = true;
	json_put(&body, "error", json_string(rc_error(RC_STORE_DOWN)));
	json_put(&body, "error_description", json_string(rc_text(RC_STORE_DOWN, RC_CSC_V1)));
	request_reply_unavailable(request, body);
}

/* 503 without the database, as every answer that needs its row of the audit; but the body of that
 * refusal is the status all the same, which says why. The row comes first, so that the body tells
 * what became of it. */
void operator_status(struct request *request)
{
	struct audit_row row = {0};

	audit_row_from_call(&row, &request->call, request->route->event, RC_OK);
	core_audit_write(request->core, &request->call, &row, status_on_audited, request);
}
