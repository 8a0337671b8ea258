/* Identifiers, written as lower-case UUIDs (RFC 9562): of random bits (version 4), or of the time
 * and random bits (version 7). */
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
/* Later ones sort behind earlier ones, to the millisecond: an index of millions of rows that come
 * in this order is written at its end alone. Tells its time, so not for what must not be guessed.
 */
must_check rc_t id_timed(struct id *id);
/* The same for another time, and the time of one that was made so. */
must_check rc_t id_at(struct id *id, int64_t wall_ms);
int64_t id_wall_ms(const struct id *id);
void id_format(const struct id *id, char text[ID_TEXT]);
/* Only the canonical form. */
must_check rc_t id_parse(struct id *id, const char *text);
bool id_equal(const struct id *a, const struct id *b);
bool id_is_zero(const struct id *id);
struct span id_span(const struct id *id);

#endif
