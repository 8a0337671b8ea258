/* SHA-2 and HMAC over spans, by OpenSSL. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include "base/buf.h"

#define SHA256_LEN 32
#define DIGEST_MAX 64

must_check rc_t digest_sha256(struct span bytes, uint8_t out[SHA256_LEN]);
must_check rc_t digest_hmac_sha256(struct span key, struct span bytes, uint8_t out[SHA256_LEN]);
/* HKDF, RFC 5869, SHA-256: extract with salt, expand with info; SPAN_NONE: no salt. */
must_check rc_t digest_hkdf_sha256(
	struct span key, struct span salt, struct span info, uint8_t *out, size_t len);
/* Lower-case hexadecimal with a terminator: 2 * len + 1 characters. */
void digest_hex(struct span bytes, char *out);

#endif
