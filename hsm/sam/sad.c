#include "hsm/sam/sad.h"

#include "hsm/sam/known_sad.h"
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

/* What the seal holds; it is opened, or known to open (known_sad.h). */
static rc_t sad_unseal(struct sam *sam, const struct sam_generation *generation, struct span bound,
	struct span secret, struct span seal, struct buf *plain)
{
	struct secret material = SECRET_INIT;
	uint8_t s_sha256[SHA256_LEN];

	rc_t rc = digest_sha256(secret, s_sha256);
	if (rc != RC_OK || known_sad_find(sam, s_sha256, bound, seal, plain))
		return rc;
	rc = sad_material(generation, secret, &material);
	if (rc == RC_OK)
		rc = seal_open(plain,
			&(struct seal_terms){
				SEAL_SAD, generation->number, secret_span(&material), bound},
			seal);
	if (rc == RC_OK)
		known_sad_keep(sam, s_sha256, bound, seal, buf_span(plain));
	secret_free(&material);
	return rc;
}

rc_t sad_open(struct sam *sam, const struct sad_terms *terms,
	const uint8_t public_sha256[SHA256_LEN], struct span secret, struct span seal,
	struct buf *plain, struct wrapped_key *key)
{
	struct buf bound = BUF_INIT;
	uint64_t number = 0;

	rc_t rc = seal_generation(seal, SEAL_SAD, &number);
	const struct sam_generation *generation = sam_generation(sam, number);
	if (rc != RC_OK || generation == NULL || secret.len != SAD_SECRET_LEN)
		return RC_HSM_REFUSED;
	rc = terms_bind_sad(&bound, terms, public_sha256);
	if (rc == RC_OK)
		rc = sad_unseal(sam, generation, buf_span(&bound), secret, seal, plain);
	if (rc == RC_OK)
		rc = wrapped_decode(buf_span(plain), key);
	buf_free(&bound);
	return rc == RC_SEAL_BROKEN || rc == RC_FORMAT ? RC_HSM_REFUSED : rc;
}
