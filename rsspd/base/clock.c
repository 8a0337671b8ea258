#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t clock_read_ms(clockid_t which)
{
	struct timespec now;

	clock_gettime(which, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_wall_ms(void)
{
	return clock_read_ms(CLOCK_REALTIME);
}

int64_t clock_monotonic_ms(void)
{
	return clock_read_ms(CLOCK_MONOTONIC);
}

int64_t clock_monotonic_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void clock_format(int64_t wall_ms, char text[CLOCK_TEXT])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm utc = {0};
	char date[sizeof("2026-01-02T03:04:05")];

	/* the database may say any time: what has no four-digit year is the end of time */
	if (gmtime_r(&seconds, &utc) == NULL ||
		strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc) == 0)
		memcpy(date, "9999-12-31T23:59:59", sizeof(date));
	snprintf(text, CLOCK_TEXT, "%s.%03uZ", date, (unsigned)(wall_ms % 1000) % 1000u);
}
