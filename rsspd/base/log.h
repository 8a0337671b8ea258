/*
 * The log: one line an event, `time level process module: event key=value …`, to standard error
 * and, where there is one, to a file. An event is logged once, where it is handled. Never a secret,
 * never a document. Text that came from outside goes through log_escape(), and in quotes.
 *
 * As JSON a line is one object: time (RFC 3339, UTC, milliseconds), level, process, pid, module,
 * event, then the keys in their order. A value without quotes that is a decimal number is a number,
 * all others are strings; words behind the last key are `text`. A key that is there already gets
 * "_2". A byte that is no UTF-8, or a control, is \xNN in either form.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };
enum log_format { LOG_TEXT, LOG_JSON };

/* "api", "sam-sign-0": stands in every line of this process. */
void log_open(const char *process, enum log_level least);
void log_set_format(enum log_format format);
/* Whole lines go there too, each by one write; -1: not any more. fd stays the caller's and is
 * opened with O_APPEND. */
void log_set_file(int fd);

/* Where a process finds the socket by which the supervisor hands it the log file, if there is one:
 * each message is a descriptor, and takes the place of the last one. So a process that may not open
 * the file follows when it is replaced. Looked at before each line. */
#define LOG_CHANNEL_FD 5
/* Nothing, if there is no such socket: the number may come to be another descriptor's. */
void log_set_channel(int socket);

void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Would a line of that level be written? Asked where making its text costs something. */
bool log_wanted(enum log_level level);

#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__)
#define log_warning(...) log_write(LOG_WARNING, __VA_ARGS__)
#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)

/* For a value in quotes: lines, tabs and blanks as one space, double quotes as single ones, other
 * control characters and backslashes as \xNN; cut to size. Returns out. */
const char *log_escape(const char *text, char *out, size_t size);

#endif
