/* What seals bind: the `bound` fields of seal.h, and the plaintexts around W. */
#ifndef HSM_SAM_TERMS_H
#define HSM_SAM_TERMS_H

#include "base/digest.h"
#include "hsm/jobs.h"

/* Longest time from start to end of a SAD, and how far clocks of two hosts may differ. */
#define SAD_MAX_MS (7200 * 1000)
#define CLOCK_SKEW_MS (60 * 1000)

must_check rc_t terms_bind_slot(
	struct buf *out, const struct sealed_key *key, const uint8_t public_sha256[SHA256_LEN]);
must_check rc_t terms_bind_sad(
	struct buf *out, const struct sad_terms *terms, const uint8_t public_sha256[SHA256_LEN]);

/* RC_HSM_REFUSED unless SCAL, digest, number and length of the hashes and the times make sense. */
must_check rc_t terms_check(const struct sad_terms *terms, int64_t now_ms);

/* W with what is needed to unwrap it. */
struct wrapped_key {
	uint64_t generation; /* of `wrap` */
	enum key_kind kind;
	struct span w;
};

/* The plaintext of slots and SADs. It names the generation of `wrap`, because a slot that moves to
 * another generation keeps W as it is. */
must_check rc_t wrapped_encode(struct buf *out, const struct wrapped_key *key);
must_check rc_t wrapped_decode(struct span plain, struct wrapped_key *key);

#endif
