/* Shared by pdf.c, which reads and changes the objects, and pdf_update.c, which writes them. */
#ifndef ADES_PDF_INTERNAL_H
#define ADES_PDF_INTERNAL_H

#include "clients/lib/ades/pdf.h"

#include <qpdf/qpdf-c.h>
#include <stdbool.h>

#define PDF_CHANGED_MAX 8

struct pdf {
	qpdf_data qpdf;
	struct span bytes;
	size_t last_xref;		  /* offset that the last startxref names */
	bool xref_stream;		  /* what stands there */
	qpdf_oh changed[PDF_CHANGED_MAX]; /* indirect objects to write again, each once */
	size_t changed_count;
};

must_check rc_t pdf_write_update(struct pdf *pdf, qpdf_oh signature_object,
	const struct pdf_signature *signature, struct buf *out, struct pdf_hole *hole);

#endif
