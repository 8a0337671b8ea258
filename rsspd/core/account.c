#include "core/account_internal.h"

#include "base/clock.h"
#include "core/secret_text.h"
#include "core/session.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOGIN_MAX 254 /* the longest e-mail address */
#define LOGIN_LABEL "rssp login "

/* ---- signing in ---- */

struct sign_in_op {
	struct core *core;
	struct call *call;
	core_sign_in_fn done;
	void *arg;
	char login[LOGIN_MAX + 1];
	struct password_query query;
	char name[ACCOUNT_TEXT];
	struct secret cookie;
};

static void sign_in_end(struct sign_in_op *op, const struct fault *fault)
{
	struct sign_in_view view = {op->name, &op->cookie, SESSION_LONGEST_MS / 1000};

	op->done(op->arg, fault, fault->rc == RC_OK ? &view : NULL);
	secret_free(&op->cookie);
	free(op);
}

static void sign_in_recorded(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct sign_in_op *op = arg;

	/* the password was changed, or the subscriber disabled, in this moment */
	if (rc == RC_OK && pg_row_count(rows) != 1)
		rc = RC_SIGN_IN_REFUSED;
	op->call->audited = rc == RC_OK;
	struct fault fault = fault_of(rc);
	sign_in_end(op, &fault);
}

static void sign_in_begin(struct sign_in_op *op, const struct password_checked *checked)
{
	struct session_new fresh = {
		.subscriber = checked->subscriber,
		.version = checked->version,
		.ends_ms = clock_wall_ms() + SESSION_LONGEST_MS,
		.renewed = password_new_of(&checked->renewed),
	};
	struct audit_row row;

	rc_t rc = secret_text_make(&op->cookie, fresh.sha256);
	if (rc != RC_OK) {
		struct fault fault = fault_of(rc);
		sign_in_end(op, &fault);
		return;
	}
	memcpy(op->name, checked->name, sizeof(op->name));
	memcpy(fresh.failures_sha256, op->query.sha256, SHA256_LEN);
	audit_row_from_call(&row, op->call, "account.signed-in", RC_OK);
	store_session_add(op->core->pg, &row, &fresh, sign_in_recorded, op);
}

static void sign_in_checked(void *arg, const struct password_checked *checked)
{
	struct sign_in_op *op = arg;
	struct fault fault = {.rc = checked->rc, .retry_after_s = checked->retry_after_s};

	op->call->subscriber = checked->subscriber;
	if (checked->rc == RC_OK) {
		sign_in_begin(op, checked);
		return;
	}
	if (fault.rc == RC_PASSWORD_WRONG)
		fault.rc = RC_SIGN_IN_REFUSED;
	sign_in_end(op, &fault);
}

/* Without the blanks around it, and an address in lower case; what is too long is nobody's. */
static void login_copy(struct sign_in_op *op, struct span login)
{
	size_t len = 0;

	while (login.len > 0 && login.data[0] == ' ')
		login = SPAN(login.data + 1, login.len - 1);
	while (login.len > 0 && login.data[login.len - 1] == ' ')
		login.len--;
	if (login.len > LOGIN_MAX)
		login.len = 0;
	for (size_t i = 0; i < login.len; i++) {
		char letter = (char)login.data[i];
		if (letter == 0)
			break;
		op->login[len++] = letter >= 'A' && letter <= 'Z' ? (char)(letter + 32) : letter;
	}
	op->login[len] = 0;
	if (strchr(op->login, '@') != NULL)
		op->query.email = op->login;
	else
		op->query.identity_number = op->login;
}

static rc_t sign_in_query(struct sign_in_op *op, struct span login)
{
	struct buf counted = BUF_INIT;

	login_copy(op, login);
	op->query.now_ms = clock_wall_ms();
	rc_t rc = buf_append_string(&counted, LOGIN_LABEL);
	if (rc == RC_OK)
		rc = buf_append_string(&counted, op->login);
	if (rc == RC_OK)
		rc = digest_sha256(buf_span(&counted), op->query.sha256);
	buf_free(&counted);
	return rc;
}

static void sign_in_out_of_memory(void *arg)
{
	struct fault fault = fault_of(RC_NO_MEMORY);

	sign_in_end(arg, &fault);
}

void core_sign_in(struct core *core, struct call *call, struct span login, struct span password,
	core_sign_in_fn done, void *arg)
{
	struct sign_in_op *op = core_alloc(sizeof(*op));

	op->core = core;
	op->call = call;
	op->done = done;
	op->arg = arg;
	if (sign_in_query(op, login) == RC_OK)
		password_check(core, &op->query, password, sign_in_checked, op);
	else
		core_defer(core, sign_in_out_of_memory, op);
}

/* ---- what is shown ---- */

struct view_op {
	struct call *call;
	union {
		core_account_credentials_fn credentials;
		core_account_signatures_fn signatures;
	};
	void *arg;
	rc_t rc;
};

static struct view_op *view_new(struct call *call, void *arg)
{
	struct view_op *op = core_alloc(sizeof(*op));

	op->call = call;
	op->arg = arg;
	return op;
}

static const char *credential_status(const struct account_credential_row *row, int64_t now_ms)
{
	if (strcmp(row->state, "active") != 0)
		return row->state;
	if (row->valid_to_ms <= now_ms)
		return "expired";
	return row->locked ? "locked" : "enabled";
}

static void credentials_loaded(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct view_op *op = arg;
	struct fault fault = fault_of(rc);
	size_t count = rc == RC_OK ? pg_row_count(rows) : 0;
	struct account_credential *list = core_alloc((count + 1) * sizeof(*list));
	int64_t now_ms = clock_wall_ms();

	for (size_t i = 0; i < count; i++) {
		struct account_credential_row row;
		store_account_credentials_read(rows, i, &row);
		list[i] = (struct account_credential){
			.id = row.id,
			.status = credential_status(&row, now_ms),
			.key = row.key_algo,
			.factors = row.factors,
			.valid_from_ms = row.valid_from_ms,
			.valid_to_ms = row.valid_to_ms,
			.certificate = row.certificate,
		};
	}
	op->credentials(op->arg, &fault, list, count);
	free(list);
	free(op);
}

void core_account_credentials(
	struct core *core, struct call *call, core_account_credentials_fn done, void *arg)
{
	struct view_op *op = view_new(call, arg);

	op->credentials = done;
	store_account_credentials(core->pg, &call->who.subscriber, credentials_loaded, op);
}

/* A cursor: the last row's time in milliseconds and its id. */
static void cursor_write(char cursor[ACCOUNT_CURSOR], const struct account_signature_row *row)
{
	char id[ID_TEXT];

	id_format(&row->id, id);
	snprintf(cursor, ACCOUNT_CURSOR, "%" PRId64 ".%s", row->at_ms, id);
}

static rc_t cursor_read(const char *cursor, int64_t *at_ms, struct id *id)
{
	int64_t number = 0;
	size_t digits = strspn(cursor, "0123456789");

	if (digits == 0 || digits > 15 || cursor[digits] != '.')
		return RC_PARAMETER_INVALID;
	for (size_t i = 0; i < digits; i++)
		number = 10 * number + (cursor[i] - '0');
	if (number == 0 || id_parse(id, cursor + digits + 1) != RC_OK || id_is_zero(id))
		return RC_PARAMETER_INVALID;
	*at_ms = number;
	return RC_OK;
}

static void signatures_loaded(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct view_op *op = arg;
	struct fault fault = fault_of(rc);
	struct account_signature list[ACCOUNT_PAGE];
	char next[ACCOUNT_CURSOR] = "";
	size_t count = rc == RC_OK ? pg_row_count(rows) : 0;
	struct account_signature_row row;

	for (size_t i = 0; i < count && i < ACCOUNT_PAGE; i++) {
		store_account_signatures_read(rows, i, &row);
		list[i] = (struct account_signature){
			row.at_ms, row.client, row.agency, row.credential, row.count, row.labels};
	}
	if (count > ACCOUNT_PAGE) {
		count = ACCOUNT_PAGE;
		cursor_write(next, &row);
	}
	op->signatures(op->arg, &fault, list, count, next);
	free(op);
}

static void signatures_refused(void *arg)
{
	struct view_op *op = arg;
	struct fault fault = fault_of(op->rc);

	op->signatures(op->arg, &fault, NULL, 0, "");
	free(op);
}

void core_account_signatures(struct core *core, struct call *call, const char *before,
	core_account_signatures_fn done, void *arg)
{
	struct view_op *op = view_new(call, arg);
	struct id id = {{0}};
	int64_t at_ms = 0;

	op->signatures = done;
	if (before != NULL)
		op->rc = cursor_read(before, &at_ms, &id);
	if (op->rc != RC_OK)
		core_defer(core, signatures_refused, op);
	else
		store_account_signatures(core->pg, &call->who.subscriber, at_ms, &id,
			ACCOUNT_PAGE + 1, signatures_loaded, op);
}
