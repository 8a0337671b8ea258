#include "clients/cli/cli.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define ENV_FILE_MAX 65536

/* One value, as a shell would read it: plain, or pieces in single quotes, or \x. */
static bool parse_value(const char **at, struct buf *out)
{
	while (**at != 0 && **at != '\n') {
		if (**at == '\'') {
			const char *end = strchr(*at + 1, '\'');
			if (end == NULL ||
				buf_append(out, *at + 1, (size_t)(end - *at - 1)) != RC_OK)
				return false;
			*at = end + 1;
			continue;
		}
		if (**at == '\\' && (*at)[1] != 0)
			(*at)++;
		else if (strchr("\"`$ \t;&|<>()", **at) != NULL)
			return false;
		if (buf_append(out, *at, 1) != RC_OK)
			return false;
		(*at)++;
	}
	return buf_append(out, "", 1) == RC_OK;
}

static bool parse_assignment(const char **at, struct buf *out)
{
	const char *name = *at;

	while (isalnum((unsigned char)**at) || **at == '_')
		(*at)++;
	if (*at == name || **at != '=' || buf_append(out, name, (size_t)(*at - name)) != RC_OK ||
		buf_append(out, "", 1) != RC_OK)
		return false;
	(*at)++;
	return parse_value(at, out);
}

/* The line with a fault, or 0. */
static size_t parse_env(const char *text, struct buf *out)
{
	for (size_t line = 1; *text != 0; line++) {
		if (*text != '\n' && *text != '#' && !parse_assignment(&text, out))
			return line;
		text += strcspn(text, "\n");
		text += *text == '\n' ? 1 : 0;
	}
	return 0;
}

enum cli_exit cli_read_env(struct cli *cli)
{
	struct buf file = BUF_INIT;
	struct stat status;
	const char *text = NULL;
	const char *path = cli_value(cli, "env");

	if (path == NULL)
		return CLI_DONE;
	/* it holds a client's secret */
	if (stat(path, &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & 077) != 0)
		return cli_fail(cli, CLI_INPUT, "others can read %s: chmod 600 %s",
			"người khác đọc được %s: chmod 600 %s", path, path);
	enum cli_exit code = cli_file_read(cli, path, ENV_FILE_MAX, &file);
	if (code == CLI_DONE && buf_string(&file, &text) != RC_OK)
		code = cli_fail_rc(cli, RC_NO_MEMORY);
	size_t line = code == CLI_DONE ? parse_env(text, &cli->variables) : 0;
	if (line != 0)
		code = cli_fail(cli, CLI_INPUT, "%s, line %zu: neither NAME=value nor NAME='value'",
			"%s, dòng %zu: không phải TÊN=giá-trị hoặc TÊN='giá trị'", path, line);
	buf_free(&file);
	return code;
}

static enum cli_exit missing(struct cli *cli, const char *option, const char *variable)
{
	return cli_fail(cli, CLI_USAGE, "--%s is missing (or %s in the environment or --env FILE)",
		"thiếu --%s (hoặc %s trong biến môi trường hay --env FILE)", option, variable);
}

static enum cli_exit login(struct cli *cli)
{
	const char *id = cli_value(cli, "client-id");
	struct secret secret = SECRET_INIT;
	enum cli_exit code = CLI_DONE;

	if (id == NULL)
		return missing(cli, "client-id", "RSSP_CLIENT_ID");
	/* --client-secret-fd gives a descriptor, RSSP_CLIENT_SECRET the secret itself */
	const char *variable = cli_variable(cli, "RSSP_CLIENT_SECRET");
	if (cli_has(cli, "client-secret-fd"))
		code = cli_ask(cli, "client-secret-fd",
			(struct text){"Client secret", "Mật khẩu ứng dụng"}, ASK_HIDDEN, &secret);
	else if (variable == NULL)
		code = missing(cli, "client-secret-fd", "RSSP_CLIENT_SECRET");
	else if (secret_set(&secret, span_string(variable)) != RC_OK)
		code = cli_fail_rc(cli, RC_NO_MEMORY);
	if (code == CLI_DONE) {
		rc_t rc = client_login(cli->client, id, secret_span(&secret), &cli->answer);
		if (rc != RC_OK)
			code = cli_fail_rc(cli, rc);
	}
	secret_free(&secret);
	return code;
}

enum cli_exit cli_connect(struct cli *cli)
{
	enum cli_needs needs = cli->command->needs;
	struct client_config config = {
		.url = cli_value(cli, "url"),
		.ca_file = cli_value(cli, "ca-cert"),
		.lang = cli_lang(cli),
	};

	if (needs == NEEDS_NOTHING)
		return CLI_DONE;
	if (config.url == NULL)
		return missing(cli, "url", "RSSP_URL");
	if ((needs & NEEDS_OPERATOR_BIT) != 0) {
		config.operator_certificate = cli_value(cli, "operator-cert");
		config.operator_key = cli_value(cli, "operator-key");
		if (config.operator_certificate == NULL)
			return missing(cli, "operator-cert", "RSSP_OPERATOR_CERT");
		if (config.operator_key == NULL)
			return missing(cli, "operator-key", "RSSP_OPERATOR_KEY");
	}
	rc_t rc = client_new(&config, &cli->client);
	if (rc == RC_CONFIG)
		return cli_fail(cli, CLI_USAGE,
			"the service's address must begin with https://: %s",
			"địa chỉ dịch vụ phải bắt đầu bằng https://: %s", config.url);
	if (rc != RC_OK)
		return cli_fail_rc(cli, rc);
	return (needs & NEEDS_CLIENT_BIT) != 0 ? login(cli) : CLI_DONE;
}
