/* link: core
 * What comes as a bearer, and what PostgreSQL notifies. First byte: 0 to 2 what stands in for the
 * rest of a token, so that the parser gets behind the header; 3 a notification. */
#include "base/base64.h"
#include "core/oauth/token_jwt.h"
#include "store/token_revocation.h"

#include <stdlib.h>
#include <string.h>

#define ISSUER "https://ky.mau.edu.vn"
#define NOW_MS INT64_C(1795348800000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct token_key *key_make(void)
{
	uint8_t scalar[32];
	struct token_key *key = NULL;

	memset(scalar, 5, sizeof(scalar));
	if (token_key_new(20779, SPAN(scalar, sizeof(scalar)), &key) != RC_OK)
		abort();
	return key;
}

/* Nobody guesses a signature. */
static void try_token(struct span text)
{
	static struct token_key *key;
	struct token_claims claims;

	if (key == NULL)
		key = key_make();
	if (token_jwt_read(&key, 1, ISSUER, text, NOW_MS, &claims) == RC_OK)
		abort();
}

static void try_header(struct span header)
{
	struct buf text = BUF_INIT;

	if (base64url_encode(&text, header) == RC_OK &&
		buf_append_string(&text, ".e30.") == RC_OK &&
		base64url_encode(&text, SPAN("0123456789abcdef0123456789abcdef"
					     "0123456789abcdef0123456789abcdef",
						64)) == RC_OK)
		try_token(buf_span(&text));
	buf_free(&text);
}

/* What a key of ours signed: read without a crash, and never more than it says. */
static void try_claims(struct span claims)
{
	struct token_claims got;

	if (token_claims_read(claims, ISSUER, NOW_MS, &got) == RC_OK &&
		(id_is_zero(&got.client) || id_is_zero(&got.jti) ||
			id_is_zero(&got.subscriber) != id_is_zero(&got.consent) ||
			got.expires_ms <= NOW_MS))
		abort();
}

static void try_notification(struct span input)
{
	char *text = malloc(input.len + 1);
	struct revocation_row row;

	if (text == NULL)
		return;
	if (input.len > 0)
		memcpy(text, input.data, input.len);
	text[input.len] = 0;
	if (store_revocation_parse(text, &row) == RC_OK && (row.before_ms < 0 || row.ends_ms < 0))
		abort();
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const targets[])(struct span input) = {
		try_token, try_header, try_claims, try_notification};

	if (size > 0)
		targets[data[0] % 4](SPAN(data + 1, size - 1));
	return 0;
}
