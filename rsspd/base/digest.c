#include "base/digest.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

/* EVP_sha256() alone is looked for among the providers at every use, which takes longer than to
 * digest what is short. Fetched once, for as long as the process lives. */
static const EVP_MD *sha256_fetched(void)
{
	static EVP_MD *md = NULL;

	if (md == NULL)
		md = EVP_MD_fetch(NULL, "SHA256", NULL);
	return md;
}

rc_t digest_sha256(struct span bytes, uint8_t out[SHA256_LEN])
{
	const EVP_MD *md = sha256_fetched();

	return md != NULL && EVP_Digest(bytes.data, bytes.len, out, NULL, md, NULL) == 1
		       ? RC_OK
		       : RC_CRYPTO;
}

rc_t digest_hmac_sha256(struct span key, struct span bytes, uint8_t out[SHA256_LEN])
{
	unsigned len = 0;

	if (key.len > INT32_MAX)
		return RC_TOO_LONG;
	if (HMAC(EVP_sha256(), key.data, (int)key.len, bytes.data, bytes.len, out, &len) == NULL)
		return RC_CRYPTO;
	return len == SHA256_LEN ? RC_OK : RC_CRYPTO;
}

rc_t digest_hkdf_sha256(
	struct span key, struct span salt, struct span info, uint8_t *out, size_t len)
{
	char name[] = "SHA256";
	/* OpenSSL refuses NULL even when it is of no length */
	const void *bytes = salt.data == NULL ? "" : (const void *)salt.data;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, name, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)key.data, key.len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)bytes, salt.len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)info.data, info.len),
		OSSL_PARAM_construct_end(),
	};
	rc_t rc = RC_CRYPTO;
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_HKDF, NULL);
	EVP_KDF_CTX *context = kdf == NULL ? NULL : EVP_KDF_CTX_new(kdf);

	if (context != NULL && EVP_KDF_derive(context, out, len, params) == 1)
		rc = RC_OK;
	EVP_KDF_CTX_free(context);
	EVP_KDF_free(kdf);
	return rc;
}

void digest_hex(struct span bytes, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < bytes.len; i++) {
		out[2 * i] = digits[bytes.data[i] >> 4];
		out[2 * i + 1] = digits[bytes.data[i] & 15];
	}
	out[2 * bytes.len] = 0;
}
