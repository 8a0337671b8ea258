#include "clients/cli/cli.h"

#include "base/clock.h"
#include "clients/lib/ades/pades.h"
#include "clients/lib/ades/pdf.h"
#include "clients/lib/csc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

struct document {
	const char *in;
	struct stat in_status;
	struct buf out; /* the path */
	size_t earlier;
	struct pades *pades;
	bool done;
};

struct signing {
	struct cli *cli;
	struct csc_credential credential;
	enum ades_scheme scheme;
	enum ades_digest digest;
	struct document *documents;
	struct span *hashes;
	struct buf *signatures;
	size_t count;
	struct secret pin, otp, sad;
};

static void signing_free(struct signing *signing)
{
	for (size_t i = 0; i < signing->count; i++) {
		if (signing->documents != NULL) {
			buf_free(&signing->documents[i].out);
			pades_free(&signing->documents[i].pades);
		}
		if (signing->signatures != NULL)
			buf_free(&signing->signatures[i]);
	}
	free(signing->documents);
	free(signing->hashes);
	free(signing->signatures);
	csc_credential_free(&signing->credential);
	secret_free(&signing->pin);
	secret_free(&signing->otp);
	secret_free(&signing->sad);
}

static const char *out_path(const struct document *document)
{
	return (const char *)document->out.data;
}

/* NAME.pdf gives NAME-signed.pdf. */
static rc_t choose_out_path(const struct signing *signing, struct document *document)
{
	const char *given = cli_value(signing->cli, "output");
	size_t len = strlen(document->in);
	const char *text = NULL;
	rc_t rc;

	if (given != NULL) {
		rc = buf_append_string(&document->out, given);
	} else {
		if (len > 4 && strcasecmp(document->in + len - 4, ".pdf") == 0)
			len -= 4;
		rc = buf_append(&document->out, document->in, len);
		if (rc == RC_OK)
			rc = buf_append_string(&document->out, "-signed.pdf");
	}
	return rc == RC_OK ? buf_string(&document->out, &text) : rc;
}

static bool is_an_input(const struct signing *signing, const struct stat *status)
{
	for (size_t i = 0; i < signing->count; i++) {
		const struct stat *in = &signing->documents[i].in_status;
		if (in->st_dev == status->st_dev && in->st_ino == status->st_ino)
			return true;
	}
	return false;
}

/* Before a PIN is asked for: an output that cannot be is no reason to spend an authorisation. */
static enum cli_exit check_out_path(struct signing *signing, const struct document *document)
{
	struct cli *cli = signing->cli;
	struct stat status;

	if (stat(out_path(document), &status) != 0)
		return cli_file_writable(cli, out_path(document));
	if (is_an_input(signing, &status))
		return cli_fail(cli, CLI_USAGE, "%s is an input: it is never replaced",
			"%s là tệp vào: không bao giờ ghi đè", out_path(document));
	if (!cli_has(cli, "force"))
		return cli_fail(cli, CLI_USAGE, "%s is there already; --force replaces it",
			"%s đã có; dùng --force để ghi đè", out_path(document));
	return CLI_DONE;
}

static enum cli_exit plan(struct signing *signing)
{
	struct cli *cli = signing->cli;
	enum cli_exit code = CLI_DONE;

	if (cli->argument_count > 1 && cli_has(cli, "output"))
		return cli_fail(cli, CLI_USAGE, "--output is for a single file",
			"--output chỉ dùng cho một tệp");
	signing->documents = calloc(cli->argument_count, sizeof(signing->documents[0]));
	signing->hashes = calloc(cli->argument_count, sizeof(signing->hashes[0]));
	signing->signatures = calloc(cli->argument_count, sizeof(signing->signatures[0]));
	if (signing->documents == NULL || signing->hashes == NULL || signing->signatures == NULL)
		return cli_fail_rc(cli, RC_NO_MEMORY);
	signing->count = cli->argument_count;
	for (size_t i = 0; i < signing->count; i++) {
		struct document *document = &signing->documents[i];
		document->in = cli->arguments[i];
		if (stat(document->in, &document->in_status) != 0)
			return cli_fail(cli, CLI_INPUT, "there is no file %s", "không có tệp %s",
				document->in);
		if (choose_out_path(signing, document) != RC_OK)
			return cli_fail_rc(cli, RC_NO_MEMORY);
	}
	for (size_t i = 0; code == CLI_DONE && i < signing->count; i++)
		code = check_out_path(signing, &signing->documents[i]);
	return code;
}

static enum cli_exit read_credential(struct signing *signing, const char *id)
{
	struct cli *cli = signing->cli;

	rc_t rc = csc_credential_info(cli->client, id, &signing->credential, &cli->answer);
	return rc == RC_OK ? CLI_DONE : cli_fail_rc(cli, rc);
}

/* --credential, or the only enabled one of --user. */
static enum cli_exit find_credential(struct signing *signing)
{
	struct cli *cli = signing->cli;
	const char *credential = cli_value(cli, "credential");
	const char *user = cli_value(cli, "user");
	enum cli_exit code = CLI_DONE;

	if (credential != NULL)
		return read_credential(signing, credential);
	if (user == NULL)
		return cli_fail(cli, CLI_USAGE, "who signs? Give --user or --credential",
			"ai ký? Hãy cho --user hoặc --credential");
	rc_t rc = csc_list(cli->client, user, &cli->answer);
	if (rc != RC_OK)
		return cli_fail_rc(cli, rc);
	json_t *ids = json_incref(json_object_get(cli->answer.body, "credentialIDs"));
	size_t count = json_array_size(ids);
	if (count == 1 && json_is_string(json_array_get(ids, 0)))
		code = read_credential(signing, json_string_value(json_array_get(ids, 0)));
	else if (count == 0)
		code = cli_fail(cli, CLI_REFUSED, "this subscriber has no credential to sign with",
			"thuê bao này chưa có chứng thư để ký");
	else
		code = cli_fail(cli, CLI_USAGE,
			"this subscriber has %zu credentials: choose one with --credential (see %s)",
			"thuê bao này có %zu chứng thư: hãy chọn bằng --credential (xem %s)", count,
			"rssp list");
	json_decref(ids);
	return code;
}

static enum cli_exit choose_scheme(struct signing *signing)
{
	struct cli *cli = signing->cli;
	const struct csc_credential *credential = &signing->credential;
	const char *wanted = cli_value(cli, "scheme");
	bool pss = wanted != NULL && strcmp(wanted, "pss") == 0;

	if (!credential->enabled)
		return cli_fail(cli, CLI_POLICY,
			"%s may not sign now: locked after wrong PINs or OTPs, stopped, or refused by the "
			"policy; an operator sees which",
			"%s hiện không được ký: bị khoá do nhập sai PIN hoặc OTP, bị ngừng, hoặc không được "
			"chính sách cho phép; người vận hành xem được lý do",
			credential->id);
	if (credential->certificate_count == 0)
		return cli_fail_rc(cli, RC_SERVER_ANSWER);
	if (wanted != NULL && !pss && strcmp(wanted, "pkcs1") != 0)
		return cli_fail(cli, CLI_USAGE, "--scheme is pkcs1 or pss, not %s",
			"--scheme là pkcs1 hoặc pss, không phải %s", wanted);
	if (pss && !credential->rsa)
		return cli_fail(cli, CLI_USAGE,
			"--scheme is for RSA keys; this key is %ld-bit ECDSA",
			"--scheme chỉ cho khoá RSA; khoá này là ECDSA %ld bit", credential->bits);
	signing->scheme = !credential->rsa ? ADES_ECDSA : pss ? ADES_RSA_PSS : ADES_RSA_PKCS1;
	signing->digest = !credential->rsa && credential->bits > 256 ? ADES_SHA384 : ADES_SHA256;
	if (signing->count > credential->multisign)
		return cli_fail(cli, CLI_USAGE, "at most %zu files in one go",
			"mỗi lần tối đa %zu tệp", credential->multisign);
	return CLI_DONE;
}

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

static enum cli_exit prepare(struct signing *signing, struct document *document)
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

static enum cli_exit prepare_all(struct signing *signing)
{
	struct cli_progress progress = {0};
	enum cli_exit code = CLI_DONE;

	for (size_t i = 0; code == CLI_DONE && i < signing->count; i++) {
		code = prepare(signing, &signing->documents[i]);
		if (code == CLI_DONE)
			signing->hashes[i] = pades_to_sign(signing->documents[i].pades);
		cli_progress(signing->cli, &progress, i + 1, signing->count);
	}
	return code;
}

/* Authenticators show "123 456". */
static void drop_spaces(struct secret *otp)
{
	size_t kept = 0;

	for (size_t i = 0; i < otp->bytes.len; i++) {
		if (otp->bytes.data[i] != ' ')
			otp->bytes.data[kept++] = otp->bytes.data[i];
	}
	otp->bytes.len = kept;
}

static enum cli_exit ask_factors(struct signing *signing)
{
	struct cli *cli = signing->cli;

	if (!cli_has(cli, "pin-fd") || !cli_has(cli, "otp-fd"))
		cli_note(cli, "%zu document(s) to be signed by %s",
			"%zu tài liệu sẽ được ký bởi %s", signing->count,
			signing->credential.subject);
	enum cli_exit code =
		cli_ask(cli, "pin-fd", (struct text){"PIN", "Mã PIN"}, ASK_HIDDEN, &signing->pin);
	if (code == CLI_DONE)
		code = cli_ask(cli, "otp-fd", (struct text){"One-time password", "Mã OTP"},
			ASK_HIDDEN, &signing->otp);
	drop_spaces(&signing->otp);
	return code;
}

static enum cli_exit authorize_and_sign(struct signing *signing)
{
	struct cli *cli = signing->cli;
	const struct csc_hashes hashes = {
		.items = signing->hashes, .count = signing->count, .digest = signing->digest};
	const struct csc_factors factors = {
		.pin = secret_span(&signing->pin), .otp = secret_span(&signing->otp)};

	rc_t rc = csc_authorize(cli->client, signing->credential.id, &hashes, &factors,
		&signing->sad, &cli->answer);
	secret_free(&signing->pin);
	secret_free(&signing->otp);
	if (rc == RC_OK)
		rc = csc_sign_hash(cli->client, signing->credential.id, &hashes, signing->scheme,
			&signing->sad, signing->signatures, &cli->answer);
	return rc == RC_OK ? CLI_DONE : cli_fail_rc(cli, rc);
}

static enum cli_exit finish(struct signing *signing, size_t index)
{
	struct cli *cli = signing->cli;
	struct document *document = &signing->documents[index];
	struct buf out = BUF_INIT;
	enum cli_exit code;

	rc_t rc = pades_finish(document->pades, buf_span(&signing->signatures[index]), &out);
	code = rc != RC_OK ? fail_document(cli, document, rc, &out)
			   : cli_file_write(cli, out_path(document), buf_span(&out),
				     cli_has(cli, "force"));
	document->done = code == CLI_DONE;
	pades_free(&document->pades);
	buf_free(&out);
	return code;
}

/* One that fails does not take the others' signatures away. */
static enum cli_exit finish_all(struct signing *signing)
{
	enum cli_exit code = CLI_DONE;

	for (size_t i = 0; i < signing->count; i++) {
		enum cli_exit one = finish(signing, i);
		code = code == CLI_DONE ? one : code;
	}
	return code;
}

/* A path may be of any bytes; JSON cannot. */
static json_t *json_path(const char *path)
{
	json_t *text = json_string(path);

	return text != NULL ? text : json_null();
}

static void report(const struct signing *signing)
{
	struct cli *cli = signing->cli;
	static const char *const schemes[] = {
		[ADES_RSA_PKCS1] = "RSA-PKCS1", [ADES_RSA_PSS] = "RSA-PSS", [ADES_ECDSA] = "ECDSA"};
	json_t *documents = json_array();

	for (size_t i = 0; i < signing->count; i++) {
		const struct document *document = &signing->documents[i];
		if (!document->done)
			continue;
		cli_say(cli, "%ssigned%s %s", "%sđã ký%s %s", cli_colour(cli, COLOUR_GOOD),
			cli_plain(cli), out_path(document));
		if (document->earlier > 0)
			cli_say(cli, "       %zu earlier signature(s) kept",
				"       giữ nguyên %zu chữ ký trước", document->earlier);
		json_array_append_new(
			documents, json_pack("{s:o, s:o, s:I}", "input", json_path(document->in),
					   "output", json_path(out_path(document)),
					   "earlierSignatures", (json_int_t)document->earlier));
	}
	cli_say(cli, "       by %s, request %s", "       bởi %s, yêu cầu %s",
		signing->credential.subject, cli->answer.request);
	cli_result(cli, "documents", documents);
	cli_result(cli, "credentialID", json_string(signing->credential.id));
	cli_result(cli, "signer", json_string(signing->credential.subject));
	cli_result(cli, "scheme", json_string(schemes[signing->scheme]));
	cli_result(cli, "requestID", json_string(cli->answer.request));
}

enum cli_exit cli_sign(struct cli *cli)
{
	struct signing signing = {.cli = cli};

	enum cli_exit code = plan(&signing);
	if (code == CLI_DONE)
		code = find_credential(&signing);
	if (code == CLI_DONE)
		code = choose_scheme(&signing);
	if (code == CLI_DONE)
		code = prepare_all(&signing);
	if (code == CLI_DONE)
		code = ask_factors(&signing);
	if (code == CLI_DONE)
		code = authorize_and_sign(&signing);
	if (code == CLI_DONE) {
		code = finish_all(&signing);
		report(&signing);
	}
	signing_free(&signing);
	return code;
}
