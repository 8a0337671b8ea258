#include "base/log.h"

#include "base/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOG_LINE 2048

static struct {
	char process[32];
	enum log_level least;
} log_state = {"rsspd", LOG_INFO};

static const char *const log_names[] = {"debug", "info", "warning", "error"};

void log_open(const char *process, enum log_level least)
{
	snprintf(log_state.process, sizeof(log_state.process), "%s", process);
	log_state.least = least;
}

bool log_wanted(enum log_level level)
{
	return level >= log_state.least;
}

void log_write(enum log_level level, const char *format, ...)
{
	char line[LOG_LINE], time[CLOCK_TEXT];
	va_list args;

	if (level < log_state.least)
		return;
	clock_format(clock_wall_ms(), time);
	int used = snprintf(
		line, sizeof(line), "%s %s %s ", time, log_names[level], log_state.process);
	va_start(args, format);
	int more = vsnprintf(line + used, sizeof(line) - (size_t)used - 1, format, args);
	va_end(args);
	if (more < 0)
		return;
	size_t len = strlen(line);
	line[len++] = '\n';
	/* one write a line, so that lines of several processes do not mix; a full disk must not
	 * stop the service, the durable record is the audit */
	if (write(STDERR_FILENO, line, len) < 0)
		return;
}

const char *log_escape(const char *text, char *out, size_t size)
{
	size_t used = 0;

	for (; *text != 0 && used + 5 < size; text++) {
		unsigned char c = (unsigned char)*text;
		if (c < 0x20 || c == 0x7f || c == '"' || c == '\\')
			used += (size_t)snprintf(out + used, size - used, "\\x%02x", c);
		else
			out[used++] = (char)c;
	}
	out[used] = 0;
	return out;
}
