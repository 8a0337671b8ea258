/* From a record to a signed file: the digest that the signer approves, and the signature embedded.
 * The files are the school's own, so that they are read in this process. */
#include "clients/demo-app/demo.h"

#include "base/clock.h"
#include "clients/lib/download.h"

#include <string.h>

#define CRL_MAX ((size_t)32 << 20)
#define CRLS_MAX 4
#define REASON "Ký hồ sơ học sinh"

/* As the server's own credentials/info lists them first. */
enum ades_scheme signing_scheme(const struct csc_credential *credential)
{
	return credential->rsa ? ADES_RSA_PKCS1 : ADES_ECDSA;
}

enum ades_digest signing_digest(const struct csc_credential *credential)
{
	return !credential->rsa && credential->bits > 256 ? ADES_SHA384 : ADES_SHA256;
}

rc_t signing_prepare(struct demo *demo, const struct visit *visit, struct flow *flow)
{
	const struct csc_credential *credential = &visit->credential;
	struct span chain[CSC_CHAIN];
	rc_t rc = RC_OK;

	for (size_t i = 1; i < credential->certificate_count; i++)
		chain[i - 1] = buf_span(&credential->certificates[i]);
	const struct pades_options options = {
		.signer =
			{
				.certificate = buf_span(&credential->certificates[0]),
				.chain = chain,
				.chain_len = credential->certificate_count - 1,
				.scheme = signing_scheme(credential),
				.digest = signing_digest(credential),
			},
		.signed_at_ms = clock_wall_ms(),
		.reason = REASON,
		.appearance = flow->visible ? demo->appearance : NULL,
	};
	for (size_t i = 0; rc == RC_OK && i < DEMO_RECORDS; i++) {
		if ((flow->chosen & 1u << i) != 0)
			rc = pades_prepare(
				buf_span(&demo->records[i].pdf), &options, &flow->pades[i]);
	}
	return rc;
}

size_t signing_hashes(const struct demo *demo, const struct visit *visit, const struct flow *flow,
	struct span hashes[], const char *labels[])
{
	size_t count = 0;

	for (size_t i = 0; i < DEMO_RECORDS; i++) {
		if (flow->pades[i] == NULL)
			continue;
		hashes[count] = pades_to_sign(flow->pades[i]);
		labels[count++] = visit_text(visit, demo->records[i].title);
	}
	return count;
}

/* The CRLs that the certificates name; without them revocation stays unknown, and is said so. */
static bool fetch_crls(struct verify_trust *trust, const struct verify_report *report)
{
	struct buf crl = BUF_INIT;
	char why[DOWNLOAD_TEXT];
	bool any = false;

	for (size_t i = 0; i < report->crl_url_count && i < CRLS_MAX; i++) {
		const char *url = NULL;
		if (buf_string(&report->crl_urls[i], &url) == RC_OK &&
			download(url, CRL_MAX, &crl, why) == RC_OK &&
			verify_trust_add_crl(trust, buf_span(&crl)) == RC_OK)
			any = true;
	}
	buf_free(&crl);
	return any;
}

/* A timestamp is not part of this demonstration. */
static rc_t judge(const struct demo *demo, struct result *result)
{
	struct verify_trust *trust = NULL;
	struct verify_report *report = NULL;
	struct verify_options options = {.now_ms = clock_wall_ms(), .expect = VERIFY_PERSON};

	rc_t rc = verify_trust_new(&trust);
	if (rc == RC_OK)
		rc = verify_trust_add_roots(trust, buf_span(&demo->trust));
	options.trust = trust;
	if (rc == RC_OK)
		rc = verify_file(buf_span(&result->pdf), &options, &report);
	if (rc == RC_OK && fetch_crls(trust, report)) {
		verify_report_free(&report);
		rc = verify_file(buf_span(&result->pdf), &options, &report);
	}
	if (rc == RC_OK && report->count > 0) {
		result->judged = true;
		result->signature = report->signatures[report->count - 1];
		result->holds = verify_holds(report, VERIFY_BIT(VERIFY_NO_TIMESTAMP));
	}
	verify_report_free(&report);
	verify_trust_free(&trust);
	return rc;
}

static rc_t finish_one(
	struct demo *demo, struct pades *pades, const struct buf *signature, struct result *result)
{
	rc_t rc = pades_finish(pades, buf_span(signature), &result->pdf);

	return rc == RC_OK ? judge(demo, result) : rc;
}

rc_t signing_finish(
	struct demo *demo, struct visit *visit, struct flow *flow, const struct buf signatures[])
{
	struct result fresh[DEMO_RECORDS] = {0};
	size_t next = 0;
	rc_t rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < DEMO_RECORDS; i++) {
		if (flow->pades[i] != NULL)
			rc = finish_one(demo, flow->pades[i], &signatures[next++], &fresh[i]);
	}
	for (size_t i = 0; i < DEMO_RECORDS; i++) {
		struct result *old = &visit->results[i];
		if (rc == RC_OK && fresh[i].pdf.len > 0) {
			buf_free(&old->pdf);
			*old = fresh[i];
		} else {
			buf_free(&fresh[i].pdf);
		}
	}
	return rc;
}
