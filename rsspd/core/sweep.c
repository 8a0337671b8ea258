/*
 * What nobody comes back for: signings whose process died are written down as lost, late SADs lose
 * their seals, old tokens go, and the audit gets its next months' partitions. Every daemon sweeps;
 * each row is swept by one of them.
 */
#include "core/internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "core/sad_cache.h"
#include "store/authorization_request.h"
#include "store/client.h"
#include "store/sad.h"
#include "store/session.h"
#include "store/signing.h"
#include "store/token_revocation.h"

#include <stdlib.h>
#include <time.h>

#define SWEEP_EVERY_MS 10000
#define FIRST_RETRY_MS 50
#define DAY_MS (24 * INT64_C(3600000))
/* Besides the job's own time: commits before and after it, a queue, clocks apart. One that lives
 * longer all the same finds its row gone, and releases nothing. */
#define LOST_AFTER_MS 60000
#define JOB_TIMEOUT_MS 10000

struct core_sweeper {
	struct core *core;
	struct loop_timer *timer, *partitions;
	int64_t partitions_from_ms; /* the last time that they were made */
	bool ready;
};

static void sweep_again(struct core_sweeper *sweeper)
{
	if (!sweeper->core->stopping)
		loop_timer_set(sweeper->timer, SWEEP_EVERY_MS);
}

static void on_lost(void *arg, rc_t rc, const struct pg_rows *rows)
{
	(void)arg;
	for (size_t i = 0; rc == RC_OK && i < pg_row_count(rows); i++) {
		struct id request = pg_id(rows, i, 0);
		char text[ID_TEXT];

		id_format(&request, text);
		log_warning("core: signature-lost req=%s", text);
	}
}

static void on_swept(void *arg, rc_t rc, const struct pg_rows *rows)
{
	(void)rc;
	(void)rows;
	sweep_again(arg);
}

static void on_expired(void *arg, rc_t rc, const struct pg_rows *rows)
{
	(void)arg;
	if (rc == RC_OK && pg_number(rows, 0, 0) > 0)
		log_debug("core: sads-expired count=%lld", (long long)pg_number(rows, 0, 0));
}

/* What was not swept this time is swept the next time. */
static void on_ignored(void *arg, rc_t rc, const struct pg_rows *rows)
{
	(void)arg;
	(void)rc;
	(void)rows;
}

static void sweep(void *arg)
{
	struct core_sweeper *sweeper = arg;
	struct pg *pg = sweeper->core->pg;
	int64_t now = clock_wall_ms();
	int64_t job = sweeper->core->settings.sam_job_timeout_ms;

	job = job > 0 ? job : JOB_TIMEOUT_MS;
	store_signing_sweep(pg, now, now - 2 * job - LOST_AFTER_MS, on_lost, sweeper);
	store_sad_expire(pg, now, on_expired, sweeper);
	store_session_sweep(pg, now, on_ignored, NULL);
	store_jti_expire(pg, now, on_ignored, sweeper);
	store_authorization_expire(pg, now, on_ignored, sweeper);
	sad_cache_expire(sweeper->core, now);
	store_tokens_expire(pg, now, on_swept, sweeper);
}

static void on_partitions(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct core_sweeper *sweeper = arg;

	(void)rows;
	if (rc == RC_OK && !sweeper->ready)
		loop_timer_set(sweeper->timer, 0);
	if (rc == RC_OK) {
		sweeper->ready = true;
		sweeper->partitions_from_ms = clock_wall_ms() - DAY_MS;
	}
	if (!sweeper->core->stopping)
		loop_timer_set(sweeper->partitions, rc == RC_OK ? DAY_MS : FIRST_RETRY_MS);
}

static void partitions(void *arg)
{
	struct core_sweeper *sweeper = arg;

	/* from yesterday: another daemon's clock may be a little behind */
	if (pg_ready(sweeper->core->pg))
		store_audit_partitions(
			sweeper->core->pg, clock_wall_ms() - DAY_MS, on_partitions, sweeper);
	else
		loop_timer_set(sweeper->partitions, FIRST_RETRY_MS);
}

rc_t core_sweeper_start(struct core *core)
{
	struct core_sweeper *sweeper = core_alloc(sizeof(*sweeper));

	core->sweeper = sweeper;
	sweeper->core = core;
	rc_t rc = loop_timer_new(core->loop, sweep, sweeper, &sweeper->timer);
	if (rc == RC_OK)
		rc = loop_timer_new(core->loop, partitions, sweeper, &sweeper->partitions);
	if (rc == RC_OK)
		loop_timer_set(sweeper->partitions, 0);
	return rc;
}

void core_sweeper_stop(struct core *core)
{
	if (core->sweeper == NULL)
		return;
	loop_timer_free(&core->sweeper->timer);
	loop_timer_free(&core->sweeper->partitions);
	free(core->sweeper);
	core->sweeper = NULL;
}

/* The month of that day and the two behind it: what audit.ensure_partitions() is asked for. */
int64_t core_sweeper_audit_ms(const struct core *core)
{
	time_t from = (time_t)(core->sweeper->partitions_from_ms / 1000);
	struct tm utc = {0};

	if (!core->sweeper->ready || gmtime_r(&from, &utc) == NULL)
		return 0;
	struct tm end = {.tm_year = utc.tm_year, .tm_mon = utc.tm_mon + 3, .tm_mday = 1};
	return (int64_t)timegm(&end) * 1000;
}

bool core_sweeper_ready(const struct core *core)
{
	return core->sweeper->ready;
}
