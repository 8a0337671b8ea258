#include "clients/cli/cli.h"

#include "base/clock.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <utf8proc.h>

void cli_say(const struct cli *cli, const char *en, const char *vi, ...)
{
	va_list args;

	if (cli->json)
		return;
	va_start(args, vi);
	vprintf(cli->vietnamese ? vi : en, args);
	va_end(args);
	putchar('\n');
}

void cli_note(const struct cli *cli, const char *en, const char *vi, ...)
{
	char *text = NULL;
	va_list args;

	fflush(stdout);
	va_start(args, vi);
	int len = vasprintf(&text, cli->vietnamese ? vi : en, args);
	va_end(args);
	if (len < 0)
		return;
	client_text_disarm(text, true);
	fprintf(stderr, "%s\n", text);
	free(text);
}

void cli_result(struct cli *cli, const char *name, json_t *value)
{
	if (cli->result == NULL)
		cli->result = json_object();
	json_object_set_new(cli->result, name, value == NULL ? json_null() : value);
}

const char *cli_error_name(enum cli_exit code)
{
	static const char *const names[] = {"", "refused", "usage", "input", "unreachable",
		"factor", "policy", "local", "stopped", "notValid"};

	return names[code];
}

enum cli_exit cli_fail(struct cli *cli, enum cli_exit code, const char *en, const char *vi, ...)
{
	char text[2 * ANSWER_TEXT];
	va_list args;

	va_start(args, vi);
	vsnprintf(text, sizeof(text), cli->vietnamese ? vi : en, args);
	va_end(args);
	client_text_disarm(text, true);
	fflush(stdout);
	fprintf(stderr, "%srssp: %s%s\n", cli->colour_err ? "\033[31m" : "", text,
		cli->colour_err ? "\033[0m" : "");
	cli_result(cli, "error", json_string(cli_error_name(code)));
	cli_result(cli, "description", json_string(text));
	cli_result(cli, "exit", json_integer(code));
	if (cli->answer.request[0] != 0)
		cli_result(cli, "requestID", json_string(cli->answer.request));
	return code;
}

const char *cli_error_text(const struct cli *cli, int error)
{
	static const struct {
		int error;
		const char *vi;
	} known[] = {
		{ENOENT, "không có tệp hoặc thư mục này"},
		{EACCES, "không có quyền"},
		{EPERM, "không được phép"},
		{EROFS, "hệ thống tệp chỉ cho đọc"},
		{ENOSPC, "đĩa đã đầy"},
		{EDQUOT, "đã hết hạn mức đĩa"},
		{EFBIG, "tệp quá lớn"},
		{EIO, "lỗi đọc hoặc ghi đĩa"},
		{ENOTDIR, "không phải thư mục"},
		{EISDIR, "là thư mục"},
		{ENAMETOOLONG, "tên quá dài"},
		{ELOOP, "liên kết vòng"},
		{EMFILE, "mở quá nhiều tệp"},
		{ENOMEM, "hết bộ nhớ"},
		{EAGAIN, "hết tài nguyên, hãy thử lại"},
	};

	for (size_t i = 0; cli->vietnamese && i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].error == error)
			return known[i].vi;
	}
	return strerror(error);
}

size_t cli_width(const char *text)
{
	const utf8proc_uint8_t *at = (const utf8proc_uint8_t *)text;
	utf8proc_ssize_t left = (utf8proc_ssize_t)strlen(text);
	size_t width = 0;

	while (left > 0) {
		utf8proc_int32_t c = 0;
		utf8proc_ssize_t used = utf8proc_iterate(at, left, &c);
		if (used <= 0)
			return width + (size_t)left;
		int columns = utf8proc_charwidth(c);
		width += columns > 0 ? (size_t)columns : 0;
		at += used;
		left -= used;
	}
	return width;
}

void cli_pad(const char *text, size_t width)
{
	fputs(text, stdout);
	for (size_t at = cli_width(text); at < width; at++)
		putchar(' ');
}

const char *cli_colour(const struct cli *cli, enum cli_colour colour)
{
	static const char *const codes[] = {
		[COLOUR_GOOD] = "\033[32m",
		[COLOUR_BAD] = "\033[31m",
		[COLOUR_WAIT] = "\033[33m",
		[COLOUR_DIM] = "\033[2m",
		[COLOUR_BOLD] = "\033[1m",
	};

	return cli->colour_out ? codes[colour] : "";
}

const char *cli_plain(const struct cli *cli)
{
	return cli->colour_out ? "\033[0m" : "";
}

/* tables */

#define CELL_MAX 256

static void append_scalar(const json_t *value, char *out, size_t size)
{
	size_t len = strlen(out);

	if (json_is_string(value))
		snprintf(out + len, size - len, "%s", json_string_value(value));
	else if (json_is_integer(value))
		snprintf(out + len, size - len, "%lld", (long long)json_integer_value(value));
	else if (json_is_boolean(value))
		snprintf(out + len, size - len, "%s", json_is_true(value) ? "true" : "false");
}

static void cell_text(const json_t *row, const char *member, char out[CELL_MAX])
{
	const json_t *value = json_object_get(row, member);

	out[0] = 0;
	if (!json_is_array(value)) {
		append_scalar(value, out, CELL_MAX);
	} else {
		for (size_t i = 0; i < json_array_size(value); i++) {
			size_t len = strlen(out);
			if (i > 0)
				snprintf(out + len, CELL_MAX - len, " / ");
			append_scalar(json_array_get(value, i), out, CELL_MAX);
		}
	}
	client_text_disarm(out, false);
}

static size_t column_width(
	const struct cli *cli, const json_t *rows, const struct cli_column *column)
{
	char cell[CELL_MAX];
	size_t width = cli_width(cli_text(cli, column->heading));

	for (size_t i = 0; i < json_array_size(rows); i++) {
		cell_text(json_array_get(rows, i), column->member, cell);
		size_t own = cli_width(cell);
		width = own > width ? own : width;
	}
	return width;
}

#define COLUMNS_MAX 12

static void print_row(const struct cli *cli, const json_t *row, const struct cli_column *columns,
	const size_t widths[COLUMNS_MAX], size_t count)
{
	char cell[CELL_MAX];

	for (size_t c = 0; c < count; c++) {
		const char *text = cli_text(cli, columns[c].heading);
		if (row != NULL) {
			cell_text(row, columns[c].member, cell);
			text = cell;
		}
		cli_pad(text, c + 1 == count ? 0 : widths[c] + 2);
	}
	putchar('\n');
}

void cli_table(
	const struct cli *cli, const json_t *rows, const struct cli_column *columns, size_t count)
{
	size_t widths[COLUMNS_MAX];

	if (cli->json || count > COLUMNS_MAX)
		return;
	for (size_t c = 0; c < count; c++)
		widths[c] = column_width(cli, rows, &columns[c]);
	fputs(cli_colour(cli, COLOUR_BOLD), stdout);
	print_row(cli, NULL, columns, widths, count);
	fputs(cli_plain(cli), stdout);
	for (size_t i = 0; i < json_array_size(rows); i++)
		print_row(cli, json_array_get(rows, i), columns, widths, count);
}

#define BAR_WIDTH 30

static size_t terminal_width(void)
{
	struct winsize size = {0};

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* "signing ███████░░░ 120/500": without the bar where the terminal is too narrow. */
static void draw_bar(const struct cli *cli, struct text what, size_t done, size_t total)
{
	char numbers[64];
	const char *words = cli_text(cli, what);
	size_t filled = total == 0 ? 0 : done * BAR_WIDTH / total;

	snprintf(numbers, sizeof(numbers), "%zu/%zu", done, total);
	fprintf(stderr, "\r\033[K%s ", words);
	if (cli_width(words) + BAR_WIDTH + strlen(numbers) + 3 <= terminal_width()) {
		for (size_t i = 0; i < BAR_WIDTH; i++)
			fputs(i < filled ? "█" : "░", stderr);
		fputc(' ', stderr);
	}
	fputs(numbers, stderr);
	fflush(stderr);
}

void cli_progress(const struct cli *cli, struct cli_progress *progress, size_t done, size_t total)
{
	int64_t now = clock_monotonic_ms();

	if (progress->started_ms == 0)
		progress->started_ms = now;
	if (isatty(STDERR_FILENO) != 1)
		return;
	if (done >= total) {
		if (progress->shown_ms != 0)
			fprintf(stderr, "\r\033[K");
		progress->shown_ms = 0;
		return;
	}
	if (now - progress->started_ms < 1000 || now - progress->shown_ms < 100)
		return;
	progress->shown_ms = now;
	draw_bar(cli,
		progress->what.en != NULL ? progress->what : (struct text){"working", "đang xử lý"},
		done, total);
}
