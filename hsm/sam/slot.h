/* Slots: a user's key under a PIN, and the sealed record of the one-time passwords beside it. */
#ifndef HSM_SAM_SLOT_H
#define HSM_SAM_SLOT_H

#include "hsm/sam/state.h"
#include "hsm/sam/terms.h"

/* The factors that exist: "PIN AND OTP" and "PIN". RC_PARAMETER_INVALID for others, and for `PIN`
 * or SCAL 1 unless the operator's configuration allows them; PIN alone is never more than SCAL 1.
 */
must_check rc_t slot_factors(const char *factors, enum scal scal, bool pin_only, bool *with_otp);

/* Seals key under the PIN as `slot` says (its key_seal is not read). */
must_check rc_t slot_seal(struct sam *sam, const struct sealed_key *slot,
	const uint8_t public_sha256[SHA256_LEN], struct span pin, const struct wrapped_key *key,
	struct buf *seal);
/* RC_SEAL_BROKEN: the PIN is wrong, or something else that is bound differs. key->w points into
 * plain. */
must_check rc_t slot_open(struct sam *sam, const struct sealed_key *slot,
	const uint8_t public_sha256[SHA256_LEN], struct span pin, struct buf *plain,
	struct wrapped_key *key);

/* After slot_open(): the slot under the current generation and today's stretching, if it is not so
 * already; `renewed` is changed only if there is something new. */
must_check rc_t slot_renew(struct sam *sam, const struct sealed_key *slot,
	const uint8_t public_sha256[SHA256_LEN], struct span pin, const struct wrapped_key *key,
	struct slot_renewed *renewed);

/* The same whatever it was; with another PIN: the slot of a changed PIN. */
must_check rc_t slot_anew(struct sam *sam, const struct sealed_key *slot,
	const uint8_t public_sha256[SHA256_LEN], struct span pin, const struct wrapped_key *key,
	struct slot_renewed *renewed);

must_check rc_t slot_otp_seal(
	struct sam *sam, const struct id *credential, struct span record, struct buf *seal);
must_check rc_t slot_otp_open(
	struct sam *sam, const struct id *credential, struct span seal, struct buf *record);

#endif
