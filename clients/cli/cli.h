/*
 * The command line tool rssp: one tree of commands, each a row of a table with its options, and one
 * file per command. Results go to standard output, everything else to standard error; with --json
 * standard output holds exactly one JSON object, also on failure.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "clients/lib/client.h"

#include <stdbool.h>
#include <sys/types.h>

/* Documented in --help: scripts rely on them. */
enum cli_exit {
	CLI_DONE = 0,
	CLI_REFUSED = 1, /* the server refused */
	CLI_USAGE = 2,
	CLI_INPUT = 3,	     /* an input file is faulty */
	CLI_UNREACHABLE = 4, /* no server, or it asks to come back later */
	CLI_FACTOR = 5,	     /* wrong or locked PIN, wrong OTP, wrong activation code */
	CLI_POLICY = 6,	     /* the policy refuses, or waits for an operator */
	CLI_LOCAL = 7,	     /* this machine: a file cannot be written, memory, … */
	CLI_STOPPED = 8,     /* a signal came, or the terminal closed; what was done is whole */
	CLI_NOT_VALID = 9    /* verify: a signature has a fault, or there is none */
};

struct text {
	const char *en;
	const char *vi;
};

struct cli;

struct cli_option {
	const char *name;     /* "pin-fd" for --pin-fd */
	char letter;	      /* 'o' for -o, or 0 */
	const char *argument; /* what the help calls its value; NULL: a switch */
	const char *variable; /* environment and --env file; NULL: none */
	struct text help;
};

enum cli_needs { NEEDS_NOTHING = 0, NEEDS_SERVER = 1, NEEDS_CLIENT = 3, NEEDS_OPERATOR = 5 };
#define NEEDS_CLIENT_BIT 2
#define NEEDS_OPERATOR_BIT 4

struct cli_command {
	const char *name;
	const struct cli_command *children; /* a group; else run */
	size_t child_count;
	enum cli_exit (*run)(struct cli *cli);
	enum cli_needs needs;
	const struct cli_option *options;
	size_t option_count;
	const char *arguments; /* "FILE.pdf…" for the help; NULL: none */
	size_t least, most;    /* number of them */
	struct text summary;
	struct text detail; /* may be empty */
	const char *example;
};

#define CLI_VALUES_MAX 48
#define CLI_ARGUMENTS_MAX 10000 /* as *.pdf gives: what rssp sign signs in one run */

struct cli {
	const struct cli_command *command;
	char name[64]; /* "rssp operator enrol" */
	struct {
		const struct cli_option *option;
		const char *value;
	} values[CLI_VALUES_MAX];
	size_t value_count;
	const char *arguments[CLI_ARGUMENTS_MAX];
	size_t argument_count;
	struct buf variables; /* of the --env file: "NAME\0value\0…" */
	bool json;
	bool vietnamese;
	bool help;
	bool colour_out;
	bool colour_err;
	struct client *client;	       /* connected as the command needs */
	struct client_answer answer;   /* of the last call */
	char refusal[2 * ANSWER_TEXT]; /* what cli_refusal() gave */
	json_t *result;		       /* what --json prints; each command fills it */
};

/* options.c: the values of options. NULL: not given. Option, then --env file, then environment. */
const char *cli_value(const struct cli *cli, const char *name);
const char *cli_variable(const struct cli *cli, const char *name);
bool cli_has(const struct cli *cli, const char *name);
/* What the help says of an option that the command has. */
const char *cli_option_help(const struct cli *cli, const char *name);
/* "en" or "vi". */
const char *cli_lang(const struct cli *cli);
const char *cli_text(const struct cli *cli, struct text text);
enum cli_exit cli_parse(struct cli *cli, const struct cli_command *root, int argc, char **argv);

/* help.c */
extern const struct cli_option cli_globals[];
extern const size_t cli_global_count;
/* What each exit code says, by its number. */
extern const struct text cli_exit_texts[];
extern const size_t cli_exit_count;
void cli_help(const struct cli *cli, const struct cli_command *root);

/* config.c: reads --env, then connects; what is missing is said by the name of its option. */
enum cli_exit cli_read_env(struct cli *cli);
enum cli_exit cli_connect(struct cli *cli);

/* output.c. Both formats take the same arguments in the same order. */
#define FORMAT_BOTH __attribute__((format(printf, 2, 4), format(printf, 3, 4)))
/* To standard output, unless --json. */
void cli_say(const struct cli *cli, const char *en, const char *vi, ...) FORMAT_BOTH;
/* To standard error: not a result. */
void cli_note(const struct cli *cli, const char *en, const char *vi, ...) FORMAT_BOTH;
/* Says what is wrong, in JSON too; returns code. */
enum cli_exit cli_fail(struct cli *cli, enum cli_exit code, const char *en, const char *vi, ...)
	__attribute__((format(printf, 3, 5), format(printf, 4, 5)));
/* "input" for CLI_INPUT: what JSON calls it. */
const char *cli_error_name(enum cli_exit code);
/* A failed call or local operation in the user's words, with the request's id; its exit code. */
enum cli_exit cli_fail_rc(struct cli *cli, rc_t rc);
/* The words of cli_fail_rc() for an answer that is not the end; valid until the next call. */
const char *cli_refusal(struct cli *cli, rc_t rc, enum cli_exit *code);
/* An errno in words. */
const char *cli_error_text(const struct cli *cli, int error);
/* Columns that terminals show: marks that combine have none, some signs have two. */
size_t cli_width(const char *text);
/* text and spaces up to width columns. */
void cli_pad(const char *text, size_t width);
enum cli_colour { COLOUR_GOOD, COLOUR_BAD, COLOUR_WAIT, COLOUR_DIM, COLOUR_BOLD };
const char *cli_colour(const struct cli *cli, enum cli_colour colour);
const char *cli_plain(const struct cli *cli);
/* Sets a member of the JSON result; value may be NULL (null). */
void cli_result(struct cli *cli, const char *name, json_t *value);

/* What a table of JSON objects shows: dotted members, arrays joined. */
struct cli_column {
	const char *member;
	struct text heading;
};
void cli_table(
	const struct cli *cli, const json_t *rows, const struct cli_column *columns, size_t count);

/* Progress of something long, on standard error if it is a terminal, after one second; done ==
 * total ends it. Zeroed, with words or without. */
struct cli_progress {
	struct text what; /* "signing"; empty: "working" */
	int64_t started_ms;
	int64_t shown_ms;
};
void cli_progress(const struct cli *cli, struct cli_progress *progress, size_t done, size_t total);

/* ask.c: from the descriptor that option names, one line; else at the terminal. */
enum cli_ask { ASK_HIDDEN, ASK_VISIBLE };
enum cli_exit cli_ask(struct cli *cli, const char *option, struct text prompt, enum cli_ask how,
	struct secret *out);

/* file.c */
enum cli_exit cli_file_read(struct cli *cli, const char *path, size_t max, struct buf *out);
/* Whole or not at all; an existing file is replaced only if replace. */
enum cli_exit cli_file_write(struct cli *cli, const char *path, struct span bytes, bool replace);
/* The same without words: 0 or errno, EEXIST if it is there and not to be replaced. */
int file_write_whole(const char *path, struct span bytes, bool replace);
/* Each folder on the way to path that is missing: 0 or errno. */
int file_make_folders(const char *path, mode_t mode);

/* appearance.c: what the options of a visible signature and the saved templates ask for; NULL:
 * nothing, the signature is invisible. Reads pictures and fonts; the caller frees it. */
struct appearance;
enum cli_exit cli_appearance(struct cli *cli, struct appearance **appearance);

/* operator.c: POST to an operators' address; what is answered becomes the result. body is taken
 * over. */
enum cli_exit cli_call(struct cli *cli, const char *path, json_t *body);
/* GET a list, show it as a table. */
enum cli_exit cli_show_list(struct cli *cli, const char *path,
	const struct client_parameter *parameters, size_t parameter_count, const char *member,
	const struct cli_column *columns, size_t column_count);
/* operator.c: the key that signs statements, by --operator-key. */
struct operator_key;
enum cli_exit cli_operator_key(struct cli *cli, struct operator_key **key);

/* One for each command. */
enum cli_exit cli_sign(struct cli *cli);
enum cli_exit cli_activate(struct cli *cli);
enum cli_exit cli_list(struct cli *cli);
enum cli_exit cli_verify(struct cli *cli);
enum cli_exit cli_operator_enrol(struct cli *cli);
enum cli_exit cli_agency_add(struct cli *cli);
enum cli_exit cli_agency_list(struct cli *cli);
enum cli_exit cli_client_add(struct cli *cli);
enum cli_exit cli_client_change(struct cli *cli);
enum cli_exit cli_client_list(struct cli *cli);
enum cli_exit cli_client_show(struct cli *cli);
enum cli_exit cli_client_rotate(struct cli *cli);
enum cli_exit cli_client_disable(struct cli *cli);
enum cli_exit cli_subscriber_list(struct cli *cli);
enum cli_exit cli_subscriber_set_position(struct cli *cli);
enum cli_exit cli_subscriber_unlock(struct cli *cli);
enum cli_exit cli_subscriber_disable(struct cli *cli);
enum cli_exit cli_operator_status(struct cli *cli);
enum cli_exit cli_audit_show(struct cli *cli);
enum cli_exit cli_template_save(struct cli *cli);
enum cli_exit cli_template_list(struct cli *cli);
enum cli_exit cli_template_show(struct cli *cli);
enum cli_exit cli_template_default(struct cli *cli);
enum cli_exit cli_template_remove(struct cli *cli);
enum cli_exit cli_completion(struct cli *cli);
enum cli_exit cli_manual(struct cli *cli);

/* commands.c: THE table */
extern const struct cli_command cli_root;

#endif
