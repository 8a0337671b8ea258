#include "clients/lib/qr.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#define VERSIONS 12
#define CODEWORDS_MAX 466
#define EC_MAX 30
#define BLOCKS_MAX 4
#define MODE_BYTES 4

/* ISO/IEC 18004 tables 1, 9 and E.1, level L. */
static const struct version {
	size_t codewords;
	size_t ec_per_block;
	size_t blocks;
	size_t alignment[3]; /* centres, 0 ends; the first is 6 */
} versions[VERSIONS + 1] = {
	[1] = {26, 7, 1, {0}},
	[2] = {44, 10, 1, {6, 18}},
	[3] = {70, 15, 1, {6, 22}},
	[4] = {100, 20, 1, {6, 26}},
	[5] = {134, 26, 1, {6, 30}},
	[6] = {172, 18, 2, {6, 34}},
	[7] = {196, 20, 2, {6, 22, 38}},
	[8] = {242, 24, 2, {6, 24, 42}},
	[9] = {292, 30, 2, {6, 26, 46}},
	[10] = {346, 18, 4, {6, 28, 50}},
	[11] = {404, 20, 4, {6, 30, 54}},
	[12] = {466, 24, 4, {6, 32, 58}},
};

/* What is being drawn: fixed marks the modules that no data may stand in. */
struct drawing {
	struct qr *qr;
	bool fixed[QR_SIZE_MAX][QR_SIZE_MAX];
};

struct bits {
	uint8_t bytes[CODEWORDS_MAX];
	size_t count;
};

static size_t data_codewords(const struct version *version)
{
	return version->codewords - version->ec_per_block * version->blocks;
}

static void put_bits(struct bits *bits, unsigned value, size_t width)
{
	for (size_t i = width; i > 0; i--) {
		if ((value >> (i - 1) & 1) != 0)
			bits->bytes[bits->count / 8] |= (uint8_t)(0x80 >> bits->count % 8);
		bits->count++;
	}
}

/* The text as codewords, filled up. */
static void put_text(struct bits *bits, struct span text, unsigned number)
{
	size_t room = data_codewords(&versions[number]);

	put_bits(bits, MODE_BYTES, 4);
	put_bits(bits, (unsigned)text.len, number < 10 ? 8 : 16);
	for (size_t i = 0; i < text.len; i++)
		put_bits(bits, text.data[i], 8);
	/* the terminator and the rest of its byte are zeros already */
	size_t used = (bits->count + 4 + 7) / 8;
	for (size_t i = used; i < room; i++)
		bits->bytes[i] = (i - used) % 2 == 0 ? 0xec : 0x11;
}

/* GF(256) modulo x^8 + x^4 + x^3 + x^2 + 1 */
static uint8_t multiply(uint8_t a, uint8_t b)
{
	unsigned product = 0;

	for (int i = 7; i >= 0; i--) {
		product = product << 1 ^ (product >> 7) * 0x11d;
		product ^= (unsigned)(b >> i & 1) * a;
	}
	return (uint8_t)product;
}

/* The generator polynomial without its leading 1. */
static void make_generator(uint8_t generator[EC_MAX], size_t degree)
{
	uint8_t root = 1;

	memset(generator, 0, EC_MAX);
	generator[degree - 1] = 1;
	for (size_t i = 0; i < degree; i++) {
		for (size_t k = 0; k < degree; k++) {
			generator[k] = multiply(generator[k], root);
			if (k + 1 < degree)
				generator[k] ^= generator[k + 1];
		}
		root = multiply(root, 2);
	}
}

static void correct(const uint8_t *data, size_t len, const uint8_t generator[EC_MAX], size_t degree,
	uint8_t out[EC_MAX])
{
	memset(out, 0, EC_MAX);
	for (size_t i = 0; i < len; i++) {
		uint8_t factor = data[i] ^ out[0];
		memmove(out, out + 1, degree - 1);
		out[degree - 1] = 0;
		for (size_t k = 0; k < degree; k++)
			out[k] ^= multiply(generator[k], factor);
	}
}

/* Blocks, the longer ones last, read across: first bytes first, then their corrections. */
static void interleave(const struct version *version, const uint8_t *data, uint8_t *out)
{
	uint8_t generator[EC_MAX];
	uint8_t corrections[BLOCKS_MAX][EC_MAX];
	const uint8_t *starts[BLOCKS_MAX];
	size_t lens[BLOCKS_MAX];
	size_t total = data_codewords(version);
	size_t shorter = total / version->blocks;
	size_t longer_from = version->blocks - total % version->blocks;

	make_generator(generator, version->ec_per_block);
	for (size_t b = 0; b < version->blocks; b++) {
		starts[b] = data;
		lens[b] = shorter + (b >= longer_from ? 1 : 0);
		correct(data, lens[b], generator, version->ec_per_block, corrections[b]);
		data += lens[b];
	}
	for (size_t i = 0; i <= shorter; i++) {
		for (size_t b = 0; b < version->blocks; b++) {
			if (i < lens[b])
				*out++ = starts[b][i];
		}
	}
	for (size_t i = 0; i < version->ec_per_block; i++) {
		for (size_t b = 0; b < version->blocks; b++)
			*out++ = corrections[b][i];
	}
}

static void set(struct drawing *drawing, size_t row, size_t column, bool dark)
{
	drawing->qr->dark[row][column] = dark;
	drawing->fixed[row][column] = true;
}

static size_t distance(size_t a, size_t b)
{
	return a > b ? a - b : b - a;
}

/* Squares in squares around a centre: a finder (reach 4, with its separator) or an alignment mark.
 */
static void draw_square(struct drawing *drawing, size_t row, size_t column, size_t reach)
{
	size_t size = drawing->qr->size;
	size_t top = row > reach ? row - reach : 0;
	size_t left = column > reach ? column - reach : 0;

	for (size_t r = top; r <= row + reach && r < size; r++) {
		for (size_t c = left; c <= column + reach && c < size; c++) {
			size_t down = distance(r, row);
			size_t across = distance(c, column);
			size_t ring = down > across ? down : across;
			set(drawing, r, c, reach == 4 ? ring != 2 && ring != 4 : ring != 1);
		}
	}
}

static void draw_alignment(struct drawing *drawing, const struct version *version)
{
	size_t last = drawing->qr->size - 7;

	for (size_t i = 0; i < 3 && version->alignment[i] != 0; i++) {
		for (size_t k = 0; k < 3 && version->alignment[k] != 0; k++) {
			size_t row = version->alignment[i];
			size_t column = version->alignment[k];
			bool corner = (row == 6 && (column == 6 || column == last)) ||
				      (row == last && column == 6);
			if (!corner)
				draw_square(drawing, row, column, 2);
		}
	}
}

/* value followed by the remainder of its division: the codes of format and version. */
static unsigned with_remainder(unsigned value, unsigned divisor, unsigned degree)
{
	unsigned rest = value << degree;

	for (unsigned bit = 31; bit >= degree; bit--) {
		if ((rest >> bit & 1) != 0)
			rest ^= divisor << (bit - degree);
	}
	return value << degree | rest;
}

/* Level L with mask 0, twice, and the module that is always dark. */
static void draw_format(struct drawing *drawing)
{
	size_t size = drawing->qr->size;
	unsigned format = with_remainder(1 << 3, 0x537, 10) ^ 0x5412;

	for (size_t i = 0; i < 15; i++) {
		bool dark = (format >> i & 1) != 0;
		size_t down = i < 6 ? i : i < 8 ? i + 1 : size - 15 + i;
		size_t across = i < 8 ? size - 1 - i : i == 8 ? 7 : 14 - i;
		set(drawing, down, 8, dark);
		set(drawing, 8, across, dark);
	}
	set(drawing, size - 8, 8, true);
}

static void draw_version(struct drawing *drawing, unsigned number)
{
	size_t size = drawing->qr->size;
	unsigned code = with_remainder(number, 0x1f25, 12);

	for (size_t i = 0; number >= 7 && i < 18; i++) {
		bool dark = (code >> i & 1) != 0;
		set(drawing, i / 3, size - 11 + i % 3, dark);
		set(drawing, size - 11 + i % 3, i / 3, dark);
	}
}

static void draw_fixed(struct drawing *drawing, unsigned number)
{
	size_t size = drawing->qr->size;

	for (size_t i = 8; i < size - 8; i++) {
		set(drawing, 6, i, i % 2 == 0);
		set(drawing, i, 6, i % 2 == 0);
	}
	draw_square(drawing, 3, 3, 4);
	draw_square(drawing, 3, size - 4, 4);
	draw_square(drawing, size - 4, 3, 4);
	draw_alignment(drawing, &versions[number]);
	draw_format(drawing);
	draw_version(drawing, number);
}

/* Two columns at a time from the right, up and down in turn, past the timing column. Mask 0 flips
 * every other module; choosing the fairest of the eight masks would matter for print, not here. */
static void draw_data(struct drawing *drawing, const uint8_t *codewords, size_t count)
{
	size_t size = drawing->qr->size;
	size_t bit = 0;
	bool up = true;

	for (size_t right = size - 1; right >= 1 && right < size; right -= 2, up = !up) {
		if (right == 6)
			right = 5;
		for (size_t i = 0; i < 2 * size; i++) {
			size_t row = up ? size - 1 - i / 2 : i / 2;
			size_t column = right - i % 2;
			if (drawing->fixed[row][column])
				continue;
			bool dark =
				bit < count * 8 && (codewords[bit / 8] >> (7 - bit % 8) & 1) != 0;
			drawing->qr->dark[row][column] = dark != ((row + column) % 2 == 0);
			bit++;
		}
	}
}

rc_t qr_encode(struct span text, struct qr *qr)
{
	struct drawing drawing = {.qr = qr};
	struct bits bits = {0};
	uint8_t codewords[CODEWORDS_MAX];
	unsigned number = 1;

	while (number <= VERSIONS &&
		text.len + (number < 10 ? 2 : 3) > data_codewords(&versions[number]))
		number++;
	if (number > VERSIONS)
		return RC_TOO_LONG;
	*qr = (struct qr){.size = 17 + 4 * number};
	put_text(&bits, text, number);
	interleave(&versions[number], bits.bytes, codewords);
	draw_fixed(&drawing, number);
	draw_data(&drawing, codewords, versions[number].codewords);
	OPENSSL_cleanse(&bits, sizeof(bits));
	OPENSSL_cleanse(codewords, sizeof(codewords));
	return RC_OK;
}

void qr_wipe(struct qr *qr)
{
	OPENSSL_cleanse(qr, sizeof(*qr));
}
