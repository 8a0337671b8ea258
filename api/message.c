#include "api/message.h"

#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

#define FIELD_SHORT 256 /* nearly all are */

static __attribute__((format(printf, 2, 0))) rc_t field_format(
	struct buf *values, const char *format, va_list args)
{
	va_list again;
	rc_t rc = buf_reserve(values, FIELD_SHORT);

	if (rc != RC_OK)
		return rc;
	va_copy(again, args);
	int len = vsnprintf((char *)values->data + values->len, FIELD_SHORT, format, args);
	if (len >= FIELD_SHORT) {
		rc = buf_reserve(values, (size_t)len + 1);
		if (rc == RC_OK)
			len = vsnprintf(
				(char *)values->data + values->len, (size_t)len + 1, format, again);
	}
	va_end(again);
	if (rc == RC_OK && len < 0)
		rc = RC_FORMAT;
	if (rc == RC_OK)
		values->len += (size_t)len + 1;
	return rc;
}

void http_answer_field(struct http_answer *answer, const char *name, const char *format, ...)
{
	size_t value = answer->values.len;
	va_list args;

	if (answer->field_count == HTTP_FIELDS) {
		log_error("api: no room for one more header name=%s", name);
		return;
	}
	va_start(args, format);
	rc_t rc = field_format(&answer->values, format, args);
	va_end(args);
	if (rc != RC_OK) {
		log_error("api: a header is left out name=%s code=%s", name, rc_name(rc));
		return;
	}
	answer->fields[answer->field_count].name = name;
	answer->fields[answer->field_count++].value = value;
}

const char *http_answer_value(const struct http_answer *answer, size_t number)
{
	return (const char *)answer->values.data + answer->fields[number].value;
}

void http_answer_free(struct http_answer *answer)
{
	buf_free(&answer->values);
	buf_free(&answer->body);
	*answer = (struct http_answer){0};
}
