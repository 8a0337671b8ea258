#include "hsm/sam/profile.h"

#include "base/clock.h"
#include "hsm/sam/text.h"
#include "hsm/sam/x509.h"

#include <ctype.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define VALID_DAYS 1826LL /* 5 years hold at least one leap day */
#define EMAIL_MAX 254	  /* RFC 5321 §4.5.3.1.3 */

/* One address, dot-atom @ host name: nothing that could end a header or name a second address. */
static bool email_is_plain(const char *email)
{
	static const char local[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "!#$%&'*+-/=?^_`{|}~.";
	static const char host[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";
	size_t local_len = strspn(email, local);

	if (strlen(email) > EMAIL_MAX || local_len == 0 || email[local_len] != '@' ||
		email[0] == '.')
		return false;
	const char *domain = email + local_len + 1;
	return domain[0] != 0 && domain[0] != '.' && domain[0] != '-' &&
	       strspn(domain, host) == strlen(domain) && strchr(domain, '.') != NULL &&
	       domain[strlen(domain) - 1] != '.';
}

static bool identity_is_plain(const char *number)
{
	size_t len = strlen(number);

	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)number[i]))
			return false;
	}
	return len >= 6;
}

static bool date_is_plain(const char *date)
{
	static const char form[] = "dddd-dd-dd";

	for (size_t i = 0; i < sizeof(form); i++) {
		bool digit = date[i] >= '0' && date[i] <= '9';
		if (form[i] == 'd' ? !digit : date[i] != form[i])
			return false;
	}
	return true;
}

/* Level 1 is there, and no level is left out in between. */
static bool agency_is_whole(const struct statement_enrol *line)
{
	for (size_t i = 0; i < STATEMENT_LEVELS; i++) {
		if (!text_is_plain(line->agency[i], X509_TEXT_MAX))
			return false;
		if (i > 0 && line->agency[i][0] != 0 && line->agency[i - 1][0] == 0)
			return false;
	}
	return line->agency[0][0] != 0;
}

rc_t profile_check(const struct statement_enrol *line)
{
	bool good = line->name[0] != 0 && text_is_plain(line->name, X509_NAME_MAX) &&
		    line->province[0] != 0 && text_is_plain(line->province, X509_TEXT_MAX) &&
		    agency_is_whole(line) && date_is_plain(line->birth_date) &&
		    identity_is_plain(line->identity_number) && email_is_plain(line->email);

	return good ? RC_OK : RC_STATEMENT_INVALID;
}

static rc_t subject_fill(X509_NAME *name, const struct statement_enrol *line)
{
	rc_t rc = x509_name_add(name, NID_countryName, "VN", 2);

	if (rc == RC_OK)
		rc = x509_name_add(name, NID_organizationName, line->agency[0], X509_TEXT_MAX);
	for (size_t i = 1; i < STATEMENT_LEVELS && rc == RC_OK; i++)
		rc = x509_name_add(
			name, NID_organizationalUnitName, line->agency[i], X509_TEXT_MAX);
	if (rc == RC_OK)
		rc = x509_name_add(name, NID_localityName, line->province, X509_TEXT_MAX);
	if (rc == RC_OK)
		rc = x509_name_add(name, NID_commonName, line->name, X509_NAME_MAX);
	return rc;
}

/* Not by OpenSSL's notation: the address is the statement's. */
static rc_t email_extend(X509 *x509, const char *email)
{
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_IA5STRING *text = ASN1_IA5STRING_new();
	rc_t rc = RC_CRYPTO;

	if (names != NULL && name != NULL && text != NULL &&
		ASN1_STRING_set(text, email, (int)strlen(email)) == 1) {
		GENERAL_NAME_set0_value(name, GEN_EMAIL, text);
		text = NULL;
		if (sk_GENERAL_NAME_push(names, name) > 0)
			name = NULL;
		if (name == NULL && X509_add1_ext_i2d(x509, NID_subject_alt_name, names, 0, 0) == 1)
			rc = RC_OK;
	}
	ASN1_IA5STRING_free(text);
	GENERAL_NAME_free(name);
	sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free);
	return rc;
}

static rc_t pointers_extend(X509 *x509, const X509 *issuer, const char *pki_url)
{
	size_t len = strlen(pki_url);
	char crl[512], aia[512];

	while (len > 0 && pki_url[len - 1] == '/')
		len--;
	if (len == 0 || len > 256 || strpbrk(pki_url, ",; \t\"\\") != NULL)
		return RC_CONFIG;
	snprintf(crl, sizeof(crl), "URI:%.*s/ca.crl", (int)len, pki_url);
	snprintf(aia, sizeof(aia), "caIssuers;URI:%.*s/ca.cer", (int)len, pki_url);
	rc_t rc = x509_extend(x509, issuer, NID_crl_distribution_points, crl);
	return rc != RC_OK ? rc : x509_extend(x509, issuer, NID_info_access, aia);
}

static rc_t extensions_fill(
	X509 *x509, const X509 *issuer, const struct statement_enrol *line, const char *pki_url)
{
	rc_t rc = x509_extend(x509, issuer, NID_key_usage, "critical,nonRepudiation");

	if (rc == RC_OK)
		rc = x509_extend(x509, issuer, NID_subject_key_identifier, "hash");
	if (rc == RC_OK)
		rc = x509_extend(x509, issuer, NID_authority_key_identifier, "keyid:always");
	if (rc == RC_OK)
		rc = email_extend(x509, line->email);
	if (rc == RC_OK)
		rc = pointers_extend(x509, issuer, pki_url);
	return rc;
}

static rc_t end_choose(const X509 *issuer, int64_t now_ms, int64_t *end_ms)
{
	struct tm parts = {0};

	if (ASN1_TIME_to_tm(X509_get0_notAfter(issuer), &parts) != 1)
		return RC_CRYPTO;
	int64_t ca_end_ms = (int64_t)timegm(&parts) * 1000;
	int64_t own_end_ms = now_ms + VALID_DAYS * 86400000LL - 60000;
	*end_ms = own_end_ms < ca_end_ms ? own_end_ms : ca_end_ms;
	return *end_ms > now_ms ? RC_OK : RC_CERTIFICATE_EXPIRED;
}

rc_t profile_certify(struct ca *ca, const struct statement_enrol *line, EVP_PKEY *public_key,
	const char *pki_url, struct buf *der)
{
	const X509 *issuer = ca_certificate(ca);
	int64_t now_ms = clock_wall_ms(), end_ms = 0;
	X509 *x509 = X509_new();

	rc_t rc = x509 == NULL ? RC_NO_MEMORY : end_choose(issuer, now_ms, &end_ms);
	if (rc == RC_OK)
		rc = x509_start(x509, public_key, now_ms - 60000, end_ms);
	if (rc == RC_OK && X509_set_issuer_name(x509, X509_get_subject_name(issuer)) != 1)
		rc = RC_CRYPTO;
	if (rc == RC_OK)
		rc = subject_fill(X509_get_subject_name(x509), line);
	if (rc == RC_OK)
		rc = extensions_fill(x509, issuer, line, pki_url);
	if (rc == RC_OK)
		rc = ca_sign_certificate(ca, x509, der);
	X509_free(x509);
	return rc == RC_RANGE ? RC_STATEMENT_INVALID : rc;
}
