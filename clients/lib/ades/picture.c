#include "clients/lib/ades/picture.h"

#include "clients/lib/ades/pdf.h"

#include <png.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define POINTS_A_METRE (72.0 / 0.0254)
#define CHUNK_MAX 65536 /* memory for one chunk that is not of the picture */

struct reader {
	struct span rest;
	char fault[128];
	png_structp png;
	png_infop info;
	uint32_t width, height;
	double real_width, real_height;
	uint8_t *pixels; /* RGBA */
	png_bytepp rows;
	rc_t rc;
};

/* libpng leaves by longjmp: nothing that its callers own may be left behind, so all of it is in the
 * reader. */
static void on_error(png_structp png, png_const_charp words)
{
	struct reader *reader = png_get_error_ptr(png);

	strncpy(reader->fault, words, sizeof(reader->fault) - 1);
	png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp words)
{
	(void)png;
	(void)words;
}

static void on_read(png_structp png, png_bytep out, size_t len)
{
	struct reader *reader = png_get_io_ptr(png);

	if (len > reader->rest.len)
		png_error(png, "the file ends too early");
	memcpy(out, reader->rest.data, len);
	reader->rest.data += len;
	reader->rest.len -= len;
}

/* Of what is not the picture only the resolution is read; the rest is passed over unread. */
static void set_limits(struct reader *reader)
{
	static const png_byte resolution[] = "pHYs";

	png_set_user_limits(reader->png, PICTURE_SIDE_MAX, PICTURE_SIDE_MAX);
	png_set_chunk_cache_max(reader->png, 1);
	png_set_chunk_malloc_max(reader->png, CHUNK_MAX);
	png_set_keep_unknown_chunks(reader->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
	png_set_keep_unknown_chunks(reader->png, PNG_HANDLE_CHUNK_AS_DEFAULT, resolution, 1);
}

static void want_rgba(png_structp png)
{
	png_set_expand(png);
	png_set_scale_16(png);
	png_set_gray_to_rgb(png);
	png_set_add_alpha(png, 0xff, PNG_FILLER_AFTER);
	png_set_interlace_handling(png);
}

static void read_resolution(struct reader *reader)
{
	png_uint_32 x = 0;
	png_uint_32 y = 0;
	int unit = PNG_RESOLUTION_UNKNOWN;

	if (png_get_pHYs(reader->png, reader->info, &x, &y, &unit) == 0 ||
		unit != PNG_RESOLUTION_METER || x == 0 || y == 0)
		return;
	reader->real_width = reader->width * POINTS_A_METRE / x;
	reader->real_height = reader->height * POINTS_A_METRE / y;
}

/* What is not there may not be allocated either: the size is judged before. */
static void read_pixels(struct reader *reader)
{
	size_t row = (size_t)reader->width * 4;

	if (png_get_rowbytes(reader->png, reader->info) != row)
		png_error(reader->png, "rows of an unexpected length");
	reader->pixels = calloc(reader->height, row);
	reader->rows = calloc(reader->height, sizeof(reader->rows[0]));
	if (reader->pixels == NULL || reader->rows == NULL) {
		reader->rc = RC_NO_MEMORY;
		png_error(reader->png, "no memory");
	}
	for (size_t y = 0; y < reader->height; y++)
		reader->rows[y] = reader->pixels + y * row;
	png_read_image(reader->png, reader->rows);
	png_read_end(reader->png, NULL);
}

static void judge_size(struct reader *reader)
{
	reader->width = png_get_image_width(reader->png, reader->info);
	reader->height = png_get_image_height(reader->png, reader->info);
	if ((uint64_t)reader->width * reader->height <= PICTURE_PIXELS_MAX)
		return;
	reader->rc = RC_PICTURE_TOO_LARGE;
	png_error(reader->png, "too many pixels");
}

static rc_t read_all(struct reader *reader)
{
	reader->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, reader, on_error, on_warning);
	if (reader->png == NULL)
		return RC_NO_MEMORY;
	reader->info = png_create_info_struct(reader->png);
	if (reader->info == NULL)
		return RC_NO_MEMORY;
	reader->rc = RC_PICTURE_DAMAGED;
	if (setjmp(png_jmpbuf(reader->png)) != 0)
		return reader->rc;
	png_set_read_fn(reader->png, reader, on_read);
	set_limits(reader);
	png_read_info(reader->png, reader->info);
	judge_size(reader);
	read_resolution(reader);
	want_rgba(reader->png);
	png_read_update_info(reader->png, reader->info);
	read_pixels(reader);
	return RC_OK;
}

/* The header alone, before libpng: it calls a picture that is too large damaged. */
static bool sides_too_large(struct span png)
{
	static const uint8_t start[] = {
		0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n', 0, 0, 0, 13, 'I', 'H', 'D', 'R'};

	if (png.len < sizeof(start) + 8 || memcmp(png.data, start, sizeof(start)) != 0)
		return false;
	return png_get_uint_32(png.data + 16) > PICTURE_SIDE_MAX ||
	       png_get_uint_32(png.data + 20) > PICTURE_SIDE_MAX;
}

/* The colour of the ink, for the pixels that nobody sees: readers that smooth a picture mix them
 * into its edges, and black ones would leave a dark fringe. */
static void ink_colour(const struct reader *reader, uint8_t ink[3])
{
	uint64_t sums[3] = {0};
	uint64_t weight = 0;
	size_t count = (size_t)reader->width * reader->height;

	for (size_t i = 0; i < count; i++) {
		const uint8_t *pixel = reader->pixels + 4 * i;
		for (size_t c = 0; c < 3; c++)
			sums[c] += (uint64_t)pixel[c] * pixel[3];
		weight += pixel[3];
	}
	for (size_t c = 0; c < 3; c++)
		ink[c] = (uint8_t)(weight == 0 ? 0xff : sums[c] / weight);
}

/* RGBA is parted in place: colours to the front of one buffer, alpha into another. */
static bool part(struct reader *reader, uint8_t *colour, uint8_t *alpha)
{
	uint8_t ink[3];
	bool opaque = true;
	size_t count = (size_t)reader->width * reader->height;

	ink_colour(reader, ink);
	for (size_t i = 0; i < count; i++) {
		const uint8_t *pixel = reader->pixels + 4 * i;
		memcpy(colour + 3 * i, pixel[3] == 0 ? ink : pixel, 3);
		alpha[i] = pixel[3];
		opaque = opaque && pixel[3] == 0xff;
	}
	return opaque;
}

static rc_t compress_planes(struct reader *reader, struct picture *picture)
{
	struct buf colour = BUF_INIT;
	struct buf alpha = BUF_INIT;
	size_t count = (size_t)reader->width * reader->height;

	rc_t rc = buf_reserve(&colour, 3 * count);
	if (rc == RC_OK)
		rc = buf_reserve(&alpha, count);
	if (rc == RC_OK) {
		bool opaque = part(reader, colour.data, alpha.data);
		rc = pdf_flate(SPAN(colour.data, 3 * count), &picture->colour);
		if (rc == RC_OK && !opaque)
			rc = pdf_flate(SPAN(alpha.data, count), &picture->alpha);
	}
	buf_free(&colour);
	buf_free(&alpha);
	return rc;
}

rc_t picture_read(struct span png, struct buf *detail, struct picture *picture)
{
	struct reader reader = {.rest = png};
	struct picture fresh = {0};

	if (png.len > PICTURE_FILE_MAX || sides_too_large(png))
		return RC_PICTURE_TOO_LARGE;
	rc_t rc = read_all(&reader);
	if (rc == RC_OK)
		rc = compress_planes(&reader, &fresh);
	if (rc == RC_PICTURE_DAMAGED && detail != NULL &&
		buf_set(detail, span_string(reader.fault)) != RC_OK)
		rc = RC_NO_MEMORY;
	png_destroy_read_struct(&reader.png, &reader.info, NULL);
	free(reader.pixels);
	free(reader.rows);
	if (rc != RC_OK) {
		picture_free(&fresh);
		return rc;
	}
	fresh.width = reader.width;
	fresh.height = reader.height;
	fresh.real_width = reader.real_width;
	fresh.real_height = reader.real_height;
	*picture = fresh;
	return RC_OK;
}

void picture_free(struct picture *picture)
{
	buf_free(&picture->colour);
	buf_free(&picture->alpha);
}
