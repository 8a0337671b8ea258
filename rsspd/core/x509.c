#include "core/x509.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <limits.h>
#include <time.h>

static rc_t serial_read(struct x509_facts *facts, const X509 *certificate)
{
	BIGNUM *serial = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
	rc_t rc = RC_FORMAT;

	if (serial == NULL)
		return RC_NO_MEMORY;
	int len = BN_num_bytes(serial);
	if (len > 0 && len <= SERIAL_MAX && !BN_is_negative(serial)) {
		facts->serial_len = (size_t)BN_bn2bin(serial, facts->serial);
		rc = RC_OK;
	}
	BN_free(serial);
	return rc;
}

static rc_t time_read(int64_t *wall_ms, const ASN1_TIME *time)
{
	struct tm utc = {0};

	if (ASN1_TIME_to_tm(time, &utc) != 1)
		return RC_FORMAT;
	*wall_ms = (int64_t)timegm(&utc) * 1000;
	return RC_OK;
}

rc_t x509_facts_read(struct x509_facts *facts, struct span der)
{
	const unsigned char *at = der.data;
	struct x509_facts got = {0};

	if (der.len == 0 || der.len > LONG_MAX)
		return RC_FORMAT;
	X509 *certificate = d2i_X509(NULL, &at, (long)der.len);
	rc_t rc = certificate != NULL && at == der.data + der.len ? RC_OK : RC_FORMAT;
	if (rc == RC_OK)
		rc = serial_read(&got, certificate);
	if (rc == RC_OK)
		rc = time_read(&got.valid_from_ms, X509_get0_notBefore(certificate));
	if (rc == RC_OK)
		rc = time_read(&got.valid_to_ms, X509_get0_notAfter(certificate));
	if (rc == RC_OK)
		rc = digest_sha256(der, got.sha256);
	if (rc == RC_OK)
		*facts = got;
	X509_free(certificate);
	ERR_clear_error();
	return rc;
}

rc_t x509_crl_facts_read(struct x509_crl_facts *facts, struct span der)
{
	const unsigned char *at = der.data;
	struct x509_crl_facts got = {0};

	if (der.len == 0 || der.len > LONG_MAX)
		return RC_FORMAT;
	X509_CRL *list = d2i_X509_CRL(NULL, &at, (long)der.len);
	rc_t rc = list != NULL && at == der.data + der.len && X509_CRL_get0_nextUpdate(list) != NULL
			  ? RC_OK
			  : RC_FORMAT;
	if (rc == RC_OK)
		rc = time_read(&got.this_update_ms, X509_CRL_get0_lastUpdate(list));
	if (rc == RC_OK)
		rc = time_read(&got.next_update_ms, X509_CRL_get0_nextUpdate(list));
	if (rc == RC_OK)
		*facts = got;
	X509_CRL_free(list);
	ERR_clear_error();
	return rc;
}
