/* Answers: JSON bodies and the headers that every answer carries. */
#ifndef API_REPLY_H
#define API_REPLY_H

#include "api/message.h"
#include "api/routes.h"
#include "core/call.h"

#include <jansson.h>

/* Borrows the body. With 503 goes Retry-After. */
must_check rc_t reply_json(
	struct http_answer *answer, const struct call *call, int status, const json_t *body);
/* Without a body. */
void reply_empty(struct http_answer *answer, const struct call *call, int status);
/* 303 (RFC 9110 §15.4.4). */
void reply_redirect(struct http_answer *answer, const struct call *call, const char *location);
/* Bytes for a browser: a page, a script, a style sheet. */
must_check rc_t reply_page(struct http_answer *answer, const struct call *call, int status,
	struct span bytes, const char *content_type, bool lasting);
/* {"error","error_description"} in the words of the call's version; on a route of the pages in the
 * call's language, with the name of the code and the tries that are left. `allow`: methods, with
 * 405. */
void reply_fault(struct http_answer *answer, const struct call *call, const struct route *route,
	unsigned allow, const struct fault *fault);

#endif
