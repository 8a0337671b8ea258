#include "clients/lib/ades/pades.h"

#include "clients/lib/ades/appearance_draw.h"
#include "clients/lib/ades/cms.h"
#include "clients/lib/ades/pdf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CMS_RESERVE 16384 /* a chain of four RSA-4096 certificates fits; B-T will need more */

struct pades {
	struct buf file;
	struct pdf_hole hole;
	struct cms *cms;
	size_t earlier;
};

/* ISO 32000-1 §7.9.4 */
static rc_t pdf_date(int64_t at_ms, char text[32])
{
	time_t seconds = (time_t)(at_ms / 1000);
	struct tm parts;

	if (at_ms < 0 || gmtime_r(&seconds, &parts) == NULL ||
		strftime(text, 32, "D:%Y%m%d%H%M%SZ", &parts) == 0)
		return RC_RANGE;
	return RC_OK;
}

/* All of the file but the hole. */
static rc_t digest_ranges(const struct pades *pades, enum ades_digest digest,
	uint8_t out[ADES_DIGEST_MAX], size_t *out_len)
{
	const struct buf *file = &pades->file;
	const struct pdf_hole *hole = &pades->hole;
	const EVP_MD *md = cms_digest_md(digest);
	unsigned len = 0;
	rc_t rc = RC_CRYPTO;

	if (md == NULL)
		return RC_HASH_ALGO_INVALID;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	if (context != NULL && EVP_DigestInit_ex(context, md, NULL) == 1 &&
		EVP_DigestUpdate(context, file->data, hole->start) == 1 &&
		EVP_DigestUpdate(context, file->data + hole->end, file->len - hole->end) == 1 &&
		EVP_DigestFinal_ex(context, out, &len) == 1) {
		*out_len = len;
		rc = RC_OK;
	}
	EVP_MD_CTX_free(context);
	return rc;
}

static rc_t append_signature(
	struct pades *pades, struct pdf *pdf, const struct pades_options *options)
{
	char date[32];
	struct appearance_words words = {.detail = options->detail};
	struct pdf_widget widget;
	struct pdf_signature signature = {
		.date = date,
		.name = options->name,
		.reason = options->reason,
		.location = options->location,
		.reserve = CMS_RESERVE,
	};

	rc_t rc = pdf_date(options->signed_at_ms, date);
	if (rc == RC_OK && options->appearance != NULL) {
		rc = appearance_draw(options->appearance, options->signer.certificate,
			options->signed_at_ms, pdf, &words, &widget);
		signature.widget = &widget;
	}
	if (rc == RC_OK)
		rc = pdf_append_signature(pdf, &signature, &pades->file, &pades->hole);
	buf_free(&words.description);
	return rc;
}

static rc_t append(struct pades *pades, struct span bytes, const struct pades_options *options)
{
	struct pdf *pdf = NULL;

	rc_t rc = pdf_open(bytes, options->detail, &pdf);
	if (rc != RC_OK)
		return rc;
	pades->earlier = pdf_signature_count(pdf);
	rc = append_signature(pades, pdf, options);
	pdf_free(&pdf);
	return rc;
}

rc_t pades_prepare(struct span pdf, const struct pades_options *options, struct pades **pades)
{
	uint8_t digest[ADES_DIGEST_MAX];
	size_t len = 0;

	struct pades *fresh = calloc(1, sizeof(*fresh));
	if (fresh == NULL)
		return RC_NO_MEMORY;
	rc_t rc = append(fresh, pdf, options);
	if (rc == RC_OK)
		rc = digest_ranges(fresh, options->signer.digest, digest, &len);
	if (rc == RC_OK)
		rc = cms_prepare(&options->signer, SPAN(digest, len), &fresh->cms);
	if (rc != RC_OK) {
		pades_free(&fresh);
		return rc;
	}
	*pades = fresh;
	return RC_OK;
}

void pades_free(struct pades **pades)
{
	if (*pades == NULL)
		return;
	buf_free(&(*pades)->file);
	cms_free(&(*pades)->cms);
	free(*pades);
	*pades = NULL;
}

struct span pades_to_sign(const struct pades *pades)
{
	return cms_to_sign(pades->cms);
}

size_t pades_earlier(const struct pades *pades)
{
	return pades->earlier;
}

static void put_hex(uint8_t *at, const struct buf *bytes)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < bytes->len; i++) {
		*at++ = (uint8_t)digits[bytes->data[i] >> 4];
		*at++ = (uint8_t)digits[bytes->data[i] & 15];
	}
}

rc_t pades_finish(struct pades *pades, struct span signature, struct buf *out)
{
	struct buf der = BUF_INIT;

	rc_t rc = cms_finish(pades->cms, signature, &der);
	if (rc == RC_OK && der.len > CMS_RESERVE)
		rc = RC_TOO_LONG;
	if (rc == RC_OK) {
		put_hex(pades->file.data + pades->hole.start + 1, &der);
		buf_free(out);
		*out = pades->file;
		pades->file = BUF_INIT;
	}
	buf_free(&der);
	return rc;
}

struct listing {
	struct pades_summary *summaries;
	size_t max;
	size_t count;
};

static rc_t list_one(void *arg, struct span contents)
{
	struct listing *listing = arg;
	struct cms_summary summary = {0};

	rc_t rc = cms_read(contents, &summary);
	if (rc != RC_OK && rc != RC_FORMAT)
		return rc;
	if (listing->count < listing->max) {
		struct pades_summary *out = &listing->summaries[listing->count];
		memcpy(out->digest, summary.digest, sizeof(out->digest));
		out->digest_len = summary.digest_len;
		snprintf(out->signer, sizeof(out->signer), "%s", summary.signer);
	}
	listing->count++;
	return RC_OK;
}

rc_t pades_list(struct span pdf, struct pades_summary summaries[], size_t max, size_t *count)
{
	struct listing listing = {.summaries = summaries, .max = max};
	struct pdf *opened = NULL;

	rc_t rc = pdf_open(pdf, NULL, &opened);
	if (rc != RC_OK)
		return rc;
	rc = pdf_each_signature(opened, list_one, &listing);
	pdf_free(&opened);
	if (rc == RC_OK)
		*count = listing.count;
	return rc;
}
