#include "hsm/sam/code.h"

#include "base/wire.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>

#define GROUP 5

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

rc_t code_draw(struct secret *code)
{
	uint8_t bytes[CODE_CHARACTERS];
	rc_t rc = RC_OK;

	if (RAND_priv_bytes(bytes, sizeof(bytes)) != 1)
		return RC_CRYPTO;
	buf_clear(&code->bytes);
	for (size_t i = 0; i < CODE_CHARACTERS && rc == RC_OK; i++) {
		if (i > 0 && i % GROUP == 0)
			rc = buf_append(&code->bytes, "-", 1);
		if (rc == RC_OK)
			rc = buf_append(&code->bytes, &alphabet[bytes[i] & 31], 1);
	}
	OPENSSL_cleanse(bytes, sizeof(bytes));
	return rc;
}

/* 0: not a character of a code. */
static char code_character(uint8_t typed)
{
	if (typed >= 'a' && typed <= 'z')
		typed = (uint8_t)(typed - 'a' + 'A');
	if (typed == 'O')
		return '0';
	if (typed == 'I' || typed == 'L')
		return '1';
	return typed != 0 && strchr(alphabet, typed) != NULL ? (char)typed : 0;
}

static rc_t code_normalise(struct span typed, char code[CODE_CHARACTERS])
{
	size_t count = 0;

	for (size_t i = 0; i < typed.len; i++) {
		if (typed.data[i] == '-' || typed.data[i] == ' ')
			continue;
		char c = code_character(typed.data[i]);
		if (c == 0 || count == CODE_CHARACTERS)
			return RC_FORMAT;
		code[count++] = c;
	}
	return count == CODE_CHARACTERS ? RC_OK : RC_FORMAT;
}

rc_t code_mac(struct span key, const struct id *enrolment, struct span statement,
	int64_t expires_ms, struct span code, uint8_t mac[CODE_MAC_LEN])
{
	char canonical[CODE_CHARACTERS];
	uint8_t digest[SHA256_LEN];
	struct buf input = BUF_INIT;

	rc_t rc = code_normalise(code, canonical);
	if (rc == RC_OK)
		rc = digest_sha256(statement, digest);
	if (rc == RC_OK)
		rc = wire_put_string(&input, "rsspd activation code v1");
	if (rc == RC_OK)
		rc = wire_put_bytes(&input, id_span(enrolment));
	if (rc == RC_OK)
		rc = wire_put_bytes(&input, SPAN(digest, sizeof(digest)));
	if (rc == RC_OK)
		rc = wire_put_number(&input, (uint64_t)expires_ms);
	if (rc == RC_OK)
		rc = wire_put_bytes(&input, SPAN(canonical, sizeof(canonical)));
	if (rc == RC_OK)
		rc = digest_hmac_sha256(key, buf_span(&input), mac);
	OPENSSL_cleanse(canonical, sizeof(canonical));
	buf_free(&input);
	return rc;
}
