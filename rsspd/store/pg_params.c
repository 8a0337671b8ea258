#include "store/pg_internal.h"

#include "base/clock.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTEA_OID 17

rc_t pg_params_new(struct pg_params **params)
{
	struct pg_params *fresh = calloc(1, sizeof(*fresh));

	if (fresh == NULL)
		return RC_NO_MEMORY;
	*params = fresh;
	return RC_OK;
}

void pg_params_free(struct pg_params **params)
{
	if (*params == NULL)
		return;
	PQclear((*params)->rows.result);
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
static bool params_begin(struct pg_params *params, bool binary)
{
	if (params->rc != RC_OK)
		return false;
	if (params->count == PG_PARAMS_MAX) {
		params_fail(params, RC_INTERNAL);
		return false;
	}
	params->items[params->count].offset = params->bytes.len;
	params->items[params->count].binary = binary;
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

void pg_put_null(struct pg_params *params)
{
	if (!params_begin(params, false))
		return;
	params->items[params->count].null = true;
	params_end(params, RC_OK);
}

void pg_put_text(struct pg_params *params, const char *text)
{
	if (text == NULL)
		pg_put_null(params);
	else if (params_begin(params, false))
		params_end(params, buf_append_string(&params->bytes, text));
}

void pg_put_number(struct pg_params *params, int64_t number)
{
	if (params_begin(params, false))
		params_end(params, buf_printf(&params->bytes, "%" PRId64, number));
}

void pg_put_bytes(struct pg_params *params, struct span bytes)
{
	if (bytes.data == NULL)
		pg_put_null(params);
	else if (params_begin(params, true))
		params_end(params, buf_append_span(&params->bytes, bytes));
}

void pg_put_id(struct pg_params *params, const struct id *id)
{
	char text[ID_TEXT];

	if (id_is_zero(id)) {
		pg_put_null(params);
		return;
	}
	id_format(id, text);
	pg_put_text(params, text);
}

void pg_put_time(struct pg_params *params, int64_t wall_ms)
{
	char text[CLOCK_TEXT];

	if (wall_ms == 0) {
		pg_put_null(params);
		return;
	}
	clock_format(wall_ms, text);
	pg_put_text(params, text);
}

void pg_put_numbers(struct pg_params *params, const uint32_t *numbers, size_t count)
{
	if (!params_begin(params, false))
		return;
	rc_t rc = buf_append_string(&params->bytes, "{");
	for (size_t i = 0; i < count && rc == RC_OK; i++)
		rc = buf_printf(&params->bytes, "%s%" PRIu32, i == 0 ? "" : ",", numbers[i]);
	if (rc == RC_OK)
		rc = buf_append_string(&params->bytes, "}");
	params_end(params, rc);
}

static rc_t append_be32(struct buf *out, size_t number)
{
	const uint8_t bytes[4] = {(uint8_t)(number >> 24), (uint8_t)(number >> 16),
		(uint8_t)(number >> 8), (uint8_t)number};

	if (number > INT32_MAX)
		return RC_TOO_LONG;
	return buf_append(out, bytes, sizeof(bytes));
}

/* array_send()'s form: dimensions, has nulls, element type, then for each dimension its length and
 * lower bound, then each element with its length in front. */
static rc_t append_bytes_array(struct buf *out, struct span items, size_t len, size_t count)
{
	const size_t head[] = {count > 0 ? 1 : 0, 0, BYTEA_OID, count, 1};
	const size_t head_len = count > 0 ? 5 : 3;
	rc_t rc = RC_OK;

	if (len != 0 && count > items.len / len)
		return RC_INTERNAL;
	for (size_t i = 0; i < head_len && rc == RC_OK; i++)
		rc = append_be32(out, head[i]);
	for (size_t i = 0; i < count && rc == RC_OK; i++) {
		rc = append_be32(out, len);
		if (rc == RC_OK)
			rc = buf_append(out, items.data + i * len, len);
	}
	return rc;
}

void pg_put_bytes_array(struct pg_params *params, struct span items, size_t len, size_t count)
{
	if (params_begin(params, true))
		params_end(params, append_bytes_array(&params->bytes, items, len, count));
}

void pg_set_lane(struct pg_params *params, const struct id *lane)
{
	memcpy(&params->lane, lane->bytes, sizeof(params->lane));
}

void pg_set_slow(struct pg_params *params)
{
	params->slow = true;
}
