/* link: base
 * The registry of metrics: what it counts, and the text that it writes. tests/func/test_metrics.py
 * reads the text of a running service with a strict parser. */
#include "base/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static const char *const paths[] = {"/a", "/b\"\\\n"};

static int opened(void **state)
{
	(void)state;
	return metrics_open(paths, 2) == RC_OK ? 0 : -1;
}

static int closed(void **state)
{
	(void)state;
	metrics_close();
	return 0;
}

static struct buf text_now(void)
{
	struct buf out = BUF_INIT;
	const char *text = NULL;

	assert_int_equal(metrics_write(&out), RC_OK);
	assert_int_equal(buf_string(&out, &text), RC_OK);
	return out;
}

static void assert_has(const char *line)
{
	struct buf out = text_now();

	if (strstr((const char *)out.data, line) == NULL)
		fail_msg("not there: %s", line);
	buf_free(&out);
}

static void assert_has_not(const char *part)
{
	struct buf out = text_now();

	assert_null(strstr((const char *)out.data, part));
	buf_free(&out);
}

static void nothing_is_counted_before_it_is_opened(void **state)
{
	struct buf out = BUF_INIT;

	(void)state;
	metrics_close();
	metric_add(METRIC_REQUESTS, 0, METHOD_GET, 0);
	metric_set(METRIC_IN_FLIGHT, 0, 0, 7);
	metric_observe(METRIC_JOB_SECONDS, 0, 0, 7);
	assert_int_equal(metric_value(METRIC_IN_FLIGHT, 0, 0, 0), 0);
	assert_int_equal(metrics_write(&out), RC_UNAVAILABLE);
	buf_free(&out);
}

static void a_counter_counts_each_series_apart(void **state)
{
	(void)state;
	metric_add(METRIC_REQUESTS, 0, METHOD_GET, metric_status(200));
	metric_add(METRIC_REQUESTS, 0, METHOD_GET, metric_status(200));
	metric_add(METRIC_REQUESTS, 0, METHOD_POST, metric_status(200));
	metric_add(METRIC_REQUESTS, 0, METHOD_GET, metric_status(418));
	assert_has("\nrsspd_http_requests_total{route=\"/a\",method=\"GET\",status=\"200\"} 2\n");
	assert_has("\nrsspd_http_requests_total{route=\"/a\",method=\"POST\",status=\"200\"} 1\n");
	assert_has("\nrsspd_http_requests_total{route=\"/a\",method=\"GET\",status=\"other\"} 1\n");
}

static void a_status_counts_under_its_own_name(void **state)
{
	static const int numbers[] = {200, 400, 401, 404, 405, 409, 413, 415, 429, 500, 501, 503};
	char line[96];

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		metric_add(METRIC_REQUESTS, 0, METHOD_GET, metric_status(numbers[i]));
		snprintf(line, sizeof(line), "{route=\"/a\",method=\"GET\",status=\"%d\"} 1\n",
			numbers[i]);
		assert_has(line);
	}
}

static void a_route_that_is_none_is_unknown(void **state)
{
	(void)state;
	metric_add(METRIC_REQUESTS, 2, METHOD_GET, metric_status(404));
	metric_add(METRIC_REQUESTS, SIZE_MAX, METHOD_GET, metric_status(404));
	assert_has("{route=\"unknown\",method=\"GET\",status=\"404\"} 2\n");
}

static void a_label_that_does_not_exist_counts_nothing(void **state)
{
	struct buf before = text_now(), after;

	(void)state;
	metric_add(METRIC_OVERLOAD, 99, 0, 0);
	metric_add(METRIC_BUILD, 0, 1, 0);
	metric_set(METRIC_SAM_READY, 3, 0, 1);
	metric_observe(METRIC_JOB_SECONDS, 3, 0, 1);
	after = text_now();
	assert_true(span_equal(buf_span(&before), buf_span(&after)));
	buf_free(&before);
	buf_free(&after);
}

static void label_values_are_escaped(void **state)
{
	(void)state;
	metric_add(METRIC_REQUESTS, 1, METHOD_GET, 0);
	assert_has("{route=\"/b\\\"\\\\\\n\",method=\"GET\",status=\"200\"} 1\n");
}

static void buckets_hold_what_is_at_most_their_bound(void **state)
{
	static const int64_t values[] = {0, 500, 501, 10000000, 10000001};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		metric_observe(METRIC_JOB_SECONDS, 1, 0, values[i]);
	assert_has("rsspd_sam_job_duration_seconds_bucket{role=\"sign\",le=\"0.0005\"} 2\n");
	assert_has("rsspd_sam_job_duration_seconds_bucket{role=\"sign\",le=\"0.001\"} 3\n");
	assert_has("rsspd_sam_job_duration_seconds_bucket{role=\"sign\",le=\"5\"} 3\n");
	assert_has("rsspd_sam_job_duration_seconds_bucket{role=\"sign\",le=\"10\"} 4\n");
	assert_has("rsspd_sam_job_duration_seconds_bucket{role=\"sign\",le=\"+Inf\"} 5\n");
	assert_has("rsspd_sam_job_duration_seconds_sum{role=\"sign\"} 20.001002\n");
	assert_has("rsspd_sam_job_duration_seconds_count{role=\"sign\"} 5\n");
	assert_has("rsspd_sam_job_duration_seconds_count{role=\"issue\"} 0\n");
}

static void sizes_are_whole_numbers(void **state)
{
	(void)state;
	metric_observe(METRIC_GROUP_SIZE, 0, 0, 3);
	metric_observe(METRIC_GROUP_SIZE, 0, 0, 128);
	assert_has("rsspd_store_group_size_bucket{le=\"2\"} 0\n");
	assert_has("rsspd_store_group_size_bucket{le=\"4\"} 1\n");
	assert_has("rsspd_store_group_size_bucket{le=\"128\"} 2\n");
	assert_has("rsspd_store_group_size_sum 131\n");
}

static void a_gauge_is_written_once_it_is_set(void **state)
{
	(void)state;
	assert_has_not("\nrsspd_crl_next_update_seconds ");
	metric_set(METRIC_CRL_NEXT_UPDATE, 0, 0, 1234567890500);
	assert_has("\nrsspd_crl_next_update_seconds 1234567890.5\n");
	metric_set(METRIC_STORE_SKEW, 0, 0, -1001);
	assert_has("\nrsspd_store_clock_skew_seconds -1.001\n");
	metric_set(METRIC_STORE_SKEW, 0, 0, -1);
	assert_has("\nrsspd_store_clock_skew_seconds -0.001\n");
	metric_set(METRIC_STORE_SKEW, 0, 0, 0);
	assert_has("\nrsspd_store_clock_skew_seconds 0\n");
}

static void what_the_supervisor_counts_is_set(void **state)
{
	(void)state;
	assert_has("{process=\"sam-sign\",cause=\"died\"} 0\n");
	metric_set(METRIC_RESTARTS, PROCESS_API, CAUSE_DIED, 3);
	assert_has("{process=\"api\",cause=\"died\"} 3\n");
	assert_int_equal(metric_value(METRIC_RESTARTS, PROCESS_API, CAUSE_DIED, 0), 3);
}

static void every_result_has_a_series_under_its_name(void **state)
{
	char line[96];

	(void)state;
	for (int rc = 0; rc < RC_COUNT; rc++)
		metric_add(METRIC_RESULTS, (size_t)rc, 0, 0);
	for (int rc = 0; rc < RC_COUNT; rc++) {
		snprintf(line, sizeof(line), "\nrsspd_results_total{result=\"%s\"} 1\n",
			rc_name((rc_t)rc));
		assert_has(line);
	}
}

static void every_family_says_what_it_is_before_its_samples(void **state)
{
	struct buf out = text_now();
	char *text = (char *)out.data, *line, *rest = NULL;
	size_t helps = 0, types = 0;

	(void)state;
	for (line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
		helps += strncmp(line, "# HELP ", 7) == 0;
		types += strncmp(line, "# TYPE ", 7) == 0;
		assert_true(helps == types || helps == types + 1);
		assert_true(helps > 0);
	}
	assert_int_equal(helps, METRIC_COUNT);
	assert_int_equal(types, METRIC_COUNT);
	buf_free(&out);
}

static void the_process_is_read(void **state)
{
	(void)state;
	metrics_read_process();
	assert_true(metric_value(METRIC_PROCESS_MEMORY, 0, 0, 0) > 100000);
	assert_in_range(metric_value(METRIC_PROCESS_FDS, 0, 0, 0), 3, 200);
	assert_true(metric_value(METRIC_PROCESS_FDS_MAX, 0, 0, 0) > 3);
}

static void opening_anew_begins_at_zero(void **state)
{
	(void)state;
	metric_add(METRIC_OVERLOAD, LIMIT_STORE, 0, 0);
	assert_int_equal(metrics_open(paths, 1), RC_OK);
	assert_int_equal(metric_value(METRIC_OVERLOAD, LIMIT_STORE, 0, 0), 0);
	assert_int_equal(metric_value(METRIC_BUILD, 0, 0, 0), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, opened, closed)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_counted_before_it_is_opened),
		TEST(a_counter_counts_each_series_apart),
		TEST(a_status_counts_under_its_own_name),
		TEST(a_route_that_is_none_is_unknown),
		TEST(a_label_that_does_not_exist_counts_nothing),
		TEST(label_values_are_escaped),
		TEST(buckets_hold_what_is_at_most_their_bound),
		TEST(sizes_are_whole_numbers),
		TEST(a_gauge_is_written_once_it_is_set),
		TEST(what_the_supervisor_counts_is_set),
		TEST(every_result_has_a_series_under_its_name),
		TEST(every_family_says_what_it_is_before_its_samples),
		TEST(the_process_is_read),
		TEST(opening_anew_begins_at_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
