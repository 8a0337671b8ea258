#include "hsm/sam/text.h"

size_t text_take(struct span text, uint32_t *point)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint8_t first = text.data[0];
	size_t len = first < 0x80    ? 1
		     : first >= 0xf0 ? 4
		     : first >= 0xe0 ? 3
		     : first >= 0xc0 ? 2
				     : 0;

	if (len == 0 || len > text.len || first > 0xf4)
		return 0;
	uint32_t value = len == 1 ? first : first & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((text.data[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (text.data[i] & 0x3f);
	}
	/* no overlong forms, no surrogates */
	if (value < least[len] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
		return 0;
	*point = value;
	return len;
}

bool text_is_plain(const char *text, size_t max)
{
	struct span rest = span_string(text);

	for (size_t count = 0; rest.len > 0; count++) {
		uint32_t point = 0;
		size_t len = text_take(rest, &point);
		if (len == 0 || count == max || point < 0x20 || (point >= 0x7f && point < 0xa0))
			return false;
		rest = SPAN(rest.data + len, rest.len - len);
	}
	return true;
}
