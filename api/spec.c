#include "api/spec.h"

#include "base/base64.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SPEC_FIELDS_MAX 24

/* The parameter under its name or its alias; NULL when absent or null. */
static rc_t spec_find(const struct spec_field *field, const json_t *params, const json_t **found)
{
	const json_t *value = json_object_get(params, field->name);
	const json_t *other = field->alias == NULL ? NULL : json_object_get(params, field->alias);

	if (json_is_null(value))
		value = NULL;
	if (json_is_null(other))
		other = NULL;
	if (value != NULL && other != NULL && !json_equal(value, other))
		return field->contradiction;
	*found = value != NULL ? value : other;
	return RC_OK;
}

static bool spec_type_fits(const struct spec_field *field, const json_t *value, bool textual)
{
	switch (field->type) {
	case SPEC_NUMBER:
		return textual ? json_is_string(value) : json_is_integer(value);
	case SPEC_FLAG:
		return textual ? json_is_string(value) : json_is_boolean(value);
	case SPEC_ARRAY:
		return json_is_array(value);
	case SPEC_TEXT:
	case SPEC_ID:
	case SPEC_CHOICE:
	case SPEC_BASE64:
	case SPEC_HEX:
	case SPEC_TIME:
		return json_is_string(value);
	}
	return false;
}

/* jansson lets only valid UTF-8 in, so characters are the bytes that do not continue one. */
static int64_t spec_characters(const char *text)
{
	int64_t count = 0;

	for (; *text != 0; text++)
		count += ((unsigned char)*text & 0xc0) != 0x80;
	return count;
}

static bool spec_is_line(const char *text)
{
	for (; *text != 0; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return false;
	}
	return true;
}

static bool spec_in_range(const struct spec_field *field, int64_t number)
{
	if (field->least == 0 && field->most == 0)
		return true;
	return number >= field->least && number <= field->most;
}

static rc_t spec_read_text(const struct spec_field *field, const json_t *value, void *out)
{
	const char *text = json_string_value(value);

	if (!spec_in_range(field, spec_characters(text)) || (field->line && !spec_is_line(text)))
		return field->invalid;
	*(const char **)out = text;
	return RC_OK;
}

static rc_t spec_read_number(const struct spec_field *field, const json_t *value, void *out)
{
	int64_t number = json_integer_value(value);

	if (json_is_string(value)) {
		char *end = NULL;
		errno = 0;
		number = strtoll(json_string_value(value), &end, 10);
		if (errno != 0 || *end != 0 || end == json_string_value(value))
			return field->invalid;
	}
	if (!spec_in_range(field, number))
		return field->invalid;
	*(int64_t *)out = number;
	return RC_OK;
}

static rc_t spec_read_flag(const struct spec_field *field, const json_t *value, void *out)
{
	if (json_is_boolean(value)) {
		*(bool *)out = json_is_true(value);
		return RC_OK;
	}
	const char *text = json_string_value(value);
	if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		return field->invalid;
	*(bool *)out = text[0] == 't';
	return RC_OK;
}

static rc_t spec_read_choice(const struct spec_field *field, const json_t *value, void *out)
{
	for (int i = 0; field->choices[i] != NULL; i++) {
		if (strcmp(field->choices[i], json_string_value(value)) == 0) {
			*(int *)out = i;
			return RC_OK;
		}
	}
	return field->invalid;
}

static rc_t spec_read_base64(const struct spec_field *field, const json_t *value, void *out)
{
	struct span text = SPAN(json_string_value(value), json_string_length(value));

	rc_t rc = base64_decode(out, text);
	return rc == RC_FORMAT ? field->invalid : rc;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static rc_t spec_read_hex(const struct spec_field *field, const json_t *value, void *out)
{
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);

	if (len % 2 != 0)
		return field->invalid;
	for (size_t i = 0; i < len; i += 2) {
		int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);
		if (high < 0 || low < 0)
			return field->invalid;
		uint8_t byte = (uint8_t)(high << 4 | low);
		rc_t rc = buf_append(out, &byte, 1);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

/* RFC 3339 in UTC, to the second or to the day. */
static rc_t spec_read_time(const struct spec_field *field, const json_t *value, void *out)
{
	static const char *const formats[] = {"%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d"};

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		struct tm utc = {0};
		const char *end = strptime(json_string_value(value), formats[i], &utc);
		if (end != NULL && *end == 0 && utc.tm_year >= 70 && utc.tm_year < 8000) {
			*(int64_t *)out = (int64_t)timegm(&utc) * 1000;
			return RC_OK;
		}
	}
	return field->invalid;
}

static rc_t spec_read_id(const struct spec_field *field, const json_t *value, void *out)
{
	return id_parse(out, json_string_value(value)) == RC_OK ? RC_OK : field->invalid;
}

static rc_t spec_read_array(const struct spec_field *field, const json_t *value, void *out)
{
	(void)field;
	*(const json_t **)out = value;
	return RC_OK;
}

static void spec_preset(const struct spec_field *field, void *out)
{
	if (field->type == SPEC_NUMBER)
		*(int64_t *)out = field->preset;
	else if (field->type == SPEC_FLAG)
		*(bool *)out = field->preset != 0;
	else if (field->type == SPEC_CHOICE)
		*(int *)out = (int)field->preset;
}

static rc_t (*const spec_readers[])(const struct spec_field *, const json_t *, void *) = {
	[SPEC_TEXT] = spec_read_text,
	[SPEC_NUMBER] = spec_read_number,
	[SPEC_FLAG] = spec_read_flag,
	[SPEC_ID] = spec_read_id,
	[SPEC_CHOICE] = spec_read_choice,
	[SPEC_ARRAY] = spec_read_array,
	[SPEC_BASE64] = spec_read_base64,
	[SPEC_HEX] = spec_read_hex,
	[SPEC_TIME] = spec_read_time,
};

static rc_t spec_check_type(
	const struct spec_field *field, const json_t *params, bool textual, const json_t **value)
{
	rc_t rc = spec_find(field, params, value);

	if (rc != RC_OK)
		return rc;
	if (*value == NULL)
		return field->required ? field->wrong : RC_OK;
	return spec_type_fits(field, *value, textual) ? RC_OK : field->wrong;
}

rc_t spec_read(const struct spec *spec, const json_t *params, bool textual, void *values,
	const char **name)
{
	const json_t *found[SPEC_FIELDS_MAX] = {0};

	if (spec->count > SPEC_FIELDS_MAX)
		return RC_INTERNAL;
	for (size_t i = 0; i < spec->count; i++) {
		*name = spec->fields[i].name;
		rc_t rc = spec_check_type(&spec->fields[i], params, textual, &found[i]);
		if (rc != RC_OK)
			return rc;
	}
	for (size_t i = 0; i < spec->count; i++) {
		const struct spec_field *field = &spec->fields[i];
		void *out = (char *)values + field->offset;
		*name = field->name;
		if (found[i] == NULL) {
			spec_preset(field, out);
			continue;
		}
		rc_t rc = spec_readers[field->type](field, found[i], out);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

void spec_release(const struct spec *spec, void *values)
{
	for (size_t i = 0; i < spec->count; i++) {
		const struct spec_field *field = &spec->fields[i];
		if (field->type == SPEC_BASE64 || field->type == SPEC_HEX)
			buf_free((struct buf *)(void *)((char *)values + field->offset));
	}
}
