#include "clients/lib/ades/font_internal.h"

#include <hb-ot.h>
#include <hb-subset.h>
#include <math.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <stdio.h>
#include <utf8proc.h>

#define TAG_HEAD HB_TAG('h', 'e', 'a', 'd')
#define TAG_POST HB_TAG('p', 'o', 's', 't')
#define BOX_AT 36	  /* xMin, yMin, xMax, yMax in head */
#define ITALIC_ANGLE_AT 4 /* whole degrees, in post */
#define SYMBOLIC "4"	  /* table 123: characters outside the standard Latin set */
#define STEM_REGULAR 80	  /* what readers thicken by when they have no outline */
#define STEM_BOLD 140
#define CMAP_GROUP 100 /* at most so many entries in one bfchar */
#define TEXT_UNITS_MAX 16

rc_t font_use_glyph(struct font_use *use, const struct font_glyph *glyph, unsigned *cid)
{
	for (size_t i = 0; i < use->count; i++) {
		if (use->glyphs[i]->id == glyph->id &&
			span_equal(use->glyphs[i]->text, glyph->text)) {
			*cid = (unsigned)i + 1;
			return RC_OK;
		}
	}
	if (use->count == FONT_GLYPHS_MAX)
		return RC_TOO_LONG;
	use->glyphs[use->count++] = glyph;
	*cid = (unsigned)use->count;
	return RC_OK;
}

/* the part of the font */

/* What shapes text, and what the PDF says itself, stays outside. */
static hb_subset_plan_t *plan_subset(const struct font_use *use)
{
	static const hb_tag_t dropped[] = {HB_TAG('G', 'S', 'U', 'B'), HB_TAG('G', 'P', 'O', 'S'),
		HB_TAG('G', 'D', 'E', 'F'), HB_TAG('k', 'e', 'r', 'n'), HB_TAG('c', 'm', 'a', 'p'),
		HB_TAG('n', 'a', 'm', 'e'), HB_TAG('p', 'o', 's', 't'), HB_TAG('O', 'S', '/', '2')};
	hb_subset_input_t *input = hb_subset_input_create_or_fail();

	if (input == NULL)
		return NULL;
	hb_set_t *glyphs = hb_subset_input_glyph_set(input);
	hb_set_t *drop = hb_subset_input_set(input, HB_SUBSET_SETS_DROP_TABLE_TAG);
	for (size_t i = 0; i < use->count; i++)
		hb_set_add(glyphs, use->glyphs[i]->id);
	for (size_t i = 0; i < sizeof(dropped) / sizeof(dropped[0]); i++)
		hb_set_add(drop, dropped[i]);
	hb_subset_input_set_flags(input, HB_SUBSET_FLAGS_NO_HINTING);
	hb_subset_plan_t *plan = hb_subset_plan_create_or_fail(use->font->face, input);
	hb_subset_input_destroy(input);
	return plan;
}

static rc_t add_stream(struct pdf *pdf, const char *entries, struct span content, int *id)
{
	struct buf packed = BUF_INIT;

	rc_t rc = pdf_flate(content, &packed);
	if (rc == RC_OK)
		rc = pdf_add_stream(pdf, entries, buf_span(&packed), id);
	buf_free(&packed);
	return rc;
}

static rc_t add_font_file(hb_subset_plan_t *plan, struct pdf *pdf, int *id)
{
	char entries[32];
	unsigned len = 0;

	hb_face_t *face = hb_subset_plan_execute_or_fail(plan);
	if (face == NULL)
		return RC_FONT_DAMAGED;
	hb_blob_t *blob = hb_face_reference_blob(face);
	const char *data = hb_blob_get_data(blob, &len);
	snprintf(entries, sizeof(entries), "/Length1 %u", len);
	rc_t rc = len == 0 ? RC_FONT_DAMAGED : add_stream(pdf, entries, SPAN(data, len), id);
	hb_blob_destroy(blob);
	hb_face_destroy(face);
	return rc;
}

/* CIDToGIDMap: two bytes for each CID. */
static rc_t add_glyph_map(
	const struct font_use *use, hb_subset_plan_t *plan, struct pdf *pdf, int *id)
{
	const hb_map_t *numbers = hb_subset_plan_old_to_new_glyph_mapping(plan);
	struct buf map = BUF_INIT;
	rc_t rc = buf_append(&map, "\0", 2);

	for (size_t i = 0; rc == RC_OK && i < use->count; i++) {
		hb_codepoint_t number = hb_map_get(numbers, use->glyphs[i]->id);
		const uint8_t pair[2] = {(uint8_t)(number >> 8), (uint8_t)number};
		rc = number > 0xffff ? RC_FONT_DAMAGED : buf_append(&map, pair, sizeof(pair));
	}
	if (rc == RC_OK)
		rc = add_stream(pdf, "", buf_span(&map), id);
	buf_free(&map);
	return rc;
}

/* ISO 32000-1 §9.10.3 */

static rc_t put_utf16(struct buf *out, struct span text)
{
	size_t units = 0;
	rc_t rc = RC_OK;

	while (rc == RC_OK && text.len > 0 && units < TEXT_UNITS_MAX) {
		utf8proc_int32_t c = 0;
		utf8proc_ssize_t used = utf8proc_iterate(text.data, (utf8proc_ssize_t)text.len, &c);
		if (used <= 0)
			return RC_FORMAT;
		if (c < 0x10000)
			rc = buf_printf(out, "%04X", (unsigned)c);
		else
			rc = buf_printf(out, "%04X%04X", 0xd800 + ((unsigned)(c - 0x10000) >> 10),
				0xdc00 + ((unsigned)(c - 0x10000) & 0x3ff));
		text.data += used;
		text.len -= (size_t)used;
		units++;
	}
	/* a second glyph of one character: a space without width stands for it */
	return rc == RC_OK && units == 0 ? buf_append_string(out, "200B") : rc;
}

static rc_t put_cmap(const struct font_use *use, struct buf *out)
{
	rc_t rc = buf_append_string(out,
		"/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
		"/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
		"/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
		"1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n");

	for (size_t i = 0; rc == RC_OK && i < use->count; i++) {
		size_t left = use->count - i;
		if (i % CMAP_GROUP == 0)
			rc = buf_printf(
				out, "%zu beginbfchar\n", left > CMAP_GROUP ? CMAP_GROUP : left);
		if (rc == RC_OK)
			rc = buf_printf(out, "<%04zX> <", i + 1);
		if (rc == RC_OK)
			rc = put_utf16(out, use->glyphs[i]->text);
		if (rc == RC_OK)
			rc = buf_append_string(out, ">\n");
		if (rc == RC_OK && (i % CMAP_GROUP == CMAP_GROUP - 1 || left == 1))
			rc = buf_append_string(out, "endbfchar\n");
	}
	if (rc == RC_OK)
		rc = buf_append_string(out,
			"endcmap\n"
			"CMapName currentdict /CMap defineresource pop\nend\nend\n");
	return rc;
}

static rc_t add_unicode_map(const struct font_use *use, struct pdf *pdf, int *id)
{
	struct buf cmap = BUF_INIT;

	rc_t rc = put_cmap(use, &cmap);
	if (rc == RC_OK)
		rc = add_stream(pdf, "", buf_span(&cmap), id);
	buf_free(&cmap);
	return rc;
}

/* PDF/A-1 asks for the set of CIDs that are there: all of 0 to count. */
static rc_t add_cid_set(const struct font_use *use, struct pdf *pdf, int *id)
{
	uint8_t bits[FONT_GLYPHS_MAX / 8 + 1] = {0};

	for (size_t cid = 0; cid <= use->count; cid++)
		bits[cid / 8] |= (uint8_t)(0x80 >> cid % 8);
	return add_stream(pdf, "", SPAN(bits, use->count / 8 + 1), id);
}

/* dictionaries */

/* §9.6.4: six letters that differ where the subset differs. */
static void subset_tag(const struct font_use *use, char tag[7])
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	uint32_t ids[FONT_GLYPHS_MAX];

	for (size_t i = 0; i < use->count; i++)
		ids[i] = use->glyphs[i]->id;
	SHA256((const uint8_t *)ids, use->count * sizeof(ids[0]), digest);
	for (size_t i = 0; i < 6; i++)
		tag[i] = (char)('A' + digest[i] % 26);
	tag[6] = 0;
}

static int thousandths(const struct font *font, double units)
{
	return (int)lround(units * 1000.0 / font->em);
}

static rc_t add_descriptor(
	const struct font_use *use, const char *name, int file, struct pdf *pdf, int *id)
{
	const struct font *font = use->font;
	struct font_extents extents = font_extents(font);
	struct buf body = BUF_INIT;
	int cids = 0;

	rc_t rc = add_cid_set(use, pdf, &cids);
	if (rc == RC_OK)
		rc = buf_printf(&body,
			"<< /Type /FontDescriptor /FontName /%s /Flags " SYMBOLIC
			" /FontBBox [%d %d %d %d] /ItalicAngle %d /Ascent %d /Descent %d "
			"/CapHeight %d /StemV %d /FontFile2 %d 0 R /CIDSet %d 0 R >>",
			name, thousandths(font, font_table_i16(font, TAG_HEAD, BOX_AT)),
			thousandths(font, font_table_i16(font, TAG_HEAD, BOX_AT + 2)),
			thousandths(font, font_table_i16(font, TAG_HEAD, BOX_AT + 4)),
			thousandths(font, font_table_i16(font, TAG_HEAD, BOX_AT + 6)),
			font_table_i16(font, TAG_POST, ITALIC_ANGLE_AT),
			(int)lround(extents.ascent * 1000), -(int)lround(extents.descent * 1000),
			(int)lround(extents.capital * 1000), font->bold ? STEM_BOLD : STEM_REGULAR,
			file, cids);
	if (rc == RC_OK)
		rc = pdf_add_object(pdf, &body, id);
	buf_free(&body);
	return rc;
}

struct parts {
	int descriptor;
	int glyph_map;
	int unicode_map;
};

static rc_t add_cid_font(const struct font_use *use, const char *name, const struct parts *parts,
	struct pdf *pdf, int *id)
{
	struct buf body = BUF_INIT;

	rc_t rc = buf_printf(&body,
		"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /%s /CIDSystemInfo "
		"<< /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /FontDescriptor %d 0 R "
		"/CIDToGIDMap %d 0 R /DW 0 /W [1 [",
		name, parts->descriptor, parts->glyph_map);
	for (size_t i = 0; rc == RC_OK && i < use->count; i++)
		rc = buf_printf(&body, " %d", (int)lround(use->glyphs[i]->width * 1000));
	if (rc == RC_OK)
		rc = buf_append_string(&body, " ]] >>");
	if (rc == RC_OK)
		rc = pdf_add_object(pdf, &body, id);
	buf_free(&body);
	return rc;
}

static rc_t add_type0(const struct font_use *use, const char *name, const struct parts *parts,
	struct pdf *pdf, int *id)
{
	struct buf body = BUF_INIT;
	int descendant = 0;

	rc_t rc = add_cid_font(use, name, parts, pdf, &descendant);
	if (rc == RC_OK)
		rc = buf_printf(&body,
			"<< /Type /Font /Subtype /Type0 /BaseFont /%s /Encoding /Identity-H "
			"/DescendantFonts [%d 0 R] /ToUnicode %d 0 R >>",
			name, descendant, parts->unicode_map);
	if (rc == RC_OK)
		rc = pdf_add_object(pdf, &body, id);
	buf_free(&body);
	return rc;
}

rc_t font_embed(const struct font_use *use, struct pdf *pdf, int *id)
{
	char tag[7];
	char name[sizeof(use->font->name) + sizeof(tag) + 1];
	struct parts parts;
	int file = 0;

	hb_subset_plan_t *plan = plan_subset(use);
	if (plan == NULL)
		return RC_FONT_DAMAGED;
	subset_tag(use, tag);
	snprintf(name, sizeof(name), "%s+%s", tag, use->font->name);
	rc_t rc = add_font_file(plan, pdf, &file);
	if (rc == RC_OK)
		rc = add_glyph_map(use, plan, pdf, &parts.glyph_map);
	if (rc == RC_OK)
		rc = add_unicode_map(use, pdf, &parts.unicode_map);
	if (rc == RC_OK)
		rc = add_descriptor(use, name, file, pdf, &parts.descriptor);
	if (rc == RC_OK)
		rc = add_type0(use, name, &parts, pdf, id);
	hb_subset_plan_destroy(plan);
	return rc;
}
