/* A CMS SignedData as others made it (RFC 5652): read without trust, each signer judged by itself.
 */
#include "clients/lib/ades/verify_internal.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ess.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>

#define RSA_BITS_MIN 2048
#define EC_BITS_MIN 256
#define ONE_ONLY (-3) /* CMS_signed_get0_data_by_OBJ(): one attribute with one value, or none */

rc_t signed_data_read(struct span der, struct signed_data *out)
{
	const unsigned char *at = der.data;
	struct signed_data fresh = {0};

	if (der.len == 0 || der.len > INT32_MAX)
		return RC_FORMAT;
	fresh.info = d2i_CMS_ContentInfo(NULL, &at, (long)der.len);
	if (fresh.info == NULL || OBJ_obj2nid(CMS_get0_type(fresh.info)) != NID_pkcs7_signed ||
		CMS_get0_SignerInfos(fresh.info) == NULL) {
		CMS_ContentInfo_free(fresh.info);
		ERR_clear_error();
		return RC_FORMAT;
	}
	fresh.len = (size_t)(at - der.data);
	fresh.certificates = CMS_get1_certs(fresh.info);
	fresh.crls = CMS_get1_crls(fresh.info);
	ASN1_OCTET_STRING **inside = CMS_get0_content(fresh.info);
	if (inside != NULL && *inside != NULL) {
		static const uint8_t nothing[1];
		fresh.inside =
			SPAN(ASN1_STRING_get0_data(*inside), (size_t)ASN1_STRING_length(*inside));
		if (fresh.inside.data == NULL)
			fresh.inside.data = nothing;
	}
	ERR_clear_error();
	*out = fresh;
	return RC_OK;
}

void signed_data_free(struct signed_data *data)
{
	sk_X509_pop_free(data->certificates, X509_free);
	sk_X509_CRL_pop_free(data->crls, X509_CRL_free);
	CMS_ContentInfo_free(data->info);
	*data = (struct signed_data){0};
}

int signed_data_signers(const struct signed_data *data)
{
	return sk_CMS_SignerInfo_num(CMS_get0_SignerInfos(data->info));
}

/* algorithms */

static bool digest_is_strong(int nid)
{
	static const int strong[] = {NID_sha256, NID_sha384, NID_sha512, NID_sha3_256, NID_sha3_384,
		NID_sha3_512, NID_sha512_256};

	for (size_t i = 0; i < sizeof(strong) / sizeof(strong[0]); i++) {
		if (strong[i] == nid)
			return true;
	}
	return false;
}

/* The digest that the signature's own algorithm names; NID_undef: none. */
static int digest_of_signature(const X509_ALGOR *algorithm)
{
	const ASN1_OBJECT *object = NULL;
	const void *value = NULL;
	int type = 0;
	int digest = NID_undef;

	X509_ALGOR_get0(&object, &type, &value, algorithm);
	if (OBJ_obj2nid(object) != NID_rsassaPss) {
		OBJ_find_sigid_algs(OBJ_obj2nid(object), &digest, NULL);
		return digest;
	}
	/* RFC 8017 A.2.3: what is left out is SHA-1, which nobody means */
	RSA_PSS_PARAMS *params = type == V_ASN1_SEQUENCE
					 ? ASN1_item_unpack(value, ASN1_ITEM_rptr(RSA_PSS_PARAMS))
					 : NULL;
	digest = NID_sha1;
	if (params != NULL && params->hashAlgorithm != NULL)
		digest = OBJ_obj2nid(params->hashAlgorithm->algorithm);
	RSA_PSS_PARAMS_free(params);
	return digest;
}

static void judge_algorithms(const struct signer_facts *facts, const X509_ALGOR *digest,
	const X509_ALGOR *signature, uint64_t *faults, char *text, size_t size)
{
	const EVP_PKEY *key = X509_get0_pubkey(facts->certificate);
	int made_with = OBJ_obj2nid(digest->algorithm);
	int named = digest_of_signature(signature);
	bool pss = OBJ_obj2nid(signature->algorithm) == NID_rsassaPss;
	bool ec = key != NULL && EVP_PKEY_is_a(key, "EC");
	bool rsa = key != NULL && (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS"));
	int bits = key == NULL ? 0 : EVP_PKEY_get_bits(key);
	const char *digest_name = OBJ_nid2ln(made_with);

	if (!digest_is_strong(made_with) || (named != NID_undef && named != made_with))
		*faults |= VERIFY_BIT(VERIFY_WEAK_DIGEST);
	if (!rsa && !ec)
		*faults |= VERIFY_BIT(VERIFY_FORMAT);
	else if (bits < (rsa ? RSA_BITS_MIN : EC_BITS_MIN))
		*faults |= VERIFY_BIT(VERIFY_WEAK_KEY);
	snprintf(text, size, "%s %d, %s",
		ec     ? "ECDSA"
		: !rsa ? "?"
		: pss  ? "RSA-PSS"
		       : "RSA-PKCS1",
		bits, digest_name == NULL ? "?" : digest_name);
}

/* content */

static rc_t digest_content(const struct content *content, const EVP_MD *md,
	uint8_t out[EVP_MAX_MD_SIZE], unsigned *len)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool done = context != NULL && EVP_DigestInit_ex(context, md, NULL) == 1;

	for (size_t i = 0; done && i < 2; i++)
		done = EVP_DigestUpdate(context, content->parts[i].data, content->parts[i].len) ==
		       1;
	done = done && EVP_DigestFinal_ex(context, out, len) == 1;
	EVP_MD_CTX_free(context);
	return done ? RC_OK : RC_CRYPTO;
}

static const void *attribute(CMS_SignerInfo *info, int nid, int type)
{
	return CMS_signed_get0_data_by_OBJ(info, OBJ_nid2obj(nid), ONE_ONLY, type);
}

static rc_t judge_content(
	const X509_ALGOR *algorithm, const struct content *content, struct signer_facts *facts)
{
	const ASN1_OCTET_STRING *said =
		attribute(facts->info, NID_pkcs9_messageDigest, V_ASN1_OCTET_STRING);
	const EVP_MD *md = EVP_get_digestbyobj(algorithm->algorithm);
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (md == NULL) {
		facts->faults |= VERIFY_BIT(VERIFY_WEAK_DIGEST);
		return RC_OK;
	}
	/* that there is no such attribute is a fault of its own */
	if (said == NULL)
		return RC_OK;
	rc_t rc = digest_content(content, md, digest, &len);
	if (rc != RC_OK)
		return rc;
	bool same = ASN1_STRING_length(said) == (int)len &&
		    memcmp(ASN1_STRING_get0_data(said), digest, len) == 0;
	facts->intact = same ? VERIFY_GOOD : VERIFY_BAD;
	if (!same)
		facts->faults |= VERIFY_BIT(VERIFY_DOCUMENT_CHANGED);
	return RC_OK;
}

/* signature */

/* RFC 5652 §11: without these attributes, or with two of a kind, what was signed is not what it
 * seems to be. */
static bool attributes_fit(CMS_SignerInfo *info, int type)
{
	const ASN1_OBJECT *said = attribute(info, NID_pkcs9_contentType, V_ASN1_OBJECT);

	return CMS_signed_get_attr_count(info) > 0 && said != NULL && OBJ_obj2nid(said) == type &&
	       attribute(info, NID_pkcs9_messageDigest, V_ASN1_OCTET_STRING) != NULL;
}

static ESS_SIGNING_CERT_V2 *read_ess_v2(CMS_SignerInfo *info)
{
	const ASN1_STRING *packed =
		attribute(info, NID_id_smime_aa_signingCertificateV2, V_ASN1_SEQUENCE);
	const unsigned char *at = packed == NULL ? NULL : ASN1_STRING_get0_data(packed);

	return packed == NULL ? NULL
			      : d2i_ESS_SIGNING_CERT_V2(NULL, &at, ASN1_STRING_length(packed));
}

static ESS_SIGNING_CERT *read_ess(CMS_SignerInfo *info)
{
	const ASN1_STRING *packed =
		attribute(info, NID_id_smime_aa_signingCertificate, V_ASN1_SEQUENCE);
	const unsigned char *at = packed == NULL ? NULL : ASN1_STRING_get0_data(packed);

	return packed == NULL ? NULL : d2i_ESS_SIGNING_CERT(NULL, &at, ASN1_STRING_length(packed));
}

static bool names_ess(CMS_SignerInfo *info)
{
	return CMS_signed_get_attr_by_NID(info, NID_id_smime_aa_signingCertificate, -1) >= 0 ||
	       CMS_signed_get_attr_by_NID(info, NID_id_smime_aa_signingCertificateV2, -1) >= 0;
}

/* The certificate that the signature itself names must be the one that is shown (RFC 5035). */
static bool ess_fits(const struct signed_data *data, const struct signer_facts *facts)
{
	ESS_SIGNING_CERT_V2 *v2 = read_ess_v2(facts->info);
	ESS_SIGNING_CERT *v1 = read_ess(facts->info);
	STACK_OF(X509) *all = sk_X509_new_null();
	bool fits = false;

	if (all != NULL && (v1 != NULL || v2 != NULL) &&
		sk_X509_push(all, facts->certificate) > 0) {
		for (int i = 0; i < sk_X509_num(data->certificates); i++)
			sk_X509_push(all, sk_X509_value(data->certificates, i));
		fits = OSSL_ESS_check_signing_certs(v1, v2, all, 1) > 0;
	}
	sk_X509_free(all);
	ESS_SIGNING_CERT_V2_free(v2);
	ESS_SIGNING_CERT_free(v1);
	ERR_clear_error();
	return fits;
}

static bool verifies(CMS_SignerInfo *info, X509 *certificate)
{
	CMS_SignerInfo_set1_signer_cert(info, certificate);
	bool good = CMS_signed_get_attr_count(info) > 0 && CMS_SignerInfo_verify(info) == 1;
	ERR_clear_error();
	return good;
}

/* Several certificates may bear the same issuer and number: the one whose key signed counts. */
static void find_certificate(const struct signed_data *data, struct signer_facts *facts)
{
	for (int i = 0; i < sk_X509_num(data->certificates); i++) {
		X509 *certificate = sk_X509_value(data->certificates, i);
		if (CMS_SignerInfo_cert_cmp(facts->info, certificate) != 0)
			continue;
		if (facts->certificate == NULL)
			facts->certificate = certificate;
		if (!verifies(facts->info, certificate))
			continue;
		facts->certificate = certificate;
		facts->signature = VERIFY_GOOD;
		return;
	}
	facts->signature = VERIFY_BAD;
}

static void judge_ess(const struct signed_data *data, bool due, struct signer_facts *facts)
{
	if (names_ess(facts->info)) {
		if (!ess_fits(data, facts))
			facts->faults |= VERIFY_BIT(VERIFY_ESS_MISMATCH);
	} else {
		facts->faults |= VERIFY_BIT(due ? VERIFY_ESS_MISSING : VERIFY_ESS_ABSENT);
	}
}

static void read_signing_time(struct signer_facts *facts)
{
	int at = CMS_signed_get_attr_by_NID(facts->info, NID_pkcs9_signingTime, -1);
	const X509_ATTRIBUTE *said = at < 0 ? NULL : CMS_signed_get_attr(facts->info, at);
	const ASN1_TYPE *value =
		said == NULL ? NULL
			     : X509_ATTRIBUTE_get0_type((X509_ATTRIBUTE *)(uintptr_t)said, 0);

	if (value != NULL &&
		(value->type == V_ASN1_UTCTIME || value->type == V_ASN1_GENERALIZEDTIME))
		facts->signing_ms = verify_time_ms(value->value.asn1_string);
}

rc_t signer_judge(struct signed_data *data, int index, const struct content *content, int type,
	bool ess_due, struct signer_facts *facts)
{
	X509_ALGOR *digest = NULL;
	X509_ALGOR *signature = NULL;

	*facts = (struct signer_facts){
		.info = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(data->info), index)};
	CMS_SignerInfo_get0_algs(facts->info, NULL, NULL, &digest, &signature);
	if (OBJ_obj2nid(CMS_get0_eContentType(data->info)) != type ||
		!attributes_fit(facts->info, type))
		facts->faults |= VERIFY_BIT(VERIFY_ATTRIBUTES);
	rc_t rc = judge_content(digest, content, facts);
	if (rc != RC_OK)
		return rc;
	find_certificate(data, facts);
	if (facts->certificate == NULL) {
		facts->faults |= VERIFY_BIT(VERIFY_NO_CERTIFICATE);
		return RC_OK;
	}
	judge_algorithms(facts, digest, signature, &facts->faults, facts->algorithm,
		sizeof(facts->algorithm));
	if (facts->signature != VERIFY_GOOD)
		facts->faults |= VERIFY_BIT(VERIFY_SIGNATURE_WRONG);
	judge_ess(data, ess_due, facts);
	read_signing_time(facts);
	ERR_clear_error();
	return RC_OK;
}
