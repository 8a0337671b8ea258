/*
 * A PNG (ISO/IEC 15948) as a PDF wants it: rows of RGB, and of alpha where not all is opaque, both
 * compressed. Every kind of PNG is read (palette, grey, 16 bit, interlaced, tRNS); of an animation
 * the still picture; colour profiles, texts and unknown chunks are not looked at.
 *
 * RC_PICTURE_DAMAGED    not a PNG, or libpng finds a fault
 * RC_PICTURE_TOO_LARGE  the file, a side or the number of pixels
 */
#ifndef ADES_PICTURE_H
#define ADES_PICTURE_H

#include "base/buf.h"

#define PICTURE_FILE_MAX ((size_t)16 << 20)
#define PICTURE_SIDE_MAX 5000
#define PICTURE_PIXELS_MAX 8000000

struct picture {
	uint32_t width, height; /* pixels */
	double real_width;	/* points, by pHYs; 0: not said */
	double real_height;
	struct buf colour; /* zlib, 3 bytes a pixel */
	struct buf alpha;  /* zlib, 1 byte a pixel; empty: opaque */
};

/* detail, if not NULL, gets libpng's own words on a failure. */
must_check rc_t picture_read(struct span png, struct buf *detail, struct picture *picture);
void picture_free(struct picture *picture);

#endif
