/*
 * From message to answer, in this order: route, limits, who asks, parameters, handler, audit row,
 * answer. Knows no transport: the tests and the fuzz target call it as
 * http.c does.
 */
#ifndef API_ROUTER_H
#define API_ROUTER_H

#include "api/message.h"
#include "api/routes.h"

struct router;

/* Checks the table (routes_check). Everything given must outlive the router. */
must_check rc_t router_new(struct core *core, const struct api_settings *settings,
	const struct route *table, size_t count, struct router **router);
/* Only when nothing is under way. */
void router_free(struct router **router);

/* An http_handler_fn; arg is the router. */
void router_handle(
	void *arg, const struct http_message *message, http_answer_fn done, void *done_arg);
size_t router_under_way(const struct router *router);

#endif
