#include "conf_table.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/*
 * The file: `[section]`, `key = value`, whole-line comments with # or ;. A value is the rest of the
 * line: no quotes, no comments behind it, no continuation, so that nothing is cut silently.
 * (libinih ends a line after 199 bytes, less than a path may have.)
 */

#define CONF_LINE_MAX 8192
#define CONF_OPTIONS_MAX 128

struct conf_parser {
	struct conf *conf;
	const char *path, *folder;
	unsigned line;
	const char *section;		 /* of the table; NULL before the first one */
	unsigned seen[CONF_OPTIONS_MAX]; /* by option: the line that set it */
	unsigned faults;
};

__attribute__((format(printf, 3, 4))) static void conf_fault(
	struct conf_parser *parser, unsigned line, const char *format, ...)
{
	char text[512], escaped[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	parser->faults++;
	/* what stands in the file may hold anything: controls must not reach the terminal */
	log_escape(text, escaped, sizeof(escaped));
	if (line > 0)
		log_error("conf: %s:%u: %s", parser->path, line, escaped);
	else
		log_error("conf: %s: %s", parser->path, escaped);
}

static void *conf_member(struct conf *conf, const struct conf_option *option)
{
	return (char *)conf + option->offset;
}

/* ---- values: NULL, or what is wrong and what to do ---- */

static bool conf_is_text(const struct conf_option *option)
{
	return option->type != CONF_INTEGER && option->type != CONF_BOOLEAN;
}

static const char *conf_set_text(struct conf *conf, const struct conf_option *option, char *value)
{
	char **member = conf_member(conf, option);

	if (value == NULL)
		return "there is no memory left";
	free(*member);
	*member = value;
	return NULL;
}

static const char *conf_set_path(
	struct conf_parser *parser, const struct conf_option *option, const char *value)
{
	char *path = NULL;

	if (value[0] == '/' || value[0] == 0)
		path = strdup(value);
	else if (asprintf(&path, "%s/%s", parser->folder, value) < 0)
		path = NULL;
	return conf_set_text(parser->conf, option, path);
}

static const char *conf_set_integer(
	struct conf_parser *parser, const struct conf_option *option, const char *value)
{
	char *end = NULL;

	errno = 0;
	long long number = strtoll(value, &end, 10);
	bool digits = strspn(value, "0123456789") == strlen(value);
	if (value[0] == 0 || !digits || *end != 0 || errno != 0 || number < option->min ||
		number > option->max)
		return "is not a whole number in its range";
	*(int64_t *)conf_member(parser->conf, option) = number;
	return NULL;
}

static const char *conf_set_boolean(
	struct conf_parser *parser, const struct conf_option *option, const char *value)
{
	bool on = strcmp(value, "on") == 0;

	if (!on && strcmp(value, "off") != 0)
		return "must be on or off";
	*(bool *)conf_member(parser->conf, option) = on;
	return NULL;
}

static bool conf_choice_has(const char *form, const char *value)
{
	size_t len = strlen(value);

	if (len == 0 || strchr(value, '|') != NULL)
		return false;
	for (const char *at = form; at != NULL; at = strchr(at, '|')) {
		at += *at == '|';
		if (strncmp(at, value, len) == 0 && (at[len] == '|' || at[len] == 0))
			return true;
	}
	return false;
}

static bool conf_url_fits(const char *form, const char *value)
{
	size_t scheme = strlen(form);

	return strncmp(value, form, scheme) == 0 && value[scheme] != 0 &&
	       strpbrk(value + scheme, "/?#@ ") == NULL;
}

/* A password would show in every copy of the configuration. */
static bool conf_has_password(const char *conninfo)
{
	const char *host = strstr(conninfo, "://");
	const char *at = host == NULL ? NULL : strchr(host, '@');
	const char *colon = host == NULL ? NULL : strchr(host + 3, ':');
	const char *word = conninfo;

	while ((word = strstr(word, "password")) != NULL) {
		word += strlen("password");
		if (word[strspn(word, " \t")] == '=')
			return true;
	}
	return at != NULL && colon != NULL && colon < at;
}

static const char *conf_set(
	struct conf_parser *parser, const struct conf_option *option, const char *value)
{
	switch (option->type) {
	case CONF_INTEGER:
		return conf_set_integer(parser, option, value);
	case CONF_BOOLEAN:
		return conf_set_boolean(parser, option, value);
	case CONF_PATH:
		return conf_set_path(parser, option, value);
	case CONF_CHOICE:
		if (!conf_choice_has(option->form, value))
			return "is not one of the words that it may be";
		break;
	case CONF_URL:
		if (!conf_url_fits(option->form, value))
			return "must be scheme, host and port, with no path and no slash at the end";
		break;
	case CONF_CONNINFO:
		if (conf_has_password(value))
			return "must not hold a password: put it into a passfile (mode 0600) and "
			       "name that";
		break;
	case CONF_TEXT:
		break;
	}
	return conf_set_text(parser->conf, option, strdup(value));
}

/* ---- lines ---- */

static char *conf_trim(char *text)
{
	text += strspn(text, " \t\r\n");
	for (size_t len = strlen(text); len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL; len--)
		text[len - 1] = 0;
	return text;
}

static void conf_section(struct conf_parser *parser, char *text)
{
	char *end = strchr(text, ']');

	parser->section = NULL;
	if (end == NULL || end[1] != 0) {
		conf_fault(parser, parser->line, "a section is written [name]");
		return;
	}
	*end = 0;
	for (size_t i = 0; i < conf_option_count; i++) {
		if (strcmp(conf_options[i].section, text + 1) == 0)
			parser->section = conf_options[i].section;
	}
	if (parser->section == NULL)
		conf_fault(parser, parser->line,
			"there is no section [%.64s]; `rsspd options` lists them all", text + 1);
}

static size_t conf_find(const char *section, const char *key)
{
	size_t i = 0;

	while (i < conf_option_count && (strcmp(conf_options[i].section, section) != 0 ||
						strcmp(conf_options[i].key, key) != 0))
		i++;
	return i;
}

static void conf_value(struct conf_parser *parser, const char *key, const char *value)
{
	size_t at = conf_find(parser->section, key);

	if (at == conf_option_count) {
		conf_fault(parser, parser->line,
			"there is no option %.64s in [%s]; `rsspd options` lists them all", key,
			parser->section);
		return;
	}
	const struct conf_option *option = &conf_options[at];
	if (parser->seen[at] != 0) {
		conf_fault(parser, parser->line,
			"%s.%s stands in line %u already; remove one of the two", option->section,
			key, parser->seen[at]);
		return;
	}
	parser->seen[at] = parser->line;
	const char *fault = option->needed && value[0] == 0 ? "must not be empty"
							    : conf_set(parser, option, value);
	if (fault == NULL)
		return;
	if (option->type == CONF_INTEGER)
		conf_fault(parser, parser->line, "%s.%s %s, %lld to %lld", option->section, key,
			fault, (long long)option->min, (long long)option->max);
	else
		conf_fault(parser, parser->line, "%s.%s %s%s%s", option->section, key, fault,
			option->form == NULL ? "" : ": ", option->form == NULL ? "" : option->form);
}

static void conf_line(struct conf_parser *parser, char *text, size_t len)
{
	if (strlen(text) != len || len > CONF_LINE_MAX) {
		conf_fault(parser, parser->line, "the line is too long or not text");
		return;
	}
	text = conf_trim(text);
	if (text[0] == 0 || text[0] == '#' || text[0] == ';')
		return;
	if (text[0] == '[') {
		conf_section(parser, text);
		return;
	}
	char *equals = strchr(text, '=');
	if (equals == NULL) {
		conf_fault(parser, parser->line, "an option is written: key = value");
		return;
	}
	*equals = 0;
	/* after an unknown section its keys would only repeat the complaint */
	if (parser->section != NULL)
		conf_value(parser, conf_trim(text), conf_trim(equals + 1));
	else if (parser->faults == 0)
		conf_fault(parser, parser->line, "an option must stand below a [section]");
}

/* ---- the whole ---- */

static rc_t conf_set_defaults(struct conf_parser *parser)
{
	for (size_t i = 0; i < conf_option_count; i++) {
		const char *initial = conf_options[i].initial;
		if (initial == NULL && !conf_is_text(&conf_options[i]))
			return RC_INTERNAL;
		if (initial == NULL)
			initial = "";
		const char *fault =
			conf_options[i].needed || initial[0] == 0
				? conf_set_text(parser->conf, &conf_options[i], strdup(initial))
				: conf_set(parser, &conf_options[i], initial);
		if (fault != NULL)
			return RC_NO_MEMORY;
	}
	return RC_OK;
}

static void conf_check_needed(struct conf_parser *parser)
{
	for (size_t i = 0; i < conf_option_count; i++) {
		const struct conf_option *option = &conf_options[i];
		if (!option->needed || parser->seen[i] != 0)
			continue;
		conf_fault(parser, 0, "%s.%s is missing: %.*s", option->section, option->key,
			(int)strcspn(option->help, "\n"), option->help);
	}
}

rc_t conf_parse(struct conf **conf, FILE *file, const char *path, const char *folder)
{
	struct conf_parser parser = {.path = path, .folder = folder};
	char *line = NULL;
	size_t capacity = 0;
	rc_t rc = RC_NO_MEMORY;

	if (conf_option_count > CONF_OPTIONS_MAX)
		return RC_INTERNAL;
	parser.conf = calloc(1, sizeof(*parser.conf));
	if (parser.conf == NULL)
		goto out;
	rc = conf_set_defaults(&parser);
	if (rc != RC_OK)
		goto out;
	for (ssize_t len; (len = getline(&line, &capacity, file)) >= 0;) {
		parser.line++;
		conf_line(&parser, line, (size_t)len);
	}
	if (ferror(file))
		conf_fault(&parser, parser.line, "cannot be read");
	conf_check_needed(&parser);
	rc = parser.faults == 0 ? RC_OK : RC_CONFIG;
	if (rc != RC_OK)
		goto out;
	*conf = parser.conf;
	parser.conf = NULL;
out:
	free(line);
	conf_free(&parser.conf);
	return rc;
}

/* Whoever can write the file chooses the programs and modules that run. */
static rc_t conf_check_file(FILE *file, const char *path)
{
	struct stat status;

	if (fstat(fileno(file), &status) != 0 || !S_ISREG(status.st_mode)) {
		log_error("conf: %s: is not a plain file", path);
		return RC_CONFIG;
	}
	if ((status.st_mode & 022) != 0) {
		log_error("conf: %s: others than its owner can write it; chmod go-w", path);
		return RC_CONFIG;
	}
	return RC_OK;
}

rc_t conf_load(struct conf **conf, const char *path)
{
	FILE *file = fopen(path, "re");
	char *folder = realpath(path, NULL);
	rc_t rc = RC_CONFIG;

	if (file == NULL || folder == NULL) {
		log_error("conf: %s: cannot be opened: %s; name the file with --config", path,
			strerror(errno));
		goto out;
	}
	rc = conf_check_file(file, path);
	if (rc != RC_OK)
		goto out;
	*strrchr(folder, '/') = 0;
	rc = conf_parse(conf, file, path, folder);
out:
	if (file != NULL)
		fclose(file);
	free(folder);
	return rc;
}

void conf_free(struct conf **conf)
{
	if (*conf == NULL)
		return;
	for (size_t i = 0; i < conf_option_count; i++) {
		if (conf_is_text(&conf_options[i]))
			free(*(char **)conf_member(*conf, &conf_options[i]));
	}
	free(*conf);
	*conf = NULL;
}

enum log_level conf_log_level(const struct conf *conf)
{
	static const char *const names[] = {"debug", "info", "warning"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(conf->log_level, names[i]) == 0)
			return (enum log_level)i;
	}
	return LOG_ERROR;
}

/* ---- the sample ---- */

static void conf_print_help(FILE *out, const char *help)
{
	fputs("# ", out);
	for (; *help != 0; help++) {
		fputc(*help, out);
		if (*help == '\n')
			fputs("# ", out);
	}
	fputc('\n', out);
}

void conf_print_sample(FILE *out)
{
	const char *section = "";

	fputs("# Configuration of rsspd, with every option and its default. Relative paths start in\n"
	      "# this file's folder. A value is the rest of its line: no quotes, no comment behind it.\n",
		out);
	for (size_t i = 0; i < conf_option_count; i++) {
		const struct conf_option *option = &conf_options[i];
		if (strcmp(option->section, section) != 0)
			fprintf(out, "\n[%s]\n", option->section);
		section = option->section;
		conf_print_help(out, option->help);
		if (option->type == CONF_INTEGER)
			fprintf(out, "# (%lld to %lld)\n", (long long)option->min,
				(long long)option->max);
		if (option->needed)
			fprintf(out, "# (has to be given)\n%s =\n", option->key);
		else
			fprintf(out, "#%s = %s\n", option->key,
				option->initial == NULL ? "" : option->initial);
	}
}
