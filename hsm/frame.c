#include "hsm/proto.h"

#include <string.h>

static const uint8_t frame_magic[4] = {'R', 'S', 'F', '1'};

static void frame_write_number(uint8_t *out, uint64_t number, size_t width)
{
	for (size_t i = 0; i < width; i++)
		out[i] = (uint8_t)(number >> (8 * (width - 1 - i)));
}

static uint64_t frame_read_number(const uint8_t *in, size_t width)
{
	uint64_t number = 0;

	for (size_t i = 0; i < width; i++)
		number = number << 8 | in[i];
	return number;
}

rc_t frame_put(struct buf *out, enum frame_kind kind, uint64_t job, struct span body)
{
	uint8_t header[FRAME_HEADER_LEN] = {0};

	if (body.len > FRAME_BODY_MAX)
		return RC_TOO_LONG;
	memcpy(header, frame_magic, sizeof(frame_magic));
	header[4] = (uint8_t)kind;
	frame_write_number(header + 8, job, 8);
	frame_write_number(header + 16, body.len, 4);

	rc_t rc = buf_reserve(out, sizeof(header) + body.len);
	if (rc == RC_OK)
		rc = buf_append(out, header, sizeof(header));
	if (rc == RC_OK)
		rc = buf_append_span(out, body);
	return rc;
}

rc_t frame_header_decode(const uint8_t bytes[FRAME_HEADER_LEN], struct frame_header *header)
{
	uint64_t body_len = frame_read_number(bytes + 16, 4);

	if (memcmp(bytes, frame_magic, sizeof(frame_magic)) != 0)
		return RC_FORMAT;
	if (bytes[4] < FRAME_HELLO || bytes[4] >= FRAME_KINDS)
		return RC_FORMAT;
	if (bytes[5] != 0 || bytes[6] != 0 || bytes[7] != 0 || body_len > FRAME_BODY_MAX)
		return RC_FORMAT;
	*header = (struct frame_header){
		.kind = (enum frame_kind)bytes[4],
		.job = frame_read_number(bytes + 8, 8),
		.body_len = (size_t)body_len,
	};
	return RC_OK;
}
