#include "clients/cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *cli_text(const struct cli *cli, struct text text)
{
	return cli->vietnamese && text.vi != NULL ? text.vi : text.en;
}

const char *cli_lang(const struct cli *cli)
{
	return cli->vietnamese ? "vi" : "en";
}

static const struct cli_option *find_in(
	const struct cli_option *options, size_t count, const char *name, size_t len)
{
	for (size_t i = 0; i < count; i++) {
		bool by_letter = len == 1 && options[i].letter == name[0];
		bool by_name =
			strlen(options[i].name) == len && strncmp(options[i].name, name, len) == 0;
		if (by_letter || by_name)
			return &options[i];
	}
	return NULL;
}

static const struct cli_option *find_option(const struct cli *cli, const char *name, size_t len)
{
	const struct cli_command *command = cli->command;
	const struct cli_option *found =
		find_in(command->options, command->option_count, name, len);

	return found != NULL ? found : find_in(cli_globals, cli_global_count, name, len);
}

/* The --env file wins over the environment: it was named on purpose. */
const char *cli_variable(const struct cli *cli, const char *name)
{
	const char *at = (const char *)cli->variables.data;
	const char *end = at + cli->variables.len;

	while (cli->variables.len > 0 && at < end) {
		const char *value = at + strlen(at) + 1;
		if (strcmp(at, name) == 0)
			return value;
		at = value + strlen(value) + 1;
	}
	const char *value = getenv(name);
	return value == NULL || value[0] == 0 ? NULL : value;
}

const char *cli_value(const struct cli *cli, const char *name)
{
	for (size_t i = cli->value_count; i > 0; i--) {
		if (strcmp(cli->values[i - 1].option->name, name) == 0)
			return cli->values[i - 1].value;
	}
	const struct cli_option *option = find_option(cli, name, strlen(name));
	return option == NULL || option->variable == NULL ? NULL
							  : cli_variable(cli, option->variable);
}

bool cli_has(const struct cli *cli, const char *name)
{
	return cli_value(cli, name) != NULL;
}

const char *cli_option_help(const struct cli *cli, const char *name)
{
	const struct cli_option *option = find_option(cli, name, strlen(name));

	return option == NULL ? "" : cli_text(cli, option->help);
}

/* Known before anything is printed, also when the rest of the line is wrong. */
static bool wants_vietnamese(int argc, char **argv)
{
	static const char *const variables[] = {"LC_ALL", "LC_MESSAGES", "LANG"};

	for (int i = 1; i + 1 < argc; i++) {
		if (strcmp(argv[i], "--lang") == 0)
			return strcmp(argv[i + 1], "vi") == 0;
	}
	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], "--lang=", 7) == 0)
			return strcmp(argv[i] + 7, "vi") == 0;
	}
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
		const char *value = getenv(variables[i]);
		if (value != NULL && value[0] != 0)
			return strncmp(value, "vi", 2) == 0;
	}
	return false;
}

static enum cli_exit add_value(struct cli *cli, const struct cli_option *option, const char *value)
{
	if (cli->value_count == CLI_VALUES_MAX)
		return cli_fail(cli, CLI_USAGE, "too many options", "quá nhiều tuỳ chọn");
	cli->values[cli->value_count].option = option;
	cli->values[cli->value_count].value = value;
	cli->value_count++;
	if (strcmp(option->name, "lang") == 0 && strcmp(value, "en") != 0 &&
		strcmp(value, "vi") != 0)
		return cli_fail(cli, CLI_USAGE, "--lang is en or vi, not %s",
			"--lang là en hoặc vi, không phải %s", value);
	if (strcmp(option->name, "help") == 0)
		cli->help = true;
	if (strcmp(option->name, "json") == 0)
		cli->json = true;
	return CLI_DONE;
}

/* --name, --name=value, --name value, -n value. Moves *at past what it has used. */
static enum cli_exit parse_option(struct cli *cli, int argc, char **argv, int *at)
{
	const char *word = argv[*at];
	const char *name = word + (word[1] == '-' ? 2 : 1);
	size_t len = strcspn(name, "=");
	const struct cli_option *option = find_option(cli, name, len);

	if (option == NULL || (word[1] != '-' && name[1] != 0))
		return cli_fail(cli, CLI_USAGE, "no option %s here; see %s --help",
			"không có tuỳ chọn %s ở đây; xem %s --help", word, cli->name);
	if (option->argument == NULL) {
		if (name[len] == '=')
			return cli_fail(cli, CLI_USAGE, "option %.*s takes no value",
				"tuỳ chọn %.*s không nhận giá trị", (int)(name + len - word), word);
		return add_value(cli, option, "");
	}
	if (name[len] == '=')
		return add_value(cli, option, name + len + 1);
	if (*at + 1 >= argc)
		return cli_fail(cli, CLI_USAGE, "option %s needs a value (%s)",
			"tuỳ chọn %s cần một giá trị (%s)", word, option->argument);
	(*at)++;
	return add_value(cli, option, argv[*at]);
}

static enum cli_exit descend(struct cli *cli, const char *word)
{
	const struct cli_command *group = cli->command;

	for (size_t i = 0; i < group->child_count; i++) {
		if (strcmp(group->children[i].name, word) != 0)
			continue;
		cli->command = &group->children[i];
		size_t len = strlen(cli->name);
		snprintf(cli->name + len, sizeof(cli->name) - len, " %s", word);
		return CLI_DONE;
	}
	return cli_fail(cli, CLI_USAGE, "%s has no command \"%s\"; see %s --help",
		"%s không có lệnh \"%s\"; xem %s --help", cli->name, word, cli->name);
}

static enum cli_exit parse_word(struct cli *cli, const char *word)
{
	if (cli->command->children != NULL)
		return descend(cli, word);
	if (cli->argument_count == CLI_ARGUMENTS_MAX)
		return cli_fail(cli, CLI_USAGE, "more than %d arguments", "quá %d đối số",
			CLI_ARGUMENTS_MAX);
	cli->arguments[cli->argument_count++] = word;
	return CLI_DONE;
}

static enum cli_exit check_arguments(struct cli *cli)
{
	const struct cli_command *command = cli->command;

	if (cli->help)
		return CLI_DONE;
	if (command->children != NULL)
		return cli_fail(cli, CLI_USAGE, "which command? See %s --help",
			"lệnh nào? Xem %s --help", cli->name);
	if (cli->argument_count < command->least)
		return cli_fail(cli, CLI_USAGE, "%s is missing; see %s --help",
			"thiếu %s; xem %s --help", command->arguments, cli->name);
	if (cli->argument_count > command->most)
		return cli_fail(cli, CLI_USAGE, "one argument too many: %s; see %s --help",
			"thừa đối số: %s; xem %s --help", cli->arguments[command->most], cli->name);
	return CLI_DONE;
}

enum cli_exit cli_parse(struct cli *cli, const struct cli_command *root, int argc, char **argv)
{
	bool only_words = false;
	enum cli_exit code = CLI_DONE;

	cli->command = root;
	cli->vietnamese = wants_vietnamese(argc, argv);
	snprintf(cli->name, sizeof(cli->name), "%s", root->name);
	for (int i = 1; code == CLI_DONE && i < argc; i++) {
		if (!only_words && strcmp(argv[i], "--") == 0)
			only_words = true;
		else if (!only_words && argv[i][0] == '-' && argv[i][1] != 0)
			code = parse_option(cli, argc, argv, &i);
		else
			code = parse_word(cli, argv[i]);
	}
	return code == CLI_DONE ? check_arguments(cli) : code;
}
