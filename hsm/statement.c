#include "hsm/statement.h"

#include "base/wire.h"

#include <string.h>

#define STATEMENT_VERSION 1
#define STATEMENT_KIND_ENROL "enrol"
#define STATEMENT_KIND_UNLOCK "unlock"

/* ---- what a text may hold ---- */

/* Reads one character; 0 for what is not UTF-8 (overlong forms, surrogates, beyond U+10FFFF). */
static uint32_t utf8_next(const uint8_t **text)
{
	static const struct {
		uint8_t mask, lead;
		uint32_t least;
	} forms[] = {
		{0x80, 0x00, 0x01}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
	const uint8_t *at = *text;

	for (size_t more = 0; more < sizeof(forms) / sizeof(forms[0]); more++) {
		if ((*at & forms[more].mask) != forms[more].lead)
			continue;
		uint32_t c = *at & (uint8_t)~forms[more].mask;
		for (size_t i = 1; i <= more; i++) {
			if ((at[i] & 0xc0) != 0x80)
				return 0;
			c = c << 6 | (at[i] & 0x3f);
		}
		*text = at + more + 1;
		bool surrogate = c >= 0xd800 && c <= 0xdfff;
		return c < forms[more].least || c > 0x10ffff || surrogate ? 0 : c;
	}
	return 0;
}

/* Characters that would show a person something else than what is signed, or split a mail's header:
 * controls, line and paragraph separators, direction marks, non-characters. */
static bool character_hidden(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {{0x00, 0x1f}, {0x7f, 0x9f}, {0x200b, 0x200f}, {0x2028, 0x202e},
		{0x2060, 0x2069}, {0xfdd0, 0xfdef}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb},
		{0xe0000, 0xe007f}};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	}
	return (c & 0xfffe) == 0xfffe;
}

static bool text_fits(const char *text)
{
	const uint8_t *at = (const uint8_t *)text;

	while (*at != 0) {
		uint32_t c = utf8_next(&at);
		if (c == 0 || character_hidden(c))
			return false;
	}
	return true;
}

static bool number_fits(const char *text)
{
	struct id id;

	return id_parse(&id, text) == RC_OK;
}

static bool date_fits(const char *text)
{
	static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	static const char form[] = "dddd-dd-dd";

	for (size_t i = 0; i < sizeof(form); i++) {
		bool digit = text[i] >= '0' && text[i] <= '9';
		if (form[i] == 'd' ? !digit : text[i] != form[i])
			return false;
	}
	int year = (text[0] - '0') * 1000 + (text[1] - '0') * 100 + (text[2] - '0') * 10 + text[3] -
		   '0';
	int month = (text[5] - '0') * 10 + text[6] - '0';
	int day = (text[8] - '0') * 10 + text[9] - '0';
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	if (year < 1900 || month < 1 || month > 12 || day < 1 || day > days[month - 1])
		return false;
	return leap || month != 2 || day < 29;
}

/* Narrower than RFC 5321: what stands in a mail's To line needs no quoting. */
static bool email_fits(const char *text)
{
	const char *at = strchr(text, '@');

	for (const char *c = text; *c != 0; c++) {
		if (*c <= ' ' || *c > '~' || strchr("\"(),:;<>[\\]", *c) != NULL)
			return false;
	}
	if (at == NULL || at == text || strchr(at + 1, '@') != NULL)
		return false;
	const char *dot = strchr(at + 1, '.');
	return dot != NULL && dot != at + 1 && text[strlen(text) - 1] != '.';
}

/* ---- the enrolment line: one table gives the order of its text fields ---- */

#define FIELD(member, needed, check)                                                 \
	{                                                                            \
		offsetof(struct statement_enrol, member),                            \
			sizeof(((struct statement_enrol *)0)->member), needed, check \
	}

static const struct statement_field {
	size_t offset, size;
	bool needed;
	bool (*check)(const char *text);
} enrol_fields[] = {
	FIELD(number, true, number_fits),
	FIELD(name, true, text_fits),
	FIELD(birth_date, true, date_fits),
	FIELD(identity_number, true, text_fits),
	FIELD(identity_place, true, text_fits),
	FIELD(identity_date, true, date_fits),
	FIELD(email, true, email_fits),
	FIELD(agency[0], true, text_fits),
	FIELD(agency[1], false, text_fits),
	FIELD(agency[2], false, text_fits),
	FIELD(agency[3], false, text_fits),
	FIELD(province, true, text_fits),
	FIELD(position, false, text_fits),
	FIELD(phone, false, text_fits),
	FIELD(old_serial, false, text_fits),
	FIELD(budget_code, false, text_fits),
};

#define ENROL_FIELDS (sizeof(enrol_fields) / sizeof(enrol_fields[0]))

static rc_t enrol_check(const struct statement_enrol *statement)
{
	for (size_t i = 0; i < ENROL_FIELDS; i++) {
		const struct statement_field *field = &enrol_fields[i];
		const char *text = (const char *)statement + field->offset;
		if (memchr(text, 0, field->size) == NULL)
			return RC_STATEMENT_INVALID;
		if (text[0] == 0 ? field->needed : !field->check(text))
			return RC_STATEMENT_INVALID;
	}
	for (size_t level = 1; level < STATEMENT_LEVELS; level++) {
		if (statement->agency[level][0] != 0 && statement->agency[level - 1][0] == 0)
			return RC_STATEMENT_INVALID;
	}
	return statement->issued_at_ms > 0 ? RC_OK : RC_STATEMENT_INVALID;
}

static rc_t statement_put_head(struct buf *out, const char *kind, int64_t issued_at_ms)
{
	rc_t rc = wire_put_number(out, STATEMENT_VERSION);
	if (rc == RC_OK)
		rc = wire_put_string(out, kind);
	if (rc == RC_OK)
		rc = wire_put_number(out, (uint64_t)issued_at_ms);
	return rc;
}

static int64_t statement_get_head(struct wire_reader *reader, const char *kind)
{
	uint64_t version = wire_get_number(reader);
	struct span named = wire_get_bytes(reader);
	uint64_t issued_at_ms = wire_get_number(reader);

	if (version != STATEMENT_VERSION || !span_equal(named, span_string(kind)) ||
		issued_at_ms > INT64_MAX)
		reader->broken = true;
	return reader->broken ? 0 : (int64_t)issued_at_ms;
}

rc_t statement_enrol_encode(struct buf *out, const struct statement_enrol *statement)
{
	size_t start = out->len;
	rc_t rc = enrol_check(statement);

	if (rc == RC_OK)
		rc = statement_put_head(out, STATEMENT_KIND_ENROL, statement->issued_at_ms);
	for (size_t i = 0; i < ENROL_FIELDS && rc == RC_OK; i++)
		rc = wire_put_string(out, (const char *)statement + enrol_fields[i].offset);
	if (rc != RC_OK)
		out->len = start;
	return rc;
}

rc_t statement_enrol_decode(struct statement_enrol *statement, struct span bytes)
{
	struct wire_reader reader = wire_reader(bytes);
	struct statement_enrol got = {0};

	if (bytes.len > STATEMENT_MAX)
		return RC_STATEMENT_INVALID;
	got.issued_at_ms = statement_get_head(&reader, STATEMENT_KIND_ENROL);
	for (size_t i = 0; i < ENROL_FIELDS; i++)
		wire_get_string(
			&reader, (char *)&got + enrol_fields[i].offset, enrol_fields[i].size);
	if (wire_reader_end(&reader) != RC_OK || enrol_check(&got) != RC_OK)
		return RC_STATEMENT_INVALID;
	*statement = got;
	return RC_OK;
}

/* ---- unlock ---- */

rc_t statement_unlock_encode(struct buf *out, const struct statement_unlock *statement)
{
	size_t start = out->len;

	if (statement->issued_at_ms <= 0 || id_is_zero(&statement->credential))
		return RC_STATEMENT_INVALID;
	rc_t rc = statement_put_head(out, STATEMENT_KIND_UNLOCK, statement->issued_at_ms);
	if (rc == RC_OK)
		rc = wire_put_bytes(out, id_span(&statement->credential));
	if (rc != RC_OK)
		out->len = start;
	return rc;
}

rc_t statement_unlock_decode(struct statement_unlock *statement, struct span bytes)
{
	struct wire_reader reader = wire_reader(bytes);
	struct statement_unlock got = {0};

	got.issued_at_ms = statement_get_head(&reader, STATEMENT_KIND_UNLOCK);
	wire_get_fixed(&reader, got.credential.bytes, ID_LEN);
	if (wire_reader_end(&reader) != RC_OK || got.issued_at_ms == 0 ||
		id_is_zero(&got.credential))
		return RC_STATEMENT_INVALID;
	*statement = got;
	return RC_OK;
}
