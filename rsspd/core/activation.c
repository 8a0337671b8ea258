#include "core/operate.h"

#include "base/clock.h"
#include "base/log.h"
#include "core/account_internal.h"
#include "core/otpauth.h"
#include "core/x509.h"
#include "store/enrolment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Refusals that must not tell a wrong code from an unknown person leave this long after the request
 * came, whatever was done for them. */
#define REFUSAL_AFTER_MS 400
#define IDENTITY_NUMBER_SIZE 32
#define OTP_ISSUER "Ký số tập trung"

struct activation_op {
	struct core *core;
	struct call *call;
	core_activation_fn done;
	void *arg;
	struct fault fault;
	struct buf text; /* of the fault, when the policy gave it */
	int64_t started_ms;
	struct loop_timer *refusal;
	char identity_number[IDENTITY_NUMBER_SIZE];
	struct secret code, pin, password;
	const struct key_algo *key;
	bool pin_only;
	struct enrolment_tried tried;
	bool decoy; /* nobody: the SAM is asked all the same, see below */
	struct operate_policy ask;
	struct policy_decision decision;
	struct id credential;
	struct secret otpauth;
	struct buf certificate;
};

/* ---- the end ---- */

static void activation_end(void *arg)
{
	struct activation_op *op = arg;
	struct activation_view view = {
		op->tried.subscriber, op->credential, &op->otpauth, buf_span(&op->certificate)};

	op->done(op->arg, &op->fault, op->fault.rc == RC_OK ? &view : NULL);
	loop_timer_free(&op->refusal);
	enrolment_tried_free(&op->tried);
	secret_free(&op->code);
	secret_free(&op->pin);
	secret_free(&op->password);
	secret_free(&op->otpauth);
	buf_free(&op->certificate);
	buf_free(&op->text);
	free(op);
}

static void activation_fail(struct activation_op *op, rc_t rc)
{
	op->fault.rc = rc;
	if (rc != RC_ACTIVATION_REFUSED) {
		activation_end(op);
		return;
	}
	loop_timer_set(op->refusal, op->started_ms + REFUSAL_AFTER_MS - clock_monotonic_ms());
}

/* ---- what the SAM made is written down ---- */

static void activation_on_added(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct activation_op *op = arg;

	op->fault = fault_of(operate_outcome(op->call, rc, rows, RC_CONFLICT));
	if (op->fault.rc == RC_OK)
		core_notices_wake(op->core);
	else if (op->fault.rc == RC_CONFLICT)
		op->call->credential = (struct id){0}; /* it never came to be */
	activation_end(op);
}

static void activation_row(
	const struct activation_op *op, struct audit_row *row, const struct x509_facts *facts,
	bool with_password)
{
	char serial[2 * SERIAL_MAX + 1];

	digest_hex(SPAN(facts->serial, facts->serial_len), serial);
	audit_row_from_call(row, op->call, "credential.activated", RC_OK);
	operate_detail_id(row, "enrolment", &op->tried.id);
	operate_detail(row, "key", op->key->name);
	operate_detail(row, "factors", op->pin_only ? "PIN" : "PIN AND OTP");
	operate_detail(row, "serial", serial);
	if (with_password)
		operate_detail(row, "password", "set");
}

static void activation_record(
	struct activation_op *op, const struct job_activated *made, const struct x509_facts *facts)
{
	struct credential_new fresh = {
		.id = op->credential,
		.enrolment = op->tried.id,
		.subscriber = op->tried.subscriber,
		.subscriber_version = op->tried.facts.version,
		.policy_version = op->decision.version,
		.key = op->key->name,
		.factors = op->pin_only ? "PIN" : "PIN AND OTP",
		.scal = op->pin_only ? SCAL_1 : SCAL_2,
		.certificate = buf_span(&op->certificate),
		.serial = SPAN(facts->serial, facts->serial_len),
		.valid_from_ms = facts->valid_from_ms,
		.valid_to_ms = facts->valid_to_ms,
		.otp_seal = buf_span(&made->otp_seal),
		.generation = (int64_t)made->generation,
		.kdf_memory_kib = (int64_t)made->kdf.memory_kib,
		.kdf_passes = (int64_t)made->kdf.passes,
		.salt = buf_span(&made->salt),
		.key_seal = buf_span(&made->key_seal),
		.password = password_new_of(&made->password),
	};
	struct audit_row row = {0};

	memcpy(fresh.certificate_sha256, facts->sha256, SHA256_LEN);
	op->call->credential = op->credential;
	activation_row(op, &row, facts, made->password.generation != 0);
	store_credential_add(op->core->pg, &row, &fresh, activation_on_added, op);
}

/* A person may have several credentials in one authenticator: a part of its id tells them apart. */
static rc_t activation_name_otp(struct activation_op *op, const struct job_activated *made)
{
	const char *service = op->core->settings.service_name;
	const char *issuer = service == NULL || service[0] == 0 ? OTP_ISSUER : service;
	char account[SUBSCRIBER_TEXT + ID_TEXT], id[ID_TEXT];

	id_format(&op->credential, id);
	snprintf(account, sizeof(account), "%s (%.8s)", op->tried.name, id);
	return otpauth_uri(&op->otpauth, buf_span(&made->otp_secret), issuer, account);
}

static rc_t activation_take(
	struct activation_op *op, struct job_activated *made, struct x509_facts *facts)
{
	rc_t rc = buf_append_span(&op->certificate, buf_span(&made->certificate));

	if (rc == RC_OK)
		rc = x509_facts_read(facts, buf_span(&op->certificate));
	if (rc == RC_OK && !op->pin_only)
		rc = activation_name_otp(op, made);
	return rc;
}

/* ---- what was refused without a look at the code, or with a right one ---- */

static void activation_on_untried(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct activation_op *op = arg;
	char request[ID_TEXT];

	id_format(&op->call->request, request);
	/* without a row the try stays counted, and the router writes what happened */
	rc_t given_back = operate_outcome(op->call, rc, rows, RC_CONFLICT);
	if (given_back != RC_OK)
		log_warning("activation: a try was not given back code=%s req=%s",
			rc_name(given_back), request);
	activation_end(op);
}

static void activation_give_back(struct activation_op *op, rc_t rc)
{
	struct audit_row row = {0};

	op->fault.rc = rc;
	audit_row_from_call(&row, op->call, op->call->event, rc);
	operate_detail_id(&row, "enrolment", &op->tried.id);
	store_enrolment_untry(op->core->pg, &row, &op->tried.id, activation_on_untried, op);
}

static void activation_on_answer(void *arg, struct hsm_answer *answer)
{
	struct activation_op *op = arg;
	struct x509_facts facts;
	char request[ID_TEXT];
	rc_t rc = answer->rc;

	if (op->decoy) {
		bool unheard = rc == RC_HSM_DOWN || rc == RC_HSM_LOST;
		activation_fail(op, unheard ? rc : RC_ACTIVATION_REFUSED);
		return;
	}
	if (rc == RC_PIN_WEAK || rc == RC_PASSWORD_WEAK || rc == RC_HSM_DOWN) {
		activation_give_back(op, rc);
		return;
	}
	if (rc == RC_STATEMENT_INVALID) {
		id_format(&op->call->request, request);
		log_error("activation: an enrolment that no operator signed was refused req=%s",
			request);
		rc = RC_ACTIVATION_REFUSED;
	}
	if (rc == RC_OK)
		rc = activation_take(op, answer->activated, &facts);
	if (rc != RC_OK)
		activation_fail(op, rc);
	else
		activation_record(op, answer->activated, &facts);
}

/* ---- what is asked ---- */

static void activation_ask_sam(struct activation_op *op)
{
	struct job_activate job = {
		.statement = buf_span(&op->tried.statement),
		.signature = buf_span(&op->tried.signature),
		.enrolment = op->tried.id,
		.subscriber = op->tried.subscriber,
		.credential = op->credential,
		.code_mac = buf_span(&op->tried.code_mac),
		.code_expires_ms = op->tried.code_expires_ms,
		.code = secret_span(&op->code),
		.identity_number = span_string(op->identity_number),
		.pin = secret_span(&op->pin),
		.key = op->key->kind,
		.factors = op->pin_only ? "PIN" : "PIN AND OTP",
		.scal = op->pin_only ? SCAL_1 : SCAL_2,
		.password = secret_span(&op->password),
	};

	memcpy(job.operator_fingerprint, op->tried.operator_fingerprint, SHA256_LEN);
	hsm_client_activate(op->core->hsm, &job, activation_on_answer, op);
	secret_free(&op->code);
	secret_free(&op->pin);
	secret_free(&op->password);
}

/* Asked before the SAM, because a certificate cannot be unmade: who was enrolled and then excluded
 * learns so without a right code. */
static void activation_on_policy(void *arg, rc_t rc, const struct policy *policy)
{
	struct activation_op *op = arg;
	const struct subscriber_facts *facts = &op->tried.facts;
	struct policy_subject subject = {
		.kind = "person",
		.sector = facts->sector,
		.position = facts->position,
		.budget_code = facts->budget_code,
		.disabled = facts->disabled,
	};

	if (rc == RC_OK)
		rc = core_decide(policy, op->call, POLICY_ACTIVATE, &subject, NULL, NULL,
			&op->decision, &op->text);
	if (rc == RC_POLICY_DENIED || rc == RC_POLICY_WAIT) {
		if (op->text.len > 0 && buf_string(&op->text, &op->fault.text) != RC_OK)
			op->fault.text = NULL;
		activation_give_back(op, rc);
		return;
	}
	if (rc == RC_OK)
		rc = id_random(&op->credential);
	if (rc != RC_OK)
		activation_fail(op, rc);
	else
		activation_ask_sam(op);
}

/* For nobody, the SAM gets a line that no operator signed: its queue, and its absence, must not
 * tell who has a code. */
static void activation_ask_for_nobody(struct activation_op *op)
{
	static const uint8_t nothing[CODE_MAC_LEN] = {0};
	rc_t rc = buf_append(&op->tried.statement, nothing, sizeof(nothing));

	op->decoy = true;
	if (rc == RC_OK)
		rc = buf_append(&op->tried.signature, nothing, sizeof(nothing));
	if (rc == RC_OK)
		rc = buf_append(&op->tried.code_mac, nothing, sizeof(nothing));
	if (rc == RC_OK)
		rc = id_random(&op->credential);
	if (rc != RC_OK)
		activation_fail(op, rc);
	else
		activation_ask_sam(op);
}

static void activation_on_tried(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct activation_op *op = arg;

	if (rc == RC_OK && pg_row_count(rows) == 0) {
		activation_ask_for_nobody(op);
		return;
	}
	if (rc == RC_OK)
		rc = store_enrolment_tried(rows, &op->tried);
	if (rc != RC_OK) {
		activation_fail(op, rc);
		return;
	}
	op->call->subscriber = op->tried.subscriber;
	operate_policy(
		&op->ask, op->core, op->tried.facts.policy_version, activation_on_policy, op);
}

/* What cannot be anybody's number is looked up as "", which is nobody's. */
static void identity_number_copy(char out[IDENTITY_NUMBER_SIZE], struct span number)
{
	out[0] = 0;
	if (number.len >= IDENTITY_NUMBER_SIZE)
		return;
	for (size_t i = 0; i < number.len; i++) {
		if (number.data[i] <= ' ' || number.data[i] > '~')
			return;
	}
	memcpy(out, number.data, number.len);
	out[number.len] = 0;
}

static rc_t activation_copy(struct activation_op *op, const struct activation_request *request)
{
	identity_number_copy(op->identity_number, request->identity_number);
	op->key = request->key;
	op->pin_only = request->pin_only;
	if (op->key == NULL)
		return RC_KEY_ALGO_INVALID;
	if (op->pin_only && !op->core->settings.pin_only_allowed) {
		op->fault.text = "Parameter factors: a PIN alone is not offered here";
		return RC_PARAMETER_INVALID;
	}
	rc_t rc = loop_timer_new(op->core->loop, activation_end, op, &op->refusal);
	if (rc == RC_OK)
		rc = secret_set(&op->code, request->code);
	if (rc == RC_OK)
		rc = secret_set(&op->pin, request->pin);
	if (rc == RC_OK)
		rc = secret_set(&op->password, request->password);
	return rc;
}

void core_activate(struct core *core, struct call *call, const struct activation_request *request,
	core_activation_fn done, void *arg)
{
	struct activation_op *op = core_alloc(sizeof(*op));

	op->core = core;
	op->call = call;
	op->done = done;
	op->arg = arg;
	op->started_ms = clock_monotonic_ms();
	op->fault.rc = activation_copy(op, request);
	if (op->fault.rc != RC_OK)
		core_defer(core, activation_end, op);
	else
		store_enrolment_try(
			core->pg, op->identity_number, clock_wall_ms(), activation_on_tried, op);
}
