#include "clients/lib/ades/font_internal.h"

#include <ctype.h>
#include <hb-ot.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define TAG_GLYF HB_TAG('g', 'l', 'y', 'f')
#define TAG_OS2 HB_TAG('O', 'S', '/', '2')
#define TAG_HEAD HB_TAG('h', 'e', 'a', 'd')
#define FS_TYPE_AT 8
#define FS_RESTRICTED 0x0002
#define FS_PREVIEW_OR_EDIT 0x000c /* or editable: embedding is allowed */
#define FS_NO_SUBSET 0x0100
#define FS_BITMAPS_ONLY 0x0200
#define MAC_STYLE_AT 44
#define MAC_STYLE_BOLD 1

int font_table_i16(const struct font *font, hb_tag_t table, size_t at)
{
	hb_blob_t *blob = hb_face_reference_table(font->face, table);
	unsigned len = 0;
	const uint8_t *data = (const uint8_t *)hb_blob_get_data(blob, &len);
	int value = 0;

	if (at + 2 <= len)
		value = (int16_t)(data[at] << 8 | data[at + 1]);
	hb_blob_destroy(blob);
	return value;
}

/* OpenType, OS/2: what the maker of the font permits. */
static bool may_be_embedded(const struct font *font)
{
	int type = font_table_i16(font, TAG_OS2, FS_TYPE_AT);

	if ((type & (FS_NO_SUBSET | FS_BITMAPS_ONLY)) != 0)
		return false;
	return (type & FS_RESTRICTED) == 0 || (type & FS_PREVIEW_OR_EDIT) != 0;
}

static bool has_outlines(const struct font *font)
{
	hb_blob_t *blob = hb_face_reference_table(font->face, TAG_GLYF);
	bool some = hb_blob_get_length(blob) > 0;

	hb_blob_destroy(blob);
	return some && hb_face_get_glyph_count(font->face) > 0;
}

/* A name that a PDF can hold without escapes. */
static void read_name(struct font *font)
{
	unsigned size = sizeof(font->name);
	size_t kept = 0;

	hb_ot_name_get_utf8(
		font->face, HB_OT_NAME_ID_POSTSCRIPT_NAME, HB_LANGUAGE_INVALID, &size, font->name);
	for (size_t i = 0; font->name[i] != 0; i++) {
		if (isalnum((unsigned char)font->name[i]) || font->name[i] == '-')
			font->name[kept++] = font->name[i];
	}
	font->name[kept] = 0;
	if (kept == 0)
		memcpy(font->name, "Font", sizeof("Font"));
}

rc_t font_new(struct span file, struct font **font)
{
	if (file.len == 0 || file.len > FONT_FILE_MAX)
		return RC_FONT_DAMAGED;
	struct font *fresh = calloc(1, sizeof(*fresh));
	if (fresh == NULL)
		return RC_NO_MEMORY;
	hb_blob_t *blob = hb_blob_create(
		(const char *)file.data, (unsigned)file.len, HB_MEMORY_MODE_DUPLICATE, NULL, NULL);
	fresh->face = hb_face_create(blob, 0);
	hb_blob_destroy(blob);
	fresh->shaper = hb_font_create(fresh->face);
	fresh->em = hb_face_get_upem(fresh->face);
	if (!has_outlines(fresh) || !may_be_embedded(fresh)) {
		font_free(&fresh);
		return RC_FONT_DAMAGED;
	}
	read_name(fresh);
	fresh->bold = (font_table_i16(fresh, TAG_HEAD, MAC_STYLE_AT) & MAC_STYLE_BOLD) != 0;
	*font = fresh;
	return RC_OK;
}

void font_free(struct font **font)
{
	if (*font == NULL)
		return;
	hb_font_destroy((*font)->shaper);
	hb_face_destroy((*font)->face);
	free(*font);
	*font = NULL;
}

struct font_extents font_extents(const struct font *font)
{
	hb_font_extents_t extents = {0};
	hb_position_t capital = 0;

	hb_font_get_h_extents(font->shaper, &extents);
	hb_ot_metrics_get_position_with_fallback(
		font->shaper, HB_OT_METRICS_TAG_CAP_HEIGHT, &capital);
	return (struct font_extents){
		.ascent = extents.ascender / font->em,
		.descent = -extents.descender / font->em,
		.capital = capital / font->em,
	};
}

/* From the first byte of its cluster to that of the next: left to right, each glyph has a cluster
 * of its own, or is one more mark of the same. */
static struct span glyph_text(
	struct span text, const hb_glyph_info_t *infos, unsigned count, unsigned at)
{
	size_t start = infos[at].cluster;
	size_t end = text.len;

	if (at > 0 && infos[at - 1].cluster == start)
		return SPAN_NONE;
	for (unsigned i = at + 1; i < count && end == text.len; i++) {
		if (infos[i].cluster > start)
			end = infos[i].cluster;
	}
	return SPAN(text.data + start, end - start);
}

static rc_t copy_glyphs(
	const struct font *font, hb_buffer_t *buffer, struct span text, struct font_run *run)
{
	unsigned count = 0;
	unsigned positioned = 0;
	const hb_glyph_info_t *infos = hb_buffer_get_glyph_infos(buffer, &count);
	const hb_glyph_position_t *places = hb_buffer_get_glyph_positions(buffer, &positioned);

	if (positioned != count)
		return RC_NO_MEMORY;
	run->glyphs = calloc(count == 0 ? 1 : count, sizeof(run->glyphs[0]));
	if (run->glyphs == NULL)
		return RC_NO_MEMORY;
	run->count = count;
	for (unsigned i = 0; i < count; i++) {
		if (infos[i].codepoint == 0)
			return RC_FONT_LACKS;
		run->glyphs[i] = (struct font_glyph){
			.id = infos[i].codepoint,
			.width = hb_font_get_glyph_h_advance(font->shaper, infos[i].codepoint) /
				 font->em,
			.advance = places[i].x_advance / font->em,
			.dx = places[i].x_offset / font->em,
			.dy = places[i].y_offset / font->em,
			.text = glyph_text(text, infos, count, i),
		};
	}
	return RC_OK;
}

rc_t font_shape(const struct font *font, struct span text, struct font_run *run)
{
	/* a ligature is one glyph for several letters: none can be parted at a line's end */
	static const hb_feature_t features[] = {
		{HB_TAG('l', 'i', 'g', 'a'), 0, 0, (unsigned)-1},
		{HB_TAG('c', 'l', 'i', 'g'), 0, 0, (unsigned)-1},
	};
	hb_buffer_t *buffer = hb_buffer_create();
	struct font_run fresh = {0};

	hb_buffer_set_cluster_level(buffer, HB_BUFFER_CLUSTER_LEVEL_MONOTONE_CHARACTERS);
	hb_buffer_add_utf8(buffer, (const char *)text.data, (int)text.len, 0, (int)text.len);
	hb_buffer_set_direction(buffer, HB_DIRECTION_LTR);
	hb_buffer_set_script(buffer, HB_SCRIPT_LATIN);
	hb_buffer_set_language(buffer, hb_language_from_string("vi", -1));
	hb_shape(font->shaper, buffer, features, sizeof(features) / sizeof(features[0]));
	rc_t rc = copy_glyphs(font, buffer, text, &fresh);
	hb_buffer_destroy(buffer);
	if (rc != RC_OK) {
		font_run_free(&fresh);
		return rc;
	}
	*run = fresh;
	return RC_OK;
}

void font_run_free(struct font_run *run)
{
	free(run->glyphs);
	*run = (struct font_run){0};
}
