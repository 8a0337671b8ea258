#include "core/client_terms.h"

#include "core/operate.h"
#include "core/oauth/token.h"

#include <stdlib.h>
#include <string.h>

/* What the client is comes first: that says what may be changed. */
struct change_op {
	struct core *core;
	struct call *call;
	core_done_fn done;
	void *arg;
	struct fault fault;
	struct id client;
	json_t *redirect_uris, *jwks;
	struct buf certificate;
	struct client_terms terms;
};

static void change_end(void *arg)
{
	struct change_op *op = arg;

	op->done(op->arg, &op->fault);
	json_decref(op->redirect_uris);
	json_decref(op->jwks);
	buf_free(&op->certificate);
	client_terms_free(&op->terms);
	free(op);
}

static void change_written(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct change_op *op = arg;

	core_tokens_doubt(op->core);
	op->fault.rc = operate_outcome(op->call, rc, rows, RC_CLIENT_INACTIVE);
	change_end(op);
}

static rc_t change_check(struct change_op *op, const struct client_record *row)
{
	struct client_add_request request = {
		.mode = row->mode,
		.authentication = row->authentication,
		.redirect_uris = op->redirect_uris,
		.jwks = op->jwks,
	};
	rc_t rc = RC_OK;

	if (op->certificate.len > 0)
		rc = buf_string(&op->certificate, &request.certificate);
	if (rc == RC_OK && strcmp(row->state, "active") != 0)
		rc = RC_CLIENT_INACTIVE;
	if (rc == RC_OK)
		rc = client_terms_check_change(&request, &op->terms);
	op->fault.text = op->terms.text[0] == 0 ? NULL : op->terms.text;
	return rc;
}

static void change_note(struct audit_row *row, const struct client_new *changed)
{
	if (changed->redirect_uris != NULL && strlen(changed->redirect_uris) < AUDIT_DETAIL_MAX / 2)
		operate_detail(row, "redirectURIs", changed->redirect_uris);
	else if (changed->redirect_uris != NULL)
		operate_detail(row, "redirectURIs", "changed");
	if (changed->jwks != NULL)
		operate_detail(row, "jwks", "changed");
	if (changed->tls_sha256.data != NULL)
		operate_detail(row, "certificate", "changed");
}

static void change_loaded(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct change_op *op = arg;
	struct audit_row audit = {0};
	struct client_record row;

	if (rc == RC_OK && pg_row_count(rows) == 0)
		rc = RC_CLIENT_INACTIVE;
	if (rc == RC_OK) {
		store_client_get(rows, 0, &row);
		rc = change_check(op, &row);
	}
	op->fault.rc = rc;
	if (rc != RC_OK) {
		change_end(op);
		return;
	}
	op->terms.fresh.id = op->client;
	audit_row_from_call(&audit, op->call, "client.changed", RC_OK);
	audit.client = op->client;
	change_note(&audit, &op->terms.fresh);
	store_client_change(op->core->pg, &audit, &op->terms.fresh, change_written, op);
}

void core_client_change(struct core *core, struct call *call,
	const struct client_change_request *request, core_done_fn done, void *arg)
{
	struct change_op *op = core_alloc(sizeof(*op));

	*op = (struct change_op){
		.core = core, .call = call, .done = done, .arg = arg, .client = request->client};
	op->redirect_uris = json_deep_copy(request->redirect_uris);
	op->jwks = json_deep_copy(request->jwks);
	if (request->certificate != NULL)
		op->fault.rc = buf_append_string(&op->certificate, request->certificate);
	if ((request->redirect_uris != NULL && op->redirect_uris == NULL) ||
		(request->jwks != NULL && op->jwks == NULL))
		op->fault.rc = RC_NO_MEMORY;
	if (op->fault.rc != RC_OK)
		core_defer(core, change_end, op);
	else
		store_client_find(core->pg, &op->client, change_loaded, op);
}
