/* The seal of a SAD: W under S (seal.h). */
#ifndef HSM_SAM_SAD_H
#define HSM_SAM_SAD_H

#include "hsm/sam/state.h"
#include "hsm/sam/terms.h"

/* Draws S and seals; both outputs are appended to. Under the current generation's key. */
must_check rc_t sad_make(const struct sam *sam, const struct sad_terms *terms,
	const uint8_t public_sha256[SHA256_LEN], const struct wrapped_key *key, struct buf *secret,
	struct buf *seal);
/* RC_HSM_REFUSED when it does not open. key->w points into plain. */
must_check rc_t sad_open(struct sam *sam, const struct sad_terms *terms,
	const uint8_t public_sha256[SHA256_LEN], struct span secret, struct span seal,
	struct buf *plain, struct wrapped_key *key);

#endif
