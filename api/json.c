#include "api/json.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/digest.h"


json_t *json_id(const struct id *id)
{
	char text[ID_TEXT];

	if (id_is_zero(id))
		return json_null();
	id_format(id, text);
	return json_string(text);
}

json_t *json_span(struct span text)
{
	return json_stringn(text.len == 0 ? "" : (const char *)text.data, text.len);
}

json_t *json_base64(struct span bytes)
{
	struct buf text = BUF_INIT;
	json_t *value = NULL;

	if (base64_encode(&text, bytes) == RC_OK)
		value = json_span(buf_span(&text));
	buf_free(&text);
	return value;
}

json_t *json_hex(struct span bytes)
{
	struct buf text = BUF_INIT;
	json_t *value = NULL;

	if (buf_reserve(&text, 2 * bytes.len + 1) == RC_OK) {
		digest_hex(bytes, (char *)text.data);
		value = json_stringn((const char *)text.data, 2 * bytes.len);
	}
	buf_free(&text);
	return value;
}

json_t *json_text(const char *text)
{
	return text == NULL || text[0] == 0 ? json_null() : json_string(text);
}

json_t *json_time(int64_t wall_ms)
{
	char text[CLOCK_TEXT];

	if (wall_ms == 0)
		return json_null();
	clock_format(wall_ms, text);
	return json_string(text);
}

json_t *json_strings(const char *const *texts)
{
	json_t *array = json_array();

	for (; *texts != NULL; texts++)
		json_add(&array, json_string(*texts));
	return array;
}

json_t *json_path(const char *const *levels, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count && levels[i] != NULL && levels[i][0] != 0; i++)
		json_add(&array, json_string(levels[i]));
	return array;
}

void json_put(json_t **object, const char *name, json_t *value)
{
	if (*object == NULL) {
		json_decref(value);
		return;
	}
	if (json_object_set_new(*object, name, value) == 0)
		return;
	json_decref(*object);
	*object = NULL;
}

void json_add(json_t **array, json_t *value)
{
	if (*array == NULL) {
		json_decref(value);
		return;
	}
	if (json_array_append_new(*array, value) == 0)
		return;
	json_decref(*array);
	*array = NULL;
}
