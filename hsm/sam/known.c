#include "hsm/sam/known.h"

#include <stdlib.h>
#include <string.h>

#define KNOWN_MAX 4096 /* of some 3 kB each */

struct known {
	struct certificate *certificate;
	bool issued;		    /* one of the issuers signed it */
	struct verifier *verifier;  /* of the last kind of signature; NULL: none yet */
	struct p11_signing signing; /* that kind */
};

static void known_drop(void *arg, void *value)
{
	struct known *known = value;

	(void)arg;
	verifier_free(&known->verifier);
	certificate_free(&known->certificate);
	free(known);
}

rc_t known_start(struct sam *sam)
{
	return lru_new(KNOWN_MAX, known_drop, sam, &sam->certificates);
}

static rc_t known_find(
	struct sam *sam, struct span der, const uint8_t sha256[SHA256_LEN], struct known **known)
{
	struct known *found = lru_get(sam->certificates, sha256);
	uint8_t digest[SHA256_LEN];

	if (found != NULL) {
		*known = found;
		return RC_OK;
	}
	rc_t rc = digest_sha256(der, digest);
	if (rc == RC_OK && memcmp(digest, sha256, sizeof(digest)) != 0)
		rc = RC_HSM_REFUSED;
	if (rc != RC_OK)
		return rc;
	found = calloc(1, sizeof(*found));
	if (found == NULL)
		return RC_NO_MEMORY;
	rc = certificate_parse(der, &found->certificate);
	if (rc != RC_OK) {
		free(found);
		return rc;
	}
	lru_put(sam->certificates, sha256, found);
	*known = found;
	return RC_OK;
}

rc_t known_certificate(struct sam *sam, struct span der, const uint8_t sha256[SHA256_LEN],
	const struct certificate **certificate)
{
	struct known *known = NULL;

	rc_t rc = known_find(sam, der, sha256, &known);
	if (rc == RC_OK)
		*certificate = known->certificate;
	return rc;
}

rc_t known_issued(struct sam *sam, struct span der, const uint8_t sha256[SHA256_LEN],
	const struct certificate **certificate)
{
	struct known *known = NULL;

	rc_t rc = known_find(sam, der, sha256, &known);
	if (rc == RC_OK && !known->issued) {
		rc = issuers_verify(sam->issuers, der);
		known->issued = rc == RC_OK;
	}
	if (rc == RC_OK)
		*certificate = known->certificate;
	return rc;
}

static bool signing_equal(const struct p11_signing *a, const struct p11_signing *b)
{
	return a->key == b->key && a->scheme == b->scheme && a->digest == b->digest &&
	       a->salt_len == b->salt_len;
}

rc_t known_verifier(struct sam *sam, const uint8_t sha256[SHA256_LEN],
	const struct p11_signing *signing, struct verifier **verifier)
{
	struct known *known = lru_get(sam->certificates, sha256);

	if (known == NULL)
		return RC_INTERNAL;
	if (known->verifier != NULL && !signing_equal(&known->signing, signing))
		verifier_free(&known->verifier);
	if (known->verifier == NULL) {
		rc_t rc = verifier_new(known->certificate->public_key, signing, &known->verifier);
		if (rc != RC_OK)
			return rc;
		known->signing = *signing;
	}
	*verifier = known->verifier;
	return RC_OK;
}
