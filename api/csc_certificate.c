#include "api/csc_certificate.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/x509.h>
#include <string.h>
#include <time.h>

/* RFC 4514 as UTF-8: what RFC 2253 printing gives when characters beyond ASCII stay as they are. */
#define NAME_FLAGS ((XN_FLAG_RFC2253) & ~(unsigned long)ASN1_STRFLGS_ESC_MSB)

static rc_t read_name(const X509_NAME *name, struct buf *out)
{
	const char *text = NULL;
	BIO *bio = BIO_new(BIO_s_mem());
	rc_t rc = RC_NO_MEMORY;

	if (bio == NULL)
		return RC_NO_MEMORY;
	if (X509_NAME_print_ex(bio, name, 0, NAME_FLAGS) >= 0) {
		long len = BIO_get_mem_data(bio, &text);
		rc = buf_append(out, text, len > 0 ? (size_t)len : 0);
	}
	BIO_free(bio);
	return rc;
}

/* The last one of that type, as UTF-8; empty if there is none. */
static rc_t read_part(const X509_NAME *name, int nid, struct buf *out)
{
	int at = -1, next = -1;
	unsigned char *text = NULL;

	while ((next = X509_NAME_get_index_by_NID(name, nid, at)) >= 0)
		at = next;
	if (at < 0)
		return RC_OK;
	int len =
		ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
	if (len < 0)
		return RC_FORMAT;
	rc_t rc = buf_append(out, text, (size_t)len);
	OPENSSL_free(text);
	return rc;
}

static rc_t read_serial(const ASN1_INTEGER *serial, struct buf *out)
{
	BIGNUM *number = ASN1_INTEGER_to_BN(serial, NULL);
	char *hex = number == NULL ? NULL : BN_bn2hex(number);
	rc_t rc = hex == NULL ? RC_NO_MEMORY : buf_append_string(out, hex);

	OPENSSL_free(hex);
	BN_free(number);
	return rc;
}

static rc_t read_time(const ASN1_TIME *time, char out[CERTIFICATE_TIME])
{
	struct tm utc = {0};

	if (ASN1_TIME_to_tm(time, &utc) != 1)
		return RC_FORMAT;
	return strftime(out, CERTIFICATE_TIME, "%Y%m%d%H%M%SZ", &utc) == CERTIFICATE_TIME - 1
		       ? RC_OK
		       : RC_FORMAT;
}

static rc_t read_all(struct certificate_facts *facts, const X509 *certificate)
{
	const X509_NAME *subject = X509_get_subject_name(certificate);
	rc_t rc = read_name(X509_get_issuer_name(certificate), &facts->issuer);

	if (rc == RC_OK)
		rc = read_name(subject, &facts->subject);
	if (rc == RC_OK)
		rc = read_part(subject, NID_organizationName, &facts->organization);
	if (rc == RC_OK)
		rc = read_part(subject, NID_commonName, &facts->common_name);
	if (rc == RC_OK)
		rc = read_serial(X509_get0_serialNumber(certificate), &facts->serial);
	if (rc == RC_OK)
		rc = read_time(X509_get0_notBefore(certificate), facts->valid_from);
	if (rc == RC_OK)
		rc = read_time(X509_get0_notAfter(certificate), facts->valid_to);
	return rc;
}

rc_t certificate_read(struct certificate_facts *facts, struct span der)
{
	struct certificate_facts read = {0};
	const unsigned char *at = der.data;
	X509 *certificate = d2i_X509(NULL, &at, (long)der.len);

	if (certificate == NULL)
		return RC_FORMAT;
	rc_t rc = read_all(&read, certificate);
	X509_free(certificate);
	if (rc != RC_OK) {
		certificate_facts_free(&read);
		return rc;
	}
	*facts = read;
	return RC_OK;
}

void certificate_facts_free(struct certificate_facts *facts)
{
	buf_free(&facts->issuer);
	buf_free(&facts->subject);
	buf_free(&facts->serial);
	buf_free(&facts->organization);
	buf_free(&facts->common_name);
}
