/* The listener for whatever watches the service: GET /metrics and nothing else, plain HTTP, on the
 * loopback alone. What it tells names nobody and needs no authorisation. */
#ifndef API_METRICS_H
#define API_METRICS_H

#include "api/message.h"
#include "core/core.h"

/* Puts into the registry (base/metrics.h) what is looked up when asked, not counted on the way. */
void metrics_collect(const struct core *core);

/* An http_handler_fn; arg is the core. */
void metrics_handle(
	void *arg, const struct http_message *message, http_answer_fn done, void *done_arg);

#endif
