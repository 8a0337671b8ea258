/*
 * Parameters in the form that libpq sends: binary, but for text and for arrays of bytes. So no date
 * and no identifier is written out here and read again there.
 */
#include "store/pg_internal.h"

#include "base/digest.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define PARAMS_LEN 896 /* what a signature's take */

static const struct {
	uint32_t oid; /* of an element of a batch's array: pg_type.oid */
	bool binary;
} kinds[] = {
	[PG_TEXT] = {25, false},
	[PG_BYTES] = {17, true},
	[PG_NUMBER] = {20, true},
	[PG_ID] = {2950, true},
	[PG_TIME] = {1184, true},
	[PG_BYTES_ARRAY] = {25, false},
};

bool pg_kind_binary(enum pg_kind kind)
{
	return kinds[kind].binary;
}

rc_t pg_params_new(struct pg_params **params)
{
	struct pg_params *fresh = calloc(1, sizeof(*fresh));

	if (fresh == NULL)
		return RC_NO_MEMORY;
	if (buf_reserve(&fresh->bytes, PARAMS_LEN) != RC_OK) {
		free(fresh);
		return RC_NO_MEMORY;
	}
	*params = fresh;
	return RC_OK;
}

void pg_params_free(struct pg_params **params)
{
	if (*params == NULL)
		return;
	pg_rows_drop(&(*params)->rows);
	buf_free(&(*params)->bytes);
	free(*params);
	*params = NULL;
}

static void params_fail(struct pg_params *params, rc_t rc)
{
	if (params->rc == RC_OK)
		params->rc = rc;
}

/* Opens the next parameter; its bytes follow, and params_end() closes it. */
static bool params_begin(struct pg_params *params, enum pg_kind kind)
{
	if (params->rc != RC_OK)
		return false;
	if (params->count == PG_PARAMS_MAX) {
		params_fail(params, RC_INTERNAL);
		return false;
	}
	if (params->bytes.len > INT_MAX) {
		params_fail(params, RC_TOO_LONG);
		return false;
	}
	params->items[params->count].offset = (uint32_t)params->bytes.len;
	params->items[params->count].kind = (uint8_t)kind;
	return true;
}

static void params_end(struct pg_params *params, rc_t rc)
{
	size_t len = params->bytes.len - params->items[params->count].offset;

	if (rc == RC_OK && len > INT_MAX)
		rc = RC_TOO_LONG;
	/* libpq reads text parameters as C strings */
	if (rc == RC_OK)
		rc = buf_append(&params->bytes, "", 1);
	if (rc != RC_OK) {
		params_fail(params, rc);
		return;
	}
	params->items[params->count++].len = (int)len;
}

static void params_put(struct pg_params *params, enum pg_kind kind, struct span bytes)
{
	if (params_begin(params, kind))
		params_end(params, buf_append_span(&params->bytes, bytes));
}

void pg_put_null(struct pg_params *params, enum pg_kind kind)
{
	if (!params_begin(params, kind))
		return;
	params->items[params->count].null = true;
	params_end(params, RC_OK);
}

void pg_put_text(struct pg_params *params, const char *text)
{
	if (text == NULL)
		pg_put_null(params, PG_TEXT);
	else
		params_put(params, PG_TEXT, span_string(text));
}

static void big_endian(uint8_t *out, size_t len, uint64_t number)
{
	for (size_t i = len; i > 0; i--, number >>= 8)
		out[i - 1] = (uint8_t)number;
}

void pg_put_number(struct pg_params *params, int64_t number)
{
	uint8_t bytes[8];

	big_endian(bytes, sizeof(bytes), (uint64_t)number);
	params_put(params, PG_NUMBER, SPAN(bytes, sizeof(bytes)));
}

void pg_put_bytes(struct pg_params *params, struct span bytes)
{
	if (bytes.data == NULL)
		pg_put_null(params, PG_BYTES);
	else
		params_put(params, PG_BYTES, bytes);
}

void pg_put_id(struct pg_params *params, const struct id *id)
{
	if (id_is_zero(id))
		pg_put_null(params, PG_ID);
	else
		params_put(params, PG_ID, id_span(id));
}

void pg_put_time(struct pg_params *params, int64_t wall_ms)
{
	uint8_t bytes[8];

	if (wall_ms == 0) {
		pg_put_null(params, PG_TIME);
		return;
	}
	big_endian(bytes, sizeof(bytes), (uint64_t)((wall_ms - PG_EPOCH_MS) * 1000));
	params_put(params, PG_TIME, SPAN(bytes, sizeof(bytes)));
}

static rc_t append_hex(struct buf *out, const uint8_t *bytes, size_t len)
{
	char text[2 * SHA256_LEN + 1];
	rc_t rc = RC_OK;

	for (size_t at = 0; at < len && rc == RC_OK; at += SHA256_LEN) {
		size_t some = len - at < SHA256_LEN ? len - at : SHA256_LEN;
		digest_hex(SPAN(bytes + at, some), text);
		rc = buf_append(out, text, 2 * some);
	}
	return rc;
}

/* An array literal: {"\\x00ff","\\x0102"}. */
static rc_t append_bytes_array(struct buf *out, struct span items, size_t len, size_t count)
{
	rc_t rc = RC_OK;

	if (len != 0 && count > items.len / len)
		return RC_INTERNAL;
	rc = buf_append_string(out, "{");
	for (size_t i = 0; i < count && rc == RC_OK; i++) {
		rc = buf_append_string(out, i == 0 ? "\"\\\\x" : ",\"\\\\x");
		if (rc == RC_OK)
			rc = append_hex(out, items.data + i * len, len);
		if (rc == RC_OK)
			rc = buf_append_string(out, "\"");
	}
	return rc == RC_OK ? buf_append_string(out, "}") : rc;
}

void pg_put_bytes_array(struct pg_params *params, struct span items, size_t len, size_t count)
{
	if (params_begin(params, PG_BYTES_ARRAY))
		params_end(params, append_bytes_array(&params->bytes, items, len, count));
}

static rc_t append_be32(struct buf *out, uint32_t number)
{
	uint8_t bytes[4];

	big_endian(bytes, sizeof(bytes), number);
	return buf_append(out, bytes, sizeof(bytes));
}

static rc_t append_element(struct buf *out, const struct pg_params *unit, int column)
{
	if (unit->items[column].null)
		return append_be32(out, UINT32_MAX);
	rc_t rc = append_be32(out, (uint32_t)unit->items[column].len);
	return rc == RC_OK ? buf_append(out, unit->bytes.data + unit->items[column].offset,
				     (size_t)unit->items[column].len)
			   : rc;
}

/* array_send()'s form: dimensions, has nulls, element type, length, lower bound, then each element
 * with its length in front. */
rc_t pg_column_append(struct buf *out, struct pg_params *const *units, size_t count, int column)
{
	const uint8_t kind = units[0]->items[column].kind;
	const uint32_t head[] = {1, 1, kinds[kind].oid, (uint32_t)count, 1};
	rc_t rc = RC_OK;

	for (size_t i = 0; i < sizeof(head) / sizeof(head[0]) && rc == RC_OK; i++)
		rc = append_be32(out, head[i]);
	for (size_t i = 0; i < count && rc == RC_OK; i++) {
		rc = units[i]->items[column].kind == kind ? append_element(out, units[i], column)
							  : RC_INTERNAL;
	}
	return rc;
}

void pg_set_lane(struct pg_params *params, const struct id *lane)
{
	memcpy(&params->lane, lane->bytes, sizeof(params->lane));
}

void pg_set_slow(struct pg_params *params)
{
	params->slow = true;
}

void pg_set_key(struct pg_params *params, const struct id *key)
{
	params->key = *key;
}
