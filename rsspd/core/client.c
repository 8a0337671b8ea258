#include "core/client_terms.h"

#include "core/operate.h"
#include "core/secret_text.h"
#include "core/oauth/token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One struct for all three: they end alike. */
struct client_op {
	struct core *core;
	struct call *call;
	core_client_fn done_secret; /* add, rotate */
	core_done_fn done;	    /* disable */
	void *arg;
	struct fault fault;
	rc_t none; /* what it means that no row came back */
	struct id id;
	struct secret secret;	   /* base64url text */
	struct client_terms terms; /* add */
};

static void client_end(void *arg)
{
	struct client_op *op = arg;
	bool ok = op->fault.rc == RC_OK;

	if (op->done != NULL)
		op->done(op->arg, &op->fault);
	else
		op->done_secret(op->arg, &op->fault, ok ? &op->id : NULL, ok ? &op->secret : NULL);
	secret_free(&op->secret);
	client_terms_free(&op->terms);
	free(op);
}

static void client_on_done(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct client_op *op = arg;

	core_tokens_doubt(op->core);
	op->fault.rc = operate_outcome(op->call, rc, rows, op->none);
	client_end(op);
}

/* What the audit says of it. A list of addresses that is too long for a row is only counted. */
static void client_note(struct audit_row *row, const struct client_add_request *request,
	const struct client_new *fresh)
{
	char count[24];

	operate_detail(row, "name", fresh->name);
	operate_detail(row, "mode", fresh->mode);
	operate_detail(row, "profile", fresh->profile);
	operate_detail(row, "authentication", fresh->authentication);
	if (strlen(fresh->redirect_uris) < AUDIT_DETAIL_MAX / 3) {
		operate_detail(row, "redirectURIs", fresh->redirect_uris);
		return;
	}
	snprintf(count, sizeof(count), "%zu", json_array_size(request->redirect_uris));
	operate_detail(row, "redirectURIs", count);
}

void core_client_add(struct core *core, struct call *call, const struct client_add_request *request,
	core_client_fn done, void *arg)
{
	struct client_op *op = core_alloc(sizeof(*op));
	struct client_terms *terms = &op->terms;
	uint8_t secret_sha256[SHA256_LEN];
	struct audit_row row = {0};

	op->core = core;
	op->call = call;
	op->done_secret = done;
	op->arg = arg;
	op->none = RC_AGENCY_UNKNOWN;
	op->fault.rc = client_terms_check(request, terms);
	op->fault.text = terms->text[0] == 0 ? NULL : terms->text;
	if (op->fault.rc == RC_OK)
		op->fault.rc = id_random(&op->id);
	if (op->fault.rc == RC_OK && strcmp(request->authentication, "secret") == 0) {
		op->fault.rc = secret_text_make(&op->secret, secret_sha256);
		terms->fresh.secret_sha256 = SPAN(secret_sha256, SHA256_LEN);
	}
	if (op->fault.rc != RC_OK) {
		core_defer(core, client_end, op);
		return;
	}
	terms->fresh.id = op->id;
	audit_row_from_call(&row, call, "client.added", RC_OK);
	row.client = op->id;
	row.agency = request->agency;
	client_note(&row, request, &terms->fresh);
	store_client_add(core->pg, &row, &terms->fresh, client_on_done, op);
}

static void client_on_rotated(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct client_op *op = arg;

	if (rc == RC_OK && pg_row_count(rows) == 1 && !pg_bool(rows, 0, 1)) {
		op->fault.rc = RC_PARAMETER_INVALID;
		op->fault.text =
			"A parameter has a value that is not allowed: clientID: this client "
			"has no secret, it authenticates in another way";
		client_end(op);
		return;
	}
	client_on_done(arg, rc, rows);
}

void core_client_rotate(struct core *core, struct call *call, const struct id *client,
	core_client_fn done, void *arg)
{
	struct client_op *op = core_alloc(sizeof(*op));
	uint8_t sha256[SHA256_LEN];
	struct audit_row row = {0};

	op->core = core;
	op->call = call;
	op->done_secret = done;
	op->arg = arg;
	op->none = RC_CLIENT_INACTIVE;
	op->id = *client;
	op->fault.rc = secret_text_make(&op->secret, sha256);
	if (op->fault.rc != RC_OK) {
		core_defer(core, client_end, op);
		return;
	}
	audit_row_from_call(&row, call, "client.rotated", RC_OK);
	row.client = *client;
	store_client_rotate(core->pg, &row, client, sha256, client_on_rotated, op);
}

void core_client_disable(
	struct core *core, struct call *call, const struct id *client, core_done_fn done, void *arg)
{
	struct client_op *op = core_alloc(sizeof(*op));
	struct audit_row row = {0};

	op->core = core;
	op->call = call;
	op->done = done;
	op->arg = arg;
	op->none = RC_CLIENT_UNKNOWN;
	op->id = *client;
	audit_row_from_call(&row, call, "client.disabled", RC_OK);
	row.client = *client;
	store_client_disable(core->pg, &row, client, client_on_done, op);
}

/* ---- list ---- */

struct client_list_op {
	core_clients_fn done;
	void *arg;
	bool one;
};

static rc_t client_view_read(const struct pg_rows *rows, size_t row, struct client_view *view)
{
	struct client_record record;

	store_client_get(rows, row, &record);
	*view = (struct client_view){
		.id = record.id,
		.agency = record.agency,
		.name = record.name,
		.mode = record.mode,
		.profile = record.profile,
		.state = record.state,
		.authentication = record.authentication,
		.csc_version = record.csc_version,
		.redirect_uris = json_loads(record.redirect_uris, 0, NULL),
		.tls_sha256 = record.tls_sha256,
	};
	if (record.jwks != NULL)
		view->jwks = json_loads(record.jwks, 0, NULL);
	return view->redirect_uris == NULL || (record.jwks != NULL && view->jwks == NULL)
		       ? RC_INTERNAL
		       : RC_OK;
}

static void clients_on_rows(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct client_list_op *op = arg;
	size_t count = rc == RC_OK ? pg_row_count(rows) : 0;
	struct client_view *views = count == 0 ? NULL : core_alloc(count * sizeof(*views));

	if (rc == RC_OK && op->one && count == 0)
		rc = RC_CLIENT_UNKNOWN;
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		rc = client_view_read(rows, i, &views[i]);
	struct fault fault = fault_of(rc);
	op->done(op->arg, &fault, views, rc == RC_OK ? count : 0);
	for (size_t i = 0; i < count; i++) {
		json_decref(views[i].redirect_uris);
		json_decref(views[i].jwks);
	}
	free(views);
	free(op);
}

void core_client_list(struct core *core, struct call *call, const struct id *client,
	core_clients_fn done, void *arg)
{
	struct client_list_op *op = core_alloc(sizeof(*op));

	(void)call; /* changes nothing: the router's row is the audit */
	*op = (struct client_list_op){done, arg, !id_is_zero(client)};
	if (op->one)
		store_client_find(core->pg, client, clients_on_rows, op);
	else
		store_client_list(core->pg, clients_on_rows, op);
}
