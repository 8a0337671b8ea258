#include "core/oauth/consent.h"

#include "base/clock.h"
#include "base/log.h"
#include "core/oauth/code.h"
#include "core/internal.h"
#include "core/sad.h"
#include "core/secret_text.h"
#include "store/authorization_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CREDENTIALS_MAX 100 /* of one subscriber, to choose from */

/* What became of a request by now. */
static enum consent_state state_of(const struct authorization_row *row)
{
	if (strcmp(row->state, "approved") == 0)
		return CONSENT_APPROVED;
	if (strcmp(row->state, "declined") == 0)
		return CONSENT_DECLINED;
	return row->ends_ms > clock_wall_ms() && row->client_active ? CONSENT_PENDING
								    : CONSENT_EXPIRED;
}

/* From here on the subscriber, or who is not signed in, answers to this client. */
static void row_names_client(struct call *call, const struct authorization_row *row)
{
	call->who.client = row->client;
	call->who.agency = row->agency;
	call->who.mode = CLIENT_OAUTH2CODE;
	snprintf(call->who.profile, sizeof(call->who.profile), "%s", row->client_profile);
}

static rc_t row_open(const struct pg_rows *rows, struct call *call, const struct secret *handle,
	struct authorization_row *row, struct authorization *asked)
{
	if (pg_row_count(rows) != 1)
		return RC_CONSENT_EXPIRED;
	store_authorization_read(rows, row);
	row_names_client(call, row);
	if (authorization_open(asked, row->parameters, &row->client, secret_span(handle)) == RC_OK)
		return RC_OK;
	log_error("core: a request for consent is not as it was kept");
	return RC_INTERNAL;
}

static rc_t row_pending(const struct authorization_row *row)
{
	switch (state_of(row)) {
	case CONSENT_PENDING:
		return RC_OK;
	case CONSENT_EXPIRED:
		return RC_CONSENT_EXPIRED;
	default:
		return RC_CONSENT_DONE;
	}
}

/* ---- what the page shows ---- */

struct load_op {
	struct core *core;
	struct call *call;
	core_consent_fn done;
	void *arg;
	rc_t rc;
	struct secret handle;
	uint8_t sha256[SHA256_LEN];
	struct authorization asked;
	struct consent_view view;
	struct buf client, agency, name;
};

static void load_end(struct load_op *op, rc_t rc)
{
	struct fault fault = fault_of(rc == RC_STORE_UNKNOWN ? RC_STORE_DOWN : rc);

	op->done(op->arg, &fault, rc == RC_OK ? &op->view : NULL);
	secret_free(&op->handle);
	authorization_free(&op->asked);
	buf_free(&op->client);
	buf_free(&op->agency);
	buf_free(&op->name);
	free(op);
}

static void load_refuse(void *arg)
{
	struct load_op *op = arg;

	load_end(op, op->rc);
}

/* What is not this subscriber's, or not the client's to see, is not there. */
static void credentials_loaded(
	void *arg, const struct fault *fault, const struct credential_views *views)
{
	struct load_op *op = arg;
	bool none = fault->rc == RC_CREDENTIAL_ID_INVALID || fault->rc == RC_USER_ID_INVALID;

	if (fault->rc == RC_OK) {
		op->view.credentials = views->views;
		op->view.credential_count = views->count;
	}
	load_end(op, none ? RC_OK : fault->rc);
}

static void credentials_load(struct load_op *op)
{
	const struct id none = {{0}};
	const struct id *named = &op->asked.wish.credential;

	if (id_is_zero(named))
		core_credential_list(op->core, op->call, &op->call->who.subscriber, false, &none,
			CREDENTIALS_MAX, credentials_loaded, op);
	else
		core_credential_get(op->core, op->call, named, credentials_loaded, op);
}

static rc_t view_fill(struct load_op *op, const struct authorization_row *row)
{
	const struct id *who = &op->call->who.subscriber;

	rc_t rc = buf_append_string(&op->client, row->client_name);
	if (rc == RC_OK)
		rc = buf_append_string(&op->agency, row->agency_name);
	if (rc == RC_OK)
		rc = buf_append_string(&op->name, row->subscriber_name);
	if (rc == RC_OK)
		rc = buf_string(&op->client, &op->view.client);
	if (rc == RC_OK)
		rc = buf_string(&op->agency, &op->view.agency);
	if (rc == RC_OK)
		rc = buf_string(&op->name, &op->view.name);
	op->view.state = state_of(row);
	op->view.asked = &op->asked;
	op->view.expires_in_s = (row->ends_ms - clock_wall_ms()) / 1000;
	op->view.other_expected =
		!id_is_zero(&op->asked.hint) && !id_is_zero(who) && !id_equal(&op->asked.hint, who);
	return rc;
}

static void load_read(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct load_op *op = arg;
	struct authorization_row row;

	if (rc == RC_OK)
		rc = row_open(rows, op->call, &op->handle, &row, &op->asked);
	if (rc == RC_OK)
		rc = view_fill(op, &row);
	if (rc == RC_OK && op->view.state == CONSENT_PENDING && op->asked.credential_scope &&
		op->call->who.kind == PRINCIPAL_SUBSCRIBER)
		credentials_load(op);
	else
		load_end(op, rc);
}

void core_consent_load(
	struct core *core, struct call *call, struct span handle, core_consent_fn done, void *arg)
{
	struct load_op *op = core_alloc(sizeof(*op));

	*op = (struct load_op){.core = core, .call = call, .done = done, .arg = arg};
	op->rc = digest_sha256(handle, op->sha256);
	if (op->rc == RC_OK)
		op->rc = secret_set(&op->handle, handle);
	if (op->rc != RC_OK)
		core_defer(core, load_refuse, op);
	else
		store_authorization_load(
			core->pg, op->sha256, &call->who.subscriber, load_read, op);
}

/* ---- approving and declining ---- */

struct consent_op {
	struct core *core;
	struct call *call;
	core_redirect_fn done;
	void *arg;
	rc_t rc;
	bool approve;
	struct secret handle;
	uint8_t sha256[SHA256_LEN];
	struct id credential;
	struct secret pin, otp;
	bool has_pin, has_otp;
	struct buf issuer;
	struct authorization asked;
	struct secret code;
	struct code_new made;
	struct authorize_consent consent;
	char *parameters, *detail;
};

static void consent_end(struct consent_op *op, const struct fault *fault)
{
	struct secret location = SECRET_INIT;
	const char *issuer = NULL, *code = NULL;
	struct fault ended = *fault;

	if (ended.rc == RC_OK)
		ended.rc = buf_string(&op->issuer, &issuer);
	if (ended.rc == RC_OK && op->approve)
		ended.rc = buf_string(&op->code.bytes, &code);
	const struct uri_parameter parameters[] = {
		{"code", code},
		{"error", op->approve ? NULL : "access_denied"},
		{"error_description", op->approve ? NULL : "The subscriber declined."},
		{"state", op->asked.state},
		{"iss", issuer},
	};
	if (ended.rc == RC_OK)
		ended.rc = authorization_location(&location.bytes, op->asked.redirect_uri,
			parameters, sizeof(parameters) / sizeof(parameters[0]));
	op->done(op->arg, &ended, ended.rc == RC_OK ? &location : NULL);
	secret_free(&location);
	secret_free(&op->handle);
	secret_free(&op->pin);
	secret_free(&op->otp);
	secret_free(&op->code);
	buf_free(&op->issuer);
	authorization_free(&op->asked);
	free(op->parameters);
	free(op->detail);
	free(op);
}

static void consent_stop(struct consent_op *op, rc_t rc)
{
	struct fault fault = fault_of(rc);

	consent_end(op, &fault);
}

static void consent_refuse(void *arg)
{
	struct consent_op *op = arg;

	consent_stop(op, op->rc);
}

static void declined(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct consent_op *op = arg;

	consent_stop(op, core_outcome(op->call, rc, rows, RC_CONSENT_DONE));
}

static void decline(struct consent_op *op)
{
	struct audit_row row;

	audit_row_from_call(&row, op->call, "consent.declined", RC_OK);
	row.credential = op->asked.wish.credential;
	store_authorization_decline(op->core->pg, &row, op->sha256, declined, op);
}

static void service_added(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct consent_op *op = arg;
	struct consent_added added = {.done = false};

	if (rc == RC_OK)
		store_consent_added_read(rows, &added);
	if (rc == RC_OK && added.done)
		op->call->audited = true;
	else if (rc == RC_OK)
		rc = added.allowed ? RC_CONSENT_DONE : RC_APPLICATION_FOREIGN;
	consent_stop(op, rc);
}

static void approve_service(struct consent_op *op)
{
	struct audit_row row;

	op->call->subscriber = op->call->who.subscriber;
	audit_row_from_call(&row, op->call, "consent.approved", RC_OK);
	row.detail_text = op->detail;
	store_consent_service(op->core->pg, &row, &op->call->who.client, &op->call->who.subscriber,
		&op->made, service_added, op);
}

static void credential_authorised(
	void *arg, const struct fault *fault, const struct sad_issued *issued)
{
	(void)issued; /* its text leaves with the token, sealed until then */
	consent_end(arg, fault);
}

static void approve_credential(struct consent_op *op)
{
	const struct wish *wish = &op->asked.wish;
	const struct authorize_request request = {
		.credential = op->credential,
		.signatures = (uint32_t)wish->signatures,
		.hashes = buf_span(&wish->hashes),
		.hash_len = wish->hash_len,
		.hash_count = wish->hash_count,
		.digest = wish->digest,
		.pin = op->has_pin ? secret_span(&op->pin) : SPAN_NONE,
		.otp = op->has_otp ? secret_span(&op->otp) : SPAN_NONE,
		.consent = &op->consent,
	};

	op->consent = (struct authorize_consent){secret_span(&op->code), &op->made, op->detail};
	core_authorize(op->core, op->call, &request, credential_authorised, op);
}

/* Which credential is meant: the one that the application named, or the one that was chosen. */
static rc_t approve_choose(struct consent_op *op)
{
	const struct id *named = &op->asked.wish.credential;

	if (!op->asked.credential_scope)
		return RC_OK;
	if (id_is_zero(named) && id_is_zero(&op->credential))
		return RC_CREDENTIAL_ID_MISSING;
	if (!id_is_zero(named) && !id_is_zero(&op->credential) && !id_equal(named, &op->credential))
		return RC_CREDENTIAL_ID_INVALID;
	if (!id_is_zero(named))
		op->credential = *named;
	op->call->credential = op->credential;
	return authorization_keep_id(&op->asked, "credential", &op->credential);
}

/* Of the audit: what was shown, and that it was approved; the digests stand in the row. */
static char *approve_detail(const struct consent_op *op)
{
	char consent[ID_TEXT];
	json_t *detail = json_object();
	const json_t *labels = op->asked.wish.labels;

	id_format(&op->made.consent, consent);
	bool whole =
		json_object_set_new(detail, "consent", json_string(consent)) == 0 &&
		json_object_set_new(detail, "scope",
			json_string(op->asked.credential_scope ? "credential" : "service")) == 0;
	if (whole && op->asked.credential_scope)
		whole = json_object_set_new(
				detail, "signatures", json_integer(op->asked.wish.signatures)) == 0;
	if (whole && labels != NULL)
		whole = json_object_set_new(detail, "labels", json_deep_copy(labels)) == 0;
	if (whole && op->asked.description != NULL)
		whole = json_object_set_new(
				detail, "description", json_string(op->asked.description)) == 0;
	char *text = whole ? json_dumps(detail, JSON_COMPACT) : NULL;
	json_decref(detail);
	return text;
}

static rc_t approve_make(struct consent_op *op)
{
	struct authorization *asked = &op->asked;

	rc_t rc = id_random(&op->made.consent);
	if (rc == RC_OK)
		rc = secret_text_make(&op->code, op->made.sha256);
	if (rc != RC_OK)
		return rc;
	op->parameters = json_dumps(asked->kept, JSON_COMPACT);
	op->detail = approve_detail(op);
	if (op->parameters == NULL || op->detail == NULL)
		return RC_NO_MEMORY;
	memcpy(op->made.request_sha256, op->sha256, SHA256_LEN);
	op->made.redirect_uri = asked->redirect_uri;
	op->made.redirect_uri_given = asked->redirect_uri_given;
	op->made.challenge = asked->has_challenge ? SPAN(asked->challenge, SHA256_LEN) : SPAN_NONE;
	op->made.parameters = op->parameters;
	op->made.ends_ms = clock_wall_ms() + CODE_LIFETIME_S * INT64_C(1000);
	return RC_OK;
}

static void consent_read(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct consent_op *op = arg;
	struct authorization_row row;

	if (rc == RC_STORE_UNKNOWN)
		rc = RC_STORE_DOWN;
	if (rc == RC_OK)
		rc = row_open(rows, op->call, &op->handle, &row, &op->asked);
	if (rc == RC_OK)
		rc = row_pending(&row);
	if (rc == RC_OK && op->approve)
		rc = approve_choose(op);
	if (rc == RC_OK && op->approve)
		rc = approve_make(op);
	if (rc != RC_OK)
		consent_stop(op, rc);
	else if (!op->approve)
		decline(op);
	else if (op->asked.credential_scope)
		approve_credential(op);
	else
		approve_service(op);
}

static void consent_start(struct consent_op *op, struct span handle, const char *issuer)
{
	if (op->rc == RC_OK)
		op->rc = digest_sha256(handle, op->sha256);
	if (op->rc == RC_OK)
		op->rc = secret_set(&op->handle, handle);
	if (op->rc == RC_OK)
		op->rc = buf_append_string(&op->issuer, issuer);
	if (op->rc != RC_OK)
		core_defer(op->core, consent_refuse, op);
	else
		store_authorization_load(
			op->core->pg, op->sha256, &op->call->who.subscriber, consent_read, op);
}

void core_consent_approve(struct core *core, struct call *call,
	const struct consent_approval *approval, core_redirect_fn done, void *arg)
{
	struct consent_op *op = core_alloc(sizeof(*op));

	*op = (struct consent_op){.core = core,
		.call = call,
		.done = done,
		.arg = arg,
		.approve = true,
		.credential = approval->credential,
		.has_pin = approval->pin.data != NULL,
		.has_otp = approval->otp.data != NULL};
	op->rc = call->who.kind == PRINCIPAL_SUBSCRIBER ? RC_OK : RC_SESSION_ENDED;
	if (op->rc == RC_OK)
		op->rc = secret_set(&op->pin, approval->pin);
	if (op->rc == RC_OK)
		op->rc = secret_set(&op->otp, approval->otp);
	consent_start(op, approval->handle, approval->issuer);
}

void core_consent_decline(struct core *core, struct call *call, struct span handle,
	const char *issuer, core_redirect_fn done, void *arg)
{
	struct consent_op *op = core_alloc(sizeof(*op));

	*op = (struct consent_op){.core = core, .call = call, .done = done, .arg = arg};
	consent_start(op, handle, issuer);
}
