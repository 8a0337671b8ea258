/*
 * A TrueType font: shapes lines of text with it, and embeds in a PDF what of it was used
 * (ISO 32000-1 §9.7: Type0, CIDFontType2, Identity-H, with ToUnicode, so that text can be copied
 * out and searched).
 *
 * RC_FONT_DAMAGED  not TrueType, or its licence bits (OS/2 fsType) forbid embedding or subsetting
 * RC_FONT_LACKS    it has no glyph for a character
 */
#ifndef ADES_FONT_H
#define ADES_FONT_H

#include "clients/lib/ades/pdf.h"

#define FONT_FILE_MAX ((size_t)32 << 20)
#define FONT_GLYPHS_MAX 1024 /* different ones in one document */

struct font;

/* file need not live on. */
must_check rc_t font_new(struct span file, struct font **font);
void font_free(struct font **font);

/* Heights above and depth below the baseline, in em (1 = the size of the type). */
struct font_extents {
	double ascent;
	double descent; /* positive */
	double capital;
};
struct font_extents font_extents(const struct font *font);

/* All in em. */
struct font_glyph {
	uint32_t id;
	double width;	/* the font's own */
	double advance; /* with kerning */
	double dx, dy;
	struct span text; /* the characters it stands for; may be empty */
};

struct font_run {
	struct font_glyph *glyphs;
	size_t count;
};

/* text: UTF-8, NFC, no control characters; must live as long as the run. */
must_check rc_t font_shape(const struct font *font, struct span text, struct font_run *run);
void font_run_free(struct font_run *run);

/* The glyphs that one document uses: each pair of glyph and text has a number of its own (CID), for
 * some glyphs stand for several characters. */
struct font_use {
	const struct font *font;
	const struct font_glyph *glyphs[FONT_GLYPHS_MAX]; /* of CID 1, 2 …; the runs own them */
	size_t count;
};

must_check rc_t font_use_glyph(struct font_use *use, const struct font_glyph *glyph, unsigned *cid);
/* Adds the font's objects to pdf; id is that of the Type0 font. */
must_check rc_t font_embed(const struct font_use *use, struct pdf *pdf, int *id);

#endif
