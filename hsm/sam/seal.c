#include "hsm/sam/seal.h"

#include "base/digest.h"
#include "base/wire.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

#define KEY_LEN 32
#define PLAIN_MAX 65536

static const uint8_t nonce[12];

static rc_t seal_key(const struct seal_terms *terms, struct span salt, uint8_t key[KEY_LEN])
{
	uint8_t info[] = "rsspd seal v1?";

	info[sizeof(info) - 2] = (uint8_t)terms->purpose;
	return digest_hkdf_sha256(
		terms->material, salt, SPAN(info, sizeof(info) - 1), key, KEY_LEN);
}

static rc_t seal_aad(struct buf *aad, const struct seal_terms *terms, struct span salt)
{
	rc_t rc = buf_reserve(aad, terms->bound.len + SEAL_SALT_LEN + 64);

	if (rc == RC_OK)
		rc = wire_put_number(aad, SEAL_VERSION);
	if (rc == RC_OK)
		rc = wire_put_number(aad, (uint64_t)terms->purpose);
	if (rc == RC_OK)
		rc = wire_put_number(aad, terms->generation);
	if (rc == RC_OK)
		rc = wire_put_bytes(aad, salt);
	if (rc == RC_OK)
		rc = wire_put_bytes(aad, terms->bound);
	return rc;
}

static rc_t seal_header(
	struct buf *out, const struct seal_terms *terms, uint8_t salt[SEAL_SALT_LEN])
{
	uint8_t head[2] = {SEAL_VERSION, (uint8_t)terms->purpose};
	rc_t rc = buf_append(out, head, sizeof(head));

	if (rc == RC_OK)
		rc = wire_put_number(out, terms->generation);
	if (rc == RC_OK)
		rc = buf_append(out, salt, SEAL_SALT_LEN);
	return rc;
}

/* Room for the text and the tag was reserved behind out's end. */
static rc_t gcm_seal(
	struct buf *out, const uint8_t key[KEY_LEN], struct span aad, struct span plain)
{
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	uint8_t *text = out->data + out->len;
	int len = 0, more = 0;
	rc_t rc = RC_CRYPTO;

	if (context != NULL &&
		EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, nonce) == 1 &&
		EVP_EncryptUpdate(context, NULL, &len, aad.data, (int)aad.len) == 1 &&
		EVP_EncryptUpdate(context, text, &len, plain.data, (int)plain.len) == 1 &&
		EVP_EncryptFinal_ex(context, text + len, &more) == 1 &&
		EVP_CIPHER_CTX_ctrl(
			context, EVP_CTRL_AEAD_GET_TAG, SEAL_TAG_LEN, text + plain.len) == 1) {
		out->len += plain.len + SEAL_TAG_LEN;
		rc = RC_OK;
	}
	EVP_CIPHER_CTX_free(context);
	return rc;
}

static rc_t gcm_open(
	struct buf *plain, const uint8_t key[KEY_LEN], struct span aad, struct span text)
{
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	uint8_t tag[SEAL_TAG_LEN];
	int len = 0, more = 0;
	rc_t rc = RC_SEAL_BROKEN;

	text.len -= SEAL_TAG_LEN;
	memcpy(tag, text.data + text.len, sizeof(tag));
	if (context != NULL &&
		EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, nonce) == 1 &&
		EVP_DecryptUpdate(context, NULL, &len, aad.data, (int)aad.len) == 1 &&
		EVP_DecryptUpdate(context, plain->data, &len, text.data, (int)text.len) == 1 &&
		EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, SEAL_TAG_LEN, tag) == 1 &&
		EVP_DecryptFinal_ex(context, plain->data + len, &more) == 1) {
		plain->len = text.len;
		rc = RC_OK;
	} else {
		/* what was decrypted before the tag was checked */
		OPENSSL_cleanse(plain->data, text.len);
	}
	EVP_CIPHER_CTX_free(context);
	return rc;
}

rc_t seal_make(struct buf *out, const struct seal_terms *terms, struct span plain)
{
	uint8_t salt[SEAL_SALT_LEN], key[KEY_LEN];
	struct buf aad = BUF_INIT;
	rc_t rc = RC_CRYPTO;

	if (plain.len > PLAIN_MAX || terms->bound.len > INT32_MAX / 2)
		return RC_TOO_LONG;
	size_t before = out->len;
	if (RAND_bytes(salt, sizeof(salt)) == 1)
		rc = seal_key(terms, SPAN(salt, sizeof(salt)), key);
	if (rc == RC_OK)
		rc = seal_aad(&aad, terms, SPAN(salt, sizeof(salt)));
	if (rc == RC_OK)
		rc = buf_reserve(out, SEAL_HEADER_LEN + plain.len + SEAL_TAG_LEN);
	if (rc == RC_OK)
		rc = seal_header(out, terms, salt);
	if (rc == RC_OK)
		rc = gcm_seal(out, key, buf_span(&aad), plain);
	if (rc != RC_OK)
		out->len = before;
	OPENSSL_cleanse(key, sizeof(key));
	buf_free(&aad);
	return rc;
}

rc_t seal_open(struct buf *plain, const struct seal_terms *terms, struct span seal)
{
	uint8_t key[KEY_LEN];
	struct buf aad = BUF_INIT;
	uint64_t generation = 0;

	rc_t rc = seal_generation(seal, terms->purpose, &generation);
	if (rc != RC_OK || generation != terms->generation)
		return RC_SEAL_BROKEN;
	struct span salt = SPAN(seal.data + SEAL_HEADER_LEN - SEAL_SALT_LEN, SEAL_SALT_LEN);
	struct span text = SPAN(seal.data + SEAL_HEADER_LEN, seal.len - SEAL_HEADER_LEN);
	buf_clear(plain);
	rc = seal_key(terms, salt, key);
	if (rc == RC_OK)
		rc = seal_aad(&aad, terms, salt);
	if (rc == RC_OK)
		rc = buf_reserve(plain, text.len);
	if (rc == RC_OK)
		rc = gcm_open(plain, key, buf_span(&aad), text);
	OPENSSL_cleanse(key, sizeof(key));
	buf_free(&aad);
	return rc;
}

rc_t seal_generation(struct span seal, enum seal_purpose purpose, uint64_t *generation)
{
	uint64_t number = 0;

	if (seal.len < SEAL_HEADER_LEN + SEAL_TAG_LEN ||
		seal.len > SEAL_HEADER_LEN + PLAIN_MAX + SEAL_TAG_LEN ||
		seal.data[0] != SEAL_VERSION || seal.data[1] != (uint8_t)purpose)
		return RC_SEAL_BROKEN;
	for (size_t i = 2; i < 10; i++)
		number = number << 8 | seal.data[i];
	*generation = number;
	return RC_OK;
}
