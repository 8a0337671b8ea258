#include "hsm/sam/certificate.h"

#include "base/log.h"
#include "hsm/p11/public.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <time.h>

static rc_t time_ms(const ASN1_TIME *time, int64_t *ms)
{
	struct tm parts = {0};

	if (ASN1_TIME_to_tm(time, &parts) != 1)
		return RC_HSM_REFUSED;
	*ms = (int64_t)timegm(&parts) * 1000;
	return RC_OK;
}

static rc_t x509_parse(struct span der, X509 **x509)
{
	const uint8_t *at = der.data;

	if (der.len == 0 || der.len > INT32_MAX)
		return RC_HSM_REFUSED;
	X509 *parsed = d2i_X509(NULL, &at, (long)der.len);
	if (parsed == NULL || at != der.data + der.len) {
		X509_free(parsed);
		return RC_HSM_REFUSED;
	}
	*x509 = parsed;
	return RC_OK;
}

/* As it stands in the certificate: encoding the key anew costs as much as reading it did. */
static rc_t public_sha256(const X509 *x509, uint8_t out[SHA256_LEN])
{
	uint8_t *der = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &der);
	rc_t rc = len <= 0 ? RC_CRYPTO : digest_sha256(SPAN(der, (size_t)len), out);

	OPENSSL_free(der);
	return rc;
}

static rc_t certificate_read(const X509 *x509, struct certificate *certificate)
{
	certificate->public_key = X509_get_pubkey((X509 *)x509);
	if (certificate->public_key == NULL)
		return RC_HSM_REFUSED;
	rc_t rc = p11_public_kind(certificate->public_key, &certificate->kind);
	if (rc != RC_OK)
		return RC_HSM_REFUSED;
	rc = public_sha256(x509, certificate->public_sha256);
	if (rc == RC_OK)
		rc = time_ms(X509_get0_notBefore(x509), &certificate->not_before_ms);
	if (rc == RC_OK)
		rc = time_ms(X509_get0_notAfter(x509), &certificate->not_after_ms);
	return rc;
}

rc_t certificate_parse(struct span der, struct certificate **certificate)
{
	X509 *x509 = NULL;
	struct certificate *made = calloc(1, sizeof(*made));

	if (made == NULL)
		return RC_NO_MEMORY;
	rc_t rc = x509_parse(der, &x509);
	if (rc == RC_OK)
		rc = certificate_read(x509, made);
	X509_free(x509);
	if (rc != RC_OK) {
		certificate_free(&made);
		return rc;
	}
	*certificate = made;
	return RC_OK;
}

void certificate_free(struct certificate **certificate)
{
	if (*certificate == NULL)
		return;
	EVP_PKEY_free((*certificate)->public_key);
	free(*certificate);
	*certificate = NULL;
}

rc_t certificate_check_time(const struct certificate *certificate, int64_t now_ms)
{
	bool valid = now_ms >= certificate->not_before_ms && now_ms <= certificate->not_after_ms;

	return valid ? RC_OK : RC_CERTIFICATE_EXPIRED;
}

struct issuers {
	STACK_OF(X509) * certificates;
};

rc_t issuers_load(struct issuers **issuers, const char *path)
{
	struct issuers *made = calloc(1, sizeof(*made));
	BIO *file = BIO_new_file(path, "r");
	X509 *x509 = NULL;
	rc_t rc = RC_CONFIG;

	if (made != NULL)
		made->certificates = sk_X509_new_null();
	if (made == NULL || made->certificates == NULL)
		rc = RC_NO_MEMORY;
	while (rc == RC_CONFIG && file != NULL &&
		(x509 = PEM_read_bio_X509(file, NULL, NULL, NULL)) != NULL) {
		if (sk_X509_push(made->certificates, x509) == 0) {
			X509_free(x509);
			rc = RC_NO_MEMORY;
		}
	}
	BIO_free(file);
	if (rc == RC_CONFIG && sk_X509_num(made->certificates) > 0)
		rc = RC_OK;
	if (rc == RC_OK) {
		*issuers = made;
		return RC_OK;
	}
	log_error("certificate: no CA certificate there path=\"%s\" "
		  "fix=\"set pki.ca-certificate, run rssp-keys init\"",
		path);
	issuers_free(&made);
	return rc;
}

void issuers_free(struct issuers **issuers)
{
	if (*issuers == NULL)
		return;
	sk_X509_pop_free((*issuers)->certificates, X509_free);
	free(*issuers);
	*issuers = NULL;
}

rc_t issuers_verify(const struct issuers *issuers, struct span der)
{
	X509 *x509 = NULL;
	rc_t rc = x509_parse(der, &x509);

	if (rc != RC_OK)
		return rc;
	rc = RC_HSM_REFUSED;
	for (int i = 0; i < sk_X509_num(issuers->certificates) && rc != RC_OK; i++) {
		X509 *issuer = sk_X509_value(issuers->certificates, i);
		if (X509_check_issued(issuer, x509) == X509_V_OK &&
			X509_verify(x509, X509_get0_pubkey(issuer)) == 1)
			rc = RC_OK;
	}
	X509_free(x509);
	return rc;
}
