#include "clients/lib/client.h"

#include "base/base64.h"
#include "clients/lib/http.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#define JSON_TYPE "application/json"
#define FORM_TYPE "application/x-www-form-urlencoded"
#define NO_CONTENT 204

struct client {
	struct http *http;
	struct secret token;
	char lang[16];
};

/* jansson's memory holds PINs, codes and SADs: wiped on release. The size stands before the block,
 * in a header as large as any alignment. */
#define WIPE_HEADER 16

static void *wiping_malloc(size_t size)
{
	if (size > SIZE_MAX - WIPE_HEADER)
		return NULL;
	uint8_t *block = malloc(size + WIPE_HEADER);
	if (block == NULL)
		return NULL;
	memcpy(block, &size, sizeof(size));
	return block + WIPE_HEADER;
}

static void wiping_free(void *memory)
{
	size_t size = 0;

	if (memory == NULL)
		return;
	uint8_t *block = (uint8_t *)memory - WIPE_HEADER;
	memcpy(&size, block, sizeof(size));
	OPENSSL_cleanse(block, size + WIPE_HEADER);
	free(block);
}

rc_t client_global_init(void)
{
	json_set_alloc_funcs(wiping_malloc, wiping_free);
	return http_global_init();
}

void client_text_free(char *text)
{
	wiping_free(text);
}

json_t *client_json_base64(struct span bytes)
{
	struct buf text = BUF_INIT;
	json_t *json = NULL;

	if (base64_encode(&text, bytes) == RC_OK)
		json = json_stringn((const char *)text.data, text.len);
	buf_free(&text);
	return json;
}

static bool is_unseen(utf8proc_int32_t c)
{
	utf8proc_category_t category = utf8proc_category(c);

	return category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_CF ||
	       category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP;
}

void client_text_disarm(char *text, bool lines)
{
	while (*text != 0) {
		utf8proc_int32_t c = 0;
		utf8proc_ssize_t len = utf8proc_iterate((const utf8proc_uint8_t *)text, -1, &c);
		size_t used = len > 0 ? (size_t)len : 1;
		if (len <= 0)
			*text = '?';
		else if (is_unseen(c) && !(lines && c == '\n'))
			memset(text, ' ', used);
		text += used;
	}
}

rc_t client_new(const struct client_config *config, struct client **client)
{
	struct client *fresh = calloc(1, sizeof(*fresh));
	if (fresh == NULL)
		return RC_NO_MEMORY;
	snprintf(fresh->lang, sizeof(fresh->lang), "%s", config->lang == NULL ? "" : config->lang);
	rc_t rc = http_new(config, &fresh->http);
	if (rc != RC_OK) {
		client_free(&fresh);
		return rc;
	}
	*client = fresh;
	return RC_OK;
}

void client_free(struct client **client)
{
	if (*client == NULL)
		return;
	http_free(&(*client)->http);
	secret_free(&(*client)->token);
	free(*client);
	*client = NULL;
}

void client_watch(struct client *client, client_stop_fn stop, void *arg)
{
	http_watch(client->http, stop, arg);
}

void client_answer_free(struct client_answer *answer)
{
	json_decref(answer->body);
	*answer = CLIENT_ANSWER_INIT;
}

const char *client_answer_string(const struct client_answer *answer, const char *name)
{
	return json_string_value(json_object_get(answer->body, name));
}

static void copy_text(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%s", text == NULL ? "" : text);
	client_text_disarm(out, false);
}

static rc_t read_answer(struct buf *body, struct client_answer *answer)
{
	json_error_t fault;

	answer->body =
		json_loadb((const char *)body->data, body->len, JSON_REJECT_DUPLICATES, &fault);
	if (answer->body != NULL && !json_is_object(answer->body)) {
		json_decref(answer->body);
		answer->body = NULL;
	}
	if (answer->status >= 200 && answer->status < 300)
		return answer->body == NULL ? RC_SERVER_ANSWER : RC_OK;
	copy_text(answer->error, sizeof(answer->error), client_answer_string(answer, "error"));
	copy_text(answer->text, sizeof(answer->text),
		client_answer_string(answer, "error_description"));
	if (answer->text[0] == 0)
		snprintf(answer->text, sizeof(answer->text), "HTTP %ld", answer->status);
	return RC_SERVER_REFUSED;
}

static rc_t perform(
	struct client *client, const struct http_request *request, struct client_answer *answer)
{
	struct buf body = BUF_INIT;

	client_answer_free(answer);
	rc_t rc = http_perform(client->http, request, &body, answer);
	if (rc == RC_OK)
		rc = read_answer(&body, answer);
	buf_free(&body);
	return rc;
}

rc_t client_login(struct client *client, const char *client_id, struct span secret,
	struct client_answer *answer)
{
	struct buf form = BUF_INIT;

	rc_t rc =
		http_form_add(client->http, &form, "grant_type", span_string("client_credentials"));
	if (rc == RC_OK)
		rc = http_form_add(client->http, &form, "client_id", span_string(client_id));
	if (rc == RC_OK)
		rc = http_form_add(client->http, &form, "client_secret", secret);
	if (rc != RC_OK)
		goto out;
	const struct http_request request = {
		.path = "/oauth2/token", .content_type = FORM_TYPE, .body = buf_span(&form)};
	rc = perform(client, &request, answer);
	if (rc != RC_OK)
		goto out;
	const char *token = client_answer_string(answer, "access_token");
	rc = token == NULL ? RC_SERVER_ANSWER : secret_set(&client->token, span_string(token));
out:
	buf_free(&form);
	return rc;
}

rc_t client_bearer(struct client *client, struct span token)
{
	return secret_set(&client->token, token);
}

rc_t client_post_form(
	struct client *client, const char *path, struct span form, struct client_answer *answer)
{
	const struct http_request request = {.path = path, .content_type = FORM_TYPE, .body = form};

	rc_t rc = perform(client, &request, answer);
	/* revocation has nothing to say (RFC 7009 §2.2) */
	if (rc == RC_SERVER_ANSWER && answer->body == NULL && answer->status == NO_CONTENT)
		rc = RC_OK;
	return rc;
}

rc_t client_form(struct client *client, const struct client_parameter *parameters, size_t count,
	struct buf *form)
{
	struct buf own = BUF_INIT;
	rc_t rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		if (parameters[i].value != NULL)
			rc = http_form_add(client->http, &own, parameters[i].name,
				span_string(parameters[i].value));
	}
	if (rc == RC_OK && own.len > 0 && form->len > 0 && form->data[form->len - 1] != '?')
		rc = buf_append_string(form, "&");
	if (rc == RC_OK)
		rc = buf_append_span(form, buf_span(&own));
	buf_free(&own);
	return rc;
}

rc_t client_post(
	struct client *client, const char *path, json_t *body, struct client_answer *answer)
{
	char *text = NULL;
	rc_t rc = RC_NO_MEMORY;

	client_answer_free(answer);
	/* jansson makes nothing of text that is not UTF-8, nor when memory is out */
	if (body == NULL)
		return RC_FORMAT;
	if (client->lang[0] == 0 ||
		json_object_set_new(body, "lang", json_string(client->lang)) == 0)
		text = json_dumps(body, JSON_COMPACT);
	json_decref(body);
	if (text != NULL) {
		const struct http_request request = {
			.path = path,
			.content_type = JSON_TYPE,
			.body = span_string(text),
			.bearer = secret_span(&client->token),
		};
		rc = perform(client, &request, answer);
	}
	client_text_free(text);
	return rc;
}

rc_t client_get(struct client *client, const char *path, const struct client_parameter *parameters,
	size_t count, struct client_answer *answer)
{
	struct buf query = BUF_INIT;
	struct buf whole = BUF_INIT;
	const char *text = NULL;
	rc_t rc = RC_OK;

	client_answer_free(answer);
	rc = client_form(client, parameters, count, &query);
	if (rc == RC_OK)
		rc = buf_printf(&whole, "%s%s", path, query.len == 0 ? "" : "?");
	if (rc == RC_OK)
		rc = buf_append_span(&whole, buf_span(&query));
	if (rc == RC_OK)
		rc = buf_string(&whole, &text);
	if (rc == RC_OK) {
		const struct http_request request = {
			.path = text, .bearer = secret_span(&client->token)};
		rc = perform(client, &request, answer);
	}
	buf_free(&query);
	buf_free(&whole);
	return rc;
}
