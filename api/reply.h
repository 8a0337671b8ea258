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
/* {"error","error_description"} in the words of the call's version. `allow`: methods, with 405. */
void reply_fault(struct http_answer *answer, const struct call *call, const struct route *route,
	unsigned allow, const struct fault *fault);

#endif
