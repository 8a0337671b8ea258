/*
 * SADs that were opened before, filed under SHA-256 of their S, which is not kept: opening the same
 * seal again under the same terms gives the same W, and costs a twelfth of a P-256 signature.
 *
 * What is remembered is a sealed key as the HSM wrapped it, in the process that holds the unwrapped
 * one (resident.h): where no key is resident, no SAD is remembered either.
 */
#ifndef HSM_SAM_KNOWN_SAD_H
#define HSM_SAM_KNOWN_SAD_H

#include "hsm/sam/state.h"

must_check rc_t known_sad_start(struct sam *sam);

/* True if S with that digest once opened exactly this seal, bound to exactly this (terms.h); what
 * it held is then in `plain`. */
must_check bool known_sad_find(struct sam *sam, const uint8_t s_sha256[SHA256_LEN],
	struct span bound, struct span seal, struct buf *plain);
/* It has opened. A large one is not kept: opening it is little beside all that it signs. */
void known_sad_keep(struct sam *sam, const uint8_t s_sha256[SHA256_LEN], struct span bound,
	struct span seal, struct span plain);

#endif
