#include "api/params.h"

#include "base/base64.h"

#include <string.h>
#include <strings.h>

#define JSON_DEPTH_MAX 8 /* the deepest request of the CSC API needs 3 */
#define TOKEN_MAX 2048 /* an access token is a JWT of about 700 */
#define BASIC_MAX 1024

/* Cheap, and before the parser recurses: text inside quotes does not count. */
static bool json_too_deep(struct span body)
{
	size_t depth = 0;
	bool quoted = false;

	for (size_t i = 0; i < body.len; i++) {
		uint8_t c = body.data[i];
		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == '{' || c == '['))
			depth++;
		else if (!quoted && (c == '}' || c == ']') && depth > 0)
			depth--;
		if (depth > JSON_DEPTH_MAX)
			return true;
	}
	return false;
}

static bool is_blank(struct span body)
{
	for (size_t i = 0; i < body.len; i++) {
		if (memchr(" \t\r\n", body.data[i], 4) == NULL)
			return false;
	}
	return true;
}

rc_t params_read_json(struct span body, json_t **params)
{
	json_error_t error;

	if (is_blank(body)) {
		*params = json_object();
		return *params == NULL ? RC_NO_MEMORY : RC_OK;
	}
	if (json_too_deep(body))
		return RC_BODY_NOT_JSON;
	json_t *read =
		json_loadb((const char *)body.data, body.len, JSON_REJECT_DUPLICATES, &error);
	if (!json_is_object(read)) {
		json_decref(read);
		return RC_BODY_NOT_JSON;
	}
	*params = read;
	return RC_OK;
}

static int hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* '+' is a blank, %XX a byte; a NUL is refused, for C strings end there. */
static rc_t form_decode(struct span text, struct buf *out)
{
	buf_clear(out);
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i] == '+' ? ' ' : text.data[i];
		if (c == '%') {
			if (text.len - i < 3)
				return RC_MALFORMED;
			int high = hex_value(text.data[i + 1]), low = hex_value(text.data[i + 2]);
			if (high < 0 || low < 0)
				return RC_MALFORMED;
			c = (uint8_t)(high << 4 | low);
			i += 2;
		}
		if (c == 0)
			return RC_MALFORMED;
		rc_t rc = buf_append(out, &c, 1);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

/* One name=value; a pair without a name is left out. */
static rc_t form_add(json_t *params, struct span pair)
{
	struct buf name = BUF_INIT, value = BUF_INIT;
	const char *key = NULL;
	const uint8_t *sign = pair.len == 0 ? NULL : memchr(pair.data, '=', pair.len);
	size_t name_len = sign == NULL ? pair.len : (size_t)(sign - pair.data);
	rc_t rc = form_decode(SPAN(pair.data, name_len), &name);

	if (rc == RC_OK && sign != NULL)
		rc = form_decode(SPAN(sign + 1, pair.len - name_len - 1), &value);
	if (rc == RC_OK)
		rc = buf_string(&name, &key);
	if (rc != RC_OK || name.len == 0)
		goto out;
	json_t *text = json_stringn(value.len == 0 ? "" : (const char *)value.data, value.len);
	if (text == NULL || json_object_get(params, key) != NULL) {
		json_decref(text);
		rc = RC_MALFORMED; /* not UTF-8, or twice */
		goto out;
	}
	rc = json_object_set_new(params, key, text) == 0 ? RC_OK : RC_MALFORMED;
out:
	buf_free(&name);
	buf_free(&value);
	return rc;
}

rc_t params_read_form(struct span form, json_t **params)
{
	json_t *read = json_object();
	rc_t rc = read == NULL ? RC_NO_MEMORY : RC_OK;

	while (rc == RC_OK && form.len > 0) {
		const uint8_t *end = memchr(form.data, '&', form.len);
		size_t len = end == NULL ? form.len : (size_t)(end - form.data);
		rc = form_add(read, SPAN(form.data, len));
		len += end != NULL;
		form = SPAN(form.data + len, form.len - len);
	}
	if (rc != RC_OK) {
		json_decref(read);
		return rc;
	}
	*params = read;
	return RC_OK;
}

/* What follows the scheme and its blanks; NULL if it is another scheme. */
static const char *after_scheme(const char *header, const char *scheme)
{
	size_t len = strlen(scheme);

	if (header == NULL || strncasecmp(header, scheme, len) != 0 || header[len] != ' ')
		return NULL;
	return header + len + strspn(header + len, " ");
}

rc_t params_read_bearer(const char *authorization, struct span *token)
{
	static const char symbols[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789-._~+/";
	const char *text = after_scheme(authorization, "Bearer");

	if (text == NULL)
		return RC_BEARER_MALFORMED;
	size_t len = strspn(text, symbols);
	if (len == 0)
		return RC_BEARER_MALFORMED;
	len += strspn(text + len, "=");
	if (text[len] != 0 || len > TOKEN_MAX)
		return RC_BEARER_MALFORMED;
	*token = SPAN(text, len);
	return RC_OK;
}

rc_t params_read_basic(const char *authorization, struct secret *name, struct secret *password)
{
	struct buf pair = BUF_INIT;
	const char *text = after_scheme(authorization, "Basic");
	rc_t rc = RC_CLIENT_AUTH_HEADER;

	if (text == NULL || strlen(text) > BASIC_MAX ||
		base64_decode(&pair, span_string(text)) != RC_OK || pair.len == 0)
		goto out;
	const uint8_t *colon = memchr(pair.data, ':', pair.len);
	if (colon == NULL)
		goto out;
	size_t name_len = (size_t)(colon - pair.data);
	if (form_decode(SPAN(pair.data, name_len), &name->bytes) != RC_OK ||
		form_decode(SPAN(colon + 1, pair.len - name_len - 1), &password->bytes) != RC_OK)
		goto out;
	rc = RC_OK;
out:
	buf_free(&pair);
	return rc;
}
