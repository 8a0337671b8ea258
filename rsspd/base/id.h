/* Identifiers: 128 random bits, written as a lower-case UUID (RFC 9562, version 4). */
#ifndef BASE_ID_H
#define BASE_ID_H

#include "base/buf.h"

#include <stdbool.h>

#define ID_LEN 16
#define ID_TEXT 37 /* with the terminator */

struct id {
	uint8_t bytes[ID_LEN];
};

must_check rc_t id_random(struct id *id);
void id_format(const struct id *id, char text[ID_TEXT]);
/* Only the canonical form. */
must_check rc_t id_parse(struct id *id, const char *text);
bool id_equal(const struct id *a, const struct id *b);
bool id_is_zero(const struct id *id);
struct span id_span(const struct id *id);

#endif
