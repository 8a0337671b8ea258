#include "api/message.h"

#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

void http_answer_field(struct http_answer *answer, const char *name, const char *format, ...)
{
	va_list args;

	if (answer->field_count == HTTP_FIELDS) {
		log_error("api: no room for one more header name=%s", name);
		return;
	}
	char *value = answer->fields[answer->field_count].value;
	va_start(args, format);
	int len = vsnprintf(value, HTTP_FIELD_MAX, format, args);
	va_end(args);
	if (len < 0 || len >= HTTP_FIELD_MAX) {
		log_error("api: a header is too long name=%s", name);
		return;
	}
	answer->fields[answer->field_count++].name = name;
}

void http_answer_free(struct http_answer *answer)
{
	buf_free(&answer->body);
	*answer = (struct http_answer){0};
}
