#include "hsm/sam/x509.h"

#include "hsm/sam/text.h"

#include <openssl/bn.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <string.h>

#define SERIAL_LEN 16

static rc_t serial_draw(X509 *x509)
{
	uint8_t bytes[SERIAL_LEN];
	BIGNUM *number = NULL;

	/* 128 bits after a zero byte at most: positive, and within RFC 5280's 20 octets */
	if (RAND_bytes(bytes, sizeof(bytes)) == 1)
		number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	bool good = number != NULL && !BN_is_zero(number) &&
		    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509)) != NULL;
	BN_free(number);
	return good ? RC_OK : RC_CRYPTO;
}

rc_t x509_start(X509 *x509, EVP_PKEY *public_key, int64_t not_before_ms, int64_t not_after_ms)
{
	bool good = X509_set_version(x509, X509_VERSION_3) == 1 &&
		    ASN1_TIME_set(X509_getm_notBefore(x509), not_before_ms / 1000) != NULL &&
		    ASN1_TIME_set(X509_getm_notAfter(x509), not_after_ms / 1000) != NULL &&
		    X509_set_pubkey(x509, public_key) == 1;

	return good ? serial_draw(x509) : RC_CRYPTO;
}

rc_t x509_name_add(X509_NAME *name, int nid, const char *text, size_t max)
{
	int type = nid == NID_countryName ? V_ASN1_PRINTABLESTRING : V_ASN1_UTF8STRING;

	if (text[0] == 0)
		return RC_OK;
	if (!text_is_plain(text, max))
		return RC_RANGE;
	/* a plain ASN.1 type: OpenSSL then leaves length and form to us */
	return X509_NAME_add_entry_by_NID(
		       name, nid, type, (const unsigned char *)text, (int)strlen(text), -1, 0) == 1
		       ? RC_OK
		       : RC_CRYPTO;
}

rc_t x509_extend(X509 *x509, const X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;

	X509V3_set_ctx(&context, (X509 *)issuer, x509, NULL, NULL, 0);
	X509V3_set_ctx_nodb(&context);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	bool good = extension != NULL && X509_add_ext(x509, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return good ? RC_OK : RC_CRYPTO;
}
