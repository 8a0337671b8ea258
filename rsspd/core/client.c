#include "core/operate.h"

#include "base/base64.h"
#include "store/client.h"

#include <stdlib.h>
#include <string.h>

#define CLIENT_SECRET_LEN 32

/* One struct for all three: they end alike. */
struct client_op {
	struct call *call;
	core_client_fn done_secret; /* add, rotate */
	core_done_fn done;	    /* disable */
	void *arg;
	struct fault fault;
	rc_t none; /* what it means that no row came back */
	struct id id;
	struct secret secret; /* base64url text */
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
	free(op);
}

static void client_on_done(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct client_op *op = arg;

	op->fault.rc = operate_outcome(op->call, rc, rows, op->none);
	client_end(op);
}

/* A fresh secret as its owner will send it, and its digest as the store keeps it. */
static rc_t client_secret_make(struct secret *text, uint8_t sha256[SHA256_LEN])
{
	struct secret bytes = SECRET_INIT;
	rc_t rc = secret_random(&bytes, CLIENT_SECRET_LEN);

	if (rc == RC_OK)
		rc = base64url_encode(&text->bytes, secret_span(&bytes));
	if (rc == RC_OK)
		rc = digest_sha256(secret_span(text), sha256);
	secret_free(&bytes);
	return rc;
}

static const char *client_fault(const struct client_add_request *request)
{
	if (!operate_text_fits(request->name, OPERATE_TEXT_MAX))
		return "Parameter name: 1 to 255 bytes";
	if (strcmp(request->mode, "explicit") != 0 && strcmp(request->mode, "oauth2code") != 0)
		return "Parameter mode: explicit or oauth2code";
	if (strcmp(request->profile, "general") != 0 && strcmp(request->profile, "finance") != 0)
		return "Parameter profile: general or finance";
	return NULL;
}

void core_client_add(struct core *core, struct call *call, const struct client_add_request *request,
	core_client_fn done, void *arg)
{
	struct client_op *op = core_alloc(sizeof(*op));
	struct client_new fresh = {.agency = request->agency,
		.name = request->name,
		.mode = request->mode,
		.profile = request->profile};
	struct audit_row row = {0};

	op->call = call;
	op->done_secret = done;
	op->arg = arg;
	op->none = RC_AGENCY_UNKNOWN;
	op->fault.text = client_fault(request);
	op->fault.rc = op->fault.text != NULL ? RC_PARAMETER_INVALID : id_random(&op->id);
	if (op->fault.rc == RC_OK)
		op->fault.rc = client_secret_make(&op->secret, fresh.secret_sha256);
	if (op->fault.rc != RC_OK) {
		core_defer(core, client_end, op);
		return;
	}
	fresh.id = op->id;
	audit_row_from_call(&row, call, "client.added", RC_OK);
	row.client = op->id;
	row.agency = request->agency;
	operate_detail(&row, "name", request->name);
	operate_detail(&row, "mode", request->mode);
	operate_detail(&row, "profile", request->profile);
	store_client_add(core->pg, &row, &fresh, client_on_done, op);
}

void core_client_rotate(struct core *core, struct call *call, const struct id *client,
	core_client_fn done, void *arg)
{
	struct client_op *op = core_alloc(sizeof(*op));
	uint8_t sha256[SHA256_LEN];
	struct audit_row row = {0};

	op->call = call;
	op->done_secret = done;
	op->arg = arg;
	op->none = RC_CLIENT_INACTIVE;
	op->id = *client;
	op->fault.rc = client_secret_make(&op->secret, sha256);
	if (op->fault.rc != RC_OK) {
		core_defer(core, client_end, op);
		return;
	}
	audit_row_from_call(&row, call, "client.rotated", RC_OK);
	row.client = *client;
	store_client_rotate(core->pg, &row, client, sha256, client_on_done, op);
}

void core_client_disable(
	struct core *core, struct call *call, const struct id *client, core_done_fn done, void *arg)
{
	struct client_op *op = core_alloc(sizeof(*op));
	struct audit_row row = {0};

	op->call = call;
	op->done = done;
	op->arg = arg;
	op->none = RC_CLIENT_UNKNOWN;
	op->id = *client;
	audit_row_from_call(&row, call, "client.disabled", RC_OK);
	row.client = *client;
	store_client_disable(core->pg, &row, client, client_on_done, op);
}
