/*
 * What every compact JSON Web Signature is made of (RFC 7515 §3.1), and ES256 (RFC 7518 §3.4):
 * shared by our access tokens (token_jwt.c) and by what others sign for us (jws.c). libjwt would
 * serve for neither: its release in Debian 12 (1.10.2) writes and reads no other `typ` than "JWT",
 * where RFC 9068 asks for "at+jwt", and knows no PS256.
 */
#ifndef CORE_JOSE_H
#define CORE_JOSE_H

#include "base/buf.h"

#include <jansson.h>
#include <openssl/evp.h>

#define JOSE_P256_LEN 32 /* bytes of a coordinate, and of each half of a signature */
#define JOSE_ES256_LEN (2 * JOSE_P256_LEN)

/* base64url, inside the text; `signed_part` is header, dot and claims, as they came. */
struct jose_parts {
	struct span header, claims, signature, signed_part;
};

/* RC_FORMAT: longer than `most`, or less than two dots. More of them are in `signature`, where no
 * base64url has one. */
must_check rc_t jose_split(struct span text, size_t most, struct jose_parts *parts);
/* An object in which no name stands twice. RC_FORMAT. */
must_check rc_t jose_json(struct span text, json_t **object);
/* The same of a part, decoded. */
must_check rc_t jose_object(struct span part, json_t **object);

/* A signature is r ‖ s. RC_CRYPTO. */
must_check rc_t jose_es256_sign(
	EVP_PKEY *key, struct span message, uint8_t signature[JOSE_ES256_LEN]);
/* RC_FORMAT: it is not the key's. */
must_check rc_t jose_es256_verify(EVP_PKEY *key, struct span message, struct span signature);

#endif
