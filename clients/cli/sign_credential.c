/* Who signs, and how. */
#include "clients/cli/sign.h"

#include <string.h>

static enum cli_exit read_credential(struct signing *signing, const char *id)
{
	struct cli *cli = signing->cli;

	rc_t rc = csc_credential_info(cli->client, id, &signing->credential, &cli->answer);
	return rc == RC_OK ? CLI_DONE : cli_fail_rc(cli, rc);
}

/* --credential, or the only enabled one of --user. */
enum cli_exit sign_find_credential(struct signing *signing)
{
	struct cli *cli = signing->cli;
	const char *credential = cli_value(cli, "credential");
	const char *user = cli_value(cli, "user");
	enum cli_exit code = CLI_DONE;

	if (credential != NULL)
		return read_credential(signing, credential);
	if (user == NULL)
		return cli_fail(cli, CLI_USAGE, "who signs? Give --user or --credential",
			"ai ký? Hãy dùng --user hoặc --credential");
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

enum cli_exit sign_choose_scheme(struct signing *signing)
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
	if (!credential->needs_pin)
		return cli_fail(cli, CLI_POLICY,
			"%s is authorised by its signer in a browser, not by a PIN given to a program",
			"%s được người ký cho phép trên trình duyệt, không bằng PIN nhập vào phần mềm",
			credential->id);
	if (wanted != NULL && !pss && strcmp(wanted, "pkcs1") != 0)
		return cli_fail(cli, CLI_USAGE, "--scheme is pkcs1 or pss, not %s",
			"--scheme là pkcs1 hoặc pss, không phải %s", wanted);
	if (pss && !credential->rsa)
		return cli_fail(cli, CLI_USAGE,
			"--scheme is for RSA keys; this key is %ld-bit ECDSA",
			"--scheme chỉ cho khoá RSA; khoá này là ECDSA %ld bit", credential->bits);
	signing->scheme = !credential->rsa ? ADES_ECDSA : pss ? ADES_RSA_PSS : ADES_RSA_PKCS1;
	signing->digest = !credential->rsa && credential->bits > 256 ? ADES_SHA384 : ADES_SHA256;
	return CLI_DONE;
}
