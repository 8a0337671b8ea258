/* Requests of applications, from the check to the row that the page shows. */
#include "core/oauth/authorization.h"

#include "base/clock.h"
#include "base/log.h"
#include "core/oauth/account_token.h"
#include "core/internal.h"
#include "core/secret_text.h"
#include "store/authorization_request.h"

#include <stdlib.h>
#include <string.h>

struct keep_op {
	struct core *core;
	struct call *call;
	core_authorization_fn done;
	void *arg;
	struct id client;
	json_t *redirect_uris; /* of the client, owned */
	bool pushed;
	uint8_t pushed_sha256[SHA256_LEN]; /* of the handle in request_uri */
	struct authorization asked;
	struct secret handle;	    /* what is answered */
	struct secret page;	    /* the page's: the same, or what that of request_uri gives */
	uint8_t sha256[SHA256_LEN]; /* under which the row is found */
	int64_t ends_ms;
	rc_t rc;
	bool told; /* a fault may be told to `redirect_uri` */
	struct buf redirect_uri, state, why;
};

static const char *text_in(struct buf *buf)
{
	const char *text = NULL;

	return buf->len > 0 && buf_string(buf, &text) == RC_OK ? text : NULL;
}

static void keep_end(struct keep_op *op, rc_t rc)
{
	struct fault fault = fault_of(rc);
	struct authorization_begun begun = {
		.handle = rc == RC_OK ? &op->handle : NULL,
		.expires_in_s = (op->ends_ms - clock_wall_ms() + 999) / 1000,
		.redirect_uri = op->told ? text_in(&op->redirect_uri) : NULL,
		.state = op->told ? text_in(&op->state) : NULL,
		.lang = op->asked.lang,
	};

	fault.text = rc == RC_OK ? NULL : text_in(&op->why);
	op->done(op->arg, &fault, &begun);
	authorization_free(&op->asked);
	json_decref(op->redirect_uris);
	secret_free(&op->handle);
	secret_free(&op->page);
	buf_free(&op->redirect_uri);
	buf_free(&op->state);
	buf_free(&op->why);
	free(op);
}

static void keep_refuse(void *arg)
{
	struct keep_op *op = arg;

	keep_end(op, op->rc);
}

static struct keep_op *keep_new(struct core *core, struct call *call,
	const struct client_known *client, core_authorization_fn done, void *arg)
{
	struct keep_op *op = core_alloc(sizeof(*op));

	*op = (struct keep_op){
		.core = core, .call = call, .done = done, .arg = arg, .client = client->id};
	/* for the audit: nothing is proved by a name in an address */
	call->who.client = client->id;
	call->who.agency = client->agency;
	op->redirect_uris = json_deep_copy(client->redirect_uris);
	op->rc = op->redirect_uris == NULL ? RC_NO_MEMORY : RC_OK;
	return op;
}

/* ---- a new request ---- */

static void request_added(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct keep_op *op = arg;

	keep_end(op, core_outcome(op->call, rc, rows, RC_CLIENT_ID_INVALID));
}

/* A handle, and that of the page, by which the request is kept. */
static rc_t request_print(struct keep_op *op, struct buf *out, const char **text)
{
	uint8_t page_sha256[SHA256_LEN];

	rc_t rc = secret_text_make(&op->handle, op->sha256);
	if (rc == RC_OK && op->pushed)
		rc = authorization_page_handle(&op->page, secret_span(&op->handle), page_sha256);
	else if (rc == RC_OK)
		rc = secret_set(&op->page, secret_span(&op->handle));
	if (rc == RC_OK)
		rc = authorization_print(out, &op->asked, &op->client, secret_span(&op->page));
	return rc == RC_OK ? buf_string(out, text) : rc;
}

static void request_add(struct keep_op *op)
{
	struct audit_row row;
	struct buf parameters = BUF_INIT;
	struct authorization_new fresh = {.client = op->client, .pushed = op->pushed};

	rc_t rc = request_print(op, &parameters, &fresh.parameters);
	if (rc != RC_OK) {
		buf_free(&parameters);
		keep_end(op, rc);
		return;
	}
	audit_row_from_call(&row, op->call, op->call->event, RC_OK);
	op->ends_ms = row.at_ms +
		      (op->pushed ? AUTHORIZATION_PUSHED_S : AUTHORIZATION_SHOWN_S) * INT64_C(1000);
	fresh.ends_ms = op->ends_ms;
	memcpy(fresh.sha256, op->sha256, SHA256_LEN);
	store_authorization_add(op->core->pg, &row, &fresh, request_added, op);
	buf_free(&parameters);
}

static void request_hinted(void *arg, const struct fault *fault, const struct id *subscriber)
{
	struct keep_op *op = arg;
	rc_t rc = fault->rc;

	if (rc == RC_OK)
		rc = authorization_keep_id(&op->asked, "hint", subscriber);
	if (rc != RC_OK)
		keep_end(op, rc);
	else
		request_add(op);
}

/* Where a fault is told: only an address that is registered, and a state that fits. */
static rc_t request_target(struct keep_op *op, const struct client_known *client,
	const struct authorization_asked *asked)
{
	const char *target = NULL;

	rc_t rc = authorization_target(client, asked->redirect_uri, &target);
	if (rc != RC_OK)
		return rc;
	rc = buf_append_string(&op->redirect_uri, target);
	if (rc == RC_OK && asked->state != NULL && strlen(asked->state) <= AUTHORIZATION_STATE_MAX)
		rc = buf_append_string(&op->state, asked->state);
	op->told = rc == RC_OK;
	return rc;
}

static rc_t request_check(struct keep_op *op, const struct client_known *client,
	const struct authorization_asked *asked)
{
	const struct authorization_limits limits = {
		op->core->settings.multisign, op->core->settings.pin_only_allowed};
	const char *why = NULL;
	rc_t rc = request_target(op, client, asked);

	if (rc == RC_OK)
		rc = authorization_check(&op->asked, asked, client, &limits, &why);
	if (why != NULL && buf_printf(&op->why, "%s: %s", rc_text(rc, RC_CSC_V2), why) != RC_OK)
		buf_clear(&op->why);
	return rc;
}

void core_authorization_begin(struct core *core, struct call *call,
	const struct client_known *client, const struct authorization_asked *asked, bool pushed,
	core_authorization_fn done, void *arg)
{
	struct keep_op *op = keep_new(core, call, client, done, arg);

	op->pushed = pushed;
	if (op->rc == RC_OK)
		op->rc = request_check(op, client, asked);
	if (op->rc != RC_OK)
		core_defer(core, keep_refuse, op);
	else if (asked->account_token != NULL && asked->account_token[0] != 0)
		core_account_token_read(
			core, call, client, span_string(asked->account_token), request_hinted, op);
	else
		request_add(op);
}

/* ---- a pushed one ---- */

/* It was registered when the request was pushed: is it still? */
static rc_t taken_check(struct keep_op *op, const struct pg_rows *rows)
{
	struct client_known client = {.redirect_uris = op->redirect_uris};
	const char *target = NULL;

	rc_t rc = authorization_open(&op->asked, span_string(pg_text(rows, 0, 0)), &op->client,
		secret_span(&op->handle));
	if (rc != RC_OK) {
		log_error("core: a pushed request is not as it was kept");
		return RC_INTERNAL;
	}
	rc = authorization_target(&client, op->asked.redirect_uri, &target);
	if (rc == RC_OK)
		rc = buf_append_string(&op->redirect_uri, target);
	if (rc == RC_OK && op->asked.state != NULL)
		rc = buf_append_string(&op->state, op->asked.state);
	op->told = rc == RC_OK;
	return rc;
}

static void request_taken(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct keep_op *op = arg;

	rc = core_outcome(op->call, rc, rows, RC_REQUEST_URI_INVALID);
	keep_end(op, rc == RC_OK ? taken_check(op, rows) : rc);
}

void core_authorization_resume(struct core *core, struct call *call,
	const struct client_known *client, const char *request_uri, core_authorization_fn done,
	void *arg)
{
	struct keep_op *op = keep_new(core, call, client, done, arg);
	struct authorization_new shown = {.client = client->id};
	size_t prefix = strlen(REQUEST_URI_PREFIX);
	struct audit_row row;

	if (op->rc == RC_OK && strncmp(request_uri, REQUEST_URI_PREFIX, prefix) != 0)
		op->rc = RC_REQUEST_URI_INVALID;
	if (op->rc == RC_OK)
		op->rc = digest_sha256(span_string(request_uri + prefix), op->pushed_sha256);
	if (op->rc == RC_OK)
		op->rc = authorization_page_handle(
			&op->handle, span_string(request_uri + prefix), op->sha256);
	if (op->rc != RC_OK) {
		core_defer(core, keep_refuse, op);
		return;
	}
	audit_row_from_call(&row, call, call->event, RC_OK);
	op->ends_ms = row.at_ms + AUTHORIZATION_SHOWN_S * INT64_C(1000);
	shown.ends_ms = op->ends_ms;
	memcpy(shown.sha256, op->sha256, SHA256_LEN);
	store_authorization_take(core->pg, &row, op->pushed_sha256, &shown, request_taken, op);
}
