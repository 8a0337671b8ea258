/* UTF-8, strictly: RFC 3629. */
#ifndef HSM_SAM_TEXT_H
#define HSM_SAM_TEXT_H

#include "base/buf.h"

#include <stdbool.h>

/* Bytes of the first code point of a text that is not empty; 0: malformed. */
size_t text_take(struct span text, uint32_t *point);
/* Is it well-formed, free of control characters and at most max code points long? */
bool text_is_plain(const char *text, size_t max);

#endif
