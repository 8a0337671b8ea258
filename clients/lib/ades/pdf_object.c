/* New objects, kept as the text that is to be written. */
#include "clients/lib/ades/pdf_internal.h"

#include <zlib.h>

rc_t pdf_flate(struct span data, struct buf *out)
{
	uLongf len = compressBound(data.len);

	rc_t rc = buf_reserve(out, len);
	if (rc != RC_OK)
		return rc;
	if (compress2(out->data + out->len, &len, data.data, data.len, Z_DEFAULT_COMPRESSION) !=
		Z_OK)
		return RC_NO_MEMORY;
	out->len += len;
	return RC_OK;
}

rc_t pdf_add_object(struct pdf *pdf, struct buf *body, int *id)
{
	if (pdf->added_count == PDF_ADDED_MAX)
		return RC_PDF_DAMAGED;
	/* qpdf gives the number, and knows of it when others refer to it */
	qpdf_oh place = qpdf_make_indirect_object(pdf->qpdf, qpdf_oh_new_dictionary(pdf->qpdf));
	struct pdf_added *added = &pdf->added[pdf->added_count++];
	added->id = qpdf_oh_get_object_id(pdf->qpdf, place);
	added->body = *body;
	*body = BUF_INIT;
	*id = added->id;
	return RC_OK;
}

rc_t pdf_add_stream(struct pdf *pdf, const char *entries, struct span packed, int *id)
{
	struct buf body = BUF_INIT;

	rc_t rc = buf_printf(
		&body, "<< %s /Filter /FlateDecode /Length %zu >>\nstream\n", entries, packed.len);
	if (rc == RC_OK)
		rc = buf_append_span(&body, packed);
	if (rc == RC_OK)
		rc = buf_append_string(&body, "\nendstream");
	if (rc == RC_OK)
		rc = pdf_add_object(pdf, &body, id);
	buf_free(&body);
	return rc;
}
