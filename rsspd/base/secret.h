/*
 * The one type for secrets: PIN, OTP, SAD, keys, codes, passwords. Never copied by assignment,
 * never printed, wiped when freed.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/buf.h"

#include <stdbool.h>

struct secret {
	struct buf bytes;
};

#define SECRET_INIT ((struct secret){0})

must_check rc_t secret_set(struct secret *secret, struct span bytes);
/* len bytes from the operating system's random generator. */
must_check rc_t secret_random(struct secret *secret, size_t len);
struct span secret_span(const struct secret *secret);
/* In constant time for equal lengths. */
bool secret_equal(struct span a, struct span b);
/* Whole file, at most max bytes, one trailing newline dropped; refuses files that others can read.
 */
must_check rc_t secret_read_file(struct secret *secret, const char *path, size_t max);
/* Wiped and empty; may be used again. */
void secret_free(struct secret *secret);

#endif
