#include "api/api.h"

#include "api/http.h"
#include "api/http_memory.h"
#include "api/pki.h"
#include "api/router.h"
#include "api/http_tls.h"
#include "base/log.h"

#include <jansson.h>
#include <signal.h>
#include <stdlib.h>

struct api {
	struct api_settings settings;
	struct loop *loop;
	struct operators *operators;
	struct router *router;
	struct http *public;
	struct http *pki;
	loop_fn drained;
	void *drained_arg;
};

static rc_t api_open_public(struct api *api)
{
	const struct api_settings *settings = &api->settings;
	SSL_CTX *tls = NULL;
	rc_t rc = tls_new(
		settings->tls_certificate, settings->tls_key, settings->operators_path, &tls);

	if (rc != RC_OK)
		return rc;
	const struct http_settings listener = {
		.address = settings->listen_address,
		.port = settings->listen_port,
		.tls = tls,
		.operators = api->operators,
		.handler = router_handle,
		.arg = api->router,
	};
	return http_new(api->loop, &listener, &api->public);
}

static rc_t api_open_pki(struct api *api, struct core *core)
{
	const struct http_settings listener = {
		.address = api->settings.pki_address,
		.port = api->settings.pki_port,
		.handler = pki_handle,
		.arg = core,
	};

	return http_new(api->loop, &listener, &api->pki);
}

rc_t api_new(
	struct loop *loop, struct core *core, const struct api_settings *settings, struct api **api)
{
	struct api *fresh = calloc(1, sizeof(*fresh));

	if (fresh == NULL)
		return RC_NO_MEMORY;
	/* a client that hangs up must not end the process; its PIN must not stay in our memory */
	signal(SIGPIPE, SIG_IGN);
	json_set_alloc_funcs(memory_alloc, memory_free);
	fresh->settings = *settings;
	fresh->loop = loop;
	rc_t rc = router_new(core, &fresh->settings, routes, route_count, &fresh->router);
	if (rc == RC_OK)
		rc = operators_load(&fresh->operators, settings->operators_path);
	if (rc == RC_OK)
		rc = api_open_public(fresh);
	if (rc == RC_OK)
		rc = api_open_pki(fresh, core);
	if (rc != RC_OK) {
		api_free(&fresh);
		return rc;
	}
	log_info("api: listening address=%s port=%u pki=%s:%u", settings->listen_address,
		http_port(fresh->public), settings->pki_address, http_port(fresh->pki));
	*api = fresh;
	return RC_OK;
}

static void api_on_public_drained(void *arg)
{
	struct api *api = arg;

	http_drain(api->pki, api->drained, api->drained_arg);
}

void api_drain(struct api *api, loop_fn done, void *arg)
{
	log_info("api: draining under_way=%zu", router_under_way(api->router));
	api->drained = done;
	api->drained_arg = arg;
	http_drain(api->public, api_on_public_drained, api);
}

void api_free(struct api **api)
{
	if (*api == NULL)
		return;
	http_free(&(*api)->public);
	http_free(&(*api)->pki);
	router_free(&(*api)->router);
	operators_free(&(*api)->operators);
	free(*api);
	*api = NULL;
}
