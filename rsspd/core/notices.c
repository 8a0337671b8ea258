/*
 * The outbox drain. Each notice is written at least once: claimed, put into the spool under a name
 * of its own, then marked as sent. A daemon that ends in between leaves its claim to the next one,
 * which writes the same file again; a mail server that had fetched it by then sends it twice.
 */
#include "core/internal.h"
#include "core/mail.h"

#include "base/file.h"
#include "base/log.h"
#include "store/notice.h"

#include <stdio.h>
#include <stdlib.h>

#define NOTICES_EVERY_MS 15000
#define NOTICES_FROM "Ký số tập trung"

struct core_notices {
	struct core *core;
	struct loop_timer *timer;
	bool busy, again;
};

static void notices_on_next(void *arg, rc_t rc, const struct pg_rows *rows);

static void notices_rest(struct core_notices *notices)
{
	bool again = notices->again;

	notices->busy = false;
	notices->again = false;
	if (!notices->core->stopping)
		loop_timer_set(notices->timer, again ? 0 : NOTICES_EVERY_MS);
}

static rc_t notices_write(const struct core *core, const struct notice_row *row)
{
	const char *service = core->settings.service_name;
	struct mail_notice notice = {
		.id = row->id,
		.kind = row->kind,
		.credential = row->credential,
		.created_ms = row->created_ms,
		.email = row->email,
		.name = row->name,
		.service = service == NULL || service[0] == 0 ? NOTICES_FROM : service,
	};
	struct buf text = BUF_INIT;
	char name[64];

	snprintf(name, sizeof(name), "notice-%012lld.eml", (long long)row->id);
	rc_t rc = mail_notice_text(&text, &notice);
	if (rc == RC_OK)
		rc = file_spool(core->settings.notices_spool, name, buf_span(&text));
	buf_free(&text);
	return rc;
}

/* One mail a turn: the loop waits for one small write at a time. */
static void notices_on_next(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct core_notices *notices = arg;
	struct notice_row row;

	if (rc != RC_OK || pg_row_count(rows) == 0 || notices->core->stopping) {
		notices_rest(notices);
		return;
	}
	store_notice_read(rows, &row);
	rc = notices_write(notices->core, &row);
	if (rc == RC_PARAMETER_INVALID)
		log_error("notices: cannot be written as a mail id=%lld", (long long)row.id);
	if (rc != RC_OK && rc != RC_PARAMETER_INVALID) {
		notices->again = false;
		notices_rest(notices);
		return;
	}
	store_notice_next(notices->core->pg, rc == RC_OK ? row.id : 0, notices_on_next, notices);
}

static void notices_run(void *arg)
{
	struct core_notices *notices = arg;

	if (notices->core->stopping)
		return;
	notices->busy = true;
	store_notice_next(notices->core->pg, 0, notices_on_next, notices);
}

rc_t core_notices_start(struct core *core)
{
	struct core_notices *notices = core_alloc(sizeof(*notices));

	notices->core = core;
	core->notices = notices;
	if (core->settings.notices_spool == NULL || core->settings.notices_spool[0] == 0) {
		log_warning("notices: none are sent, because notices.spool is not set");
		return RC_OK;
	}
	rc_t rc = loop_timer_new(core->loop, notices_run, notices, &notices->timer);
	if (rc == RC_OK)
		loop_timer_set(notices->timer, 0);
	return rc;
}

void core_notices_stop(struct core *core)
{
	if (core->notices == NULL)
		return;
	loop_timer_free(&core->notices->timer);
	free(core->notices);
	core->notices = NULL;
}

void core_notices_wake(struct core *core)
{
	struct core_notices *notices = core->notices;

	if (notices == NULL || notices->timer == NULL || core->stopping)
		return;
	if (notices->busy)
		notices->again = true;
	else
		loop_timer_set(notices->timer, 0);
}
