/* Checks signatures with a public key, several in a row with one context. */
#ifndef HSM_SAM_VERIFY_H
#define HSM_SAM_VERIFY_H

#include "hsm/p11/sign.h"

#include <openssl/evp.h>

struct verifier;

must_check rc_t verifier_new(
	EVP_PKEY *public_key, const struct p11_signing *signing, struct verifier **verifier);
void verifier_free(struct verifier **verifier);
/* RC_SIGNATURE_BAD */
must_check rc_t verifier_check(
	struct verifier *verifier, struct span digest, struct span signature);

#endif
