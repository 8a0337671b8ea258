#include "store/audit.h"

#include "base/digest.h"

#include <string.h>

static void put_items(struct pg_params *params, struct span items, size_t len, size_t count)
{
	if (count == 0)
		pg_put_null(params);
	else
		pg_put_bytes_array(params, items, len, count);
}

static void put_name(struct pg_params *params, const char *text)
{
	pg_put_text(params, text != NULL && text[0] != '\0' ? text : NULL);
}

void audit_put(struct pg_params *params, const struct audit_row *row)
{
	pg_put_time(params, row->at_ms);
	pg_put_id(params, &row->id);
	pg_put_id(params, &row->request);
	pg_put_text(params, row->event);
	pg_put_text(params, row->result);
	pg_put_text(params, row->code);
	pg_put_id(params, &row->client);
	put_name(params, row->operator_name);
	pg_put_id(params, &row->subscriber);
	pg_put_id(params, &row->credential);
	pg_put_id(params, &row->agency);
	put_name(params, row->address);
	put_name(params, row->rule);
	if (row->policy_version == 0)
		pg_put_null(params);
	else
		pg_put_number(params, row->policy_version);
	pg_put_text(params, row->detail[0] != '\0' ? row->detail : "{}");
	put_items(params, row->digests, row->digest_len, row->digest_count);
	put_items(params, row->signatures, SHA256_LEN, row->signature_count);
}
