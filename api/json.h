/* JSON values of our types. Each returns a new reference, or NULL without memory: json_pack's "o"
 * and json_object_set_new take NULL as a failure, so it need not be checked at once. */
#ifndef API_JSON_H
#define API_JSON_H

#include "base/id.h"

#include <jansson.h>

json_t *json_id(const struct id *id); /* the zero id: null */
json_t *json_base64(struct span bytes);
json_t *json_hex(struct span bytes);
json_t *json_span(struct span text); /* UTF-8 */
json_t *json_text(const char *text); /* NULL or "": null */
json_t *json_time(int64_t wall_ms);  /* 0: null */
/* Strings until NULL. */
json_t *json_strings(const char *const *texts);
/* The levels of an agency's path that there are. */
json_t *json_path(const char *const *levels, size_t count);

/* Sets a member; on failure (no memory) frees the object and makes it NULL, and leaves NULL alone:
 * an object can be built without a check at every line. Takes `value` over. */
void json_put(json_t **object, const char *name, json_t *value);
/* The same for an array. */
void json_add(json_t **array, json_t *value);

#endif
