/* Probes. /healthz: this process turns its loop; /readyz: it could sign now. */
#include "api/handlers.h"
#include "api/json.h"

void health_live(struct request *request)
{
	json_t *body = json_object();

	json_put(&body, "status", json_string("ok"));
	request_reply(request, body);
}

static const char *word(bool good)
{
	return good ? "ok" : "down";
}

void health_ready(struct request *request)
{
	struct core_health health = {0};
	json_t *body = json_object();

	core_health(request->core, &health);
	bool ready = health.store && health.sams && health.clock && health.tokens;
	json_put(&body, "status", json_string(ready ? "ok" : "unavailable"));
	json_put(&body, "store", json_string(word(health.store)));
	json_put(&body, "sams", json_string(word(health.sams)));
	json_put(&body, "clock", json_string(word(health.clock)));
	json_put(&body, "tokens", json_string(word(health.tokens)));
	if (ready)
		request_reply(request, body);
	else
		request_reply_unavailable(request, body);
}
