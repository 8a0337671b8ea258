#include "base/wire.h"

#include <string.h>

rc_t wire_put_number(struct buf *out, uint64_t number)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(number >> (56 - 8 * i));
	return buf_append(out, bytes, sizeof(bytes));
}

rc_t wire_put_bytes(struct buf *out, struct span bytes)
{
	if (bytes.len > UINT32_MAX)
		return RC_TOO_LONG;

	uint8_t prefix[4] = {(uint8_t)(bytes.len >> 24), (uint8_t)(bytes.len >> 16),
		(uint8_t)(bytes.len >> 8), (uint8_t)bytes.len};
	rc_t rc = buf_reserve(out, sizeof(prefix) + bytes.len);
	if (rc == RC_OK)
		rc = buf_append(out, prefix, sizeof(prefix));
	if (rc == RC_OK)
		rc = buf_append_span(out, bytes);
	return rc;
}

rc_t wire_put_string(struct buf *out, const char *text)
{
	return wire_put_bytes(out, span_string(text));
}

struct wire_reader wire_reader(struct span input)
{
	return (struct wire_reader){.rest = input, .broken = false};
}

static struct span wire_take(struct wire_reader *reader, size_t len)
{
	if (reader->broken || reader->rest.len < len) {
		reader->broken = true;
		return SPAN_NONE;
	}
	struct span taken = SPAN(reader->rest.data, len);
	reader->rest = SPAN(reader->rest.data + len, reader->rest.len - len);
	return taken;
}

static uint64_t wire_take_number(struct wire_reader *reader, size_t width)
{
	struct span bytes = wire_take(reader, width);
	uint64_t number = 0;

	for (size_t i = 0; i < bytes.len; i++)
		number = number << 8 | bytes.data[i];
	return number;
}

uint64_t wire_get_number(struct wire_reader *reader)
{
	return wire_take_number(reader, 8);
}

struct span wire_get_bytes(struct wire_reader *reader)
{
	size_t len = (size_t)wire_take_number(reader, 4);

	return wire_take(reader, len);
}

void wire_get_fixed(struct wire_reader *reader, void *out, size_t len)
{
	struct span bytes = wire_get_bytes(reader);

	if (!reader->broken && bytes.len == len && len > 0)
		memcpy(out, bytes.data, len);
	else if (bytes.len != len)
		reader->broken = true;
}

void wire_get_string(struct wire_reader *reader, char *out, size_t size)
{
	struct span bytes = wire_get_bytes(reader);

	out[0] = 0;
	if (reader->broken)
		return;
	if (bytes.len >= size || (bytes.len > 0 && memchr(bytes.data, 0, bytes.len) != NULL)) {
		reader->broken = true;
		return;
	}
	if (bytes.len > 0)
		memcpy(out, bytes.data, bytes.len);
	out[bytes.len] = 0;
}

rc_t wire_reader_end(const struct wire_reader *reader)
{
	return reader->broken || reader->rest.len != 0 ? RC_FORMAT : RC_OK;
}
