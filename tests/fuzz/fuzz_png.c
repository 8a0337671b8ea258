/* link: ades */
/* Any bytes as a picture: refused with a code, or as many pixels as it says, and not too many. */
#include "clients/lib/ades/picture.h"

#include <stdlib.h>
#include <zlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_plane(const struct buf *packed, size_t len)
{
	uLongf got = len;
	uint8_t *plane = malloc(len);

	if (plane == NULL || uncompress(plane, &got, packed->data, packed->len) != Z_OK ||
		got != len)
		abort();
	free(plane);
}

static void read_one(struct span png)
{
	struct picture picture;
	struct buf words = BUF_INIT;

	if (picture_read(png, &words, &picture) == RC_OK) {
		size_t count = (size_t)picture.width * picture.height;
		if (count == 0 || count > PICTURE_PIXELS_MAX)
			abort();
		check_plane(&picture.colour, 3 * count);
		if (picture.alpha.len > 0)
			check_plane(&picture.alpha, count);
		picture_free(&picture);
	}
	buf_free(&words);
}

/* A wrong checksum ends most inputs early: each chunk gets the right one. */
static void repair(struct buf *png)
{
	size_t at = 8;

	while (png->len - at >= 12) {
		const uint8_t *head = png->data + at;
		size_t len = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 |
			     head[3];
		if (len > png->len - at - 12)
			return;
		uLong sum = crc32(0, png->data + at + 4, (uInt)len + 4);
		at += len + 8;
		for (size_t i = 0; i < 4; i++)
			png->data[at++] = (uint8_t)(sum >> 8 * (3 - i));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf repaired = BUF_INIT;

	read_one(SPAN(data, size));
	if (size >= 8 && buf_set(&repaired, SPAN(data, size)) == RC_OK) {
		repair(&repaired);
		read_one(buf_span(&repaired));
	}
	buf_free(&repaired);
	return 0;
}
