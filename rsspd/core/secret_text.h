/* Secrets that the service gives out as text and finds again by their digest: codes, cookies,
 * handles, refresh tokens, clients' secrets, SADs. Seen by the files of core/ only. */
#ifndef CORE_SECRET_TEXT_H
#define CORE_SECRET_TEXT_H

#include "base/digest.h"
#include "base/secret.h"

#include <stdbool.h>

/* 256 fresh random bits as base64url, and the SHA-256 under which the text is found. */
must_check rc_t secret_text_make(struct secret *text, uint8_t sha256[SHA256_LEN]);
/* The same of bytes that were drawn or derived elsewhere. */
must_check rc_t secret_text_of(struct secret *text, struct span bytes, uint8_t sha256[SHA256_LEN]);
/* Could secret_text_make() have made that? */
bool secret_text_is_formed(struct span text);

#endif
