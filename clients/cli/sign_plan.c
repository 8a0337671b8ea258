/* Which files are signed, and where the signed ones go. */
#include "clients/cli/sign.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *sign_out_path(const struct document *document)
{
	return (const char *)document->out.data;
}

/* NAME.pdf gives NAME-signed.pdf. */
static rc_t choose_out_path(const struct signing *signing, struct document *document)
{
	const char *given = cli_value(signing->cli, "output");
	size_t len = strlen(document->in);
	const char *text = NULL;
	rc_t rc;

	if (given != NULL) {
		rc = buf_append_string(&document->out, given);
	} else {
		if (len > 4 && strcasecmp(document->in + len - 4, ".pdf") == 0)
			len -= 4;
		rc = buf_append(&document->out, document->in, len);
		if (rc == RC_OK)
			rc = buf_append_string(&document->out, "-signed.pdf");
	}
	return rc == RC_OK ? buf_string(&document->out, &text) : rc;
}

static bool is_an_input(const struct signing *signing, const struct stat *status)
{
	for (size_t i = 0; i < signing->count; i++) {
		const struct stat *in = &signing->documents[i].in_status;
		if (in->st_dev == status->st_dev && in->st_ino == status->st_ino)
			return true;
	}
	return false;
}

/* Before a PIN is asked for: an output that cannot be is no reason to spend an authorisation. */
static enum cli_exit check_out_path(struct signing *signing, const struct document *document)
{
	struct cli *cli = signing->cli;
	struct stat status;

	if (stat(sign_out_path(document), &status) != 0)
		return cli_file_writable(cli, sign_out_path(document));
	if (is_an_input(signing, &status))
		return cli_fail(cli, CLI_USAGE, "%s is an input: it is never replaced",
			"%s là tệp vào: không bao giờ ghi đè", sign_out_path(document));
	if (!cli_has(cli, "force"))
		return cli_fail(cli, CLI_USAGE, "%s is there already; --force replaces it",
			"%s đã có; dùng --force để ghi đè", sign_out_path(document));
	return CLI_DONE;
}

enum cli_exit sign_plan(struct signing *signing)
{
	struct cli *cli = signing->cli;
	enum cli_exit code = CLI_DONE;

	if (cli->argument_count > 1 && cli_has(cli, "output"))
		return cli_fail(cli, CLI_USAGE, "--output is for a single file",
			"--output chỉ dùng cho một tệp");
	signing->documents = calloc(cli->argument_count, sizeof(signing->documents[0]));
	signing->hashes = calloc(cli->argument_count, sizeof(signing->hashes[0]));
	signing->signatures = calloc(cli->argument_count, sizeof(signing->signatures[0]));
	if (signing->documents == NULL || signing->hashes == NULL || signing->signatures == NULL)
		return cli_fail_rc(cli, RC_NO_MEMORY);
	signing->count = cli->argument_count;
	for (size_t i = 0; i < signing->count; i++) {
		struct document *document = &signing->documents[i];
		document->in = cli->arguments[i];
		if (stat(document->in, &document->in_status) != 0)
			return cli_fail(cli, CLI_INPUT, "there is no file %s", "không có tệp %s",
				document->in);
		if (choose_out_path(signing, document) != RC_OK)
			return cli_fail_rc(cli, RC_NO_MEMORY);
	}
	for (size_t i = 0; code == CLI_DONE && i < signing->count; i++)
		code = check_out_path(signing, &signing->documents[i]);
	return code;
}
