#include "server.h"

#include "api/api.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/metrics.h"
#include "core/core.h"
#include "hsm/client.h"
#include "control.h"
#include "store/pg.h"

#include <malloc.h>
#include <signal.h>
#include <stddef.h>

#define SERVER_HSM_QUEUE 1024
#define SERVER_STORE_TIMEOUT_MS 10000
#define SERVER_STORE_WAITING 8192
#define SERVER_MEMORY_KEPT (64 << 20) /* free memory at the heap's end that is not given back */

struct server {
	const struct conf *conf;
	int control_fd;
	struct loop *loop;
	struct loop_watch *control;
	struct hsm_client *hsm;
	struct pg *pg;
	struct core *core;
	struct api *api;
	bool draining;
};

static void server_drained(void *arg)
{
	struct server *server = arg;

	log_info("server: drained");
	loop_stop(server->loop);
}

static void server_drain(void *arg)
{
	struct server *server = arg;

	if (server->draining)
		return;
	server->draining = true;
	log_info("server: draining");
	api_drain(server->api, server_drained, server);
}

static void server_sam_lost(void *arg, enum sam_role role, unsigned index)
{
	struct server *server = arg;

	if (control_send_lost(server->control_fd, role, index) != RC_OK)
		log_error("server: supervisor does not hear of a lost sam role=%d index=%u",
			(int)role, index);
}

static void server_control_lost(struct server *server, rc_t rc)
{
	log_error("server: supervisor gone rc=%s", rc_name(rc));
	if (loop_watch_want(server->control, 0) != RC_OK)
		log_error("server: control channel cannot be closed");
	server_drain(server);
}

static void server_note_restarts(const struct control_message *message)
{
	int64_t known = metric_value(METRIC_RESTARTS, message->process, message->cause, 0);

	/* one that is new dates what was before it to its own start: too late rather than never */
	if (message->cause == CAUSE_DIED && message->total > known)
		metric_set(METRIC_LAST_RESTART, message->process, 0, clock_wall_ms());
	metric_set(METRIC_RESTARTS, message->process, message->cause, message->total);
}

static void server_heard(struct server *server, const struct control_message *message)
{
	rc_t rc = RC_OK;

	switch (message->kind) {
	case CONTROL_ATTACH:
		rc = hsm_client_attach(server->hsm, message->role, message->index, message->fd);
		if (rc != RC_OK)
			log_error("server: sam not attached role=%d index=%u rc=%s",
				(int)message->role, message->index, rc_name(rc));
		return;
	case CONTROL_RESTARTS:
		server_note_restarts(message);
		return;
	case CONTROL_RELOAD:
		api_reload_tls(server->api);
		return;
	case CONTROL_ATTACHED:
	case CONTROL_LOST:
		return;
	}
}

/* One turn takes all that has come: the channel is only watched for readiness. */
static void server_control(void *arg)
{
	struct server *server = arg;
	struct control_message message;
	rc_t rc;

	while ((rc = control_receive(server->control_fd, &message)) == RC_OK)
		server_heard(server, &message);
	if (rc != RC_STALE)
		server_control_lost(server, rc);
}

static rc_t server_open_hsm(struct server *server)
{
	struct hsm_client_limits limits = {
		.job_timeout_ms = server->conf->sam_job_timeout_ms,
		.queue_max = SERVER_HSM_QUEUE,
	};

	rc_t rc = hsm_client_new(server->loop, limits, &server->hsm);
	if (rc == RC_OK)
		hsm_client_on_lost(server->hsm, server_sam_lost, server);
	return rc;
}

static int64_t server_hsm_work_us(void *arg)
{
	const struct server *server = arg;

	return server->hsm == NULL ? 0 : hsm_client_work_us(server->hsm);
}

static rc_t server_open_store(struct server *server)
{
	struct pg_settings settings = {
		.conninfo = server->conf->database_conninfo,
		.connections = (size_t)server->conf->database_connections,
		.waiting_max = SERVER_STORE_WAITING,
		.timeout_ms = SERVER_STORE_TIMEOUT_MS,
		.others_work_us = server_hsm_work_us,
		.others_arg = server,
	};

	return pg_new(server->loop, &settings, &server->pg);
}

static rc_t server_open_core(struct server *server)
{
	const struct conf *conf = server->conf;
	struct core_settings settings = {
		.sad_lifetime_ms = conf->sad_lifetime_s * 1000,
		.multisign = (uint32_t)conf->sad_multisign,
		.pin_only_allowed = conf->activation_pin_only,
		.client_failures_per_minute = conf->limits_client_failures_per_minute,
		.public_url = conf->listen_public_url,
		.pki_url = conf->pki_url,
		.notices_spool = conf->notices_spool,
		.ca_certificate_path = conf->pki_ca_certificate,
		.operators_path = conf->operators_file,
		.sam_job_timeout_ms = conf->sam_job_timeout_ms,
		.service_name = conf->service_name,
	};

	return core_new(server->loop, server->pg, server->hsm, &settings, &server->core);
}

static rc_t server_open_api(struct server *server)
{
	const struct conf *conf = server->conf;
	struct api_settings settings = {
		.listen_address = conf->listen_address,
		.listen_port = (uint16_t)conf->listen_port,
		.mtls_port = (uint16_t)conf->listen_mtls_port,
		.public_url = conf->listen_public_url,
		.tls_certificate = conf->tls_certificate,
		.tls_key = conf->tls_key,
		.operators_path = conf->operators_file,
		.pki_address = conf->pki_address,
		.pki_port = (uint16_t)conf->pki_port,
		.metrics_port = (uint16_t)conf->metrics_port,
		.service_name = conf->service_name,
		.service_region = conf->service_region,
		.service_description = conf->service_description,
		.service_logo = conf->service_logo,
		.multisign = (uint32_t)conf->sad_multisign,
		.waiting_max = (size_t)conf->limits_waiting,
	};

	return api_new(server->loop, server->core, &settings, &server->api);
}

static rc_t server_watch(struct server *server)
{
	rc_t rc = loop_signal(server->loop, SIGTERM, server_drain, server);

	if (rc == RC_OK)
		rc = loop_signal(server->loop, SIGINT, server_drain, server);
	if (rc == RC_OK)
		rc = loop_watch_new(server->loop, server->control_fd, server_control,
			server_control, server, &server->control);
	if (rc == RC_OK)
		rc = loop_watch_want(server->control, LOOP_READ);
	return rc;
}

/* In the order of dependence; server_close() undoes as much as was done. */
static rc_t server_open(struct server *server)
{
	static rc_t (*const steps[])(struct server *) = {server_open_hsm, server_open_store,
		server_open_core, server_open_api, server_watch};

	rc_t rc = loop_new(&server->loop);
	for (size_t i = 0; rc == RC_OK && i < sizeof(steps) / sizeof(steps[0]); i++)
		rc = steps[i](server);
	return rc;
}

/* SAMs and store first: what they still owe is answered to a core that is there. */
static void server_close(struct server *server)
{
	loop_watch_free(&server->control);
	api_free(&server->api);
	hsm_client_free(&server->hsm);
	pg_free(&server->pg);
	core_free(&server->core);
	loop_free(&server->loop);
}

/* What some hundred requests at once need would be given back and asked for anew, page by page,
 * some thousand times a second. */
static void memory_keep(void)
{
	mallopt(M_TRIM_THRESHOLD, SERVER_MEMORY_KEPT);
	mallopt(M_MMAP_THRESHOLD, SERVER_MEMORY_KEPT / 2);
}

rc_t server_run(const struct conf *conf, int control_fd)
{
	struct server server = {.conf = conf, .control_fd = control_fd};

	memory_keep();
	rc_t rc = server_open(&server);
	if (rc == RC_OK)
		rc = loop_run(server.loop);
	else
		log_error("server: not started rc=%s", rc_name(rc));
	server_close(&server);
	return rc;
}
