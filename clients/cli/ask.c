/* Secrets, from a descriptor or from the terminal: never from the command line or the environment,
 * which other users can read. */
#include "clients/cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>
#include <utf8proc.h>

#define SECRET_MAX 256

/* One line, byte by byte: two secrets may come one after the other from one descriptor. */
static rc_t read_line(int fd, struct secret *out)
{
	for (;;) {
		uint8_t byte = 0;
		ssize_t got = read(fd, &byte, 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return RC_SYSTEM;
		if (got == 0 || byte == '\n')
			break;
		if (out->bytes.len == SECRET_MAX)
			return RC_TOO_LONG;
		rc_t rc = buf_append(&out->bytes, &byte, 1);
		if (rc != RC_OK)
			return rc;
	}
	if (out->bytes.len > 0 && out->bytes.data[out->bytes.len - 1] == '\r')
		out->bytes.len--;
	return RC_OK;
}

struct terminal {
	int fd;
	int signals; /* signalfd */
	sigset_t caught;
	sigset_t before;
	struct termios shown; /* the terminal as it was */
	bool hidden;
};

static void terminal_hide(struct terminal *terminal, enum cli_ask how)
{
	struct termios hidden = terminal->shown;

	sigprocmask(SIG_BLOCK, &terminal->caught, NULL);
	if (how != ASK_HIDDEN)
		return;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	hidden.c_lflag |= ECHONL;
	terminal->hidden = tcsetattr(terminal->fd, TCSAFLUSH, &hidden) == 0;
}

/* Echo first, then whatever signal has waited does what it does: ends us, stops us. */
static void terminal_show(struct terminal *terminal)
{
	if (terminal->hidden)
		tcsetattr(terminal->fd, TCSAFLUSH, &terminal->shown);
	terminal->hidden = false;
	sigprocmask(SIG_SETMASK, &terminal->before, NULL);
}

static rc_t terminal_open(struct terminal *terminal)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};

	*terminal = (struct terminal){
		.fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY), .signals = -1};
	sigemptyset(&terminal->caught);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaddset(&terminal->caught, numbers[i]);
	if (terminal->fd < 0 || sigprocmask(SIG_SETMASK, NULL, &terminal->before) != 0 ||
		tcgetattr(terminal->fd, &terminal->shown) != 0)
		return RC_SYSTEM;
	terminal->signals = signalfd(-1, &terminal->caught, SFD_CLOEXEC);
	return terminal->signals < 0 ? RC_SYSTEM : RC_OK;
}

static void terminal_close(struct terminal *terminal)
{
	if (terminal->signals >= 0)
		close(terminal->signals);
	if (terminal->fd >= 0)
		close(terminal->fd);
}

static void prompt_write(const struct terminal *terminal, const char *prompt)
{
	if (dprintf(terminal->fd, "%s: ", prompt) < 0)
		return;
}

/* RC_STALE: a signal came, and we live on (we were stopped and continued): ask again. */
static rc_t terminal_line(
	struct terminal *terminal, const char *prompt, enum cli_ask how, struct secret *out)
{
	struct pollfd watched[] = {{.fd = terminal->fd, .events = POLLIN},
		{.fd = terminal->signals, .events = POLLIN}};
	rc_t rc = RC_STALE;

	/* before the prompt: what is typed in answer is neither shown nor flushed away */
	terminal_hide(terminal, how);
	prompt_write(terminal, prompt);
	/* the terminal gives whole lines: readable means that one is there */
	int ready = poll(watched, 2, -1);
	if (ready > 0 && watched[1].revents == 0)
		rc = read_line(terminal->fd, out);
	terminal_show(terminal);
	return rc;
}

static rc_t ask_terminal(const char *prompt, enum cli_ask how, struct secret *out)
{
	struct terminal terminal;
	rc_t rc = terminal_open(&terminal);

	if (rc == RC_OK) {
		do {
			rc = terminal_line(&terminal, prompt, how, out);
		} while (rc == RC_STALE);
	}
	terminal_close(&terminal);
	return rc;
}

static bool parse_descriptor(const char *text, int *fd)
{
	char *end = NULL;

	errno = 0;
	unsigned long value = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != 0 || errno != 0 || value > 65535)
		return false;
	*fd = (int)value;
	return true;
}

/* JSON carries nothing else. */
static bool valid_utf8(struct span text)
{
	while (text.len > 0) {
		utf8proc_int32_t c = 0;
		utf8proc_ssize_t used = utf8proc_iterate(text.data, (utf8proc_ssize_t)text.len, &c);
		if (used <= 0 || c == 0)
			return false;
		text.data += used;
		text.len -= (size_t)used;
	}
	return true;
}

enum cli_exit cli_ask(struct cli *cli, const char *option, struct text prompt, enum cli_ask how,
	struct secret *out)
{
	const char *value = cli_value(cli, option);
	const char *asked = cli_text(cli, prompt);
	rc_t rc;
	int fd = -1;

	secret_free(out);
	fflush(stdout);
	if (value != NULL && !parse_descriptor(value, &fd))
		return cli_fail(cli, CLI_USAGE,
			"--%s takes the number of an open descriptor, not %s",
			"--%s nhận số của một bộ mô tả tệp đang mở, không phải %s", option, value);
	rc = value != NULL ? read_line(fd, out) : ask_terminal(asked, how, out);
	if (rc == RC_SYSTEM && value == NULL)
		return cli_fail(cli, CLI_USAGE, "no terminal to ask at (%s); give it by --%s N",
			"không có cửa sổ dòng lệnh để hỏi (%s); hãy dùng --%s N", asked, option);
	if (rc == RC_OK && !valid_utf8(secret_span(out)))
		return cli_fail(cli, CLI_USAGE, "what was entered is not UTF-8 (%s, --%s)",
			"nội dung nhập không phải UTF-8 (%s, --%s)", asked, option);
	if (rc == RC_OK && out->bytes.len == 0)
		return cli_fail(cli, CLI_USAGE, "nothing was entered (%s, --%s)",
			"chưa nhập gì (%s, --%s)", asked, option);
	if (rc != RC_OK)
		return cli_fail(cli, CLI_USAGE, "cannot read --%s %s", "không đọc được --%s %s",
			option, value == NULL ? "" : value);
	return CLI_DONE;
}
