/* Results come in the binary form (no escaping, no parsing of dates). */
#include "store/pg_internal.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>

/* pg_type.oid of what our statements answer; fixed for ever in PostgreSQL's catalogue */
enum {
	OID_BOOL = 16,
	OID_BYTEA = 17,
	OID_INT8 = 20,
	OID_INT2 = 21,
	OID_INT4 = 23,
	OID_TEXT = 25,
	OID_JSON = 114,
	OID_VARCHAR = 1043,
	OID_TIMESTAMPTZ = 1184,
	OID_UUID = 2950,
};

#define EPOCH_2000_MS 946684800000 /* PostgreSQL's zero, in ours */

static _Noreturn void rows_bug(const struct pg_rows *rows, int column, const char *wanted)
{
	log_error("store: bug wanted=%s column=%s type=%u", wanted,
		PQfname(rows->result, column) != NULL ? PQfname(rows->result, column) : "?",
		PQftype(rows->result, column));
	abort();
}

static const uint8_t *rows_value(
	const struct pg_rows *rows, size_t row, int column, const char *wanted)
{
	if (row >= pg_row_count(rows) || column < 0 || column >= PQnfields(rows->result))
		rows_bug(rows, column, "a cell");
	if (PQgetisnull(rows->result, (int)row, column))
		rows_bug(rows, column, wanted);
	return (const uint8_t *)PQgetvalue(rows->result, (int)row, column);
}

static uint64_t big_endian(const uint8_t *bytes, size_t len)
{
	uint64_t number = 0;

	for (size_t i = 0; i < len; i++)
		number = number << 8 | bytes[i];
	return number;
}

size_t pg_row_count(const struct pg_rows *rows)
{
	return rows->result == NULL ? 0 : (size_t)PQntuples(rows->result);
}

bool pg_is_null(const struct pg_rows *rows, size_t row, int column)
{
	if (row >= pg_row_count(rows) || column < 0 || column >= PQnfields(rows->result))
		rows_bug(rows, column, "a cell");
	return PQgetisnull(rows->result, (int)row, column) != 0;
}

const char *pg_text(const struct pg_rows *rows, size_t row, int column)
{
	const uint8_t *value = rows_value(rows, row, column, "text");
	Oid type = PQftype(rows->result, column);

	if (type != OID_TEXT && type != OID_VARCHAR && type != OID_JSON)
		rows_bug(rows, column, "text");
	return (const char *)value;
}

int64_t pg_number(const struct pg_rows *rows, size_t row, int column)
{
	const uint8_t *value = rows_value(rows, row, column, "number");

	switch (PQftype(rows->result, column)) {
	case OID_INT8:
		return (int64_t)big_endian(value, 8);
	case OID_INT4:
		return (int32_t)big_endian(value, 4);
	case OID_INT2:
		return (int16_t)big_endian(value, 2);
	default:
		rows_bug(rows, column, "number");
	}
}

bool pg_bool(const struct pg_rows *rows, size_t row, int column)
{
	const uint8_t *value = rows_value(rows, row, column, "bool");

	if (PQftype(rows->result, column) != OID_BOOL)
		rows_bug(rows, column, "bool");
	return *value != 0;
}

int64_t pg_time_ms(const struct pg_rows *rows, size_t row, int column)
{
	const uint8_t *value = rows_value(rows, row, column, "time");

	if (PQftype(rows->result, column) != OID_TIMESTAMPTZ)
		rows_bug(rows, column, "time");
	int64_t microseconds = (int64_t)big_endian(value, 8);
	int64_t milliseconds = microseconds / 1000;
	if (microseconds % 1000 < 0)
		milliseconds--;
	return milliseconds + EPOCH_2000_MS;
}

struct id pg_id(const struct pg_rows *rows, size_t row, int column)
{
	struct id id;

	const uint8_t *value = rows_value(rows, row, column, "id");
	if (PQftype(rows->result, column) != OID_UUID)
		rows_bug(rows, column, "id");
	memcpy(id.bytes, value, ID_LEN);
	return id;
}

struct span pg_span(const struct pg_rows *rows, size_t row, int column)
{
	const uint8_t *value = rows_value(rows, row, column, "bytes");

	if (PQftype(rows->result, column) != OID_BYTEA)
		rows_bug(rows, column, "bytes");
	return SPAN(value, (size_t)PQgetlength(rows->result, (int)row, column));
}

rc_t pg_bytes(const struct pg_rows *rows, size_t row, int column, struct buf *out)
{
	return buf_append_span(out, pg_span(rows, row, column));
}
