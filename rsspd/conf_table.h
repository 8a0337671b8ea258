/*
 * The table of options, for conf.c only: others see struct conf. What is said here once serves the
 * parser, the sample file and the manual.
 */
#ifndef RSSPD_CONF_TABLE_H
#define RSSPD_CONF_TABLE_H

#include "conf.h"

#include <stddef.h>

enum conf_type {
	CONF_TEXT,
	CONF_PATH,     /* relative: to the configuration file's folder */
	CONF_INTEGER,  /* min to max */
	CONF_BOOLEAN,  /* on, off */
	CONF_CHOICE,   /* one of `form`, which separates them by a bar */
	CONF_URL,      /* starts with `form`, has no path */
	CONF_CONNINFO, /* libpq's connection string, without a password */
};

struct conf_option {
	const char *section, *key;
	enum conf_type type;
	bool needed;
	size_t offset; /* in struct conf: char *, int64_t or bool, by type */
	int64_t min, max;
	const char *form;
	const char *initial; /* as it would stand in the file; NULL: ""; if needed: an example */
	const char *help;
};

/* What the options of a section are about: the sample and the manual say it above them. */
struct conf_section {
	const char *name, *title;
};

extern const struct conf_option conf_options[];
extern const size_t conf_option_count;
extern const struct conf_section conf_sections[];
extern const size_t conf_section_count;

/* Reads a configuration from an open file; `path` names it in the log, `folder` is where relative
 * paths start. */
must_check rc_t conf_parse(struct conf **conf, FILE *file, const char *path, const char *folder);

#endif
