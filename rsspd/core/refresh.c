/* The revocation list: made by the SAM that has the CA's key, at start and every hour. */
#include "core/internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/revocation.h"

#include <stdlib.h>
#include <string.h>

#define REFRESH_EVERY_MS 3600000
#define REFRESH_RETRY_MS 1000
#define CRL_LIFETIME_MS (24 * INT64_C(3600000))

struct core_refresh {
	struct core *core;
	struct loop_timer *timer;
	bool complained;
};

static void refresh_again(struct core_refresh *refresh, rc_t rc)
{
	if (refresh->core->stopping)
		return;
	if (rc != RC_OK && !refresh->complained)
		log_warning("core: no revocation list yet rc=%s", rc_name(rc));
	refresh->complained = rc != RC_OK;
	loop_timer_set(refresh->timer, rc == RC_OK ? REFRESH_EVERY_MS : REFRESH_RETRY_MS);
}

static void crl_made(void *arg, struct hsm_answer *answer)
{
	struct core_refresh *refresh = arg;
	rc_t rc = answer->rc;

	if (rc == RC_OK)
		rc = x509_crl_facts_read(&refresh->core->crl_facts, buf_span(&answer->crl->crl));
	if (rc == RC_OK)
		rc = buf_set(&refresh->core->crl, buf_span(&answer->crl->crl));
	refresh_again(refresh, rc);
}

static bool entry_read(const struct pg_rows *rows, size_t row, struct crl_entry *entry)
{
	struct span serial = pg_span(rows, row, 0);

	if (serial.len > sizeof(entry->serial))
		return false;
	memcpy(entry->serial, serial.data, serial.len);
	entry->serial_len = serial.len;
	entry->revoked_at_ms = pg_time_ms(rows, row, 1);
	entry->reason = (uint64_t)pg_number(rows, row, 2);
	return true;
}

/* The number only has to grow (RFC 5280 §5.2.3), with every daemon's list: the time does. */
static void revoked_loaded(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct core_refresh *refresh = arg;
	int64_t now = clock_wall_ms();
	struct job_crl job = {.number = (uint64_t)now, .next_update_ms = now + CRL_LIFETIME_MS};

	if (rc != RC_OK) {
		refresh_again(refresh, rc);
		return;
	}
	struct crl_entry *entries = core_alloc((pg_row_count(rows) + 1) * sizeof(*entries));
	for (size_t i = 0; i < pg_row_count(rows); i++)
		job.count += entry_read(rows, i, &entries[job.count]);
	job.entries = entries;
	hsm_client_crl(refresh->core->hsm, &job, crl_made, refresh);
	free(entries);
}

static void refresh_start(void *arg)
{
	struct core_refresh *refresh = arg;

	if (pg_ready(refresh->core->pg) && hsm_client_ready(refresh->core->hsm))
		store_revoked_load(refresh->core->pg, revoked_loaded, refresh);
	else
		loop_timer_set(refresh->timer, REFRESH_RETRY_MS / 10);
}

rc_t core_refresh_start(struct core *core)
{
	struct core_refresh *refresh = core_alloc(sizeof(*refresh));

	core->refresh = refresh;
	refresh->core = core;
	rc_t rc = loop_timer_new(core->loop, refresh_start, refresh, &refresh->timer);
	if (rc == RC_OK)
		loop_timer_set(refresh->timer, 0);
	return rc;
}

void core_refresh_stop(struct core *core)
{
	if (core->refresh == NULL)
		return;
	loop_timer_free(&core->refresh->timer);
	free(core->refresh);
	core->refresh = NULL;
}
