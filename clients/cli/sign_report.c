/* What was signed, in words and in JSON. */
#include "clients/cli/sign.h"

#include <stdlib.h>
#include <string.h>

const char *sign_scheme_name(enum ades_scheme scheme)
{
	static const char *const names[] = {
		[ADES_RSA_PKCS1] = "RSA-PKCS1", [ADES_RSA_PSS] = "RSA-PSS", [ADES_ECDSA] = "ECDSA"};

	return names[scheme];
}

const char *sign_format_name(enum sign_format format)
{
	return format == SIGN_CADES ? "cades" : "pades";
}

/* A path may be of any bytes; JSON cannot. */
static json_t *json_path(const char *path)
{
	json_t *text = json_string(path == NULL ? "" : path);

	return text != NULL ? text : json_null();
}

size_t sign_say_faults(struct signing *signing)
{
	struct cli *cli = signing->cli;
	const struct sign_fault *first = NULL;
	size_t count = 0;

	for (size_t i = 0; i < signing->count; i++) {
		struct sign_fault *fault = &signing->documents[i].fault;
		if (fault->code == CLI_DONE)
			continue;
		count++;
		if (fault->said)
			continue;
		fault->said = true;
		first = first == NULL ? fault : first;
		cli_fail(cli, fault->code, "%s", "%s", fault->words == NULL ? "" : fault->words);
	}
	if (first != NULL && signing->code == CLI_DONE)
		signing->code = first->code;
	/* JSON says why the exit code is what it is */
	if (first != NULL && first->code == signing->code && first->words != NULL) {
		cli_result(cli, "error", json_string(cli_error_name(first->code)));
		cli_result(cli, "description", json_string(first->words));
		cli_result(cli, "exit", json_integer(first->code));
	}
	return count;
}

static const char *state_name(enum sign_state state)
{
	static const char *const names[] = {
		[SIGN_NEW] = "pending",
		[SIGN_FAULTY] = "failed",
		[SIGN_READY] = "pending",
		[SIGN_SIGNED] = "signed",
		[SIGN_DONE] = "done",
		[SIGN_KEPT] = "kept",
	};

	return names[state];
}

static json_t *json_document(const struct document *document)
{
	json_t *json = json_pack("{s:o, s:o, s:s, s:I}", "input", json_path(document->in), "output",
		json_path(document->out), "state", state_name(document->state), "earlierSignatures",
		(json_int_t)document->earlier);

	if (document->request[0] != 0)
		json_object_set_new(json, "requestID", json_string(document->request));
	if (document->fault.code == CLI_DONE)
		return json;
	json_object_set_new(json, "error", json_string(cli_error_name(document->fault.code)));
	if (document->fault.words != NULL)
		json_object_set_new(json, "description", json_string(document->fault.words));
	return json;
}

static void say_document(struct cli *cli, const struct document *document)
{
	if (document->state != SIGN_KEPT && document->state != SIGN_DONE)
		return;
	char *out = strdup(document->out);
	const char *name = out != NULL ? out : "";
	if (out != NULL)
		client_text_disarm(out, false);
	if (document->state == SIGN_KEPT)
		cli_say(cli, "%skept%s   %s (signed earlier)", "%sđã có%s %s (đã ký trước đây)",
			cli_colour(cli, COLOUR_DIM), cli_plain(cli), name);
	else
		cli_say(cli, "%ssigned%s %s", "%sđã ký%s %s", cli_colour(cli, COLOUR_GOOD),
			cli_plain(cli), name);
	free(out);
	if (document->earlier > 0)
		cli_say(cli, "       %zu earlier signature(s) kept",
			"       giữ nguyên %zu chữ ký trước", document->earlier);
}

static void say_sum(const struct signing *signing)
{
	size_t sums[SIGN_KEPT + 1] = {0};

	for (size_t i = 0; i < signing->count; i++)
		sums[signing->documents[i].state]++;
	if (signing->count > 1)
		cli_say(signing->cli, "%zu signed, %zu signed earlier, %zu failed, %zu not yet",
			"%zu đã ký, %zu đã ký trước đây, %zu lỗi, %zu chưa ký", sums[SIGN_DONE],
			sums[SIGN_KEPT], sums[SIGN_FAULTY],
			sums[SIGN_NEW] + sums[SIGN_READY] + sums[SIGN_SIGNED]);
}

/* Where nothing was signed, the command starts from the beginning anyhow. */
static void say_rest(const struct signing *signing, enum cli_exit code)
{
	struct cli *cli = signing->cli;
	size_t left = 0, begun = 0;

	for (size_t i = 0; i < signing->count; i++) {
		enum sign_state state = signing->documents[i].state;
		left += state == SIGN_READY || state == SIGN_SIGNED;
		begun += state == SIGN_DONE || state == SIGN_SIGNED;
	}
	if (code == CLI_STOPPED)
		cli_fail(cli, CLI_STOPPED, "stopped; what was written is whole",
			"đã dừng; các tệp đã ghi đều trọn vẹn");
	if (left == 0 || begun == 0)
		return;
	cli_note(cli, "%zu of %zu are not signed yet", "còn %zu trong %zu tệp chưa ký", left,
		signing->count);
	if (signing->results != NULL)
		cli_note(cli, "The same command goes on from here.",
			"Chạy lại đúng lệnh này để làm tiếp.");
	else
		cli_note(cli, "With --results FILE the same command could have gone on from here.",
			"Nếu dùng --results FILE, chạy lại lệnh sẽ làm tiếp được từ đây.");
}

void sign_report(const struct signing *signing, enum cli_exit code)
{
	struct cli *cli = signing->cli;
	json_t *documents = json_array();
	const char *request = "";

	for (size_t i = 0; i < signing->count; i++) {
		const struct document *document = &signing->documents[i];
		say_document(cli, document);
		json_array_append_new(documents, json_document(document));
		if (document->state == SIGN_DONE && document->request[0] != 0)
			request = document->request;
	}
	if (request[0] != 0)
		cli_say(cli, "       by %s, request %s", "       bởi %s, yêu cầu %s",
			signing->credential.subject, request);
	say_sum(signing);
	cli_result(cli, "documents", documents);
	cli_result(cli, "credentialID", json_string(signing->credential.id));
	cli_result(cli, "signer", json_string(signing->credential.subject));
	cli_result(cli, "format", json_string(sign_format_name(signing->format)));
	cli_result(cli, "scheme", json_string(sign_scheme_name(signing->scheme)));
	if (request[0] != 0)
		cli_result(cli, "requestID", json_string(request));
	say_rest(signing, code);
}
