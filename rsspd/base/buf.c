#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_FIRST_CAPACITY 256

struct span span_string(const char *text)
{
	return SPAN(text, text == NULL ? 0 : strlen(text));
}

struct span buf_span(const struct buf *buf)
{
	return SPAN(buf->data, buf->len);
}

int span_equal(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

rc_t buf_reserve(struct buf *buf, size_t more)
{
	if (more > SIZE_MAX / 2 - buf->len)
		return RC_NO_MEMORY;
	if (buf->len + more <= buf->capacity)
		return RC_OK;

	/* what is reserved at once is rarely exceeded; what grows, grows by doubling */
	size_t capacity = buf->capacity == 0 && more > BUF_FIRST_CAPACITY ? more : buf->capacity;
	if (capacity == 0)
		capacity = BUF_FIRST_CAPACITY;
	while (capacity < buf->len + more)
		capacity *= 2;

	/* not realloc: it would leave a copy of a secret behind */
	uint8_t *data = malloc(capacity);
	if (data == NULL)
		return RC_NO_MEMORY;
	if (buf->len > 0)
		memcpy(data, buf->data, buf->len);
	if (buf->data != NULL)
		explicit_bzero(buf->data, buf->capacity);
	free(buf->data);
	buf->data = data;
	buf->capacity = capacity;
	return RC_OK;
}

rc_t buf_append(struct buf *buf, const void *data, size_t len)
{
	rc_t rc = buf_reserve(buf, len);
	if (rc != RC_OK)
		return rc;
	if (len > 0)
		memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	return RC_OK;
}

rc_t buf_append_span(struct buf *buf, struct span span)
{
	return buf_append(buf, span.data, span.len);
}

rc_t buf_append_string(struct buf *buf, const char *text)
{
	return buf_append_span(buf, span_string(text));
}

rc_t buf_printf(struct buf *buf, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len < 0)
		return RC_FORMAT;
	rc_t rc = buf_reserve(buf, (size_t)len + 1);
	if (rc != RC_OK)
		return rc;
	va_start(args, format);
	vsnprintf((char *)buf->data + buf->len, (size_t)len + 1, format, args);
	va_end(args);
	buf->len += (size_t)len;
	return RC_OK;
}

rc_t buf_set(struct buf *buf, struct span span)
{
	buf_clear(buf);
	return buf_append_span(buf, span);
}

rc_t buf_string(struct buf *buf, const char **text)
{
	rc_t rc = buf_reserve(buf, 1);
	if (rc != RC_OK)
		return rc;
	buf->data[buf->len] = 0;
	*text = (const char *)buf->data;
	return RC_OK;
}

void buf_clear(struct buf *buf)
{
	if (buf->data != NULL)
		explicit_bzero(buf->data, buf->len);
	buf->len = 0;
}

void buf_free(struct buf *buf)
{
	if (buf->data != NULL)
		explicit_bzero(buf->data, buf->capacity);
	free(buf->data);
	*buf = BUF_INIT;
}
