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
	const char *authorization, *content_type, *accept_language; /* NULL: no such header */
	bool ambiguous; /* a header that must be single came twice, or lengths disagree */
	struct span body;
	const char *address; /* of the peer, numeric */
	const struct operator_entry
		*operator_; /* proved by the TLS client certificate; NULL: none */
};

#define HTTP_FIELDS 12
#define HTTP_FIELD_MAX 256

struct http_answer {
	int status;
	struct {
		const char *name;
		char value[HTTP_FIELD_MAX];
	} fields[HTTP_FIELDS];
	size_t field_count;
	struct buf body; /* owned; may hold a SAD or a token */
};

/* Adds a header. A field too many, or too long, is a bug: it is left out and logged. */
void http_answer_field(struct http_answer *answer, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void http_answer_free(struct http_answer *answer);

/* Called exactly once for each message; the answer lives until it returns. */
typedef void (*http_answer_fn)(void *arg, const struct http_answer *answer);
/* What takes messages. `done` may be called before this returns. */
typedef void (*http_handler_fn)(
	void *arg, const struct http_message *message, http_answer_fn done, void *done_arg);

#endif
