/* The signatures of a PDF, each with the revision that it covers. */
#include "clients/lib/ades/verify_internal.h"

#include <ctype.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#define DSS_MAX 64
#define TAIL_WHITE_MAX 512	      /* readers look for startxref in the last 1024 bytes */
#define DSS_RAW_MAX ((size_t)4 << 20) /* of one stream, as it stands in the file */

/* A revision that could be read, with what it consists of. */
struct revision {
	struct view view;
	struct inventory inventory;
	struct warnings warnings; /* what other readers may repair in their own ways */
};

struct judging {
	struct verifying *verifying;
	struct span file;
	struct view whole;
	struct pdf_signatures found;
	size_t order[VERIFY_SIGNATURES_MAX]; /* by the end of what they cover */
	unsigned later[VERIFY_SIGNATURES_MAX];
	bool structure[VERIFY_SIGNATURES_MAX]; /* range, contents and revision are right */
};

static size_t end_of(const struct pdf_signature_found *signature)
{
	return signature->range_fits ? (size_t)(signature->range[2] + signature->range[3]) : 0;
}

static void sort_by_end(struct judging *judging)
{
	for (size_t i = 0; i < judging->found.count; i++) {
		size_t at = i;
		for (; at > 0 && end_of(&judging->found.items[judging->order[at - 1]]) >
					 end_of(&judging->found.items[i]);
			at--)
			judging->order[at] = judging->order[at - 1];
		judging->order[at] = i;
	}
}

static bool only_white(struct span bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		if (!isspace(bytes.data[i]) && bytes.data[i] != 0)
			return false;
	}
	return true;
}

static struct span tail_of(
	const struct judging *judging, const struct pdf_signature_found *signature)
{
	size_t end = end_of(signature);

	return SPAN(judging->file.data + end, judging->file.len - end);
}

static int hex_value(uint8_t c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* The gap holds <hexadecimal digits> and nothing else, and they are the Contents that the
 * signature's dictionary has: whatever a reader shows is inside what was signed. */
static bool gap_fits(const struct judging *judging, const struct pdf_signature_found *signature)
{
	const uint8_t *gap = judging->file.data + signature->range[1];
	size_t len = (size_t)(signature->range[2] - signature->range[1]);
	const struct buf *contents = &signature->contents;

	if (gap[0] != '<' || gap[len - 1] != '>' || len % 2 != 0 || contents->len != (len - 2) / 2)
		return false;
	for (size_t i = 0; i < contents->len; i++) {
		int high = hex_value(gap[1 + 2 * i]);
		int low = hex_value(gap[2 + 2 * i]);
		if (high < 0 || low < 0 || (high << 4 | low) != contents->data[i])
			return false;
	}
	return true;
}

static bool same_signature(const struct pdf_signature_found *a, const struct pdf_signature_found *b)
{
	return memcmp(a->range, b->range, sizeof(a->range)) == 0 && a->value == b->value &&
	       strcmp(a->format, b->format) == 0 &&
	       span_equal(buf_span(&a->contents), buf_span(&b->contents));
}

/* The covered bytes by themselves are a PDF with this signature in its form: it was not slipped in
 * later, around or beside what was signed. */
static rc_t stands_in_revision(
	struct view *view, struct pdf_signature_found *signature, bool *stands)
{
	struct pdf_signatures *found = calloc(1, sizeof(*found));

	if (found == NULL)
		return RC_NO_MEMORY;
	rc_t rc = signatures_find(view, found);
	*stands = false;
	for (size_t i = 0; rc == RC_OK && i < found->count && !*stands; i++) {
		*stands = same_signature(&found->items[i], signature);
		/* what later revisions say of it counts no more than they do */
		if (*stands)
			signature->certifies = found->items[i].certifies;
	}
	if (rc == RC_OK)
		signatures_free(found);
	free(found);
	return rc == RC_NO_MEMORY ? rc : RC_OK;
}

static void revision_close(struct revision *revision)
{
	inventory_free(&revision->inventory);
	view_close(&revision->view);
}

/* found: it could be read. */
static rc_t revision_open(struct span bytes, struct revision *revision, bool *found)
{
	*found = false;
	rc_t rc = view_open(bytes, NULL, &revision->view);
	if (rc != RC_OK)
		return rc == RC_NO_MEMORY ? rc : RC_OK;
	rc = inventory_take(&revision->view, &revision->inventory);
	if (rc != RC_OK) {
		view_close(&revision->view);
		return rc == RC_PDF_DAMAGED ? RC_OK : rc;
	}
	rc = view_warnings(&revision->view, &revision->warnings);
	if (rc != RC_OK)
		revision_close(revision);
	*found = rc == RC_OK;
	return rc;
}

static bool warns_of_more(const struct warnings *before, const struct warnings *after)
{
	if (after->more)
		return true;
	for (size_t i = 0; i < after->count; i++) {
		size_t at = 0;
		while (at < before->count &&
			memcmp(before->items[at], after->items[i], sizeof(after->items[i])) != 0)
			at++;
		if (at == before->count)
			return true;
	}
	return false;
}

/* A revision that reads with other warnings than the one before brought something that does not
 * read: some readers then put together what they find anywhere in the file. */
static rc_t changes_of(struct revision *before, struct revision *after, unsigned *later)
{
	size_t end = before->view.bytes.len;
	bool alike = true;

	rc_t rc = changes_between(
		&before->view, &before->inventory, &after->view, &after->inventory, later);
	bool hidden = warns_of_more(&before->warnings, &after->warnings);
	if (rc == RC_OK && !hidden)
		rc = hidden_objects(&after->view, end, &hidden);
	if (rc == RC_OK && !hidden)
		rc = tail_reads_alike(&after->view, end, &before->inventory, &alike);
	if (rc == RC_OK && (hidden || !alike))
		*later |= LATER_BYTES;
	return rc;
}

/* The last startxref of the file, and where it points, lie in the tail: it is a revision. */
static bool tail_is_revision(const struct judging *judging, size_t end)
{
	static const char keyword[] = "startxref";
	const size_t keyword_len = sizeof(keyword) - 1;
	const struct span file = judging->file;
	size_t at = file.len;
	size_t offset = 0;

	while (at >= end + keyword_len &&
		memcmp(file.data + at - keyword_len, keyword, keyword_len) != 0)
		at--;
	if (at < end + keyword_len)
		return false;
	while (at < file.len && isspace(file.data[at]))
		at++;
	for (; at < file.len && isdigit(file.data[at]) && offset < file.len; at++)
		offset = offset * 10 + (size_t)(file.data[at] - '0');
	return offset >= end && offset < file.len;
}

/* A file of this length may name it in its first object, as one that is made for slow networks:
 * some readers then begin at its head, and see none of what stands behind. */
static bool begins_at_head(struct span file)
{
	enum { HEAD = 65536 };
	size_t end = file.len < HEAD ? file.len : HEAD;

	for (size_t i = 0; i < end; i++) {
		size_t number = 0;
		if (!isdigit(file.data[i]))
			continue;
		for (; i < end && isdigit(file.data[i]); i++)
			number = number > file.len ? number
						   : number * 10 + (size_t)(file.data[i] - '0');
		if (number == file.len)
			return true;
	}
	return false;
}

/* Structure of one signature; opens its revision if it is right. */
static rc_t judge_structure(struct judging *judging, size_t index, struct verify_signature *out,
	struct revision *revision, bool *opened)
{
	struct pdf_signature_found *signature = &judging->found.items[index];
	bool stands = false;

	*opened = false;
	if (!signature->range_fits) {
		out->faults |= VERIFY_BIT(VERIFY_BYTE_RANGE);
		return RC_OK;
	}
	if (!gap_fits(judging, signature)) {
		out->faults |= VERIFY_BIT(VERIFY_CONTENTS);
		return RC_OK;
	}
	rc_t rc = revision_open(SPAN(judging->file.data, end_of(signature)), revision, opened);
	if (rc != RC_OK)
		return rc;
	if (*opened) {
		rc = stands_in_revision(&revision->view, signature, &stands);
		if (rc != RC_OK || !stands)
			revision_close(revision);
		*opened = rc == RC_OK && stands;
	}
	if (rc == RC_OK && !stands)
		out->faults |= VERIFY_BIT(VERIFY_REVISION);
	judging->structure[index] = stands;
	return rc;
}

/* From the last signed revision to the whole file. */
static rc_t judge_tail(
	struct judging *judging, struct revision *last, size_t index, unsigned *later)
{
	const struct pdf_signature_found *signature = &judging->found.items[index];
	struct revision whole = {0};
	bool opened = false;

	*later = 0;
	struct span tail = tail_of(judging, signature);
	if (only_white(tail)) {
		*later = tail.len > TAIL_WHITE_MAX ? LATER_BYTES : 0;
		return RC_OK;
	}
	if (!tail_is_revision(judging, end_of(signature))) {
		*later = LATER_BYTES;
		return RC_OK;
	}
	rc_t rc = revision_open(judging->file, &whole, &opened);
	if (rc != RC_OK)
		return rc;
	if (!opened)
		return RC_PDF_DAMAGED;
	rc = changes_of(last, &whole, later);
	revision_close(&whole);
	return rc;
}

/* Each signed revision against the next, the last one against the file; what came after counts for
 * all before. */
static rc_t judge_revisions(struct judging *judging, struct verify_signature *signatures)
{
	struct revision last = {0};
	size_t last_index = 0;
	bool have_last = false;
	rc_t rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < judging->found.count; i++) {
		struct revision next = {0};
		size_t index = judging->order[i];
		bool opened = false;

		rc = judge_structure(judging, index, &signatures[i], &next, &opened);
		if (rc != RC_OK || !opened)
			continue;
		if (have_last && end_of(&judging->found.items[last_index]) !=
					 end_of(&judging->found.items[index]))
			rc = changes_of(&last, &next, &judging->later[last_index]);
		revision_close(&last);
		last = next;
		last_index = index;
		have_last = true;
	}
	if (rc == RC_OK && have_last)
		rc = judge_tail(judging, &last, last_index, &judging->later[last_index]);
	revision_close(&last);
	bool headed = begins_at_head(judging->file);
	unsigned later = 0;
	for (size_t i = judging->found.count; i > 0; i--) {
		size_t index = judging->order[i - 1];
		later |= judging->later[index];
		if (headed && tail_of(judging, &judging->found.items[index]).len > 0)
			later |= LATER_BYTES;
		signatures[i - 1].later = later;
	}
	return rc;
}

/* What the first signature, if it certifies, lets later revisions do (ISO 32000-1 §12.8.2.2). */
static unsigned permitted(const struct judging *judging)
{
	const struct pdf_signature_found *first = &judging->found.items[judging->order[0]];
	bool locks = false;

	for (size_t i = 0; i < judging->found.count; i++)
		locks = locks || judging->found.items[i].locks;
	if (!first->certifies || !judging->structure[judging->order[0]] || locks)
		return 0;
	return first->certification == 3   ? LATER_FORM | LATER_ANNOTATIONS
	       : first->certification == 2 ? LATER_FORM
					   : 0;
}

static void judge_later(unsigned may, struct verify_signature *out)
{
	static const struct {
		unsigned later;
		enum verify_fault fault;
	} rules[] = {{LATER_CONTENT, VERIFY_LATER_CONTENT},
		{LATER_ANNOTATIONS, VERIFY_LATER_ANNOTATIONS}, {LATER_FORM, VERIFY_LATER_FORM},
		{LATER_BYTES, VERIFY_LATER_BYTES}};
	unsigned beyond = out->later & ~may;

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if ((beyond & rules[i].later) != 0) {
			out->faults |= VERIFY_BIT(rules[i].fault);
			out->intact = VERIFY_BAD;
		}
	}
	unsigned harmless = LATER_VALIDATION | LATER_TIMESTAMP;
	if (out->certification != 1)
		harmless |= LATER_SIGNATURE | LATER_METADATA | may;
	if (out->certification != 0 && (out->later & ~harmless) != 0)
		out->faults |= VERIFY_BIT(VERIFY_CERTIFICATION);
}

/* CMS */

static struct content signed_parts(
	const struct judging *judging, const struct pdf_signature_found *signature)
{
	const uint8_t *bytes = judging->file.data;

	return (struct content){{SPAN(bytes, (size_t)signature->range[1]),
		SPAN(bytes + signature->range[2], (size_t)signature->range[3])}};
}

static bool only_zeros(struct span bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		if (bytes.data[i] != 0)
			return false;
	}
	return true;
}

static rc_t judge_document_timestamp(struct judging *judging,
	const struct pdf_signature_found *signature, struct span der, struct verify_signature *out)
{
	const struct content content = signed_parts(judging, signature);
	struct token_facts facts;

	rc_t rc = token_judge(judging->verifying, der, &content, &facts);
	if (rc != RC_OK)
		return rc;
	out->faults |= facts.faults;
	out->timestamp = facts.timestamp;
	out->judged_ms = facts.timestamp.time_ms;
	memcpy(out->algorithm, facts.algorithm, sizeof(out->algorithm));
	if (facts.certificate != NULL)
		verify_describe(facts.certificate, &out->signer);
	memcpy(out->signer.root, facts.chain.root, sizeof(out->signer.root));
	out->certificate = facts.chain.certificate;
	out->revocation = facts.chain.revocation;
	out->revoked_ms = facts.chain.revoked_ms;
	out->crl_ms = facts.chain.crl_ms;
	out->crl_unfit_ms = facts.chain.crl_unfit_ms;
	bool right = (facts.faults & VERIFY_BIT(VERIFY_TIMESTAMP_WRONG)) == 0;
	out->signature = right ? VERIFY_GOOD : VERIFY_BAD;
	if (out->intact == VERIFY_UNKNOWN || !right)
		out->intact = right ? VERIFY_GOOD : VERIFY_BAD;
	token_facts_free(&facts);
	return RC_OK;
}

static rc_t judge_person(struct judging *judging, const struct pdf_signature_found *signature,
	struct signed_data *data, const struct verify_timestamp *document,
	struct verify_signature *out)
{
	const struct content content = signed_parts(judging, signature);
	bool cades = strcmp(signature->format, "ETSI.CAdES.detached") == 0;
	enum verify_state later = out->intact;

	if (signed_data_signers(data) != 1) {
		out->faults |= VERIFY_BIT(VERIFY_SIGNERS);
		return RC_OK;
	}
	if (data->inside.data != NULL ||
		(!cades && strcmp(signature->format, "adbe.pkcs7.detached") != 0))
		out->faults |= VERIFY_BIT(VERIFY_FORMAT);
	rc_t rc = judge_signature(judging->verifying, data, 0, &content, cades, document, out);
	if (later == VERIFY_BAD)
		out->intact = VERIFY_BAD;
	return rc;
}

/* The CMS, padding of zeros, and nothing else. */
static rc_t judge_contents(struct judging *judging, const struct pdf_signature_found *signature,
	const struct verify_timestamp *document, struct verify_signature *out)
{
	struct span contents = buf_span(&signature->contents);
	struct signed_data data = {0};

	rc_t rc = signed_data_read(contents, &data);
	if (rc == RC_FORMAT) {
		out->faults |= VERIFY_BIT(VERIFY_CMS_MALFORMED);
		return RC_OK;
	}
	if (!only_zeros(SPAN(contents.data + data.len, contents.len - data.len)))
		out->faults |= VERIFY_BIT(VERIFY_CMS_TRAILING);
	if (signature->timestamp)
		rc = judge_document_timestamp(
			judging, signature, SPAN(contents.data, data.len), out);
	else
		rc = judge_person(judging, signature, &data, document, out);
	signed_data_free(&data);
	return rc;
}

static void fill_in(const struct judging *judging, size_t index, struct verify_signature *out)
{
	const struct pdf_signature_found *found = &judging->found.items[index];

	memcpy(out->field, found->field, sizeof(out->field));
	memcpy(out->format, found->format, sizeof(out->format));
	out->document_timestamp = found->timestamp;
	out->signing_ms = found->signing_ms;
	out->certification = found->certification;
	out->covered = end_of(found);
	out->whole_file = found->range_fits && only_white(tail_of(judging, found));
}

/* From the newest to the oldest: a document timestamp proves that those before it were there. */
static rc_t judge_all(struct judging *judging)
{
	struct verify_report *report = judging->verifying->report;
	struct verify_timestamp document = {0};
	rc_t rc = RC_OK;

	for (size_t i = 0; i < report->count; i++)
		fill_in(judging, judging->order[i], &report->signatures[i]);
	rc = judge_revisions(judging, report->signatures);
	unsigned may = report->count == 0 ? 0 : permitted(judging);
	for (size_t i = report->count; rc == RC_OK && i > 0; i--) {
		size_t index = judging->order[i - 1];
		struct verify_signature *out = &report->signatures[i - 1];
		judge_later(may, out);
		/* what does not cover a whole revision is not even looked at */
		if (!judging->structure[index]) {
			out->intact = VERIFY_BAD;
			continue;
		}
		rc = judge_contents(judging, &judging->found.items[index], &document, out);
		if (out->document_timestamp && out->timestamp.state == VERIFY_GOOD)
			document = out->timestamp;
	}
	return rc;
}

/* DSS: what the document itself keeps for later checks (EN 319 142-1 §5.4.2) */

static void take_certificate(struct verifying *verifying, struct span der)
{
	const unsigned char *at = der.data;
	X509 *certificate = d2i_X509(NULL, &at, (long)der.len);

	if (verifying->certificates == NULL)
		verifying->certificates = sk_X509_new_null();
	if (certificate != NULL && (verifying->certificates == NULL ||
					   sk_X509_push(verifying->certificates, certificate) <= 0))
		X509_free(certificate);
}

static void take_crl(struct verifying *verifying, struct span der)
{
	const unsigned char *at = der.data;
	X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)der.len);

	if (verifying->crls == NULL)
		verifying->crls = sk_X509_CRL_new_null();
	if (crl != NULL && (verifying->crls == NULL || sk_X509_CRL_push(verifying->crls, crl) <= 0))
		X509_CRL_free(crl);
}

static void each_stream(struct judging *judging, qpdf_oh list,
	void (*take)(struct verifying *verifying, struct span der))
{
	qpdf_data qpdf = judging->whole.qpdf;
	int count = qpdf_oh_is_array(qpdf, list) ? qpdf_oh_get_array_n_items(qpdf, list) : 0;

	for (int i = 0; i < count && i < DSS_MAX; i++) {
		qpdf_oh stream = qpdf_oh_get_array_item(qpdf, list, i);
		unsigned char *bytes = NULL;
		size_t len = 0;
		QPDF_BOOL filtered = QPDF_FALSE;
		if (!qpdf_oh_is_stream(qpdf, stream))
			continue;
		QPDF_ERROR_CODE status = qpdf_oh_get_stream_data(
			qpdf, stream, qpdf_dl_none, &filtered, &bytes, &len);
		free(bytes);
		if ((status & QPDF_ERRORS) != 0 || len > DSS_RAW_MAX)
			continue;
		bytes = NULL;
		status = qpdf_oh_get_stream_data(
			qpdf, stream, qpdf_dl_generalized, &filtered, &bytes, &len);
		if ((status & QPDF_ERRORS) == 0 && bytes != NULL && len <= INT32_MAX)
			take(judging->verifying, SPAN(bytes, len));
		free(bytes);
		ERR_clear_error();
	}
}

static void read_dss(struct judging *judging)
{
	qpdf_data qpdf = judging->whole.qpdf;
	qpdf_oh dss = qpdf_oh_get_key(qpdf, view_root(&judging->whole), "/DSS");

	each_stream(judging, qpdf_oh_get_key_if_dict(qpdf, dss, "/Certs"), take_certificate);
	each_stream(judging, qpdf_oh_get_key_if_dict(qpdf, dss, "/CRLs"), take_crl);
	view_forget(&judging->whole);
}

rc_t verify_pdf(struct verifying *verifying, struct span file)
{
	struct judging *judging = calloc(1, sizeof(*judging));
	struct verify_report *report = verifying->report;

	if (judging == NULL)
		return RC_NO_MEMORY;
	judging->verifying = verifying;
	judging->file = file;
	rc_t rc = view_open(file, verifying->options->detail, &judging->whole);
	if (rc == RC_OK)
		rc = signatures_find(&judging->whole, &judging->found);
	if (rc == RC_OK) {
		read_dss(judging);
		view_close(&judging->whole);
		sort_by_end(judging);
		report->count = judging->found.count;
		report->signatures = calloc(report->count + 1, sizeof(report->signatures[0]));
		rc = report->signatures == NULL ? RC_NO_MEMORY : judge_all(judging);
	}
	signatures_free(&judging->found);
	view_close(&judging->whole);
	free(judging);
	return rc;
}
