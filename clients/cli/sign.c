/* rssp sign: from files to signed files. */
#include "clients/cli/sign.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static void signing_free(struct signing *signing)
{
	sign_results_close(signing);
	for (size_t i = 0; i < signing->count; i++) {
		struct document *document = &signing->documents[i];
		free(document->in);
		free(document->place);
		free(document->out);
		free(document->fault.words);
		buf_free(&document->signature);
	}
	free(signing->documents);
	csc_credential_free(&signing->credential);
	appearance_free(&signing->appearance);
}

static enum cli_exit choose_format(struct signing *signing)
{
	struct cli *cli = signing->cli;
	const char *wanted = cli_value(cli, "format");

	if (wanted == NULL || strcmp(wanted, "pades") == 0)
		signing->format = SIGN_PADES;
	else if (strcmp(wanted, "cades") == 0)
		signing->format = SIGN_CADES;
	else
		return cli_fail(cli, CLI_USAGE, "--format is pades or cades, not %s",
			"--format là pades hoặc cades, không phải %s", wanted);
	return CLI_DONE;
}

static enum cli_exit choose_appearance(struct signing *signing)
{
	struct cli *cli = signing->cli;

	if (signing->format == SIGN_CADES && (cli_has(cli, "visible") || cli_has(cli, "template")))
		return cli_fail(cli, CLI_USAGE, "only a PDF's signature can be visible",
			"chỉ chữ ký trong PDF mới hiển thị được");
	return cli_appearance(cli, &signing->appearance);
}

static void prepare_all(struct signing *signing)
{
	struct cli_progress progress = {.what = {"preparing", "đang chuẩn bị"}};

	cli_progress(signing->cli, &progress, 0, signing->count);
	for (size_t i = 0; i < signing->count; i++) {
		if (signing->documents[i].state != SIGN_FAULTY)
			sign_prepare(signing, &signing->documents[i]);
		cli_progress(signing->cli, &progress, i + 1, signing->count);
	}
}

/* Which cannot be signed is said before a PIN is asked for. */
static enum cli_exit judge_faults(struct signing *signing)
{
	struct cli *cli = signing->cli;
	size_t faulty = sign_say_faults(signing);

	if (faulty == 0 || cli_has(cli, "keep-going"))
		return CLI_DONE;
	if (signing->count > 1)
		cli_note(cli,
			"%zu of %zu cannot be signed; nothing was signed. --keep-going signs the others.",
			"%zu trong %zu tệp không ký được; chưa ký gì. --keep-going để ký các tệp còn lại.",
			faulty, signing->count);
	return signing->code;
}

static enum cli_exit run(struct signing *signing)
{
	enum cli_exit code = choose_format(signing);

	if (code == CLI_DONE)
		code = choose_appearance(signing);
	if (code == CLI_DONE)
		code = sign_inputs(signing);
	if (code == CLI_DONE)
		code = sign_find_credential(signing);
	if (code == CLI_DONE)
		code = sign_choose_scheme(signing);
	if (code == CLI_DONE)
		code = sign_results_open(signing);
	if (code != CLI_DONE)
		return code;
	sign_plan(signing);
	prepare_all(signing);
	enum cli_exit listed = sign_results_put_all(signing);
	code = judge_faults(signing);
	if (code == CLI_DONE)
		code = listed;
	if (code == CLI_DONE)
		code = sign_check_room(signing);
	if (code != CLI_DONE)
		return code;
	code = sign_all(signing);
	sign_say_faults(signing);
	sign_report(signing, code);
	return code == CLI_STOPPED || signing->code == CLI_DONE ? code : signing->code;
}

enum cli_exit cli_sign(struct cli *cli)
{
	struct signing signing = {.cli = cli};

	/* a full disk and a reader that went away are errors to be told, not ends */
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	enum cli_exit code = run(&signing);
	if (code != CLI_DONE)
		cli_result(cli, "exit", json_integer(code));
	signing_free(&signing);
	return code;
}
