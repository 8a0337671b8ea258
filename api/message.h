/*
 * One HTTP request and its answer, as the router sees them: what stands between the transport
 * (http.c, the only file that knows libevent) and everything else.
 */
#ifndef API_MESSAGE_H
#define API_MESSAGE_H

#include "base/buf.h"
#include "hsm/statement.h"

#include <stdbool.h>

/* Valid until the answer is given. */
struct http_message {
	const char *method; /* "GET", "POST", … */
	const char *path;   /* as sent, not percent-decoded */
	const char *query;  /* NULL: none */
	/* NULL: no such header */
	const char *authorization, *content_type, *accept_language;
	const char *cookie, *origin, *csrf_token;
	bool ambiguous; /* a header that must be single came twice, or lengths disagree */
	struct span body;
	const char *address;		/* of the peer, numeric */
	bool has_tls;			/* the peer proved a TLS client certificate, anyone's: */
	uint8_t tls_sha256[SHA256_LEN]; /* SHA-256 of its DER */
	const struct operator_entry
		*operator_; /* proved by the TLS client certificate; NULL: none */
};

#define HTTP_FIELDS 20

struct http_answer {
	int status;
	struct {
		const char *name;
		size_t value; /* where it begins in `values` */
	} fields[HTTP_FIELDS];
	size_t field_count;
	struct buf values; /* owned, each ends with a NUL; may hold a cookie or a code */
	struct buf body;   /* owned; may hold a SAD or a token */
};

/* Adds a header. A field too many is a bug: it is left out and logged. */
void http_answer_field(struct http_answer *answer, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The number-th header's value; valid until one is added. */
const char *http_answer_value(const struct http_answer *answer, size_t number);
void http_answer_free(struct http_answer *answer);

/* Called exactly once for each message; the answer lives until it returns. */
typedef void (*http_answer_fn)(void *arg, const struct http_answer *answer);
/* What takes messages. `done` may be called before this returns. */
typedef void (*http_handler_fn)(
	void *arg, const struct http_message *message, http_answer_fn done, void *done_arg);

#endif
