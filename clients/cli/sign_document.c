/* One document: the digest that is to be signed, and the signed file. */
#include "clients/cli/sign.h"

#include "base/clock.h"
#include "clients/lib/ades/pdf.h"

static enum cli_exit fail_document(
	struct cli *cli, const struct document *document, rc_t rc, struct buf *detail)
{
	enum cli_exit code = CLI_LOCAL;
	const char *words = cli_refusal(cli, rc, &code);
	const char *parser = NULL;

	if (buf_string(detail, &parser) != RC_OK || detail->len == 0)
		return cli_fail(cli, code, "%s: %s", "%s: %s", document->in, words);
	return cli_fail(cli, code, "%s: %s (%s)", "%s: %s (%s)", document->in, words, parser);
}

enum cli_exit sign_prepare(struct signing *signing, struct document *document)
{
	struct cli *cli = signing->cli;
	struct span chain[CSC_CHAIN];
	struct buf pdf = BUF_INIT;
	struct buf detail = BUF_INIT;

	for (size_t i = 1; i < signing->credential.certificate_count; i++)
		chain[i - 1] = buf_span(&signing->credential.certificates[i]);
	const struct pades_options options = {
		.signer = {.certificate = buf_span(&signing->credential.certificates[0]),
			.chain = chain,
			.chain_len = signing->credential.certificate_count - 1,
			.scheme = signing->scheme,
			.digest = signing->digest},
		.signed_at_ms = clock_wall_ms(),
		.reason = cli_value(cli, "reason"),
		.location = cli_value(cli, "location"),
		.detail = &detail,
	};
	enum cli_exit code = cli_file_read(cli, document->in, PDF_LEN_MAX, &pdf);
	if (code == CLI_DONE) {
		rc_t rc = pades_prepare(buf_span(&pdf), &options, &document->pades);
		if (rc != RC_OK)
			code = fail_document(cli, document, rc, &detail);
		else
			document->earlier = pades_earlier(document->pades);
	}
	buf_free(&pdf);
	buf_free(&detail);
	return code;
}

enum cli_exit sign_finish(struct signing *signing, size_t index)
{
	struct cli *cli = signing->cli;
	struct document *document = &signing->documents[index];
	struct buf out = BUF_INIT;
	enum cli_exit code;

	rc_t rc = pades_finish(document->pades, buf_span(&signing->signatures[index]), &out);
	code = rc != RC_OK ? fail_document(cli, document, rc, &out)
			   : cli_file_write(cli, sign_out_path(document), buf_span(&out),
				     cli_has(cli, "force"));
	document->done = code == CLI_DONE;
	pades_free(&document->pades);
	buf_free(&out);
	return code;
}
