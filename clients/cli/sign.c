#include "clients/cli/sign.h"

#include <stdlib.h>

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

static enum cli_exit prepare_all(struct signing *signing)
{
	struct cli_progress progress = {0};
	enum cli_exit code = CLI_DONE;

	for (size_t i = 0; code == CLI_DONE && i < signing->count; i++) {
		code = sign_prepare(signing, &signing->documents[i]);
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

/* One that fails does not take the others' signatures away. */
static enum cli_exit finish_all(struct signing *signing)
{
	enum cli_exit code = CLI_DONE;

	for (size_t i = 0; i < signing->count; i++) {
		enum cli_exit one = sign_finish(signing, i);
		code = code == CLI_DONE ? one : code;
	}
	return code;
}

enum cli_exit cli_sign(struct cli *cli)
{
	struct signing signing = {.cli = cli};

	enum cli_exit code = sign_plan(&signing);
	if (code == CLI_DONE)
		code = sign_find_credential(&signing);
	if (code == CLI_DONE)
		code = sign_choose_scheme(&signing);
	if (code == CLI_DONE)
		code = prepare_all(&signing);
	if (code == CLI_DONE)
		code = ask_factors(&signing);
	if (code == CLI_DONE)
		code = authorize_and_sign(&signing);
	if (code == CLI_DONE) {
		code = finish_all(&signing);
		sign_report(&signing);
	}
	signing_free(&signing);
	return code;
}
