/* The load generator's connections: TLS, requests, answers. */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fcntl.h>

#define READ_STEP 16384
#define SHA256_OID "2.16.840.1.101.3.4.2.1"

static void keep(rc_t rc)
{
	if (rc != RC_OK)
		load_fail("no memory");
}

/* ---- requests ---- */

static uint64_t mixed(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

void batch_digest(const struct batch *batch, size_t index, uint8_t digest[DIGEST_LEN])
{
	uint64_t state = batch->seed * 0xd1342543de82ef95u + index;

	for (size_t i = 0; i < DIGEST_LEN; i += 8) {
		uint64_t word = mixed(&state);
		memcpy(digest + i, &word, 8);
	}
}

static void hashes_put(struct buf *body, const struct batch *batch, size_t first, size_t count)
{
	uint8_t digest[DIGEST_LEN];

	keep(buf_append_string(body, "\"hash\":["));
	for (size_t i = 0; i < count; i++) {
		batch_digest(batch, first + i, digest);
		keep(buf_append_string(body, i == 0 ? "\"" : ",\""));
		keep(base64_encode(body, SPAN(digest, DIGEST_LEN)));
		keep(buf_append_string(body, "\""));
	}
	keep(buf_append_string(body, "]"));
}

/* head, length, body: the body is made in `in`, which is empty between answers. */
static void request_begin(struct load *load, struct link *link, enum kind kind)
{
	struct buf *body = &link->in;

	link->out.len = 0;
	keep(buf_append_span(&link->out, buf_span(&load->head[kind])));
	keep(buf_printf(&link->out, "%zu\r\n\r\n", body->len));
	keep(buf_append_span(&link->out, buf_span(body)));
	body->len = 0;
	link->sent = 0;
	link->head_len = 0;
	link->body_len = 0;
	link->kind = kind;
	link->began = bench_now();
}

void link_authorize(struct load *load, struct link *link)
{
	const struct batch *batch = link->batch;
	struct buf *body = &link->in;

	body->len = 0;
	keep(buf_printf(body, "{\"credentialID\":\"%s\",\"numSignatures\":%zu,\"PIN\":\"%s\",",
		batch->person->credential, batch->hashes, batch->person->pin));
	if (strcmp(batch->person->otp, "-") != 0)
		keep(buf_printf(body, "\"OTP\":\"%s\",", batch->person->otp));
	hashes_put(body, batch, 0, batch->hashes);
	keep(buf_append_string(body, "}"));
	request_begin(load, link, KIND_AUTHORIZE);
}

void link_sign(struct load *load, struct link *link, size_t first, size_t count)
{
	const struct batch *batch = link->batch;
	struct buf *body = &link->in;

	link->first = first;
	link->count = count;
	body->len = 0;
	keep(buf_printf(body,
		"{\"credentialID\":\"%s\",\"SAD\":\"%s\",\"signAlgo\":\"%s\","
		"\"hashAlgo\":\"" SHA256_OID "\",",
		batch->person->credential, batch->sad, batch->person->sign_algo));
	hashes_put(body, batch, first, count);
	keep(buf_append_string(body, "}"));
	request_begin(load, link, KIND_SIGN);
}

/* ---- answers ---- */

static const uint8_t *after(struct span text, const char *word)
{
	const uint8_t *found =
		text.len == 0 ? NULL : memmem(text.data, text.len, word, strlen(word));

	return found == NULL ? NULL : found + strlen(word);
}

static struct span rest(struct span text, const uint8_t *from)
{
	return SPAN(from, (size_t)(text.data + text.len - from));
}

/* The next text in quotes, which here never holds an escape. */
static struct span quoted(struct span text)
{
	const uint8_t *from = after(text, "\"");
	const uint8_t *to = from == NULL ? NULL : after(rest(text, from), "\"");

	return to == NULL ? SPAN_NONE : SPAN(from, (size_t)(to - from) - 1);
}

void answer_sad(struct span body, char sad[SAD_MAX])
{
	const uint8_t *from = after(body, "\"SAD\"");
	struct span text = from == NULL ? SPAN_NONE : quoted(rest(body, from));

	if (text.len == 0 || text.len >= SAD_MAX)
		load_fail("an authorisation without a SAD");
	memcpy(sad, text.data, text.len);
	sad[text.len] = 0;
}

size_t answer_signatures(struct span body, struct span *first)
{
	const uint8_t *from = after(body, "\"signatures\"");
	size_t quotes = 0;

	from = from == NULL ? NULL : after(rest(body, from), "[");
	const uint8_t *end = from == NULL ? NULL : after(rest(body, from), "]");
	if (end == NULL)
		return 0;
	*first = quoted(SPAN(from, (size_t)(end - from)));
	while ((from = memchr(from, '"', (size_t)(end - from))) != NULL) {
		quotes++;
		from++;
	}
	return quotes / 2;
}

/* Status and length, when the head is all there; false while it is not. */
static bool head_read(struct link *link)
{
	struct span in = buf_span(&link->in);
	const uint8_t *end = after(in, "\r\n\r\n");
	const char *text = NULL;

	if (end == NULL)
		return false;
	link->head_len = (size_t)(end - in.data);
	keep(buf_string(&link->in, &text));
	const char *length = strcasestr(text, "\r\nContent-Length:");
	if (length == NULL || length > text + link->head_len)
		load_fail("an answer without Content-Length");
	link->body_len = strtoul(length + strlen("\r\nContent-Length:"), NULL, 10);
	return true;
}

/* false: not all is there yet. */
static bool answer_take(struct load *load, struct link *link)
{
	if (link->head_len == 0 && !head_read(link))
		return false;
	if (link->in.len < link->head_len + link->body_len)
		return false;
	if (link->in.len < 13 || memcmp(link->in.data + 8, " 200 ", 5) != 0) {
		fprintf(stderr, "load: %s was refused: %.*s\n",
			link->kind == KIND_SIGN ? "signHash" : "authorize", (int)link->in.len,
			(const char *)link->in.data);
		load_fail("stopped");
	}
	load_answered(load, link, SPAN(link->in.data + link->head_len, link->body_len));
	return true;
}

/* ---- the connection ---- */

/* true: gone on; false: has to wait. */
static bool progress(struct link *link, int done)
{
	if (done > 0)
		return true;
	int error = SSL_get_error(link->ssl, done);
	if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
		load_fail("a connection was closed");
	return false;
}

static bool link_write(struct link *link)
{
	while (link->sent < link->out.len) {
		int done = SSL_write(
			link->ssl, link->out.data + link->sent, (int)(link->out.len - link->sent));
		if (!progress(link, done))
			return false;
		link->sent += (size_t)done;
	}
	return true;
}

static bool link_read(struct link *link)
{
	keep(buf_reserve(&link->in, READ_STEP));
	int done = SSL_read(link->ssl, link->in.data + link->in.len, READ_STEP);
	if (!progress(link, done))
		return false;
	link->in.len += (size_t)done;
	return true;
}

void link_move(struct load *load, struct link *link)
{
	for (;;) {
		if (link->kind == KIND_IDLE) {
			/* session tickets may come, nothing else */
			if (!link_read(link))
				return;
			load_fail("an answer that nobody asked for");
		}
		if (!link_write(link) || !link_read(link))
			return;
		if (answer_take(load, link)) {
			/* an answer to the next request is an event of its own */
			(void)link_write(link);
			return;
		}
	}
}

static int tcp_open(uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;

	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)) != 0)
		load_fail("no connection to the service");
	return fd;
}

static void link_open(struct load *load, struct link *link, uint16_t port)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data = {.ptr = link}};

	link->fd = tcp_open(port);
	link->ssl = SSL_new(load->tls);
	if (link->ssl == NULL || SSL_set_fd(link->ssl, link->fd) != 1 ||
		SSL_connect(link->ssl) != 1) {
		ERR_print_errors_fp(stderr);
		load_fail("TLS does not come about");
	}
	if (fcntl(link->fd, F_SETFL, O_NONBLOCK) != 0 ||
		epoll_ctl(load->epoll, EPOLL_CTL_ADD, link->fd, &event) != 0)
		load_fail("the connection cannot be watched");
}

static void heads_make(struct load *load, const struct peer *peer)
{
	static const char *const paths[KINDS] = {
		[KIND_AUTHORIZE] = "/csc/v1/credentials/authorize",
		[KIND_SIGN] = "/csc/v1/signatures/signHash",
	};
	FILE *file = fopen(peer->token, "r");
	char token[4096];

	if (file == NULL || fscanf(file, "%4095s", token) != 1)
		load_fail("no token in its file");
	fclose(file);
	for (size_t kind = KIND_AUTHORIZE; kind < KINDS; kind++)
		keep(buf_printf(&load->head[kind],
			"POST %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAuthorization: Bearer %s\r\n"
			"Content-Type: application/json\r\nContent-Length: ",
			paths[kind], peer->port, token));
}

void links_open(struct load *load, const struct peer *peer)
{
	load->tls = SSL_CTX_new(TLS_client_method());
	if (load->tls == NULL || SSL_CTX_set_min_proto_version(load->tls, TLS1_3_VERSION) != 1 ||
		SSL_CTX_load_verify_file(load->tls, peer->ca) != 1)
		load_fail("no TLS, or no root certificate");
	SSL_CTX_set_verify(load->tls, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(
		load->tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(load->tls, 1);
	heads_make(load, peer);
	for (size_t i = 0; i < load->link_count; i++)
		link_open(load, &load->links[i], peer->port);
}

void links_close(struct load *load)
{
	for (size_t i = 0; i < load->link_count; i++) {
		struct link *link = &load->links[i];
		SSL_free(link->ssl);
		close(link->fd);
		buf_free(&link->in);
		buf_free(&link->out);
	}
	SSL_CTX_free(load->tls);
	for (size_t kind = 0; kind < KINDS; kind++)
		buf_free(&load->head[kind]);
}
