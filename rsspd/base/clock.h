/* The only place that reads a clock. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* Milliseconds since 1970 UTC: for records, expiry, TOTP. */
int64_t clock_wall_ms(void);
/* Milliseconds that never jump: for time-outs. */
int64_t clock_monotonic_ms(void);
/* The same in microseconds: for measuring. */
int64_t clock_monotonic_us(void);

#define CLOCK_TEXT 25 /* "2026-01-02T03:04:05.678Z" with the terminator */
void clock_format(int64_t wall_ms, char text[CLOCK_TEXT]);

#endif
