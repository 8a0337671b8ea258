#include "api/rows.h"

#include "api/json.h"

json_t *rows_write(const struct rows *rows)
{
	const char *row = rows->first;
	json_t *list = json_array();

	for (size_t i = 0; i < rows->count; i++, row += rows->size)
		json_add(&list, rows->write(row));
	return list;
}

void rows_reply(struct request *request, const struct fault *fault, const char *name,
	const struct rows *rows)
{
	json_t *body = NULL;

	if (fault->rc != RC_OK) {
		request_fault(request, fault);
		return;
	}
	body = json_object();
	json_put(&body, name, rows_write(rows));
	request_reply(request, body);
}
