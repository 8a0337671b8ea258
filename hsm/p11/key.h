/*
 * The service keys: `wrap` (AES-256) wraps and unwraps users' keys and nothing else,
 * `pin` and `sam` (generic secrets, 256 bits) make HMAC-SHA-256 and nothing else. Token objects,
 * labels "rssp-wrap", "rssp-pin", "rssp-sam"; CKA_ID is the generation, 8 bytes, big-endian. None
 * can be read, changed, copied or derived from, and `wrap` unwraps only what can sign and never
 * leave. `ca` (label "rssp-ca", RSA-3072) lives in a token of its own.
 */
#ifndef HSM_P11_KEY_H
#define HSM_P11_KEY_H

#include "hsm/p11/session.h"

#include <stdint.h>
#include <stddef.h>

enum p11_service { P11_WRAP, P11_PIN, P11_SAM, P11_CA, P11_SERVICES };
#define P11_GENERATIONS_MAX 16

struct p11_key {
	uint64_t generation;
	CK_OBJECT_HANDLE handle;
};

const char *p11_key_label(enum p11_service service);

/*
 * The keys of that service in the token, oldest generation first. RC_TOKEN_ATTRIBUTES when two bear
 * the same generation, an id is not 8 bytes, or there are more than P11_GENERATIONS_MAX: nobody may
 * guess which one is meant. None found is no error.
 */
must_check rc_t p11_key_list(struct p11_session *session, enum p11_service service,
	struct p11_key keys[P11_GENERATIONS_MAX], size_t *count);

/* RC_TOKEN_ATTRIBUTES, and a line in the log for each deviation, unless every attribute is as the
 * table in key.c says. */
must_check rc_t p11_key_check(
	struct p11_session *session, enum p11_service service, const struct p11_key *key);

/* Makes a token object (P11_WRITE). For P11_CA the public key is made and kept too. */
must_check rc_t p11_key_make(
	struct p11_session *session, enum p11_service service, uint64_t generation);

/* What `wrap` demands of each key that it unwraps: the caller's template must repeat it. */
extern const CK_ATTRIBUTE p11_unwrap_template[];
extern const size_t p11_unwrap_template_len;

#endif
