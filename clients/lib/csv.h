/* Comma-separated values, RFC 4180, strict. LF alone ends a record too; the separator may be ';',
 * as spreadsheets of some countries write it. Internal to clients/lib. */
#ifndef CLIENTS_CSV_H
#define CLIENTS_CSV_H

#include "base/buf.h"

#include <stdbool.h>

#define CSV_FIELDS_MAX 32

struct csv {
	struct span rest;
	char separator;
	struct buf text;		/* the record's fields, each NUL-terminated */
	size_t offsets[CSV_FIELDS_MAX]; /* into text */
	size_t count; /* fields in the record; those past CSV_FIELDS_MAX are not kept */
};

/* text must live as long as csv, and hold no NUL. The first line decides on the separator. */
void csv_begin(struct csv *csv, struct span text);
void csv_end(struct csv *csv);
/* Nothing left? */
bool csv_done(const struct csv *csv);
/* RC_FORMAT: a quote in a wrong place or never closed; what follows cannot be told apart any more.
 */
must_check rc_t csv_next(struct csv *csv);
/* Of the last record; "" past its end. Lives until the next call. */
const char *csv_field(const struct csv *csv, size_t index);

#endif
