/* Asks a router as the transport does, and keeps the one answer. After fake_core.h. */
#ifndef TESTS_ASK_H
#define TESTS_ASK_H

#include "api/router.h"

#include <jansson.h>

#define JSON "application/json"
#define FORM "application/x-www-form-urlencoded"
#define CREDENTIAL "3f2b8c1e-5a6d-4e7f-8a9b-0c1d2e3f4a5b"
#define USER "9d8c7b6a-5f4e-4d3c-8b2a-1f0e9d8c7b6a"

static struct {
	struct router *router;
	const struct operator_entry *operator_;
	const char *authorization, *accept_language, *query, *cookie, *csrf_token, *origin;
	bool ambiguous;
	/* the answer */
	size_t answers;
	int status;
	char names[HTTP_FIELDS][40], values[HTTP_FIELDS][1024];
	size_t field_count;
	json_t *body;
} ask;

static const struct api_settings ask_settings = {
	.public_url = "https://127.0.0.1:8443",
	.service_name = "Dịch vụ Mẫu",
	.service_region = "VN",
	.service_description = "Ký số tập trung",
	.service_logo = "",
	.multisign = 500,
	.waiting_max = 8,
};

static void ask_on_answer(void *arg, const struct http_answer *answer)
{
	(void)arg;
	ask.answers++;
	ask.status = answer->status;
	ask.field_count = answer->field_count;
	for (size_t i = 0; i < answer->field_count; i++) {
		snprintf(ask.names[i], sizeof(ask.names[i]), "%s", answer->fields[i].name);
		snprintf(ask.values[i], sizeof(ask.values[i]), "%s", http_answer_value(answer, i));
	}
	json_decref(ask.body);
	ask.body = json_loadb((const char *)answer->body.data, answer->body.len, 0, NULL);
}

/* Without running the fake core: the answer may still be under way. */
static inline void ask_start(
	const char *method, const char *path, const char *type, struct span body)
{
	/* as long as the test: the message must outlive the request */
	static struct http_message message;

	message = (struct http_message){.method = method,
		.path = path,
		.query = ask.query,
		.cookie = ask.cookie,
		.csrf_token = ask.csrf_token,
		.origin = ask.origin,
		.authorization = ask.authorization,
		.accept_language = ask.accept_language,
		.content_type = type,
		.body = body,
		.address = "127.0.0.1",
		.ambiguous = ask.ambiguous,
		.operator_ = ask.operator_};
	ask.answers = 0;
	router_handle(ask.router, &message, ask_on_answer, NULL);
}

static inline int ask_span(const char *method, const char *path, const char *type, struct span body)
{
	ask_start(method, path, type, body);
	fake_run();
	return ask.answers == 1 ? ask.status : -(int)ask.answers;
}

/* The status; negative when there was not exactly one answer. */
static inline int ask_text(const char *method, const char *path, const char *type, const char *body)
{
	return ask_span(method, path, type, span_string(body));
}

static inline int ask_json(const char *path, const char *body)
{
	return ask_text("POST", path, JSON, body);
}

static inline const char *ask_header(const char *name)
{
	for (size_t i = 0; i < ask.field_count; i++) {
		if (strcasecmp(ask.names[i], name) == 0)
			return ask.values[i];
	}
	return "";
}

static inline const char *ask_member(const char *name)
{
	const char *text = json_string_value(json_object_get(ask.body, name));

	return text == NULL ? "" : text;
}

static inline const char *ask_error(void)
{
	return ask_member("error");
}

static inline const char *ask_text_of_error(void)
{
	return ask_member("error_description");
}

static inline int ask_reset(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof(fake));
	ask.authorization = "Bearer abc";
	ask.accept_language = NULL;
	ask.query = ask.cookie = ask.csrf_token = ask.origin = NULL;
	ask.operator_ = NULL;
	ask.ambiguous = false;
	if (ask.router == NULL)
		return router_new(NULL, &ask_settings, routes, route_count, &ask.router) == RC_OK
			       ? 0
			       : -1;
	return 0;
}

static inline int ask_end(void **state)
{
	(void)state;
	router_free(&ask.router);
	json_decref(ask.body);
	ask.body = NULL;
	return 0;
}

#endif
