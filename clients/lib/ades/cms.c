#include "clients/lib/ades/cms.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ATTRIBUTES_MAX 8
#define NO_TIME INT64_MIN

struct cms {
	CMS_ContentInfo *info;
	CMS_SignerInfo *signer; /* inside info */
	EVP_PKEY *key;
	const EVP_MD *md;
	enum ades_scheme scheme;
	uint8_t digest[ADES_DIGEST_MAX];
	size_t digest_len;
};

const EVP_MD *cms_digest_md(enum ades_digest digest)
{
	switch (digest) {
	case ADES_SHA256:
		return EVP_sha256();
	case ADES_SHA384:
		return EVP_sha384();
	case ADES_SHA512:
		return EVP_sha512();
	}
	return NULL;
}

static bool scheme_fits(enum ades_scheme scheme, const EVP_PKEY *key)
{
	return scheme == ADES_ECDSA ? EVP_PKEY_is_a(key, "EC") : EVP_PKEY_is_a(key, "RSA");
}

static rc_t parse_certificate(struct span der, X509 **certificate)
{
	const unsigned char *at = der.data;

	if (der.len == 0 || der.len > 65536)
		return RC_FORMAT;
	X509 *parsed = d2i_X509(NULL, &at, (long)der.len);
	if (parsed == NULL || at != der.data + der.len) {
		X509_free(parsed);
		ERR_clear_error();
		return RC_FORMAT;
	}
	*certificate = parsed;
	return RC_OK;
}

static bool hash_algorithm_set(X509_ALGOR *algorithm, const EVP_MD *md)
{
	return X509_ALGOR_set0(algorithm, OBJ_nid2obj(EVP_MD_get_type(md)), V_ASN1_NULL, NULL) == 1;
}

/* MGF1's parameter is an AlgorithmIdentifier itself. */
static bool mgf1_set(X509_ALGOR *algorithm, const EVP_MD *md)
{
	X509_ALGOR *inner = X509_ALGOR_new();
	ASN1_STRING *packed = NULL;

	bool done = inner != NULL && hash_algorithm_set(inner, md) &&
		    ASN1_item_pack(inner, ASN1_ITEM_rptr(X509_ALGOR), &packed) != NULL &&
		    X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_mgf1), V_ASN1_SEQUENCE, packed) == 1;
	if (!done)
		ASN1_STRING_free(packed);
	X509_ALGOR_free(inner);
	return done;
}

static RSA_PSS_PARAMS *pss_params(const EVP_MD *md)
{
	RSA_PSS_PARAMS *params = RSA_PSS_PARAMS_new();

	if (params == NULL)
		return NULL;
	params->hashAlgorithm = X509_ALGOR_new();
	params->maskGenAlgorithm = X509_ALGOR_new();
	params->saltLength = ASN1_INTEGER_new();
	if (params->hashAlgorithm == NULL || params->maskGenAlgorithm == NULL ||
		params->saltLength == NULL || !hash_algorithm_set(params->hashAlgorithm, md) ||
		!mgf1_set(params->maskGenAlgorithm, md) ||
		ASN1_INTEGER_set(params->saltLength, EVP_MD_get_size(md)) != 1) {
		RSA_PSS_PARAMS_free(params);
		return NULL;
	}
	return params;
}

rc_t ades_pss_params(struct buf *out, enum ades_digest digest)
{
	const EVP_MD *md = cms_digest_md(digest);
	RSA_PSS_PARAMS *params = md == NULL ? NULL : pss_params(md);
	unsigned char *der = NULL;
	rc_t rc = RC_CRYPTO;

	int len = params == NULL ? -1 : i2d_RSA_PSS_PARAMS(params, &der);
	if (len > 0)
		rc = buf_append(out, der, (size_t)len);
	OPENSSL_free(der);
	RSA_PSS_PARAMS_free(params);
	return rc;
}

/* OpenSSL writes rsaEncryption for an RSA key: PSS has to be named, with its parameters. */
static bool signature_algorithm_set(struct cms *cms)
{
	X509_ALGOR *algorithm = NULL;
	ASN1_STRING *packed = NULL;

	if (cms->scheme != ADES_RSA_PSS)
		return true;
	CMS_SignerInfo_get0_algs(cms->signer, NULL, NULL, NULL, &algorithm);
	RSA_PSS_PARAMS *params = pss_params(cms->md);
	bool done = params != NULL &&
		    ASN1_item_pack(params, ASN1_ITEM_rptr(RSA_PSS_PARAMS), &packed) != NULL &&
		    X509_ALGOR_set0(
			    algorithm, OBJ_nid2obj(NID_rsassaPss), V_ASN1_SEQUENCE, packed) == 1;
	if (!done)
		ASN1_STRING_free(packed);
	RSA_PSS_PARAMS_free(params);
	return done;
}

static rc_t add_chain(CMS_ContentInfo *info, const struct ades_signer *signer)
{
	for (size_t i = 0; i < signer->chain_len; i++) {
		X509 *issuer = NULL;

		/* the signer's own certificate is in already */
		if (span_equal(signer->chain[i], signer->certificate))
			continue;
		rc_t rc = parse_certificate(signer->chain[i], &issuer);
		if (rc != RC_OK)
			return rc;
		int added = CMS_add1_cert(info, issuer);
		X509_free(issuer);
		if (added != 1)
			return RC_CRYPTO;
	}
	return RC_OK;
}

/* RFC 5652 §11.3: UTCTime until 2049, GeneralizedTime from then on. */
static bool signing_time_add(struct cms *cms, int64_t signed_at_ms)
{
	ASN1_TIME *time = ASN1_TIME_set(NULL, (time_t)(signed_at_ms / 1000));

	bool done = time != NULL && CMS_signed_add1_attr_by_NID(cms->signer, NID_pkcs9_signingTime,
					    ASN1_STRING_type(time), time, -1) == 1;
	ASN1_TIME_free(time);
	return done;
}

/* CMS_final() would do this too, but it always adds signing-time, which PAdES forbids. */
static bool attributes_add(struct cms *cms, struct span content_digest, int64_t signed_at_ms)
{
	return (signed_at_ms == NO_TIME || signing_time_add(cms, signed_at_ms)) &&
	       CMS_signed_add1_attr_by_NID(cms->signer, NID_pkcs9_contentType, V_ASN1_OBJECT,
		       OBJ_nid2obj(NID_pkcs7_data), -1) == 1 &&
	       CMS_signed_add1_attr_by_NID(cms->signer, NID_pkcs9_messageDigest,
		       V_ASN1_OCTET_STRING, content_digest.data, (int)content_digest.len) == 1;
}

/* X.690 §11.6: by their encodings, the shorter one padded with zeros. */
static int attribute_compare(const void *left, const void *right)
{
	const struct buf *a = left;
	const struct buf *b = right;

	int order = memcmp(a->data, b->data, a->len < b->len ? a->len : b->len);
	if (order != 0)
		return order;
	return (a->len > b->len) - (a->len < b->len);
}

static rc_t attributes_encode(const CMS_SignerInfo *signer, struct buf parts[], size_t count)
{
	for (size_t i = 0; i < count; i++) {
		X509_ATTRIBUTE *attribute = CMS_signed_get_attr(signer, (int)i);
		unsigned char *der = NULL;
		int len = i2d_X509_ATTRIBUTE(attribute, &der);
		rc_t rc = len <= 0 ? RC_CRYPTO : buf_append(&parts[i], der, (size_t)len);

		OPENSSL_free(der);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

/* RFC 5652 §5.4: what is signed is the DER of the attributes as a SET OF, tag 0x31, although the
 * structure carries them under [0]. */
static rc_t attributes_digest(const CMS_SignerInfo *signer, const EVP_MD *md,
	uint8_t digest[ADES_DIGEST_MAX], size_t *digest_len)
{
	struct buf parts[ATTRIBUTES_MAX] = {0};
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t header[8];
	uint8_t *end = header;
	size_t total = 0;
	unsigned len = 0;
	rc_t rc = RC_CRYPTO;

	int count = CMS_signed_get_attr_count(signer);
	if (context == NULL || count <= 0 || count > ATTRIBUTES_MAX)
		goto out;
	rc = attributes_encode(signer, parts, (size_t)count);
	if (rc != RC_OK)
		goto out;
	qsort(parts, (size_t)count, sizeof(parts[0]), attribute_compare);
	for (int i = 0; i < count; i++)
		total += parts[i].len;
	ASN1_put_object(&end, 1, (int)total, V_ASN1_SET, V_ASN1_UNIVERSAL);

	rc = RC_CRYPTO;
	if (EVP_DigestInit_ex(context, md, NULL) != 1 ||
		EVP_DigestUpdate(context, header, (size_t)(end - header)) != 1)
		goto out;
	for (int i = 0; i < count; i++) {
		if (EVP_DigestUpdate(context, parts[i].data, parts[i].len) != 1)
			goto out;
	}
	if (EVP_DigestFinal_ex(context, digest, &len) != 1)
		goto out;
	*digest_len = len;
	rc = RC_OK;
out:
	EVP_MD_CTX_free(context);
	for (size_t i = 0; i < ATTRIBUTES_MAX; i++)
		buf_free(&parts[i]);
	return rc;
}

static rc_t cms_build(struct cms *cms, X509 *certificate, const struct ades_signer *signer,
	struct span content_digest, int64_t signed_at_ms)
{
	const unsigned flags = CMS_PARTIAL | CMS_DETACHED | CMS_BINARY;

	cms->key = X509_get_pubkey(certificate);
	if (cms->key == NULL)
		return RC_FORMAT;
	if (!scheme_fits(cms->scheme, cms->key))
		return RC_SIGN_ALGO_INVALID;
	if (content_digest.len != (size_t)EVP_MD_get_size(cms->md))
		return RC_HASH_LENGTH;

	cms->info = CMS_sign(NULL, NULL, NULL, NULL, flags);
	if (cms->info == NULL)
		return RC_CRYPTO;
	/* CMS_CADES adds ESS signing-certificate-v2 */
	cms->signer = CMS_add1_signer(
		cms->info, certificate, cms->key, cms->md, flags | CMS_CADES | CMS_NOSMIMECAP);
	if (cms->signer == NULL || !signature_algorithm_set(cms) ||
		!attributes_add(cms, content_digest, signed_at_ms))
		return RC_CRYPTO;
	rc_t rc = add_chain(cms->info, signer);
	return rc != RC_OK ? rc
			   : attributes_digest(cms->signer, cms->md, cms->digest, &cms->digest_len);
}

static rc_t prepare(const struct ades_signer *signer, struct span content_digest,
	int64_t signed_at_ms, struct cms **cms)
{
	X509 *certificate = NULL;
	struct cms *fresh = NULL;

	rc_t rc = parse_certificate(signer->certificate, &certificate);
	if (rc != RC_OK)
		return rc;
	fresh = calloc(1, sizeof(*fresh));
	if (fresh == NULL) {
		rc = RC_NO_MEMORY;
		goto out;
	}
	fresh->md = cms_digest_md(signer->digest);
	fresh->scheme = signer->scheme;
	rc = fresh->md == NULL
		     ? RC_HASH_ALGO_INVALID
		     : cms_build(fresh, certificate, signer, content_digest, signed_at_ms);
	if (rc != RC_OK)
		goto out;
	*cms = fresh;
	fresh = NULL;
out:
	cms_free(&fresh);
	X509_free(certificate);
	ERR_clear_error();
	return rc;
}

rc_t cms_prepare(const struct ades_signer *signer, struct span content_digest, struct cms **cms)
{
	return prepare(signer, content_digest, NO_TIME, cms);
}

rc_t cms_prepare_at(const struct ades_signer *signer, struct span content_digest,
	int64_t signed_at_ms, struct cms **cms)
{
	if (signed_at_ms < 0)
		return RC_RANGE;
	return prepare(signer, content_digest, signed_at_ms, cms);
}

void cms_free(struct cms **cms)
{
	if (*cms == NULL)
		return;
	CMS_ContentInfo_free((*cms)->info);
	EVP_PKEY_free((*cms)->key);
	free(*cms);
	*cms = NULL;
}

struct span cms_to_sign(const struct cms *cms)
{
	return SPAN(cms->digest, cms->digest_len);
}

/* A wrong signature must not become a document that looks signed. */
static rc_t signature_check(const struct cms *cms, struct span signature)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(cms->key, NULL);
	rc_t rc = RC_CRYPTO;

	if (context == NULL || EVP_PKEY_verify_init(context) != 1 ||
		EVP_PKEY_CTX_set_signature_md(context, cms->md) != 1)
		goto out;
	if (cms->scheme == ADES_RSA_PSS &&
		(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) != 1 ||
			EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) != 1))
		goto out;
	rc = EVP_PKEY_verify(
		     context, signature.data, signature.len, cms->digest, cms->digest_len) == 1
		     ? RC_OK
		     : RC_SIGNATURE_BAD;
out:
	EVP_PKEY_CTX_free(context);
	ERR_clear_error();
	return rc;
}

rc_t cms_finish(struct cms *cms, struct span signature, struct buf *out)
{
	unsigned char *der = NULL;

	rc_t rc = signature_check(cms, signature);
	if (rc != RC_OK)
		return rc;
	ASN1_OCTET_STRING *value = CMS_SignerInfo_get0_signature(cms->signer);
	if (ASN1_OCTET_STRING_set(value, signature.data, (int)signature.len) != 1)
		return RC_NO_MEMORY;
	int len = i2d_CMS_ContentInfo(cms->info, &der);
	rc = len <= 0 ? RC_CRYPTO : buf_append(out, der, (size_t)len);
	OPENSSL_free(der);
	return rc;
}

static void read_signer_name(CMS_ContentInfo *info, CMS_SignerInfo *signer, char *out, size_t size)
{
	STACK_OF(X509) *certificates = CMS_get1_certs(info);

	for (int i = 0; i < sk_X509_num(certificates); i++) {
		X509 *certificate = sk_X509_value(certificates, i);
		if (CMS_SignerInfo_cert_cmp(signer, certificate) != 0)
			continue;
		const X509_NAME *name = X509_get_subject_name(certificate);
		int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
		unsigned char *text = NULL;
		if (at >= 0 && ASN1_STRING_to_UTF8(&text,
				       X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at))) > 0)
			snprintf(out, size, "%s", (const char *)text);
		OPENSSL_free(text);
	}
	sk_X509_pop_free(certificates, X509_free);
}

rc_t cms_read(struct span der, struct cms_summary *summary)
{
	const unsigned char *at = der.data;
	struct cms_summary fresh = {0};
	X509_ALGOR *algorithm = NULL;
	rc_t rc = RC_FORMAT;

	CMS_ContentInfo *info =
		der.len > INT32_MAX ? NULL : d2i_CMS_ContentInfo(NULL, &at, (long)der.len);
	STACK_OF(CMS_SignerInfo) *signers = info == NULL ? NULL : CMS_get0_SignerInfos(info);
	if (signers == NULL || sk_CMS_SignerInfo_num(signers) != 1)
		goto out;
	CMS_SignerInfo *signer = sk_CMS_SignerInfo_value(signers, 0);
	CMS_SignerInfo_get0_algs(signer, NULL, NULL, &algorithm, NULL);
	const EVP_MD *md = EVP_get_digestbyobj(algorithm->algorithm);
	if (md == NULL || CMS_signed_get_attr_count(signer) <= 0)
		goto out;
	rc = attributes_digest(signer, md, fresh.digest, &fresh.digest_len);
	if (rc != RC_OK)
		goto out;
	read_signer_name(info, signer, fresh.signer, sizeof(fresh.signer));
	*summary = fresh;
out:
	CMS_ContentInfo_free(info);
	ERR_clear_error();
	return rc;
}
