/* link: ades */
/* Every kind of PNG becomes the same RGB and alpha; what is damaged, hostile or too large is
 * refused before memory is spent on it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "clients/lib/ades/picture.h"

#include <math.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define SIDE 9 /* not a multiple of 8: rows of less than a byte a pixel have padding */

/* writing */

struct kind {
	const char *name;
	int colour, depth;
	bool interlaced;
	bool transparent; /* tRNS */
};

static const struct kind kinds[] = {
	{"RGBA", PNG_COLOR_TYPE_RGBA, 8, false, false},
	{"RGBA interlaced", PNG_COLOR_TYPE_RGBA, 8, true, false},
	{"RGBA 16 bit", PNG_COLOR_TYPE_RGBA, 16, false, false},
	{"RGB", PNG_COLOR_TYPE_RGB, 8, false, false},
	{"RGB and tRNS", PNG_COLOR_TYPE_RGB, 8, false, true},
	{"RGB 16 bit and tRNS, interlaced", PNG_COLOR_TYPE_RGB, 16, true, true},
	{"grey", PNG_COLOR_TYPE_GRAY, 8, false, false},
	{"grey 1 bit", PNG_COLOR_TYPE_GRAY, 1, false, false},
	{"grey 1 bit and tRNS, interlaced", PNG_COLOR_TYPE_GRAY, 1, true, true},
	{"grey 16 bit and tRNS", PNG_COLOR_TYPE_GRAY, 16, false, true},
	{"grey and alpha", PNG_COLOR_TYPE_GRAY_ALPHA, 8, false, false},
	{"grey and alpha 16 bit", PNG_COLOR_TYPE_GRAY_ALPHA, 16, true, false},
	{"palette", PNG_COLOR_TYPE_PALETTE, 8, false, false},
	{"palette 1 bit and tRNS", PNG_COLOR_TYPE_PALETTE, 1, false, true},
	{"palette 4 bit and tRNS, interlaced", PNG_COLOR_TYPE_PALETTE, 4, true, true},
};

static void on_write(png_structp png, png_bytep data, size_t len)
{
	assert_int_equal(buf_append(png_get_io_ptr(png), data, len), RC_OK);
}

static void on_flush(png_structp png)
{
	(void)png;
}

/* Ink on the diagonal, nothing (or white) elsewhere. */
static bool is_ink(size_t x, size_t y)
{
	return x == y;
}

static void put_sample(uint8_t **at, int depth, bool full)
{
	*(*at)++ = full ? 0xff : 0;
	if (depth == 16)
		*(*at)++ = full ? 0xff : 0;
}

/* Ink is black, or in a palette entry 1; the ground is white, entry 0. */
static void fill_row(const struct kind *kind, size_t y, uint8_t *row)
{
	uint8_t *at = row;
	int samples = (kind->colour & PNG_COLOR_MASK_COLOR) != 0 ? 3 : 1;

	if (kind->colour == PNG_COLOR_TYPE_PALETTE || kind->depth < 8) {
		for (size_t x = 0; x < SIDE; x++) {
			bool one = is_ink(x, y) == (kind->colour == PNG_COLOR_TYPE_PALETTE);
			size_t bit = x * (size_t)kind->depth + (size_t)kind->depth - 1;
			if (one)
				row[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
		}
		return;
	}
	for (size_t x = 0; x < SIDE; x++) {
		for (int s = 0; s < samples; s++)
			put_sample(&at, kind->depth, !is_ink(x, y));
		if ((kind->colour & PNG_COLOR_MASK_ALPHA) != 0)
			put_sample(&at, kind->depth, is_ink(x, y));
	}
}

static void set_transparency(const struct kind *kind, png_structp png, png_infop info)
{
	uint16_t white = (uint16_t)((1u << kind->depth) - 1);
	png_color_16 ground = {0, white, white, white, white};
	png_byte entries[2] = {0, 0xff};

	if (kind->colour == PNG_COLOR_TYPE_PALETTE)
		png_set_tRNS(png, info, entries, 2, NULL);
	else
		png_set_tRNS(png, info, NULL, 0, &ground);
}

static void write_kind(const struct kind *kind, struct buf *out)
{
	uint8_t rows[SIDE][SIDE * 8] = {{0}};
	png_bytep pointers[SIDE];
	png_color palette[2] = {{255, 255, 255}, {0, 0, 0}};
	png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
	png_infop info = png_create_info_struct(png);

	buf_clear(out);
	png_set_write_fn(png, out, on_write, on_flush);
	png_set_IHDR(png, info, SIDE, SIDE, kind->depth, kind->colour,
		kind->interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
		PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
	if (kind->colour == PNG_COLOR_TYPE_PALETTE)
		png_set_PLTE(png, info, palette, 2);
	if (kind->transparent)
		set_transparency(kind, png, info);
	png_set_pHYs(png, info, 1000, 2000, PNG_RESOLUTION_METER);
	for (size_t y = 0; y < SIDE; y++) {
		fill_row(kind, y, rows[y]);
		pointers[y] = rows[y];
	}
	png_set_rows(png, info, pointers);
	png_write_png(png, info, PNG_TRANSFORM_IDENTITY, NULL);
	png_destroy_write_struct(&png, &info);
}

/* reading */

static void inflate_plane(const struct buf *packed, uint8_t *out, size_t len)
{
	uLongf got = len;

	assert_int_equal(uncompress(out, &got, packed->data, packed->len), Z_OK);
	assert_int_equal(got, len);
}

static rc_t read_code(struct span png)
{
	struct picture picture = {0};

	rc_t rc = picture_read(png, NULL, &picture);
	picture_free(&picture);
	return rc;
}

static void test_every_kind_of_png_gives_the_same_ink(void **state)
{
	struct buf png = BUF_INIT;
	uint8_t colour[SIDE * SIDE * 3];
	uint8_t alpha[SIDE * SIDE];

	(void)state;
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		const struct kind *kind = &kinds[k];
		bool seen_through = kind->transparent || (kind->colour & PNG_COLOR_MASK_ALPHA) != 0;
		struct picture picture = {0};
		write_kind(kind, &png);
		assert_int_equal(picture_read(buf_span(&png), NULL, &picture), RC_OK);
		assert_int_equal(picture.width, SIDE);
		assert_int_equal(picture.height, SIDE);
		inflate_plane(&picture.colour, colour, sizeof(colour));
		if (seen_through != (picture.alpha.len > 0))
			fail_msg("%s: alpha", kind->name);
		if (seen_through)
			inflate_plane(&picture.alpha, alpha, sizeof(alpha));
		for (size_t i = 0; i < SIDE * SIDE; i++) {
			bool ink = is_ink(i % SIDE, i / SIDE);
			/* what is not seen has the colour of the ink: no fringes */
			uint8_t want = ink || seen_through ? 0 : 0xff;
			if (colour[3 * i] != want || colour[3 * i + 2] != want ||
				(seen_through && alpha[i] != (ink ? 0xff : 0)))
				fail_msg("%s: pixel %zu", kind->name, i);
		}
		picture_free(&picture);
	}
	buf_free(&png);
}

static void test_the_real_size_is_that_of_the_resolution(void **state)
{
	struct buf png = BUF_INIT;
	struct picture picture = {0};

	(void)state;
	write_kind(&kinds[0], &png);
	assert_int_equal(picture_read(buf_span(&png), NULL, &picture), RC_OK);
	assert_true(fabs(picture.real_width - 9.0 / 25.4 * 72) < 0.001);
	assert_true(fabs(picture.real_height - 4.5 / 25.4 * 72) < 0.001);
	picture_free(&picture);
	buf_free(&png);
}

/* PNGs put together by hand */

static void put_be32(struct buf *out, uint32_t value)
{
	const uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16),
		(uint8_t)(value >> 8), (uint8_t)value};

	assert_int_equal(buf_append(out, bytes, sizeof(bytes)), RC_OK);
}

static void put_chunk(struct buf *out, const char *type, const void *data, size_t len)
{
	put_be32(out, (uint32_t)len);
	size_t start = out->len;
	assert_int_equal(buf_append(out, type, 4), RC_OK);
	assert_int_equal(buf_append(out, data, len), RC_OK);
	put_be32(out, (uint32_t)crc32(0, out->data + start, (uInt)(out->len - start)));
}

static void put_start(struct buf *out, uint32_t width, uint32_t height)
{
	struct buf header = BUF_INIT;

	buf_clear(out);
	assert_int_equal(buf_append(out, "\x89PNG\r\n\x1a\n", 8), RC_OK);
	put_be32(&header, width);
	put_be32(&header, height);
	assert_int_equal(buf_append(&header, "\x08\x06\x00\x00\x00", 5), RC_OK);
	put_chunk(out, "IHDR", header.data, header.len);
	buf_free(&header);
}

/* Zeros: nothing is seen. */
static void put_data(struct buf *out, size_t width, size_t height)
{
	size_t len = height * (4 * width + 1);
	uint8_t *rows = calloc(1, len);
	uLongf packed_len = compressBound(len);
	uint8_t *packed = malloc(packed_len);

	assert_non_null(rows);
	assert_non_null(packed);
	assert_int_equal(compress2(packed, &packed_len, rows, len, 9), Z_OK);
	put_chunk(out, "IDAT", packed, packed_len);
	free(rows);
	free(packed);
}

static void test_a_picture_that_ends_early_is_refused_wherever_it_ends(void **state)
{
	struct buf png = BUF_INIT;

	(void)state;
	write_kind(&kinds[1], &png);
	assert_int_equal(read_code(buf_span(&png)), RC_OK);
	for (size_t len = 0; len < png.len; len++)
		assert_int_equal(read_code(SPAN(png.data, len)), RC_PICTURE_DAMAGED);
	buf_free(&png);
}

static void test_a_changed_byte_of_the_picture_is_refused_by_its_checksum(void **state)
{
	struct buf png = BUF_INIT;
	struct buf words = BUF_INIT;
	struct picture picture = {0};

	(void)state;
	write_kind(&kinds[0], &png);
	uint8_t *data = memmem(png.data, png.len, "IDAT", 4);
	assert_non_null(data);
	data[9] ^= 1;
	assert_int_equal(picture_read(buf_span(&png), &words, &picture), RC_PICTURE_DAMAGED);
	assert_true(words.len > 0);
	buf_free(&png);
	buf_free(&words);
}

static void test_a_picture_without_pixels_is_refused(void **state)
{
	static const uint32_t sides[][2] = {{0, 9}, {9, 0}, {0, 0}, {0x80000001, 9}};
	struct buf png = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		put_start(&png, sides[i][0], sides[i][1]);
		put_data(&png, 9, 9);
		put_chunk(&png, "IEND", "", 0);
		assert_int_not_equal(read_code(buf_span(&png)), RC_OK);
	}
	put_start(&png, 9, 9);
	put_chunk(&png, "IEND", "", 0);
	assert_int_equal(read_code(buf_span(&png)), RC_PICTURE_DAMAGED);
	buf_free(&png);
}

/* A few bytes that would take gigabytes. */
static void test_a_picture_too_large_is_refused_before_memory_is_spent(void **state)
{
	static const uint32_t sides[][2] = {{PICTURE_SIDE_MAX + 1, 1}, {1, PICTURE_SIDE_MAX + 1},
		{PICTURE_SIDE_MAX, PICTURE_SIDE_MAX}, {0x7fffffff, 0x7fffffff}};
	struct buf png = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		put_start(&png, sides[i][0], sides[i][1]);
		put_data(&png, 9, 9);
		put_chunk(&png, "IEND", "", 0);
		assert_int_equal(read_code(buf_span(&png)), RC_PICTURE_TOO_LARGE);
	}
	assert_int_equal(read_code(SPAN(png.data, PICTURE_FILE_MAX + 1)), RC_PICTURE_TOO_LARGE);
	buf_free(&png);
}

static void test_the_largest_picture_is_read(void **state)
{
	struct buf png = BUF_INIT;

	(void)state;
	put_start(&png, 4000, 2000);
	put_data(&png, 4000, 2000);
	put_chunk(&png, "IEND", "", 0);
	assert_int_equal(read_code(buf_span(&png)), RC_OK);
	buf_free(&png);
}

static void test_of_an_animation_the_still_picture_is_read(void **state)
{
	static const uint8_t control[8] = {0, 0, 0, 2, 0, 0, 0, 0};
	static const uint8_t frame[26] = {0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 9};
	struct buf png = BUF_INIT;

	(void)state;
	put_start(&png, 9, 9);
	put_chunk(&png, "acTL", control, sizeof(control));
	put_chunk(&png, "fcTL", frame, sizeof(frame));
	put_data(&png, 9, 9);
	put_chunk(&png, "fcTL", frame, sizeof(frame));
	put_chunk(&png, "fdAT", "\0\0\0\1nonsense", 12);
	put_chunk(&png, "IEND", "", 0);
	assert_int_equal(read_code(buf_span(&png)), RC_OK);
	buf_free(&png);
}

static void test_texts_and_profiles_are_passed_over(void **state)
{
	static const char *const types[] = {"tEXt", "zTXt", "iTXt", "iCCP", "eXIf", "sPLT", "vpAg"};
	char *text = malloc(300000);
	struct buf png = BUF_INIT;

	(void)state;
	assert_non_null(text);
	memset(text, 'a', 300000);
	put_start(&png, 9, 9);
	for (size_t i = 0; i < 100000; i++)
		put_chunk(&png, types[i % 7], "Comment\0x", 9);
	for (size_t i = 0; i < 7; i++)
		put_chunk(&png, types[i], text, 300000);
	put_data(&png, 9, 9);
	put_chunk(&png, "tEXt", text, 300000);
	put_chunk(&png, "IEND", "", 0);
	int64_t before = clock_monotonic_ms();
	assert_int_equal(read_code(buf_span(&png)), RC_OK);
	assert_true(clock_monotonic_ms() - before < 5000);
	buf_free(&png);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_kind_of_png_gives_the_same_ink),
		cmocka_unit_test(test_the_real_size_is_that_of_the_resolution),
		cmocka_unit_test(test_a_picture_that_ends_early_is_refused_wherever_it_ends),
		cmocka_unit_test(test_a_changed_byte_of_the_picture_is_refused_by_its_checksum),
		cmocka_unit_test(test_a_picture_without_pixels_is_refused),
		cmocka_unit_test(test_a_picture_too_large_is_refused_before_memory_is_spent),
		cmocka_unit_test(test_the_largest_picture_is_read),
		cmocka_unit_test(test_of_an_animation_the_still_picture_is_read),
		cmocka_unit_test(test_texts_and_profiles_are_passed_over),
	};
	return cmocka_run_group_tests_name("ades/picture", tests, NULL, NULL);
}
