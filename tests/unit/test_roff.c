/* link: base */
#include "base/roff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static char *page;
static size_t page_len;

static FILE *begin(void)
{
	return open_memstream(&page, &page_len);
}

static void expect(FILE *out, const char *text)
{
	fclose(out);
	assert_string_equal(page, text);
	free(page);
}

static void a_character_that_roff_would_change_is_escaped(void **state)
{
	FILE *out = begin();

	(void)state;
	roff_chars(out, "a\\b -x 'q' \"d\" `c` ^~");
	expect(out, "a\\(rsb \\-x \\(aqq\\(aq \\(dqd\\(dq \\(gac\\(ga \\(ha\\(ti");
}

static void text_beyond_ascii_is_named_by_its_number(void **state)
{
	FILE *out = begin();

	(void)state;
	roff_chars(out, "ký số… 𝄞");
	expect(out, "k\\[u00FD] s\\[u1ED1]\\[u2026] \\[u1D11E]");
}

static void a_cut_character_ends_the_text(void **state)
{
	FILE *out = begin();

	(void)state;
	roff_chars(out, "a\xe1\xbb");
	expect(out, "a");
}

static void a_line_is_never_a_request(void **state)
{
	FILE *out = begin();

	(void)state;
	roff_text(out, ".SH x\n'br\nplain");
	expect(out, "\\&.SH x\n\\&\\(aqbr\nplain\n");
}

static void indented_lines_stand_as_they_are(void **state)
{
	FILE *out = begin();

	(void)state;
	roff_text(out, "one\n\n  a  b\n\n  c\n\ntwo");
	expect(out, "one\n.PP\n.RS 2\n.EX\na  b\nc\n.EE\n.RE\n.PP\ntwo\n");
}

static const char help[] = "prog: does it\n"
			   "\n"
			   "usage: prog WORD\n"
			   "       prog --other\n"
			   "\n"
			   "  word  what it is\n"
			   "        and more\n"
			   "\n"
			   "Some text.\n"
			   "\n"
			   "exit status: 0 done; 1 failed; or\n"
			   "not at all; 64 usage\n";

static void a_help_text_becomes_a_page(void **state)
{
	FILE *out = begin();

	(void)state;
	roff_help(out, "prog", "8", help, "other(1)");
	fclose(out);
	assert_non_null(strstr(page, ".TH PROG 8 "));
	assert_non_null(strstr(page, ".SH \"NAME\"\nprog \\- does it\n"
				     ".SH \"SYNOPSIS\"\nprog WORD\n.br\nprog \\-\\-other\n"
				     ".SH \"DESCRIPTION\"\n"
				     ".TP\n\\fBword\\fR\nwhat it is\nand more\n"
				     ".PP\nSome text.\n"
				     ".SH \"EXIT STATUS\"\n"
				     ".TP\n\\fB0\\fR\ndone\n.TP\n\\fB1\\fR\nfailed; or not at all\n"
				     ".TP\n\\fB64\\fR\nusage\n"
				     ".SH \"SEE ALSO\"\nother(1)\n"));
	free(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_character_that_roff_would_change_is_escaped),
		cmocka_unit_test(text_beyond_ascii_is_named_by_its_number),
		cmocka_unit_test(a_cut_character_ends_the_text),
		cmocka_unit_test(a_line_is_never_a_request),
		cmocka_unit_test(indented_lines_stand_as_they_are),
		cmocka_unit_test(a_help_text_becomes_a_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
