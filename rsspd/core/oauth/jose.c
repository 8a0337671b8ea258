#include "core/oauth/jose.h"

#include "base/base64.h"

#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <stdbool.h>
#include <string.h>

#define SIGNATURE_DER_MAX 72

rc_t jose_split(struct span text, size_t most, struct jose_parts *parts)
{
	const uint8_t *first = NULL, *second = NULL, *end = text.data + text.len;

	if (text.len > 0 && text.len <= most)
		first = memchr(text.data, '.', text.len);
	if (first != NULL)
		second = memchr(first + 1, '.', (size_t)(end - first - 1));
	if (second == NULL)
		return RC_FORMAT;
	*parts = (struct jose_parts){
		.header = SPAN(text.data, (size_t)(first - text.data)),
		.claims = SPAN(first + 1, (size_t)(second - first - 1)),
		.signature = SPAN(second + 1, (size_t)(end - second - 1)),
		.signed_part = SPAN(text.data, (size_t)(second - text.data)),
	};
	return RC_OK;
}

rc_t jose_json(struct span text, json_t **object)
{
	json_t *read = NULL;

	if (text.len > 0)
		read = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(read)) {
		*object = read;
		return RC_OK;
	}
	json_decref(read);
	return RC_FORMAT;
}

rc_t jose_object(struct span part, json_t **object)
{
	struct buf text = BUF_INIT;
	rc_t rc = base64url_decode(&text, part);

	if (rc == RC_OK)
		rc = jose_json(buf_span(&text), object);
	buf_free(&text);
	return rc;
}

static bool signature_from_der(const uint8_t *der, size_t len, uint8_t raw[JOSE_ES256_LEN])
{
	ECDSA_SIG *numbers = d2i_ECDSA_SIG(NULL, &der, (long)len);
	bool fits = numbers != NULL &&
		    BN_bn2binpad(ECDSA_SIG_get0_r(numbers), raw, JOSE_P256_LEN) == JOSE_P256_LEN &&
		    BN_bn2binpad(ECDSA_SIG_get0_s(numbers), raw + JOSE_P256_LEN, JOSE_P256_LEN) ==
			    JOSE_P256_LEN;

	ECDSA_SIG_free(numbers);
	return fits;
}

/* How long; 0: it cannot be. */
static size_t signature_to_der(const uint8_t *raw, uint8_t der[SIGNATURE_DER_MAX])
{
	ECDSA_SIG *numbers = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw, JOSE_P256_LEN, NULL);
	BIGNUM *s = BN_bin2bn(raw + JOSE_P256_LEN, JOSE_P256_LEN, NULL);
	int len = 0;

	if (numbers == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(numbers, r, s) != 1) {
		BN_free(r);
		BN_free(s);
	} else if (i2d_ECDSA_SIG(numbers, NULL) <= SIGNATURE_DER_MAX) {
		len = i2d_ECDSA_SIG(numbers, &der);
	}
	ECDSA_SIG_free(numbers);
	return len > 0 ? (size_t)len : 0;
}

rc_t jose_es256_sign(EVP_PKEY *key, struct span message, uint8_t signature[JOSE_ES256_LEN])
{
	uint8_t der[SIGNATURE_DER_MAX];
	size_t len = sizeof(der);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool made = context != NULL &&
		    EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
		    EVP_DigestSign(context, der, &len, message.data, message.len) == 1 &&
		    signature_from_der(der, len, signature);

	EVP_MD_CTX_free(context);
	return made ? RC_OK : RC_CRYPTO;
}

rc_t jose_es256_verify(EVP_PKEY *key, struct span message, struct span signature)
{
	uint8_t der[SIGNATURE_DER_MAX];
	size_t len = signature.len == JOSE_ES256_LEN ? signature_to_der(signature.data, der) : 0;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool good = len > 0 && context != NULL &&
		    EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
		    EVP_DigestVerify(context, der, len, message.data, message.len) == 1;

	EVP_MD_CTX_free(context);
	ERR_clear_error();
	return good ? RC_OK : RC_FORMAT;
}
