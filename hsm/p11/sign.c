#include "hsm/p11/sign.h"

#include <openssl/crypto.h>
#include <string.h>

#define PREFIX_LEN 19
#define DIGEST_INFO_MAX (PREFIX_LEN + 64)

struct digest_shape {
	CK_MECHANISM_TYPE mechanism;
	CK_RSA_PKCS_MGF_TYPE mgf;
	uint8_t prefix[PREFIX_LEN]; /* DigestInfo up to the digest, RFC 8017 §9.2 note 1 */
};

#define PREFIX(total, arc, len)                                                                \
	{                                                                                      \
		0x30, total, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, \
			0x02, arc, 0x05, 0x00, 0x04, len                                       \
	}

static const struct digest_shape digest_shapes[] = {
	[DIGEST_SHA256] = {CKM_SHA256, CKG_MGF1_SHA256, PREFIX(0x31, 0x01, 0x20)},
	[DIGEST_SHA384] = {CKM_SHA384, CKG_MGF1_SHA384, PREFIX(0x41, 0x02, 0x30)},
	[DIGEST_SHA512] = {CKM_SHA512, CKG_MGF1_SHA512, PREFIX(0x51, 0x03, 0x40)},
};

rc_t p11_signing_check(const struct p11_signing *signing)
{
	const struct key_algo *key = key_algo_by_kind(signing->key);
	const struct digest_algo *digest = digest_algo_by_kind(signing->digest);

	if (key == NULL || digest == NULL)
		return RC_SIGN_ALGO_INVALID;
	if (key->rsa != (signing->scheme == SCHEME_RSA_PKCS1 || signing->scheme == SCHEME_RSA_PSS))
		return RC_SIGN_ALGO_INVALID;
	if (!key->rsa && signing->scheme != SCHEME_ECDSA)
		return RC_SIGN_ALGO_INVALID;
	/* RFC 8017 §9.1.1: emLen >= hLen + sLen + 2 */
	if (signing->scheme == SCHEME_RSA_PSS &&
		signing->salt_len > key->bits / 8 - 2 - digest->len)
		return RC_SIGN_ALGO_PARAMS_INVALID;
	return RC_OK;
}

static rc_t sign_raw(struct p11_session *session, CK_OBJECT_HANDLE key, CK_MECHANISM *mechanism,
	struct span input, uint8_t out[P11_SIGNATURE_MAX], size_t *len)
{
	CK_FUNCTION_LIST *f = p11_session_functions(session);
	CK_SESSION_HANDLE handle = p11_session_handle(session);
	CK_ULONG made = P11_SIGNATURE_MAX;
	rc_t rc = p11_rc("C_SignInit", f->C_SignInit(handle, mechanism, key));

	if (rc == RC_OK)
		rc = p11_rc(
			"C_Sign", f->C_Sign(handle, (CK_BYTE *)input.data, input.len, out, &made));
	if (rc == RC_OK)
		*len = made;
	return rc;
}

/* One INTEGER of an ECDSA-Sig-Value: no leading zeros, none that makes it negative. */
static size_t der_integer(uint8_t *out, const uint8_t *number, size_t len)
{
	while (len > 1 && number[0] == 0) {
		number++;
		len--;
	}
	size_t pad = number[0] >= 0x80 ? 1 : 0;
	out[0] = 0x02;
	out[1] = (uint8_t)(len + pad);
	out[2] = 0;
	memcpy(out + 2 + pad, number, len);
	return 2 + pad + len;
}

/* r ‖ s → SEQUENCE of two INTEGERs; up to 104 bytes of content, so one length byte is enough. */
static rc_t der_signature(uint8_t out[P11_SIGNATURE_MAX], size_t *len, size_t half)
{
	uint8_t raw[2 * 48];

	if (*len != 2 * half || *len > sizeof(raw))
		return RC_CRYPTO;
	memcpy(raw, out, *len);
	size_t used = der_integer(out + 2, raw, half);
	used += der_integer(out + 2 + used, raw + half, half);
	out[0] = 0x30;
	out[1] = (uint8_t)used;
	*len = 2 + used;
	return RC_OK;
}

static rc_t sign_pkcs1(struct p11_session *session, CK_OBJECT_HANDLE key,
	const struct p11_signing *signing, struct span digest, uint8_t *out, size_t *len)
{
	CK_MECHANISM mechanism = {CKM_RSA_PKCS, NULL, 0};
	uint8_t info[DIGEST_INFO_MAX];

	memcpy(info, digest_shapes[signing->digest].prefix, PREFIX_LEN);
	memcpy(info + PREFIX_LEN, digest.data, digest.len);
	return sign_raw(session, key, &mechanism, SPAN(info, PREFIX_LEN + digest.len), out, len);
}

static rc_t sign_pss(struct p11_session *session, CK_OBJECT_HANDLE key,
	const struct p11_signing *signing, struct span digest, uint8_t *out, size_t *len)
{
	const struct digest_shape *shape = &digest_shapes[signing->digest];
	CK_RSA_PKCS_PSS_PARAMS params = {shape->mechanism, shape->mgf, signing->salt_len};
	CK_MECHANISM mechanism = {CKM_RSA_PKCS_PSS, &params, sizeof(params)};

	return sign_raw(session, key, &mechanism, digest, out, len);
}

static rc_t sign_ecdsa(struct p11_session *session, CK_OBJECT_HANDLE key,
	const struct p11_signing *signing, struct span digest, uint8_t *out, size_t *len)
{
	CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
	size_t order = key_algo_by_kind(signing->key)->bits / 8;

	if (digest.len > order)
		digest.len = order;
	rc_t rc = sign_raw(session, key, &mechanism, digest, out, len);
	return rc != RC_OK ? rc : der_signature(out, len, order);
}

rc_t p11_sign(struct p11_session *session, CK_OBJECT_HANDLE key, const struct p11_signing *signing,
	struct span digest, uint8_t out[P11_SIGNATURE_MAX], size_t *len)
{
	rc_t rc = p11_signing_check(signing);

	if (rc != RC_OK)
		return rc;
	if (digest.len != digest_algo_by_kind(signing->digest)->len)
		return RC_HASH_LENGTH;
	switch (signing->scheme) {
	case SCHEME_RSA_PKCS1:
		return sign_pkcs1(session, key, signing, digest, out, len);
	case SCHEME_RSA_PSS:
		return sign_pss(session, key, signing, digest, out, len);
	case SCHEME_ECDSA:
		return sign_ecdsa(session, key, signing, digest, out, len);
	}
	return RC_SIGN_ALGO_INVALID;
}

rc_t p11_hmac(struct p11_session *session, CK_OBJECT_HANDLE key, struct span bytes, uint8_t out[32])
{
	CK_MECHANISM mechanism = {CKM_SHA256_HMAC, NULL, 0};
	uint8_t made[P11_SIGNATURE_MAX];
	size_t len = 0;
	rc_t rc = sign_raw(session, key, &mechanism, bytes, made, &len);

	if (rc == RC_OK && len != 32)
		rc = RC_CRYPTO;
	if (rc == RC_OK)
		memcpy(out, made, 32);
	OPENSSL_cleanse(made, sizeof(made));
	return rc;
}
