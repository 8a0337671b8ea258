#include "hsm/sam/slot.h"

#include "base/wire.h"
#include "hsm/sam/pin.h"
#include "hsm/sam/seal.h"

#include <string.h>

rc_t slot_factors(const char *factors, enum scal scal, bool pin_only, bool *with_otp)
{
	bool both = strcmp(factors, "PIN AND OTP") == 0;

	if (!both && strcmp(factors, "PIN") != 0)
		return RC_PARAMETER_INVALID;
	if (scal != SCAL_1 && scal != SCAL_2)
		return RC_PARAMETER_INVALID;
	if ((!both || scal == SCAL_1) && !pin_only)
		return RC_PARAMETER_INVALID;
	if (!both && scal != SCAL_1)
		return RC_PARAMETER_INVALID;
	*with_otp = both;
	return RC_OK;
}

rc_t slot_seal(struct sam *sam, const struct sealed_key *slot,
	const uint8_t public_sha256[SHA256_LEN], struct span pin, const struct wrapped_key *key,
	struct buf *seal)
{
	const struct sam_generation *generation = sam_generation(sam, slot->generation);
	struct secret material = SECRET_INIT;
	struct buf bound = BUF_INIT, plain = BUF_INIT;

	if (generation == NULL)
		return RC_HSM_REFUSED;
	rc_t rc = pin_material(sam->session, generation->pin, slot, pin, &material);
	if (rc == RC_OK)
		rc = terms_bind_slot(&bound, slot, public_sha256);
	if (rc == RC_OK)
		rc = wrapped_encode(&plain, key);
	if (rc == RC_OK)
		rc = seal_make(seal,
			&(struct seal_terms){SEAL_SLOT, slot->generation, secret_span(&material),
				buf_span(&bound)},
			buf_span(&plain));
	buf_free(&plain);
	buf_free(&bound);
	secret_free(&material);
	return rc;
}

rc_t slot_open(struct sam *sam, const struct sealed_key *slot,
	const uint8_t public_sha256[SHA256_LEN], struct span pin, struct buf *plain,
	struct wrapped_key *key)
{
	const struct sam_generation *generation = sam_generation(sam, slot->generation);
	struct secret material = SECRET_INIT;
	struct buf bound = BUF_INIT;

	if (generation == NULL)
		return RC_HSM_REFUSED;
	if (pin.len == 0 || pin.len > PIN_BYTES_MAX)
		return RC_SEAL_BROKEN; /* no such PIN can have been set */
	rc_t rc = pin_material(sam->session, generation->pin, slot, pin, &material);
	if (rc == RC_OK)
		rc = terms_bind_slot(&bound, slot, public_sha256);
	if (rc == RC_OK)
		rc = seal_open(plain,
			&(struct seal_terms){SEAL_SLOT, slot->generation, secret_span(&material),
				buf_span(&bound)},
			slot->key_seal);
	if (rc == RC_OK)
		rc = wrapped_decode(buf_span(plain), key);
	buf_free(&bound);
	secret_free(&material);
	return rc == RC_FORMAT ? RC_HSM_REFUSED : rc;
}

/* Never less stretching than the slot has. */
static struct kdf_parameters kdf_now(const struct kdf_parameters *had)
{
	return (struct kdf_parameters){
		.memory_kib =
			had->memory_kib > PIN_KDF_MEMORY_KIB ? had->memory_kib : PIN_KDF_MEMORY_KIB,
		.passes = had->passes > PIN_KDF_PASSES ? had->passes : PIN_KDF_PASSES,
	};
}

rc_t slot_anew(struct sam *sam, const struct sealed_key *slot,
	const uint8_t public_sha256[SHA256_LEN], struct span pin, const struct wrapped_key *key,
	struct slot_renewed *renewed)
{
	const struct sam_generation *current = sam_generation_current(sam);
	struct slot_renewed made = {.kdf = kdf_now(&slot->kdf), .generation = current->number};
	struct secret salt = SECRET_INIT;
	struct sealed_key fresh = *slot;

	fresh.generation = made.generation;
	fresh.kdf = made.kdf;
	rc_t rc = secret_random(&salt, SALT_LEN);
	fresh.salt = secret_span(&salt);
	if (rc == RC_OK)
		rc = slot_seal(sam, &fresh, public_sha256, pin, key, &made.key_seal);
	if (rc == RC_OK)
		rc = buf_append_span(&made.salt, secret_span(&salt));
	secret_free(&salt);
	if (rc != RC_OK) {
		buf_free(&made.key_seal);
		return rc;
	}
	*renewed = made;
	return RC_OK;
}

rc_t slot_renew(struct sam *sam, const struct sealed_key *slot,
	const uint8_t public_sha256[SHA256_LEN], struct span pin, const struct wrapped_key *key,
	struct slot_renewed *renewed)
{
	struct kdf_parameters kdf = kdf_now(&slot->kdf);

	if (slot->generation == sam_generation_current(sam)->number &&
		slot->kdf.memory_kib == kdf.memory_kib && slot->kdf.passes == kdf.passes)
		return RC_OK;
	return slot_anew(sam, slot, public_sha256, pin, key, renewed);
}

rc_t slot_otp_seal(
	struct sam *sam, const struct id *credential, struct span record, struct buf *seal)
{
	const struct sam_generation *generation = sam_generation_current(sam);
	struct buf bound = BUF_INIT;

	rc_t rc = wire_put_bytes(&bound, id_span(credential));
	if (rc == RC_OK)
		rc = seal_make(seal,
			&(struct seal_terms){SEAL_OTP, generation->number,
				secret_span(&generation->otp), buf_span(&bound)},
			record);
	buf_free(&bound);
	return rc;
}

rc_t slot_otp_open(
	struct sam *sam, const struct id *credential, struct span seal, struct buf *record)
{
	struct buf bound = BUF_INIT;
	uint64_t number = 0;

	rc_t rc = seal_generation(seal, SEAL_OTP, &number);
	const struct sam_generation *generation = sam_generation(sam, number);
	if (rc != RC_OK || generation == NULL)
		return RC_SEAL_BROKEN;
	rc = wire_put_bytes(&bound, id_span(credential));
	if (rc == RC_OK)
		rc = seal_open(record,
			&(struct seal_terms){
				SEAL_OTP, number, secret_span(&generation->otp), buf_span(&bound)},
			seal);
	buf_free(&bound);
	return rc;
}
