/*
 * Length-prefixed fields: the form of frames between the api process and the SAMs, of a seal's
 * additional authenticated data, and of the statements that operators sign. A field is a 32-bit
 * big-endian length and that many bytes; a number is 8 bytes, big-endian, with no length. There is
 * one encoding for each sequence of values, so that what is signed or authenticated is canonical.
 */
#ifndef BASE_WIRE_H
#define BASE_WIRE_H

#include "base/buf.h"

#include <stdbool.h>

must_check rc_t wire_put_number(struct buf *out, uint64_t number);
must_check rc_t wire_put_bytes(struct buf *out, struct span bytes);
must_check rc_t wire_put_string(struct buf *out, const char *text);

/* Reading never copies; the spans point into the input. The first fault sticks. */
struct wire_reader {
	struct span rest;
	bool broken;
};

struct wire_reader wire_reader(struct span input);
uint64_t wire_get_number(struct wire_reader *reader);
struct span wire_get_bytes(struct wire_reader *reader);
/* A field of exactly len bytes, copied out. */
void wire_get_fixed(struct wire_reader *reader, void *out, size_t len);
/* A field of at most size - 1 bytes without NUL, as a C string. */
void wire_get_string(struct wire_reader *reader, char *out, size_t size);
/* RC_FORMAT unless every read succeeded and nothing is left over. */
must_check rc_t wire_reader_end(const struct wire_reader *reader);

#endif
