/*
 * Seals: AES-256-GCM under a key that is used once. Final format, version 1:
 *
 *   offset  bytes
 *   0       1      version: 0x01
 *   1       1      purpose: 1 slot (W under the PIN), 2 one-time-password record, 3 SAD (W under S)
 *   2       8      generation of the service key the seal's own key comes from, big-endian
 *   10      32     salt, fresh for every seal
 *   42      n      ciphertext, as long as the plaintext
 *   42 + n  16     GCM tag
 *
 * Key: HKDF-SHA-256 (RFC 5869), 32 bytes; input keying material by purpose, see below; salt: the
 * seal's salt; info: "rsspd seal v1" and the purpose byte. Nonce: 12 zero bytes; a key that is used
 * once needs no other.
 * AAD: base/wire.h fields: number version, number purpose, number generation, bytes salt, then
 * bytes `bound`, which are the wire fields that the purpose binds:
 *
 * (MACs are taken over wire fields too.)
 *
 *   slot  material HMAC-SHA-256(token key `pin`, string "rsspd pin v1", bytes credential (16),
 *           number slot, bytes Argon2id(PIN, slot salt; 32 bytes out))
 *         bound    bytes credential, bytes subscriber, bytes SHA-256 of SubjectPublicKeyInfo (DER),
 *           number slot, string factors, number SCAL, number kdf memory in KiB, number kdf passes,
 *           number kdf lanes (1), bytes slot salt, number generation of the service keys,
 *           bytes SHA-256 of the sealed OTP record (of nothing without one)
 *         plain    number generation of `wrap`, number key kind (algo.h), bytes W
 *   OTP   material HMAC-SHA-256(token key `sam`, string "rsspd otp v1")
 *         bound    bytes credential
 *         plain    bytes secret, number digits (6), number step in seconds (30), string "SHA1"
 *   SAD   material S (32) ‖ HMAC-SHA-256(token key `sam`, string "rsspd sad v1")
 *         bound    bytes credential, bytes subscriber, bytes client, bytes SHA-256 of
 *           SubjectPublicKeyInfo, bytes SHA-256 of the certificate, number SCAL, number digest kind
 *           (algo.h), number hash count, bytes hashes in order, number start, number end (ms)
 *         plain    number generation of `wrap`, number key kind, bytes W
 *
 * W is the user's private key wrapped by the token (p11/wrap.h).
 */
#ifndef HSM_SAM_SEAL_H
#define HSM_SAM_SEAL_H

#include "base/buf.h"

#define SEAL_VERSION 1
#define SEAL_SALT_LEN 32
#define SEAL_HEADER_LEN 42
#define SEAL_TAG_LEN 16

enum seal_purpose { SEAL_SLOT = 1, SEAL_OTP = 2, SEAL_SAD = 3 };

struct seal_terms {
	enum seal_purpose purpose;
	uint64_t generation;
	struct span material; /* secret */
	struct span bound;
};

/* Appends one seal to out. */
must_check rc_t seal_make(struct buf *out, const struct seal_terms *terms, struct span plain);
/* RC_SEAL_BROKEN when anything, the key included, is not as it was when sealed. Replaces plain. */
must_check rc_t seal_open(struct buf *plain, const struct seal_terms *terms, struct span seal);
/* What the header claims, to choose the service key by: opening proves it. */
must_check rc_t seal_generation(struct span seal, enum seal_purpose purpose, uint64_t *generation);

#endif
