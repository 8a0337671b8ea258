/* HTTPS by libcurl: one handle, a connection for each request. Internal to clients/lib. */
#ifndef CLIENTS_HTTP_H
#define CLIENTS_HTTP_H

#include "clients/lib/client.h"

struct http;

struct http_request {
	const char *path;	  /* with the query */
	const char *content_type; /* NULL: GET, no body */
	struct span body;
	struct span bearer; /* empty: none */
};

must_check rc_t http_global_init(void);
must_check rc_t http_new(const struct client_config *config, struct http **http);
void http_free(struct http **http);
void http_watch(struct http *http, client_stop_fn stop, void *arg);
/* Sets status, request, retry_after_s, and text if there was no answer; the body goes to body. */
must_check rc_t http_perform(struct http *http, const struct http_request *request,
	struct buf *body, struct client_answer *answer);
/* Appends name=value, percent-encoded, with '&' unless first. */
must_check rc_t http_form_add(
	struct http *http, struct buf *form, const char *name, struct span value);

#endif
