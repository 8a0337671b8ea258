/* `rssp manual`: rssp(1), made from the table of commands, in the language of the messages. */
#include "clients/cli/cli.h"

#include "base/roff.h"

#include <stdio.h>
#include <string.h>

#define LEFT_SIZE 128

static const char *pick(const struct cli *cli, const char *en, const char *vi)
{
	return cli_text(cli, (struct text){en, vi});
}

static void manual_option(const struct cli *cli, const struct cli_option *option)
{
	char left[LEFT_SIZE], letter[8] = "", right[512], variable[96] = "";

	if (option->letter != 0)
		snprintf(letter, sizeof(letter), "-%c, ", option->letter);
	if (option->variable != NULL)
		snprintf(variable, sizeof(variable), " [%s]", option->variable);
	snprintf(left, sizeof(left), "%s--%s%s%s", letter, option->name,
		option->argument != NULL ? " " : "",
		option->argument != NULL ? option->argument : "");
	snprintf(right, sizeof(right), "%s%s", cli_text(cli, option->help), variable);
	roff_item(stdout, left, right);
}

static void manual_usage(const struct cli *cli, const struct cli_command *command, const char *name)
{
	char usage[256];

	snprintf(usage, sizeof(usage), "%s%s [%s]%s%s", name,
		command->children != NULL ? pick(cli, " COMMAND", " LỆNH") : "",
		pick(cli, "OPTIONS", "TUỲ CHỌN"), command->arguments != NULL ? " " : "",
		command->arguments != NULL ? command->arguments : "");
	roff_example(stdout, usage);
}

static void manual_command(
	const struct cli *cli, const struct cli_command *command, const char *name)
{
	roff_subsection(stdout, name);
	roff_text(stdout, cli_text(cli, command->summary));
	fputs(".PP\n", stdout);
	manual_usage(cli, command, name);
	if (command->detail.en != NULL) {
		fputs(".PP\n", stdout);
		roff_text(stdout, cli_text(cli, command->detail));
	}
	for (size_t i = 0; i < command->option_count; i++)
		manual_option(cli, &command->options[i]);
	if (command->example != NULL) {
		fputs(".PP\n", stdout);
		roff_text(stdout, pick(cli, "Example:", "Ví dụ:"));
		roff_text(stdout, command->example);
	}
}

/* Every command that does something; a group is named by those under it. */
static void manual_tree(const struct cli *cli, const struct cli_command *group, const char *name)
{
	for (size_t i = 0; i < group->child_count; i++) {
		const struct cli_command *command = &group->children[i];
		char below[LEFT_SIZE];

		if (snprintf(below, sizeof(below), "%s %s", name, command->name) >= LEFT_SIZE)
			continue;
		if (command->children == NULL)
			manual_command(cli, command, below);
		manual_tree(cli, command, below);
	}
}

/* ---- environment: each variable once, with what its first option says ---- */

struct variables {
	const struct cli *cli;
	const char *seen[64];
	size_t count;
};

static void variable_put(struct variables *variables, const struct cli_option *option)
{
	if (option->variable == NULL)
		return;
	for (size_t i = 0; i < variables->count; i++) {
		if (strcmp(variables->seen[i], option->variable) == 0)
			return;
	}
	if (variables->count == sizeof(variables->seen) / sizeof(variables->seen[0]))
		return;
	variables->seen[variables->count++] = option->variable;
	roff_item(stdout, option->variable, cli_text(variables->cli, option->help));
}

static void variables_of(struct variables *variables, const struct cli_command *command)
{
	for (size_t i = 0; i < command->option_count; i++)
		variable_put(variables, &command->options[i]);
	for (size_t i = 0; i < command->child_count; i++)
		variables_of(variables, &command->children[i]);
}

static void manual_environment(const struct cli *cli)
{
	struct variables variables = {.cli = cli};

	roff_section(stdout, pick(cli, "ENVIRONMENT", "BIẾN MÔI TRƯỜNG"));
	roff_text(stdout,
		pick(cli,
			"An option wins over the file that --env names, that over the environment.",
			"Tuỳ chọn được ưu tiên hơn tệp --env, tệp này được ưu tiên hơn biến môi trường."));
	for (size_t i = 0; i < cli_global_count; i++)
		variable_put(&variables, &cli_globals[i]);
	variables_of(&variables, &cli_root);
}

static void manual_exit_codes(const struct cli *cli)
{
	char number[24];

	roff_section(stdout, pick(cli, "EXIT STATUS", "MÃ THOÁT"));
	for (size_t i = 0; i < cli_exit_count; i++) {
		snprintf(number, sizeof(number), "%zu", i);
		roff_item(stdout, number, cli_text(cli, cli_exit_texts[i]));
	}
}

/* The root's summary without the program's name before it. */
static const char *manual_summary(const struct cli *cli)
{
	const char *summary = cli_text(cli, cli_root.summary);
	const char *colon = strstr(summary, ": ");

	return colon == NULL ? summary : colon + 2;
}

enum cli_exit cli_manual(struct cli *cli)
{
	struct roff_page page = {cli_root.name, "1", manual_summary(cli), pick(cli, "NAME", "TÊN")};

	roff_open(stdout, &page);
	roff_section(stdout, pick(cli, "SYNOPSIS", "CÁCH DÙNG"));
	manual_usage(cli, &cli_root, cli_root.name);
	roff_section(stdout, pick(cli, "COMMANDS", "CÁC LỆNH"));
	manual_tree(cli, &cli_root, cli_root.name);
	roff_section(stdout, pick(cli, "OPTIONS OF EVERY COMMAND", "TUỲ CHỌN DÙNG Ở MỌI LỆNH"));
	for (size_t i = 0; i < cli_global_count; i++)
		manual_option(cli, &cli_globals[i]);
	manual_environment(cli);
	manual_exit_codes(cli);
	roff_section(stdout, pick(cli, "SEE ALSO", "XEM THÊM"));
	roff_text(stdout, "rsspd(8), rsspd.conf(5)");
	return CLI_DONE;
}
