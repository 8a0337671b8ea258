#include "core/oauth/code.h"

#include "core/internal.h"

#include <openssl/evp.h>
#include <string.h>

#define TAG_LEN 16
#define KEY_LEN 32
#define NONCE_LEN 12
#define VERIFIER_LEAST 43 /* RFC 7636 §4.1 */
#define VERIFIER_MOST 128

/* The key is used for one seal: the code is fresh, and the consent is in the derivation. So the
 * nonce may be constant. */
static rc_t code_key(struct secret *key, struct span code, const struct id *consent)
{
	static const char label[] = "rssp code";
	struct buf info = BUF_INIT;
	uint8_t bytes[KEY_LEN];

	rc_t rc = buf_append(&info, label, sizeof(label));
	if (rc == RC_OK)
		rc = buf_append_span(&info, id_span(consent));
	if (rc == RC_OK)
		rc = digest_hkdf_sha256(code, SPAN_NONE, buf_span(&info), bytes, sizeof(bytes));
	if (rc == RC_OK)
		rc = secret_set(key, SPAN(bytes, sizeof(bytes)));
	OPENSSL_cleanse(bytes, sizeof(bytes));
	buf_free(&info);
	return rc;
}

static bool cipher_begin(EVP_CIPHER_CTX *cipher, const struct secret *key, int seal)
{
	static const uint8_t nonce[NONCE_LEN];

	return cipher != NULL && EVP_CipherInit_ex(cipher, EVP_aes_256_gcm(), NULL,
					 secret_span(key).data, nonce, seal) == 1;
}

rc_t code_seal(struct buf *seal, struct span code, const struct id *consent, struct span sad)
{
	struct secret key = SECRET_INIT;
	EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
	int len = 0, last = 0;

	rc_t rc = sad.len == 0 || sad.len > INT16_MAX ? RC_TOO_LONG : code_key(&key, code, consent);
	if (rc == RC_OK)
		rc = buf_reserve(seal, sad.len + TAG_LEN);
	if (rc != RC_OK)
		goto out;
	uint8_t *out = seal->data + seal->len;
	rc = RC_CRYPTO;
	if (!cipher_begin(cipher, &key, 1) ||
		EVP_CipherUpdate(cipher, out, &len, sad.data, (int)sad.len) != 1 ||
		EVP_CipherFinal_ex(cipher, out + len, &last) != 1 ||
		EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, TAG_LEN, out + sad.len) != 1)
		goto out;
	seal->len += sad.len + TAG_LEN;
	rc = RC_OK;
out:
	EVP_CIPHER_CTX_free(cipher);
	secret_free(&key);
	return rc;
}

rc_t code_open(struct secret *sad, struct span code, const struct id *consent, struct span seal)
{
	struct secret key = SECRET_INIT, text = SECRET_INIT;
	EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
	uint8_t tag[TAG_LEN];
	int len = 0, last = 0;

	rc_t rc = seal.len <= TAG_LEN || seal.len > INT16_MAX ? RC_SEAL_BROKEN
							      : code_key(&key, code, consent);
	if (rc == RC_OK)
		rc = buf_reserve(&text.bytes, seal.len);
	if (rc != RC_OK)
		goto out;
	size_t size = seal.len - TAG_LEN;
	memcpy(tag, seal.data + size, TAG_LEN);
	rc = RC_SEAL_BROKEN;
	if (!cipher_begin(cipher, &key, 0) ||
		EVP_CipherUpdate(cipher, text.bytes.data, &len, seal.data, (int)size) != 1 ||
		EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_TAG, TAG_LEN, tag) != 1)
		goto out;
	text.bytes.len = size;
	if (EVP_CipherFinal_ex(cipher, text.bytes.data + len, &last) == 1)
		rc = secret_set(sad, secret_span(&text));
out:
	EVP_CIPHER_CTX_free(cipher);
	secret_free(&key);
	secret_free(&text);
	return rc;
}

bool code_verifier_fits(const char *verifier, const uint8_t challenge[SHA256_LEN])
{
	uint8_t sha256[SHA256_LEN];
	size_t len = verifier == NULL ? 0 : strlen(verifier);

	if (len < VERIFIER_LEAST || len > VERIFIER_MOST ||
		digest_sha256(SPAN(verifier, len), sha256) != RC_OK)
		return false;
	return secret_equal(sha256_span(sha256), sha256_span(challenge));
}
