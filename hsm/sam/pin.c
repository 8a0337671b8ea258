#include "hsm/sam/pin.h"

#include "base/wire.h"
#include "hsm/p11/sign.h"

#include <argon2.h>
#include <openssl/crypto.h>

rc_t pin_kdf_check(const struct kdf_parameters *kdf)
{
	bool sane = kdf->memory_kib >= 1024 && kdf->memory_kib <= 65536 && kdf->passes >= 1 &&
		    kdf->passes <= 8;

	return sane ? RC_OK : RC_RANGE;
}

rc_t pin_stretch(const struct kdf_parameters *kdf, struct span salt, struct span pin,
	uint8_t out[STRETCHED_LEN])
{
	int rc = argon2id_hash_raw((uint32_t)kdf->passes, (uint32_t)kdf->memory_kib, PIN_KDF_LANES,
		pin.data, pin.len, salt.data, salt.len, out, STRETCHED_LEN);

	if (rc == ARGON2_MEMORY_ALLOCATION_ERROR)
		return RC_NO_MEMORY;
	return rc == ARGON2_OK ? RC_OK : RC_CRYPTO;
}

rc_t pin_material(struct p11_session *session, CK_OBJECT_HANDLE pin_key,
	const struct sealed_key *slot, struct span pin, struct secret *material)
{
	uint8_t stretched[STRETCHED_LEN], mac[32];
	struct buf input = BUF_INIT;

	rc_t rc = pin_kdf_check(&slot->kdf);
	if (rc == RC_OK && (slot->salt.len != SALT_LEN || pin.len > PIN_BYTES_MAX))
		rc = RC_RANGE;
	if (rc == RC_OK)
		rc = pin_stretch(&slot->kdf, slot->salt, pin, stretched);
	if (rc == RC_OK)
		rc = wire_put_string(&input, "rsspd pin v1");
	if (rc == RC_OK)
		rc = wire_put_bytes(&input, id_span(&slot->credential));
	if (rc == RC_OK)
		rc = wire_put_number(&input, slot->slot);
	if (rc == RC_OK)
		rc = wire_put_bytes(&input, SPAN(stretched, sizeof(stretched)));
	if (rc == RC_OK)
		rc = p11_hmac(session, pin_key, buf_span(&input), mac);
	if (rc == RC_OK)
		rc = secret_set(material, SPAN(mac, sizeof(mac)));
	OPENSSL_cleanse(stretched, sizeof(stretched));
	OPENSSL_cleanse(mac, sizeof(mac));
	buf_free(&input);
	return rc;
}
