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

static void rows_have(struct pg_rows *rows, struct pg_result *shared, size_t first, size_t count,
	int columns_before)
{
	*rows = (struct pg_rows){shared, first, count, columns_before};
	shared->users++;
}

/* The first column says whose row it is. */
static rc_t rows_deal(struct pg_result *shared, struct pg_params *const *units, size_t count)
{
	for (size_t i = 0; i < count; i++)
		rows_have(&units[i]->rows, shared, 0, 0, 1);
	for (size_t i = 0; i < (size_t)PQntuples(shared->result); i++) {
		const struct pg_rows row = {shared, i, 1, 0};
		int64_t number = pg_number(&row, 0, 0);
		if (number < 1 || (size_t)number > count || units[number - 1]->rows.count != 0)
			return RC_FORMAT;
		units[number - 1]->rows.first = i;
		units[number - 1]->rows.count = 1;
	}
	return RC_OK;
}

rc_t pg_rows_share(PGresult *result, struct pg_params *const *units, size_t count)
{
	struct pg_result *shared = calloc(1, sizeof(*shared));

	if (shared == NULL) {
		PQclear(result);
		return RC_NO_MEMORY;
	}
	shared->result = result;
	if (units[0]->statement->batch)
		return rows_deal(shared, units, count);
	rows_have(&units[0]->rows, shared, 0, (size_t)PQntuples(result), 0);
	return RC_OK;
}

void pg_rows_drop(struct pg_rows *rows)
{
	struct pg_result *shared = rows->shared;

	*rows = (struct pg_rows){NULL, 0, 0, 0};
	if (shared == NULL || --shared->users > 0)
		return;
	PQclear(shared->result);
	free(shared);
}

static _Noreturn void rows_bug(const struct pg_rows *rows, int column, const char *wanted)
{
	const PGresult *result = rows->shared == NULL ? NULL : rows->shared->result;
	const char *name = PQfname(result, column + rows->columns_before);

	log_error("store: bug wanted=%s column=%s", wanted, name != NULL ? name : "?");
	abort();
}

/* A column of the unit's is there, and so is the row. */
static bool rows_has(const struct pg_rows *rows, size_t row, int column)
{
	return row < rows->count && column >= 0 &&
	       column + rows->columns_before < PQnfields(rows->shared->result);
}

static Oid rows_type(const struct pg_rows *rows, int column)
{
	return PQftype(rows->shared->result, column + rows->columns_before);
}

static const uint8_t *rows_value(
	const struct pg_rows *rows, size_t row, int column, const char *wanted)
{
	if (pg_is_null(rows, row, column))
		rows_bug(rows, column, wanted);
	return (const uint8_t *)PQgetvalue(
		rows->shared->result, (int)(rows->first + row), column + rows->columns_before);
}

static size_t rows_len(const struct pg_rows *rows, size_t row, int column)
{
	return (size_t)PQgetlength(
		rows->shared->result, (int)(rows->first + row), column + rows->columns_before);
}

/* A server that is no PostgreSQL may say any length of any type. */
static const uint8_t *rows_fixed(
	const struct pg_rows *rows, size_t row, int column, const char *wanted, size_t len)
{
	const uint8_t *value = rows_value(rows, row, column, wanted);

	if (rows_len(rows, row, column) != len)
		rows_bug(rows, column, wanted);
	return value;
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
	return rows->count;
}

bool pg_is_null(const struct pg_rows *rows, size_t row, int column)
{
	if (!rows_has(rows, row, column))
		rows_bug(rows, column, "a cell");
	return PQgetisnull(rows->shared->result, (int)(rows->first + row),
		       column + rows->columns_before) != 0;
}

const char *pg_text(const struct pg_rows *rows, size_t row, int column)
{
	const uint8_t *value = rows_value(rows, row, column, "text");
	Oid type = rows_type(rows, column);

	if (type != OID_TEXT && type != OID_VARCHAR && type != OID_JSON)
		rows_bug(rows, column, "text");
	return (const char *)value;
}

int64_t pg_number(const struct pg_rows *rows, size_t row, int column)
{
	switch (pg_is_null(rows, row, column) ? 0 : rows_type(rows, column)) {
	case OID_INT8:
		return (int64_t)big_endian(rows_fixed(rows, row, column, "number", 8), 8);
	case OID_INT4:
		return (int32_t)big_endian(rows_fixed(rows, row, column, "number", 4), 4);
	case OID_INT2:
		return (int16_t)big_endian(rows_fixed(rows, row, column, "number", 2), 2);
	default:
		rows_bug(rows, column, "number");
	}
}

bool pg_bool(const struct pg_rows *rows, size_t row, int column)
{
	const uint8_t *value = rows_fixed(rows, row, column, "bool", 1);

	if (rows_type(rows, column) != OID_BOOL)
		rows_bug(rows, column, "bool");
	return *value != 0;
}

int64_t pg_time_ms(const struct pg_rows *rows, size_t row, int column)
{
	const uint8_t *value = rows_fixed(rows, row, column, "time", 8);

	if (rows_type(rows, column) != OID_TIMESTAMPTZ)
		rows_bug(rows, column, "time");
	int64_t microseconds = (int64_t)big_endian(value, 8);
	int64_t milliseconds = microseconds / 1000;
	if (microseconds % 1000 < 0)
		milliseconds--;
	return milliseconds + PG_EPOCH_MS;
}

struct id pg_id(const struct pg_rows *rows, size_t row, int column)
{
	struct id id;

	const uint8_t *value = rows_fixed(rows, row, column, "id", ID_LEN);
	if (rows_type(rows, column) != OID_UUID)
		rows_bug(rows, column, "id");
	memcpy(id.bytes, value, ID_LEN);
	return id;
}

struct span pg_span(const struct pg_rows *rows, size_t row, int column)
{
	const uint8_t *value = rows_value(rows, row, column, "bytes");

	if (rows_type(rows, column) != OID_BYTEA)
		rows_bug(rows, column, "bytes");
	return SPAN(value, rows_len(rows, row, column));
}

rc_t pg_bytes(const struct pg_rows *rows, size_t row, int column, struct buf *out)
{
	return buf_append_span(out, pg_span(rows, row, column));
}
