#include "api/metrics.h"

#include "base/metrics.h"

#include <string.h>

/* Not known yet: the series is left out rather than said to be 1970. */
static void set_instant(enum metric metric, size_t label, int64_t wall_ms)
{
	if (wall_ms != 0)
		metric_set(metric, label, 0, wall_ms);
}

void metrics_collect(const struct core *core)
{
	struct core_watch watch = {0};

	core_watch(core, &watch);
	for (size_t role = 0; role < SAM_ROLES; role++) {
		metric_set(METRIC_SAM_WAITING, role, 0, (int64_t)watch.sams[role].waiting);
		metric_set(METRIC_SAM_IN_FLIGHT, role, 0, (int64_t)watch.sams[role].in_flight);
		metric_set(METRIC_SAM_READY, role, 0, (int64_t)watch.sams[role].ready);
	}
	metric_set(METRIC_STORE_UP, 0, 0, (int64_t)watch.store_up);
	metric_set(METRIC_STORE_WANTED, 0, 0, (int64_t)watch.store_wanted);
	metric_set(METRIC_STORE_SKEW, 0, 0, watch.skew_ms);
	metric_set(METRIC_REVOCATIONS_KNOWN, 0, 0, watch.revocations_known);
	set_instant(METRIC_CERTIFICATE_EXPIRES, CERTIFICATE_CA, watch.ca_ends_ms);
	set_instant(METRIC_CERTIFICATE_EXPIRES, CERTIFICATE_OPERATOR, watch.operators_end_ms);
	set_instant(METRIC_CRL_THIS_UPDATE, 0, watch.crl_made_ms);
	set_instant(METRIC_CRL_NEXT_UPDATE, 0, watch.crl_ends_ms);
	set_instant(METRIC_AUDIT_PARTITIONS, 0, watch.audit_until_ms);
	metrics_read_process();
}

static void metrics_answer(
	const struct core *core, const struct http_message *message, struct http_answer *answer)
{
	bool reads = strcmp(message->method, "GET") == 0 || strcmp(message->method, "HEAD") == 0;

	http_answer_field(answer, "X-Content-Type-Options", "nosniff");
	answer->status = 404;
	if (strcmp(message->path, "/metrics") != 0)
		return;
	if (!reads) {
		answer->status = 405;
		http_answer_field(answer, "Allow", "GET, HEAD");
		return;
	}
	metrics_collect(core);
	if (metrics_write(&answer->body) != RC_OK) {
		buf_clear(&answer->body);
		answer->status = 503;
		return;
	}
	answer->status = 200;
	http_answer_field(answer, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
	http_answer_field(answer, "Cache-Control", "no-store");
}

void metrics_handle(
	void *arg, const struct http_message *message, http_answer_fn done, void *done_arg)
{
	struct http_answer answer = {0};

	metrics_answer(arg, message, &answer);
	done(done_arg, &answer);
	http_answer_free(&answer);
}
