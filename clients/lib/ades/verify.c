/* The verdict on one signature, from what the other files find. */
#include "clients/lib/ades/pdf.h"
#include "clients/lib/ades/verify_internal.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#define CLAIM_TOLERANCE_MS 60000 /* a signer's clock may be ahead of the authority's by so much */

static const struct {
	const char *name;
	bool error;
} faults[] = {
#define VERIFY_FAULT(name, json, error) {json, error},
#include "clients/lib/ades/verify_faults.def"
#undef VERIFY_FAULT
};

const char *verify_fault_name(enum verify_fault fault)
{
	return faults[fault].name;
}

bool verify_fault_is_error(enum verify_fault fault)
{
	return faults[fault].error;
}

uint64_t verify_errors(const struct verify_signature *signature, uint64_t allowed)
{
	uint64_t errors = 0;

	/* the two together are one more name for what may be allowed one by one */
	if ((allowed & (VERIFY_BIT(VERIFY_NO_TIMESTAMP) | VERIFY_BIT(VERIFY_REVOCATION_UNKNOWN))) !=
		0)
		allowed |= VERIFY_BIT(VERIFY_NEITHER);
	for (unsigned i = 0; i < VERIFY_FAULTS; i++) {
		if (faults[i].error)
			errors |= VERIFY_BIT(i);
	}
	return signature->faults & errors & ~allowed;
}

bool verify_holds(const struct verify_report *report, uint64_t allowed)
{
	size_t people = 0;

	for (size_t i = 0; i < report->count; i++) {
		if (verify_errors(&report->signatures[i], allowed) != 0)
			return false;
		people += report->signatures[i].document_timestamp ? 0 : 1;
	}
	return people > 0;
}

void verify_report_free(struct verify_report **report)
{
	if (*report == NULL)
		return;
	for (size_t i = 0; i < (*report)->crl_url_count; i++)
		buf_free(&(*report)->crl_urls[i]);
	free((*report)->crl_urls);
	free((*report)->signatures);
	free(*report);
	*report = NULL;
}

static void add(struct verify_signature *out, enum verify_fault fault)
{
	out->faults |= VERIFY_BIT(fault);
}

static void judge_kind(const struct verifying *verifying, struct verify_signature *out)
{
	enum verify_kind expected = verifying->options->expect;

	if (expected == VERIFY_ORGANISATION && out->signer.kind != VERIFY_ORGANISATION)
		add(out, VERIFY_ORGANISATION_DUE);
	if (expected == VERIFY_PERSON && out->signer.kind != VERIFY_PERSON)
		add(out, VERIFY_PERSON_DUE);
}

/* The signature's own timestamp, else the document timestamp that came after it. */
static void judge_time(const struct verifying *verifying, const struct token_facts *token,
	const struct verify_timestamp *document, struct verify_signature *out)
{
	out->timestamp = token->timestamp;
	out->faults |= token->faults;
	if (token->timestamp.state != VERIFY_GOOD && document != NULL &&
		document->state == VERIFY_GOOD)
		out->timestamp = *document;
	if (out->timestamp.state == VERIFY_UNKNOWN)
		add(out, VERIFY_NO_TIMESTAMP);
	out->judged_by_timestamp = out->timestamp.state == VERIFY_GOOD;
	out->judged_ms =
		out->judged_by_timestamp ? out->timestamp.time_ms : verifying->options->now_ms;
	if (out->signing_ms > out->judged_ms + CLAIM_TOLERANCE_MS)
		add(out, VERIFY_TIME_ORDER);
}

static rc_t judge_certificate(struct verifying *verifying, const struct signed_data *data,
	X509 *certificate, struct verify_signature *out)
{
	const struct chain_question question = {
		.leaf = certificate,
		.certificates = data->certificates,
		.crls = data->crls,
		.at_ms = out->judged_ms,
		.proven = out->judged_by_timestamp,
	};
	struct chain_answer answer;

	verify_describe(certificate, &out->signer);
	judge_kind(verifying, out);
	rc_t rc = chain_judge(verifying, &question, &answer);
	if (rc != RC_OK)
		return rc;
	out->faults |= answer.faults;
	out->certificate = answer.certificate;
	out->revocation = answer.revocation;
	out->revoked_ms = answer.revoked_ms;
	out->crl_ms = answer.crl_ms;
	out->crl_unfit_ms = answer.crl_unfit_ms;
	memcpy(out->signer.root, answer.root, sizeof(out->signer.root));
	return RC_OK;
}

rc_t judge_signature(struct verifying *verifying, struct signed_data *data, int index,
	const struct content *content, bool ess_due, const struct verify_timestamp *document,
	struct verify_signature *out)
{
	struct signer_facts signer;
	struct token_facts token = {0};

	rc_t rc = signer_judge(data, index, content, NID_pkcs7_data, ess_due, &signer);
	if (rc != RC_OK)
		return rc;
	out->faults |= signer.faults;
	out->intact = signer.intact;
	out->signature = signer.signature;
	memcpy(out->algorithm, signer.algorithm, sizeof(out->algorithm));
	/* of two claims the later one has to be true as well */
	if (signer.signing_ms > out->signing_ms)
		out->signing_ms = signer.signing_ms;
	rc = signer_timestamp(verifying, &signer, &token);
	if (rc != RC_OK)
		return rc;
	judge_time(verifying, &token, document, out);
	if (signer.certificate != NULL)
		rc = judge_certificate(verifying, data, signer.certificate, out);
	else
		add(out, VERIFY_REVOCATION_UNKNOWN);
	token_facts_free(&token);
	static const uint64_t both =
		VERIFY_BIT(VERIFY_NO_TIMESTAMP) | VERIFY_BIT(VERIFY_REVOCATION_UNKNOWN);
	if ((out->faults & both) == both)
		add(out, VERIFY_NEITHER);
	return rc;
}

/* A CMS file: each of its signers is a signature of the whole content. */

static rc_t judge_cms(struct verifying *verifying, struct signed_data *data, size_t file_len)
{
	const struct span *given = verifying->options->content;
	struct verify_report *report = verifying->report;
	struct content content = {{SPAN_NONE, SPAN_NONE}};
	rc_t rc = RC_OK;

	int count = signed_data_signers(data);
	if (count > VERIFY_SIGNATURES_MAX)
		return RC_PDF_TOO_LONG;
	if (data->inside.data == NULL && given == NULL)
		return RC_NOT_FOUND;
	report->signatures = calloc((size_t)count + 1, sizeof(report->signatures[0]));
	if (report->signatures == NULL)
		return RC_NO_MEMORY;
	if (data->inside.data != NULL)
		content.parts[0] = data->inside;
	else if (given != NULL)
		content.parts[0] = *given;
	for (int i = 0; rc == RC_OK && i < count; i++) {
		struct verify_signature *out = &report->signatures[report->count++];
		memcpy(out->format, "CMS", 4);
		out->covered = content.parts[0].len;
		out->whole_file = true;
		rc = judge_signature(verifying, data, i, &content, false, NULL, out);
		/* a content beside the one inside would be believed to be what was signed */
		if (data->inside.data != NULL && given != NULL &&
			!span_equal(*given, data->inside)) {
			out->intact = VERIFY_BAD;
			add(out, VERIFY_DOCUMENT_CHANGED);
		}
		if (data->len != file_len)
			add(out, VERIFY_CMS_TRAILING);
	}
	return rc;
}

/* DER, or PEM of whatever name. */
static rc_t verify_cms(struct verifying *verifying, struct span file)
{
	struct signed_data data = {0};
	unsigned char *bytes = NULL;
	char *name = NULL;
	char *header = NULL;
	long len = 0;

	rc_t rc = signed_data_read(file, &data);
	if (rc == RC_FORMAT && file.len > 0 && file.len <= INT32_MAX) {
		BIO *bio = BIO_new_mem_buf(file.data, (int)file.len);
		if (bio != NULL && PEM_read_bio(bio, &name, &header, &bytes, &len) == 1) {
			file = SPAN(bytes, (size_t)len);
			rc = signed_data_read(file, &data);
		}
		BIO_free(bio);
	}
	if (rc == RC_OK)
		rc = judge_cms(verifying, &data, file.len);
	signed_data_free(&data);
	OPENSSL_free(bytes);
	OPENSSL_free(name);
	OPENSSL_free(header);
	ERR_clear_error();
	return rc;
}

static bool looks_like_pdf(struct span file)
{
	return file.len >= 5 && memcmp(file.data, "%PDF-", 5) == 0;
}

rc_t verify_file(
	struct span file, const struct verify_options *options, struct verify_report **report)
{
	enum { URLS = 16 };
	struct verifying verifying = {.options = options};

	if (file.len > VERIFY_LEN_MAX)
		return RC_PDF_TOO_LONG;
	struct verify_report *fresh = calloc(1, sizeof(*fresh));
	if (fresh == NULL)
		return RC_NO_MEMORY;
	fresh->crl_urls = calloc(URLS, sizeof(fresh->crl_urls[0]));
	fresh->pdf = looks_like_pdf(file);
	fresh->checked_ms = options->now_ms;
	fresh->file_len = file.len;
	verifying.report = fresh;
	rc_t rc = fresh->crl_urls == NULL ? RC_NO_MEMORY
		  : fresh->pdf		  ? verify_pdf(&verifying, file)
					  : verify_cms(&verifying, file);
	/* a PDF, for whoever opens it; a CMS may hold one */
	if (rc == RC_FORMAT && pdf_begins_late(file))
		rc = RC_PDF_LATE;
	sk_X509_pop_free(verifying.certificates, X509_free);
	sk_X509_CRL_pop_free(verifying.crls, X509_CRL_free);
	if (rc != RC_OK) {
		verify_report_free(&fresh);
		return rc;
	}
	*report = fresh;
	return RC_OK;
}
