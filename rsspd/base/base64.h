/*
 * Base64, RFC 4648. Decoding is strict: one encoding for each value, so that a token or a SAD with
 * a changed character never decodes to the same bytes.
 */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/buf.h"

/* §4, with padding: what JSON members of the CSC API carry. */
must_check rc_t base64_encode(struct buf *out, struct span bytes);
must_check rc_t base64_decode(struct buf *out, struct span text);
/* §5, without padding: SAD and tokens. */
must_check rc_t base64url_encode(struct buf *out, struct span bytes);
must_check rc_t base64url_decode(struct buf *out, struct span text);

#endif
