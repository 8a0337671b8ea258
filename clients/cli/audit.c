#include "clients/cli/cli.h"

#include "base/clock.h"
#include "base/digest.h"
#include "clients/lib/ades/pades.h"
#include "clients/lib/ades/pdf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define SIGNATURES_MAX 64
#define DIGEST_TEXT (2 * ADES_DIGEST_MAX + 1)

/* "2026-05-28", "2026-05-28T07:30:00", local time; with a Z at the end, UTC. */
static bool parse_time(const char *text, char out[CLOCK_TEXT])
{
	static const char *const forms[] = {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct tm parts = {.tm_isdst = -1};
		const char *end = strptime(text, forms[i], &parts);
		if (end == NULL || (*end != 0 && strcmp(end, "Z") != 0))
			continue;
		if (*end == 'Z')
			parts.tm_isdst = 0;
		time_t at = *end == 'Z' ? timegm(&parts) : mktime(&parts);
		/* RFC 3339 to the second: milliseconds would all be zero */
		clock_format((int64_t)at * 1000, out);
		memcpy(out + strlen("2026-01-02T03:04:05"), "Z", 2);
		return true;
	}
	return false;
}

static enum cli_exit take_time(
	struct cli *cli, const char *option, char out[CLOCK_TEXT], const char **value)
{
	const char *text = cli_value(cli, option);

	*value = NULL;
	if (text == NULL)
		return CLI_DONE;
	if (!parse_time(text, out))
		return cli_fail(cli, CLI_USAGE,
			"--%s takes 2026-05-28 or 2026-05-28T07:30:00, not %s",
			"--%s nhận 2026-05-28 hoặc 2026-05-28T07:30:00, không phải %s", option,
			text);
	*value = out;
	return CLI_DONE;
}

static bool is_hex_digest(const char *text)
{
	size_t len = strlen(text);

	return (len == 64 || len == 96 || len == 128) &&
	       text[strspn(text, "0123456789abcdefABCDEF")] == 0;
}

static void print_text(const char *text)
{
	char *copy = strdup(text);

	if (copy == NULL)
		return;
	client_text_disarm(copy, false);
	fputs(copy, stdout);
	free(copy);
}

/* Arrays are joined, objects printed as they are. */
static void print_value(const json_t *value)
{
	size_t index;
	json_t *item;

	if (json_is_string(value)) {
		print_text(json_string_value(value));
	} else if (json_is_array(value)) {
		json_array_foreach((json_t *)(uintptr_t)value, index, item)
		{
			fputs(index == 0 ? "" : " ", stdout);
			if (json_is_string(item))
				print_text(json_string_value(item));
		}
	} else {
		char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
		fputs(text == NULL ? "" : text, stdout);
		client_text_free(text);
	}
}

static bool is_empty(const json_t *value)
{
	if (json_is_object(value) || json_is_array(value))
		return json_object_size(value) + json_array_size(value) == 0;
	return value == NULL || json_is_null(value) ||
	       (json_is_string(value) && json_string_length(value) == 0);
}

static void print_detail(
	const struct cli *cli, const json_t *event, const char *member, struct text label)
{
	const json_t *value = json_object_get(event, member);

	if (is_empty(value))
		return;
	printf("    ");
	cli_pad(cli_text(cli, label), 12);
	print_value(value);
	putchar('\n');
}

static const char *member_text(const json_t *event, const char *name)
{
	const char *text = json_string_value(json_object_get(event, name));

	return text == NULL ? "" : text;
}

/* A block an event: what people look for in a trail does not fit a terminal's line. */
static void print_event(const struct cli *cli, const json_t *event)
{
	static const struct {
		const char *member;
		struct text label;
	} details[] = {
		{"code", {"code", "mã"}},
		{"rule", {"rule", "quy tắc"}},
		{"policyVersion", {"policy", "chính sách"}},
		{"subscriber", {"subscriber", "thuê bao"}},
		{"credential", {"credential", "chứng thư"}},
		{"client", {"client", "ứng dụng"}},
		{"operator", {"operator", "vận hành"}},
		{"address", {"address", "địa chỉ"}},
		{"request", {"request", "yêu cầu"}},
		{"digests", {"signed", "đã ký"}},
		{"signatures", {"signatures", "chữ ký"}},
		{"detail", {"detail", "chi tiết"}},
	};
	const char *result = member_text(event, "result");
	bool good = strcmp(result, "ok") == 0 || strcmp(result, "success") == 0;

	printf("%s  %s%s%s  %s%s%s\n", member_text(event, "at"), cli_colour(cli, COLOUR_BOLD),
		member_text(event, "event"), cli_plain(cli),
		cli_colour(cli, good ? COLOUR_GOOD : COLOUR_BAD), result, cli_plain(cli));
	for (size_t i = 0; i < sizeof(details) / sizeof(details[0]); i++)
		print_detail(cli, event, details[i].member, details[i].label);
}

struct query {
	const char *from;
	const char *to;
};

/* Asks once and adds the events to all. */
static enum cli_exit ask(
	struct cli *cli, const struct query *query, const char *digest, json_t *all)
{
	const struct client_parameter parameters[] = {
		{"subscriber", cli_value(cli, "subscriber")},
		{"credential", cli_value(cli, "credential")},
		{"request", cli_value(cli, "request")},
		{"from", query->from},
		{"to", query->to},
		{"digest", digest},
		{"limit", cli_value(cli, "limit")},
	};

	rc_t rc = client_get(cli->client, "/operator/v1/audit", parameters,
		sizeof(parameters) / sizeof(parameters[0]), &cli->answer);
	if (rc != RC_OK)
		return cli_fail_rc(cli, rc);
	json_t *events = json_object_get(cli->answer.body, "events");
	if (!json_is_array(events))
		return cli_fail_rc(cli, RC_SERVER_ANSWER);
	for (size_t i = 0; !cli->json && i < json_array_size(events); i++)
		print_event(cli, json_array_get(events, i));
	json_array_extend(all, events);
	return CLI_DONE;
}

/* A signed PDF: what each of its signatures signed. */
static enum cli_exit ask_for_document(
	struct cli *cli, const struct query *query, const char *path, json_t *all)
{
	struct pades_summary *found = calloc(SIGNATURES_MAX, sizeof(*found));
	char text[DIGEST_TEXT];
	struct buf pdf = BUF_INIT;
	size_t count = 0;

	if (found == NULL)
		return cli_fail_rc(cli, RC_NO_MEMORY);
	enum cli_exit code = cli_file_read(cli, path, PDF_LEN_MAX, &pdf);
	rc_t rc = RC_OK;
	if (code == CLI_DONE)
		rc = pades_list(buf_span(&pdf), found, SIGNATURES_MAX, &count);
	if (rc != RC_OK)
		code = cli_fail_rc(cli, rc);
	else if (code == CLI_DONE && count == 0)
		code = cli_fail(
			cli, CLI_INPUT, "%s carries no signature", "%s không có chữ ký nào", path);
	for (size_t i = 0; code == CLI_DONE && i < count && i < SIGNATURES_MAX; i++) {
		digest_hex(SPAN(found[i].digest, found[i].digest_len), text);
		cli_say(cli, "signature %zu, %s: %s", "chữ ký %zu, %s: %s", i + 1, found[i].signer,
			text);
		if (found[i].digest_len > 0)
			code = ask(cli, query, text, all);
	}
	buf_free(&pdf);
	free(found);
	return code;
}

enum cli_exit cli_audit_show(struct cli *cli)
{
	char from[CLOCK_TEXT];
	char to[CLOCK_TEXT];
	struct query query = {0};
	const char *digest = cli_value(cli, "digest");
	json_t *all = json_array();

	enum cli_exit code = take_time(cli, "from", from, &query.from);
	if (code == CLI_DONE)
		code = take_time(cli, "to", to, &query.to);
	if (code == CLI_DONE)
		code = digest == NULL || is_hex_digest(digest)
			       ? ask(cli, &query, digest, all)
			       : ask_for_document(cli, &query, digest, all);
	if (code == CLI_DONE && json_array_size(all) == 0)
		cli_note(cli, "the audit trail has nothing of that kind",
			"nhật ký không có sự kiện nào như vậy");
	if (code == CLI_DONE)
		cli_result(cli, "events", json_incref(all));
	json_decref(all);
	return code;
}
