#include "clients/cli/cli.h"

#include "clients/lib/csc.h"

#include <string.h>

/* "RSA 2048", "ECDSA 256" */
static json_t *key_kind(const struct csc_credential *credential)
{
	return json_sprintf("%s %ld", credential->rsa ? "RSA" : "ECDSA", credential->bits);
}

/* "20270102030405Z", as the API writes it, for people. */
static json_t *readable_time(const char *text)
{
	if (strlen(text) != 15 || strspn(text, "0123456789") != 14)
		return json_string(text);
	return json_sprintf("%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", text, text + 4, text + 6, text + 8,
		text + 10, text + 12);
}

static enum cli_exit add_row(struct cli *cli, const char *id, json_t *rows)
{
	struct csc_credential credential = {0};

	rc_t rc = csc_credential_info(cli->client, id, &credential, &cli->answer);
	if (rc != RC_OK)
		return cli_fail_rc(cli, rc);
	json_array_append_new(
		rows, json_pack("{s:s, s:s, s:o, s:s, s:o, s:s, s:I}", "credentialID", id, "status",
			      credential.enabled ? "enabled" : "disabled", "key",
			      key_kind(&credential), "certificate", credential.status, "validTo",
			      readable_time(credential.valid_to), "subject", credential.subject,
			      "multisign", (json_int_t)credential.multisign));
	csc_credential_free(&credential);
	return CLI_DONE;
}

/* A state as the API names it, for people. */
static json_t *state_words(const struct cli *cli, const char *state)
{
	static const struct {
		const char *state;
		const char *vi;
	} words[] = {
		{"enabled", "ký được"},
		{"disabled", "không ký được"},
		{"valid", "còn hiệu lực"},
		{"expired", "hết hạn"},
		{"revoked", "đã thu hồi"},
		{"suspended", "tạm dừng"},
	};

	for (size_t i = 0; cli->vietnamese && i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i].state, state) == 0)
			return json_string(words[i].vi);
	}
	return json_string(state);
}

/* JSON has the API's states, the table their words. */
static json_t *rows_in_words(const struct cli *cli, const json_t *rows)
{
	static const char *const members[] = {"status", "certificate"};
	json_t *shown = json_deep_copy(rows);

	for (size_t i = 0; i < json_array_size(shown); i++) {
		json_t *row = json_array_get(shown, i);
		for (size_t m = 0; m < sizeof(members) / sizeof(members[0]); m++) {
			const char *state = json_string_value(json_object_get(row, members[m]));
			json_object_set_new(
				row, members[m], state_words(cli, state == NULL ? "" : state));
		}
	}
	return shown;
}

static void show_rows(const struct cli *cli, const json_t *rows)
{
	static const struct cli_column columns[] = {
		{"credentialID", {"CREDENTIAL", "CHỨNG THƯ"}},
		{"status", {"KEY STATUS", "TRẠNG THÁI KHOÁ"}},
		{"key", {"KEY", "KHOÁ"}},
		{"certificate", {"CERTIFICATE", "CHỨNG THƯ SỐ"}},
		{"validTo", {"VALID TO", "HẾT HẠN"}},
		{"subject", {"SUBJECT", "CHỦ THỂ"}},
	};
	json_t *shown = rows_in_words(cli, rows);

	cli_table(cli, shown, columns, sizeof(columns) / sizeof(columns[0]));
	json_decref(shown);
}

enum cli_exit cli_list(struct cli *cli)
{
	const char *user = cli_value(cli, "user");

	if (user == NULL)
		return cli_fail(
			cli, CLI_USAGE, "whose? Give --user", "của thuê bao nào? Hãy dùng --user");
	rc_t rc = csc_list(cli->client, user, &cli->answer);
	if (rc != RC_OK)
		return cli_fail_rc(cli, rc);
	json_t *ids = json_incref(json_object_get(cli->answer.body, "credentialIDs"));
	json_t *rows = json_array();
	enum cli_exit code = CLI_DONE;
	for (size_t i = 0; code == CLI_DONE && i < json_array_size(ids); i++) {
		const char *id = json_string_value(json_array_get(ids, i));
		code = id == NULL ? cli_fail_rc(cli, RC_SERVER_ANSWER) : add_row(cli, id, rows);
	}
	if (code == CLI_DONE && json_array_size(rows) == 0)
		cli_note(cli, "no credentials", "không có chứng thư");
	else if (code == CLI_DONE)
		show_rows(cli, rows);
	if (code == CLI_DONE)
		cli_result(cli, "credentials", json_incref(rows));
	json_decref(rows);
	json_decref(ids);
	return code;
}
