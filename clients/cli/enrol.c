#include "clients/cli/cli.h"

#include "base/clock.h"
#include "clients/lib/form01.h"
#include "clients/lib/operator.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NAME_WIDTH 26
#define POSITION_WIDTH 30

enum outcome { ENROLLED, PERMITTED, REFUSED, WAITS, FAILED, SKIPPED, UNTOUCHED, OUTCOMES };

static const struct {
	const char *name; /* in JSON */
	struct text text;
	enum cli_colour colour;
} outcomes[OUTCOMES] = {
	[ENROLLED] = {"enrolled", {"enrolled", "đã đăng ký"}, COLOUR_GOOD},
	[PERMITTED] = {"permitted", {"permitted", "được phép"}, COLOUR_GOOD},
	[REFUSED] = {"refused", {"refused", "bị từ chối"}, COLOUR_BAD},
	[WAITS] = {"waits", {"waits", "chờ quyết định"}, COLOUR_WAIT},
	[FAILED] = {"failed", {"failed", "không thành công"}, COLOUR_BAD},
	[SKIPPED] = {"skipped", {"skipped", "bỏ qua"}, COLOUR_DIM},
	[UNTOUCHED] = {"untouched", {"not reached", "chưa xử lý"}, COLOUR_DIM},
};

struct enrolment {
	struct cli *cli;
	struct operator_key *key;
	struct form01 *form;
	bool dry_run;
	size_t counts[OUTCOMES];
	enum cli_exit stopped; /* what ended the run early */
	json_t *lines;
};

/* What became of one line. */
struct verdict {
	enum outcome outcome;
	struct operator_decision decision;
	char words[ANSWER_TEXT]; /* why it failed */
};

static void report_fault(struct cli *cli, const struct form01_fault *fault, json_t *list)
{
	const char *text = form01_fault_text(fault, cli->vietnamese);
	const char *column = form01_column_name(fault->column);

	json_array_append_new(
		list, json_pack("{s:I, s:s, s:s, s:s}", "row", (json_int_t)fault->row, "column",
			      column, "fault", text, "value", fault->detail));
	if (cli->json)
		return;
	if (fault->row > 0)
		printf("%s %zu%s%s: ", cli_text(cli, (struct text){"row", "dòng"}), fault->row,
			column[0] == 0 ? "" : ", ", column);
	if (fault->detail[0] == 0)
		printf("%s\n", text);
	else
		printf("%s (%s)\n", text, fault->detail);
}

static enum cli_exit report_faults(struct cli *cli, const struct form01 *form)
{
	json_t *list = json_array();

	for (size_t i = 0; i < form->fault_count; i++)
		report_fault(cli, &form->faults[i], list);
	cli_result(cli, "faults", list);
	return cli_fail(cli, CLI_INPUT, "%s has %zu fault(s); nothing was sent",
		"%s có %zu lỗi; chưa gửi gì", cli->arguments[0], form->fault_count);
}

static rc_t encode(const struct form01_line *line, struct buf *out)
{
	struct statement_enrol statement = line->statement;
	struct id id;

	rc_t rc = id_random(&id);
	if (rc != RC_OK)
		return rc;
	id_format(&id, statement.number);
	statement.issued_at_ms = clock_wall_ms();
	return statement_enrol_encode(out, &statement);
}

static enum outcome outcome_of(const struct operator_decision *decision, enum outcome permitted)
{
	if (strcmp(decision->effect, "permit") == 0)
		return permitted;
	return strcmp(decision->effect, "wait") == 0 ? WAITS : REFUSED;
}

/* The policy first; only a permitted line is signed. */
static rc_t ask_and_submit(struct enrolment *run, struct span statement, struct buf *signature,
	struct verdict *verdict)
{
	struct cli *cli = run->cli;

	rc_t rc = operator_check(
		cli->client, cli_lang(cli), statement, &verdict->decision, &cli->answer);
	if (rc != RC_OK)
		return rc;
	verdict->outcome = outcome_of(&verdict->decision, PERMITTED);
	if (verdict->outcome != PERMITTED || run->dry_run)
		return RC_OK;
	rc = operator_sign(run->key, statement, signature);
	if (rc == RC_OK)
		rc = operator_enrol(cli->client, cli_lang(cli), statement, buf_span(signature),
			&verdict->decision, &cli->answer);
	if (rc == RC_OK)
		verdict->outcome = outcome_of(&verdict->decision, ENROLLED);
	return rc;
}

/* A line that the server refuses is one line's trouble; a server that is away is everybody's. */
static void treat(struct enrolment *run, const struct form01_line *line, struct verdict *verdict)
{
	struct buf statement = BUF_INIT;
	struct buf signature = BUF_INIT;
	enum cli_exit code = CLI_DONE;

	rc_t rc = encode(line, &statement);
	if (rc == RC_OK)
		rc = ask_and_submit(run, buf_span(&statement), &signature, verdict);
	if (rc != RC_OK) {
		snprintf(verdict->words, sizeof(verdict->words), "%s",
			cli_refusal(run->cli, rc, &code));
		verdict->outcome = FAILED;
		if (code != CLI_REFUSED && code != CLI_POLICY)
			run->stopped = code;
	}
	buf_free(&statement);
	buf_free(&signature);
}

static void print_why(const struct cli *cli, const struct verdict *verdict)
{
	const struct operator_decision *decision = &verdict->decision;

	if (verdict->outcome == FAILED) {
		cli_say(cli, "      %s", "      %s", verdict->words);
	} else if (verdict->outcome == REFUSED || verdict->outcome == WAITS) {
		cli_say(cli, "      by rule %s: %s", "      theo quy tắc %s: %s", decision->rule,
			decision->reason);
		if (decision->alternative[0] != 0)
			cli_say(cli, "      instead: %s", "      thay vào đó: %s",
				decision->alternative);
	}
}

static void print_line(
	const struct cli *cli, const struct form01_line *line, const struct verdict *verdict)
{
	if (cli->json)
		return;
	printf("%4zu  ", line->row);
	cli_pad(line->statement.name, NAME_WIDTH);
	putchar(' ');
	cli_pad(line->statement.position, POSITION_WIDTH);
	printf(" %s%s%s", cli_colour(cli, outcomes[verdict->outcome].colour),
		cli_text(cli, outcomes[verdict->outcome].text), cli_plain(cli));
	if (verdict->outcome == SKIPPED)
		printf(" (%s)", line->device[0] == 0 ? cli_text(cli, (struct text){"no device",
									     "không có thiết bị"})
						     : line->device);
	putchar('\n');
	print_why(cli, verdict);
}

static void record(
	struct enrolment *run, const struct form01_line *line, const struct verdict *verdict)
{
	const struct operator_decision *decision = &verdict->decision;
	const char *request = run->cli->answer.request;

	run->counts[verdict->outcome]++;
	print_line(run->cli, line, verdict);
	json_array_append_new(run->lines,
		json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "row",
			(json_int_t)line->row, "name", line->statement.name, "position",
			line->statement.position, "email", line->statement.email, "result",
			outcomes[verdict->outcome].name, "rule", decision->rule, "reason",
			verdict->outcome == FAILED ? verdict->words : decision->reason,
			"alternative", decision->alternative, "enrolmentID", decision->enrolment,
			"device", line->device, "requestID", request));
}

static void run_lines(struct enrolment *run)
{
	/* where a person sees the lines come, they are the progress */
	bool unseen = run->cli->json || isatty(STDOUT_FILENO) != 1;
	struct cli_progress progress = {0};
	struct form01 *form = run->form;

	for (size_t i = 0; i < form->line_count; i++) {
		struct verdict verdict = {.outcome = UNTOUCHED};
		client_answer_free(&run->cli->answer);
		if (!form->lines[i].rssp)
			verdict.outcome = SKIPPED;
		else if (run->stopped == CLI_DONE)
			treat(run, &form->lines[i], &verdict);
		record(run, &form->lines[i], &verdict);
		if (unseen)
			cli_progress(run->cli, &progress, i + 1, form->line_count);
	}
}

static void summarise(const struct enrolment *run)
{
	struct cli *cli = run->cli;
	json_t *counts = json_object();
	const char *gap = "";

	for (size_t i = 0; i < OUTCOMES; i++) {
		json_object_set_new(
			counts, outcomes[i].name, json_integer((json_int_t)run->counts[i]));
		if (run->counts[i] == 0 || cli->json)
			continue;
		printf("%s%s: %zu", gap, cli_text(cli, outcomes[i].text), run->counts[i]);
		gap = ", ";
	}
	cli_say(cli, "%s", "%s", "");
	if (run->counts[ENROLLED] > 0)
		cli_say(cli,
			"The activation codes go to the official addresses, valid for 72 hours.",
			"Mã kích hoạt đang được gửi tới thư công vụ, có hiệu lực trong 72 giờ.");
	if (run->counts[SKIPPED] > 0)
		cli_say(cli,
			"Skipped lines ask for another device than RSSP: not for this service.",
			"Dòng bị bỏ qua đề nghị thiết bị khác RSSP: không thuộc dịch vụ này.");
	cli_result(cli, "lines", json_incref(run->lines));
	cli_result(cli, "summary", counts);
}

static enum cli_exit exit_of(const struct enrolment *run)
{
	if (run->stopped != CLI_DONE)
		return run->stopped;
	if (run->counts[FAILED] > 0)
		return CLI_REFUSED;
	return run->counts[REFUSED] + run->counts[WAITS] > 0 ? CLI_POLICY : CLI_DONE;
}

static enum cli_exit read_list(struct enrolment *run)
{
	struct cli *cli = run->cli;
	struct buf text = BUF_INIT;

	enum cli_exit code = cli_file_read(cli, cli->arguments[0], FORM01_LEN_MAX, &text);
	if (code == CLI_DONE) {
		rc_t rc = form01_read(buf_span(&text), clock_wall_ms(), &run->form);
		if (rc != RC_OK)
			code = cli_fail_rc(cli, rc);
		else if (run->form->fault_count > 0)
			code = report_faults(cli, run->form);
	}
	buf_free(&text);
	return code;
}

enum cli_exit cli_operator_enrol(struct cli *cli)
{
	struct enrolment run = {
		.cli = cli, .dry_run = cli_has(cli, "dry-run"), .lines = json_array()};

	enum cli_exit code = read_list(&run);
	if (code == CLI_DONE)
		code = cli_operator_key(cli, &run.key);
	if (code == CLI_DONE) {
		run_lines(&run);
		summarise(&run);
		code = exit_of(&run);
	}
	json_decref(run.lines);
	operator_key_free(&run.key);
	form01_free(&run.form);
	return code;
}
