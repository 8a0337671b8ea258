/* The signature fields of a revision: read, not judged. */
#include "clients/lib/ades/verify_internal.h"

#include <string.h>

#define FIELD_DEPTH_MAX 16
#define FIELDS_MAX 200000
#define TREE_DEPTH_MAX 64
#define PAGES_MAX 100000 /* and nodes above them */
#define REFERENCES_MAX 16

struct finding {
	struct view *view;
	struct pdf_signatures *found;
	uint64_t certified; /* key of what Perms names */
	unsigned fields;
	unsigned pages;
};

static void read_range(struct view *view, qpdf_oh value, struct pdf_signature_found *out)
{
	qpdf_data qpdf = view->qpdf;
	qpdf_oh range = qpdf_oh_get_key(qpdf, value, "/ByteRange");

	if (!qpdf_oh_is_array(qpdf, range) || qpdf_oh_get_array_n_items(qpdf, range) != 4)
		return;
	for (int i = 0; i < 4; i++) {
		qpdf_oh item = qpdf_oh_get_array_item(qpdf, range, i);
		long long number = -1;
		if (!qpdf_oh_is_integer(qpdf, item) ||
			!qpdf_oh_get_value_as_longlong(qpdf, item, &number) || number < 0 ||
			number > (long long)VERIFY_LEN_MAX)
			return;
		out->range[i] = (uint64_t)number;
	}
	/* a gap of at least <00>, between two parts that are not empty */
	out->range_fits = out->range[0] == 0 && out->range[1] > 0 &&
			  out->range[2] >= out->range[1] + 4 && out->range[3] > 0 &&
			  out->range[2] + out->range[3] <= view->bytes.len;
}

/* 1 to 3; 0: does not say. */
static int permission_of(struct view *view, qpdf_oh dictionary)
{
	qpdf_oh permitted = qpdf_oh_get_key_if_dict(view->qpdf, dictionary, "/P");

	if (!qpdf_oh_is_integer(view->qpdf, permitted))
		return 0;
	int p = qpdf_oh_get_int_value_as_int(view->qpdf, permitted);
	return p >= 1 && p <= 3 ? p : 1;
}

static void read_references(struct view *view, qpdf_oh value, struct pdf_signature_found *out)
{
	qpdf_data qpdf = view->qpdf;
	qpdf_oh references = qpdf_oh_get_key(qpdf, value, "/Reference");
	int count = qpdf_oh_is_array(qpdf, references) ? qpdf_oh_get_array_n_items(qpdf, references)
						       : 0;

	for (int i = 0; i < count && i < REFERENCES_MAX; i++) {
		qpdf_oh reference = qpdf_oh_get_array_item(qpdf, references, i);
		qpdf_oh params = qpdf_oh_get_key_if_dict(qpdf, reference, "/TransformParams");
		int p = permission_of(view, params);
		if (view_name_is(view, reference, "/TransformMethod", "/FieldMDP")) {
			out->locks = true;
			out->closes = out->closes || p == 1;
		}
		if (view_name_is(view, reference, "/TransformMethod", "/DocMDP"))
			out->certification = p == 0 ? 2 : p;
	}
}

/* ISO 32000-2 table 236: with P 1 the whole document. */
static void read_lock(struct view *view, qpdf_oh field, struct pdf_signature_found *out)
{
	qpdf_oh lock = qpdf_oh_get_key(view->qpdf, field, "/Lock");

	out->locks = out->locks || qpdf_oh_has_key(view->qpdf, field, "/Lock");
	out->closes = out->closes || permission_of(view, lock) == 1;
}

static void read_texts(
	struct view *view, qpdf_oh field, qpdf_oh value, struct pdf_signature_found *out)
{
	qpdf_data qpdf = view->qpdf;
	qpdf_oh name = qpdf_oh_get_key(qpdf, field, "/T");
	qpdf_oh format = qpdf_oh_get_key(qpdf, value, "/SubFilter");
	qpdf_oh date = qpdf_oh_get_key(qpdf, value, "/M");

	if (qpdf_oh_is_string(qpdf, name))
		verify_copy_text(
			out->field, sizeof(out->field), qpdf_oh_get_utf8_value(qpdf, name));
	if (qpdf_oh_is_name(qpdf, format))
		verify_copy_text(
			out->format, sizeof(out->format), qpdf_oh_get_name(qpdf, format) + 1);
	if (qpdf_oh_is_string(qpdf, date))
		out->signing_ms = verify_pdf_date_ms(qpdf_oh_get_utf8_value(qpdf, date));
	out->timestamp = strcmp(out->format, "ETSI.RFC3161") == 0;
}

static rc_t add_signature(struct finding *finding, qpdf_oh field, qpdf_oh value)
{
	struct view *view = finding->view;
	qpdf_data qpdf = view->qpdf;
	struct pdf_signatures *found = finding->found;
	rc_t rc = RC_OK;

	if (found->count == VERIFY_SIGNATURES_MAX)
		return RC_PDF_TOO_LONG;
	struct pdf_signature_found *out = &found->items[found->count++];
	*out = (struct pdf_signature_found){
		.value = view_key(view, value), .own = view_key(view, field)};
	out->certifies = finding->certified != 0 && finding->certified == out->value;
	read_texts(view, field, value, out);
	read_range(view, value, out);
	read_references(view, value, out);
	read_lock(view, field, out);
	if (out->closes)
		out->certification = 1;
	qpdf_oh contents = qpdf_oh_get_key(qpdf, value, "/Contents");
	if (qpdf_oh_is_string(qpdf, contents)) {
		size_t len = 0;
		const char *bytes = qpdf_oh_get_binary_string_value(qpdf, contents, &len);
		rc = buf_append(&out->contents, bytes, len);
	}
	return rc;
}

/* Is it known already, as a field of the form? */
static bool is_known(const struct finding *finding, uint64_t field, uint64_t value)
{
	for (size_t i = 0; i < finding->found->count; i++) {
		const struct pdf_signature_found *known = &finding->found->items[i];
		if ((field != 0 && known->own == field) || (value != 0 && known->value == value))
			return true;
	}
	return false;
}

/* A signature without ByteRange or Contents is one all the same: a forged one. */
static bool is_signature(struct view *view, qpdf_oh value, bool field)
{
	return qpdf_oh_is_dictionary(view->qpdf, value) &&
	       (field || qpdf_oh_has_key(view->qpdf, value, "/ByteRange"));
}

static rc_t visit(struct finding *finding, qpdf_oh fields, bool inherited, unsigned depth)
{
	struct view *view = finding->view;
	qpdf_data qpdf = view->qpdf;
	rc_t rc = RC_OK;

	if (!qpdf_oh_is_array(qpdf, fields))
		return RC_OK;
	if (depth > FIELD_DEPTH_MAX)
		return RC_PDF_DAMAGED;
	int count = qpdf_oh_get_array_n_items(qpdf, fields);
	for (int i = 0; rc == RC_OK && i < count; i++) {
		if (++finding->fields > FIELDS_MAX)
			return RC_PDF_TOO_LONG;
		qpdf_oh field = qpdf_oh_get_array_item(qpdf, fields, i);
		if (!qpdf_oh_is_dictionary(qpdf, field))
			continue;
		bool signature = view_is_signature_field(view, field, inherited);
		qpdf_oh value = qpdf_oh_get_key(qpdf, field, "/V");
		if (is_signature(view, value, signature))
			rc = add_signature(finding, field, value);
		/* a widget below may bring a signature of its own */
		if (rc == RC_OK)
			rc = visit(finding, qpdf_oh_get_key(qpdf, field, "/Kids"), signature,
				depth + 1);
	}
	return rc;
}

/* Some programs list a signature among a page's annotations only; readers show it all the same. */
static rc_t visit_annotations(struct finding *finding, qpdf_oh page)
{
	struct view *view = finding->view;
	qpdf_data qpdf = view->qpdf;
	qpdf_oh annotations = qpdf_oh_get_key(qpdf, page, "/Annots");
	int count = qpdf_oh_is_array(qpdf, annotations)
			    ? qpdf_oh_get_array_n_items(qpdf, annotations)
			    : 0;
	rc_t rc = RC_OK;

	for (int i = 0; rc == RC_OK && i < count; i++) {
		qpdf_oh item = qpdf_oh_get_array_item(qpdf, annotations, i);
		qpdf_oh value = qpdf_oh_get_key_if_dict(qpdf, item, "/V");
		if (++finding->fields > FIELDS_MAX)
			return RC_PDF_TOO_LONG;
		if (qpdf_oh_is_dictionary(qpdf, value) &&
			view_is_signature_field(view, item, false) &&
			!is_known(finding, view_key(view, item), view_key(view, value)))
			rc = add_signature(finding, item, value);
		qpdf_oh_release(qpdf, value);
		qpdf_oh_release(qpdf, item);
	}
	qpdf_oh_release(qpdf, annotations);
	return rc;
}

static rc_t visit_pages(struct finding *finding, qpdf_oh node, unsigned depth)
{
	qpdf_data qpdf = finding->view->qpdf;
	rc_t rc = RC_OK;

	if (!qpdf_oh_is_dictionary(qpdf, node))
		return RC_OK;
	if (depth > TREE_DEPTH_MAX || ++finding->pages > PAGES_MAX)
		return RC_PDF_TOO_LONG;
	qpdf_oh kids = qpdf_oh_get_key(qpdf, node, "/Kids");
	if (!qpdf_oh_is_array(qpdf, kids))
		return visit_annotations(finding, node);
	int count = qpdf_oh_get_array_n_items(qpdf, kids);
	for (int i = 0; rc == RC_OK && i < count; i++) {
		qpdf_oh kid = qpdf_oh_get_array_item(qpdf, kids, i);
		rc = visit_pages(finding, kid, depth + 1);
		qpdf_oh_release(qpdf, kid);
	}
	qpdf_oh_release(qpdf, kids);
	return rc;
}

rc_t signatures_find(struct view *view, struct pdf_signatures *found)
{
	struct finding finding = {.view = view, .found = found};
	qpdf_data qpdf = view->qpdf;
	qpdf_oh root = view_root(view);

	found->count = 0;
	qpdf_oh perms = qpdf_oh_get_key(qpdf, root, "/Perms");
	finding.certified = view_key(view, qpdf_oh_get_key_if_dict(qpdf, perms, "/DocMDP"));
	qpdf_oh form = qpdf_oh_get_key(qpdf, root, "/AcroForm");
	rc_t rc = visit(&finding, qpdf_oh_get_key_if_dict(qpdf, form, "/Fields"), false, 0);
	if (rc == RC_OK)
		rc = visit_pages(&finding, qpdf_oh_get_key(qpdf, root, "/Pages"), 0);
	view_forget(view);
	if (rc != RC_OK)
		signatures_free(found);
	return rc;
}

void signatures_free(struct pdf_signatures *found)
{
	for (size_t i = 0; i < found->count; i++)
		buf_free(&found->items[i].contents);
	found->count = 0;
}
