#include "api/http.h"

#include "api/http_memory.h"
#include "api/http_tls.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/bufferevent_struct.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#define HTTP_BACKLOG 512
#define HTTP_SWEEP_MS 5000
#define HTTP_BUFFERS_KEPT \
	1024 /* connections that keep their 34 kB of TLS buffers between requests */

struct http_exchange;

/* A TLS connection. It lives as long as its SSL, whose ex_data tells us of its end: evhttp does not
 * say when a connection without a request under way goes. */
struct http_connection {
	struct http *http;
	SSL *ssl;
	struct http_exchange *exchange; /* the request under way, or whose answer is being sent */
	int64_t deadline_ms;		/* monotonic */
	bool greeted;			/* its handshake is done */
	LIST_ENTRY(http_connection) entry;
};

/* One request, from its arrival until its answer is sent or its connection gone. */
struct http_exchange {
	struct http *http;
	struct http_connection *connection; /* NULL: plain, or gone meanwhile */
	struct evhttp_request *wire;
	bool answered;
	bool last; /* no further request on this connection */
	struct buf body;
	char address[48]; /* of the peer, which may be gone when it is logged */
	struct http_message message;
};

struct http {
	struct loop *loop;
	struct http_settings settings;
	struct evhttp *evhttp;
	struct evhttp_bound_socket *bound;
	struct loop_timer *sweep;
	uint16_t port;
	LIST_HEAD(, http_connection) connections;
	size_t connection_count;
	size_t under_way;
	bool paused, draining;
	loop_fn drained;
	void *drained_arg;
};

/* Draining */

static void http_check_drained(struct http *http)
{
	if (!http->draining || http->under_way > 0 || http->drained == NULL)
		return;
	loop_fn done = http->drained;
	http->drained = NULL;
	if (loop_defer(http->loop, done, http->drained_arg) != RC_OK)
		done(http->drained_arg);
}

/* Accepting */

static struct evconnlistener *http_listener(const struct http *http)
{
	return evhttp_bound_socket_get_listener(http->bound);
}

/* The gauge is of all listeners with TLS. */
static void http_count(struct http *http, int change)
{
	http->connection_count += (size_t)change;
	metric_set(METRIC_CONNECTIONS, 0, 0, metric_value(METRIC_CONNECTIONS, 0, 0, 0) + change);
}

/* A bound on descriptors: beyond it new connections wait in the kernel's queue. */
static void http_pause_or_resume(struct http *http)
{
	if (http->draining)
		return;
	if (!http->paused && http->connection_count >= HTTP_CONNECTIONS_MAX) {
		http->paused = evconnlistener_disable(http_listener(http)) == 0;
		log_warning("api: too many connections, no more are accepted for now count=%zu",
			http->connection_count);
	} else if (http->paused && http->connection_count < HTTP_CONNECTIONS_MAX * 9 / 10) {
		http->paused = evconnlistener_enable(http_listener(http)) != 0;
	}
}

/* No descriptor is left, as a rule. libevent would try again at once, for ever, and say so each
 * time; the next sweep tries again. Its argument is evhttp's own. */
static void http_on_accept_error(struct evconnlistener *listener, void *arg)
{
	(void)arg;
	log_error("api: no more connections are taken for now error=\"%m\"");
	if (evconnlistener_disable(listener) != 0)
		log_error("api: a listener cannot be stopped");
}

/* Connections */

static void exchange_free(struct http_exchange *exchange)
{
	struct http *http = exchange->http;

	if (exchange->connection != NULL)
		exchange->connection->exchange = NULL;
	buf_free(&exchange->body);
	free(exchange);
	http->under_way--;
	http_check_drained(http);
}

/* OpenSSL calls this when the connection's SSL is freed, whatever ended it. */
static void http_on_ssl_free(
	void *parent, void *value, CRYPTO_EX_DATA *data, int index, long arg, void *pointer)
{
	struct http_connection *connection = value;

	(void)parent;
	(void)data;
	(void)index;
	(void)arg;
	(void)pointer;
	if (connection == NULL)
		return;
	struct http *http = connection->http;
	struct http_exchange *exchange = connection->exchange;
	if (http == NULL) { /* http_free() went before */
		free(connection);
		return;
	}
	LIST_REMOVE(connection, entry);
	http_count(http, -1);
	if (!connection->greeted)
		metric_add(METRIC_HANDSHAKES, OUTCOME_FAILED, 0, 0);
	free(connection);
	if (exchange != NULL) {
		exchange->connection = NULL;
		/* an unanswered one waits for its answer, which then goes nowhere */
		if (exchange->answered)
			exchange_free(exchange);
	}
	http_pause_or_resume(http);
}

static int http_connection_index(void)
{
	/* OpenSSL's registry is the global; this remembers our place in it */
	static int index = -1;

	if (index < 0)
		index = SSL_get_ex_new_index(0, NULL, NULL, NULL, http_on_ssl_free);
	return index;
}

/* evhttp tells of a connection only when its first request is there. */
static void http_on_ssl_info(const SSL *ssl, int where, int result)
{
	struct http_connection *connection = NULL;

	(void)result;
	if ((where & SSL_CB_HANDSHAKE_DONE) == 0)
		return;
	connection = SSL_get_ex_data(ssl, http_connection_index());
	if (connection == NULL || connection->greeted)
		return;
	connection->greeted = true;
	metric_add(METRIC_HANDSHAKES, OUTCOME_OK, 0, 0);
}

static void connection_wait(struct http_connection *connection)
{
	connection->deadline_ms = clock_monotonic_ms() + (int64_t)HTTP_SILENCE_S * 1000;
}

static struct http_connection *connection_new(struct http *http, SSL *ssl)
{
	struct http_connection *connection = calloc(1, sizeof(*connection));

	if (connection == NULL)
		return NULL;
	connection->http = http;
	connection->ssl = ssl;
	LIST_INSERT_HEAD(&http->connections, connection, entry);
	http_count(http, 1);
	connection_wait(connection);
	SSL_set_info_callback(ssl, http_on_ssl_info);
	if (http->connection_count > HTTP_BUFFERS_KEPT)
		SSL_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
	if (SSL_set_ex_data(ssl, http_connection_index(), connection) != 1) {
		LIST_REMOVE(connection, entry);
		http_count(http, -1);
		free(connection);
		return NULL;
	}
	return connection;
}

/* Deferred callbacks: evhttp must not see an error while it is inside its own send. */
static struct bufferevent *http_on_accept(struct event_base *base, void *arg)
{
	const int options = BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS;
	struct http *http = arg;

	if (http->settings.tls == NULL)
		return bufferevent_socket_new(base, -1, options);
	SSL *ssl = SSL_new(http->settings.tls);
	if (ssl == NULL)
		return NULL;
	if (connection_new(http, ssl) == NULL) {
		SSL_free(ssl);
		return NULL;
	}
	struct bufferevent *bev =
		bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING, options);
	if (bev == NULL) {
		SSL_free(ssl);
		return NULL;
	}
	bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
	http_pause_or_resume(http);
	return bev;
}

/* evhttp's own time-outs start anew with every byte; this one does not. */
static void http_on_sweep(void *arg)
{
	struct http *http = arg;
	struct http_connection *connection = NULL;
	int64_t now = clock_monotonic_ms();

	LIST_FOREACH(connection, &http->connections, entry)
	{
		bool waits_for_us = connection->exchange != NULL && !connection->exchange->answered;
		if (waits_for_us || connection->deadline_ms > now)
			continue;
		/* evhttp sees the end of the stream and cleans up behind itself */
		int fd = SSL_get_fd(connection->ssl);
		if (fd >= 0)
			shutdown(fd, SHUT_RDWR);
	}
	if (http->bound != NULL && !http->paused)
		(void)evconnlistener_enable(http_listener(http));
	loop_timer_set(http->sweep, HTTP_SWEEP_MS);
}

/* From wire to message */

static const char *method_name(enum evhttp_cmd_type type)
{
	static const struct {
		enum evhttp_cmd_type type;
		const char *name;
	} methods[] = {{EVHTTP_REQ_GET, "GET"}, {EVHTTP_REQ_POST, "POST"},
		{EVHTTP_REQ_HEAD, "HEAD"}, {EVHTTP_REQ_PUT, "PUT"}, {EVHTTP_REQ_DELETE, "DELETE"},
		{EVHTTP_REQ_OPTIONS, "OPTIONS"}, {EVHTTP_REQ_TRACE, "TRACE"},
		{EVHTTP_REQ_CONNECT, "CONNECT"}, {EVHTTP_REQ_PATCH, "PATCH"}};

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (methods[i].type == type)
			return methods[i].name;
	}
	return "?";
}

/* The header fields that we look at; those that must not stand twice. */
enum field {
	FIELD_AUTHORIZATION,
	FIELD_CONTENT_TYPE,
	FIELD_CONTENT_LENGTH,
	FIELD_TRANSFER_ENCODING,
	FIELD_HOST,
	FIELD_ORIGIN,
	FIELD_CSRF_TOKEN,
	FIELD_ACCEPT_LANGUAGE,
	FIELD_COOKIE,
	FIELDS
};
static const struct {
	const char *name;
	size_t len;
	bool single;
} field_names[FIELDS] = {
#define FIELD(text, alone)                                             \
	{                                                              \
		.name = text, .len = sizeof(text) - 1, .single = alone \
	}
	[FIELD_AUTHORIZATION] = FIELD("Authorization", true),
	[FIELD_CONTENT_TYPE] = FIELD("Content-Type", true),
	[FIELD_CONTENT_LENGTH] = FIELD("Content-Length", true),
	[FIELD_TRANSFER_ENCODING] = FIELD("Transfer-Encoding", true),
	[FIELD_HOST] = FIELD("Host", true),
	[FIELD_ORIGIN] = FIELD("Origin", true),
	[FIELD_CSRF_TOKEN] = FIELD("X-CSRF-Token", true),
	[FIELD_ACCEPT_LANGUAGE] = FIELD("Accept-Language", false),
	[FIELD_COOKIE] = FIELD("Cookie", false),
#undef FIELD
};

/* The first of each name; NULL: not there. */
struct fields {
	const char *values[FIELDS];
	bool ambiguous;
};

/* RFC 9110 §5.6.2: with anything else in it, a blank before the colon above all, one reader takes
 * the name for another than the next one does. */
static bool name_is_token(const char *name)
{
	for (const char *at = name; *at != 0; at++) {
		bool letter = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z');
		if (!letter && *at != '-' && !(*at >= '0' && *at <= '9') &&
			strchr("!#$%&'*+.^_`|~", *at) == NULL)
			return false;
	}
	return name[0] != 0;
}

/* What evhttp reads as no length, or as another one than a proxy before us may (RFC 9112 §6). */
static bool framing_fits(const struct fields *fields)
{
	const char *length = fields->values[FIELD_CONTENT_LENGTH];
	const char *coding = fields->values[FIELD_TRANSFER_ENCODING];

	if (length != NULL && (length[0] == 0 || length[strspn(length, "0123456789")] != 0))
		return false;
	return coding == NULL ||
	       (length == NULL && evutil_ascii_strcasecmp(coding, "chunked") == 0);
}

static void field_take(struct fields *fields, const struct evkeyval *header)
{
	size_t len = strlen(header->key);

	if (!name_is_token(header->key)) {
		fields->ambiguous = true;
		return;
	}
	for (size_t i = 0; i < FIELDS; i++) {
		if (field_names[i].len != len ||
			evutil_ascii_strcasecmp(header->key, field_names[i].name) != 0)
			continue;
		if (fields->values[i] == NULL)
			fields->values[i] = header->value;
		else if (field_names[i].single)
			fields->ambiguous = true;
		return;
	}
}

static void fields_read(struct evkeyvalq *headers, struct fields *fields)
{
	struct evkeyval *header = NULL;

	*fields = (struct fields){.ambiguous = false};
	TAILQ_FOREACH(header, headers, next)
	{
		field_take(fields, header);
	}
	fields->ambiguous = fields->ambiguous || !framing_fits(fields);
}

/* evhttp leaves the body of a GET unread: it would be taken for the next request. */
static bool body_left_unread(struct evhttp_request *wire, const struct fields *fields)
{
	enum evhttp_cmd_type type = evhttp_request_get_command(wire);
	const char *length = fields->values[FIELD_CONTENT_LENGTH];

	if (type == EVHTTP_REQ_POST || type == EVHTTP_REQ_PUT || type == EVHTTP_REQ_PATCH)
		return false;
	return (length != NULL && strcmp(length, "0") != 0) ||
	       fields->values[FIELD_TRANSFER_ENCODING] != NULL;
}

/* Takes the body out and wipes what libevent held it in. */
static rc_t take_body(struct evhttp_request *wire, struct buf *body)
{
	struct evbuffer *input = evhttp_request_get_input_buffer(wire);
	size_t len = evbuffer_get_length(input);
	rc_t rc = buf_reserve(body, len + 1);

	if (rc != RC_OK)
		return rc;
	evbuffer_copyout(input, body->data, len);
	body->len = len;
	while (evbuffer_get_length(input) > 0) {
		struct evbuffer_iovec piece = {0};
		if (evbuffer_peek(input, -1, NULL, &piece, 1) < 1 || piece.iov_len == 0)
			break;
		OPENSSL_cleanse(piece.iov_base, piece.iov_len);
		if (evbuffer_drain(input, piece.iov_len) != 0)
			break;
	}
	return RC_OK;
}

static void take_address(struct http_exchange *exchange)
{
	char *address = NULL;
	ev_uint16_t port = 0;

	evhttp_connection_get_peer(evhttp_request_get_connection(exchange->wire), &address, &port);
	snprintf(
		exchange->address, sizeof(exchange->address), "%s", address == NULL ? "" : address);
}

static rc_t exchange_read(struct http_exchange *exchange)
{
	struct evhttp_request *wire = exchange->wire;
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(wire);
	const char *path = uri == NULL ? NULL : evhttp_uri_get_path(uri);
	struct fields fields;

	rc_t rc = take_body(wire, &exchange->body);
	if (rc != RC_OK)
		return rc;
	take_address(exchange);
	fields_read(evhttp_request_get_input_headers(wire), &fields);
	exchange->message = (struct http_message){
		.method = method_name(evhttp_request_get_command(wire)),
		.path = path == NULL ? "" : path,
		.query = uri == NULL ? NULL : evhttp_uri_get_query(uri),
		.authorization = fields.values[FIELD_AUTHORIZATION],
		.content_type = fields.values[FIELD_CONTENT_TYPE],
		.accept_language = fields.values[FIELD_ACCEPT_LANGUAGE],
		.cookie = fields.values[FIELD_COOKIE],
		.origin = fields.values[FIELD_ORIGIN],
		.csrf_token = fields.values[FIELD_CSRF_TOKEN],
		.ambiguous = fields.ambiguous,
		.body = buf_span(&exchange->body),
		.address = exchange->address,
	};
	exchange->last = exchange->message.ambiguous || body_left_unread(wire, &fields);
	if (exchange->connection != NULL) {
		const SSL *ssl = exchange->connection->ssl;
		exchange->message.operator_ = tls_operator(ssl, exchange->http->settings.operators);
		exchange->message.has_tls = tls_peer(ssl, exchange->message.tls_sha256);
	}
	return RC_OK;
}

/* From answer to wire */

static void on_sent(struct evhttp_request *wire, void *arg)
{
	struct http_exchange *exchange = arg;

	(void)wire;
	if (exchange->connection != NULL)
		connection_wait(exchange->connection);
	exchange_free(exchange);
}

/* Status line and headers by evhttp, which adds Date; the body behind them ourselves, so that a
 * short answer is one TLS record and not two. HEAD is told the length and gets no body: evhttp
 * would send it, and the client would take it for its next answer. */
static void write_answer(struct http_exchange *exchange, const struct http_answer *answer)
{
	struct evhttp_request *wire = exchange->wire;
	struct evhttp_connection *connection = evhttp_request_get_connection(wire);
	struct evkeyvalq *headers = evhttp_request_get_output_headers(wire);
	bool bodiless = evhttp_request_get_command(wire) == EVHTTP_REQ_HEAD;
	char length[24];

	for (size_t i = 0; i < answer->field_count; i++)
		evhttp_add_header(headers, answer->fields[i].name, http_answer_value(answer, i));
	snprintf(length, sizeof(length), "%zu", answer->body.len);
	evhttp_add_header(headers, "Content-Length", length);
	if (exchange->last || exchange->http->draining)
		evhttp_add_header(headers, "Connection", "close");
	struct bufferevent *bev =
		connection == NULL ? NULL : evhttp_connection_get_bufferevent(connection);
	/* no phrase of ours: evhttp knows them */
	evhttp_send_reply(wire, answer->status, NULL, NULL);
	/* nothing was written yet, nor freed: bufferevents work from the loop
	 * (BEV_OPT_DEFER_CALLBACKS) */
	if (bev == NULL)
		return;
	if (!bodiless && answer->body.len > 0 &&
		evbuffer_add(bufferevent_get_output(bev), answer->body.data, answer->body.len) != 0)
		log_error("api: no memory for the body of an answer");
	/* written on this turn of the loop, as a socket almost always has room: else the kernel
	 * would be asked to tell that it has, would tell so, and would be asked to stop */
	event_active(&bev->ev_write, EV_WRITE, 0);
}

static void http_on_answer(void *arg, const struct http_answer *answer)
{
	struct http_exchange *exchange = arg;
	struct http_connection *connection = exchange->connection;
	bool gone = evhttp_request_get_connection(exchange->wire) == NULL;

	exchange->answered = true;
	buf_free(&exchange->body);
	if (connection != NULL && !gone) {
		connection_wait(connection);
		evhttp_request_set_on_complete_cb(exchange->wire, on_sent, exchange);
	}
	write_answer(
		exchange, answer); /* where the connection has gone it only frees the request */
	/* else on_sent() frees the exchange, or the end of its connection does; a plain listener's
	 * connections are not followed, nor waited for when draining */
	if (connection == NULL)
		exchange_free(exchange);
}

/* RC_UNAVAILABLE where libevent, short of memory, made a connection without TLS. */
static rc_t exchange_connect(struct http_exchange *exchange)
{
	if (exchange->http->settings.tls == NULL)
		return RC_OK;
	SSL *ssl = bufferevent_openssl_get_ssl(
		evhttp_connection_get_bufferevent(evhttp_request_get_connection(exchange->wire)));
	struct http_connection *connection =
		ssl == NULL ? NULL : SSL_get_ex_data(ssl, http_connection_index());
	if (connection == NULL)
		return RC_UNAVAILABLE;
	exchange->connection = connection;
	connection->exchange = exchange;
	return RC_OK;
}

static void http_on_request(struct evhttp_request *wire, void *arg)
{
	struct http *http = arg;
	struct http_exchange *exchange = calloc(1, sizeof(*exchange));

	if (exchange == NULL) {
		evhttp_send_error(wire, 503, NULL);
		return;
	}
	exchange->http = http;
	exchange->wire = wire;
	http->under_way++;
	/* what still arrives after the end of a drain finds nobody to answer it */
	rc_t rc = http->draining && http->drained == NULL ? RC_UNAVAILABLE : RC_OK;
	if (rc == RC_OK)
		rc = exchange_connect(exchange);
	if (rc == RC_OK)
		rc = exchange_read(exchange);
	if (rc == RC_OK)
		http->settings.handler(
			http->settings.arg, &exchange->message, http_on_answer, exchange);
	else
		http_on_answer(exchange, &(struct http_answer){.status = 503});
}

/* Listening */

static rc_t http_address(
	const struct http_settings *settings, struct sockaddr_storage *address, socklen_t *len)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)address;

	memset(address, 0, sizeof(*address));
	if (inet_pton(AF_INET, settings->address, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(settings->port);
		*len = sizeof(*v4);
		return RC_OK;
	}
	if (inet_pton(AF_INET6, settings->address, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(settings->port);
		*len = sizeof(*v6);
		return RC_OK;
	}
	log_error("api: not a numeric address address=%s", settings->address);
	return RC_CONFIG;
}

static rc_t http_socket(const struct http_settings *settings, int *out)
{
	struct sockaddr_storage address;
	socklen_t len = 0;
	const int on = 1;
	rc_t rc = http_address(settings, &address, &len);

	if (rc != RC_OK)
		return rc;
	int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return RC_SYSTEM;
	/* accepted sockets inherit TCP_NODELAY; with Nagle a late answer takes 44 ms more */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0 ||
		bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, HTTP_BACKLOG) != 0) {
		log_error("api: cannot listen address=%s port=%u error=\"%m\"", settings->address,
			settings->port);
		close(fd);
		return RC_CONFIG;
	}
	*out = fd;
	return RC_OK;
}

static rc_t http_bound_port(int fd, uint16_t *port)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);

	if (getsockname(fd, (struct sockaddr *)&address, &len) != 0)
		return RC_SYSTEM;
	*port = ntohs(address.ss_family == AF_INET6
			      ? ((struct sockaddr_in6 *)(void *)&address)->sin6_port
			      : ((struct sockaddr_in *)(void *)&address)->sin_port);
	return RC_OK;
}

static void http_configure(struct http *http)
{
	/* every method: the route table says which are allowed, and Allow with it */
	const ev_uint16_t methods = EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD |
				    EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS |
				    EVHTTP_REQ_TRACE | EVHTTP_REQ_CONNECT | EVHTTP_REQ_PATCH;

	evhttp_set_max_headers_size(http->evhttp, HTTP_HEADERS_MAX);
	evhttp_set_max_body_size(http->evhttp, HTTP_BODY_MAX);
	evhttp_set_allowed_methods(http->evhttp, methods);
	evhttp_set_default_content_type(http->evhttp, NULL);
	evhttp_set_timeout(http->evhttp, HTTP_SILENCE_S);
	evhttp_set_flags(http->evhttp, EVHTTP_SERVER_LINGERING_CLOSE);
	evhttp_set_bevcb(http->evhttp, http_on_accept, http);
	evhttp_set_gencb(http->evhttp, http_on_request, http);
}

static rc_t http_listen(struct http *http)
{
	int fd = -1;
	rc_t rc = http_socket(&http->settings, &fd);

	if (rc != RC_OK)
		return rc;
	rc = http_bound_port(fd, &http->port);
	if (rc == RC_OK)
		http->bound = evhttp_accept_socket_with_handle(http->evhttp, fd);
	if (http->bound != NULL) {
		evconnlistener_set_error_cb(http_listener(http), http_on_accept_error);
		return RC_OK;
	}
	close(fd);
	return rc != RC_OK ? rc : RC_NO_MEMORY;
}

rc_t http_new(struct loop *loop, const struct http_settings *settings, struct http **http)
{
	struct http *fresh = calloc(1, sizeof(*fresh));

	if (fresh == NULL) {
		SSL_CTX_free(settings->tls);
		return RC_NO_MEMORY;
	}
	/* request and answer buffers are wiped when libevent lets go of them */
	event_set_mem_functions(memory_alloc, memory_realloc, memory_free);
	fresh->loop = loop;
	fresh->settings = *settings;
	LIST_INIT(&fresh->connections);
	rc_t rc = loop_timer_new(loop, http_on_sweep, fresh, &fresh->sweep);
	if (rc == RC_OK) {
		fresh->evhttp = evhttp_new(loop_base(loop));
		rc = fresh->evhttp == NULL ? RC_NO_MEMORY : RC_OK;
	}
	if (rc == RC_OK) {
		http_configure(fresh);
		rc = http_listen(fresh);
	}
	if (rc != RC_OK) {
		http_free(&fresh);
		return rc;
	}
	loop_timer_set(fresh->sweep, HTTP_SWEEP_MS);
	*http = fresh;
	return RC_OK;
}

uint16_t http_port(const struct http *http)
{
	return http->port;
}

void http_set_tls(struct http *http, SSL_CTX *tls)
{
	SSL_CTX_free(http->settings.tls);
	http->settings.tls = tls;
}

void http_drain(struct http *http, loop_fn done, void *arg)
{
	http->draining = true;
	http->drained = done;
	http->drained_arg = arg;
	if (http->bound != NULL) {
		evhttp_del_accept_socket(http->evhttp, http->bound);
		http->bound = NULL;
	}
	http_check_drained(http);
}

/* libevent closes connections on the loop's next turn, after we are gone. */
static void http_forget_connections(struct http *http)
{
	while (!LIST_EMPTY(&http->connections)) {
		struct http_connection *connection = LIST_FIRST(&http->connections);
		LIST_REMOVE(connection, entry);
		connection->http = NULL;
		if (connection->exchange != NULL)
			exchange_free(connection->exchange);
	}
}

void http_free(struct http **http)
{
	if (*http == NULL)
		return;
	(*http)->draining = true;
	loop_timer_free(&(*http)->sweep);
	http_forget_connections(*http);
	if ((*http)->evhttp != NULL)
		evhttp_free((*http)->evhttp);
	SSL_CTX_free((*http)->settings.tls);
	free(*http);
	*http = NULL;
}
