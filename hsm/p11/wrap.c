#include "hsm/p11/wrap.h"

#include "hsm/p11/key.h"


#define WRAPPED_MAX 4096

/* DER of the named curves' OIDs, for CKA_EC_PARAMS */
static const uint8_t p256_oid[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static const uint8_t p384_oid[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

static rc_t pair_generate(struct p11_session *session, const struct key_algo *algo,
	CK_OBJECT_HANDLE *public_object, CK_OBJECT_HANDLE *private_object)
{
	CK_MECHANISM mechanism = {
		algo->rsa ? CKM_RSA_PKCS_KEY_PAIR_GEN : CKM_EC_KEY_PAIR_GEN, NULL, 0};
	CK_ULONG bits = algo->bits;
	uint8_t exponent[] = {1, 0, 1};
	struct span curve = algo->kind == KEY_P_256 ? SPAN(p256_oid, sizeof(p256_oid))
						    : SPAN(p384_oid, sizeof(p384_oid));
	CK_ATTRIBUTE public[] = {
		{CKA_TOKEN, &no, sizeof(no)},
		{CKA_PRIVATE, &no, sizeof(no)},
		{CKA_VERIFY, &yes, sizeof(yes)},
		{0, NULL, 0},
		{CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent)},
	};
	CK_ATTRIBUTE private[] = {
		{CKA_TOKEN, &no, sizeof(no)},
		{CKA_PRIVATE, &yes, sizeof(yes)},
		{CKA_SENSITIVE, &yes, sizeof(yes)},
		{CKA_EXTRACTABLE, &yes, sizeof(yes)}, /* or it could not be wrapped */
		{CKA_SIGN, &yes, sizeof(yes)},
		{CKA_DECRYPT, &no, sizeof(no)},
		{CKA_UNWRAP, &no, sizeof(no)},
		{CKA_DERIVE, &no, sizeof(no)},
	};

	if (algo->rsa)
	public[3] = (CK_ATTRIBUTE){CKA_MODULUS_BITS, &bits, sizeof(bits)};
	else public[3] = (CK_ATTRIBUTE){CKA_EC_PARAMS, (void *)curve.data, curve.len};
	return p11_rc("C_GenerateKeyPair",
		p11_session_functions(session)->C_GenerateKeyPair(p11_session_handle(session),
			&mechanism, public, algo->rsa ? 5 : 4, private,
			sizeof(private) / sizeof(private[0]), public_object, private_object));
}

static rc_t pair_wrap(struct p11_session *session, CK_OBJECT_HANDLE wrap,
	CK_OBJECT_HANDLE private_object, struct buf *wrapped)
{
	CK_MECHANISM mechanism = {CKM_AES_KEY_WRAP_PAD, NULL, 0};
	uint8_t bytes[WRAPPED_MAX];
	CK_ULONG len = sizeof(bytes);
	rc_t rc = p11_rc(
		"C_WrapKey", p11_session_functions(session)->C_WrapKey(p11_session_handle(session),
				     &mechanism, wrap, private_object, bytes, &len));

	return rc != RC_OK ? rc : buf_append(wrapped, bytes, len);
}

rc_t p11_wrap_new_pair(struct p11_session *session, CK_OBJECT_HANDLE wrap, enum key_kind kind,
	struct buf *wrapped, EVP_PKEY **public_key)
{
	const struct key_algo *algo = key_algo_by_kind(kind);
	CK_OBJECT_HANDLE public_object = 0, private_object = 0;
	EVP_PKEY *made = NULL;

	if (algo == NULL)
		return RC_KEY_ALGO_INVALID;
	rc_t rc = pair_generate(session, algo, &public_object, &private_object);
	if (rc != RC_OK)
		return rc;
	rc = p11_public_read(session, public_object, kind, &made);
	if (rc == RC_OK)
		rc = pair_wrap(session, wrap, private_object, wrapped);
	p11_wrap_close(session, private_object);
	p11_wrap_close(session, public_object);
	if (rc != RC_OK) {
		EVP_PKEY_free(made);
		return rc;
	}
	*public_key = made;
	return RC_OK;
}

rc_t p11_wrap_open(struct p11_session *session, CK_OBJECT_HANDLE wrap, enum key_kind kind,
	struct span wrapped, CK_OBJECT_HANDLE *key)
{
	const struct key_algo *algo = key_algo_by_kind(kind);
	CK_MECHANISM mechanism = {CKM_AES_KEY_WRAP_PAD, NULL, 0};
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE template[32];
	CK_ULONG count = 0;

	if (algo == NULL || p11_unwrap_template_len + 2 > sizeof(template) / sizeof(template[0]))
		return RC_CRYPTO;
	CK_KEY_TYPE type = algo->rsa ? CKK_RSA : CKK_EC;
	template[count++] = (CK_ATTRIBUTE){CKA_CLASS, &class, sizeof(class)};
	template[count++] = (CK_ATTRIBUTE){CKA_KEY_TYPE, &type, sizeof(type)};
	for (size_t i = 0; i < p11_unwrap_template_len; i++)
		template[count++] = p11_unwrap_template[i];
	return p11_rc("C_UnwrapKey",
		p11_session_functions(session)->C_UnwrapKey(p11_session_handle(session), &mechanism,
			wrap, (CK_BYTE *)wrapped.data, wrapped.len, template, count, key));
}

void p11_wrap_close(struct p11_session *session, CK_OBJECT_HANDLE key)
{
	rc_t rc = p11_rc("C_DestroyObject",
		p11_session_functions(session)->C_DestroyObject(p11_session_handle(session), key));

	(void)rc; /* logged; the process's bound on unwraps takes care of the rest */
}
