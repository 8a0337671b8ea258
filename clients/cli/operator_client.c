/* Client applications, as an operator registers and ends them. What is faulty in a file is said
 * here, by its name, before anything is sent: a private key never leaves. */
#include "clients/cli/cli.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define CLIENT_FILE_MAX ((size_t)1 << 20)

static enum cli_exit show_client(struct cli *cli)
{
	const char *id = client_answer_string(&cli->answer, "clientID");
	const char *secret = client_answer_string(&cli->answer, "clientSecret");

	if (id == NULL)
		return cli_fail_rc(cli, RC_SERVER_ANSWER);
	if (secret == NULL) {
		cli_say(cli, "client  %s", "ứng dụng  %s", id);
		return CLI_DONE;
	}
	cli_say(cli, "client  %s\nsecret  %s", "ứng dụng  %s\nmật khẩu  %s", id, secret);
	cli_note(cli, "The secret is shown this once: keep it where only the application reads it.",
		"Mật khẩu chỉ hiện một lần: hãy cất ở nơi chỉ ứng dụng đọc được.");
	return CLI_DONE;
}

/* RFC 7518 §6: members of private and secret keys. */
static bool jwk_is_private(const json_t *jwk)
{
	return json_object_get(jwk, "d") != NULL || json_object_get(jwk, "k") != NULL;
}

static enum cli_exit jwks_check(struct cli *cli, const char *path, const json_t *jwks)
{
	const json_t *keys = json_object_get(jwks, "keys");
	size_t private = jwk_is_private(jwks) ? 1 : 0;

	for (size_t i = 0; i < json_array_size(keys); i++) {
		private += jwk_is_private(json_array_get(keys, i)) ? 1 : 0;
	}
	if (private > 0)
		return cli_fail(cli, CLI_INPUT,
			"%s holds a private key, which only the application may have: nothing was "
			"sent. Write the public keys into another file",
			"%s chứa khoá bí mật, chỉ ứng dụng được giữ: chưa gửi gì. Hãy ghi các khoá công "
			"khai ra tệp khác",
			path);
	if (json_array_size(keys) == 0)
		return cli_fail(cli, CLI_INPUT,
			"%s is no JWK Set: {\"keys\": [ … ]} with public keys",
			"%s không phải JWK Set: {\"keys\": [ … ]} gồm các khoá công khai", path);
	return CLI_DONE;
}

static enum cli_exit put_jwks(struct cli *cli, json_t *body, const char *path)
{
	struct buf bytes = BUF_INIT;
	json_t *jwks = NULL;

	enum cli_exit code = cli_file_read(cli, path, CLIENT_FILE_MAX, &bytes);
	if (code == CLI_DONE) {
		if (bytes.len > 0)
			jwks = json_loadb(
				(const char *)bytes.data, bytes.len, JSON_REJECT_DUPLICATES, NULL);
		code = jwks_check(cli, path, jwks);
	}
	if (code == CLI_DONE && json_object_set(body, "jwks", jwks) != 0)
		code = cli_fail_rc(cli, RC_NO_MEMORY);
	json_decref(jwks);
	buf_free(&bytes);
	return code;
}

static enum cli_exit put_certificate(struct cli *cli, json_t *body, const char *path)
{
	struct buf bytes = BUF_INIT;
	const char *text = NULL;

	enum cli_exit code = cli_file_read(cli, path, CLIENT_FILE_MAX, &bytes);
	if (code == CLI_DONE && buf_string(&bytes, &text) != RC_OK)
		code = cli_fail(cli, CLI_INPUT, "%s is no certificate in PEM",
			"%s không phải chứng thư dạng PEM", path);
	if (code == CLI_DONE && strstr(text, "PRIVATE KEY-----") != NULL)
		code = cli_fail(cli, CLI_INPUT,
			"%s holds a private key, which only the application may have: nothing was "
			"sent. Write the certificate into another file",
			"%s chứa khoá bí mật, chỉ ứng dụng được giữ: chưa gửi gì. Hãy ghi chứng thư ra tệp "
			"khác",
			path);
	if (code == CLI_DONE && strstr(text, "-----BEGIN CERTIFICATE-----") == NULL)
		code = cli_fail(cli, CLI_INPUT, "%s is no certificate in PEM",
			"%s không phải chứng thư dạng PEM", path);
	if (code == CLI_DONE && json_object_set_new(body, "certificate", json_string(text)) != 0)
		code = cli_fail_rc(cli, RC_NO_MEMORY);
	buf_free(&bytes);
	return code;
}

static json_t *redirect_uris(const struct cli *cli)
{
	json_t *list = json_array();

	for (size_t i = 0; i < cli->value_count; i++) {
		if (strcmp(cli->values[i].option->name, "redirect-uri") == 0)
			json_array_append_new(list, json_string(cli->values[i].value));
	}
	return list;
}

/* What the server would say, too; here by the names of the options. */
static enum cli_exit check_options(struct cli *cli, const char *mode, const char *authentication)
{
	bool jwt = strcmp(authentication, "private-key-jwt") == 0;
	bool tls = strcmp(authentication, "tls") == 0;
	bool code = strcmp(mode, "oauth2code") == 0;

	if (cli_value(cli, "name") == NULL || cli_value(cli, "agency") == NULL)
		return cli_fail(cli, CLI_USAGE, "--name and --agency are required",
			"cần có --name và --agency");
	if (code && !cli_has(cli, "redirect-uri"))
		return cli_fail(cli, CLI_USAGE,
			"--redirect-uri is required: where the subscriber's browser comes back to "
			"(or --mode explicit: the application asks for PIN and OTP itself)",
			"cần có --redirect-uri: địa chỉ mà trình duyệt của thuê bao quay về (hoặc --mode "
			"explicit: ứng dụng tự hỏi mã PIN và OTP)");
	if (strcmp(authentication, "none") == 0 && !code)
		return cli_fail(cli, CLI_USAGE,
			"--authentication none goes with --mode oauth2code only: anybody could "
			"pretend to be that application and ask for PINs",
			"--authentication none chỉ dùng với --mode oauth2code: nếu không, ai cũng có thể "
			"mạo danh ứng dụng để hỏi mã PIN");
	if (jwt != cli_has(cli, "jwks"))
		return cli_fail(cli, CLI_USAGE,
			"--authentication private-key-jwt and --jwks FILE go together",
			"--authentication private-key-jwt và --jwks FILE phải đi cùng nhau");
	if (tls != cli_has(cli, "certificate"))
		return cli_fail(cli, CLI_USAGE,
			"--authentication tls and --certificate FILE go together",
			"--authentication tls và --certificate FILE phải đi cùng nhau");
	return CLI_DONE;
}

static enum cli_exit csc_version(struct cli *cli, int *version)
{
	const char *text = cli_value(cli, "csc-version");

	*version = text != NULL && strcmp(text, "1") == 0 ? 1 : 2;
	if (text == NULL || strcmp(text, "1") == 0 || strcmp(text, "2") == 0)
		return CLI_DONE;
	return cli_fail(cli, CLI_USAGE, "--csc-version is 1 or 2", "--csc-version là 1 hoặc 2");
}

static const char *value_or(const struct cli *cli, const char *option, const char *otherwise)
{
	const char *value = cli_value(cli, option);

	return value == NULL ? otherwise : value;
}

enum cli_exit cli_client_add(struct cli *cli)
{
	const char *mode = value_or(cli, "mode", "oauth2code");
	const char *authentication = value_or(cli, "authentication", "secret");
	int version = 2;
	json_t *body = NULL;

	enum cli_exit code = check_options(cli, mode, authentication);
	if (code == CLI_DONE)
		code = csc_version(cli, &version);
	if (code != CLI_DONE)
		return code;
	body = json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:o}", "name", cli_value(cli, "name"),
		"agencyID", cli_value(cli, "agency"), "mode", mode, "profile",
		value_or(cli, "profile", "general"), "authentication", authentication, "cscVersion",
		version, "redirectURIs", redirect_uris(cli));
	if (body == NULL)
		return cli_fail(cli, CLI_USAGE, "an option's value is no UTF-8 text",
			"giá trị của một tuỳ chọn không phải văn bản UTF-8");
	if (cli_has(cli, "jwks"))
		code = put_jwks(cli, body, cli_value(cli, "jwks"));
	if (code == CLI_DONE && cli_has(cli, "certificate"))
		code = put_certificate(cli, body, cli_value(cli, "certificate"));
	if (code == CLI_DONE)
		code = cli_call(cli, "/operator/v1/clients", body);
	else
		json_decref(body);
	return code == CLI_DONE ? show_client(cli) : code;
}

enum cli_exit cli_client_change(struct cli *cli)
{
	enum cli_exit code = CLI_DONE;
	json_t *body = NULL;

	if (!cli_has(cli, "redirect-uri") && !cli_has(cli, "jwks") && !cli_has(cli, "certificate"))
		return cli_fail(cli, CLI_USAGE,
			"what is to change? --redirect-uri (all that there are to be), --jwks or "
			"--certificate",
			"thay đổi gì? --redirect-uri (nêu đủ mọi địa chỉ), --jwks hoặc --certificate");
	body = json_pack("{s:s}", "clientID", cli->arguments[0]);
	if (cli_has(cli, "redirect-uri"))
		json_object_set_new(body, "redirectURIs", redirect_uris(cli));
	if (cli_has(cli, "jwks"))
		code = put_jwks(cli, body, cli_value(cli, "jwks"));
	if (code == CLI_DONE && cli_has(cli, "certificate"))
		code = put_certificate(cli, body, cli_value(cli, "certificate"));
	if (code == CLI_DONE)
		code = cli_call(cli, "/operator/v1/clients/change", body);
	else
		json_decref(body);
	if (code == CLI_DONE)
		cli_say(cli, "client %s is changed", "đã thay đổi ứng dụng %s", cli->arguments[0]);
	return code;
}

enum cli_exit cli_client_list(struct cli *cli)
{
	static const struct cli_column columns[] = {
		{"clientID", {"CLIENT", "ỨNG DỤNG"}},
		{"name", {"NAME", "TÊN"}},
		{"state", {"STATE", "TÌNH TRẠNG"}},
		{"mode", {"MODE", "CÁCH KÝ"}},
		{"authentication", {"AUTHENTICATION", "XÁC THỰC"}},
		{"cscVersion", {"CSC", "CSC"}},
		{"agencyID", {"AGENCY", "CƠ QUAN"}},
	};

	return cli_show_list(
		cli, "/operator/v1/clients", NULL, 0, "clients", columns, COUNT(columns));
}

static void show_row(
	const struct cli *cli, const json_t *client, const char *member, struct text heading)
{
	const json_t *value = json_object_get(client, member);
	size_t count = json_is_array(value) ? json_array_size(value) : value != NULL;

	for (size_t i = 0; i < count; i++) {
		const json_t *one = json_is_array(value) ? json_array_get(value, i) : value;
		if (json_is_string(one))
			cli_say(cli, "%-16s%s", "%-16s%s", cli_text(cli, heading),
				json_string_value(one));
		else if (json_is_integer(one))
			cli_say(cli, "%-16s%lld", "%-16s%lld", cli_text(cli, heading),
				(long long)json_integer_value(one));
	}
}

enum cli_exit cli_client_show(struct cli *cli)
{
	static const struct cli_column rows[] = {
		{"clientID", {"client", "ứng dụng"}},
		{"name", {"name", "tên"}},
		{"state", {"state", "tình trạng"}},
		{"agencyID", {"agency", "cơ quan"}},
		{"mode", {"mode", "cách ký"}},
		{"profile", {"profile", "loại"}},
		{"authentication", {"authentication", "xác thực"}},
		{"certificateSHA256", {"certificate", "chứng thư"}},
		{"cscVersion", {"CSC version", "phiên bản CSC"}},
		{"redirectURIs", {"redirect URI", "quay về"}},
	};
	const struct client_parameter parameters[] = {{"clientID", cli->arguments[0]}};

	rc_t rc = client_get(
		cli->client, "/operator/v1/clients", parameters, COUNT(parameters), &cli->answer);
	if (rc != RC_OK)
		return cli_fail_rc(cli, rc);
	json_t *client = json_array_get(json_object_get(cli->answer.body, "clients"), 0);
	if (!json_is_object(client))
		return cli_fail_rc(cli, RC_SERVER_ANSWER);
	for (size_t i = 0; i < COUNT(rows); i++)
		show_row(cli, client, rows[i].member, rows[i].heading);
	cli_result(cli, "client", json_incref(client));
	return CLI_DONE;
}

enum cli_exit cli_client_rotate(struct cli *cli)
{
	enum cli_exit code = cli_call(cli, "/operator/v1/clients/rotate",
		json_pack("{s:s}", "clientID", cli->arguments[0]));

	return code == CLI_DONE ? show_client(cli) : code;
}

enum cli_exit cli_client_disable(struct cli *cli)
{
	enum cli_exit code = cli_call(cli, "/operator/v1/clients/disable",
		json_pack("{s:s}", "clientID", cli->arguments[0]));

	if (code == CLI_DONE)
		cli_say(cli, "client %s is refused from now on",
			"ứng dụng %s bị từ chối từ bây giờ", cli->arguments[0]);
	return code;
}
