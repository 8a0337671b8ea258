#include "core/algo.h"

#include <openssl/asn1t.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#define OID_RSA "1.2.840.113549.1.1.1"
#define OID_PSS "1.2.840.113549.1.1.10"

/* digest 0: signAlgo does not say which */
static const struct {
	const char *oid;
	enum scheme_kind scheme;
	enum digest_kind digest;
} algos[] = {
	{"1.2.840.113549.1.1.11", SCHEME_RSA_PKCS1, DIGEST_SHA256},
	{"1.2.840.113549.1.1.12", SCHEME_RSA_PKCS1, DIGEST_SHA384},
	{"1.2.840.113549.1.1.13", SCHEME_RSA_PKCS1, DIGEST_SHA512},
	{OID_PSS, SCHEME_RSA_PSS, 0},
	{OID_RSA, SCHEME_RSA_PKCS1, 0},
	{"1.2.840.10045.4.3.2", SCHEME_ECDSA, DIGEST_SHA256},
	{"1.2.840.10045.4.3.3", SCHEME_ECDSA, DIGEST_SHA384},
	{"1.2.840.10045.4.3.4", SCHEME_ECDSA, DIGEST_SHA512},
};

/* Clients take the first one, or the first that names a digest: those stand first, and the one of
 * the curve's own strength before the others. */
static const char *const rsa_oids[] = {"1.2.840.113549.1.1.11", "1.2.840.113549.1.1.12",
	"1.2.840.113549.1.1.13", OID_PSS, OID_RSA, NULL};
static const char *const p256_oids[] = {
	"1.2.840.10045.4.3.2", "1.2.840.10045.4.3.3", "1.2.840.10045.4.3.4", NULL};
static const char *const p384_oids[] = {
	"1.2.840.10045.4.3.3", "1.2.840.10045.4.3.2", "1.2.840.10045.4.3.4", NULL};
static const char *const all_oids[] = {"1.2.840.113549.1.1.11", "1.2.840.113549.1.1.12",
	"1.2.840.113549.1.1.13", OID_PSS, OID_RSA, "1.2.840.10045.4.3.2", "1.2.840.10045.4.3.3",
	"1.2.840.10045.4.3.4", NULL};

const char *const *sign_algo_oids(const struct key_algo *key)
{
	if (key->rsa)
		return rsa_oids;
	return key->kind == KEY_P_384 ? p384_oids : p256_oids;
}

const char *const *sign_algo_all_oids(void)
{
	return all_oids;
}

static const struct digest_algo *digest_of_identifier(const X509_ALGOR *algorithm)
{
	const ASN1_OBJECT *object = NULL;
	int type = V_ASN1_UNDEF;
	char oid[64];

	if (algorithm == NULL)
		return NULL;
	X509_ALGOR_get0(&object, &type, NULL, algorithm);
	if (type != V_ASN1_UNDEF && type != V_ASN1_NULL)
		return NULL;
	int len = OBJ_obj2txt(oid, sizeof(oid), object, 1);
	return len > 0 && (size_t)len < sizeof(oid) ? digest_algo_by_oid(oid) : NULL;
}

static const struct digest_algo *digest_of_mgf1(const X509_ALGOR *mask)
{
	const ASN1_OBJECT *object = NULL;
	const void *value = NULL;
	int type = V_ASN1_UNDEF;

	if (mask == NULL)
		return NULL;
	X509_ALGOR_get0(&object, &type, &value, mask);
	if (OBJ_obj2nid(object) != NID_mgf1 || type != V_ASN1_SEQUENCE)
		return NULL;
	X509_ALGOR *inner = ASN1_item_unpack(value, ASN1_ITEM_rptr(X509_ALGOR));
	const struct digest_algo *digest = digest_of_identifier(inner);
	X509_ALGOR_free(inner);
	return digest;
}

/* RFC 8017 A.2.3. What is left out means SHA-1, which is not served, or 20 bytes of salt. */
static rc_t pss_params_parse(struct span der, const struct key_algo *key, struct sign_algo *algo)
{
	const unsigned char *at = der.data;
	rc_t rc = RC_SIGN_ALGO_PARAMS_INVALID;
	int64_t salt = 20, trailer = 1;

	if (der.len > 1024)
		return rc;
	RSA_PSS_PARAMS *params = d2i_RSA_PSS_PARAMS(NULL, &at, (long)der.len);
	if (params == NULL || at != der.data + der.len)
		goto out;
	const struct digest_algo *digest = digest_of_identifier(params->hashAlgorithm);
	if (digest == NULL || digest_of_mgf1(params->maskGenAlgorithm) != digest)
		goto out;
	if (params->saltLength != NULL && !ASN1_INTEGER_get_int64(&salt, params->saltLength))
		goto out;
	if (params->trailerField != NULL && !ASN1_INTEGER_get_int64(&trailer, params->trailerField))
		goto out;
	/* RFC 8017 §9.1.1: emLen >= hLen + sLen + 2 */
	if (trailer != 1 || salt < 0 || salt > (int64_t)(key->bits / 8 - 2 - digest->len))
		goto out;
	algo->digest = digest;
	algo->salt_len = (uint64_t)salt;
	rc = RC_OK;
out:
	RSA_PSS_PARAMS_free(params);
	return rc;
}

static rc_t pss_resolve(struct sign_algo *algo, const struct key_algo *key, struct span params)
{
	if (params.len == 0)
		return RC_SIGN_ALGO_PARAMS_MISSING;
	return pss_params_parse(params, key, algo);
}

/* hashAlgo is needed where nothing else says the digest; elsewhere it may only agree. */
static rc_t hash_algo_resolve(struct sign_algo *algo, const char *hash_algo)
{
	const struct digest_algo *named = hash_algo == NULL ? NULL : digest_algo_by_oid(hash_algo);

	if (algo->digest != NULL)
		return hash_algo == NULL || named == algo->digest ? RC_OK
								  : RC_HASH_ALGO_CONTRADICTS;
	if (hash_algo == NULL)
		return RC_HASH_ALGO_MISSING;
	if (named == NULL)
		return RC_HASH_ALGO_INVALID;
	algo->digest = named;
	return RC_OK;
}

rc_t sign_algo_resolve(struct sign_algo *algo, const struct key_algo *key, const char *sign_algo,
	const char *hash_algo, struct span params)
{
	struct sign_algo found = {0};
	rc_t rc = RC_SIGN_ALGO_INVALID;

	for (size_t i = 0; i < sizeof(algos) / sizeof(algos[0]); i++) {
		if (strcmp(algos[i].oid, sign_algo) != 0)
			continue;
		if (key->rsa != (algos[i].scheme != SCHEME_ECDSA))
			return RC_SIGN_ALGO_INVALID;
		found.scheme = algos[i].scheme;
		if (algos[i].digest != 0)
			found.digest = digest_algo_by_kind(algos[i].digest);
		rc = RC_OK;
	}
	if (rc == RC_OK && found.scheme == SCHEME_RSA_PSS)
		rc = pss_resolve(&found, key, params);
	if (rc == RC_OK)
		rc = hash_algo_resolve(&found, hash_algo);
	if (rc == RC_OK)
		*algo = found;
	return rc;
}
