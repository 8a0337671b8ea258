#include "base/log.h"

#include "base/clock.h"
#include "base/log_json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct {
	char process[32];
	enum log_level least;
	enum log_format format;
	int file, channel; /* -1: none */
	bool owns_file;	   /* it came by the channel */
} log_state = {"rsspd", LOG_INFO, LOG_TEXT, -1, -1, false};

static const char *const log_names[] = {"debug", "info", "warning", "error"};

void log_open(const char *process, enum log_level least)
{
	snprintf(log_state.process, sizeof(log_state.process), "%s", process);
	log_state.least = least;
}

void log_set_format(enum log_format format)
{
	log_state.format = format;
}

void log_set_file(int fd)
{
	if (log_state.owns_file)
		close(log_state.file);
	log_state.owns_file = false;
	log_state.file = fd;
}

void log_set_channel(int socket)
{
	socklen_t len = sizeof(int);
	int type = 0;

	bool fits = socket >= 0 && getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
		    type == SOCK_SEQPACKET;
	log_state.channel = fits ? socket : -1;
}

bool log_wanted(enum log_level level)
{
	return level >= log_state.least;
}

/* -1: there is nothing. */
static int channel_take(int channel)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} fds = {0};
	char byte;
	struct iovec part = {&byte, 1};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = fds.bytes,
		.msg_controllen = sizeof(fds.bytes)};
	int fd = -1;

	if (recvmsg(channel, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != 1)
		return -1;
	const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
		header->cmsg_len == CMSG_LEN(sizeof(fd)))
		memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

static void channel_follow(void)
{
	int fd;

	while (log_state.channel >= 0 && (fd = channel_take(log_state.channel)) >= 0) {
		log_set_file(fd);
		log_state.owns_file = true;
	}
}

/* Nothing in a message ends its line or steers a terminal, whatever its words are made of. */
static size_t text_line(char *out, size_t size, const char *message)
{
	size_t used = 0;

	for (; *message != 0 && used + 5 < size; message++) {
		unsigned char c = (unsigned char)*message;
		if (c < 0x20 || c == 0x7f)
			used += (size_t)snprintf(out + used, size - used, "\\x%02x", c);
		else
			out[used++] = (char)c;
	}
	return used;
}

void log_write(enum log_level level, const char *format, ...)
{
	char message[LOG_MESSAGE], line[LOG_LINE], time[CLOCK_TEXT];
	size_t used;
	va_list args;

	if (level < log_state.least)
		return;
	va_start(args, format);
	int len = vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	if (len < 0)
		return;
	clock_format(clock_wall_ms(), time);
	if (log_state.format == LOG_JSON) {
		used = log_json(
			line, sizeof(line) - 1, time, log_names[level], log_state.process, message);
	} else {
		used = (size_t)snprintf(
			line, sizeof(line), "%s %s %s ", time, log_names[level], log_state.process);
		used += text_line(line + used, sizeof(line) - used - 1, message);
	}
	line[used++] = '\n';
	channel_follow();
	/* one write a line, so that lines of several processes do not mix; a full disk must not
	 * stop the service, the durable record is the audit */
	ssize_t written = write(STDERR_FILENO, line, used);
	if (log_state.file >= 0)
		written = write(log_state.file, line, used);
	(void)written;
}

/* As a space, or as another quote: libpq's texts stay readable. */
static char log_plain(char c)
{
	return c == '\n' || c == '\t' ? ' ' : c == '"' ? '\'' : c;
}

const char *log_escape(const char *text, char *out, size_t size)
{
	size_t used = 0;

	for (; *text != 0 && used + 5 < size; text++) {
		char plain = log_plain(*text);
		unsigned char c = (unsigned char)plain;
		if (c < 0x20 || c == 0x7f || c == '\\')
			used += (size_t)snprintf(out + used, size - used, "\\x%02x", c);
		else if (c != ' ' || (used > 0 && out[used - 1] != ' '))
			out[used++] = plain;
	}
	if (used > 0 && out[used - 1] == ' ')
		used--;
	out[used] = 0;
	return out;
}
