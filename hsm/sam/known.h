/*
 * Certificates that were read before, filed under the SHA-256 of all of their bytes: reading one
 * costs more than a signature.
 */
#ifndef HSM_SAM_KNOWN_H
#define HSM_SAM_KNOWN_H

#include "hsm/sam/state.h"
#include "hsm/sam/verify.h"

must_check rc_t known_start(struct sam *sam);

/* The certificate with that SHA-256, of which `der` has to be the bytes if it is not known yet; it
 * stays the set's until the next call. known_issued() also asks that one of the issuers signed it.
 * RC_HSM_REFUSED: not so, or it does not parse. */
must_check rc_t known_certificate(struct sam *sam, struct span der,
	const uint8_t sha256[SHA256_LEN], const struct certificate **certificate);
must_check rc_t known_issued(struct sam *sam, struct span der, const uint8_t sha256[SHA256_LEN],
	const struct certificate **certificate);

/* A verifier of such signatures with that certificate's key; the certificate was asked for before.
 * It stays the set's until the next call. */
must_check rc_t known_verifier(struct sam *sam, const uint8_t sha256[SHA256_LEN],
	const struct p11_signing *signing, struct verifier **verifier);

#endif
