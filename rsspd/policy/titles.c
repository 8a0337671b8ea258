#include "policy/titles.h"

#include "policy/policy.h"

#include <string.h>
#include <utf8proc.h>

/* NFKD turns one character into at most 18; what has more than a few of those is no title. */
#define TITLE_POINTS 1024

/* What looks like a letter of a Vietnamese title. Capitals come first: some resemble another
 * letter than their small form does. */
static const struct {
	int32_t from;
	char to;
} look_alikes[] = {
	/* Greek capitals */
	{0x0391, 'a'},
	{0x0392, 'b'},
	{0x0395, 'e'},
	{0x0397, 'h'},
	{0x0399, 'i'},
	{0x039A, 'k'},
	{0x039C, 'm'},
	{0x039D, 'n'},
	{0x039F, 'o'},
	{0x03A1, 'p'},
	{0x03A4, 't'},
	{0x03A5, 'y'},
	{0x03A7, 'x'},
	/* Greek */
	{0x03B1, 'a'},
	{0x03B3, 'y'},
	{0x03B5, 'e'},
	{0x03B7, 'n'},
	{0x03B9, 'i'},
	{0x03BA, 'k'},
	{0x03BC, 'u'},
	{0x03BD, 'v'},
	{0x03BF, 'o'},
	{0x03C1, 'p'},
	{0x03C4, 't'},
	{0x03C5, 'u'},
	{0x03C7, 'x'},
	{0x03F2, 'c'},
	/* Cyrillic, capital and small */
	{0x0410, 'a'},
	{0x0412, 'b'},
	{0x0415, 'e'},
	{0x041A, 'k'},
	{0x041C, 'm'},
	{0x041D, 'h'},
	{0x041E, 'o'},
	{0x0420, 'p'},
	{0x0421, 'c'},
	{0x0422, 't'},
	{0x0423, 'y'},
	{0x0425, 'x'},
	{0x0430, 'a'},
	{0x0432, 'b'},
	{0x0433, 'r'},
	{0x0435, 'e'},
	{0x043A, 'k'},
	{0x043C, 'm'},
	{0x043D, 'h'},
	{0x043E, 'o'},
	{0x043F, 'n'},
	{0x0440, 'p'},
	{0x0441, 'c'},
	{0x0442, 't'},
	{0x0443, 'y'},
	{0x0445, 'x'},
	{0x0455, 's'},
	{0x0456, 'i'},
	{0x0458, 'j'},
	{0x04AF, 'y'},
	{0x04BB, 'h'},
	{0x04CF, 'l'},
	{0x0501, 'd'},
	{0x051B, 'q'},
	{0x051D, 'w'},
	{0x0581, 'g'},
	/* Armenian */
	{0x0570, 'h'},
	{0x0578, 'n'},
	{0x057D, 'u'},
	{0x0585, 'o'},
	/* Latin: đ itself, and the eth and the African d that old converters write for it */
	{0x0111, 'd'},
	{0x00F0, 'd'},
	{0x0256, 'd'},
	{0x0257, 'd'},
	{0x0131, 'i'},
	{0x0237, 'j'},
	{0x0251, 'a'},
	{0x0261, 'g'},
	{0x0268, 'i'},
	{0x0269, 'i'},
	{0x026A, 'i'},
	{0x00F8, 'o'},
	{0x0127, 'h'},
	{0x0167, 't'},
	{0x1D0F, 'o'},
	{0x1D1C, 'u'},
	{0x0274, 'n'},
	{0x029C, 'h'},
};

static utf8proc_int32_t unmask(utf8proc_int32_t point, void *unused)
{
	(void)unused;
	if (point < 0x80)
		return point;
	for (size_t i = 0; i < sizeof(look_alikes) / sizeof(look_alikes[0]); i++)
		if (look_alikes[i].from == point)
			return look_alikes[i].to;
	return point;
}

/* The count of points, or negative. */
static utf8proc_ssize_t decompose(
	int32_t points[TITLE_POINTS], enum title_form form, struct span text)
{
	static const int options[] = {
		[TITLE_EXACT] = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_CASEFOLD,
		[TITLE_TONELESS] = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_CASEFOLD |
				   UTF8PROC_STRIPMARK,
		[TITLE_BARE] = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_CASEFOLD |
			       UTF8PROC_STRIPMARK | UTF8PROC_COMPAT | UTF8PROC_IGNORE |
			       UTF8PROC_LUMP,
	};
	utf8proc_ssize_t count = utf8proc_decompose_custom(text.data, (utf8proc_ssize_t)text.len,
		points, TITLE_POINTS, (utf8proc_option_t)options[form],
		form == TITLE_BARE ? unmask : NULL, NULL);
	if (count < 0 || count > TITLE_POINTS)
		return -1;
	if (form == TITLE_EXACT)
		count = utf8proc_normalize_utf32(points, count, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
	return count;
}

struct writer {
	char *out;
	size_t len;
	size_t word; /* where the word at the end of out begins */
	enum title_form form;
	bool in_word;
	bool after_kiem;
	bool full;
};

static void put(struct writer *writer, int32_t point)
{
	uint8_t bytes[4];

	size_t len = (size_t)utf8proc_encode_char(point, bytes);
	if (len == 0 || len >= TITLE_TEXT - writer->len) {
		writer->full = true;
		return;
	}
	memcpy(writer->out + writer->len, bytes, len);
	writer->len += len;
}

static bool word_is(const struct writer *writer, const char *exact, const char *toneless)
{
	const char *word = writer->out + writer->word;
	size_t len = writer->len - writer->word;

	return (len == strlen(exact) && memcmp(word, exact, len) == 0) ||
	       (len == strlen(toneless) && memcmp(word, toneless, len) == 0);
}

static void word_drop(struct writer *writer)
{
	writer->len = writer->word;
	if (writer->len > 0 && writer->out[writer->len - 1] == ' ')
		writer->len--;
}

/* ", kiêm" and CR LF separate once. */
static void part_end_once(struct writer *writer)
{
	if (writer->len == 0 || writer->out[writer->len - 1] != '\n')
		put(writer, '\n');
}

/*
 * In the bare form "kiểm" splits too: a mistyped "kiêm" must not hide what follows, and a part more
 * can only exclude. In the exact form it does not, so that a title which has it can be listed; and
 * in the toneless one nothing does, for there "kiêm" and "kiểm" are the same.
 */
static void word_end(struct writer *writer)
{
	if (!writer->in_word)
		return;
	writer->in_word = false;
	if (writer->form != TITLE_TONELESS && word_is(writer, "kiêm", "kiem")) {
		word_drop(writer);
		part_end_once(writer);
		writer->after_kiem = true;
		return;
	}
	if (writer->after_kiem && word_is(writer, "nhiệm", "nhiem"))
		word_drop(writer);
	writer->after_kiem = false;
}

static void word_put(struct writer *writer, int32_t point)
{
	if (!writer->in_word) {
		if (writer->len > 0 && writer->out[writer->len - 1] != '\n')
			put(writer, ' ');
		writer->word = writer->len;
		writer->in_word = true;
	}
	put(writer, point);
}

static bool breaks_line(int32_t point)
{
	return (point >= '\n' && point <= '\r') || point == 0x85 || point == 0x2028 ||
	       point == 0x2029;
}

static bool separates_parts(int32_t point)
{
	return point == ',' || point == ';' || point == '/' || point == '+' || point == 0x3001;
}

static bool separates_words(enum title_form form, int32_t point)
{
	if (point == ' ' || point == '\t' || utf8proc_category(point) == UTF8PROC_CATEGORY_ZS)
		return true;
	return form == TITLE_BARE && point < 0x80 && !(point >= 'a' && point <= 'z') &&
	       !(point >= '0' && point <= '9');
}

/* The letter that this form writes for a point that separates nothing. */
static int32_t letter(enum title_form form, int32_t point)
{
	if (form == TITLE_EXACT)
		return point;
	if (form == TITLE_TONELESS)
		return point == 0x0111 ? 'd' : point;
	/* once more: look-alikes may come out of a decomposition or of case folding */
	point = unmask(point, NULL);
	return point < 0x80 ? point : '?';
}

static void write_point(struct writer *writer, int32_t point)
{
	if (separates_parts(point) || breaks_line(point)) {
		word_end(writer);
		writer->after_kiem = false;
		if (breaks_line(point))
			part_end_once(writer);
		else
			put(writer, '\n');
	} else if (separates_words(writer->form, point)) {
		word_end(writer);
	} else {
		word_put(writer, letter(writer->form, point));
	}
}

static struct span trimmed(const char *text)
{
	static const char spaces[] = " \t\r\n";

	text += strspn(text, spaces);
	size_t len = strnlen(text, POLICY_POSITION_MAX + 1);
	while (len > 0 && strchr(spaces, text[len - 1]) != NULL)
		len--;
	return SPAN(text, len);
}

bool title_normalise(char out[TITLE_TEXT], enum title_form form, const char *text)
{
	int32_t points[TITLE_POINTS];
	struct writer writer = {.out = out, .form = form};
	struct span input = trimmed(text == NULL ? "" : text);

	out[0] = '\0';
	if (input.len > POLICY_POSITION_MAX)
		return false;
	utf8proc_ssize_t count = decompose(points, form, input);
	if (count < 0)
		return false;
	for (utf8proc_ssize_t i = 0; i < count; i++)
		write_point(&writer, points[i]);
	word_end(&writer);
	out[writer.full ? 0 : writer.len] = '\0';
	return !writer.full;
}
