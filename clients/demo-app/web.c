/* HTTP on the loopback, one request at a time: what it asks of the service is waited for. The
 * address is "localhost" while the service's is 127.0.0.1, so that a browser keeps their cookies
 * apart, as it would those of a school and of its signing service. */
#include "clients/demo-app/demo.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#define COOKIE "hoc-ba-mau"
#define BODY_MAX 8192
#define HEADERS_MAX 16384
#define SILENCE_S 60
#define HTML "text/html; charset=utf-8"

struct web {
	struct demo *demo;
	struct evhttp *evhttp;
};

struct exchange {
	struct demo *demo;
	struct evhttp_request *wire;
	struct visit *visit;
	struct evkeyvalq form;
	enum lang lang;
};

/* answers */

static void add_header(struct exchange *exchange, const char *name, const char *value)
{
	evhttp_add_header(evhttp_request_get_output_headers(exchange->wire), name, value);
}

/* Forms end at the service, by way of a redirection: browsers count that as their target. */
static void add_security(struct exchange *exchange)
{
	char policy[512];

	snprintf(policy, sizeof(policy),
		"default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
		"form-action 'self' %s",
		exchange->demo->settings.service);
	add_header(exchange, "Content-Security-Policy", policy);
	add_header(exchange, "X-Content-Type-Options", "nosniff");
	add_header(exchange, "X-Frame-Options", "DENY");
	add_header(exchange, "Referrer-Policy", "same-origin");
	add_header(exchange, "Cache-Control", "no-store");
}

static void answer(struct exchange *exchange, int status, const char *type, struct span body)
{
	struct evbuffer *out = evbuffer_new();

	add_security(exchange);
	if (type != NULL)
		add_header(exchange, "Content-Type", type);
	if (out == NULL || evbuffer_add(out, body.data, body.len) != 0)
		evhttp_send_error(exchange->wire, HTTP_INTERNAL, NULL);
	else
		evhttp_send_reply(exchange->wire, status, NULL, out);
	if (out != NULL)
		evbuffer_free(out);
}

static void answer_page(struct exchange *exchange, int status, struct page *page)
{
	static const char sorry[] = "Hết bộ nhớ. Out of memory.\n";

	if (page->rc == RC_OK)
		answer(exchange, status, HTML, buf_span(&page->out));
	else
		answer(exchange, 500, "text/plain; charset=utf-8", span_string(sorry));
	buf_free(&page->out);
}

static void refuse(struct exchange *exchange, int status, const char *vi, const char *en)
{
	struct page page = {.rc = RC_OK};

	page_words(&page, exchange->lang, (struct text){vi, en});
	answer_page(exchange, status, &page);
}

/* 303: whatever the method was, the browser gets the page. */
static void go_to(struct exchange *exchange, const char *where)
{
	add_header(exchange, "Location", where);
	answer(exchange, 303, NULL, SPAN_NONE);
}

/* who asks */

static bool read_cookie(const struct exchange *exchange, char out[OAUTH_RANDOM])
{
	const char *header =
		evhttp_find_header(evhttp_request_get_input_headers(exchange->wire), "Cookie");
	size_t name = strlen(COOKIE "=");

	while (header != NULL && *header != 0) {
		header += strspn(header, "; ");
		size_t len = strcspn(header, ";");
		if (strncmp(header, COOKIE "=", name) == 0 && len - name == OAUTH_RANDOM - 1) {
			snprintf(out, OAUTH_RANDOM, "%.*s", (int)(len - name), header + name);
			return true;
		}
		header += len;
	}
	return false;
}

/* Lax: the browser brings it along when the service sends it back here, not with another site's
 * forms. */
static void set_cookie(struct exchange *exchange, const char *cookie)
{
	char header[128];

	snprintf(header, sizeof(header), COOKIE "=%s; Path=/; HttpOnly; SameSite=Lax", cookie);
	add_header(exchange, "Set-Cookie", header);
	explicit_bzero(header, sizeof(header));
}

/* The session of the cookie, or a new one. */
static rc_t enter(struct exchange *exchange)
{
	char cookie[OAUTH_RANDOM] = "";

	if (exchange->visit == NULL) {
		rc_t rc = visit_new(exchange->demo, cookie, &exchange->visit);
		if (rc != RC_OK)
			return rc;
		exchange->visit->lang = exchange->lang;
		set_cookie(exchange, cookie);
	}
	return RC_OK;
}

static const char *query_of(const struct exchange *exchange)
{
	const char *query = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(exchange->wire));

	return query == NULL ? "" : query;
}

static const char *form_value(const struct exchange *exchange, const char *name)
{
	return evhttp_find_header(&exchange->form, name);
}

/* A form that this session's page sent. */
static bool form_is_ours(const struct exchange *exchange)
{
	const char *csrf = form_value(exchange, "csrf");
	const char *origin =
		evhttp_find_header(evhttp_request_get_input_headers(exchange->wire), "Origin");

	return exchange->visit != NULL && csrf != NULL &&
	       secret_equal(span_string(csrf), span_string(exchange->visit->csrf)) &&
	       (origin == NULL || strcmp(origin, exchange->demo->origin) == 0);
}

/* the pages */

static void choose_lang(struct exchange *exchange)
{
	struct evkeyvalq query;

	if (evhttp_parse_query_str(query_of(exchange), &query) != 0)
		return;
	const char *lang = evhttp_find_header(&query, "lang");
	if (lang != NULL)
		exchange->visit->lang = strcmp(lang, "en") == 0 ? LANG_EN : LANG_VI;
	evhttp_clear_headers(&query);
}

static void get_records(struct exchange *exchange, const char *rest)
{
	struct page page = {.rc = RC_OK};

	(void)rest;
	if (enter(exchange) != RC_OK) {
		page.rc = RC_NO_MEMORY;
		answer_page(exchange, 500, &page);
		return;
	}
	choose_lang(exchange);
	page_records(&page, exchange->demo, exchange->visit);
	exchange->visit->notice.words[0] = 0;
	answer_page(exchange, 200, &page);
}

static void get_style(struct exchange *exchange, const char *rest)
{
	(void)rest;
	answer(exchange, 200, "text/css; charset=utf-8", span_string(demo_style));
}

static void answer_pdf(struct exchange *exchange, const char *name, const char *ending,
	bool attachment, const struct buf *pdf)
{
	char disposition[128];

	snprintf(disposition, sizeof(disposition), "%s; filename=\"%s%s.pdf\"",
		attachment ? "attachment" : "inline", name, ending);
	add_header(exchange, "Content-Disposition", disposition);
	answer(exchange, 200, "application/pdf", buf_span(pdf));
}

/* DEMO_RECORDS: there is none. */
static size_t find_record(const struct exchange *exchange, const char *name)
{
	size_t len = strlen(name);

	if (len < 4 || strcmp(name + len - 4, ".pdf") != 0)
		return DEMO_RECORDS;
	for (size_t i = 0; i < DEMO_RECORDS; i++) {
		const char *file = exchange->demo->records[i].file;
		if (strlen(file) == len - 4 && memcmp(file, name, len - 4) == 0)
			return i;
	}
	return DEMO_RECORDS;
}

static void refuse_unknown(struct exchange *exchange)
{
	refuse(exchange, 404, "Không có gì ở địa chỉ này.", "There is nothing at this address.");
}

static void get_record(struct exchange *exchange, const char *rest)
{
	size_t number = find_record(exchange, rest);

	if (number == DEMO_RECORDS)
		refuse_unknown(exchange);
	else
		answer_pdf(exchange, exchange->demo->records[number].file, "", false,
			&exchange->demo->records[number].pdf);
}

static void get_signed(struct exchange *exchange, const char *rest)
{
	size_t number = find_record(exchange, rest);

	if (number == DEMO_RECORDS || exchange->visit == NULL ||
		exchange->visit->results[number].pdf.len == 0)
		refuse_unknown(exchange);
	else
		answer_pdf(exchange, exchange->demo->records[number].file, ".signed", true,
			&exchange->visit->results[number].pdf);
}

static unsigned chosen_records(const struct exchange *exchange)
{
	const struct evkeyval *pair;
	unsigned chosen = 0;

	TAILQ_FOREACH(pair, &exchange->form, next)
	{
		unsigned digit = (unsigned)(pair->value[0] - '0');
		if (strcmp(pair->key, "record") == 0 && digit < DEMO_RECORDS && pair->value[1] == 0)
			chosen |= 1u << digit;
	}
	return chosen;
}

/* To the address that a flow gave; without one, to the list, which says why. */
static void go_on(struct exchange *exchange, rc_t rc, struct buf *url)
{
	const char *where = NULL;

	if (rc != RC_OK || url->len == 0 || buf_string(url, &where) != RC_OK)
		where = "/";
	go_to(exchange, where);
	buf_free(url);
}

static void post_sign(struct exchange *exchange, const char *rest)
{
	struct buf url = BUF_INIT;

	(void)rest;
	exchange->visit->notice.words[0] = 0;
	rc_t rc = flow_begin(exchange->demo, exchange->visit, chosen_records(exchange),
		form_value(exchange, "visible") != NULL, &url);
	go_on(exchange, rc, &url);
}

static void post_leave(struct exchange *exchange, const char *rest)
{
	(void)rest;
	flow_forget(exchange->demo, exchange->visit);
	visit_end(exchange->demo, exchange->visit);
	exchange->visit = NULL;
	go_to(exchange, "/");
}

/* Without a session there is nothing that an answer could belong to. */
static void get_callback(struct exchange *exchange, const char *rest)
{
	char cookie[OAUTH_RANDOM];
	struct buf url = BUF_INIT;

	(void)rest;
	if (enter(exchange) != RC_OK) {
		go_to(exchange, "/");
		return;
	}
	rc_t rc = flow_return(exchange->demo, exchange->visit, query_of(exchange), &url);
	/* a session that now stands for somebody has a cookie that nobody set before */
	if (rc == RC_OK && visit_renew(exchange->visit, cookie) == RC_OK)
		set_cookie(exchange, cookie);
	go_on(exchange, rc, &url);
}

/* routes */

static const struct route {
	enum evhttp_cmd_type method;
	const char *path; /* with a '/' at its end: and what stands below */
	void (*handle)(struct exchange *exchange, const char *rest);
} routes[] = {
	{EVHTTP_REQ_GET, "/", get_records},
	{EVHTTP_REQ_GET, "/style.css", get_style},
	{EVHTTP_REQ_GET, "/callback", get_callback},
	{EVHTTP_REQ_GET, "/records/", get_record},
	{EVHTTP_REQ_GET, "/signed/", get_signed},
	{EVHTTP_REQ_POST, "/sign", post_sign},
	{EVHTTP_REQ_POST, "/leave", post_leave},
};

static bool path_fits(const struct route *route, const char *path)
{
	size_t len = strlen(route->path);

	if (len > 1 && route->path[len - 1] == '/')
		return strncmp(path, route->path, len) == 0;
	return strcmp(path, route->path) == 0;
}

static const struct route *find_route(const struct exchange *exchange)
{
	enum evhttp_cmd_type method = evhttp_request_get_command(exchange->wire);
	const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(exchange->wire));

	for (size_t i = 0; path != NULL && i < sizeof(routes) / sizeof(routes[0]); i++) {
		const struct route *route = &routes[i];
		if (path_fits(route, path) &&
			(method == route->method ||
				(method == EVHTTP_REQ_HEAD && route->method == EVHTTP_REQ_GET)))
			return route;
	}
	return NULL;
}

static void read_form(struct exchange *exchange)
{
	struct evbuffer *body = evhttp_request_get_input_buffer(exchange->wire);
	struct buf copy = BUF_INIT;
	const char *text = NULL;

	if (buf_append(&copy, evbuffer_pullup(body, -1), evbuffer_get_length(body)) != RC_OK ||
		buf_string(&copy, &text) != RC_OK ||
		evhttp_parse_query_str(text, &exchange->form) != 0)
		TAILQ_INIT(&exchange->form);
	buf_free(&copy);
}

static void dispatch(struct exchange *exchange)
{
	const struct route *route = find_route(exchange);
	char cookie[OAUTH_RANDOM];

	if (read_cookie(exchange, cookie))
		exchange->visit = visit_find(exchange->demo, cookie);
	if (exchange->visit != NULL)
		exchange->lang = exchange->visit->lang;
	if (route == NULL) {
		refuse_unknown(exchange);
		return;
	}
	if (route->method == EVHTTP_REQ_POST) {
		read_form(exchange);
		if (!form_is_ours(exchange)) {
			refuse(exchange, 403,
				"Trang đã mở quá lâu hoặc không phải của phiên này: hãy tải lại danh sách hồ "
				"sơ.",
				"The page was open too long, or is not of this session: load the list of "
				"records again.");
			return;
		}
	}
	const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(exchange->wire));
	route->handle(exchange, path + strlen(route->path));
}

/* A name that leads here from outside (DNS rebinding) is not ours; the number is, by detour. */
static void on_request(struct evhttp_request *wire, void *arg)
{
	struct web *web = arg;
	struct exchange exchange = {.demo = web->demo, .wire = wire, .lang = LANG_VI};
	const char *host = evhttp_find_header(evhttp_request_get_input_headers(wire), "Host");
	const char *ours = web->demo->origin + strlen("http://");

	TAILQ_INIT(&exchange.form);
	if (host != NULL && strcasecmp(host, ours) == 0)
		dispatch(&exchange);
	else if (host != NULL && strncmp(host, "127.0.0.1", 9) == 0)
		go_to(&exchange, web->demo->origin);
	else
		refuse(&exchange, 421, "Địa chỉ này không phải của trang.",
			"This address is not this site's.");
	evhttp_clear_headers(&exchange.form);
}

static rc_t listen_at(uint16_t port, int *out)
{
	const struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return RC_SYSTEM;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0 ||
		bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
		listen(fd, SOMAXCONN) != 0) {
		fprintf(stderr, "rssp-demo: port %u: %m\n", port);
		close(fd);
		return RC_CONFIG;
	}
	*out = fd;
	return RC_OK;
}

rc_t web_open(struct demo *demo, struct web **web)
{
	struct web *fresh = calloc(1, sizeof(*fresh));
	int fd = -1;

	if (fresh == NULL)
		return RC_NO_MEMORY;
	fresh->demo = demo;
	fresh->evhttp = evhttp_new(loop_base(demo->loop));
	rc_t rc = fresh->evhttp == NULL ? RC_NO_MEMORY : listen_at(demo->settings.port, &fd);
	if (rc == RC_OK && evhttp_accept_socket(fresh->evhttp, fd) != 0) {
		close(fd);
		rc = RC_SYSTEM;
	}
	if (rc != RC_OK) {
		web_close(&fresh);
		return rc;
	}
	evhttp_set_allowed_methods(
		fresh->evhttp, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST);
	evhttp_set_max_body_size(fresh->evhttp, BODY_MAX);
	evhttp_set_max_headers_size(fresh->evhttp, HEADERS_MAX);
	evhttp_set_timeout(fresh->evhttp, SILENCE_S);
	evhttp_set_gencb(fresh->evhttp, on_request, fresh);
	*web = fresh;
	return RC_OK;
}

void web_close(struct web **web)
{
	if (*web == NULL)
		return;
	if ((*web)->evhttp != NULL)
		evhttp_free((*web)->evhttp);
	free(*web);
	*web = NULL;
}
