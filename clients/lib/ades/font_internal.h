/* Shared by font.c, which reads and shapes, and font_embed.c, which writes. */
#ifndef ADES_FONT_INTERNAL_H
#define ADES_FONT_INTERNAL_H

#include "clients/lib/ades/font.h"

#include <hb.h>
#include <stdbool.h>

struct font {
	hb_face_t *face;
	hb_font_t *shaper;
	double em;     /* units of the font in one em */
	char name[64]; /* PostScript name */
	bool bold;
};

/* Big-endian, from a table of the font; 0 where the table is too short. */
int font_table_i16(const struct font *font, hb_tag_t table, size_t at);

#endif
