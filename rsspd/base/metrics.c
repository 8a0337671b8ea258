#include "base/metrics.h"

#include "base/clock.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define LABELS_MAX 3
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- labels ---- */

struct metric_label {
	const char *name;
	size_t count; /* 0: the routes, whose number metrics_open() is told */
	const char *const *values;
	const char *(*value)(size_t index); /* where there is no list */
};

static const char *rc_value(size_t index)
{
	return rc_name((rc_t)index);
}

static const char *route_value(size_t index);

static const char *const methods[] = {"GET", "POST", "other"};
static const char *const statuses[] = {"200", "400", "401", "404", "405", "409", "413", "415",
	"429", "500", "501", "503", "other"};
static const char *const limits[] = {"requests", "store"};
static const char *const outcomes[] = {"ok", "failed"};
static const char *const roles[] = {"activate", "sign", "issue"};
static const char *const processes[] = {"sam-activate", "sam-sign", "sam-issue", "api"};
static const char *const causes[] = {"died", "recycled", "ended"};
static const char *const commits[] = {"committed", "rolled_back", "unknown"};
static const char *const certificates[] = {"server", "ca", "operator"};
static const char *const versions[] = {RSSPD_VERSION};

#define LABEL(name, list)                     \
	{                                     \
		name, COUNT(list), list, NULL \
	}

static const struct metric_label label_route = {"route", 0, NULL, route_value};
static const struct metric_label label_method = LABEL("method", methods);
static const struct metric_label label_status = LABEL("status", statuses);
static const struct metric_label label_rc = {"result", RC_COUNT, NULL, rc_value};
static const struct metric_label label_error = {"error", RC_COUNT, NULL, rc_value};
static const struct metric_label label_limit = LABEL("limit", limits);
static const struct metric_label label_outcome = LABEL("result", outcomes);
static const struct metric_label label_role = LABEL("role", roles);
static const struct metric_label label_process = LABEL("process", processes);
static const struct metric_label label_cause = LABEL("cause", causes);
static const struct metric_label label_commit = LABEL("result", commits);
static const struct metric_label label_certificate = LABEL("certificate", certificates);
static const struct metric_label label_version = LABEL("version", versions);

/* ---- families ---- */

enum metric_type { TYPE_COUNTER, TYPE_GAUGE, TYPE_HISTOGRAM };

static const char *const type_names[] = {"counter", "gauge", "histogram"};

struct metric_buckets {
	size_t count;
	const int64_t *bounds; /* upper, in the unit that is observed */
};

static const int64_t duration_bounds[] = {500, 1000, 2500, 5000, 10000, 25000, 50000, 100000,
	250000, 500000, 1000000, 2500000, 5000000, 10000000};
static const int64_t size_bounds[] = {1, 2, 4, 8, 16, 32, 64, 128};
static const struct metric_buckets durations = {COUNT(duration_bounds), duration_bounds};
static const struct metric_buckets sizes = {COUNT(size_bounds), size_bounds};

#define IN_US 1000000
#define IN_MS 1000

static const struct metric_family {
	const char *name;
	enum metric_type type;
	int64_t unit; /* what is kept, divided by this, is what is written */
	bool always;  /* a counter of 0 is written too: else only what has happened */
	const struct metric_label *labels[LABELS_MAX];
	const struct metric_buckets *buckets;
	const char *help;
} families[METRIC_COUNT] = {
	[METRIC_BUILD] = {"rsspd_build_info", TYPE_GAUGE, 1, true, {&label_version}, NULL,
		"1, with the version of the program."},
	[METRIC_START] = {"process_start_time_seconds", TYPE_GAUGE, IN_MS, true, {NULL}, NULL,
		"When the api process started, seconds since 1970."},
	[METRIC_REQUESTS] = {"rsspd_http_requests_total", TYPE_COUNTER, 1, false,
		{&label_route, &label_method, &label_status}, NULL,
		"Answered requests by route and HTTP status."},
	[METRIC_REQUEST_SECONDS] = {"rsspd_http_request_duration_seconds", TYPE_HISTOGRAM, IN_US,
		false, {&label_route, &label_method}, &durations,
		"From a whole request to its answer, the durable audit row included."},
	[METRIC_RESULTS] = {"rsspd_results_total", TYPE_COUNTER, 1, false, {&label_rc}, NULL,
		"Answered requests by result, as it stands in the audit's column code."},
	[METRIC_IN_FLIGHT] = {"rsspd_http_requests_in_flight", TYPE_GAUGE, 1, true, {NULL}, NULL,
		"Requests that are not answered yet."},
	[METRIC_CONNECTIONS] = {"rsspd_http_connections", TYPE_GAUGE, 1, true, {NULL}, NULL,
		"Open TLS connections."},
	[METRIC_OVERLOAD] = {"rsspd_overload_refusals_total", TYPE_COUNTER, 1, true, {&label_limit},
		NULL, "What was refused because too much was waiting already."},
	[METRIC_HANDSHAKES] = {"rsspd_tls_handshakes_total", TYPE_COUNTER, 1, true,
		{&label_outcome}, NULL,
		"TLS handshakes of clients; failed: ended before it was done."},
	[METRIC_TLS_RELOADS] = {"rsspd_tls_reloads_total", TYPE_COUNTER, 1, true, {&label_outcome},
		NULL, "Reloads of certificate and key; failed: the old ones stayed."},
	[METRIC_TLS_CURRENT] = {"rsspd_tls_reload_ok", TYPE_GAUGE, 1, true, {NULL}, NULL,
		"1 when the certificate that is served is the one that was read last."},
	[METRIC_JOBS] = {"rsspd_sam_jobs_total", TYPE_COUNTER, 1, false, {&label_role, &label_rc},
		NULL, "Jobs of the signature activation modules by result."},
	[METRIC_JOB_SECONDS] = {"rsspd_sam_job_duration_seconds", TYPE_HISTOGRAM, IN_US, true,
		{&label_role}, &durations, "Their time, waiting in the queue included."},
	[METRIC_HSM_ERRORS] = {"rsspd_hsm_errors_total", TYPE_COUNTER, 1, false, {&label_error},
		NULL, "Jobs that a module, its token or what is stored made fail, not the signer."},
	[METRIC_SAM_WAITING] = {"rsspd_sam_queue", TYPE_GAUGE, 1, true, {&label_role}, NULL,
		"Jobs that wait for a module."},
	[METRIC_SAM_IN_FLIGHT] = {"rsspd_sam_jobs_in_flight", TYPE_GAUGE, 1, true, {&label_role},
		NULL, "Jobs that a module has."},
	[METRIC_SAM_READY] = {"rsspd_sams_ready", TYPE_GAUGE, 1, true, {&label_role}, NULL,
		"Modules that have proved their keys and take jobs."},
	[METRIC_RESTARTS] = {"rsspd_process_restarts_total", TYPE_COUNTER, 1, true,
		{&label_process, &label_cause}, NULL,
		"Processes that are started again, since the supervisor started; recycled: as "
		"planned, ended: by themselves, in order."},
	[METRIC_LAST_RESTART] = {"rsspd_process_last_restart_seconds", TYPE_GAUGE, IN_MS, true,
		{&label_process}, NULL,
		"When a process was last started again because it had died."},
	[METRIC_COMMITS] = {"rsspd_store_commits_total", TYPE_COUNTER, 1, true, {&label_commit},
		NULL, "Transactions; unknown: the connection was lost with the commit under way."},
	[METRIC_GROUP_SIZE] = {"rsspd_store_group_size", TYPE_HISTOGRAM, 1, true, {NULL}, &sizes,
		"Units of work that were sent together."},
	[METRIC_STORE_UP] = {"rsspd_store_connections_up", TYPE_GAUGE, 1, true, {NULL}, NULL,
		"Connections to PostgreSQL that work."},
	[METRIC_STORE_WANTED] = {"rsspd_store_connections_wanted", TYPE_GAUGE, 1, true, {NULL},
		NULL, "Connections to PostgreSQL by the configuration."},
	[METRIC_STORE_SKEW] = {"rsspd_store_clock_skew_seconds", TYPE_GAUGE, IN_MS, true, {NULL},
		NULL, "The database's clock minus ours; beyond 2 s nothing is signed."},
	[METRIC_AUDIT_PARTITIONS] = {"rsspd_audit_partitions_until_seconds", TYPE_GAUGE, IN_MS,
		true, {NULL}, NULL, "The end of the last partition of the audit that is made."},
	[METRIC_REVOCATIONS_KNOWN] = {"rsspd_token_revocations_known", TYPE_GAUGE, 1, true, {NULL},
		NULL,
		"1 while revoked tokens are heard of; 0: each token is asked for in the database."},
	[METRIC_CERTIFICATE_EXPIRES] = {"rsspd_certificate_not_after_seconds", TYPE_GAUGE, IN_MS,
		true, {&label_certificate}, NULL,
		"When a certificate ends; of the operators' the one that ends first."},
	[METRIC_CRL_THIS_UPDATE] = {"rsspd_crl_this_update_seconds", TYPE_GAUGE, IN_MS, true,
		{NULL}, NULL, "When the revocation list that is served was made."},
	[METRIC_CRL_NEXT_UPDATE] = {"rsspd_crl_next_update_seconds", TYPE_GAUGE, IN_MS, true,
		{NULL}, NULL, "Until when verifiers take it."},
	[METRIC_PROCESS_CPU] = {"process_cpu_seconds_total", TYPE_COUNTER, IN_US, true, {NULL},
		NULL, "Processor time of the api process."},
	[METRIC_PROCESS_MEMORY] = {"process_resident_memory_bytes", TYPE_GAUGE, 1, true, {NULL},
		NULL, "Memory of the api process."},
	[METRIC_PROCESS_FDS] = {"process_open_fds", TYPE_GAUGE, 1, true, {NULL}, NULL,
		"Open descriptors of the api process."},
	[METRIC_PROCESS_FDS_MAX] = {"process_max_fds", TYPE_GAUGE, 1, true, {NULL}, NULL,
		"How many it may open."},
};

/* ---- cells ---- */

#define UNSET INT64_MIN

/* The second exception to "no globals": see the header. */
static struct {
	int64_t *cells; /* NULL: nothing is counted */
	size_t at[METRIC_COUNT];
	const char **routes;
	size_t route_count; /* the unknown one included */
} registry;

static const char *route_value(size_t index)
{
	return registry.routes[index];
}

static size_t label_count(const struct metric_label *label)
{
	if (label == NULL)
		return 1;
	return label->count > 0 ? label->count : registry.route_count;
}

/* A histogram's cells: one a bucket, one for what is above all of them, the sum. */
static size_t family_width(const struct metric_family *family)
{
	return family->buckets == NULL ? 1 : family->buckets->count + 2;
}

static size_t family_series(const struct metric_family *family)
{
	return label_count(family->labels[0]) * label_count(family->labels[1]) *
	       label_count(family->labels[2]);
}

rc_t metrics_open(const char *const *paths, size_t count)
{
	size_t total = 0;

	metrics_close();
	registry.routes = calloc(count + 1, sizeof(*registry.routes));
	if (registry.routes == NULL)
		return RC_NO_MEMORY;
	for (size_t i = 0; i < count; i++)
		registry.routes[i] = paths[i];
	registry.routes[count] = "unknown";
	registry.route_count = count + 1;
	for (size_t i = 0; i < METRIC_COUNT; i++) {
		registry.at[i] = total;
		total += family_series(&families[i]) * family_width(&families[i]);
	}
	registry.cells = calloc(total, sizeof(*registry.cells));
	if (registry.cells == NULL) {
		metrics_close();
		return RC_NO_MEMORY;
	}
	for (size_t i = 0; i < METRIC_COUNT; i++) {
		for (size_t k = 0;
			families[i].type == TYPE_GAUGE && k < family_series(&families[i]); k++)
			registry.cells[registry.at[i] + k] = UNSET;
	}
	metric_set(METRIC_BUILD, 0, 0, 1);
	metric_set(METRIC_START, 0, 0, clock_wall_ms());
	return RC_OK;
}

void metrics_close(void)
{
	free(registry.routes);
	free(registry.cells);
	registry.routes = NULL;
	registry.cells = NULL;
	registry.route_count = 0;
}

/* NULL: nothing is counted, or there is no such series. */
static int64_t *cell_at(enum metric metric, size_t first, size_t second, size_t third)
{
	const struct metric_family *family = &families[metric];
	const size_t index[LABELS_MAX] = {first, second, third};
	size_t at = 0;

	if (registry.cells == NULL)
		return NULL;
	for (size_t i = 0; i < LABELS_MAX; i++) {
		size_t count = label_count(family->labels[i]);
		size_t own = index[i];
		if (own >= count && family->labels[i] == &label_route)
			own = count - 1;
		if (own >= count)
			return NULL;
		at = at * count + own;
	}
	return &registry.cells[registry.at[metric] + at * family_width(family)];
}

void metric_add(enum metric metric, size_t first, size_t second, size_t third)
{
	int64_t *cell = cell_at(metric, first, second, third);

	if (cell != NULL)
		(*cell)++;
}

void metric_set(enum metric metric, size_t first, size_t second, int64_t value)
{
	int64_t *cell = cell_at(metric, first, second, 0);

	if (cell != NULL)
		*cell = value;
}

void metric_observe(enum metric metric, size_t first, size_t second, int64_t value)
{
	const struct metric_buckets *buckets = families[metric].buckets;
	int64_t *cell = cell_at(metric, first, second, 0);
	size_t at = 0;

	if (cell == NULL || buckets == NULL)
		return;
	while (at < buckets->count && value > buckets->bounds[at])
		at++;
	cell[at]++;
	cell[buckets->count + 1] += value;
}

int64_t metric_value(enum metric metric, size_t first, size_t second, size_t third)
{
	const int64_t *cell = cell_at(metric, first, second, third);

	return cell == NULL || *cell == UNSET ? 0 : *cell;
}

size_t metric_status(int status)
{
	/* in the order of statuses[], whose last one is the rest */
	static const int numbers[] = {200, 400, 401, 404, 405, 409, 413, 415, 429, 500, 501, 503};
	size_t at = 0;

	_Static_assert(COUNT(numbers) + 1 == COUNT(statuses), "one number for each name");
	while (at < COUNT(numbers) && numbers[at] != status)
		at++;
	return at;
}

/* ---- this process ---- */

static int64_t resident_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	long long pages = 0;

	if (file == NULL)
		return 0;
	if (fscanf(file, "%*s %lld", &pages) != 1)
		pages = 0;
	fclose(file);
	return (int64_t)pages * sysconf(_SC_PAGESIZE);
}

static int64_t open_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int64_t count = 0;

	if (folder == NULL)
		return 0;
	for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder))
		count += entry->d_name[0] != '.';
	closedir(folder);
	return count - 1; /* the folder's own */
}

static int64_t time_us(struct timeval time)
{
	return (int64_t)time.tv_sec * 1000000 + time.tv_usec;
}

void metrics_read_process(void)
{
	struct rusage used;
	struct rlimit most;

	if (getrusage(RUSAGE_SELF, &used) == 0)
		metric_set(
			METRIC_PROCESS_CPU, 0, 0, time_us(used.ru_utime) + time_us(used.ru_stime));
	if (getrlimit(RLIMIT_NOFILE, &most) == 0)
		metric_set(METRIC_PROCESS_FDS_MAX, 0, 0, (int64_t)most.rlim_cur);
	metric_set(METRIC_PROCESS_MEMORY, 0, 0, resident_bytes());
	metric_set(METRIC_PROCESS_FDS, 0, 0, open_descriptors());
}

/* ---- the text ---- */

static rc_t write_escaped(struct buf *out, const char *text)
{
	rc_t rc = RC_OK;

	for (; rc == RC_OK && *text != 0; text++) {
		if (*text == '\n')
			rc = buf_append_string(out, "\\n");
		else if (*text == '\\' || *text == '"')
			rc = buf_printf(out, "\\%c", *text);
		else
			rc = buf_append(out, text, 1);
	}
	return rc;
}

/* Without trailing zeros: 0.0005, 1.5, 10. */
static rc_t write_number(struct buf *out, int64_t value, int64_t unit)
{
	char text[48], *end = text;
	uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	int digits = unit == IN_US ? 6 : 3;

	int used = snprintf(
		text, sizeof(text), "%s%" PRIu64, value < 0 ? "-" : "", size / (uint64_t)unit);
	end += used;
	if (size % (uint64_t)unit != 0) {
		used = snprintf(end, sizeof(text) - (size_t)used, ".%0*" PRIu64, digits,
			size % (uint64_t)unit);
		for (end += used; end[-1] == '0'; end--)
			end[-1] = 0;
	}
	return buf_append_string(out, text);
}

/* A series to be written: its family and the index of each label. */
struct series {
	const struct metric_family *family;
	size_t index[LABELS_MAX];
};

static const char *series_value(const struct series *series, size_t label)
{
	const struct metric_label *own = series->family->labels[label];

	return own->values != NULL ? own->values[series->index[label]]
				   : own->value(series->index[label]);
}

/* `{a="x",le="0.5"}`; bound NULL: no le. Nothing where there is no label. */
static rc_t write_labels(
	struct buf *out, const struct series *series, const char *bound, int64_t at)
{
	const char *before = "{";
	rc_t rc = RC_OK;

	for (size_t i = 0; i < LABELS_MAX && rc == RC_OK; i++) {
		if (series->family->labels[i] == NULL)
			continue;
		rc = buf_printf(out, "%s%s=\"", before, series->family->labels[i]->name);
		if (rc == RC_OK)
			rc = write_escaped(out, series_value(series, i));
		if (rc == RC_OK)
			rc = buf_append_string(out, "\"");
		before = ",";
	}
	if (rc == RC_OK && bound != NULL) {
		rc = buf_printf(out, "%sle=\"%s", before, bound);
		if (rc == RC_OK && bound[0] == 0)
			rc = write_number(out, at, series->family->unit);
		if (rc == RC_OK)
			rc = buf_append_string(out, "\"");
		before = ",";
	}
	return rc == RC_OK && before[0] == ',' ? buf_append_string(out, "}") : rc;
}

static rc_t write_line(struct buf *out, const struct series *series, const char *suffix,
	const char *bound, int64_t at, int64_t value, int64_t unit)
{
	rc_t rc = buf_printf(out, "%s%s", series->family->name, suffix);

	if (rc == RC_OK)
		rc = write_labels(out, series, bound, at);
	if (rc == RC_OK)
		rc = buf_append_string(out, " ");
	if (rc == RC_OK)
		rc = write_number(out, value, unit);
	return rc == RC_OK ? buf_append_string(out, "\n") : rc;
}

static rc_t write_histogram(struct buf *out, const struct series *series, const int64_t *cells)
{
	const struct metric_buckets *buckets = series->family->buckets;
	int64_t below = 0;
	rc_t rc = RC_OK;

	for (size_t i = 0; i < buckets->count && rc == RC_OK; i++) {
		below += cells[i];
		rc = write_line(out, series, "_bucket", "", buckets->bounds[i], below, 1);
	}
	below += cells[buckets->count];
	if (rc == RC_OK)
		rc = write_line(out, series, "_bucket", "+Inf", 0, below, 1);
	if (rc == RC_OK)
		rc = write_line(out, series, "_sum", NULL, 0, cells[buckets->count + 1],
			series->family->unit);
	return rc == RC_OK ? write_line(out, series, "_count", NULL, 0, below, 1) : rc;
}

static bool series_has_happened(const struct metric_family *family, const int64_t *cells)
{
	if (family->type == TYPE_GAUGE)
		return cells[0] != UNSET;
	for (size_t i = 0; i < family_width(family); i++) {
		if (cells[i] != 0)
			return true;
	}
	return family->always;
}

static rc_t write_family(struct buf *out, enum metric metric)
{
	const struct metric_family *family = &families[metric];
	size_t second = label_count(family->labels[1]), third = label_count(family->labels[2]);
	rc_t rc = buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", family->name, family->help,
		family->name, type_names[family->type]);

	for (size_t i = 0; i < family_series(family) && rc == RC_OK; i++) {
		const int64_t *cells =
			&registry.cells[registry.at[metric] + i * family_width(family)];
		struct series series = {
			family, {i / third / second, i / third % second, i % third}};
		if (!series_has_happened(family, cells))
			continue;
		rc = family->buckets != NULL
			     ? write_histogram(out, &series, cells)
			     : write_line(out, &series, "", NULL, 0, cells[0], family->unit);
	}
	return rc;
}

rc_t metrics_write(struct buf *out)
{
	rc_t rc = registry.cells == NULL ? RC_UNAVAILABLE : RC_OK;

	for (int i = 0; i < METRIC_COUNT && rc == RC_OK; i++)
		rc = write_family(out, (enum metric)i);
	return rc;
}
