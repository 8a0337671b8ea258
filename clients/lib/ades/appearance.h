/*
 * What a visible signature shows (Decree 30/2020, annex I): a person's picture, an
 * organisation's seal, text, or all of them. Made once, then used for any number of documents: the
 * pictures are decoded and the fonts read here; the words come with each document, from the
 * signer's certificate and the time of signing.
 *
 * RC_PICTURE_DAMAGED, RC_PICTURE_TOO_LARGE   picture or seal
 * RC_SEAL_SIZE     the seal has no real size (pHYs) of 10 to 100 mm
 * RC_FONT_DAMAGED  not TrueType, or its licence bits forbid to embed a part of it
 * RC_RANGE         an option is out of its range
 */
#ifndef ADES_APPEARANCE_H
#define ADES_APPEARANCE_H

#include "base/buf.h"

#define APPEARANCE_MM (72.0 / 25.4) /* lengths are in points: 20 * APPEARANCE_MM is 20 mm */
#define APPEARANCE_LAST_PAGE 0
#define APPEARANCE_PAGE_MAX 1000000
#define APPEARANCE_SIDE_MIN (5 * APPEARANCE_MM)
#define APPEARANCE_SIDE_MAX (1000 * APPEARANCE_MM)
#define APPEARANCE_FONT_MIN 5.0
#define APPEARANCE_FONT_MAX 72.0

enum appearance_corner {
	APPEARANCE_TOP_LEFT,
	APPEARANCE_TOP_RIGHT,
	APPEARANCE_BOTTOM_LEFT,
	APPEARANCE_BOTTOM_RIGHT
};

/* Lines of text, and how they are set. Without one of the lines there is no text. */
#define APPEARANCE_NAME 1u
#define APPEARANCE_EMAIL 2u
#define APPEARANCE_AGENCY 4u
#define APPEARANCE_TIME 8u
#define APPEARANCE_LINES 15u
#define APPEARANCE_LABELS 16u /* "Ký bởi:" and so on before each */
#define APPEARANCE_BOLD 32u   /* labels, or else the name, in bold type */

/* Lengths in points. The box is that of picture and text, as the page is shown: turned by its
 * /Rotate, cut to its CropBox. A seal keeps its real size and covers the left third of the picture,
 * so that it may stand out of the box; alone, it is centred in it. */
struct appearance_options {
	struct span picture; /* PNG; SPAN_NONE: none */
	struct span seal;    /* PNG; SPAN_NONE: none */
	double seal_width;   /* 0: as the PNG says */
	struct span font;    /* TrueType; read only if there is text */
	struct span bold_font;
	unsigned show;
	long page; /* from 1; or APPEARANCE_LAST_PAGE */
	enum appearance_corner corner;
	double x, y; /* from that corner of the page to the same corner of the box */
	double width, height;
	double font_size; /* where it fits; else smaller, down to APPEARANCE_FONT_MIN */
};

struct appearance;

enum appearance_part {
	APPEARANCE_NO_PART,
	APPEARANCE_PICTURE,
	APPEARANCE_SEAL,
	APPEARANCE_FONT,
	APPEARANCE_BOLD_FONT
};

/* Which part was refused, and the words of who refused it; may be empty. */
struct appearance_fault {
	enum appearance_part part;
	char words[128];
};

/* Nothing of the options need live on. fault, if not NULL, is set on a failure. */
must_check rc_t appearance_new(const struct appearance_options *options,
	struct appearance_fault *fault, struct appearance **appearance);
void appearance_free(struct appearance **appearance);

#endif
