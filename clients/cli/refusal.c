/* What went wrong, in the user's words: the server's own; in Vietnamese those of the one error list
 * where the server's are of that list. */
#include "clients/cli/cli.h"

#include <stdio.h>
#include <string.h>

static const struct {
	rc_t rc;
	enum cli_exit code;
} exits[] = {
	{RC_PIN_WRONG, CLI_FACTOR},
	{RC_OTP_WRONG, CLI_FACTOR},
	{RC_OTP_WRONG_V2, CLI_FACTOR},
	{RC_OTP_REPLAYED, CLI_FACTOR},
	{RC_PIN_LOCKED, CLI_FACTOR},
	{RC_ACTIVATION_REFUSED, CLI_FACTOR},
	{RC_PIN_WEAK, CLI_FACTOR},
	{RC_POLICY_DENIED, CLI_POLICY},
	{RC_POLICY_WAIT, CLI_POLICY},
	{RC_SUBSCRIBER_DISABLED, CLI_REFUSED},
	{RC_CREDENTIAL_DISABLED, CLI_POLICY},
	{RC_CREDENTIAL_ID_INVALID, CLI_REFUSED},
	{RC_CERTIFICATE_EXPIRED, CLI_REFUSED},
	{RC_SAD_EXPIRED, CLI_REFUSED},
	{RC_OPERATOR_REQUIRED, CLI_REFUSED},
	{RC_CLIENT_ID_INVALID, CLI_REFUSED},
	{RC_CLIENT_SECRET_INVALID, CLI_REFUSED},
	{RC_CONFLICT, CLI_REFUSED},
	{RC_TOO_MANY, CLI_UNREACHABLE},
	{RC_STORE_DOWN, CLI_UNREACHABLE},
	{RC_HSM_DOWN, CLI_UNREACHABLE},
	{RC_UNAVAILABLE, CLI_UNREACHABLE},
	{RC_PDF_DAMAGED, CLI_INPUT},
	{RC_PDF_LATE, CLI_INPUT},
	{RC_PDF_ENCRYPTED, CLI_INPUT},
	{RC_PDF_FINAL, CLI_INPUT},
	{RC_PDF_TOO_LONG, CLI_INPUT},
	{RC_PDF_NO_PAGE, CLI_INPUT},
	{RC_OFF_PAGE, CLI_INPUT},
	{RC_BOX_TOO_SMALL, CLI_INPUT},
	{RC_PICTURE_DAMAGED, CLI_INPUT},
	{RC_PICTURE_TOO_LARGE, CLI_INPUT},
	{RC_SEAL_SIZE, CLI_INPUT},
	{RC_FONT_DAMAGED, CLI_INPUT},
	{RC_FONT_LACKS, CLI_INPUT},
	{RC_NO_MEMORY, CLI_LOCAL},
	{RC_SERVER_ANSWER, CLI_UNREACHABLE},
	{RC_SIGNATURE_BAD, CLI_REFUSED},
	{RC_SIGN_ALGO_INVALID, CLI_USAGE},
};

/* By the OAuth or CSC error, when the text is not one of ours (the policy's reasons are not). */
static const struct {
	const char *error;
	enum cli_exit code;
} errors[] = {
	{"invalid_pin", CLI_FACTOR},
	{"invalid_otp", CLI_FACTOR},
	{"invalid_authentication_data", CLI_FACTOR},
	{"weak_pin", CLI_FACTOR},
	{"access_denied", CLI_POLICY},
	{"temporarily_unavailable", CLI_UNREACHABLE},
};

/* Ours that name the parameter or the object add it after a colon. */
static bool words_are(const char *words, rc_t rc, enum rc_version version)
{
	size_t len = strlen(rc_text(rc, version));

	return strncmp(words, rc_text(rc, version), len) == 0 &&
	       (words[len] == 0 || words[len] == ':');
}

/* The error of the one list that the server's words are of; rc itself if there is none. */
static rc_t refusal_rc(const struct client_answer *answer, rc_t rc)
{
	for (int i = RC_OK + 1; rc == RC_SERVER_REFUSED && i < RC_COUNT; i++) {
		if (rc_status(i) == answer->status && strcmp(rc_error(i), answer->error) == 0 &&
			(words_are(answer->text, i, RC_CSC_V1) ||
				words_are(answer->text, i, RC_CSC_V2)))
			return i;
	}
	return rc;
}

static enum cli_exit refusal_exit(const struct client_answer *answer, rc_t rc, rc_t said)
{
	if (rc == RC_SERVER_REFUSED && (answer->status == 429 || answer->status == 503))
		return CLI_UNREACHABLE;
	for (size_t i = 0; i < sizeof(exits) / sizeof(exits[0]); i++) {
		if (exits[i].rc == said)
			return exits[i].code;
	}
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		if (strcmp(errors[i].error, answer->error) == 0)
			return errors[i].code;
	}
	return rc == RC_SERVER_REFUSED	     ? CLI_REFUSED
	       : rc == RC_SERVER_UNREACHABLE ? CLI_UNREACHABLE
					     : CLI_LOCAL;
}

const char *cli_refusal(struct cli *cli, rc_t rc, enum cli_exit *code)
{
	const struct client_answer *answer = &cli->answer;
	rc_t said = refusal_rc(answer, rc);
	bool answered = rc == RC_SERVER_REFUSED || rc == RC_SERVER_UNREACHABLE;

	*code = refusal_exit(answer, rc, said);
	if (cli->vietnamese && said == RC_SERVER_UNREACHABLE && answer->text[0] != 0) {
		snprintf(cli->refusal, sizeof(cli->refusal), "%s (%s)", rc_text_vi(said),
			answer->text);
		return cli->refusal;
	}
	if (cli->vietnamese && said != RC_SERVER_REFUSED && said != RC_SERVER_UNREACHABLE) {
		const char *name = said == rc ? NULL : strchr(answer->text, ':');

		snprintf(cli->refusal, sizeof(cli->refusal), "%s%s", rc_text_vi(said),
			name == NULL ? "" : name);
		return cli->refusal;
	}
	return answered && answer->text[0] != 0 ? answer->text : rc_text(rc, RC_CSC_V1);
}

static void note_what_next(const struct cli *cli, rc_t rc)
{
	if (rc == RC_SERVER_UNREACHABLE)
		cli_note(cli, "Is the service running at %s, and is --ca-cert its root?",
			"Dịch vụ có đang chạy tại %s không, và --ca-cert có đúng chứng thư gốc không?",
			cli_value(cli, "url") == NULL ? "?" : cli_value(cli, "url"));
	if (cli->answer.retry_after_s > 0)
		cli_note(cli, "Try again in %u s.", "Hãy thử lại sau %u giây.",
			cli->answer.retry_after_s);
	if (cli->answer.request[0] != 0)
		cli_note(cli, "Request %s: quote it to the operator.",
			"Mã yêu cầu %s: hãy báo mã này cho người vận hành.", cli->answer.request);
}

enum cli_exit cli_fail_rc(struct cli *cli, rc_t rc)
{
	enum cli_exit code = CLI_LOCAL;
	const char *text = cli_refusal(cli, rc, &code);

	cli_fail(cli, code, "%s", "%s", text);
	note_what_next(cli, rc);
	if (cli->answer.retry_after_s > 0)
		cli_result(cli, "retryAfter", json_integer(cli->answer.retry_after_s));
	return code;
}
