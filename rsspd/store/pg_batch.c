/*
 * Units of one statement as rows of one execution: each parameter is an array, an element a unit.
 * Starting and planning nothing anew, one batch of 64 costs what a few single ones do.
 */
#include "store/pg_internal.h"

#include <stdlib.h>
#include <string.h>

/* Is there a place for the unit among those from `first` to `end`, which are one batch? */
static bool batch_takes(
	struct pg_params *const *units, size_t first, size_t end, const struct pg_params *unit)
{
	if (!unit->statement->batch || units[first]->statement != unit->statement)
		return false;
	for (size_t i = first; i < end && !id_is_zero(&unit->key); i++) {
		if (id_equal(&units[i]->key, &unit->key))
			return false;
	}
	return true;
}

size_t pg_batch_count(struct pg_params *const *units, size_t first, size_t count)
{
	size_t end = first + 1;

	while (end < count && batch_takes(units, first, end, units[end]))
		end++;
	return end - first;
}

static void move_to(struct pg_params **units, size_t from, size_t to)
{
	struct pg_params *unit = units[from];

	memmove(units + to + 1, units + to, (from - to) * sizeof(units[0]));
	units[to] = unit;
}

static int by_key(const void *a, const void *b)
{
	const struct pg_params *const *one = a, *const *other = b;

	return memcmp(&(*one)->key, &(*other)->key, sizeof(struct id));
}

void pg_batch_order(struct pg_params **units, size_t count)
{
	for (size_t first = 0, end; first < count; first = end) {
		end = first + 1;
		for (size_t i = end; i < count; i++) {
			if (batch_takes(units, first, end, units[i]))
				move_to(units, i, end++);
		}
		if (end - first > 1)
			qsort(units + first, end - first, sizeof(units[0]), by_key);
	}
}

static rc_t send_single(PGconn *conn, const struct pg_params *unit)
{
	const char *values[PG_PARAMS_MAX];
	int lengths[PG_PARAMS_MAX], formats[PG_PARAMS_MAX];

	for (int i = 0; i < unit->count; i++) {
		values[i] = unit->items[i].null
				    ? NULL
				    : (const char *)unit->bytes.data + unit->items[i].offset;
		lengths[i] = unit->items[i].len;
		formats[i] = pg_kind_binary((enum pg_kind)unit->items[i].kind);
	}
	return PQsendQueryPrepared(
		       conn, unit->statement->name, unit->count, values, lengths, formats, 1)
		       ? RC_OK
		       : RC_STORE_DOWN;
}

rc_t pg_batch_send(PGconn *conn, struct pg_params *const *units, size_t count)
{
	const char *values[PG_PARAMS_MAX];
	int lengths[PG_PARAMS_MAX], formats[PG_PARAMS_MAX];
	size_t offsets[PG_PARAMS_MAX];
	struct buf columns = BUF_INIT;
	rc_t rc = RC_OK;

	if (!units[0]->statement->batch)
		return send_single(conn, units[0]);
	for (int i = 0; i < units[0]->count && rc == RC_OK; i++) {
		offsets[i] = columns.len;
		rc = pg_column_append(&columns, units, count, i);
		lengths[i] = (int)(columns.len - offsets[i]);
		formats[i] = 1;
	}
	for (int i = 0; i < units[0]->count && rc == RC_OK; i++)
		values[i] = (const char *)columns.data + offsets[i];
	if (rc == RC_OK && !PQsendQueryPrepared(conn, units[0]->statement->name, units[0]->count,
				   values, lengths, formats, 1))
		rc = RC_STORE_DOWN;
	buf_free(&columns);
	return rc;
}
