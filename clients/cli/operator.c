/* The small commands of an operator: agencies, subscribers. */
#include "clients/cli/cli.h"

#include "clients/lib/operator.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum cli_exit cli_call(struct cli *cli, const char *path, json_t *body)
{
	rc_t rc = client_post(cli->client, path, body, &cli->answer);

	if (rc != RC_OK)
		return cli_fail_rc(cli, rc);
	if (cli->result == NULL)
		cli->result = json_object();
	json_object_update(cli->result, cli->answer.body);
	return CLI_DONE;
}

enum cli_exit cli_show_list(struct cli *cli, const char *path,
	const struct client_parameter *parameters, size_t parameter_count, const char *member,
	const struct cli_column *columns, size_t column_count)
{
	rc_t rc = client_get(cli->client, path, parameters, parameter_count, &cli->answer);

	if (rc != RC_OK)
		return cli_fail_rc(cli, rc);
	json_t *rows = json_object_get(cli->answer.body, member);
	if (!json_is_array(rows))
		return cli_fail_rc(cli, RC_SERVER_ANSWER);
	if (json_array_size(rows) == 0)
		cli_note(cli, "nothing found", "không tìm thấy gì");
	else
		cli_table(cli, rows, columns, column_count);
	cli_result(cli, member, json_incref(rows));
	return CLI_DONE;
}

enum cli_exit cli_agency_add(struct cli *cli)
{
	const char *sector = cli_value(cli, "sector");
	const char *province = cli_value(cli, "province");

	if (province == NULL)
		return cli_fail(cli, CLI_USAGE, "--province is required", "cần có --province");
	json_t *path = json_array();
	for (size_t i = 0; i < cli->argument_count; i++)
		json_array_append_new(path, json_string(cli->arguments[i]));
	enum cli_exit code = cli_call(cli, "/operator/v1/agencies",
		json_pack(
			"{s:o, s:s?, s:s}", "path", path, "sector", sector, "province", province));
	if (code == CLI_DONE)
		cli_say(cli, "agency %s", "cơ quan %s",
			client_answer_string(&cli->answer, "agencyID"));
	return code;
}

enum cli_exit cli_agency_list(struct cli *cli)
{
	static const struct cli_column columns[] = {
		{"agencyID", {"AGENCY", "CƠ QUAN"}},
		{"sector", {"SECTOR", "LĨNH VỰC"}},
		{"sectorInherited", {"INHERITED", "THỪA KẾ"}},
		{"province", {"PROVINCE", "TỈNH"}},
		{"path", {"PATH", "CÁC CẤP"}},
	};

	return cli_show_list(
		cli, "/operator/v1/agencies", NULL, 0, "agencies", columns, COUNT(columns));
}

/* One row a credential, so that its id stands where unlock wants it. */
static json_t *subscriber_rows(const json_t *subscribers)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < json_array_size(subscribers); i++) {
		json_t *subscriber = json_array_get(subscribers, i);
		const json_t *credentials = json_object_get(subscriber, "credentials");
		if (json_array_size(credentials) == 0)
			json_array_append(rows, subscriber);
		for (size_t k = 0; k < json_array_size(credentials); k++) {
			json_t *row = json_copy(subscriber);
			json_object_update(row, json_array_get(credentials, k));
			json_array_append_new(rows, row);
		}
	}
	return rows;
}

enum cli_exit cli_subscriber_list(struct cli *cli)
{
	static const struct cli_column columns[] = {
		{"userID", {"USER", "THUÊ BAO"}},
		{"name", {"NAME", "HỌ TÊN"}},
		{"position", {"POSITION", "CHỨC VỤ"}},
		{"state", {"STATE", "TÌNH TRẠNG"}},
		{"credentialID", {"CREDENTIAL", "CHỨNG THƯ"}},
		{"status", {"STATUS", "TRẠNG THÁI"}},
		{"key", {"KEY", "KHOÁ"}},
		{"validTo", {"VALID TO", "HẾT HẠN"}},
		{"agency", {"AGENCY", "CƠ QUAN"}},
	};
	const struct client_parameter parameters[] = {
		{"agency", cli_value(cli, "agency")},
		{"name", cli_value(cli, "name")},
		{"userID", cli_value(cli, "user")},
		{"limit", cli_value(cli, "limit")},
	};

	rc_t rc = client_get(cli->client, "/operator/v1/subscribers", parameters, COUNT(parameters),
		&cli->answer);
	if (rc != RC_OK)
		return cli_fail_rc(cli, rc);
	json_t *subscribers = json_object_get(cli->answer.body, "subscribers");
	if (!json_is_array(subscribers))
		return cli_fail_rc(cli, RC_SERVER_ANSWER);
	json_t *rows = subscriber_rows(subscribers);
	if (json_array_size(rows) == 0)
		cli_note(cli, "nobody found", "không tìm thấy ai");
	else
		cli_table(cli, rows, columns, COUNT(columns));
	json_decref(rows);
	cli_result(cli, "subscribers", json_incref(subscribers));
	return CLI_DONE;
}

static const char *localised(const struct cli *cli, const char *member)
{
	const json_t *texts = json_object_get(cli->answer.body, member);
	const char *text = json_string_value(json_object_get(texts, cli_lang(cli)));

	return text == NULL ? "" : text;
}

enum cli_exit cli_subscriber_set_position(struct cli *cli)
{
	enum cli_exit code = cli_call(cli, "/operator/v1/subscribers/set-position",
		json_pack(
			"{s:s, s:s}", "userID", cli->arguments[0], "position", cli->arguments[1]));

	if (code != CLI_DONE)
		return code;
	const char *effect = client_answer_string(&cli->answer, "effect");
	cli_say(cli, "position of %s: %s", "chức vụ của %s: %s", cli->arguments[0],
		cli->arguments[1]);
	if (effect != NULL && strcmp(effect, "permit") != 0)
		cli_say(cli, "%sfrom now on this subscriber cannot sign here%s: %s; %s",
			"%stừ bây giờ thuê bao này không ký tập trung được%s: %s; %s",
			cli_colour(cli, COLOUR_WAIT), cli_plain(cli), localised(cli, "reason"),
			localised(cli, "alternative"));
	return CLI_DONE;
}

enum cli_exit cli_subscriber_disable(struct cli *cli)
{
	enum cli_exit code = cli_call(cli, "/operator/v1/subscribers/disable",
		json_pack("{s:s}", "userID", cli->arguments[0]));

	if (code == CLI_DONE)
		cli_say(cli, "subscriber %s is disabled", "đã ngừng thuê bao %s",
			cli->arguments[0]);
	return code;
}

enum cli_exit cli_subscriber_unlock(struct cli *cli)
{
	struct operator_key *key = NULL;
	struct id credential;

	if (id_parse(&credential, cli->arguments[0]) != RC_OK)
		return cli_fail(cli, CLI_USAGE, "%s is no credential's id (see %s)",
			"%s không phải mã chứng thư (xem %s)", cli->arguments[0],
			"rssp operator subscriber list");
	enum cli_exit code = cli_operator_key(cli, &key);
	if (code != CLI_DONE)
		return code;
	rc_t rc = operator_unlock(cli->client, key, &credential, &cli->answer);
	operator_key_free(&key);
	if (rc != RC_OK)
		return cli_fail_rc(cli, rc);
	cli_say(cli, "credential %s has its tries back", "đã mở khoá chứng thư %s",
		cli->arguments[0]);
	cli_result(cli, "credentialID", json_string(cli->arguments[0]));
	return CLI_DONE;
}

enum cli_exit cli_operator_key(struct cli *cli, struct operator_key **key)
{
	const char *path = cli_value(cli, "operator-key");
	rc_t rc = operator_key_load(path, key);

	if (rc == RC_SYSTEM)
		return cli_fail(cli, CLI_INPUT, "the operator's key %s does not open",
			"không mở được khoá người vận hành %s", path);
	if (rc == RC_CONFIG)
		return cli_fail(cli, CLI_INPUT,
			"%s is no operator's key: a P-256 key in PEM that only its owner can read",
			"%s không phải khoá người vận hành: khoá P-256 dạng PEM chỉ chủ sở hữu đọc được",
			path);
	return rc == RC_OK ? CLI_DONE : cli_fail_rc(cli, rc);
}
