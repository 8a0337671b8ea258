#include "base/roff.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* What roff would take for something else: hyphens and quotes that must stay what they are. */
static const struct {
	char c;
	const char *escape;
} specials[] = {{'\\', "\\(rs"}, {'-', "\\-"}, {'\'', "\\(aq"}, {'`', "\\(ga"}, {'^', "\\(ha"},
	{'~', "\\(ti"}, {'"', "\\(dq"}};

static void ascii_put(FILE *out, char c)
{
	for (size_t i = 0; i < sizeof(specials) / sizeof(specials[0]); i++) {
		if (specials[i].c == c) {
			fputs(specials[i].escape, out);
			return;
		}
	}
	if ((unsigned char)c >= ' ')
		fputc(c, out);
}

/* One character of UTF-8 from two bytes on; the texts are this project's own and well-formed. */
static size_t point_put(FILE *out, const char *text, size_t left)
{
	const unsigned char *byte = (const unsigned char *)text;
	size_t len = byte[0] >= 0xf0 ? 4 : byte[0] >= 0xe0 ? 3 : 2;
	uint32_t point = byte[0] & (0xffU >> (len + 1));

	if (len > left)
		return left;
	for (size_t i = 1; i < len; i++)
		point = point << 6 | (byte[i] & 0x3f);
	fprintf(out, "\\[u%04X]", (unsigned)point);
	return len;
}

static void chars_put(FILE *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len;) {
		if ((unsigned char)text[i] < 0x80)
			ascii_put(out, text[i++]);
		else
			i += point_put(out, text + i, len - i);
	}
}

void roff_chars(FILE *out, const char *text)
{
	chars_put(out, text, strlen(text));
}

/* A line of text: never taken for a request. */
static void line_put(FILE *out, const char *text, size_t len)
{
	if (len > 0 && (text[0] == '.' || text[0] == '\''))
		fputs("\\&", out);
	chars_put(out, text, len);
	fputc('\n', out);
}

void roff_open(FILE *out, const struct roff_page *page)
{
	fprintf(out, ".\\\" Made at build time from the program's own tables: do not edit.\n.TH ");
	for (const char *c = page->name; *c != 0; c++)
		fputc(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c, out);
	fprintf(out, " %s \"" RSSPD_RELEASED "\" \"rsspd " RSSPD_VERSION "\"\n", page->section);
	roff_section(out, page->heading != NULL ? page->heading : "NAME");
	roff_chars(out, page->name);
	fputs(" \\- ", out);
	roff_chars(out, page->summary);
	fputc('\n', out);
}

void roff_section(FILE *out, const char *title)
{
	fputs(".SH \"", out);
	roff_chars(out, title);
	fputs("\"\n", out);
}

void roff_subsection(FILE *out, const char *title)
{
	fputs(".SS \"", out);
	roff_chars(out, title);
	fputs("\"\n", out);
}

/* The next line of *text, without its line feed; false: there is none. */
static bool line_take(const char **text, const char **line, size_t *len)
{
	if (**text == 0)
		return false;
	*line = *text;
	*len = strcspn(*text, "\n");
	*text += *len + ((*text)[*len] == '\n');
	return true;
}

void roff_text(FILE *out, const char *text)
{
	const char *line = NULL;
	size_t len = 0;
	bool literal = false, parted = false;

	while (line_take(&text, &line, &len)) {
		bool indented = len > 2 && line[0] == ' ' && line[1] == ' ';
		if (len == 0) {
			parted = !literal;
			continue;
		}
		if (indented != literal)
			fputs(indented ? ".PP\n.RS 2\n.EX\n" : ".EE\n.RE\n.PP\n", out);
		else if (parted)
			fputs(".PP\n", out);
		literal = indented;
		parted = false;
		line_put(out, indented ? line + 2 : line, indented ? len - 2 : len);
	}
	if (literal)
		fputs(".EE\n.RE\n", out);
}

void roff_example(FILE *out, const char *text)
{
	const char *line = NULL;
	size_t len = 0;

	fputs(".EX\n", out);
	while (line_take(&text, &line, &len))
		line_put(out, line, len);
	fputs(".EE\n", out);
}

void roff_item(FILE *out, const char *left, const char *right)
{
	fputs(".TP\n\\fB", out);
	roff_chars(out, left);
	fputs("\\fR\n", out);
	roff_text(out, right);
}

/* ---- a help text ---- */

struct help {
	FILE *out;
	bool listed; /* the line before belongs to a row */
	bool parted; /* the line before was empty, or does not run on */
	bool usage;  /* the line before belongs to the usage */
	char exits[1024];
};

static size_t spaces(const char *line, size_t len)
{
	size_t count = 0;

	while (count < len && line[count] == ' ')
		count++;
	return count;
}

/* Where the right side of `  left  right` starts; 0: it has none. */
static size_t row_right(const char *line, size_t len)
{
	for (size_t i = 2; i + 2 < len; i++) {
		if (line[i] == ' ' && line[i + 1] == ' ')
			return i + spaces(line + i, len - i);
	}
	return 0;
}

static void help_row(struct help *help, const char *line, size_t len)
{
	size_t right = row_right(line, len), left = right;

	if (right == 0) {
		fputs(".PP\n.RS 2\n.EX\n", help->out);
		line_put(help->out, line + 2, len - 2);
		fputs(".EE\n.RE\n", help->out);
		help->listed = false;
		help->parted = true;
		return;
	}
	while (line[left - 1] == ' ')
		left--;
	fputs(".TP\n\\fB", help->out);
	chars_put(help->out, line + 2, left - 2);
	fputs("\\fR\n", help->out);
	line_put(help->out, line + right, len - right);
	help->listed = true;
}

/* Appends a line of `0 done; 1 failed; …`. */
static void help_exit(struct help *help, const char *line, size_t len)
{
	size_t used = strlen(help->exits);

	snprintf(help->exits + used, sizeof(help->exits) - used, "%s%.*s", used > 0 ? " " : "",
		(int)len, line);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void help_exits(const struct help *help)
{
	const char *at = help->exits;

	while (is_digit(*at)) {
		size_t number = strspn(at, "0123456789"), end = number;
		while (at[end] != 0 &&
			!(at[end] == ';' && at[end + 1] == ' ' && is_digit(at[end + 2])))
			end++;
		fprintf(help->out, ".TP\n\\fB%.*s\\fR\n", (int)number, at);
		line_put(help->out, at + number + 1, end - number - 1);
		at += at[end] == 0 ? end : end + 2;
	}
}

static bool starts(const char *line, size_t len, const char *word)
{
	return len >= strlen(word) && strncmp(line, word, strlen(word)) == 0;
}

static void help_line(struct help *help, const char *line, size_t len)
{
	size_t indent = spaces(line, len);

	if (starts(line, len, "usage: ")) {
		roff_section(help->out, "SYNOPSIS");
		line_put(help->out, line + 7, len - 7);
		help->usage = true;
	} else if (help->usage) {
		fputs(".br\n", help->out);
		line_put(help->out, line + indent, len - indent);
	} else if (starts(line, len, "exit ")) {
		size_t colon = strcspn(line, ":") + 2;
		help_exit(help, line + colon, len - colon);
	} else if (help->exits[0] != 0) {
		help_exit(help, line, len);
	} else if (indent > 2 && help->listed) {
		line_put(help->out, line + indent, len - indent);
	} else if (indent == 2) {
		help_row(help, line, len);
	} else {
		if (help->parted || help->listed)
			fputs(".PP\n", help->out);
		help->listed = help->parted = false;
		line_put(help->out, line, len);
	}
}

/* A blank line. */
static void help_part(struct help *help)
{
	if (help->usage)
		roff_section(help->out, "DESCRIPTION");
	help->parted = !help->usage;
	help->usage = false;
}

void roff_help(FILE *out, const char *name, const char *section, const char *help, const char *see)
{
	struct help state = {.out = out};
	const char *line = NULL;
	char summary[128];
	size_t len = 0;

	line_take(&help, &line, &len);
	size_t skip = strcspn(line, ":") + 2;
	snprintf(summary, sizeof(summary), "%.*s", (int)(len - skip), line + skip);
	roff_open(out, &(struct roff_page){name, section, summary, NULL});
	if (strstr(help, "usage: ") == NULL)
		roff_section(out, "DESCRIPTION");
	while (line_take(&help, &line, &len)) {
		if (len > 0)
			help_line(&state, line, len);
		else
			help_part(&state);
	}
	roff_section(out, "EXIT STATUS");
	help_exits(&state);
	roff_section(out, "SEE ALSO");
	roff_text(out, see);
}
