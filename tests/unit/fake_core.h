/*
 * A core that answers what the test says, and remembers what it was asked. It keeps the contract of
 * core/call.h: callbacks run from fake_run(), never before an operation has returned. Included by
 * one file of a program.
 */
#ifndef TESTS_FAKE_CORE_H
#define TESTS_FAKE_CORE_H

#include "core/algo.h"
#include "core/audit.h"
#include "core/oauth/client_grant.h"
#include "core/core.h"
#include "core/credential.h"
#include "core/operation.h"
#include "core/sad.h"
#include "core/sign.h"
#include "core/session.h"
#include "core/oauth/token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum fake_kind {
	FAKE_DONE,
	FAKE_TOKEN,
	FAKE_VIEWS,
	FAKE_SAD,
	FAKE_SIGNED,
	FAKE_ID,
	FAKE_AGENCIES,
	FAKE_CLIENT,
	FAKE_CLIENTS,
	FAKE_KNOWN,
	FAKE_SUBSCRIBERS,
	FAKE_DECISION,
	FAKE_ENROL,
	FAKE_ACTIVATION,
	FAKE_EVENTS,
	FAKE_SESSION,
	FAKE_SIGN_IN,
	FAKE_ACCOUNT_CREDENTIALS,
	FAKE_ACCOUNT_SIGNATURES,
	FAKE_BEGUN,
	FAKE_CONSENT,
	FAKE_REDIRECT,
	FAKE_REDEEMED
};

struct fake_step {
	enum fake_kind kind;
	void (*done)(void);
	void *arg;
	struct fault fault;
};

#define FAKE_STEPS 32

static struct {
	/* what to answer */
	struct fault token, client, authenticate, views_fault, sad, sign, audit, other;
	struct credential_view view;
	size_t view_count;
	bool more;
	bool redirects; /* a refused authorisation request may be told to the application */
	size_t signature_count;
	struct core_health health;
	struct core_watch watch;
	/* what was asked */
	size_t asked; /* operations other than audit and authentication */
	char bearer[64], client_id[64], client_secret[64], endpoint[64], pin[64], otp[64],
		sad_sent[64];
	char token_sent[64], sign_algo[64], hash_algo[64];
	struct id credential, subscriber, after;
	uint32_t signatures, limit;
	size_t hash_len, hash_count;
	uint8_t first_hash[64];
	const struct digest_algo *digest;
	bool authorized, extended, signed_;
	bool recognises; /* every token was seen before */
	/* audit rows, newest last */
	struct {
		char event[64], result[16], code[64];
		struct id request, credential;
	} rows[8];
	size_t row_count;
	/* the loop */
	struct fake_step steps[FAKE_STEPS];
	size_t first, count;
} fake;

static void fake_push(enum fake_kind kind, void *done, void *arg, struct fault fault)
{
	struct fake_step *step = &fake.steps[(fake.first + fake.count++) % FAKE_STEPS];

	*step = (struct fake_step){.kind = kind, .arg = arg, .fault = fault};
	memcpy(&step->done, &done, sizeof(done));
}

static void fake_copy(char *out, size_t size, struct span text)
{
	snprintf(out, size, "%.*s", (int)text.len, text.len == 0 ? "" : (const char *)text.data);
}

static const struct secret *fake_secret(const char *text)
{
	static struct secret secret;

	if (secret_set(&secret, span_string(text)) != RC_OK)
		abort();
	return &secret;
}

static const struct decision_view fake_decision = {
	"deny", "no-authority", 3, "Lý do", "Reason", "USB token", "USB token"};

static void fake_call_signed(const struct fake_step *step)
{
	struct buf *list = calloc(fake.signature_count + 1, sizeof(*list));
	struct signatures signatures = {list, fake.signature_count};

	for (size_t i = 0; list != NULL && i < fake.signature_count; i++) {
		if (buf_printf(&list[i], "signature %zu", i) != RC_OK)
			abort();
	}
	((core_sign_fn)step->done)(step->arg, &step->fault, &signatures);
	for (size_t i = 0; list != NULL && i < fake.signature_count; i++)
		buf_free(&list[i]);
	free(list);
}

static const struct client_view fake_client_view = {.name = "Phần mềm Mẫu",
	.mode = "oauth2code",
	.profile = "general",
	.state = "active",
	.authentication = "secret",
	.csc_version = 2};

static void fake_call_operator(const struct fake_step *step)
{
	static const struct subscriber_credential credential = {
		.status = "active", .key = "p-256", .valid_to_ms = 1893456000000};
	const struct agency_view agency = {
		.path = {"UBND tỉnh Mẫu"}, .sector = "education", .province = "Mẫu"};
	const struct subscriber_view subscriber = {.name = "Nguyễn Thị Ví Dụ",
		.position = "Giáo viên",
		.state = "active",
		.agency = {"UBND tỉnh Mẫu"},
		.credentials = &credential,
		.credential_count = 1};

	if (step->kind == FAKE_AGENCIES)
		((core_agencies_fn)step->done)(step->arg, &step->fault, &agency, 1);
	else if (step->kind == FAKE_SUBSCRIBERS)
		((core_subscribers_fn)step->done)(step->arg, &step->fault, &subscriber, 1);
	else if (step->kind == FAKE_DECISION)
		((core_decision_fn)step->done)(step->arg, &step->fault, &fake_decision);
	else if (step->kind == FAKE_ENROL)
		((core_enrol_fn)step->done)(
			step->arg, &step->fault, &fake.subscriber, &fake_decision);
	else if (step->kind == FAKE_ID)
		((core_id_fn)step->done)(step->arg, &step->fault, &fake.subscriber);
	else if (step->kind == FAKE_CLIENT)
		((core_client_fn)step->done)(
			step->arg, &step->fault, &fake.subscriber, fake_secret("client-secret"));
	else if (step->kind == FAKE_CLIENTS)
		((core_clients_fn)step->done)(step->arg, &step->fault, &fake_client_view, 1);
}

static void fake_call_account(const struct fake_step *step);
static void fake_call_consent(const struct fake_step *step);

static void fake_call(const struct fake_step *step)
{
	static const struct audit_event events[1] = {{.row = {.event = "signature.created",
							      .result = "ok",
							      .code = "OK",
							      .address = "127.0.0.1",
							      .detail = "{\"a\":1}"}}};
	const struct credential_views views = {
		&fake.view, fake.view_count, fake.view.id, fake.more};
	const struct token_issued token = {.token = fake_secret("TOKEN"), .expires_in_s = 3600};
	const struct audit_events found = {events, 1};

	if (step->kind == FAKE_DONE)
		((core_done_fn)step->done)(step->arg, &step->fault);
	else if (step->kind == FAKE_KNOWN)
		((core_client_fn2)step->done)(step->arg, &step->fault,
			&(struct client_known){.csc_version = 1, .confidential = true});
	else if (step->kind == FAKE_TOKEN)
		((core_token_fn)step->done)(step->arg, &step->fault, &token);
	else if (step->kind == FAKE_VIEWS)
		((core_credentials_fn)step->done)(step->arg, &step->fault, &views);
	else if (step->kind == FAKE_SAD)
		((core_sad_fn)step->done)(step->arg, &step->fault,
			&(struct sad_issued){fake_secret("SAD-text"), 600});
	else if (step->kind == FAKE_SIGNED)
		fake_call_signed(step);
	else if (step->kind == FAKE_EVENTS)
		((core_audit_fn)step->done)(step->arg, &step->fault, &found);
	else if (step->kind == FAKE_ACTIVATION)
		((core_activation_fn)step->done)(step->arg, &step->fault,
			&(struct activation_view){.otpauth = fake_secret("otpauth://totp/x"),
				.certificate = fake.view.certificate});
	else if (step->kind >= FAKE_BEGUN)
		fake_call_consent(step);
	else if (step->kind >= FAKE_SESSION)
		fake_call_account(step);
	else
		fake_call_operator(step);
}

/* Turns the loop until nothing waits. */
static void fake_run(void)
{
	while (fake.count > 0) {
		struct fake_step step = fake.steps[fake.first];
		fake.first = (fake.first + 1) % FAKE_STEPS;
		fake.count--;
		fake_call(&step);
	}
}

/* core/audit.h */

void audit_row_from_call(struct audit_row *row, struct call *call, const char *event, rc_t rc)
{
	*row = (struct audit_row){.request = call->request,
		.event = event,
		.code = rc_name(rc),
		.result = rc == RC_OK		 ? "ok"
			  : rc_status(rc) >= 500 ? "failed"
						 : "refused",
		.credential = call->credential,
		.address = call->address};
}

void core_audit_write(struct core *core, struct call *call, const struct audit_row *row,
	core_done_fn done, void *arg)
{
	(void)core;
	(void)call;
	if (fake.row_count < 8) {
		snprintf(fake.rows[fake.row_count].event, 64, "%s", row->event);
		snprintf(fake.rows[fake.row_count].result, 16, "%s", row->result);
		snprintf(fake.rows[fake.row_count].code, 64, "%s", row->code);
		fake.rows[fake.row_count].request = row->request;
		fake.rows[fake.row_count].credential = row->credential;
		fake.row_count++;
	}
	fake_push(FAKE_DONE, (void *)done, arg, fake.audit);
}

void core_audit_find(struct core *core, struct call *call, const struct audit_query *query,
	core_audit_fn done, void *arg)
{
	(void)core;
	(void)call;
	fake.limit = query->limit;
	fake.subscriber = query->subscriber;
	fake.hash_len = query->digest.len;
	fake.asked++;
	fake_push(FAKE_EVENTS, (void *)done, arg, fake.other);
}

/* core/oauth/client_auth.h, core/oauth/client_grant.h */

void core_client_authenticate(struct core *core, struct call *call,
	const struct client_proof *proof, core_client_fn2 done, void *arg)
{
	bool proved = proof->secret.len > 0 || proof->assertion.len > 0;

	(void)core;
	call->who.kind = PRINCIPAL_CLIENT;
	fake_copy(fake.client_id, sizeof(fake.client_id), proof->id);
	fake_copy(fake.client_secret, sizeof(fake.client_secret), proof->secret);
	fake_copy(fake.endpoint, sizeof(fake.endpoint), span_string(proof->endpoint));
	fake_push(FAKE_KNOWN, (void *)done, arg,
		proved ? fake.client : (struct fault){.rc = RC_CLIENT_AUTH_REQUIRED});
}

void core_client_grant(struct core *core, struct call *call, const struct client_known *client,
	core_token_fn done, void *arg)
{
	(void)core;
	(void)call;
	(void)client;
	fake.asked++;
	fake_push(FAKE_TOKEN, (void *)done, arg, fake.token);
}

/* core/oauth/token.h */

void core_token_authenticate(
	struct core *core, struct call *call, struct span token, core_done_fn done, void *arg)
{
	(void)core;
	call->who.kind = PRINCIPAL_CLIENT;
	fake_copy(fake.bearer, sizeof(fake.bearer), token);
	fake_push(FAKE_DONE, (void *)done, arg, fake.authenticate);
}

bool core_token_recognise(struct core *core, struct call *call, struct span token, rc_t *rc)
{
	(void)core;
	if (!fake.recognises)
		return false;
	call->who.kind = PRINCIPAL_CLIENT;
	fake_copy(fake.bearer, sizeof(fake.bearer), token);
	*rc = fake.authenticate.rc;
	return true;
}

void core_token_revoke(
	struct core *core, struct call *call, struct span token, core_done_fn done, void *arg)
{
	(void)core;
	(void)call;
	fake_copy(fake.token_sent, sizeof(fake.token_sent), token);
	fake.asked++;
	fake_push(FAKE_DONE, (void *)done, arg, fake.other);
}

must_check rc_t core_token_keys(const struct core *core, struct buf *json)
{
	(void)core;
	return buf_append_string(json, "{\"keys\":[]}");
}

void core_session_authenticate(struct core *core, struct call *call, struct span cookie,
	struct span csrf, core_done_fn done, void *arg)
{
	struct fault fault = fake.authenticate;

	(void)core;
	(void)cookie;
	if (fault.rc == RC_OK)
		call->who.kind = PRINCIPAL_SUBSCRIBER;
	if (csrf.data != NULL && csrf.len == 0)
		fault.rc = RC_CSRF_INVALID;
	fake_push(FAKE_DONE, (void *)done, arg, fault);
}

/* core/credential.h */

void core_credential_list(struct core *core, struct call *call, const struct id *subscriber,
	bool only_valid, const struct id *after, uint32_t limit, core_credentials_fn done,
	void *arg)
{
	(void)core;
	(void)call;
	(void)only_valid;
	fake.subscriber = *subscriber;
	fake.after = *after;
	fake.limit = limit;
	fake.asked++;
	fake_push(FAKE_VIEWS, (void *)done, arg, fake.views_fault);
}

void core_credential_get(struct core *core, struct call *call, const struct id *credential,
	core_credentials_fn done, void *arg)
{
	(void)core;
	(void)call;
	fake.credential = *credential;
	fake.asked++;
	fake_push(FAKE_VIEWS, (void *)done, arg, fake.views_fault);
}

/* core/sad.h, core/sign.h */

static void fake_hashes(struct span hashes, size_t len, size_t count)
{
	fake.hash_len = len;
	fake.hash_count = count;
	if (hashes.len > 0)
		memcpy(fake.first_hash, hashes.data, len < 64 ? len : 64);
}

void core_authorize(struct core *core, struct call *call, const struct authorize_request *request,
	core_sad_fn done, void *arg)
{
	(void)core;
	call->audited = true;
	fake.credential = request->credential;
	fake.signatures = request->signatures;
	fake.digest = request->digest;
	fake_copy(fake.pin, sizeof(fake.pin), request->pin);
	fake_copy(fake.otp, sizeof(fake.otp), request->otp);
	fake_hashes(request->hashes, request->hash_len, request->hash_count);
	fake.authorized = true;
	fake.asked++;
	fake_push(FAKE_SAD, (void *)done, arg, fake.sad);
}

void core_extend(struct core *core, struct call *call, const struct extend_request *request,
	core_sad_fn done, void *arg)
{
	(void)core;
	call->audited = true;
	fake.credential = request->credential;
	fake_copy(fake.sad_sent, sizeof(fake.sad_sent), request->sad);
	fake_hashes(request->hashes, request->hash_len, request->hash_count);
	fake.extended = true;
	fake.asked++;
	fake_push(FAKE_SAD, (void *)done, arg, fake.sad);
}

void core_sign_hash(struct core *core, struct call *call, const struct sign_request *request,
	core_sign_fn done, void *arg)
{
	(void)core;
	call->audited = true;
	fake.credential = request->credential;
	fake_copy(fake.sad_sent, sizeof(fake.sad_sent), request->sad);
	fake_copy(fake.sign_algo, sizeof(fake.sign_algo), span_string(request->sign_algo));
	fake_copy(fake.hash_algo, sizeof(fake.hash_algo), span_string(request->hash_algo));
	/* the fake's own refusal stands for SAD and algorithm, which come first */
	struct fault fault = fake.sign;
	if (fault.rc == RC_OK)
		fault.rc = request->params_fault != RC_OK ? request->params_fault
							  : request->hashes_fault;
	fake.signed_ = fault.rc == RC_OK;
	if (fake.signed_)
		fake_hashes(request->hashes, request->hash_len, request->hash_count);
	fake.asked++;
	fake_push(FAKE_SIGNED, (void *)done, arg, fault);
}

/* core/algo.h */

const char *const *sign_algo_oids(const struct key_algo *key)
{
	static const char *const rsa[] = {"1.2.840.113549.1.1.11", "1.2.840.113549.1.1.1", NULL};
	static const char *const ec[] = {"1.2.840.10045.4.3.2", NULL};

	return key->rsa ? rsa : ec;
}

const char *const *sign_algo_all_oids(void)
{
	static const char *const all[] = {"1.2.840.113549.1.1.11", "1.2.840.10045.4.3.2", NULL};

	return all;
}

/* core/core.h */

void core_health(const struct core *core, struct core_health *health)
{
	(void)core;
	*health = fake.health;
}

void core_watch(const struct core *core, struct core_watch *watch)
{
	(void)core;
	*watch = fake.watch;
}

struct span core_crl(const struct core *core)
{
	(void)core;
	return SPAN_NONE;
}

struct span core_ca_certificate(const struct core *core)
{
	(void)core;
	return span_string("certificate");
}

/* core/operation.h */

#define FAKE_OPERATION(name, request_type, fn_type, kind)                                   \
	void name(struct core *core, struct call *call, request_type request, fn_type done, \
		void *arg)                                                                  \
	{                                                                                   \
		(void)core;                                                                 \
		(void)call;                                                                 \
		(void)request;                                                              \
		fake.asked++;                                                               \
		fake_push((kind), (void *)done, arg, fake.other);                           \
	}

FAKE_OPERATION(core_agency_add, const struct agency_add_request *, core_id_fn, FAKE_ID)
FAKE_OPERATION(core_client_add, const struct client_add_request *, core_client_fn, FAKE_CLIENT)
FAKE_OPERATION(core_client_change, const struct client_change_request *, core_done_fn, FAKE_DONE)
FAKE_OPERATION(core_client_list, const struct id *, core_clients_fn, FAKE_CLIENTS)
FAKE_OPERATION(core_client_rotate, const struct id *, core_client_fn, FAKE_CLIENT)
FAKE_OPERATION(core_client_disable, const struct id *, core_done_fn, FAKE_DONE)
FAKE_OPERATION(core_subscriber_list, const struct subscriber_query *, core_subscribers_fn,
	FAKE_SUBSCRIBERS)
FAKE_OPERATION(core_subscriber_disable, const struct id *, core_done_fn, FAKE_DONE)
FAKE_OPERATION(core_enrol_check, struct span, core_enrol_fn, FAKE_ENROL)
FAKE_OPERATION(
	core_activate, const struct activation_request *, core_activation_fn, FAKE_ACTIVATION)

void core_agency_list(struct core *core, struct call *call, core_agencies_fn done, void *arg)
{
	(void)core;
	(void)call;
	fake.asked++;
	fake_push(FAKE_AGENCIES, (void *)done, arg, fake.other);
}

void core_subscriber_set_position(struct core *core, struct call *call, const struct id *subscriber,
	const char *position, core_decision_fn done, void *arg)
{
	(void)core;
	(void)call;
	(void)subscriber;
	(void)position;
	fake.asked++;
	fake_push(FAKE_DECISION, (void *)done, arg, fake.other);
}

void core_subscriber_unlock(struct core *core, struct call *call, struct span statement,
	struct span signature, core_done_fn done, void *arg)
{
	(void)core;
	(void)call;
	(void)statement;
	(void)signature;
	fake.asked++;
	fake_push(FAKE_DONE, (void *)done, arg, fake.other);
}

void core_enrol_submit(struct core *core, struct call *call, struct span statement,
	struct span signature, core_enrol_fn done, void *arg)
{
	(void)core;
	(void)call;
	(void)statement;
	(void)signature;
	fake.asked++;
	fake_push(FAKE_ENROL, (void *)done, arg, fake.other);
}

#include "fake_account.h"
#include "fake_consent.h"

#endif
