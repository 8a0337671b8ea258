/*
 * A PDF that gets one more signature field, as an incremental update (ISO 32000-1 §7.5.6): the
 * bytes that were there stay as they are, so earlier signatures stay valid. Parsed by libqpdf
 * without its repairs; the update is written here.
 *
 * RC_PDF_DAMAGED    not a PDF, a broken cross-reference, or a structure that no update can extend
 * RC_PDF_LATE       foreign bytes stand before its header
 * RC_PDF_ENCRYPTED  a password is needed, or was needed to change it
 * RC_PDF_FINAL      certified or locked by a signature (P 1): nothing may be added
 * RC_PDF_TOO_LONG   more than PDF_LEN_MAX
 * RC_PDF_NO_PAGE    it has fewer pages
 */
#ifndef ADES_PDF_H
#define ADES_PDF_H

#include "base/buf.h"

#include <stdbool.h>

#define PDF_LEN_MAX                                                                   \
	((size_t)512 << 20) /* the update's offsets and a copy in memory allow for it \
			     */

struct pdf;

/* Foreign bytes stand before the header, which readers overlook (PDF Reference 1.7, appendix H,
 * note 13): every offset is of another file then. */
bool pdf_begins_late(struct span bytes);

/* bytes must live as long as pdf. detail, if not NULL, gets the parser's own words on a failure. */
must_check rc_t pdf_open(struct span bytes, struct buf *detail, struct pdf **pdf);
void pdf_free(struct pdf **pdf);

/* How many signed fields it has already. */
size_t pdf_signature_count(struct pdf *pdf);

/* Calls fn with the Contents of each, padding included, until one fails. */
typedef rc_t (*pdf_contents_fn)(void *arg, struct span contents);
must_check rc_t pdf_each_signature(struct pdf *pdf, pdf_contents_fn fn, void *arg);

/* A page as it is shown: turned by its /Rotate and cut to its CropBox (§7.7.3.3). */
struct pdf_page {
	int id, generation;
	double left, bottom, right, top; /* CropBox within MediaBox, in units of the page */
	int rotate;			 /* 0, 90, 180, 270, clockwise */
	double unit;			 /* points in one unit of the page (UserUnit) */
	double width, height;		 /* points, as shown */
};

#define PDF_LAST_PAGE 0
/* number: from 1, or PDF_LAST_PAGE. A page tree that is damaged anywhere is refused, also where its
 * /Count is wrong: readers would not agree on which page is meant. */
must_check rc_t pdf_page_find(struct pdf *pdf, long number, struct pdf_page *page);
/* The /Matrix that sets a form of that size upright on the page as it is shown. */
void pdf_page_upright(const struct pdf_page *page, double width, double height, double matrix[6]);

/* zlib (RFC 1950), which is FlateDecode. */
must_check rc_t pdf_flate(struct span data, struct buf *out);
/* An object that the update brings: body is what stands between "obj" and "endobj", and is taken
 * over; references in it are to ids. RC_PDF_DAMAGED: too many. */
must_check rc_t pdf_add_object(struct pdf *pdf, struct buf *body, int *id);
/* entries: of its dictionary, without Length and Filter. packed: by pdf_flate. */
must_check rc_t pdf_add_stream(struct pdf *pdf, const char *entries, struct span packed, int *id);

/* What is seen of a signature: a form XObject on a page as it is shown; points, from the left and
 * lower edge. */
struct pdf_widget {
	struct pdf_page page;
	double x, y, width, height;
	int form;
	const char *description; /* UTF-8: for those who cannot see it */
};

struct pdf_signature {
	const char *date; /* "D:20260102030405Z" */
	const char *name; /* UTF-8; NULL leaves it out, as the next two */
	const char *reason;
	const char *location;
	size_t reserve;			 /* bytes kept for the CMS */
	const struct pdf_widget *widget; /* NULL: invisible, on the first page */
};

/* Where the signature goes: [start, end) is the string with its angle brackets. */
struct pdf_hole {
	size_t start;
	size_t end;
};

/* Replaces out by the whole file with an empty signature and its ByteRange (§12.8.1). Once a pdf.
 */
must_check rc_t pdf_append_signature(struct pdf *pdf, const struct pdf_signature *signature,
	struct buf *out, struct pdf_hole *hole);

#endif
