#include "core/secret_text.h"

#include "base/base64.h"

#define BYTES_LEN 32
#define TEXT_LEN 43

rc_t secret_text_of(struct secret *text, struct span bytes, uint8_t sha256[SHA256_LEN])
{
	struct secret made = SECRET_INIT;

	rc_t rc = base64url_encode(&made.bytes, bytes);
	if (rc == RC_OK)
		rc = digest_sha256(secret_span(&made), sha256);
	if (rc == RC_OK)
		rc = secret_set(text, secret_span(&made));
	secret_free(&made);
	return rc;
}

rc_t secret_text_make(struct secret *text, uint8_t sha256[SHA256_LEN])
{
	struct secret bytes = SECRET_INIT;

	rc_t rc = secret_random(&bytes, BYTES_LEN);
	if (rc == RC_OK)
		rc = secret_text_of(text, secret_span(&bytes), sha256);
	secret_free(&bytes);
	return rc;
}

bool secret_text_is_formed(struct span text)
{
	struct secret bytes = SECRET_INIT;
	bool formed = text.len == TEXT_LEN && base64url_decode(&bytes.bytes, text) == RC_OK &&
		      bytes.bytes.len == BYTES_LEN;

	secret_free(&bytes);
	return formed;
}
