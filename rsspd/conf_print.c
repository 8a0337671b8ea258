/* The table of options for people: as a sample file and as rsspd.conf(5). */
#include "base/roff.h"
#include "conf_table.h"

#include <string.h>
#include <strings.h>

static const char *section_title(const char *section)
{
	for (size_t i = 0; i < conf_section_count; i++) {
		if (strcasecmp(conf_sections[i].name, section) == 0)
			return conf_sections[i].title;
	}
	return NULL;
}

static const char *option_initial(const struct conf_option *option)
{
	return option->initial == NULL ? "" : option->initial;
}

/* What may stand there, in words; "" where the help says all. */
static void option_range(const struct conf_option *option, char *out, size_t size)
{
	switch (option->type) {
	case CONF_INTEGER:
		snprintf(out, size, "a whole number, %lld to %lld", (long long)option->min,
			(long long)option->max);
		break;
	case CONF_BOOLEAN:
		snprintf(out, size, "on or off");
		break;
	case CONF_CHOICE:
		snprintf(out, size, "one of %s", option->form);
		break;
	case CONF_URL:
		snprintf(out, size, "%shost:port, no path", option->form);
		break;
	case CONF_PATH:
		snprintf(out, size, "a path");
		break;
	default:
		out[0] = 0;
	}
}

/* ---- the sample ---- */

static void sample_comment(FILE *out, const char *text)
{
	fputs("# ", out);
	for (; *text != 0; text++) {
		fputc(*text, out);
		if (*text == '\n')
			fputs("# ", out);
	}
	fputc('\n', out);
}

static void sample_section(FILE *out, const char *section)
{
	const char *title = section_title(section);

	fprintf(out, "\n\n");
	if (title != NULL)
		fprintf(out, "# %s\n", title);
	fprintf(out, "[%s]\n", section);
}

static void sample_option(FILE *out, const struct conf_option *option)
{
	const char *initial = option_initial(option);
	char range[128];

	option_range(option, range, sizeof(range));
	fputc('\n', out);
	sample_comment(out, option->help);
	if (option->needed)
		fprintf(out, "# Has to be given%s%s.\n", range[0] != 0 ? ": " : "", range);
	else if (range[0] != 0)
		fprintf(out, "# (%s)\n", range);
	fprintf(out, "%s%s =%s%s\n", option->needed ? "" : "#", option->key,
		initial[0] != 0 ? " " : "", initial);
}

void conf_print_sample(FILE *out)
{
	const char *section = "";

	fputs("# Configuration of rsspd: every option, with its default behind a #, or an example where it\n"
	      "# has to be given. Relative paths start in this file's folder. A value is the rest of its\n"
	      "# line: no quotes, no comment behind it. Check it with: rsspd --check-config --config FILE\n",
		out);
	for (size_t i = 0; i < conf_option_count; i++) {
		if (strcmp(conf_options[i].section, section) != 0)
			sample_section(out, conf_options[i].section);
		section = conf_options[i].section;
		sample_option(out, &conf_options[i]);
	}
}

/* ---- the manual ---- */

static const char form_text[] =
	"The file has sections, each opened by a line\n"
	"\n"
	"  [section]\n"
	"\n"
	"and below it lines\n"
	"\n"
	"  key = value\n"
	"\n"
	"A value is the rest of its line: no quotes, no comment behind it, no continuation. Lines that\n"
	"start with # or ; are comments. Names do not heed case. Relative paths start in the file's\n"
	"folder. Nobody but its owner may be able to write the file; no password and no PIN stands in\n"
	"it. An unknown, repeated or missing option and every value that does not fit is refused, with\n"
	"its line.\n"
	"\n"
	"No option turns off one-time passwords, the policy, the audit or the verification of what was\n"
	"signed, or sets the clock.\n"
	"\n"
	"A sample with every option, which only has to be adapted:\n"
	"\n"
	"  rsspd options > rsspd.conf\n";

static void manual_option(FILE *out, const struct conf_option *option)
{
	const char *initial = option_initial(option);
	char range[128];

	option_range(option, range, sizeof(range));
	roff_item(out, option->key, option->help);
	fputs(".br\n", out);
	if (option->needed)
		fputs("Has to be given", out);
	else if (initial[0] != 0)
		fputs("Default: ", out);
	else
		fputs("Empty by default", out);
	if (!option->needed)
		roff_chars(out, initial);
	if (range[0] != 0)
		fputs(" (", out);
	roff_chars(out, range);
	fputs(range[0] != 0 ? ")\n" : "\n", out);
	if (option->needed) {
		fputs(".br\nExample: ", out);
		roff_chars(out, initial);
		fputc('\n', out);
	}
}

void conf_print_manual(FILE *out)
{
	const char *section = "";

	roff_open(out, &(struct roff_page){"rsspd.conf", "5",
			       "configuration of the remote signing service", NULL});
	roff_section(out, "DESCRIPTION");
	roff_text(out, form_text);
	roff_section(out, "OPTIONS");
	for (size_t i = 0; i < conf_option_count; i++) {
		const struct conf_option *option = &conf_options[i];
		const char *title = section_title(option->section);
		char heading[64];

		if (strcmp(option->section, section) != 0) {
			snprintf(heading, sizeof(heading), "[%s]", option->section);
			roff_subsection(out, heading);
			roff_text(out, title != NULL ? title : "");
		}
		section = option->section;
		manual_option(out, option);
	}
	roff_section(out, "FILES");
	roff_item(out, "/etc/rsspd/rsspd.conf",
		"where rsspd looks for it, unless --config names another");
	roff_section(out, "SEE ALSO");
	roff_text(out, "rsspd(8), rssp-keys(8)");
}
