/* link: base api */
#include "base/log_json.h"

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Whatever a message is made of, its line is one JSON object, in one line, with each member once.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char message[LOG_MESSAGE], out[LOG_LINE];
	size_t len = size < sizeof(message) ? size : sizeof(message) - 1;

	memcpy(message, data, len);
	message[len] = 0;
	/* the shortest room that is allowed, or all of it */
	size_t room = size % 2 == 0 ? sizeof(out) : sizeof(out) / 2;
	size_t used = log_json(out, room, "2026-01-02T03:04:05.678Z", "info", "api", message);
	json_t *object = json_loadb(out, used, JSON_REJECT_DUPLICATES, NULL);
	if (used > room || memchr(out, '\n', used) != NULL || !json_is_object(object) ||
		json_object_size(object) < 5)
		abort();
	json_decref(object);
	return 0;
}
