#include "store/unit.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>

struct pg_params *unit_params(const struct audit_row *row)
{
	struct pg_params *params = NULL;

	if (pg_params_new(&params) != RC_OK) {
		log_error("store: no memory for a statement's parameters");
		abort();
	}
	if (row != NULL)
		audit_put(params, row);
	return params;
}

rc_t unit_text(const struct pg_rows *rows, size_t row, int column, char *out, size_t size)
{
	const char *text = pg_is_null(rows, row, column) ? "" : pg_text(rows, row, column);
	size_t len = strlen(text);

	if (len >= size) {
		log_error("store: a text is too long column=%d bytes=%zu most=%zu", column, len,
			size - 1);
		return RC_INTERNAL;
	}
	memcpy(out, text, len + 1);
	return RC_OK;
}

rc_t unit_fixed(const struct pg_rows *rows, size_t row, int column, void *out, size_t len)
{
	struct buf bytes = BUF_INIT;
	rc_t rc = pg_is_null(rows, row, column) ? RC_INTERNAL : pg_bytes(rows, row, column, &bytes);

	if (rc == RC_OK && bytes.len != len)
		rc = RC_INTERNAL;
	if (rc == RC_OK)
		memcpy(out, bytes.data, len);
	buf_free(&bytes);
	return rc;
}
