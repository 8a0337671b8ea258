#include "clients/lib/ades/cades.h"

#include "clients/lib/ades/cms.h"

#include <stdlib.h>

struct cades {
	EVP_MD_CTX *context; /* over the content */
	enum ades_digest digest;
	struct cms *cms;
};

rc_t cades_new(enum ades_digest digest, struct cades **cades)
{
	const EVP_MD *md = cms_digest_md(digest);

	if (md == NULL)
		return RC_HASH_ALGO_INVALID;
	struct cades *fresh = calloc(1, sizeof(*fresh));
	if (fresh == NULL)
		return RC_NO_MEMORY;
	fresh->digest = digest;
	fresh->context = EVP_MD_CTX_new();
	if (fresh->context == NULL || EVP_DigestInit_ex(fresh->context, md, NULL) != 1) {
		cades_free(&fresh);
		return RC_CRYPTO;
	}
	*cades = fresh;
	return RC_OK;
}

void cades_free(struct cades **cades)
{
	if (*cades == NULL)
		return;
	EVP_MD_CTX_free((*cades)->context);
	cms_free(&(*cades)->cms);
	free(*cades);
	*cades = NULL;
}

rc_t cades_update(struct cades *cades, struct span content)
{
	return EVP_DigestUpdate(cades->context, content.data, content.len) == 1 ? RC_OK : RC_CRYPTO;
}

rc_t cades_prepare(struct cades *cades, const struct ades_signer *signer, int64_t signed_at_ms)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (signer->digest != cades->digest)
		return RC_HASH_ALGO_INVALID;
	if (EVP_DigestFinal_ex(cades->context, digest, &len) != 1)
		return RC_CRYPTO;
	return cms_prepare_at(signer, SPAN(digest, len), signed_at_ms, &cades->cms);
}

struct span cades_to_sign(const struct cades *cades)
{
	return cms_to_sign(cades->cms);
}

rc_t cades_finish(struct cades *cades, struct span signature, struct buf *out)
{
	return cms_finish(cades->cms, signature, out);
}
