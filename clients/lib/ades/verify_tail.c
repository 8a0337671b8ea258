/*
 * How the revisions behind a signature are written. What two readers may understand in two ways, or
 * repair in two ways, is no change that could be called harmless: the cross-reference, that says
 * where objects stand, is read here by itself, and by the letter (ISO 32000-1 §7.5.4, §7.5.7,
 * §7.5.8).
 */
#include "clients/lib/ades/verify_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECTIONS_MAX 64
#define ENTRIES_MAX ((size_t)1 << 21)
#define DICTIONARY_MAX 65536 /* bytes of a trailer */
#define END_MAX 1000	     /* readers look for startxref in the last 1024 bytes */
#define ROW_LEN 20	     /* of a table */
#define WIDTH_MAX 8	     /* bytes of a field in a cross-reference stream */
#define VERTICAL_TAB 0x0b

struct packed {
	uint64_t number;
	uint64_t stream; /* number of the object stream */
	uint64_t index;
};

struct reading {
	struct view *view;
	size_t from;
	uint64_t *known; /* keys of the revision before, sorted */
	size_t known_count;
	struct packed *packed;
	size_t packed_count;
	size_t packed_capacity;
	size_t entries;
	size_t tables;
	bool alike;
	rc_t rc;
};

/* bytes */

static bool is_white(uint8_t c)
{
	return c == 0 || c == '\t' || c == '\n' || c == '\f' || c == '\r' || c == ' ';
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static void skip_white(struct span bytes, size_t *at)
{
	while (*at < bytes.len && is_white(bytes.data[*at]))
		(*at)++;
}

static bool take_white(struct span bytes, size_t *at)
{
	size_t begin = *at;

	skip_white(bytes, at);
	return *at > begin;
}

static bool take_word(struct span bytes, size_t *at, const char *word)
{
	size_t len = strlen(word);

	if (*at > bytes.len || bytes.len - *at < len || memcmp(bytes.data + *at, word, len) != 0)
		return false;
	*at += len;
	return true;
}

static bool take_number(struct span bytes, size_t *at, uint64_t *number)
{
	enum { DIGITS_MAX = 10 };
	size_t begin = *at;

	*number = 0;
	for (; *at < bytes.len && is_digit(bytes.data[*at]) && *at - begin < DIGITS_MAX; (*at)++)
		*number = *number * 10 + (uint64_t)(bytes.data[*at] - '0');
	return *at > begin && (*at == bytes.len || !is_digit(bytes.data[*at]));
}

/* startxref, where it points, %%EOF: the end of a file that is whole. */
static bool read_end(struct span bytes, size_t *offset)
{
	static const char keyword[] = "startxref";
	const size_t keyword_len = sizeof(keyword) - 1;
	size_t begin = bytes.len > END_MAX ? bytes.len - END_MAX : 0;
	size_t at = bytes.len;
	uint64_t number = 0;

	while (at > begin + keyword_len &&
		memcmp(bytes.data + at - keyword_len, keyword, keyword_len) != 0)
		at--;
	if (at <= begin + keyword_len || !take_white(bytes, &at) ||
		!take_number(bytes, &at, &number) || !take_white(bytes, &at) ||
		!take_word(bytes, &at, "%%EOF"))
		return false;
	skip_white(bytes, &at);
	*offset = (size_t)number;
	return at == bytes.len;
}

/* Has it no vertical tab outside strings and comments? It is a space to libqpdf, and part of a name
 * to others. one: up to the object's stream or end. */
static bool is_plain(struct span text, size_t at, bool one)
{
	while (at < text.len && text.data[at] != VERTICAL_TAB) {
		uint8_t c = text.data[at];
		size_t begin = at;
		if (c == '(') {
			at = text_skip_string(text, at);
			continue;
		}
		at++;
		if (c == '%') {
			while (at < text.len && text.data[at] != '\r' && text.data[at] != '\n')
				at++;
		} else if (c == '/' || (c >= 'a' && c <= 'z')) {
			while (at < text.len && text.data[at] > ' ' &&
				memchr("()<>[]{}/%", text.data[at], 10) == NULL)
				at++;
		}
		struct span word = SPAN(text.data + begin, at - begin);
		if (one && (span_equal(word, span_string("stream")) ||
				   span_equal(word, span_string("endobj"))))
			return true;
	}
	return at >= text.len;
}

/* entries of a cross-reference */

static int compare_keys(const void *a, const void *b)
{
	const uint64_t *first = a;
	const uint64_t *second = b;

	return *first < *second ? -1 : *first > *second;
}

static rc_t list_known(struct reading *reading, const struct inventory *old)
{
	reading->known = calloc(old->count + 1, sizeof(reading->known[0]));
	if (reading->known == NULL)
		return RC_NO_MEMORY;
	for (size_t i = 0; i < old->capacity; i++) {
		if (old->places[i].key != 0 && old->places[i].zone != ZONE_NONE)
			reading->known[reading->known_count++] = old->places[i].key;
	}
	qsort(reading->known, reading->known_count, sizeof(reading->known[0]), compare_keys);
	return RC_OK;
}

/* One number has one generation: to libqpdf another is another object beside it, to others it takes
 * the place of the first. */
static bool generation_fits(const struct reading *reading, uint64_t number, uint64_t generation)
{
	size_t low = 0;
	size_t high = reading->known_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (reading->known[middle] >> 16 < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low == reading->known_count || reading->known[low] >> 16 != number ||
	       ((reading->known[low] & 65535) == generation &&
		       (low + 1 == reading->known_count ||
			       reading->known[low + 1] >> 16 != number));
}

/* An object stands exactly where the cross-reference says. */
static bool stands_at(
	const struct reading *reading, uint64_t number, uint64_t generation, uint64_t offset)
{
	struct span bytes = reading->view->bytes;
	size_t at = (size_t)offset;
	uint64_t said = 0;
	uint64_t of = 0;

	if (offset == 0 || offset >= bytes.len)
		return false;
	skip_white(bytes, &at);
	return take_number(bytes, &at, &said) && take_white(bytes, &at) &&
	       take_number(bytes, &at, &of) && take_white(bytes, &at) &&
	       take_word(bytes, &at, "obj") && said == number && of == generation &&
	       is_plain(bytes, at, true);
}

static void take_plain(struct reading *reading, uint64_t number, uint64_t generation, uint64_t at)
{
	reading->alike = reading->alike && number > 0 && number <= INT32_MAX &&
			 generation <= 65535 && generation_fits(reading, number, generation) &&
			 stands_at(reading, number, generation, at);
}

static void take_packed(struct reading *reading, struct packed packed)
{
	if (!generation_fits(reading, packed.number, 0) || packed.number == 0 ||
		packed.number > INT32_MAX || packed.stream == 0 || packed.stream > INT32_MAX) {
		reading->alike = false;
		return;
	}
	if (reading->packed_count == reading->packed_capacity) {
		size_t capacity = reading->packed_capacity == 0 ? 64 : 2 * reading->packed_capacity;
		struct packed *larger = realloc(reading->packed, capacity * sizeof(larger[0]));
		if (larger == NULL) {
			reading->rc = RC_NO_MEMORY;
			return;
		}
		reading->packed = larger;
		reading->packed_capacity = capacity;
	}
	reading->packed[reading->packed_count++] = packed;
}

static bool goes_on(struct reading *reading)
{
	reading->alike = reading->alike && reading->entries++ < ENTRIES_MAX;
	return reading->rc == RC_OK && reading->alike;
}

/* tables */

static bool ends_row(const uint8_t *end)
{
	return (end[0] == ' ' && (end[1] == '\n' || end[1] == '\r')) ||
	       (end[0] == '\r' && end[1] == '\n');
}

/* "0000001234 00000 n" and two bytes that end the line. */
static bool take_row(struct span bytes, size_t *at, uint64_t *first, uint64_t *second, bool *used)
{
	size_t begin = *at;
	size_t end = begin;

	if (begin > bytes.len || bytes.len - begin < ROW_LEN || !take_number(bytes, &end, first) ||
		end != begin + 10 || !take_word(bytes, &end, " ") ||
		!take_number(bytes, &end, second) || end != begin + 16 ||
		!take_word(bytes, &end, " "))
		return false;
	*used = bytes.data[end] == 'n';
	*at = begin + ROW_LEN;
	return (*used || bytes.data[end] == 'f') && ends_row(bytes.data + end + 1);
}

static bool read_rows(struct reading *reading, size_t *at)
{
	struct span bytes = reading->view->bytes;
	uint64_t number = 0;
	uint64_t count = 0;

	if (!take_number(bytes, at, &number) || !take_word(bytes, at, " ") ||
		!take_number(bytes, at, &count) || !take_white(bytes, at))
		return false;
	for (; count > 0 && goes_on(reading); count--, number++) {
		uint64_t first = 0;
		uint64_t second = 0;
		bool used = false;
		if (!take_row(bytes, at, &first, &second, &used))
			return false;
		if (used)
			take_plain(reading, number, second, first);
		else if (second == 65535 && number != 0)
			return false; /* some readers begin to count here */
	}
	skip_white(bytes, at);
	return true;
}

/* "12 0 R" becomes a number: libqpdf reads references in files only. */
static void blank_references(char *text, size_t len)
{
	struct span bytes = SPAN(text, len);
	size_t begins[2] = {len, len};

	for (size_t at = 0; at < len;) {
		size_t begin = at++;
		uint8_t c = bytes.data[begin];
		if (c == '(') {
			at = text_skip_string(bytes, begin);
		} else if (c == 'R' && begins[0] < len &&
			   (at == len || !is_digit(bytes.data[at]))) {
			memset(text + begins[0] + 1, ' ', begin - begins[0]);
			text[begins[0]] = '0';
		} else if (is_digit(c)) {
			while (at < len && is_digit(bytes.data[at]))
				at++;
			begins[0] = begins[1];
			begins[1] = begin;
			continue;
		} else if (is_white(c)) {
			continue;
		}
		begins[0] = begins[1] = len;
	}
}

/* A text that is one dictionary and nothing else; false: it is not. */
static bool parse(struct view *view, struct span text, qpdf_oh *object)
{
	char *copy = text.len > DICTIONARY_MAX ? NULL : malloc(text.len + 1);

	if (copy == NULL)
		return false;
	memcpy(copy, text.data, text.len);
	copy[text.len] = 0;
	/* white, or in a string that does not matter here */
	for (size_t i = 0; i < text.len; i++)
		copy[i] = copy[i] == 0 ? ' ' : copy[i];
	blank_references(copy, text.len);
	*object = qpdf_oh_parse(view->qpdf, copy);
	free(copy);
	bool good = !qpdf_has_error(view->qpdf);
	if (!good)
		(void)qpdf_get_error(view->qpdf);
	return good && qpdf_oh_is_dictionary(view->qpdf, *object);
}

static bool read_previous(struct view *view, qpdf_oh dictionary, size_t *previous)
{
	qpdf_oh value = qpdf_oh_get_key(view->qpdf, dictionary, "/Prev");
	long long number = -1;

	if (!qpdf_oh_is_integer(view->qpdf, value) || view_key(view, value) != 0 ||
		!qpdf_oh_get_value_as_longlong(view->qpdf, value, &number) || number <= 0)
		return false;
	*previous = (size_t)number;
	return true;
}

static bool read_table(struct reading *reading, size_t at, size_t *previous)
{
	static const char keyword[] = "startxref";
	struct span bytes = reading->view->bytes;
	qpdf_oh dictionary = 0;

	if (!take_white(bytes, &at))
		return false;
	while (reading->alike && reading->rc == RC_OK && !take_word(bytes, &at, "trailer")) {
		if (!read_rows(reading, &at))
			return false;
	}
	skip_white(bytes, &at);
	const uint8_t *end = memmem(bytes.data + at, bytes.len - at, keyword, sizeof(keyword) - 1);
	if (!reading->alike || end == NULL)
		return false;
	struct span text = SPAN(bytes.data + at, (size_t)(end - bytes.data) - at);
	reading->tables++;
	/* objects that only some readers look for */
	return is_plain(text, 0, false) && parse(reading->view, text, &dictionary) &&
	       !qpdf_oh_has_key(reading->view->qpdf, dictionary, "/XRefStm") &&
	       read_previous(reading->view, dictionary, previous);
}

/* streams */

/* libqpdf keeps a cross-reference stream only if it lists itself: a table behind a copy of the
 * bytes does. */
static rc_t open_with(struct view *view, uint64_t number, size_t offset, size_t before,
	struct buf *copy, struct view *with)
{
	char text[256];
	uint64_t root = view_key(view, view_root(view));

	int len = snprintf(text, sizeof(text),
		"\nxref\n%llu 1\n%010zu 00000 n \ntrailer\n<< /Size %llu /Root %llu %llu R /Prev %zu"
		" >>\nstartxref\n%zu\n%%%%EOF\n",
		(unsigned long long)number, offset, (unsigned long long)number + 1,
		(unsigned long long)(root >> 16), (unsigned long long)(root & 65535), before,
		view->bytes.len + 1);
	if (len < 0 || (size_t)len >= sizeof(text))
		return RC_FORMAT;
	rc_t rc = buf_append_span(copy, view->bytes);
	if (rc == RC_OK)
		rc = buf_append(copy, text, (size_t)len);
	return rc == RC_OK ? view_open(buf_span(copy), NULL, with) : rc;
}

static bool whole_number(struct view *view, qpdf_oh value, uint64_t *number)
{
	long long read = -1;

	if (!qpdf_oh_is_integer(view->qpdf, value) ||
		!qpdf_oh_get_value_as_longlong(view->qpdf, value, &read) || read < 0 ||
		read > INT32_MAX)
		return false;
	*number = (uint64_t)read;
	return true;
}

static bool numbers_of(struct view *view, qpdf_oh list, int at, int count, uint64_t out[])
{
	if (!qpdf_oh_is_array(view->qpdf, list) ||
		qpdf_oh_get_array_n_items(view->qpdf, list) < at + count)
		return false;
	for (int i = 0; i < count; i++) {
		if (!whole_number(view, qpdf_oh_get_array_item(view->qpdf, list, at + i), &out[i]))
			return false;
	}
	return true;
}

static uint64_t field_of(const uint8_t *row, uint64_t width)
{
	uint64_t value = 0;

	for (uint64_t i = 0; i < width; i++)
		value = value << 8 | row[i];
	return value;
}

static bool read_stream_rows(
	struct reading *reading, struct view *with, qpdf_oh dictionary, struct span data)
{
	qpdf_oh index = qpdf_oh_get_key(with->qpdf, dictionary, "/Index");
	bool listed = qpdf_oh_is_array(with->qpdf, index);
	int ranges = listed ? qpdf_oh_get_array_n_items(with->qpdf, index) / 2 : 1;
	uint64_t widths[3];
	size_t at = 0;

	if (!numbers_of(with, qpdf_oh_get_key(with->qpdf, dictionary, "/W"), 0, 3, widths) ||
		widths[0] > WIDTH_MAX || widths[1] > WIDTH_MAX || widths[2] > WIDTH_MAX)
		return false;
	size_t row_len = (size_t)(widths[0] + widths[1] + widths[2]);
	for (int i = 0; i < ranges; i++) {
		uint64_t range[2] = {0};
		if (listed ? !numbers_of(with, index, 2 * i, 2, range)
			   : !whole_number(with, qpdf_oh_get_key(with->qpdf, dictionary, "/Size"),
				     &range[1]))
			return false;
		for (; range[1] > 0 && goes_on(reading); range[0]++, range[1]--) {
			if (row_len == 0 || data.len - at < row_len)
				return false;
			const uint8_t *row = data.data + at;
			uint64_t type = widths[0] == 0 ? 1 : field_of(row, widths[0]);
			uint64_t second = field_of(row + widths[0], widths[1]);
			uint64_t third = field_of(row + widths[0] + widths[1], widths[2]);
			at += row_len;
			if (type == 1)
				take_plain(reading, range[0], third, second);
			else if (type == 2)
				take_packed(reading, (struct packed){range[0], second, third});
			else if (type != 0)
				return false;
		}
	}
	return at == data.len;
}

static bool read_stream(struct reading *reading, size_t offset, size_t before, size_t *previous)
{
	struct span bytes = reading->view->bytes;
	struct buf copy = {0};
	struct view with = {0};
	unsigned char *data = NULL;
	size_t len = 0;
	QPDF_BOOL filtered = QPDF_FALSE;
	uint64_t number = 0;
	size_t at = offset;
	bool good = false;

	if (!take_number(bytes, &at, &number) || number == 0 || number > INT32_MAX ||
		!stands_at(reading, number, 0, offset))
		return false;
	rc_t rc = open_with(reading->view, number, offset, before, &copy, &with);
	if (rc != RC_OK)
		goto out;
	qpdf_oh stream = view_object(&with, number << 16);
	if (!qpdf_oh_is_stream(with.qpdf, stream))
		goto out;
	qpdf_oh dictionary = qpdf_oh_get_dict(with.qpdf, stream);
	QPDF_ERROR_CODE status =
		qpdf_oh_get_stream_data(with.qpdf, stream, qpdf_dl_all, &filtered, &data, &len);
	good = status == QPDF_SUCCESS && view_name_is(&with, dictionary, "/Type", "/XRef") &&
	       read_stream_rows(reading, &with, dictionary, SPAN(data, len)) &&
	       read_previous(&with, dictionary, previous);
out:
	if (rc == RC_NO_MEMORY)
		reading->rc = rc;
	free(data);
	view_close(&with);
	buf_free(&copy);
	return good;
}

/* object streams */

static int compare_packed(const void *a, const void *b)
{
	const struct packed *first = a;
	const struct packed *second = b;

	if (first->stream != second->stream)
		return first->stream < second->stream ? -1 : 1;
	return first->index < second->index ? -1 : first->index > second->index;
}

/* What is opened is closed, so that no reader goes on into the next. */
static bool is_closed(struct span text)
{
	long depth = 0;

	for (size_t at = 0; at < text.len && depth >= 0;) {
		uint8_t c = text.data[at];
		if (c == '(') {
			at = text_skip_string(text, at);
			if (at == text.len && text.data[at - 1] != ')')
				return false;
			continue;
		}
		at++;
		if (c == '%') {
			while (at < text.len && text.data[at] != '\r' && text.data[at] != '\n')
				at++;
		} else if (c == '<' || c == '[') {
			depth++;
		} else if (c == '>' || c == ']') {
			depth--;
		}
	}
	return depth == 0;
}

/* The list at the head: each number once, objects in their order, each ending before the next; the
 * cross-reference counts them as they stand. */
static bool head_fits(
	struct span data, uint64_t count, uint64_t first, const struct packed *items, size_t len)
{
	uint64_t *numbers = count > data.len ? NULL : calloc(count + 1, sizeof(numbers[0]));
	uint64_t last = 0;
	size_t at = 0;
	size_t item = 0;
	bool good = numbers != NULL && first <= data.len;

	for (uint64_t i = 0; good && i < count; i++) {
		uint64_t offset = 0;
		skip_white(data, &at);
		good = take_number(data, &at, &numbers[i]) && take_white(data, &at) &&
		       take_number(data, &at, &offset) && at <= first &&
		       offset < data.len - first && (i == 0 ? offset == 0 : offset > last) &&
		       (i == 0 || is_white(data.data[first + offset - 1]) ||
			       memchr("<([/", data.data[first + offset], 4) != NULL) &&
		       is_closed(SPAN(data.data + first + last, offset - last));
		for (; good && item < len && items[item].index == i; item++)
			good = items[item].number == numbers[i];
		last = offset;
	}
	if (good)
		qsort(numbers, count, sizeof(numbers[0]), compare_keys);
	for (uint64_t i = 1; good && i < count; i++)
		good = numbers[i] != numbers[i - 1];
	free(numbers);
	return good && item == len;
}

static bool object_stream_fits(struct view *view, const struct packed *items, size_t count)
{
	qpdf_data qpdf = view->qpdf;
	qpdf_oh stream = view_object(view, items[0].stream << 16);
	unsigned char *data = NULL;
	size_t len = 0;
	QPDF_BOOL filtered = QPDF_FALSE;
	uint64_t held = 0;
	uint64_t first = 0;

	if (!qpdf_oh_is_stream(qpdf, stream))
		return false;
	qpdf_oh dictionary = qpdf_oh_get_dict(qpdf, stream);
	QPDF_ERROR_CODE status =
		qpdf_oh_get_stream_data(qpdf, stream, qpdf_dl_all, &filtered, &data, &len);
	bool good = status == QPDF_SUCCESS &&
		    whole_number(view, qpdf_oh_get_key(qpdf, dictionary, "/N"), &held) &&
		    whole_number(view, qpdf_oh_get_key(qpdf, dictionary, "/First"), &first) &&
		    head_fits(SPAN(data, len), held, first, items, count) &&
		    is_plain(SPAN(data, len), 0, false);
	free(data);
	view_forget(view);
	return good;
}

static bool object_streams_fit(struct reading *reading)
{
	const struct packed *items = reading->packed;
	size_t end = 0;
	bool good = true;

	if (reading->packed_count > 0)
		qsort(reading->packed, reading->packed_count, sizeof(items[0]), compare_packed);
	for (size_t i = 0; good && i < reading->packed_count; i = end) {
		for (end = i; end < reading->packed_count && items[end].stream == items[i].stream;)
			end++;
		good = object_stream_fits(reading->view, &items[i], end - i);
	}
	return good;
}

/* A reader that repairs takes the last trailer that it finds. */
static bool trailers_fit(const struct reading *reading)
{
	struct span bytes = reading->view->bytes;
	size_t count = 0;

	for (size_t i = reading->from; i < bytes.len; i++) {
		size_t at = i;
		if (!take_word(bytes, &at, "trailer"))
			continue;
		skip_white(bytes, &at);
		count += take_word(bytes, &at, "<<") ? 1 : 0;
	}
	return count <= reading->tables;
}

static void read_sections(struct reading *reading)
{
	struct span bytes = reading->view->bytes;
	size_t sections = 0;
	size_t offset = 0;

	reading->alike = read_end(bytes, &offset);
	size_t end = offset;
	while (reading->rc == RC_OK && reading->alike && offset >= reading->from) {
		size_t at = offset;
		size_t previous = 0;
		bool good = offset < bytes.len && sections++ < SECTIONS_MAX;
		if (good)
			good = take_word(bytes, &at, "xref")
				       ? read_table(reading, at, &previous)
				       : read_stream(reading, offset, end, &previous);
		reading->alike = reading->alike && good && previous < offset;
		offset = previous;
		view_forget(reading->view);
	}
	reading->alike = reading->alike && sections > 0;
}

rc_t tail_reads_alike(struct view *view, size_t from, const struct inventory *old, bool *alike)
{
	struct reading reading = {.view = view, .from = from};

	*alike = false;
	reading.rc = list_known(&reading, old);
	if (reading.rc == RC_OK)
		read_sections(&reading);
	if (reading.rc == RC_OK)
		*alike = reading.alike && object_streams_fit(&reading) && trailers_fit(&reading);
	view_forget(view);
	free(reading.known);
	free(reading.packed);
	return reading.rc;
}
