#include "hsm/sam/terms.h"

#include "base/wire.h"
#include "hsm/sam/pin.h"

rc_t terms_bind_slot(
	struct buf *out, const struct sealed_key *key, const uint8_t public_sha256[SHA256_LEN])
{
	uint8_t otp_sha256[SHA256_LEN];
	rc_t rc = digest_sha256(key->otp_seal, otp_sha256);

	if (rc == RC_OK)
		rc = wire_put_bytes(out, id_span(&key->credential));
	if (rc == RC_OK)
		rc = wire_put_bytes(out, id_span(&key->subscriber));
	if (rc == RC_OK)
		rc = wire_put_bytes(out, SPAN(public_sha256, SHA256_LEN));
	if (rc == RC_OK)
		rc = wire_put_number(out, key->slot);
	if (rc == RC_OK)
		rc = wire_put_string(out, key->factors);
	if (rc == RC_OK)
		rc = wire_put_number(out, (uint64_t)key->scal);
	if (rc == RC_OK)
		rc = wire_put_number(out, key->kdf.memory_kib);
	if (rc == RC_OK)
		rc = wire_put_number(out, key->kdf.passes);
	if (rc == RC_OK)
		rc = wire_put_number(out, PIN_KDF_LANES);
	if (rc == RC_OK)
		rc = wire_put_bytes(out, key->salt);
	if (rc == RC_OK)
		rc = wire_put_number(out, key->generation);
	if (rc == RC_OK)
		rc = wire_put_bytes(out, SPAN(otp_sha256, sizeof(otp_sha256)));
	return rc;
}

rc_t terms_bind_sad(
	struct buf *out, const struct sad_terms *terms, const uint8_t public_sha256[SHA256_LEN])
{
	rc_t rc = buf_reserve(out, terms->hashes.len + 256);

	if (rc == RC_OK)
		rc = wire_put_bytes(out, id_span(&terms->credential));
	if (rc == RC_OK)
		rc = wire_put_bytes(out, id_span(&terms->subscriber));
	if (rc == RC_OK)
		rc = wire_put_bytes(out, id_span(&terms->client));
	if (rc == RC_OK)
		rc = wire_put_bytes(out, SPAN(public_sha256, SHA256_LEN));
	if (rc == RC_OK)
		rc = wire_put_bytes(out, SPAN(terms->certificate_sha256, SHA256_LEN));
	if (rc == RC_OK)
		rc = wire_put_number(out, (uint64_t)terms->scal);
	if (rc == RC_OK)
		rc = wire_put_number(out, (uint64_t)terms->digest);
	if (rc == RC_OK)
		rc = wire_put_number(out, terms->hash_count);
	if (rc == RC_OK)
		rc = wire_put_bytes(out, terms->hashes);
	if (rc == RC_OK)
		rc = wire_put_number(out, (uint64_t)terms->start_ms);
	if (rc == RC_OK)
		rc = wire_put_number(out, (uint64_t)terms->end_ms);
	return rc;
}

rc_t terms_check(const struct sad_terms *terms, int64_t now_ms)
{
	const struct digest_algo *digest = digest_algo_by_kind(terms->digest);

	if (digest == NULL || terms->hash_count < 1 || terms->hash_count > HASHES_MAX)
		return RC_HSM_REFUSED;
	if (terms->scal == SCAL_2 && terms->hashes.len != terms->hash_count * digest->len)
		return RC_HSM_REFUSED;
	if (terms->scal == SCAL_1 && terms->hashes.len != 0)
		return RC_HSM_REFUSED;
	if (terms->scal != SCAL_1 && terms->scal != SCAL_2)
		return RC_HSM_REFUSED;
	/* compared, not subtracted: the numbers may be anything */
	if (terms->start_ms < 0 || terms->start_ms > now_ms + CLOCK_SKEW_MS)
		return RC_HSM_REFUSED;
	if (terms->end_ms <= terms->start_ms || terms->end_ms > terms->start_ms + SAD_MAX_MS)
		return RC_HSM_REFUSED;
	return RC_OK;
}

static rc_t kind_decode(uint64_t number, enum key_kind *kind)
{
	if (number > INT8_MAX || key_algo_by_kind((enum key_kind)number) == NULL)
		return RC_FORMAT;
	*kind = (enum key_kind)number;
	return RC_OK;
}

rc_t wrapped_encode(struct buf *out, const struct wrapped_key *key)
{
	rc_t rc = wire_put_number(out, key->generation);

	if (rc == RC_OK)
		rc = wire_put_number(out, (uint64_t)key->kind);
	return rc != RC_OK ? rc : wire_put_bytes(out, key->w);
}

rc_t wrapped_decode(struct span plain, struct wrapped_key *key)
{
	struct wire_reader reader = wire_reader(plain);
	struct wrapped_key found = {.generation = wire_get_number(&reader)};
	uint64_t kind = wire_get_number(&reader);

	found.w = wire_get_bytes(&reader);
	rc_t rc = wire_reader_end(&reader);
	if (rc == RC_OK)
		rc = kind_decode(kind, &found.kind);
	if (rc == RC_OK)
		*key = found;
	return rc;
}
