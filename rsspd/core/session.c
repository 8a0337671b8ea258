#include "core/session.h"

#include "base/base64.h"
#include "base/clock.h"
#include "core/internal.h"
#include "store/session.h"

#include <stdlib.h>
#include <string.h>

/* How much a session's last use may be out of date: not each request of a page writes. */
#define TOUCH_AFTER_MS 60000
#define CSRF_LABEL "rssp csrf"

struct session_op {
	struct core *core;
	struct call *call;
	union {
		core_done_fn done;
		core_session_fn view;
	};
	void *arg;
	uint8_t sha256[SHA256_LEN]; /* of the cookie */
	rc_t csrf;		    /* what is wrong with the token of the page */
};

rc_t core_session_csrf(struct span cookie, char text[CSRF_TEXT])
{
	uint8_t digest[SHA256_LEN];
	struct buf bytes = BUF_INIT, encoded = BUF_INIT;
	const char *made = NULL;

	rc_t rc = buf_append_string(&bytes, CSRF_LABEL);
	if (rc == RC_OK)
		rc = buf_append_span(&bytes, cookie);
	if (rc == RC_OK)
		rc = digest_sha256(buf_span(&bytes), digest);
	if (rc == RC_OK)
		rc = base64url_encode(&encoded, sha256_span(digest));
	if (rc == RC_OK)
		rc = buf_string(&encoded, &made);
	if (rc == RC_OK)
		memcpy(text, made, CSRF_TEXT);
	buf_free(&encoded);
	buf_free(&bytes);
	return rc;
}

/* data NULL: a request that changes nothing brings none. */
static rc_t csrf_check(struct span cookie, struct span csrf)
{
	char right[CSRF_TEXT];

	if (csrf.data == NULL)
		return RC_OK;
	rc_t rc = core_session_csrf(cookie, right);
	if (rc == RC_OK && !secret_equal(csrf, span_string(right)))
		rc = RC_CSRF_INVALID;
	return rc;
}

static struct session_op *session_op_new(
	struct core *core, struct call *call, struct span cookie, void *arg)
{
	struct session_op *op = core_alloc(sizeof(*op));

	op->core = core;
	op->call = call;
	op->arg = arg;
	op->csrf = digest_sha256(cookie, op->sha256);
	return op;
}

/* ---- who is it? ---- */

static void session_touched(void *arg, rc_t rc, const struct pg_rows *rows)
{
	(void)arg;
	(void)rc; /* the next request writes it again */
	(void)rows;
}

static rc_t session_found(
	struct session_op *op, rc_t rc, const struct pg_rows *rows, struct session_row *session)
{
	int64_t now_ms = clock_wall_ms();

	if (rc == RC_OK && pg_row_count(rows) != 1)
		rc = RC_SESSION_ENDED;
	if (rc != RC_OK)
		return rc;
	store_session_read(rows, session);
	if (now_ms - session->seen_ms > TOUCH_AFTER_MS)
		store_session_touch(op->core->pg, op->sha256, now_ms, session_touched, NULL);
	return RC_OK;
}

static void session_authenticated(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct session_op *op = arg;
	struct session_row session;

	rc = session_found(op, rc, rows, &session);
	if (rc == RC_OK)
		rc = op->csrf;
	if (rc == RC_OK) {
		op->call->who = (struct principal){
			.kind = PRINCIPAL_SUBSCRIBER, .subscriber = session.subscriber};
		op->call->subscriber = session.subscriber;
	}
	struct fault fault = fault_of(rc);
	op->done(op->arg, &fault);
	free(op);
}

void core_session_authenticate(struct core *core, struct call *call, struct span cookie,
	struct span csrf, core_done_fn done, void *arg)
{
	struct session_op *op = session_op_new(core, call, cookie, arg);

	op->done = done;
	if (op->csrf == RC_OK)
		op->csrf = csrf_check(cookie, csrf);
	store_session_load(
		core->pg, op->sha256, clock_wall_ms(), SESSION_IDLE_MS, session_authenticated, op);
}

static void session_viewed(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct session_op *op = arg;
	struct session_row session = {.name = ""};
	int64_t now_ms = clock_wall_ms();

	rc = session_found(op, rc, rows, &session);
	struct fault fault = fault_of(rc);
	struct session_view view = {session.subscriber, session.name, SESSION_IDLE_MS / 1000};
	if (session.ends_ms - now_ms < SESSION_IDLE_MS)
		view.ends_in_s = (session.ends_ms - now_ms + 999) / 1000;
	op->view(op->arg, &fault, rc == RC_OK ? &view : NULL);
	free(op);
}

void core_session_view(
	struct core *core, struct call *call, struct span cookie, core_session_fn done, void *arg)
{
	struct session_op *op = session_op_new(core, call, cookie, arg);

	op->view = done;
	store_session_load(
		core->pg, op->sha256, clock_wall_ms(), SESSION_IDLE_MS, session_viewed, op);
}

/* ---- its end ---- */

static void session_ended(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct session_op *op = arg;
	struct fault fault = fault_of(rc);

	op->call->audited = rc == RC_OK && pg_row_count(rows) == 1;
	op->done(op->arg, &fault);
	free(op);
}

void core_session_end(
	struct core *core, struct call *call, struct span cookie, core_done_fn done, void *arg)
{
	struct session_op *op = session_op_new(core, call, cookie, arg);
	struct audit_row row;

	op->done = done;
	audit_row_from_call(&row, call, "account.signed-out", RC_OK);
	store_session_end(core->pg, &row, op->sha256, session_ended, op);
}
