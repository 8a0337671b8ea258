#include "conf_table.h"

#include <errno.h>
#include <ini_configobj.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/*
 * The file: `[section]`, `key = value`, whole-line comments with # or ;. A value is the rest of the
 * line: no quotes, no comment behind it, no continuation, so that nothing is cut silently.
 * libini_config reads it; the table says what may stand in it. Names do not heed case.
 */

#define CONF_FILE_MAX (1 << 20)

struct conf_parser {
	struct conf *conf;
	const char *path, *folder;
	struct ini_cfgobj *ini;
	unsigned faults;
	bool faulty_too; /* give what there is even so */
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

/* ---- the file ---- */

/* mode: INI_GET_FIRST_VALUE, INI_GET_NEXT_VALUE. NULL: there is none. */
static const char *conf_get(
	struct conf_parser *parser, const char *section, const char *key, int mode, unsigned *line)
{
	struct value_obj *found = NULL;

	/* or else a default would silently take its place */
	if (ini_get_config_valueobj(section, key, parser->ini, mode, &found) != 0)
		conf_fault(parser, 0, "%s.%.64s cannot be read", section, key);
	if (found == NULL || value_get_line(found, line) != 0)
		return NULL;
	return ini_get_const_string_config_value(found, NULL);
}

static void conf_take(struct conf_parser *parser, const struct conf_option *option)
{
	const char *section = option->section, *key = option->key;
	unsigned line = 0, again = 0;
	const char *value = conf_get(parser, section, key, INI_GET_FIRST_VALUE, &line);
	const char *initial = option->initial != NULL && !option->needed ? option->initial : "";
	const char *used = value != NULL ? value : initial;
	const char *fault =
		option->needed && used[0] == 0 ? "has to be given" : conf_set(parser, option, used);
	const char *hint = option->form != NULL ? option->form : option->help;
	/* what is wrong with it says what to do */
	bool hinted = option->type != CONF_CONNINFO || used[0] == 0;

	if (fault != NULL && option->type == CONF_INTEGER)
		conf_fault(parser, line, "%s.%s %s (%lld to %lld)", section, key, fault,
			(long long)option->min, (long long)option->max);
	else if (fault != NULL && hinted)
		conf_fault(parser, line, "%s.%s %s (%.*s)", section, key, fault,
			(int)strcspn(hint, "\n"), hint);
	else if (fault != NULL)
		conf_fault(parser, line, "%s.%s %s", section, key, fault);
	if (value != NULL && conf_get(parser, section, key, INI_GET_NEXT_VALUE, &again) != NULL)
		conf_fault(parser, again, "%s.%s stands in line %u already; remove one of the two",
			section, key, line);
}

/* key NULL: is there such a section? */
static bool conf_knows(const char *section, const char *key)
{
	for (size_t i = 0; i < conf_option_count; i++) {
		if (strcasecmp(conf_options[i].section, section) == 0 &&
			(key == NULL || strcasecmp(conf_options[i].key, key) == 0))
			return true;
	}
	return false;
}

static void conf_check_keys(struct conf_parser *parser, const char *section)
{
	char **keys = ini_get_attribute_list(parser->ini, section, NULL, NULL);

	if (keys == NULL)
		conf_fault(parser, 0, "section [%.64s] cannot be read", section);
	for (size_t i = 0; keys != NULL && keys[i] != NULL; i++) {
		unsigned line = 0;
		if (conf_knows(section, keys[i]))
			continue;
		(void)conf_get(parser, section, keys[i], INI_GET_FIRST_VALUE, &line);
		conf_fault(parser, line,
			"there is no option %.64s in [%.64s]; `rsspd options` lists them all",
			keys[i], section);
	}
	ini_free_attribute_list(keys);
}

static void conf_check_names(struct conf_parser *parser)
{
	char **sections = ini_get_section_list(parser->ini, NULL, NULL);

	if (sections == NULL)
		conf_fault(parser, 0, "its sections cannot be read");
	for (size_t i = 0; sections != NULL && sections[i] != NULL; i++) {
		if (!conf_knows(sections[i], NULL))
			/* libini_config's own name for what stands above the first one */
			conf_fault(parser, 0, "there is no section [%.64s]%s", sections[i],
				strcmp(sections[i], INI_DEFAULT_SECTION) == 0
					? "; an option must stand below a section"
					: "; `rsspd options` lists them all");
		conf_check_keys(parser, sections[i]);
	}
	ini_free_section_list(sections);
}

/* libini_config says "Error (5) on line 3: Equal sign is missing." */
static void conf_report(struct conf_parser *parser)
{
	char **errors = NULL;

	if (ini_config_get_errors(parser->ini, &errors) != 0)
		return;
	for (size_t i = 0; errors[i] != NULL; i++) {
		unsigned line = 0;
		int said = 0;
		sscanf(errors[i], "%*s (%*d) on line %u: %n", &line, &said);
		conf_fault(parser, line, "%s", errors[i] + said);
	}
	ini_config_free_errors(errors);
}

static void conf_read(struct conf_parser *parser, char *text, size_t len)
{
	struct ini_cfgfile *file = NULL;
	/* twice the same is for conf_take(), which knows both lines */
	uint32_t collisions = INI_MV1S_ALLOW | INI_MV2S_ALLOW | INI_MS_MERGE;
	uint32_t form = INI_PARSE_NOWRAP | INI_PARSE_NO_C_COMMENTS;
	int error = ini_config_file_from_mem(text, (uint32_t)len, &file);

	if (error == 0)
		error = ini_config_parse(file, INI_STOP_ON_NONE, collisions, form, parser->ini);
	if (error != 0)
		conf_report(parser);
	if (error != 0 && parser->faults == 0)
		conf_fault(parser, 0, "is not text in UTF-8, or a name in it is not one");
	ini_config_file_destroy(file);
}

/* A faulty text is left out, so that nobody meets a NULL. */
static rc_t conf_fill(struct conf *conf)
{
	for (size_t i = 0; i < conf_option_count; i++) {
		const struct conf_option *option = &conf_options[i];
		if (!conf_is_text(option) || *(char **)conf_member(conf, option) != NULL)
			continue;
		if (conf_set_text(conf, option, strdup("")) != NULL)
			return RC_NO_MEMORY;
	}
	return RC_OK;
}

static rc_t conf_parse_as(struct conf_parser parser, struct conf **conf, FILE *file)
{
	char *text = NULL;
	size_t capacity = 0;
	rc_t rc = RC_NO_MEMORY;
	/* up to a NUL, which no text has, or else all of it */
	ssize_t len = getdelim(&text, &capacity, 0, file);

	parser.conf = calloc(1, sizeof(*parser.conf));
	if (parser.conf == NULL || text == NULL || ini_config_create(&parser.ini) != 0)
		goto out;
	rc = RC_CONFIG;
	if (ferror(file) || len > CONF_FILE_MAX || (len > 0 && text[len - 1] == 0))
		conf_fault(&parser, 0, "is not text of at most 1 MiB");
	else
		conf_read(&parser, text, len > 0 ? (size_t)len : 0);
	/* of a file that could not be read nothing is known */
	if (parser.faults > 0)
		goto out;
	for (size_t i = 0; i < conf_option_count; i++)
		conf_take(&parser, &conf_options[i]);
	conf_check_names(&parser);
	if (parser.faults > 0 && !parser.faulty_too)
		goto out;
	rc = conf_fill(parser.conf);
	if (rc != RC_OK)
		goto out;
	*conf = parser.conf;
	parser.conf = NULL;
	rc = parser.faults > 0 ? RC_CONFIG : RC_OK;
out:
	free(text);
	ini_config_destroy(parser.ini);
	conf_free(&parser.conf);
	return rc;
}

rc_t conf_parse(struct conf **conf, FILE *file, const char *path, const char *folder)
{
	struct conf_parser parser = {.path = path, .folder = folder};

	return conf_parse_as(parser, conf, file);
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

static rc_t conf_load_as(struct conf **conf, const char *path, bool faulty_too)
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
	struct conf_parser parser = {.path = path, .folder = folder, .faulty_too = faulty_too};
	rc = conf_parse_as(parser, conf, file);
out:
	if (file != NULL)
		fclose(file);
	free(folder);
	return rc;
}

rc_t conf_load(struct conf **conf, const char *path)
{
	return conf_load_as(conf, path, false);
}

rc_t conf_load_faulty(struct conf **conf, const char *path)
{
	return conf_load_as(conf, path, true);
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

static enum log_level conf_log_level(const struct conf *conf)
{
	static const char *const names[] = {"debug", "info", "warning"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(conf->log_level, names[i]) == 0)
			return (enum log_level)i;
	}
	return LOG_ERROR;
}

void conf_log_open(const struct conf *conf, const char *process)
{
	log_open(process, conf_log_level(conf));
	log_set_format(strcmp(conf->log_format, "json") == 0 ? LOG_JSON : LOG_TEXT);
}
