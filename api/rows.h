/* Lists in answers: an array of one struct, each row written by one function. */
#ifndef API_ROWS_H
#define API_ROWS_H

#include "api/request.h"

/* A new reference, or NULL without memory. */
typedef json_t *(*row_write_fn)(const void *row);

struct rows {
	const void *first;
	size_t count, size;
	row_write_fn write;
};

/* Of an array; NULL may stand for an empty one. */
#define ROWS(array, count, write) ((struct rows){(array), (count), sizeof((array)[0]), (write)})

/* A new reference, or NULL without memory. */
json_t *rows_write(const struct rows *rows);
/* Ends the request: with an object whose member `name` is the list, or with the fault. */
void rows_reply(struct request *request, const struct fault *fault, const char *name,
	const struct rows *rows);

#endif
