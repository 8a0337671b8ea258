/*
 * One request under way, and the only ways to end it. A handler (or the core's callback after it)
 * calls exactly one of request_reply, request_refuse and request_fault, once; all of them end in
 * one function in router.c, which commits the audit row and then lets the answer leave.
 */
#ifndef API_REQUEST_H
#define API_REQUEST_H

#include "api/api.h"
#include "api/message.h"
#include "core/call.h"

#include <jansson.h>

struct route;
struct router;

struct request {
	struct router *router;
	struct core *core;
	const struct api_settings *settings;
	const struct route *route; /* NULL: nothing at this address */
	const struct http_message *message;
	struct call call;
	json_t *params; /* the body, form or query, as an object */
	void *values;	/* route->spec filled in */
	rc_t pending;	/* what to answer once the credential proves to be the client's */

	/* the router's own */
	struct http_answer answer;
	http_answer_fn done;
	void *done_arg;
	int64_t start_us; /* monotonic */
	rc_t outcome;
	bool finished;
};

/* 200 with that body; takes the reference over. NULL (no memory) answers 503. */
void request_reply(struct request *request, json_t *body);
/* The same body with 503 and Retry-After: what a probe sees. */
void request_reply_unavailable(struct request *request, json_t *body);
/* Another status than 200: 201, 202. 204 takes no body (NULL). */
void request_reply_status(struct request *request, int status, json_t *body);
/* 303 to an address that the caller has checked. It may carry a code: it is wiped. */
void request_redirect(struct request *request, const char *location);
/* What a browser shows or loads, with the security headers of every page. Copies the bytes.
 * `lasting`: the name changes with the content, so that it may be kept for ever. */
void request_reply_page(struct request *request, int status, struct span bytes,
	const char *content_type, bool lasting);
/* A cookie of ours alone (__Host-: RFC 6265bis §4.1.3.2), told with the answer to come; max_age_s
 * 0: it goes. */
void request_set_cookie(
	struct request *request, const char *name, struct span value, int64_t max_age_s);
/* Of the request. RC_NOT_FOUND. */
must_check rc_t request_cookie(const struct request *request, const char *name, struct span *value);

/* A refusal that a browser shows: audited and logged as request_fault() does. */
void request_fault_page(struct request *request, const struct fault *fault, struct span html,
	const char *content_type);
/* One that an application is told by way of the browser. */
void request_fault_redirect(
	struct request *request, const struct fault *fault, const char *location);
void request_refuse(struct request *request, rc_t rc);
void request_fault(struct request *request, const struct fault *fault);

#endif
