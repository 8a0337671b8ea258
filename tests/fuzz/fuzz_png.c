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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct picture picture;
	struct buf words = BUF_INIT;

	if (picture_read(SPAN(data, size), &words, &picture) == RC_OK) {
		size_t count = (size_t)picture.width * picture.height;
		if (count == 0 || count > PICTURE_PIXELS_MAX)
			abort();
		check_plane(&picture.colour, 3 * count);
		if (picture.alpha.len > 0)
			check_plane(&picture.alpha, count);
		picture_free(&picture);
	}
	buf_free(&words);
	return 0;
}
