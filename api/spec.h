/*
 * Request specs: what a request's parameters are, as a table; and the one function that turns a
 * request into validated values. Types of all parameters are checked first, in the order of the
 * table, values after that. JSON null is the same as absent; what the table does
 * not name is ignored.
 */
#ifndef API_SPEC_H
#define API_SPEC_H

#include "base/id.h"

#include <jansson.h>
#include <stdbool.h>

/* …and the C type of the member of the values struct that takes it. */
enum spec_type {
	SPEC_TEXT,   /* const char *, points into the parameters; NULL if absent */
	SPEC_NUMBER, /* int64_t; JSON integers only: 1.0 is not one */
	SPEC_FLAG,   /* bool */
	SPEC_ID,     /* struct id; zero if absent */
	SPEC_CHOICE, /* int, index into choices */
	SPEC_ARRAY,  /* const json_t *, borrowed; NULL if absent */
	SPEC_BASE64, /* struct buf, decoded, owned by the values */
	SPEC_HEX,    /* struct buf, decoded, owned by the values */
	SPEC_TIME,   /* int64_t, ms since 1970; "2026-01-02", "2026-01-02T03:04:05Z" */
};

struct spec_field {
	const char *name;
	const char *alias; /* the other CSC version's name for it; NULL: none */
	enum spec_type type;
	bool required;
	bool line;	     /* text: no control characters */
	rc_t wrong;	     /* absent though required, or of another type */
	rc_t invalid;	     /* a value that is not allowed */
	rc_t contradiction;  /* name and alias both there, and different */
	size_t offset;	     /* in the values struct */
	int64_t least, most; /* number: its range; text: its length in characters; both 0: any */
	int64_t preset;	     /* NUMBER, FLAG, CHOICE when absent */
	const char *const *choices; /* NULL ends */
};

struct spec {
	const struct spec_field *fields;
	size_t count;
	size_t size; /* of the values struct */
};

#define SPEC(table, type)                                                 \
	{                                                                 \
		(table), sizeof(table) / sizeof((table)[0]), sizeof(type) \
	}

/* Fills `values` (spec->size bytes, zeroed by the caller). `textual`: the parameters came as a form
 * or a query, so numbers and flags are written as text. On a fault `*name` says which parameter. */
must_check rc_t spec_read(const struct spec *spec, const json_t *params, bool textual, void *values,
	const char **name);
/* Releases what the values own. */
void spec_release(const struct spec *spec, void *values);

#endif
