/* What was signed, in words and in JSON. */
#include "clients/cli/sign.h"

/* A path may be of any bytes; JSON cannot. */
static json_t *json_path(const char *path)
{
	json_t *text = json_string(path);

	return text != NULL ? text : json_null();
}

void sign_report(const struct signing *signing)
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
			cli_plain(cli), sign_out_path(document));
		if (document->earlier > 0)
			cli_say(cli, "       %zu earlier signature(s) kept",
				"       giữ nguyên %zu chữ ký trước", document->earlier);
		json_array_append_new(
			documents, json_pack("{s:o, s:o, s:I}", "input", json_path(document->in),
					   "output", json_path(sign_out_path(document)),
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
