/*
 * `rssp completion bash`: a script for bash, made from the table of commands. A value is completed
 * when the table's word for it tells how: words in lower case (p-256|rsa-2048) are what it may be,
 * FILE and names with an ending are files, FOLDER is a folder; of other words nothing is known.
 */
#include "clients/cli/cli.h"

#include <stdio.h>
#include <string.h>

#define PATH_SIZE 96
#define WORDS_SIZE 512

struct values {
	char words[WORDS_SIZE]; /* separated by spaces */
	bool files, folders;
};

static bool has(const char *word, size_t len, const char *part)
{
	return memmem(word, len, part, strlen(part)) != NULL;
}

static void values_take(struct values *values, const char *word, size_t len)
{
	size_t used = strlen(values->words);
	bool lower = (word[0] >= 'a' && word[0] <= 'z') || (word[0] >= '0' && word[0] <= '9');

	if (has(word, len, "FOLDER") || has(word, len, "DIR"))
		values->folders = true;
	else if (has(word, len, "FILE") || has(word, len, "."))
		values->files = true;
	else if (lower)
		snprintf(values->words + used, sizeof(values->words) - used, "%s%.*s",
			used > 0 ? " " : "", (int)len, word);
}

/* "FILE.pdf…", "pkcs1|pss", "LEVEL1 [LEVEL2]"; NULL: nothing. */
static struct values values_of(const char *argument)
{
	struct values values = {0};

	for (const char *at = argument; at != NULL && *at != 0;) {
		size_t len = strcspn(at, "|[] ");
		if (len > 0)
			values_take(&values, at, len);
		at += len + (at[len] != 0);
	}
	return values;
}

static void print_values(const char *argument)
{
	struct values values = values_of(argument);
	const char *kind = values.files ? "files" : values.folders ? "folders" : "none";

	printf("kind=%s words='%s'", kind, values.words);
}

static void print_option_names(const struct cli_option *options, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		printf(" --%s", options[i].name);
		if (options[i].letter != 0)
			printf(" -%c", options[i].letter);
	}
}

static void print_command(const struct cli_command *command, const char *path)
{
	printf("\t'%s')\n\t\tcommands='", path);
	for (size_t i = 0; i < command->child_count; i++)
		printf("%s%s", i > 0 ? " " : "", command->children[i].name);
	printf("'\n\t\toptions='");
	print_option_names(command->options, command->option_count);
	printf("'\n\t\t");
	print_values(command->arguments);
	printf(" ;;\n");
}

/* A pattern of `case`; path NULL: of every command. */
static void print_option_values(const char *path, const struct cli_option *options, size_t count)
{
	const char *any = path == NULL ? "*" : "", *before = path == NULL ? "" : path;

	for (size_t i = 0; i < count; i++) {
		if (options[i].argument == NULL)
			continue;
		printf("\t%s'%s --%s'", any, before, options[i].name);
		if (options[i].letter != 0)
			printf(" | %s'%s -%c'", any, before, options[i].letter);
		printf(") ");
		print_values(options[i].argument);
		printf(" ;;\n");
	}
}

typedef void each_command(const struct cli_command *command, const char *path);

static void walk(const struct cli_command *command, const char *path, each_command *each)
{
	each(command, path);
	for (size_t i = 0; i < command->child_count; i++) {
		char below[PATH_SIZE];
		int len = snprintf(below, sizeof(below), "%s%s%s", path, path[0] != 0 ? " " : "",
			command->children[i].name);
		if (len < PATH_SIZE)
			walk(&command->children[i], below, each);
	}
}

static void print_command_options(const struct cli_command *command, const char *path)
{
	print_option_values(path, command->options, command->option_count);
}

static const char head[] =
	"# bash completion for rssp, made from its table of commands: rssp completion bash\n"
	"\n"
	"# _rssp_command PATH: sets commands, options, kind and words.\n"
	"_rssp_command()\n"
	"{\n"
	"\tcase $1 in\n";

static const char middle[] =
	"'\n"
	"}\n"
	"\n"
	"# _rssp_option PATH OPTION: sets kind and words; kind is empty if it takes no value.\n"
	"_rssp_option()\n"
	"{\n"
	"\tkind='' words=''\n"
	"\tcase \"$1 $2\" in\n";

static const char tail[] =
	"\tesac\n"
	"}\n"
	"\n"
	"# Names of files are readline's own work, with its quotes and tildes.\n"
	"_rssp_values()\n"
	"{\n"
	"\tlocal IFS=$' \\t\\n'\n"
	"\tcase $kind in\n"
	"\tfiles) compopt -o default ;;\n"
	"\tfolders) compopt -o dirnames ;;\n"
	"\tesac\n"
	"\tmapfile -t COMPREPLY < <(compgen -P \"$prefix\" -W \"$words\" -- \"$cur\")\n"
	"}\n"
	"\n"
	"_rssp()\n"
	"{\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} path='' option='' only_words='' prefix='' word i\n"
	"\tlocal commands options kind words globals IFS=$' \\t\\n'\n"
	"\tCOMPREPLY=()\n"
	"\t_rssp_command \"$path\"\n"
	"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	"\t\tword=${COMP_WORDS[i]}\n"
	"\t\tif [ -n \"$option\" ]; then\n"
	"\t\t\t[ \"$word\" = = ] || option=''\n"
	"\t\telif [ -z \"$only_words\" ] && [ \"$word\" = -- ]; then\n"
	"\t\t\tonly_words=yes\n"
	"\t\telif [ -z \"$only_words\" ] && [[ $word == -* ]]; then\n"
	"\t\t\t_rssp_option \"$path\" \"$word\"\n"
	"\t\t\t[ -z \"$kind\" ] || option=$word\n"
	"\t\telif [[ \" $commands \" == *\" $word \"* ]]; then\n"
	"\t\t\tpath+=${path:+ }$word\n"
	"\t\t\t_rssp_command \"$path\"\n"
	"\t\tfi\n"
	"\tdone\n"
	"\t[ \"$cur\" != = ] || cur=''\n"
	"\tif [ -z \"$option$only_words\" ] && [[ $cur == --*=* ]]; then\n"
	"\t\toption=${cur%%=*} prefix=${cur%%=*}= cur=${cur#*=}\n"
	"\tfi\n"
	"\tif [ -n \"$option\" ]; then\n"
	"\t\t_rssp_option \"$path\" \"$option\"\n"
	"\t\t_rssp_values\n"
	"\telif [ -z \"$only_words\" ] && [[ $cur == -* ]]; then\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -W \"$options $globals\" -- \"$cur\")\n"
	"\telse\n"
	"\t\t_rssp_command \"$path\"\n"
	"\t\twords+=${commands:+ $commands}\n"
	"\t\t_rssp_values\n"
	"\tfi\n"
	"}\n"
	"complete -F _rssp rssp\n";

enum cli_exit cli_completion(struct cli *cli)
{
	if (strcmp(cli->arguments[0], "bash") != 0)
		return cli_fail(cli, CLI_USAGE, "there is a completion for bash, not for %s",
			"chỉ có tập lệnh tự hoàn thành cho bash, không có cho %s",
			cli->arguments[0]);
	fputs(head, stdout);
	walk(&cli_root, "", print_command);
	printf("\tesac\n\tglobals='");
	print_option_names(cli_globals, cli_global_count);
	fputs(middle, stdout);
	walk(&cli_root, "", print_command_options);
	print_option_values(NULL, cli_globals, cli_global_count);
	fputs(tail, stdout);
	return CLI_DONE;
}
