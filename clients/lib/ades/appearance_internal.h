/* Shared by the files of the appearance: appearance.c reads what it is made of, appearance_text.c
 * the words of a certificate, appearance_layout.c sets them into a box, appearance_draw.c writes
 * all of it into a PDF. */
#ifndef ADES_APPEARANCE_INTERNAL_H
#define ADES_APPEARANCE_INTERNAL_H

#include "clients/lib/ades/appearance.h"
#include "clients/lib/ades/font.h"
#include "clients/lib/ades/pdf.h"
#include "clients/lib/ades/picture.h"

#include <stdbool.h>

struct appearance {
	struct appearance_options options; /* its spans are gone */
	struct picture picture;		   /* width 0: none */
	struct picture seal;
	double seal_width, seal_height; /* points */
	struct font *font;		/* NULL: no text */
	struct font *bold;		/* or font again */
	struct font *own_bold;		/* what is to be freed of it */
};

enum { TEXT_NAME, TEXT_EMAIL, TEXT_AGENCY, TEXT_TIME, TEXT_LINES };

/* UTF-8, NFC, one line each; empty: the certificate does not say. */
struct appearance_text {
	struct buf lines[TEXT_LINES];
};

must_check rc_t appearance_text_read(
	struct span certificate, int64_t signed_at_ms, struct appearance_text *text);
void appearance_text_free(struct appearance_text *text);

/* Glyphs [from, to) of a run, from a point on the baseline; points from the box's lower left. */
struct piece {
	const struct font_run *run;
	size_t from, to;
	bool bold;
	double x, y;
};

#define PIECES_MAX 96

struct layout {
	struct font_run labels[TEXT_LINES];
	struct font_run values[TEXT_LINES];
	struct piece pieces[PIECES_MAX];
	size_t count;
	double size;   /* of the type */
	double height; /* of all lines */
};

enum align { ALIGN_LEFT, ALIGN_CENTRE };

/* Sets the lines into a box, in the middle of its height. Where they do not fit the type becomes a
 * little smaller, then lines are wrapped, then the type goes down to APPEARANCE_FONT_MIN; nothing
 * ever stands out of the box or is cut off. RC_BOX_TOO_SMALL, RC_FONT_LACKS. text must live as long
 * as the layout. */
must_check rc_t layout_make(const struct appearance *appearance, const struct appearance_text *text,
	double width, double height, enum align align, struct layout *layout);
void layout_free(struct layout *layout);

#endif
