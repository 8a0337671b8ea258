/* rssp: sign documents, activate credentials, and do an operator's work. */
#include "clients/cli/cli.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool colour_wanted(int fd)
{
	const char *off = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");

	return isatty(fd) == 1 && (off == NULL || off[0] == 0) && terminal != NULL &&
	       strcmp(terminal, "dumb") != 0;
}

static enum cli_exit run(struct cli *cli, int argc, char **argv)
{
	enum cli_exit code = cli_parse(cli, &cli_root, argc, argv);

	if (code != CLI_DONE)
		return code;
	if (cli->help) {
		cli->json = false;
		cli_help(cli, &cli_root);
		return CLI_DONE;
	}
	code = cli_read_env(cli);
	if (code == CLI_DONE)
		code = cli_connect(cli);
	return code == CLI_DONE ? cli->command->run(cli) : code;
}

static bool asks_version(int argc, char **argv)
{
	return argc == 2 && strcmp(argv[1], "--version") == 0;
}

int main(int argc, char **argv)
{
	struct cli cli = {0};

	setlocale(LC_CTYPE, "");
	if (client_global_init() != RC_OK)
		return CLI_LOCAL;
	if (asks_version(argc, argv)) {
		puts("rssp " RSSPD_VERSION);
		return CLI_DONE;
	}
	cli.colour_out = colour_wanted(STDOUT_FILENO);
	cli.colour_err = colour_wanted(STDERR_FILENO);
	enum cli_exit code = run(&cli, argc, argv);
	if (cli.json && cli.result != NULL) {
		json_dumpf(cli.result, stdout, JSON_INDENT(2));
		putchar('\n');
	}
	json_decref(cli.result);
	client_answer_free(&cli.answer);
	client_free(&cli.client);
	buf_free(&cli.variables);
	if (fflush(stdout) != 0 && code == CLI_DONE)
		code = CLI_LOCAL;
	return (int)code;
}
