/* link: ades */
/* Any bytes as a PDF: refused with a code, or extended by one signature, and perhaps another. */
#include "clients/lib/ades/pdf.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static rc_t extend(struct span in, struct buf *out)
{
	static const struct pdf_signature signature = {
		.date = "D:20260102030405Z", .reason = "\xc4\x90", .reserve = 64};
	struct pdf_hole hole;
	struct pdf *pdf = NULL;

	rc_t rc = pdf_open(in, NULL, &pdf);
	if (rc != RC_OK)
		return rc;
	pdf_signature_count(pdf);
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
