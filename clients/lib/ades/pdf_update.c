#include "clients/lib/ades/pdf_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RANGE_WIDTH 40 /* "[0 a b c]" with three numbers of at most 10 digits, padded */
/* and the signature, and the cross-reference stream */
#define ENTRIES_MAX (PDF_CHANGED_MAX + PDF_ADDED_MAX + 2)

struct entry {
	int id;
	int generation;
	size_t offset;
};

struct update {
	struct pdf *pdf;
	struct buf *out;
	struct entry entries[ENTRIES_MAX];
	size_t count;
	size_t range_at; /* where the ByteRange's value is written when it is known */
};

static rc_t entry_begin(struct update *update, int id, int generation)
{
	const struct entry entry = {.id = id, .generation = generation, .offset = update->out->len};

	if (update->count == ENTRIES_MAX || id <= 0 || generation < 0 || generation > 65535)
		return RC_PDF_DAMAGED;
	update->entries[update->count++] = entry;
	return buf_printf(update->out, "%d %d obj\n", id, generation);
}

static rc_t object_begin(struct update *update, qpdf_oh object)
{
	qpdf_data qpdf = update->pdf->qpdf;

	return entry_begin(
		update, qpdf_oh_get_object_id(qpdf, object), qpdf_oh_get_generation(qpdf, object));
}

static rc_t put_added(struct update *update, const struct pdf_added *added)
{
	rc_t rc = entry_begin(update, added->id, 0);
	if (rc == RC_OK)
		rc = buf_append_span(update->out, buf_span(&added->body));
	if (rc == RC_OK)
		rc = buf_append_string(update->out, "\nendobj\n");
	return rc;
}

static rc_t put_object(struct update *update, qpdf_oh object)
{
	rc_t rc = object_begin(update, object);
	if (rc == RC_OK)
		rc = buf_append_string(
			update->out, qpdf_oh_unparse_resolved(update->pdf->qpdf, object));
	if (rc == RC_OK)
		rc = buf_append_string(update->out, "\nendobj\n");
	return rc;
}

static rc_t put_text(struct update *update, const char *key, const char *text)
{
	qpdf_data qpdf = update->pdf->qpdf;

	if (text == NULL)
		return RC_OK;
	qpdf_oh string = qpdf_oh_new_unicode_string(qpdf, text);
	return buf_printf(update->out, " %s %s", key, qpdf_oh_unparse(qpdf, string));
}

/* ISO 32000-1 table 252; EN 319 142-1 §5: the only entry whose place matters is Contents. */
static rc_t put_signature(struct update *update, qpdf_oh object,
	const struct pdf_signature *signature, struct pdf_hole *hole)
{
	struct buf *out = update->out;

	rc_t rc = object_begin(update, object);
	if (rc == RC_OK)
		rc = buf_append_string(out, "<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter "
					    "/ETSI.CAdES.detached /ByteRange ");
	update->range_at = out->len;
	if (rc == RC_OK)
		rc = buf_printf(out, "%*s /Contents ", RANGE_WIDTH, "");
	hole->start = out->len;
	if (rc == RC_OK)
		rc = buf_printf(out, "<%0*d>", (int)signature->reserve * 2, 0);
	hole->end = out->len;
	if (rc == RC_OK)
		rc = buf_printf(out, " /M (%s)", signature->date);
	if (rc == RC_OK)
		rc = put_text(update, "/Name", signature->name);
	if (rc == RC_OK)
		rc = put_text(update, "/Reason", signature->reason);
	if (rc == RC_OK)
		rc = put_text(update, "/Location", signature->location);
	if (rc == RC_OK)
		rc = buf_append_string(out, " >>\nendobj\n");
	return rc;
}

static int entry_compare(const void *left, const void *right)
{
	const struct entry *a = left;
	const struct entry *b = right;

	return (a->id > b->id) - (a->id < b->id);
}

/* What the last trailer says of the document goes on; what it says of its own section does not. */
static bool trailer_key_stays(const char *key)
{
	static const char *const own[] = {"/Size", "/Prev", "/XRefStm", "/Type", "/W", "/Index",
		"/Length", "/Filter", "/DecodeParms", "/F", "/FFilter", "/FDecodeParms", "/DL",
		"/Encrypt"};

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		if (strcmp(own[i], key) == 0)
			return false;
	}
	return true;
}

static rc_t put_trailer_entries(struct update *update, int size)
{
	qpdf_data qpdf = update->pdf->qpdf;
	qpdf_oh trailer = qpdf_get_trailer(qpdf);
	rc_t rc = buf_printf(update->out, "/Size %d /Prev %zu", size, update->pdf->last_xref);

	qpdf_oh_begin_dict_key_iter(qpdf, trailer);
	while (rc == RC_OK && qpdf_oh_dict_more_keys(qpdf)) {
		const char *key = qpdf_oh_dict_next_key(qpdf);
		if (!trailer_key_stays(key))
			continue;
		/* both handles before any other call takes the key's memory back */
		qpdf_oh name = qpdf_oh_new_name(qpdf, key);
		qpdf_oh value = qpdf_oh_get_key(qpdf, trailer, key);
		rc = buf_printf(update->out, " %s", qpdf_oh_unparse(qpdf, name));
		if (rc == RC_OK)
			rc = buf_printf(update->out, " %s", qpdf_oh_unparse(qpdf, value));
	}
	return rc;
}

static rc_t put_startxref(struct update *update, size_t offset)
{
	return buf_printf(update->out, "startxref\n%zu\n%%%%EOF\n", offset);
}

static rc_t put_xref_table(struct update *update, int size)
{
	size_t offset = update->out->len;
	rc_t rc = buf_append_string(update->out, "xref\n");

	for (size_t i = 0; rc == RC_OK && i < update->count; i++) {
		const struct entry *entry = &update->entries[i];
		rc = buf_printf(update->out, "%d 1\n%010zu %05d n \n", entry->id, entry->offset,
			entry->generation);
	}
	if (rc == RC_OK)
		rc = buf_append_string(update->out, "trailer\n<< ");
	if (rc == RC_OK)
		rc = put_trailer_entries(update, size);
	if (rc == RC_OK)
		rc = buf_append_string(update->out, " >>\n");
	return rc == RC_OK ? put_startxref(update, offset) : rc;
}

static rc_t put_be(struct buf *out, uint64_t value, size_t width)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < width; i++)
		bytes[i] = (uint8_t)(value >> 8 * (width - 1 - i));
	return buf_append(out, bytes, width);
}

static rc_t put_stream_entries(struct update *update)
{
	rc_t rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < update->count; i++) {
		rc = put_be(update->out, 1, 1);
		if (rc == RC_OK)
			rc = put_be(update->out, update->entries[i].offset, 5);
		if (rc == RC_OK)
			rc = put_be(update->out, (uint64_t)update->entries[i].generation, 2);
	}
	return rc;
}

/* ISO 32000-1 §7.5.8: it lists itself too. */
static rc_t put_xref_stream(struct update *update, qpdf_oh self, int size)
{
	struct buf *out = update->out;
	size_t offset = out->len;

	rc_t rc = object_begin(update, self);
	if (rc != RC_OK)
		return rc;
	qsort(update->entries, update->count, sizeof(update->entries[0]), entry_compare);
	rc = buf_append_string(out, "<< /Type /XRef /W [1 5 2] /Index [");
	for (size_t i = 0; rc == RC_OK && i < update->count; i++)
		rc = buf_printf(out, "%s%d 1", i == 0 ? "" : " ", update->entries[i].id);
	if (rc == RC_OK)
		rc = buf_printf(out, "] /Length %zu ", update->count * 8);
	if (rc == RC_OK)
		rc = put_trailer_entries(update, size);
	if (rc == RC_OK)
		rc = buf_append_string(out, " >>\nstream\n");
	if (rc == RC_OK)
		rc = put_stream_entries(update);
	if (rc == RC_OK)
		rc = buf_append_string(out, "\nendstream\nendobj\n");
	return rc == RC_OK ? put_startxref(update, offset) : rc;
}

/* A file stays of one kind: a table after a stream, or the reverse, confuses readers. */
static rc_t put_xref(struct update *update, qpdf_oh signature_object)
{
	qpdf_data qpdf = update->pdf->qpdf;
	int highest = qpdf_oh_get_object_id(qpdf, signature_object);

	for (size_t i = 0; i < update->count; i++) {
		if (update->entries[i].id > highest)
			highest = update->entries[i].id;
	}
	if (!update->pdf->xref_stream) {
		qsort(update->entries, update->count, sizeof(update->entries[0]), entry_compare);
		return put_xref_table(update, highest + 1);
	}
	qpdf_oh self = qpdf_make_indirect_object(qpdf, qpdf_oh_new_dictionary(qpdf));
	return put_xref_stream(update, self, qpdf_oh_get_object_id(qpdf, self) + 1);
}

static rc_t fill_range(struct update *update, const struct pdf_hole *hole)
{
	char text[RANGE_WIDTH + 1];
	struct buf *out = update->out;

	int len = snprintf(text, sizeof(text), "[0 %zu %zu %zu]", hole->start, hole->end,
		out->len - hole->end);
	if (len < 0 || len > RANGE_WIDTH)
		return RC_PDF_TOO_LONG;
	memcpy(out->data + update->range_at, text, (size_t)len);
	return RC_OK;
}

rc_t pdf_write_update(struct pdf *pdf, qpdf_oh signature_object,
	const struct pdf_signature *signature, struct buf *out, struct pdf_hole *hole)
{
	struct update update = {.pdf = pdf, .out = out};

	rc_t rc = buf_set(out, pdf->bytes);
	if (rc == RC_OK && out->data[out->len - 1] != '\n')
		rc = buf_append_string(out, "\n");
	for (size_t i = 0; rc == RC_OK && i < pdf->changed_count; i++)
		rc = put_object(&update, pdf->changed[i]);
	for (size_t i = 0; rc == RC_OK && i < pdf->added_count; i++)
		rc = put_added(&update, &pdf->added[i]);
	if (rc == RC_OK)
		rc = put_signature(&update, signature_object, signature, hole);
	if (rc == RC_OK)
		rc = put_xref(&update, signature_object);
	return rc == RC_OK ? fill_range(&update, hole) : rc;
}
