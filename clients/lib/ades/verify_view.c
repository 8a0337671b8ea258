#include "clients/lib/ades/verify_internal.h"

#include <openssl/evp.h>
#include <string.h>

static rc_t parser_fault(struct view *view, struct buf *detail)
{
	qpdf_error error = qpdf_get_error(view->qpdf);

	if (error == NULL)
		return RC_PDF_DAMAGED;
	enum qpdf_error_code_e code = qpdf_get_error_code(view->qpdf, error);
	if (detail != NULL) {
		rc_t rc = buf_set(
			detail, span_string(qpdf_get_error_message_detail(view->qpdf, error)));
		if (rc != RC_OK)
			return rc;
	}
	return code == qpdf_e_password ? RC_PDF_ENCRYPTED : RC_PDF_DAMAGED;
}

rc_t view_open(struct span bytes, struct buf *detail, struct view *view)
{
	struct view fresh = {.bytes = bytes, .qpdf = qpdf_init()};
	rc_t rc = RC_OK;

	if (fresh.qpdf == NULL)
		return RC_NO_MEMORY;
	qpdf_silence_errors(fresh.qpdf);
	qpdf_set_suppress_warnings(fresh.qpdf, QPDF_TRUE);
	/* what one reader repairs in its way, another repairs in its own: shown is not signed */
	qpdf_set_attempt_recovery(fresh.qpdf, QPDF_FALSE);
	int status =
		qpdf_read_memory(fresh.qpdf, "document", (const char *)bytes.data, bytes.len, NULL);
	if ((status & QPDF_ERRORS) != 0)
		rc = parser_fault(&fresh, detail);
	else if (qpdf_is_encrypted(fresh.qpdf))
		rc = RC_PDF_ENCRYPTED;
	else if (view_key(&fresh, view_root(&fresh)) == 0 ||
		 !qpdf_oh_is_dictionary(fresh.qpdf, view_root(&fresh)))
		rc = RC_PDF_DAMAGED;
	if (rc != RC_OK) {
		view_close(&fresh);
		return rc;
	}
	*view = fresh;
	return RC_OK;
}

void view_close(struct view *view)
{
	if (view->qpdf != NULL) {
		/* one that nobody asked for would be printed */
		if (qpdf_has_error(view->qpdf))
			(void)qpdf_get_error(view->qpdf);
		qpdf_cleanup(&view->qpdf);
	}
	*view = (struct view){0};
}

rc_t view_warnings(struct view *view, struct warnings *warnings)
{
	*warnings = (struct warnings){0};
	while (qpdf_more_warnings(view->qpdf)) {
		qpdf_error warning = qpdf_next_warning(view->qpdf);
		const char *text = qpdf_get_error_full_text(view->qpdf, warning);
		warnings->more = warnings->count == VERIFY_WARNINGS_MAX;
		if (!warnings->more &&
			EVP_Digest(text, strlen(text), warnings->items[warnings->count++], NULL,
				EVP_sha256(), NULL) != 1)
			return RC_CRYPTO;
	}
	return RC_OK;
}

void view_forget(struct view *view)
{
	qpdf_oh_release_all(view->qpdf);
}

qpdf_oh view_root(struct view *view)
{
	return qpdf_get_root(view->qpdf);
}

uint64_t view_key(struct view *view, qpdf_oh object)
{
	if (!qpdf_oh_is_indirect(view->qpdf, object))
		return 0;
	int number = qpdf_oh_get_object_id(view->qpdf, object);
	int generation = qpdf_oh_get_generation(view->qpdf, object);

	return number <= 0 || generation < 0 || generation > 65535
		       ? 0
		       : (uint64_t)number << 16 | (uint64_t)generation;
}

qpdf_oh view_object(struct view *view, uint64_t key)
{
	return qpdf_get_object_by_id(view->qpdf, (int)(key >> 16), (int)(key & 65535));
}

struct span view_text(struct view *view, qpdf_oh object)
{
	const char *text = qpdf_oh_unparse(view->qpdf, object);

	return SPAN(text, qpdf_get_last_string_length(view->qpdf));
}

bool view_name_is(struct view *view, qpdf_oh dictionary, const char *key, const char *name)
{
	qpdf_oh value = qpdf_oh_get_key_if_dict(view->qpdf, dictionary, key);

	return qpdf_oh_is_name(view->qpdf, value) &&
	       strcmp(qpdf_oh_get_name(view->qpdf, value), name) == 0;
}

bool view_is_signature_field(struct view *view, qpdf_oh field, bool inherited)
{
	qpdf_oh type = qpdf_oh_get_key_if_dict(view->qpdf, field, "/FT");

	return qpdf_oh_is_null(view->qpdf, type) ? inherited
						 : view_name_is(view, field, "/FT", "/Sig");
}
