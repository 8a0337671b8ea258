/* A line of the log as JSON; for log.c, and for who tests or fuzzes it. What it makes is said in
 * base/log.h. */
#ifndef BASE_LOG_JSON_H
#define BASE_LOG_JSON_H

#include <stddef.h>

#define LOG_MESSAGE 2048 /* bytes of a message, the terminator included; what is longer is cut */
#define LOG_LINE 8192

/* One valid JSON object of at most size bytes, which must be LOG_LINE / 2 or more; returns its
 * length. message is "module: event key=value …". */
size_t log_json(char *out, size_t size, const char *time, const char *level, const char *process,
	const char *message);

#endif
