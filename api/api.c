#include "api/api.h"

#include "api/http.h"
#include "api/http_memory.h"
#include "api/http_tls.h"
#include "api/metrics.h"
#include "api/pki.h"
#include "api/router.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"

#include <jansson.h>
#include <signal.h>
#include <stdlib.h>

struct api {
	struct api_settings settings;
	struct loop *loop;
	struct operators *operators;
	struct router *router;
	struct http *public;
	struct http *mtls; /* NULL: none */
	struct http *pki;
	struct http *metrics; /* NULL: none */
	loop_fn drained;
	void *drained_arg;
};

static rc_t api_open_registry(void)
{
	const char **paths = calloc(route_count, sizeof(*paths));
	rc_t rc = RC_NO_MEMORY;

	if (paths == NULL)
		return rc;
	for (size_t i = 0; i < route_count; i++)
		paths[i] = routes[i].path;
	rc = metrics_open(paths, route_count);
	free(paths);
	return rc;
}

static void api_note_certificate(const SSL_CTX *tls)
{
	metric_set(METRIC_CERTIFICATE_EXPIRES, CERTIFICATE_SERVER, 0, tls_expires_ms(tls));
	metric_set(METRIC_TLS_CURRENT, 0, 0, 1);
}

static rc_t api_listen(struct api *api, uint16_t port, SSL_CTX *tls, struct http **http)
{
	const struct api_settings *settings = &api->settings;
	const struct http_settings listener = {
		.address = settings->listen_address,
		.port = port,
		.tls = tls,
		.operators = api->operators,
		.handler = router_handle,
		.arg = api->router,
	};

	return http_new(api->loop, &listener, http);
}

static rc_t api_open_public(struct api *api)
{
	const struct api_settings *settings = &api->settings;
	SSL_CTX *tls = NULL;
	rc_t rc = tls_new(settings->tls_certificate, settings->tls_key, settings->operators_path,
		TLS_ASKS_OPERATORS, &tls);

	if (rc != RC_OK)
		return rc;
	/* verifiers need the revocation list, whatever the clients think of the certificate */
	if (tls_check_time(tls) != RC_OK)
		log_warning("api: started with that certificate all the same");
	api_note_certificate(tls);
	return api_listen(api, settings->listen_port, tls, &api->public);
}

/* The same service, for clients whose software sends its certificate only where it is asked for. */
static rc_t api_open_mtls(struct api *api)
{
	const struct api_settings *settings = &api->settings;
	SSL_CTX *tls = NULL;
	rc_t rc = RC_OK;

	if (settings->mtls_port == 0)
		return RC_OK;
	rc = tls_new(settings->tls_certificate, settings->tls_key, settings->operators_path,
		TLS_ASKS_ANYBODY, &tls);
	return rc == RC_OK ? api_listen(api, settings->mtls_port, tls, &api->mtls) : rc;
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

/* What it tells is for this machine: no option puts it on another address. */
static rc_t api_open_metrics(struct api *api, struct core *core)
{
	const struct http_settings listener = {
		.address = "127.0.0.1",
		.port = api->settings.metrics_port,
		.handler = metrics_handle,
		.arg = core,
	};

	return listener.port == 0 ? RC_OK : http_new(api->loop, &listener, &api->metrics);
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
	rc_t rc = api_open_registry();
	if (rc == RC_OK)
		rc = router_new(core, &fresh->settings, routes, route_count, &fresh->router);
	if (rc == RC_OK)
		rc = operators_load(&fresh->operators, settings->operators_path);
	if (rc == RC_OK)
		rc = api_open_public(fresh);
	if (rc == RC_OK)
		rc = api_open_mtls(fresh);
	if (rc == RC_OK)
		rc = api_open_pki(fresh, core);
	if (rc == RC_OK)
		rc = api_open_metrics(fresh, core);
	if (rc != RC_OK) {
		api_free(&fresh);
		return rc;
	}
	log_info("api: listening address=%s port=%u mtls=%u pki=%s:%u metrics=%u",
		settings->listen_address, http_port(fresh->public),
		fresh->mtls == NULL ? 0U : http_port(fresh->mtls), settings->pki_address,
		http_port(fresh->pki), fresh->metrics == NULL ? 0U : http_port(fresh->metrics));
	*api = fresh;
	return RC_OK;
}

/* One that is valid now. */
static rc_t api_read_tls(const struct api_settings *settings, const char *operators_path,
	enum tls_asks asks, SSL_CTX **tls)
{
	SSL_CTX *fresh = NULL;
	rc_t rc =
		tls_new(settings->tls_certificate, settings->tls_key, operators_path, asks, &fresh);

	if (rc == RC_OK)
		rc = tls_check_time(fresh);
	if (rc == RC_OK)
		*tls = fresh;
	else
		SSL_CTX_free(fresh);
	return rc;
}

rc_t api_check_tls(const struct api_settings *settings)
{
	SSL_CTX *tls = NULL;
	rc_t rc = api_read_tls(settings, NULL, TLS_ASKS_ANYBODY, &tls);

	SSL_CTX_free(tls);
	return rc;
}

rc_t api_check_operators(const struct api_settings *settings)
{
	struct operators *operators = NULL;
	rc_t rc = operators_load(&operators, settings->operators_path);

	if (rc == RC_OK && operators_expire_ms(operators) < clock_wall_ms())
		log_warning(
			"api: an operator's certificate has ended, or there is none path=\"%s\"",
			settings->operators_path);
	operators_free(&operators);
	return rc;
}

/* For both listeners, or for none. */
static rc_t api_read_both(const struct api *api, SSL_CTX **tls, SSL_CTX **mtls)
{
	const struct api_settings *settings = &api->settings;
	SSL_CTX *first = NULL;
	rc_t rc = api_read_tls(settings, settings->operators_path, TLS_ASKS_OPERATORS, &first);

	if (rc == RC_OK && api->mtls != NULL)
		rc = api_read_tls(settings, settings->operators_path, TLS_ASKS_ANYBODY, mtls);
	if (rc == RC_OK)
		*tls = first;
	else
		SSL_CTX_free(first);
	return rc;
}

void api_reload_tls(struct api *api)
{
	const struct api_settings *settings = &api->settings;
	SSL_CTX *tls = NULL, *mtls = NULL;
	rc_t rc = api_read_both(api, &tls, &mtls);

	metric_add(METRIC_TLS_RELOADS, rc == RC_OK ? OUTCOME_OK : OUTCOME_FAILED, 0, 0);
	if (rc != RC_OK) {
		metric_set(METRIC_TLS_CURRENT, 0, 0, 0);
		log_error(
			"api: certificate and key are not reloaded, the old ones stay path=\"%s\"",
			settings->tls_certificate);
		return;
	}
	api_note_certificate(tls);
	http_set_tls(api->public, tls);
	if (api->mtls != NULL)
		http_set_tls(api->mtls, mtls);
	log_info("api: certificate and key reloaded path=\"%s\"", settings->tls_certificate);
}

static void api_on_mtls_drained(void *arg)
{
	struct api *api = arg;

	http_drain(api->pki, api->drained, api->drained_arg);
}

static void api_on_public_drained(void *arg)
{
	struct api *api = arg;

	if (api->mtls != NULL)
		http_drain(api->mtls, api_on_mtls_drained, api);
	else
		api_on_mtls_drained(api);
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
	http_free(&(*api)->mtls);
	http_free(&(*api)->pki);
	http_free(&(*api)->metrics);
	router_free(&(*api)->router);
	operators_free(&(*api)->operators);
	metrics_close();
	free(*api);
	*api = NULL;
}
