#include "clients/lib/ades/pdf_internal.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_LATEST 1024
#define FIRST_PAGE_NODES_MAX 4096
#define FIELD_DEPTH_MAX 16
#define FIELD_FLAGS "132" /* Print and Locked: ISO 32000-1 table 165 */
#define SIGNATURES_EXIST 1
#define APPEND_ONLY 2
#define OBJECT_NUMBER_MAX 8388607 /* ISO 32000-1 annex C */

/* "0000012345" at an offset: where the last cross-reference section starts. */
static rc_t find_last_xref(struct pdf *pdf)
{
	static const char keyword[] = "startxref";
	const size_t keyword_len = sizeof(keyword) - 1;
	const uint8_t *data = pdf->bytes.data;
	size_t at = pdf->bytes.len;
	size_t offset = 0;

	while (at >= keyword_len && memcmp(data + at - keyword_len, keyword, keyword_len) != 0)
		at--;
	if (at < keyword_len)
		return RC_PDF_DAMAGED;
	while (at < pdf->bytes.len && isspace(data[at]))
		at++;
	for (; at < pdf->bytes.len && isdigit(data[at]); at++) {
		offset = offset * 10 + (size_t)(data[at] - '0');
		if (offset >= pdf->bytes.len)
			return RC_PDF_DAMAGED;
	}
	pdf->last_xref = offset;
	for (at = offset; at < pdf->bytes.len && isspace(data[at]);)
		at++;
	if (offset == 0 || at == pdf->bytes.len || (data[at] != 'x' && !isdigit(data[at])))
		return RC_PDF_DAMAGED;
	pdf->xref_stream = data[at] != 'x';
	return RC_OK;
}

static rc_t parser_fault(struct pdf *pdf, struct buf *detail)
{
	qpdf_error error = qpdf_get_error(pdf->qpdf);

	if (error == NULL)
		return RC_PDF_DAMAGED;
	enum qpdf_error_code_e code = qpdf_get_error_code(pdf->qpdf, error);
	if (detail != NULL) {
		rc_t rc = buf_set(
			detail, span_string(qpdf_get_error_message_detail(pdf->qpdf, error)));
		if (rc != RC_OK)
			return rc;
	}
	return code == qpdf_e_password ? RC_PDF_ENCRYPTED : RC_PDF_DAMAGED;
}

static const char magic[] = "%PDF-";

bool pdf_begins_late(struct span bytes)
{
	const size_t magic_len = sizeof(magic) - 1;

	for (size_t at = 0; at < HEADER_LATEST && at + magic_len <= bytes.len; at++) {
		if (memcmp(bytes.data + at, magic, magic_len) == 0)
			return at > 0;
	}
	return false;
}

static rc_t parse(struct pdf *pdf, struct buf *detail)
{
	if (pdf->bytes.len < sizeof(magic) ||
		memcmp(pdf->bytes.data, magic, sizeof(magic) - 1) != 0)
		return pdf_begins_late(pdf->bytes) ? RC_PDF_LATE : RC_PDF_DAMAGED;
	pdf->qpdf = qpdf_init();
	if (pdf->qpdf == NULL)
		return RC_NO_MEMORY;
	qpdf_silence_errors(pdf->qpdf);
	qpdf_set_suppress_warnings(pdf->qpdf, QPDF_TRUE);
	/* what qpdf would repair in memory stays broken in the file that is signed */
	qpdf_set_attempt_recovery(pdf->qpdf, QPDF_FALSE);
	int status = qpdf_read_memory(
		pdf->qpdf, "document", (const char *)pdf->bytes.data, pdf->bytes.len, NULL);
	if ((status & (QPDF_ERRORS)) != 0)
		return parser_fault(pdf, detail);
	if (qpdf_is_encrypted(pdf->qpdf))
		return RC_PDF_ENCRYPTED;
	return find_last_xref(pdf);
}

rc_t pdf_open(struct span bytes, struct buf *detail, struct pdf **pdf)
{
	if (bytes.len > PDF_LEN_MAX)
		return RC_PDF_TOO_LONG;
	struct pdf *fresh = calloc(1, sizeof(*fresh));
	if (fresh == NULL)
		return RC_NO_MEMORY;
	fresh->bytes = bytes;
	rc_t rc = parse(fresh, detail);
	if (rc != RC_OK) {
		pdf_free(&fresh);
		return rc;
	}
	*pdf = fresh;
	return RC_OK;
}

void pdf_free(struct pdf **pdf)
{
	if (*pdf == NULL)
		return;
	if ((*pdf)->qpdf != NULL) {
		/* an error that nobody asked for would be printed */
		if (qpdf_has_error((*pdf)->qpdf))
			(void)qpdf_get_error((*pdf)->qpdf);
		qpdf_cleanup(&(*pdf)->qpdf);
	}
	for (size_t i = 0; i < (*pdf)->added_count; i++)
		buf_free(&(*pdf)->added[i].body);
	free(*pdf);
	*pdf = NULL;
}

/* The object has to be written again; once is enough. A direct one cannot be. */
static rc_t mark_changed(struct pdf *pdf, qpdf_oh object)
{
	if (!qpdf_oh_is_indirect(pdf->qpdf, object))
		return RC_PDF_DAMAGED;
	for (size_t i = 0; i < pdf->changed_count; i++) {
		if (qpdf_oh_get_object_id(pdf->qpdf, pdf->changed[i]) ==
			qpdf_oh_get_object_id(pdf->qpdf, object))
			return RC_OK;
	}
	if (pdf->changed_count == PDF_CHANGED_MAX)
		return RC_PDF_DAMAGED;
	pdf->changed[pdf->changed_count++] = object;
	return RC_OK;
}

/* Appends to the array under key, which may be missing, direct (then owner changes), or indirect.
 */
static rc_t append_to_array(
	struct pdf *pdf, qpdf_oh dictionary, qpdf_oh owner, const char *key, qpdf_oh item)
{
	qpdf_oh array = qpdf_oh_get_key(pdf->qpdf, dictionary, key);
	bool fresh = qpdf_oh_is_null(pdf->qpdf, array);

	if (fresh)
		array = qpdf_oh_new_array(pdf->qpdf);
	if (!qpdf_oh_is_array(pdf->qpdf, array))
		return RC_PDF_DAMAGED;
	qpdf_oh_append_item(pdf->qpdf, array, item);
	if (fresh)
		qpdf_oh_replace_key(pdf->qpdf, dictionary, key, array);
	return mark_changed(pdf, qpdf_oh_is_indirect(pdf->qpdf, array) ? array : owner);
}

/* The first leaf of the page tree, as it stands in the file: qpdf's own page functions would
 * renumber and repair what they return. */
static bool first_page(
	struct pdf *pdf, qpdf_oh node, unsigned depth, unsigned *nodes, qpdf_oh *page)
{
	if (depth > PDF_TREE_DEPTH_MAX || ++*nodes > FIRST_PAGE_NODES_MAX ||
		!qpdf_oh_is_dictionary(pdf->qpdf, node))
		return false;
	qpdf_oh kids = qpdf_oh_get_key(pdf->qpdf, node, "/Kids");
	if (qpdf_oh_is_null(pdf->qpdf, kids)) {
		*page = node;
		return qpdf_oh_is_indirect(pdf->qpdf, node);
	}
	int count =
		qpdf_oh_is_array(pdf->qpdf, kids) ? qpdf_oh_get_array_n_items(pdf->qpdf, kids) : 0;
	for (int i = 0; i < count; i++) {
		qpdf_oh kid = qpdf_oh_get_array_item(pdf->qpdf, kids, i);
		if (first_page(pdf, kid, depth + 1, nodes, page))
			return true;
	}
	return false;
}

/* A signed field, and the dictionary of its signature. */
typedef rc_t (*signed_field_fn)(struct pdf *pdf, qpdf_oh field, qpdf_oh value, void *arg);

struct walk {
	signed_field_fn fn;
	void *arg;
};

static rc_t visit_fields(struct pdf *pdf, qpdf_oh fields, unsigned depth, const struct walk *walk)
{
	qpdf_data qpdf = pdf->qpdf;
	rc_t rc = RC_OK;

	if (depth > FIELD_DEPTH_MAX || !qpdf_oh_is_array(qpdf, fields))
		return RC_OK;
	int count = qpdf_oh_get_array_n_items(qpdf, fields);
	for (int i = 0; rc == RC_OK && i < count; i++) {
		qpdf_oh field = qpdf_oh_get_array_item(qpdf, fields, i);
		qpdf_oh value = qpdf_oh_get_key_if_dict(qpdf, field, "/V");
		qpdf_oh contents = qpdf_oh_get_key_if_dict(qpdf, value, "/Contents");
		if (qpdf_oh_is_string(qpdf, contents) &&
			qpdf_oh_has_key(qpdf, value, "/ByteRange")) {
			rc = walk->fn(pdf, field, value, walk->arg);
		} else {
			rc = visit_fields(pdf, qpdf_oh_get_key_if_dict(qpdf, field, "/Kids"),
				depth + 1, walk);
		}
		qpdf_oh_release(qpdf, field);
		qpdf_oh_release(qpdf, value);
		qpdf_oh_release(qpdf, contents);
	}
	return rc;
}

static rc_t visit_form(struct pdf *pdf, signed_field_fn fn, void *arg)
{
	const struct walk walk = {.fn = fn, .arg = arg};
	qpdf_oh form = qpdf_oh_get_key(pdf->qpdf, qpdf_get_root(pdf->qpdf), "/AcroForm");

	return visit_fields(pdf, qpdf_oh_get_key_if_dict(pdf->qpdf, form, "/Fields"), 0, &walk);
}

struct contents_walk {
	pdf_contents_fn fn;
	void *arg;
};

static rc_t give_contents(struct pdf *pdf, qpdf_oh field, qpdf_oh value, void *arg)
{
	const struct contents_walk *walk = arg;
	size_t len = 0;

	(void)field;
	const char *bytes = qpdf_oh_get_binary_string_value(
		pdf->qpdf, qpdf_oh_get_key(pdf->qpdf, value, "/Contents"), &len);
	return walk->fn(walk->arg, SPAN(bytes, len));
}

rc_t pdf_each_signature(struct pdf *pdf, pdf_contents_fn fn, void *arg)
{
	struct contents_walk walk = {.fn = fn, .arg = arg};

	return visit_form(pdf, give_contents, &walk);
}

static rc_t count_one(void *arg, struct span contents)
{
	size_t *count = arg;

	(void)contents;
	(*count)++;
	return RC_OK;
}

size_t pdf_signature_count(struct pdf *pdf)
{
	size_t count = 0;

	rc_t rc = pdf_each_signature(pdf, count_one, &count);
	return rc == RC_OK ? count : 0;
}

/* One more than the highest N of the fields that are called "SignatureN". */
static unsigned long next_field_number(struct pdf *pdf, qpdf_oh fields)
{
	static const char prefix[] = "Signature";
	qpdf_data qpdf = pdf->qpdf;
	unsigned long highest = 0;

	int count = qpdf_oh_is_array(qpdf, fields) ? qpdf_oh_get_array_n_items(qpdf, fields) : 0;
	for (int i = 0; i < count; i++) {
		qpdf_oh field = qpdf_oh_get_array_item(qpdf, fields, i);
		qpdf_oh name = qpdf_oh_get_key_if_dict(qpdf, field, "/T");
		const char *text = "";
		if (qpdf_oh_is_string(qpdf, name))
			text = qpdf_oh_get_utf8_value(qpdf, name);
		if (strncmp(text, prefix, sizeof(prefix) - 1) == 0 && strlen(text) < 18) {
			unsigned long number = strtoul(text + sizeof(prefix) - 1, NULL, 10);
			highest = number > highest ? number : highest;
		}
		qpdf_oh_release(qpdf, name);
		qpdf_oh_release(qpdf, field);
	}
	return highest + 1;
}

static bool permits_nothing(struct pdf *pdf, qpdf_oh dictionary)
{
	qpdf_oh permitted = qpdf_oh_get_key_if_dict(pdf->qpdf, dictionary, "/P");

	return qpdf_oh_is_integer(pdf->qpdf, permitted) &&
	       qpdf_oh_get_int_value_as_int(pdf->qpdf, permitted) == 1;
}

/* Of a signature; whether DocMDP or, as some programs write it, FieldMDP says so. */
static bool references_permit_nothing(struct pdf *pdf, qpdf_oh value)
{
	qpdf_data qpdf = pdf->qpdf;
	qpdf_oh references = qpdf_oh_get_key_if_dict(qpdf, value, "/Reference");

	int count = qpdf_oh_is_array(qpdf, references) ? qpdf_oh_get_array_n_items(qpdf, references)
						       : 0;
	for (int i = 0; i < count; i++) {
		qpdf_oh reference = qpdf_oh_get_array_item(qpdf, references, i);
		if (permits_nothing(
			    pdf, qpdf_oh_get_key_if_dict(qpdf, reference, "/TransformParams")))
			return true;
	}
	return false;
}

static rc_t refuse_closed(struct pdf *pdf, qpdf_oh field, qpdf_oh value, void *arg)
{
	(void)arg;
	return references_permit_nothing(pdf, value) ||
			       permits_nothing(pdf, qpdf_oh_get_key(pdf->qpdf, field, "/Lock"))
		       ? RC_PDF_FINAL
		       : RC_OK;
}

/* P 1 permits no change at all, not even a signature: said by who certifies (ISO 32000-1
 * §12.8.2.2), or by who locks the document with his signature (ISO 32000-2 table 236). */
static bool is_final(struct pdf *pdf, qpdf_oh root)
{
	qpdf_oh perms = qpdf_oh_get_key(pdf->qpdf, root, "/Perms");

	return references_permit_nothing(
		       pdf, qpdf_oh_get_key_if_dict(pdf->qpdf, perms, "/DocMDP")) ||
	       visit_form(pdf, refuse_closed, NULL) == RC_PDF_FINAL;
}

/* ISO 32000-1 §12.5.5: with an appearance, or invisible, as the rectangle has no area. */
static void show_field(struct pdf *pdf, qpdf_oh field, const struct pdf_widget *widget)
{
	qpdf_data qpdf = pdf->qpdf;
	qpdf_oh rect = qpdf_oh_new_array(qpdf);
	double sides[4] = {0};

	if (widget != NULL)
		pdf_page_rect(widget, sides);
	for (size_t i = 0; i < 4; i++)
		qpdf_oh_append_item(qpdf, rect,
			widget == NULL ? qpdf_oh_new_integer(qpdf, 0)
				       : qpdf_oh_new_real_from_double(qpdf, sides[i], 3));
	qpdf_oh_replace_key(qpdf, field, "/Rect", rect);
	if (widget == NULL)
		return;
	qpdf_oh states = qpdf_oh_new_dictionary(qpdf);
	qpdf_oh_replace_key(qpdf, states, "/N", qpdf_get_object_by_id(qpdf, widget->form, 0));
	qpdf_oh_replace_key(qpdf, field, "/AP", states);
	if (widget->description != NULL)
		qpdf_oh_replace_key(
			qpdf, field, "/TU", qpdf_oh_new_unicode_string(qpdf, widget->description));
}

/* ISO 32000-1 §12.7.4.5, field and widget in one. */
static qpdf_oh make_field(struct pdf *pdf, qpdf_oh signature, qpdf_oh page, unsigned long number,
	const struct pdf_widget *widget)
{
	char name[32];

	qpdf_oh field = qpdf_oh_parse(
		pdf->qpdf, "<< /Type /Annot /Subtype /Widget /FT /Sig /F " FIELD_FLAGS " >>");
	show_field(pdf, field, widget);
	snprintf(name, sizeof(name), "Signature%lu", number);
	qpdf_oh_replace_key(pdf->qpdf, field, "/T", qpdf_oh_new_string(pdf->qpdf, name));
	qpdf_oh_replace_key(pdf->qpdf, field, "/V", signature);
	qpdf_oh_replace_key(pdf->qpdf, field, "/P", page);
	return qpdf_make_indirect_object(pdf->qpdf, field);
}

static rc_t add_to_form(struct pdf *pdf, qpdf_oh root, qpdf_oh field)
{
	qpdf_data qpdf = pdf->qpdf;
	qpdf_oh form = qpdf_oh_get_key(qpdf, root, "/AcroForm");
	long long flags = 0;

	if (qpdf_oh_is_null(qpdf, form)) {
		form = qpdf_oh_new_dictionary(qpdf);
		qpdf_oh_replace_key(qpdf, root, "/AcroForm", form);
	}
	if (!qpdf_oh_is_dictionary(qpdf, form))
		return RC_PDF_DAMAGED;
	qpdf_oh owner = qpdf_oh_is_indirect(qpdf, form) ? form : root;
	rc_t rc = append_to_array(pdf, form, owner, "/Fields", field);
	if (rc != RC_OK)
		return rc;
	if (qpdf_oh_get_value_as_longlong(qpdf, qpdf_oh_get_key(qpdf, form, "/SigFlags"), &flags) &&
		(flags & (SIGNATURES_EXIST | APPEND_ONLY)) == (SIGNATURES_EXIST | APPEND_ONLY))
		return RC_OK;
	qpdf_oh_replace_key(qpdf, form, "/SigFlags",
		qpdf_oh_new_integer(qpdf, flags | SIGNATURES_EXIST | APPEND_ONLY));
	return mark_changed(pdf, owner);
}

static bool choose_page(
	struct pdf *pdf, qpdf_oh root, const struct pdf_widget *widget, qpdf_oh *page)
{
	unsigned nodes = 0;

	if (widget == NULL)
		return first_page(pdf, qpdf_oh_get_key(pdf->qpdf, root, "/Pages"), 0, &nodes, page);
	*page = pdf_page_handle(pdf, &widget->page);
	return qpdf_oh_is_dictionary(pdf->qpdf, *page);
}

static rc_t change_objects(struct pdf *pdf, const struct pdf_widget *widget, qpdf_oh *signature)
{
	qpdf_data qpdf = pdf->qpdf;
	qpdf_oh root = qpdf_get_root(qpdf);
	qpdf_oh page = 0;

	if (!qpdf_oh_is_dictionary(qpdf, root) || !qpdf_oh_is_indirect(qpdf, root) ||
		!choose_page(pdf, root, widget, &page))
		return RC_PDF_DAMAGED;
	if (is_final(pdf, root))
		return RC_PDF_FINAL;

	qpdf_oh form = qpdf_oh_get_key(qpdf, root, "/AcroForm");
	unsigned long number =
		next_field_number(pdf, qpdf_oh_get_key_if_dict(qpdf, form, "/Fields"));
	qpdf_oh value = qpdf_make_indirect_object(qpdf, qpdf_oh_new_dictionary(qpdf));
	qpdf_oh field = make_field(pdf, value, page, number, widget);
	rc_t rc = mark_changed(pdf, field);
	if (rc == RC_OK)
		rc = add_to_form(pdf, root, field);
	if (rc == RC_OK)
		rc = append_to_array(pdf, page, page, "/Annots", field);
	if (rc == RC_OK && qpdf_oh_get_object_id(qpdf, field) >= OBJECT_NUMBER_MAX)
		rc = RC_PDF_DAMAGED;
	if (rc == RC_OK)
		*signature = value;
	return rc;
}

/* What qpdf tolerated in the old trailer may be more than it tolerates in ours: a file that does
 * not read again, with one signature more, is not worth signing. */
static rc_t check_again(struct span bytes, size_t signatures)
{
	struct pdf *again = NULL;

	rc_t rc = pdf_open(bytes, NULL, &again);
	if (rc != RC_OK)
		return rc;
	if (pdf_signature_count(again) != signatures || qpdf_has_error(again->qpdf))
		rc = RC_PDF_DAMAGED;
	pdf_free(&again);
	return rc;
}

rc_t pdf_append_signature(struct pdf *pdf, const struct pdf_signature *signature, struct buf *out,
	struct pdf_hole *hole)
{
	size_t before = pdf_signature_count(pdf);
	qpdf_oh value = 0;

	rc_t rc = change_objects(pdf, signature->widget, &value);
	if (rc == RC_OK)
		rc = pdf_write_update(pdf, value, signature, out, hole);
	/* an error that a call above met is kept until it is asked for */
	if (rc == RC_OK && qpdf_has_error(pdf->qpdf))
		rc = RC_PDF_DAMAGED;
	return rc == RC_OK ? check_again(buf_span(out), before + 1) : rc;
}
