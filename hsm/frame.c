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

static void frame_header_write(
	uint8_t header[FRAME_HEADER_LEN], enum frame_kind kind, uint64_t job, size_t body_len)
{
	memset(header, 0, FRAME_HEADER_LEN);
	memcpy(header, frame_magic, sizeof(frame_magic));
	header[4] = (uint8_t)kind;
	frame_write_number(header + 8, job, 8);
	frame_write_number(header + 16, body_len, 4);
}

rc_t frame_begin(struct buf *frame, size_t body_len)
{
	static const uint8_t header[FRAME_HEADER_LEN];
	rc_t rc = buf_reserve(frame, sizeof(header) + body_len);

	return rc == RC_OK ? buf_append(frame, header, sizeof(header)) : rc;
}

struct span frame_body(const struct buf *frame)
{
	return SPAN(frame->data + FRAME_HEADER_LEN, frame->len - FRAME_HEADER_LEN);
}

rc_t frame_end(struct buf *frame, enum frame_kind kind, uint64_t job)
{
	if (frame->len - FRAME_HEADER_LEN > FRAME_BODY_MAX)
		return RC_TOO_LONG;
	frame_header_write(frame->data, kind, job, frame->len - FRAME_HEADER_LEN);
	return RC_OK;
}

rc_t frame_put(struct buf *out, enum frame_kind kind, uint64_t job, struct span body)
{
	uint8_t header[FRAME_HEADER_LEN];

	if (body.len > FRAME_BODY_MAX)
		return RC_TOO_LONG;
	frame_header_write(header, kind, job, body.len);
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
