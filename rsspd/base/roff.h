/*
 * Manual pages (man(7)), written from what the programs know of themselves: tables and help texts.
 * Text is UTF-8 and comes out as ASCII with escapes, so that groff and mandoc read it alike.
 */
#ifndef BASE_ROFF_H
#define BASE_ROFF_H

#include <stdio.h>

struct roff_page {
	const char *name;    /* "rssp" */
	const char *section; /* "1" */
	const char *summary; /* one line, without the name */
	const char *heading; /* of the section NAME, in the page's language; NULL: "NAME" */
};

/* The page's head up to the end of its section NAME. */
void roff_open(FILE *out, const struct roff_page *page);
void roff_section(FILE *out, const char *title);
void roff_subsection(FILE *out, const char *title);

/* Running text, filled: a blank line parts paragraphs; lines that start with two spaces stand as
 * they are. */
void roff_text(FILE *out, const char *text);
/* Lines as they are. */
void roff_example(FILE *out, const char *text);
/* A row of a list: `left` set in bold, `right` (may have several lines) indented under it. */
void roff_item(FILE *out, const char *left, const char *right);
/* Only the characters, escaped; for a macro's argument put it between double quotes. */
void roff_chars(FILE *out, const char *text);

/*
 * A whole page from a --help text of this project's form: first line `name: summary`, a paragraph
 * `usage: …`, rows `  word  what it is` with indented lines that go on, and at the end
 * `exit status: 0 what; 1 what`.
 */
void roff_help(FILE *out, const char *name, const char *section, const char *help, const char *see);

#endif
