/* Role issue: the revocation list, RFC 5280 §5. */
#include "hsm/sam/state.h"

#include "base/clock.h"

#include <openssl/x509v3.h>

/*
 * A list of nobody by nobody that names sha256WithRSAEncryption: OpenSSL has no call to set the
 * algorithm inside a list, so the first form is read, and the rest set.
 */
static const uint8_t empty_list[] = "\x30\x38"
				    /* TBSCertList: version 2, algorithm, no issuer, thisUpdate */
				    "\x30\x23\x02\x01\x01"
				    "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00"
				    "\x30\x00"
				    "\x17\x0d"
				    "260101000000Z"
				    /* algorithm, signature of no bits */
				    "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00"
				    "\x03\x02\x00\x00";

static bool time_set(int64_t ms, ASN1_TIME **out)
{
	*out = ASN1_TIME_set(NULL, (time_t)(ms / 1000));
	return *out != NULL;
}

static rc_t reason_add(X509_REVOKED *revoked, uint64_t reason)
{
	/* RFC 5280 §5.3.1: 0 (unspecified) is left out, 7 is not used */
	if (reason == 0)
		return RC_OK;
	if (reason > 10 || reason == 7)
		return RC_RANGE;
	ASN1_ENUMERATED *value = ASN1_ENUMERATED_new();
	bool good = value != NULL && ASN1_ENUMERATED_set(value, (long)reason) == 1 &&
		    X509_REVOKED_add1_ext_i2d(revoked, NID_crl_reason, value, 0, 0) == 1;
	ASN1_ENUMERATED_free(value);
	return good ? RC_OK : RC_CRYPTO;
}

static rc_t entry_add(X509_CRL *crl, const struct crl_entry *entry)
{
	ASN1_TIME *when = NULL;
	ASN1_INTEGER *serial = NULL;

	if (entry->serial_len < 1 || entry->serial_len > sizeof(entry->serial))
		return RC_RANGE;
	X509_REVOKED *revoked = X509_REVOKED_new();
	BIGNUM *number = BN_bin2bn(entry->serial, (int)entry->serial_len, NULL);
	if (number != NULL)
		serial = BN_to_ASN1_INTEGER(number, NULL);
	rc_t rc = RC_CRYPTO;
	if (revoked != NULL && serial != NULL && time_set(entry->revoked_at_ms, &when) &&
		X509_REVOKED_set_serialNumber(revoked, serial) == 1 &&
		X509_REVOKED_set_revocationDate(revoked, when) == 1)
		rc = reason_add(revoked, entry->reason);
	if (rc == RC_OK && X509_CRL_add0_revoked(crl, revoked) == 1)
		revoked = NULL;
	else if (rc == RC_OK)
		rc = RC_CRYPTO;
	ASN1_TIME_free(when);
	ASN1_INTEGER_free(serial);
	BN_free(number);
	X509_REVOKED_free(revoked);
	return rc;
}

static rc_t times_set(X509_CRL *crl, int64_t next_update_ms)
{
	ASN1_TIME *now = NULL, *next = NULL;
	bool good = time_set(clock_wall_ms(), &now) && time_set(next_update_ms, &next) &&
		    X509_CRL_set1_lastUpdate(crl, now) == 1 &&
		    X509_CRL_set1_nextUpdate(crl, next) == 1;

	ASN1_TIME_free(now);
	ASN1_TIME_free(next);
	return good ? RC_OK : RC_CRYPTO;
}

static rc_t extensions_set(X509_CRL *crl, const X509 *issuer, uint64_t number)
{
	X509V3_CTX context;
	ASN1_INTEGER *value = ASN1_INTEGER_new();

	X509V3_set_ctx(&context, (X509 *)issuer, NULL, NULL, crl, 0);
	X509V3_set_ctx_nodb(&context);
	X509_EXTENSION *key =
		X509V3_EXT_conf_nid(NULL, &context, NID_authority_key_identifier, "keyid:always");
	bool good = key != NULL && value != NULL && ASN1_INTEGER_set_uint64(value, number) == 1 &&
		    X509_CRL_add_ext(crl, key, -1) == 1 &&
		    X509_CRL_add1_ext_i2d(crl, NID_crl_number, value, 0, 0) == 1;
	X509_EXTENSION_free(key);
	ASN1_INTEGER_free(value);
	return good ? RC_OK : RC_CRYPTO;
}

static rc_t list_fill(X509_CRL *crl, const X509 *issuer, const struct job_crl *job)
{
	if (X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer)) != 1)
		return RC_CRYPTO;
	rc_t rc = times_set(crl, job->next_update_ms);
	for (uint64_t i = 0; i < job->count && rc == RC_OK; i++)
		rc = entry_add(crl, &job->entries[i]);
	if (rc == RC_OK)
		rc = extensions_set(crl, issuer, job->number);
	if (rc == RC_OK && X509_CRL_sort(crl) != 1)
		rc = RC_CRYPTO;
	return rc;
}

rc_t sam_crl(struct sam *sam, const struct job_crl *job, struct job_crl_made *answer)
{
	const uint8_t *at = empty_list;
	struct job_crl_made made = {BUF_INIT};
	uint8_t *tbs = NULL;

	if (job->next_update_ms <= clock_wall_ms())
		return RC_RANGE;
	X509_CRL *crl = d2i_X509_CRL(NULL, &at, sizeof(empty_list) - 1);
	rc_t rc = crl == NULL ? RC_CRYPTO : list_fill(crl, ca_certificate(sam->ca), job);
	int len = rc == RC_OK ? i2d_re_X509_CRL_tbs(crl, &tbs) : -1;
	if (rc == RC_OK)
		rc = len <= 0 ? RC_CRYPTO : ca_sign_crl(sam->ca, SPAN(tbs, (size_t)len), &made.crl);
	OPENSSL_free(tbs);
	X509_CRL_free(crl);
	if (rc != RC_OK) {
		job_crl_made_free(&made);
		return sam_note(sam, rc);
	}
	*answer = made;
	return RC_OK;
}
