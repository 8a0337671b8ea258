/* Signatures over ready digests, and the HMAC of the service keys. */
#ifndef HSM_P11_SIGN_H
#define HSM_P11_SIGN_H

#include "hsm/algo.h"
#include "hsm/p11/session.h"

#define P11_SIGNATURE_MAX 512

struct p11_signing {
	enum key_kind key;
	enum scheme_kind scheme;
	enum digest_kind digest;
	size_t salt_len; /* PSS only, bytes */
};

/* RC_SIGN_ALGO_INVALID unless key, scheme, digest and salt fit together. */
must_check rc_t p11_signing_check(const struct p11_signing *signing);

/*
 * One signature over a digest of signing->digest's length. RSA PKCS#1 v1.5: the DigestInfo
 * (RFC 8017 §9.2) is built here; PSS: MGF1 with the same hash; ECDSA: DER (RFC 3279 §2.2.3), the
 * digest cut to the order's length (FIPS 186-4 §6.4).
 */
must_check rc_t p11_sign(struct p11_session *session, CK_OBJECT_HANDLE key,
	const struct p11_signing *signing, struct span digest, uint8_t out[P11_SIGNATURE_MAX],
	size_t *len);

/* HMAC-SHA-256 under a key of the token. */
must_check rc_t p11_hmac(
	struct p11_session *session, CK_OBJECT_HANDLE key, struct span bytes, uint8_t out[32]);

#endif
