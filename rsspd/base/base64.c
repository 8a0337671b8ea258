#include "base/base64.h"

#include <stdbool.h>

struct alphabet {
	char symbols[65];
	bool padded;
};

static const struct alphabet standard = {
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", true};
static const struct alphabet url = {
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", false};

static rc_t encode(struct buf *out, struct span bytes, const struct alphabet *alphabet)
{
	rc_t rc = bytes.len > SIZE_MAX / 4 ? RC_TOO_LONG : buf_reserve(out, bytes.len / 3 * 4 + 4);
	if (rc != RC_OK)
		return rc;

	for (size_t i = 0; i < bytes.len; i += 3) {
		size_t left = bytes.len - i;
		uint32_t group = (uint32_t)bytes.data[i] << 16;
		if (left > 1)
			group |= (uint32_t)bytes.data[i + 1] << 8;
		if (left > 2)
			group |= bytes.data[i + 2];
		for (size_t k = 0; k < 4; k++) {
			if (k <= left)
				out->data[out->len++] =
					(uint8_t)alphabet->symbols[group >> (18 - 6 * k) & 63];
			else if (alphabet->padded)
				out->data[out->len++] = '=';
		}
	}
	return RC_OK;
}

/* 0 to 63, or 64. Without a table look-up by the secret symbol: SADs pass here. */
static unsigned symbol_value(uint8_t c, const struct alphabet *alphabet)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26u;
	if (c >= '0' && c <= '9')
		return c - '0' + 52u;
	if (c == (uint8_t)alphabet->symbols[62])
		return 62;
	if (c == (uint8_t)alphabet->symbols[63])
		return 63;
	return 64;
}

static rc_t unpadded(struct span *text, const struct alphabet *alphabet)
{
	size_t padding = 0;

	if (!alphabet->padded)
		return RC_OK;
	if (text->len % 4 != 0)
		return RC_FORMAT;
	while (padding < 2 && text->len > padding && text->data[text->len - 1 - padding] == '=')
		padding++;
	text->len -= padding;
	return RC_OK;
}

static rc_t decode(struct buf *out, struct span text, const struct alphabet *alphabet)
{
	rc_t rc = unpadded(&text, alphabet);
	if (rc != RC_OK || text.len % 4 == 1)
		return RC_FORMAT;
	rc = buf_reserve(out, text.len / 4 * 3 + 3);
	if (rc != RC_OK)
		return rc;

	size_t start = out->len;
	uint32_t bits = 0;
	unsigned count = 0;
	for (size_t i = 0; i < text.len; i++) {
		unsigned value = symbol_value(text.data[i], alphabet);
		if (value == 64)
			goto malformed;
		bits = bits << 6 | value;
		count += 6;
		if (count >= 8) {
			count -= 8;
			out->data[out->len++] = (uint8_t)(bits >> count);
		}
	}
	/* RFC 4648 §3.5: the bits left over must be zero */
	if ((bits & ((1u << count) - 1)) == 0)
		return RC_OK;
malformed:
	out->len = start;
	return RC_FORMAT;
}

rc_t base64_encode(struct buf *out, struct span bytes)
{
	return encode(out, bytes, &standard);
}

rc_t base64_decode(struct buf *out, struct span text)
{
	return decode(out, text, &standard);
}

rc_t base64url_encode(struct buf *out, struct span bytes)
{
	return encode(out, bytes, &url);
}

rc_t base64url_decode(struct buf *out, struct span text)
{
	return decode(out, text, &url);
}
