/*
 * Compact JSON Web Signatures (RFC 7515) that others made: RS256, PS256, ES256, HS256, verified
 * with OpenSSL under a key that was registered beforehand (RFC 8725). What the token says of its
 * key (jwk, jku, x5u, x5c) is never followed, and an algorithm other than the key's own is refused
 * before anything is computed.
 */
#ifndef CORE_JWS_H
#define CORE_JWS_H

#include "base/buf.h"

#include <jansson.h>
#include <stdbool.h>

#define JWS_TEXT_MAX 8192
#define JWS_KEYS_MAX 8
#define JWS_KID_MAX 255

enum jws_algo { JWS_RS256, JWS_PS256, JWS_ES256, JWS_HS256 };

/* A token that was parsed. Nothing in it is true before jws_verify() or jws_verify_hmac(). */
struct jws;

/* RC_FORMAT: not three canonical base64url parts of JSON objects; an algorithm that is not ours,
 * `none` among them; `crit`, `b64`, a key that the token brings along; a member that stands twice.
 */
must_check rc_t jws_parse(struct span text, struct jws **jws);
void jws_free(struct jws **jws);
/* These live as long as the jws. */
const json_t *jws_claims(const struct jws *jws);
const char *jws_type(const struct jws *jws); /* the header's typ (RFC 8725 §3.11); NULL: none */

/* Public keys of one party. */
struct jws_keys;

/* A JWK Set (RFC 7517 §5): 1 to JWS_KEYS_MAX public keys, RSA of 2048 to 4096 bits or P-256.
 * RC_FORMAT, and `*why` (a string constant) says in English what is wrong with it. */
must_check rc_t jws_keys_read(const json_t *set, struct jws_keys **keys, const char **why);
must_check rc_t jws_keys_parse(struct span text, struct jws_keys **keys, const char **why);
void jws_keys_free(struct jws_keys **keys);
/* The set as it is kept: kty, alg, kid and the key itself, in that order; owned by the caller. */
must_check rc_t jws_keys_print(const struct jws_keys *keys, struct buf *out);

/* RC_OK: one of the keys made it. With a kid in token and set, only the key of that name is tried.
 * RC_FORMAT otherwise. */
must_check rc_t jws_verify(const struct jws *jws, const struct jws_keys *keys);
/* HS256 only. */
must_check rc_t jws_verify_hmac(const struct jws *jws, struct span key);

#endif
