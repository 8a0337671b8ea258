#include "hsm/sam/sad.h"

#include "hsm/sam/seal.h"

/* S ‖ working key: neither alone opens anything. */
static rc_t sad_material(
	const struct sam_generation *generation, struct span s, struct secret *material)
{
	rc_t rc = secret_set(material, s);

	if (rc == RC_OK)
		rc = buf_append_span(&material->bytes, secret_span(&generation->sad));
	return rc;
}

rc_t sad_make(const struct sam *sam, const struct sad_terms *terms,
	const uint8_t public_sha256[SHA256_LEN], const struct wrapped_key *key, struct buf *secret,
	struct buf *seal)
{
	const struct sam_generation *generation = sam_generation_current(sam);
	struct secret s = SECRET_INIT, material = SECRET_INIT;
	struct buf bound = BUF_INIT, plain = BUF_INIT;

	rc_t rc = secret_random(&s, SAD_SECRET_LEN);
	if (rc == RC_OK)
		rc = sad_material(generation, secret_span(&s), &material);
	if (rc == RC_OK)
		rc = terms_bind_sad(&bound, terms, public_sha256);
	if (rc == RC_OK)
		rc = wrapped_encode(&plain, key);
	if (rc == RC_OK)
		rc = seal_make(seal,
			&(struct seal_terms){SEAL_SAD, generation->number, secret_span(&material),
				buf_span(&bound)},
			buf_span(&plain));
	if (rc == RC_OK)
		rc = buf_append_span(secret, secret_span(&s));
	buf_free(&plain);
	buf_free(&bound);
	secret_free(&material);
	secret_free(&s);
	return rc;
}

rc_t sad_open(const struct sam *sam, const struct sad_terms *terms,
	const uint8_t public_sha256[SHA256_LEN], struct span secret, struct span seal,
	struct buf *plain, struct wrapped_key *key)
{
	struct secret material = SECRET_INIT;
	struct buf bound = BUF_INIT;
	uint64_t number = 0;

	rc_t rc = seal_generation(seal, SEAL_SAD, &number);
	const struct sam_generation *generation = sam_generation(sam, number);
	if (rc != RC_OK || generation == NULL || secret.len != SAD_SECRET_LEN)
		return RC_HSM_REFUSED;
	rc = sad_material(generation, secret, &material);
	if (rc == RC_OK)
		rc = terms_bind_sad(&bound, terms, public_sha256);
	if (rc == RC_OK)
		rc = seal_open(plain,
			&(struct seal_terms){
				SEAL_SAD, number, secret_span(&material), buf_span(&bound)},
			seal);
	if (rc == RC_OK)
		rc = wrapped_decode(buf_span(plain), key);
	buf_free(&bound);
	secret_free(&material);
	return rc == RC_SEAL_BROKEN || rc == RC_FORMAT ? RC_HSM_REFUSED : rc;
}
