#include "hsm/sam/password.h"

#include "base/wire.h"
#include "hsm/sam/pin.h"

#include <openssl/crypto.h>
#include <string.h>

static rc_t password_mac(const struct sam_generation *generation, const struct id *subscriber,
	const struct password_record *record, struct span password, uint8_t mac[PASSWORD_MAC_LEN])
{
	uint8_t stretched[STRETCHED_LEN];
	struct buf input = BUF_INIT;

	rc_t rc = pin_stretch(&record->kdf, SPAN(record->salt, SALT_LEN), password, stretched);
	if (rc == RC_OK)
		rc = wire_put_string(&input, "rsspd password v1");
	if (rc == RC_OK)
		rc = wire_put_bytes(&input, id_span(subscriber));
	if (rc == RC_OK)
		rc = wire_put_number(&input, record->generation);
	if (rc == RC_OK)
		rc = wire_put_number(&input, record->kdf.memory_kib);
	if (rc == RC_OK)
		rc = wire_put_number(&input, record->kdf.passes);
	if (rc == RC_OK)
		rc = wire_put_bytes(&input, SPAN(stretched, sizeof(stretched)));
	if (rc == RC_OK)
		rc = digest_hmac_sha256(secret_span(&generation->password), buf_span(&input), mac);
	OPENSSL_cleanse(stretched, sizeof(stretched));
	buf_free(&input);
	return rc;
}

static struct password_record record_now(const struct sam *sam)
{
	return (struct password_record){
		.generation = sam_generation_current(sam)->number,
		.kdf = {PIN_KDF_MEMORY_KIB, PIN_KDF_PASSES},
	};
}

rc_t password_make(struct sam *sam, const struct id *subscriber, struct span password,
	struct password_record *record)
{
	struct password_record made = record_now(sam);
	struct secret salt = SECRET_INIT;

	rc_t rc = secret_random(&salt, SALT_LEN);
	if (rc == RC_OK) {
		memcpy(made.salt, secret_span(&salt).data, SALT_LEN);
		rc = password_mac(
			sam_generation_current(sam), subscriber, &made, password, made.mac);
	}
	secret_free(&salt);
	if (rc == RC_OK)
		*record = made;
	return rc;
}

rc_t password_check(struct sam *sam, const struct id *subscriber,
	const struct password_record *record, struct span password)
{
	struct password_record nobody = record_now(sam);
	const struct password_record *used = record->generation == 0 ? &nobody : record;
	const struct sam_generation *generation = sam_generation(sam, used->generation);
	uint8_t mac[PASSWORD_MAC_LEN];

	if (generation == NULL || pin_kdf_check(&used->kdf) != RC_OK)
		return RC_HSM_REFUSED;
	if (password.len > PASSWORD_BYTES_MAX)
		return RC_PASSWORD_WRONG; /* no such one can have been set */
	rc_t rc = password_mac(generation, subscriber, used, password, mac);
	if (rc == RC_OK && (!secret_equal(SPAN(mac, sizeof(mac)), SPAN(used->mac, sizeof(mac))) ||
				   used == &nobody))
		rc = RC_PASSWORD_WRONG;
	OPENSSL_cleanse(mac, sizeof(mac));
	return rc;
}

bool password_is_old(const struct sam *sam, const struct password_record *record)
{
	return record->generation != sam_generation_current(sam)->number ||
	       record->kdf.memory_kib < PIN_KDF_MEMORY_KIB || record->kdf.passes < PIN_KDF_PASSES;
}
