/* link: csc */
/* Any bytes as a template: refused with a code, or what can be written and read again the same. */
#include "clients/lib/visible.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char faulty[VISIBLE_NAME] = "";
	struct visible first;
	struct visible second;

	if (visible_parse(SPAN(data, size), &first, faulty) != RC_OK)
		return 0;
	json_t *object = visible_json(&first);
	char *text = object == NULL ? NULL : json_dumps(object, JSON_COMPACT);
	if (text == NULL || visible_parse(span_string(text), &second, faulty) != RC_OK)
		abort();
	json_t *again = visible_json(&second);
	if (!json_equal(object, again))
		abort();
	json_decref(object);
	json_decref(again);
	free(text);
	visible_free(&first);
	visible_free(&second);
	return 0;
}
