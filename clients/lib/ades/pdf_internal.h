/* Shared by pdf.c, which reads and changes the objects, pdf_page.c, which finds pages,
 * pdf_object.c, which holds new objects, and pdf_update.c, which writes them. */
#ifndef ADES_PDF_INTERNAL_H
#define ADES_PDF_INTERNAL_H

#include "clients/lib/ades/pdf.h"

#include <qpdf/qpdf-c.h>
#include <stdbool.h>

#define PDF_CHANGED_MAX 8
#define PDF_ADDED_MAX 24
#define PDF_TREE_DEPTH_MAX 32
#define PDF_TREE_NODES_MAX 200000

struct pdf_added {
	int id;
	struct buf body;
};

struct pdf {
	qpdf_data qpdf;
	struct span bytes;
	size_t last_xref;		  /* offset that the last startxref names */
	bool xref_stream;		  /* what stands there */
	qpdf_oh changed[PDF_CHANGED_MAX]; /* indirect objects to write again, each once */
	size_t changed_count;
	struct pdf_added added[PDF_ADDED_MAX];
	size_t added_count;
};

qpdf_oh pdf_page_handle(struct pdf *pdf, const struct pdf_page *page);
/* Where the widget stands in the page's own units: left, bottom, right, top. */
void pdf_page_rect(const struct pdf_widget *widget, double rect[4]);

must_check rc_t pdf_write_update(struct pdf *pdf, qpdf_oh signature_object,
	const struct pdf_signature *signature, struct buf *out, struct pdf_hole *hole);

#endif
