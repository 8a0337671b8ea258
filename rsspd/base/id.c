#include "base/id.h"

#include "base/clock.h"

#include <string.h>
#include <sys/random.h>

static const size_t id_dashes[] = {8, 13, 18, 23};
static const char id_hex[] = "0123456789abcdef";

rc_t id_random(struct id *id)
{
	struct id fresh;

	/* the kernel's: each request has a new id, and OpenSSL's generator costs five times as much
	 * for so few bytes */
	if (getrandom(fresh.bytes, ID_LEN, 0) != ID_LEN)
		return RC_CRYPTO;
	fresh.bytes[6] = (uint8_t)((fresh.bytes[6] & 0x0f) | 0x40);
	fresh.bytes[8] = (uint8_t)((fresh.bytes[8] & 0x3f) | 0x80);
	*id = fresh;
	return RC_OK;
}

rc_t id_at(struct id *id, int64_t wall_ms)
{
	rc_t rc = id_random(id);
	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < 6; i++)
		id->bytes[i] = (uint8_t)((uint64_t)wall_ms >> (40 - 8 * i));
	id->bytes[6] = (uint8_t)((id->bytes[6] & 0x0f) | 0x70);
	return RC_OK;
}

rc_t id_timed(struct id *id)
{
	return id_at(id, clock_wall_ms());
}

int64_t id_wall_ms(const struct id *id)
{
	int64_t ms = 0;

	for (size_t i = 0; i < 6; i++)
		ms = ms << 8 | id->bytes[i];
	return ms;
}

static bool id_dash_at(size_t position)
{
	for (size_t i = 0; i < sizeof(id_dashes) / sizeof(id_dashes[0]); i++) {
		if (id_dashes[i] == position)
			return true;
	}
	return false;
}

void id_format(const struct id *id, char text[ID_TEXT])
{
	size_t nibble = 0;

	for (size_t at = 0; at < ID_TEXT - 1; at++) {
		if (id_dash_at(at)) {
			text[at] = '-';
			continue;
		}
		uint8_t byte = id->bytes[nibble / 2];
		text[at] = id_hex[nibble % 2 == 0 ? byte >> 4 : byte & 15];
		nibble++;
	}
	text[ID_TEXT - 1] = 0;
}

rc_t id_parse(struct id *id, const char *text)
{
	struct id parsed = {0};
	size_t nibble = 0;

	if (text == NULL || strlen(text) != ID_TEXT - 1)
		return RC_FORMAT;
	for (size_t at = 0; at < ID_TEXT - 1; at++) {
		if (id_dash_at(at)) {
			if (text[at] != '-')
				return RC_FORMAT;
			continue;
		}
		const char *digit = memchr(id_hex, text[at], 16);
		if (digit == NULL)
			return RC_FORMAT;
		parsed.bytes[nibble / 2] |=
			(uint8_t)((digit - id_hex) << (nibble % 2 == 0 ? 4 : 0));
		nibble++;
	}
	*id = parsed;
	return RC_OK;
}

bool id_equal(const struct id *a, const struct id *b)
{
	return memcmp(a->bytes, b->bytes, ID_LEN) == 0;
}

bool id_is_zero(const struct id *id)
{
	static const struct id zero;

	return id_equal(id, &zero);
}

struct span id_span(const struct id *id)
{
	return SPAN(id->bytes, ID_LEN);
}
