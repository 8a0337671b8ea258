#include "clients/lib/csv.h"

static size_t count_in_first_line(struct span text, char wanted)
{
	size_t count = 0;

	for (size_t i = 0; i < text.len && text.data[i] != '\n'; i++)
		count += text.data[i] == (uint8_t)wanted;
	return count;
}

void csv_begin(struct csv *csv, struct span text)
{
	*csv = (struct csv){.rest = text, .separator = ','};
	if (count_in_first_line(text, ';') > count_in_first_line(text, ','))
		csv->separator = ';';
}

void csv_end(struct csv *csv)
{
	buf_free(&csv->text);
}

bool csv_done(const struct csv *csv)
{
	return csv->rest.len == 0;
}

/* The next byte, or -1. */
static int peek(const struct csv *csv)
{
	return csv->rest.len == 0 ? -1 : csv->rest.data[0];
}

static void skip(struct csv *csv, size_t count)
{
	csv->rest.data += count;
	csv->rest.len -= count;
}

static bool at_line_end(const struct csv *csv)
{
	if (peek(csv) == '\r')
		return csv->rest.len > 1 && csv->rest.data[1] == '\n';
	return peek(csv) == '\n' || peek(csv) == -1;
}

static rc_t read_quoted(struct csv *csv)
{
	skip(csv, 1);
	for (;;) {
		int c = peek(csv);
		if (c == -1)
			return RC_FORMAT;
		skip(csv, 1);
		if (c == '"' && peek(csv) != '"')
			return RC_OK;
		if (c == '"')
			skip(csv, 1);
		uint8_t byte = (uint8_t)c;
		rc_t rc = buf_append(&csv->text, &byte, 1);
		if (rc != RC_OK)
			return rc;
	}
}

static rc_t read_plain(struct csv *csv)
{
	const uint8_t *from = csv->rest.data;

	while (!at_line_end(csv) && peek(csv) != csv->separator) {
		if (peek(csv) == '"')
			return RC_FORMAT;
		skip(csv, 1);
	}
	return buf_append(&csv->text, from, (size_t)(csv->rest.data - from));
}

static rc_t read_field(struct csv *csv)
{
	static const uint8_t end = 0;
	size_t offset = csv->text.len;

	rc_t rc = peek(csv) == '"' ? read_quoted(csv) : read_plain(csv);
	if (rc == RC_OK)
		rc = buf_append(&csv->text, &end, 1);
	if (rc == RC_OK && csv->count < CSV_FIELDS_MAX)
		csv->offsets[csv->count] = offset;
	csv->count++;
	return rc;
}

rc_t csv_next(struct csv *csv)
{
	buf_clear(&csv->text);
	csv->count = 0;
	for (;;) {
		rc_t rc = read_field(csv);
		if (rc != RC_OK)
			return rc;
		if (peek(csv) != csv->separator)
			break;
		skip(csv, 1);
	}
	if (!at_line_end(csv))
		return RC_FORMAT;
	if (peek(csv) == '\r')
		skip(csv, 1);
	if (peek(csv) == '\n')
		skip(csv, 1);
	return RC_OK;
}

const char *csv_field(const struct csv *csv, size_t index)
{
	if (index >= csv->count || index >= CSV_FIELDS_MAX)
		return "";
	return (const char *)csv->text.data + csv->offsets[index];
}
