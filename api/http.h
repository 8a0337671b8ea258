/*
 * HTTP/1.1 over evhttp, with TLS or without. The only file of this room that knows libevent.
 *
 * What evhttp refuses by itself never becomes a message: a request line or header that does not
 * parse, headers beyond HTTP_HEADERS_MAX, a body beyond HTTP_BODY_MAX (every route's own limit is
 * far below and is answered in JSON).
 */
#ifndef API_HTTP_H
#define API_HTTP_H

#include "api/message.h"
#include "base/loop.h"

#include <openssl/ssl.h>

#define HTTP_HEADERS_MAX (16 * 1024)
#define HTTP_BODY_MAX (1024 * 1024)
#define HTTP_CONNECTIONS_MAX 8192
/* A connection that has no request under way for so long, or whose request is not all there or
 * answer not taken by then, is closed, however slowly it keeps sending. */
#define HTTP_SILENCE_S 60

struct http;

struct http_settings {
	const char *address;
	uint16_t port; /* 0: any free one */
	SSL_CTX *tls;  /* NULL: plain; otherwise owned by the http from now on */
	const struct operators *operators; /* NULL: no client certificate means anything */
	http_handler_fn handler;
	void *arg;
};

/* Binds and listens. RC_CONFIG, logged, if the address cannot be used. `tls` is freed on failure
 * too. */
must_check rc_t http_new(
	struct loop *loop, const struct http_settings *settings, struct http **http);
uint16_t http_port(const struct http *http);
/* For the connections to come; those that are open go on with what they have. Takes tls over. */
void http_set_tls(struct http *http, SSL_CTX *tls);
/* Stops accepting; `done` runs once, on the loop, when every request under way was answered and its
 * answer sent, or its connection gone. */
void http_drain(struct http *http, loop_fn done, void *arg);
/* Nothing may be under way. */
void http_free(struct http **http);

#endif
