#include "hsm/sam/verify.h"

#include <openssl/rsa.h>
#include <stdlib.h>

struct verifier {
	EVP_PKEY_CTX *context;
};

static const EVP_MD *digest_md(enum digest_kind kind)
{
	switch (kind) {
	case DIGEST_SHA256:
		return EVP_sha256();
	case DIGEST_SHA384:
		return EVP_sha384();
	case DIGEST_SHA512:
		return EVP_sha512();
	}
	return NULL;
}

static bool context_prepare(EVP_PKEY_CTX *context, const struct p11_signing *signing)
{
	const EVP_MD *md = digest_md(signing->digest);

	if (context == NULL || md == NULL || EVP_PKEY_verify_init(context) != 1)
		return false;
	if (signing->scheme == SCHEME_RSA_PKCS1 &&
		EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) != 1)
		return false;
	if (signing->scheme == SCHEME_RSA_PSS &&
		EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) != 1)
		return false;
	if (EVP_PKEY_CTX_set_signature_md(context, md) != 1)
		return false;
	return signing->scheme != SCHEME_RSA_PSS ||
	       (EVP_PKEY_CTX_set_rsa_mgf1_md(context, md) == 1 &&
		       EVP_PKEY_CTX_set_rsa_pss_saltlen(context, (int)signing->salt_len) == 1);
}

rc_t verifier_new(
	EVP_PKEY *public_key, const struct p11_signing *signing, struct verifier **verifier)
{
	struct verifier *made = calloc(1, sizeof(*made));

	if (made == NULL)
		return RC_NO_MEMORY;
	made->context = EVP_PKEY_CTX_new(public_key, NULL);
	if (!context_prepare(made->context, signing)) {
		verifier_free(&made);
		return RC_CRYPTO;
	}
	*verifier = made;
	return RC_OK;
}

void verifier_free(struct verifier **verifier)
{
	if (*verifier == NULL)
		return;
	EVP_PKEY_CTX_free((*verifier)->context);
	free(*verifier);
	*verifier = NULL;
}

rc_t verifier_check(struct verifier *verifier, struct span digest, struct span signature)
{
	int good = EVP_PKEY_verify(
		verifier->context, signature.data, signature.len, digest.data, digest.len);

	return good == 1 ? RC_OK : RC_SIGNATURE_BAD;
}
