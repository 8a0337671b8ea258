#include "hsm/p11/public.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>

#define MODULUS_MAX 512
#define POINT_MAX 128

static rc_t public_make(const char *type, OSSL_PARAM *params, EVP_PKEY **public_key)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *made = NULL;
	rc_t rc = RC_CRYPTO;

	if (context != NULL && params != NULL && EVP_PKEY_fromdata_init(context) == 1 &&
		EVP_PKEY_fromdata(context, &made, EVP_PKEY_PUBLIC_KEY, params) == 1) {
		*public_key = made;
		rc = RC_OK;
	}
	EVP_PKEY_CTX_free(context);
	return rc;
}

static rc_t rsa_read(struct p11_session *session, CK_OBJECT_HANDLE object, EVP_PKEY **public_key)
{
	uint8_t modulus[MODULUS_MAX], exponent[8];
	CK_ATTRIBUTE wanted[] = {
		{CKA_MODULUS, modulus, sizeof(modulus)},
		{CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent)},
	};
	rc_t rc = p11_rc(
		"C_GetAttributeValue", p11_session_functions(session)->C_GetAttributeValue(
					       p11_session_handle(session), object, wanted, 2));
	if (rc != RC_OK)
		return rc;

	BIGNUM *n = BN_bin2bn(modulus, (int)wanted[0].ulValueLen, NULL);
	BIGNUM *e = BN_bin2bn(exponent, (int)wanted[1].ulValueLen, NULL);
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;
	if (n != NULL && e != NULL && builder != NULL &&
		OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
		OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		params = OSSL_PARAM_BLD_to_param(builder);
	rc = public_make("RSA", params, public_key);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(builder);
	BN_free(e);
	BN_free(n);
	return rc;
}

/* CKA_EC_POINT is a DER OCTET STRING around the uncompressed point; some modules leave it bare. */
static struct span point_unwrap(struct span point, size_t field_len)
{
	size_t bare = 1 + 2 * field_len;

	if (point.len == bare + 2 && point.data[0] == 0x04 && point.data[1] == bare)
		return SPAN(point.data + 2, bare);
	return point;
}

static rc_t ec_read(struct p11_session *session, CK_OBJECT_HANDLE object,
	const struct key_algo *algo, EVP_PKEY **public_key)
{
	uint8_t bytes[POINT_MAX];
	CK_ATTRIBUTE wanted = {CKA_EC_POINT, bytes, sizeof(bytes)};
	rc_t rc = p11_rc(
		"C_GetAttributeValue", p11_session_functions(session)->C_GetAttributeValue(
					       p11_session_handle(session), object, &wanted, 1));
	if (rc != RC_OK)
		return rc;

	struct span point = point_unwrap(SPAN(bytes, wanted.ulValueLen), algo->bits / 8);
	char group[8];
	OPENSSL_strlcpy(group, algo->kind == KEY_P_256 ? "P-256" : "P-384", sizeof(group));
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
		OSSL_PARAM_construct_octet_string(
			OSSL_PKEY_PARAM_PUB_KEY, (void *)point.data, point.len),
		OSSL_PARAM_construct_end(),
	};
	return public_make("EC", params, public_key);
}

rc_t p11_public_read(struct p11_session *session, CK_OBJECT_HANDLE object, enum key_kind kind,
	EVP_PKEY **public_key)
{
	const struct key_algo *algo = key_algo_by_kind(kind);
	EVP_PKEY *made = NULL;
	enum key_kind found;

	if (algo == NULL)
		return RC_CRYPTO;
	rc_t rc = algo->rsa ? rsa_read(session, object, &made)
			    : ec_read(session, object, algo, &made);
	if (rc == RC_OK)
		rc = p11_public_kind(made, &found);
	if (rc == RC_OK && found != kind)
		rc = RC_CRYPTO;
	if (rc != RC_OK) {
		EVP_PKEY_free(made);
		return rc;
	}
	*public_key = made;
	return RC_OK;
}

rc_t p11_public_kind(const EVP_PKEY *public_key, enum key_kind *kind)
{
	bool rsa = EVP_PKEY_is_a(public_key, "RSA") == 1;
	char group[32] = "";

	if (!rsa && (EVP_PKEY_is_a(public_key, "EC") != 1 ||
			    EVP_PKEY_get_group_name(public_key, group, sizeof(group), NULL) != 1))
		return RC_CRYPTO;
	static const struct {
		enum key_kind kind;
		bool rsa;
		int bits;
		const char *group;
	} kinds[] = {
		{KEY_RSA_2048, true, 2048, ""},
		{KEY_RSA_3072, true, 3072, ""},
		{KEY_RSA_4096, true, 4096, ""},
		{KEY_P_256, false, 256, SN_X9_62_prime256v1},
		{KEY_P_384, false, 384, SN_secp384r1},
	};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i].rsa == rsa && EVP_PKEY_get_bits(public_key) == kinds[i].bits &&
			(rsa || OPENSSL_strcasecmp(group, kinds[i].group) == 0)) {
			*kind = kinds[i].kind;
			return RC_OK;
		}
	}
	return RC_CRYPTO;
}
