/* link: ades */
/* Any bytes as a PDF: refused with a code, or extended by one signature, visible if its pages can
 * be found, and perhaps another. */
#include "clients/lib/ades/pdf.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A visible signature on the last page, where the page tree can be trusted. */
static rc_t make_visible(struct pdf *pdf, struct pdf_widget *widget)
{
	struct buf body = BUF_INIT;
	double matrix[6];

	rc_t rc = pdf_page_find(pdf, PDF_LAST_PAGE, &widget->page);
	if (rc != RC_OK)
		return rc;
	if (!(widget->page.width > 0 && widget->page.height > 0 && widget->page.id > 0))
		abort();
	pdf_page_upright(&widget->page, widget->width, widget->height, matrix);
	rc = buf_append_string(&body, "<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] "
				      "/Length 0 >>\nstream\n\nendstream");
	if (rc == RC_OK)
		rc = pdf_add_object(pdf, &body, &widget->form);
	buf_free(&body);
	return rc;
}

static rc_t extend(struct span in, struct buf *out)
{
	struct pdf_widget widget = {.x = 1, .y = 2, .width = 9, .height = 9, .description = "x"};
	struct pdf_signature signature = {
		.date = "D:20260102030405Z", .reason = "\xc4\x90", .reserve = 64};
	struct pdf_hole hole;
	struct pdf *pdf = NULL;

	rc_t rc = pdf_open(in, NULL, &pdf);
	if (rc != RC_OK)
		return rc;
	pdf_signature_count(pdf);
	if (make_visible(pdf, &widget) == RC_OK)
		signature.widget = &widget;
	rc = pdf_append_signature(pdf, &signature, out, &hole);
	if (rc == RC_OK && (hole.start < in.len || hole.end > out->len || hole.end <= hole.start))
		abort();
	pdf_free(&pdf);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf once = BUF_INIT;
	struct buf twice = BUF_INIT;

	/* once may be all that an odd file takes: that it read again was checked there */
	if (extend(SPAN(data, size), &once) == RC_OK && extend(buf_span(&once), &twice) == RC_OK &&
		twice.len <= once.len)
		abort();
	buf_free(&once);
	buf_free(&twice);
	return 0;
}
