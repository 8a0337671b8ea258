/* PIN and one-time password, the signatures, and the signed files: one authorisation for as many
 * documents as the credential allows, each written before the next is asked for. Nothing of an
 * authorisation outlives it: the signer says for each how many documents it is for. */
#include "clients/cli/sign.h"

#include <stdlib.h>
#include <string.h>

#define PIECE 50 /* hashes in one request: what a connection that breaks can lose */

struct batch {
	struct signing *signing;
	const struct document **documents; /* for the result list */
	struct span *hashes;
	struct buf *signatures;
	size_t *indices; /* of documents, those of all batches */
	size_t total;
	size_t first, count; /* this batch's */
	struct sign_stop stop;
	struct secret pin, otp, sad;
};

static struct document *document_at(const struct batch *batch, size_t index)
{
	return &batch->signing->documents[batch->indices[index]];
}

/* Authenticators show "123 456". */
static void drop_spaces(struct secret *otp)
{
	size_t kept = 0;

	for (size_t i = 0; i < otp->bytes.len; i++) {
		if (otp->bytes.data[i] != ' ')
			otp->bytes.data[kept++] = otp->bytes.data[i];
	}
	otp->bytes.len = kept;
}

static void say_what_is_authorised(const struct batch *batch)
{
	struct cli *cli = batch->signing->cli;
	const char *who = batch->signing->credential.subject;
	size_t most = batch->signing->credential.multisign;

	if (batch->total <= most)
		cli_note(cli, "%zu document(s) to be signed by %s",
			"%zu tài liệu sẽ được ký bởi %s", batch->count, who);
	else
		cli_note(cli,
			"authorisation %zu of %zu: %zu of %zu documents to be signed by %s; each "
			"authorisation needs a new one-time password",
			"lần cho phép %zu trên %zu: %zu trong %zu tài liệu sẽ được ký bởi %s; mỗi lần "
			"cần một mã OTP mới",
			batch->first / most + 1, (batch->total + most - 1) / most, batch->count,
			batch->total, who);
}

static enum cli_exit ask_factors(struct batch *batch)
{
	struct cli *cli = batch->signing->cli;
	bool otp = batch->signing->credential.needs_otp;

	if (!cli_has(cli, "pin-fd") || (otp && !cli_has(cli, "otp-fd")))
		say_what_is_authorised(batch);
	enum cli_exit code =
		cli_ask(cli, "pin-fd", (struct text){"PIN", "Mã PIN"}, ASK_HIDDEN, &batch->pin);
	if (code == CLI_DONE && otp)
		code = cli_ask(cli, "otp-fd", (struct text){"One-time password", "Mã OTP"},
			ASK_HIDDEN, &batch->otp);
	drop_spaces(&batch->otp);
	return code;
}

/* For curl, while it waits: the first signal lets the answer come, the second does not. */
static bool given_up(void *arg)
{
	struct batch *batch = arg;
	unsigned before = batch->stop.count;

	if (sign_stop_asked(&batch->stop) && before == 0)
		cli_note(batch->signing->cli,
			"\nstopping when the service has answered; once more stops at once",
			"\nsẽ dừng khi dịch vụ trả lời; nhấn lần nữa để dừng ngay");
	return batch->stop.count > 1;
}

static enum cli_exit put_results(struct batch *batch, size_t first, size_t count)
{
	for (size_t i = 0; i < count; i++)
		batch->documents[i] = document_at(batch, first + i);
	return sign_results_put(batch->signing, batch->documents, count);
}

static enum cli_exit authorize(struct batch *batch)
{
	struct signing *signing = batch->signing;
	struct cli *cli = signing->cli;
	const struct csc_hashes hashes = {
		.items = batch->hashes, .count = batch->count, .digest = signing->digest};
	const struct csc_factors factors = {
		.pin = secret_span(&batch->pin), .otp = secret_span(&batch->otp)};

	rc_t rc = csc_authorize(
		cli->client, signing->credential.id, &hashes, &factors, &batch->sad, &cli->answer);
	secret_free(&batch->pin);
	secret_free(&batch->otp);
	return rc == RC_OK ? CLI_DONE : cli_fail_rc(cli, rc);
}

/* What is refused is not signed; what was not answered may have been, and the signature is lost. */
static enum cli_exit fail_piece(struct batch *batch, size_t first, size_t count, rc_t rc)
{
	struct cli *cli = batch->signing->cli;
	enum cli_exit code = CLI_LOCAL;
	const char *words = cli_refusal(cli, rc, &code);

	if (batch->stop.count > 1)
		code = CLI_STOPPED;
	for (size_t i = 0; i < count; i++) {
		struct document *document = document_at(batch, first + i);
		document->fault =
			(struct sign_fault){.code = code, .words = strdup(words), .said = true};
		memcpy(document->request, cli->answer.request, sizeof(document->request));
	}
	/* the exit code is that of what stopped us, whether or not the list can say so */
	(void)put_results(batch, first, count);
	if (rc == RC_SERVER_UNREACHABLE)
		cli_note(cli,
			"the connection broke while %zu document(s) were being signed: what the service "
			"signed of them is lost, they need another authorisation",
			"mất kết nối khi đang ký %zu tài liệu: nếu dịch vụ đã ký thì các chữ ký đó bị mất, "
			"cần cho phép ký lại các tài liệu này",
			count);
	return code == CLI_STOPPED ? code : cli_fail_rc(cli, rc);
}

static enum cli_exit sign_piece(struct batch *batch, size_t at, size_t count)
{
	struct signing *signing = batch->signing;
	struct cli *cli = signing->cli;
	const struct csc_hashes hashes = {
		.items = batch->hashes + at, .count = count, .digest = signing->digest};

	rc_t rc = csc_sign_hash(cli->client, signing->credential.id, &hashes, signing->scheme,
		&batch->sad, batch->signatures, &cli->answer);
	if (rc != RC_OK)
		return fail_piece(batch, batch->first + at, count, rc);
	for (size_t i = 0; i < count; i++) {
		struct document *document = document_at(batch, batch->first + at + i);
		document->signature = batch->signatures[i];
		batch->signatures[i] = BUF_INIT;
		document->state = SIGN_SIGNED;
		memcpy(document->request, cli->answer.request, sizeof(document->request));
	}
	return put_results(batch, batch->first + at, count);
}

static enum cli_exit sign_pieces(struct batch *batch)
{
	struct cli_progress progress = {.what = {"signing", "đang ký"}};
	enum cli_exit code = CLI_DONE;
	size_t at = 0;

	cli_progress(batch->signing->cli, &progress, 0, batch->count);
	while (code == CLI_DONE && at < batch->count) {
		size_t count = batch->count - at < PIECE ? batch->count - at : PIECE;
		if (sign_stop_asked(&batch->stop))
			code = CLI_STOPPED;
		else
			code = sign_piece(batch, at, count);
		at += count;
		cli_progress(batch->signing->cli, &progress, code == CLI_DONE ? at : batch->count,
			batch->count);
	}
	return code;
}

/* One that fails does not take the others' signatures away. */
static enum cli_exit write_signed(struct batch *batch)
{
	struct cli_progress progress = {.what = {"writing", "đang ghi"}};
	enum cli_exit code = CLI_DONE;

	cli_progress(batch->signing->cli, &progress, 0, batch->count);
	for (size_t i = 0; i < batch->count; i++) {
		struct document *document = document_at(batch, batch->first + i);
		if (document->state != SIGN_SIGNED)
			continue;
		if (sign_stop_asked(&batch->stop)) {
			code = CLI_STOPPED;
			break;
		}
		sign_finish(batch->signing, document);
		enum cli_exit put = put_results(batch, batch->first + i, 1);
		/* a disk that takes no more ends the run; another fault is that document's alone */
		if (document->fault.code == CLI_LOCAL)
			put = CLI_LOCAL;
		code = code != CLI_DONE ? code : put;
		cli_progress(batch->signing->cli, &progress, i, batch->count);
	}
	cli_progress(batch->signing->cli, &progress, batch->count, batch->count);
	return code;
}

/* A signal that came when all was done stops nothing. */
static bool is_stopped(const struct batch *batch)
{
	const struct signing *signing = batch->signing;

	for (size_t i = 0; batch->stop.count > 0 && i < signing->count; i++) {
		enum sign_state state = signing->documents[i].state;
		if (state == SIGN_READY || state == SIGN_SIGNED)
			return true;
	}
	return false;
}

static enum cli_exit run_batch(struct batch *batch)
{
	struct client *client = batch->signing->cli->client;

	enum cli_exit code = ask_factors(batch);
	if (code != CLI_DONE)
		return code;
	if (sign_stop_begin(&batch->stop) != RC_OK)
		return cli_fail_rc(batch->signing->cli, RC_SYSTEM);
	client_watch(client, given_up, batch);
	code = authorize(batch);
	if (code == CLI_DONE)
		code = sign_pieces(batch);
	client_watch(client, NULL, NULL);
	secret_free(&batch->sad);
	enum cli_exit written = write_signed(batch);
	sign_stop_end(&batch->stop);
	if (is_stopped(batch))
		return CLI_STOPPED;
	return code != CLI_DONE ? code : written;
}

/* What an earlier run has signatures for takes no authorisation. */
static enum cli_exit write_recalled(struct batch *batch)
{
	size_t count = 0;

	for (size_t i = 0; i < batch->signing->count; i++) {
		if (batch->signing->documents[i].state == SIGN_SIGNED)
			batch->indices[count++] = i;
	}
	batch->count = count;
	if (count == 0)
		return CLI_DONE;
	if (sign_stop_begin(&batch->stop) != RC_OK)
		return cli_fail_rc(batch->signing->cli, RC_SYSTEM);
	enum cli_exit code = write_signed(batch);
	sign_stop_end(&batch->stop);
	return is_stopped(batch) ? CLI_STOPPED : code;
}

static void find_ready(struct batch *batch)
{
	const struct signing *signing = batch->signing;

	batch->total = 0;
	for (size_t i = 0; i < signing->count; i++) {
		const struct document *document = &signing->documents[i];
		if (document->state != SIGN_READY)
			continue;
		batch->indices[batch->total++] = i;
	}
}

static bool batch_new(struct batch *batch)
{
	size_t count = batch->signing->count;

	batch->documents = calloc(count, sizeof(batch->documents[0]));
	batch->hashes = calloc(count, sizeof(batch->hashes[0]));
	batch->indices = calloc(count, sizeof(batch->indices[0]));
	batch->signatures = calloc(PIECE, sizeof(batch->signatures[0]));
	return batch->documents != NULL && batch->hashes != NULL && batch->indices != NULL &&
	       batch->signatures != NULL;
}

static void batch_free(struct batch *batch)
{
	for (size_t i = 0; batch->signatures != NULL && i < PIECE; i++)
		buf_free(&batch->signatures[i]);
	free(batch->documents);
	free(batch->hashes);
	free(batch->indices);
	free(batch->signatures);
	secret_free(&batch->pin);
	secret_free(&batch->otp);
	secret_free(&batch->sad);
}

static enum cli_exit run_batches(struct batch *batch)
{
	size_t most = batch->signing->credential.multisign;
	enum cli_exit code = CLI_DONE;

	find_ready(batch);
	for (batch->first = 0; code == CLI_DONE && batch->first < batch->total;
		batch->first += most) {
		size_t left = batch->total - batch->first;
		batch->count = left < most ? left : most;
		for (size_t i = 0; i < batch->count; i++) {
			const struct sign_digests *digests =
				&document_at(batch, batch->first + i)->digests;
			batch->hashes[i] = SPAN(digests->to_sign, digests->to_sign_len);
		}
		code = run_batch(batch);
	}
	return code;
}

enum cli_exit sign_all(struct signing *signing)
{
	struct batch batch = {.signing = signing};
	enum cli_exit code = CLI_DONE;

	if (!batch_new(&batch))
		code = cli_fail_rc(signing->cli, RC_NO_MEMORY);
	if (code == CLI_DONE)
		code = write_recalled(&batch);
	if (code == CLI_DONE)
		code = run_batches(&batch);
	batch_free(&batch);
	return code;
}
