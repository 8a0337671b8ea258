/*
 * The log: one line an event, `time level process module: event key=value …`, to standard error.
 * An event is logged once, where it is handled. Never a secret, never a document. Text that came
 * from outside goes through log_escape().
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

/* "api", "sam-sign-0": stands in every line of this process. */
void log_open(const char *process, enum log_level least);
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Would a line of that level be written? Asked where making its text costs something. */
bool log_wanted(enum log_level level);

#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__)
#define log_warning(...) log_write(LOG_WARNING, __VA_ARGS__)
#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)

/* Control characters, quotes and backslashes as \xNN; cut to size. Returns out. */
const char *log_escape(const char *text, char *out, size_t size);

#endif
