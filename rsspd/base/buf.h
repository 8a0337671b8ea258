/*
 * A growable byte buffer. Any buffer may come to hold a secret, so memory is wiped whenever it is
 * released or moved. A failed append leaves the buffer as it was.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/rc.h"

#include <stddef.h>
#include <stdint.h>

struct buf {
	uint8_t *data; /* owned; NULL while empty */
	size_t len;    /* bytes used */
	size_t capacity;
};

/* Bytes that somebody else owns. */
struct span {
	const uint8_t *data;
	size_t len;
};

#define BUF_INIT ((struct buf){0})
#define SPAN(pointer, length) ((struct span){(const uint8_t *)(pointer), (length)})
#define SPAN_NONE ((struct span){NULL, 0})

struct span span_string(const char *text);
struct span buf_span(const struct buf *buf);
/* Public data only: stops at the first difference. Secrets: secret_equal(). */
int span_equal(struct span a, struct span b);

must_check rc_t buf_reserve(struct buf *buf, size_t more);
must_check rc_t buf_append(struct buf *buf, const void *data, size_t len);
must_check rc_t buf_append_span(struct buf *buf, struct span span);
must_check rc_t buf_append_string(struct buf *buf, const char *text);
must_check rc_t buf_printf(struct buf *buf, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Replaces what the buffer held. */
must_check rc_t buf_set(struct buf *buf, struct span span);
/* The content as a C string, terminated past len; valid until the next call. */
must_check rc_t buf_string(struct buf *buf, const char **text);
void buf_clear(struct buf *buf);
void buf_free(struct buf *buf);

#endif
