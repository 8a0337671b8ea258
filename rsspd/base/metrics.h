/*
 * What a process counts about itself, written in the Prometheus text format 0.0.4 (the HELP and
 * TYPE lines, then a line a series). Like the log, one a process: no module has to be handed it,
 * and counting is an addition in an array.
 *
 * The families and the values of every label stand in tables of metrics.c, and nothing from outside
 * can add a series: a path that no route has is "unknown", a status that is not expected "other".
 * For one thread. Before metrics_open() nothing is counted, which is how the SAMs and the unit
 * tests of other rooms link it.
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include "base/buf.h"

#include <stdbool.h>

/* With the labels of each family, in their order. Durations are in microseconds, instants in
 * milliseconds since 1970; both are written in seconds. */
enum metric {
	METRIC_BUILD,		 /* gauge: 1 */
	METRIC_START,		 /* gauge, instant: of this process */
	METRIC_REQUESTS,	 /* route, method, status */
	METRIC_REQUEST_SECONDS,	 /* histogram: route, method */
	METRIC_RESULTS,		 /* rc */
	METRIC_IN_FLIGHT,	 /* gauge */
	METRIC_CONNECTIONS,	 /* gauge */
	METRIC_OVERLOAD,	 /* enum metric_limit */
	METRIC_HANDSHAKES,	 /* enum metric_outcome */
	METRIC_TLS_RELOADS,	 /* enum metric_outcome */
	METRIC_TLS_CURRENT,	 /* gauge: 1, or 0 after a reload that failed */
	METRIC_JOBS,		 /* enum sam_role, rc */
	METRIC_JOB_SECONDS,	 /* histogram: enum sam_role */
	METRIC_HSM_ERRORS,	 /* rc */
	METRIC_SAM_WAITING,	 /* gauge: enum sam_role */
	METRIC_SAM_IN_FLIGHT,	 /* gauge: enum sam_role */
	METRIC_SAM_READY,	 /* gauge: enum sam_role */
	METRIC_RESTARTS,	 /* enum metric_process, enum metric_cause; set by the supervisor */
	METRIC_LAST_RESTART,	 /* gauge, instant: enum metric_process; of one that died */
	METRIC_COMMITS,		 /* enum metric_commit */
	METRIC_GROUP_SIZE,	 /* histogram: statements of one group */
	METRIC_STORE_UP,	 /* gauge */
	METRIC_STORE_WANTED,	 /* gauge */
	METRIC_STORE_SKEW,	 /* gauge, milliseconds */
	METRIC_AUDIT_PARTITIONS, /* gauge, instant */
	METRIC_REVOCATIONS_KNOWN, /* gauge: 1, or 0 while each token is asked for in the database */
	METRIC_CERTIFICATE_EXPIRES, /* gauge, instant: enum metric_certificate */
	METRIC_CRL_THIS_UPDATE,	    /* gauge, instant */
	METRIC_CRL_NEXT_UPDATE,	    /* gauge, instant */
	METRIC_PROCESS_CPU,	    /* counter, duration; set */
	METRIC_PROCESS_MEMORY,	    /* gauge, bytes */
	METRIC_PROCESS_FDS,	    /* gauge */
	METRIC_PROCESS_FDS_MAX,	    /* gauge */
	METRIC_COUNT
};

enum metric_method { METHOD_GET, METHOD_POST, METHOD_OTHER };
enum metric_limit { LIMIT_REQUESTS, LIMIT_STORE };
enum metric_outcome { OUTCOME_OK, OUTCOME_FAILED };
enum metric_process { PROCESS_SAM_ACTIVATE, PROCESS_SAM_SIGN, PROCESS_SAM_ISSUE, PROCESS_API };
enum metric_cause { CAUSE_DIED, CAUSE_RECYCLED, CAUSE_ENDED };
enum metric_commit { COMMIT_DONE, COMMIT_ROLLED_BACK, COMMIT_UNKNOWN };
enum metric_certificate { CERTIFICATE_SERVER, CERTIFICATE_CA, CERTIFICATE_OPERATOR };

/* paths: the values of the label `route`; the strings must live as long as the registry. An index
 * that is not one of theirs counts as "unknown". */
must_check rc_t metrics_open(const char *const *paths, size_t count);
void metrics_close(void);

/* A label that a family has not is 0. */
void metric_add(enum metric metric, size_t first, size_t second, size_t third);
void metric_observe(enum metric metric, size_t first, size_t second, int64_t value);
/* A gauge that was never set is not written. */
void metric_set(enum metric metric, size_t first, size_t second, int64_t value);
/* What was counted or set last; 0 if nothing was. */
int64_t metric_value(enum metric metric, size_t first, size_t second, size_t third);

/* The index of an HTTP status among the values of the label `status`. */
size_t metric_status(int status);

/* Memory, descriptors and processor time of this process, read from /proc. */
void metrics_read_process(void);

/* The whole text, appended. */
must_check rc_t metrics_write(struct buf *out);

#endif
