/* link: policy */
#include "policy/policy.h"
#include "policy/titles.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct row {
	const char *rule;
	enum title_form form;
	const char *text;
	const char *expected; /* NULL: not readable */
};

static const struct row rows[] = {
	{"case is folded", TITLE_EXACT, "GIÁO VIÊN", "giáo viên"},
	{"Đ is folded to đ", TITLE_EXACT, "ĐIỀU DƯỠNG", "điều dưỡng"},
	{"decomposed input is composed", TITLE_EXACT, "Gia\u0301o vie\u0302n", "giáo viên"},
	{"marks in the other order are the same letter", TITLE_EXACT, "hie\u0323\u0302u",
		"hi\u1EC7u"},
	{"a half composed letter is the same letter", TITLE_EXACT, "hi\u1EB9\u0302u", "hi\u1EC7u"},
	{"spaces are trimmed and collapsed", TITLE_EXACT, " \t Giáo \t  viên\r\n", "giáo viên"},
	{"a no-break space is a space", TITLE_EXACT, "Giáo\u00A0viên", "giáo viên"},
	{"an ideographic space is a space", TITLE_EXACT, "Giáo\u3000viên", "giáo viên"},
	{"punctuation stays in the exact form", TITLE_EXACT, "BS. CKI", "bs. cki"},
	{"nothing is empty", TITLE_EXACT, "", ""},
	{"NULL is empty", TITLE_EXACT, NULL, ""},
	{"spaces alone are empty", TITLE_EXACT, " \t \n", ""},
	{"a comma divides", TITLE_EXACT, "A,B", "a\nb"},
	{"a semicolon divides", TITLE_EXACT, "A; B", "a\nb"},
	{"a slash divides", TITLE_EXACT, "A / B", "a\nb"},
	{"a plus divides", TITLE_EXACT, "A + B", "a\nb"},
	{"a line break divides", TITLE_EXACT, "A\nB", "a\nb"},
	{"CR LF divides once", TITLE_EXACT, "A\r\nB", "a\nb"},
	{"a part may be empty", TITLE_EXACT, "A, ", "a\n"},
	{"a part may be empty in the middle", TITLE_EXACT, "A,;B", "a\n\nb"},
	{"kiêm divides", TITLE_EXACT, "Giáo viên kiêm kế toán", "giáo viên\nkế toán"},
	{"KIÊM divides", TITLE_EXACT, "GIÁO VIÊN KIÊM KẾ TOÁN", "giáo viên\nkế toán"},
	{"decomposed kiêm divides", TITLE_EXACT, "A kie\u0302m B", "a\nb"},
	{"kiem divides", TITLE_EXACT, "Giao vien kiem ke toan", "giao vien\nke toan"},
	{"kiêm nhiệm divides once", TITLE_EXACT, "A kiêm nhiệm B", "a\nb"},
	{"kiem nhiem divides once", TITLE_EXACT, "A KIEM NHIEM B", "a\nb"},
	{", kiêm divides once", TITLE_EXACT, "A, kiêm B", "a\nb"},
	{"nhiệm alone is a word", TITLE_EXACT, "A nhiệm B", "a nhiệm b"},
	{"nhiệm after a comma is a word", TITLE_EXACT, "A kiêm, nhiệm B", "a\n\nnhiệm b"},
	{"kiêm within a word divides nothing", TITLE_EXACT, "akiêm kiêmb", "akiêm kiêmb"},
	{"a leading kiêm leaves an empty part", TITLE_EXACT, "kiêm kế toán", "\nkế toán"},
	{"a last kiêm leaves an empty part", TITLE_EXACT, "Giáo viên kiêm", "giáo viên\n"},
	{"kiểm is another word in the exact form", TITLE_EXACT, "kiểm nghiệm", "kiểm nghiệm"},
	{"kiểm divides in the bare form", TITLE_BARE, "A kiểm B", "a\nb"},
	{"zero width stays in the exact form", TITLE_EXACT, "giáo\u200Bviên", "giáo\u200Bviên"},
	{"full width stays in the exact form", TITLE_EXACT, "\uFF27v", "\uFF47v"},

	{"the toneless form has no marks", TITLE_TONELESS, "Điều Dưỡng", "dieu duong"},
	{"the toneless form keeps punctuation", TITLE_TONELESS, "BS.CKI", "bs.cki"},
	{"the toneless form is not divided at kiểm", TITLE_TONELESS, "A kiểm nghiệm",
		"a kiem nghiem"},
	{"the toneless form shows look-alikes", TITLE_TONELESS, "gi\u0430o", "gi\u0430o"},

	{"the bare form has no marks", TITLE_BARE, "Phó Hiệu trưởng", "pho hieu truong"},
	{"the bare form of đ is d", TITLE_BARE, "GIÁM ĐỐC", "giam doc"},
	{"eth is taken for đ", TITLE_BARE, "GIÁM \u00D0ỐC", "giam doc"},
	{"the African d is taken for đ", TITLE_BARE, "giám \u0256ốc", "giam doc"},
	{"punctuation is a space in the bare form", TITLE_BARE, "Q.Hiệu-trưởng (THPT)",
		"q hieu truong thpt"},
	{"a typographic dash is a space", TITLE_BARE, "Hiệu trưởng\u2013THPT", "hieu truong thpt"},
	{"zero width disappears in the bare form", TITLE_BARE, "Hi\u200Bệu trư\u2060ởng",
		"hieu truong"},
	{"a soft hyphen disappears", TITLE_BARE, "kế to\u00ADán", "ke toan"},
	{"a byte order mark disappears", TITLE_BARE, "\uFEFFkế toán", "ke toan"},
	{"a bidi override disappears", TITLE_BARE, "\u202Ekế toán", "ke toan"},
	{"full width is unfolded", TITLE_BARE, "\uFF28\uFF49\uFF45\uFF55", "hieu"},
	{"a full-width comma divides", TITLE_BARE, "a\uFF0Cb", "a\nb"},
	{"a full-width solidus divides", TITLE_BARE, "a\uFF0Fb", "a\nb"},
	{"a division slash divides", TITLE_BARE, "a\u2215b", "a\nb"},
	{"an ideographic comma divides", TITLE_BARE, "a\u3001b", "a\nb"},
	{"Cyrillic letters are unmasked", TITLE_BARE, "k\u0435 t\u043E\u0430n", "ke toan"},
	{"Cyrillic capitals are unmasked", TITLE_BARE, "\u041A\u0415T", "ket"},
	{"Greek letters are unmasked", TITLE_BARE, "k\u03B5 t\u03BFan", "ke toan"},
	{"a Cyrillic capital En is an H", TITLE_BARE, "\u041Dieu", "hieu"},
	{"a Greek capital Eta is an H", TITLE_BARE, "\u0397ieu", "hieu"},
	{"mathematical letters are unfolded", TITLE_BARE, "\U0001D424\U0001D41E", "ke"},
	{"mathematical Greek is unmasked", TITLE_BARE, "k\U0001D6C6", "ke"},
	{"an overlaid stroke disappears", TITLE_BARE, "giam d\u0335oc", "giam doc"},
	{"an unknown character is not dropped", TITLE_BARE, "giáo \u4E2D viên", "giao ? vien"},
	{"a control character is a space", TITLE_BARE, "a\001b", "a b"},

	{"a lone continuation byte is not readable", TITLE_EXACT, "Gi\x80", NULL},
	{"a cut sequence is not readable", TITLE_BARE, "Gi\xC3", NULL},
	{"an overlong slash is not readable", TITLE_EXACT, "a\xC0\xAF", NULL},
	{"a surrogate is not readable", TITLE_BARE, "\xED\xA0\x80", NULL},
	{"Windows-1258 is not readable", TITLE_EXACT, "Gi\xE1o vi\xEAn", NULL},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void test_row(void **state)
{
	const struct row *row = *state;
	char text[TITLE_TEXT];

	if (row->expected == NULL) {
		assert_false(title_normalise(text, row->form, row->text));
		assert_string_equal(text, "");
		return;
	}
	assert_true(title_normalise(text, row->form, row->text));
	assert_string_equal(text, row->expected);
}

static void long_titles_are_not_read(void **state)
{
	char text[POLICY_POSITION_MAX + 2], out[TITLE_TEXT];

	(void)state;
	memset(text, 'a', sizeof(text));
	text[POLICY_POSITION_MAX + 1] = '\0';
	assert_false(title_normalise(out, TITLE_EXACT, text));
	text[POLICY_POSITION_MAX] = '\0';
	assert_true(title_normalise(out, TITLE_EXACT, text));
	assert_int_equal(strlen(out), POLICY_POSITION_MAX);
}

/* U+FDFA becomes 18 characters under NFKD. */
static void characters_that_expand_do_not_overflow(void **state)
{
	char text[POLICY_POSITION_MAX + 1] = "", out[TITLE_TEXT];

	(void)state;
	for (size_t i = 0; i + 3 <= POLICY_POSITION_MAX; i += 3)
		memcpy(text + i, "\uFDFA", 4);
	assert_false(title_normalise(out, TITLE_BARE, text));
	assert_string_equal(out, "");
	assert_true(title_normalise(out, TITLE_EXACT, text));
}

int main(void)
{
	struct CMUnitTest tests[ROWS + 2] = {
		cmocka_unit_test(long_titles_are_not_read),
		cmocka_unit_test(characters_that_expand_do_not_overflow),
	};

	for (size_t i = 0; i < ROWS; i++)
		tests[i + 2] = (struct CMUnitTest){.name = rows[i].rule,
			.test_func = test_row,
			.initial_state = (void *)(uintptr_t)&rows[i]};
	return cmocka_run_group_tests_name("titles", tests, NULL, NULL);
}
