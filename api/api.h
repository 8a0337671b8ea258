/*
 * The HTTPS service: CSC API, OAuth token endpoint, activation, operators; and the plain listener
 * for the revocation list and the CA's certificate. It runs on the loop and never blocks.
 */
#ifndef API_API_H
#define API_API_H

#include "base/loop.h"
#include "core/core.h"

#include <stddef.h>
#include <stdint.h>

struct api;

/* Strings are the caller's and must outlive the api. */
struct api_settings {
	const char *listen_address; /* numeric, IPv4 or IPv6 */
	uint16_t listen_port;
	uint16_t mtls_port;	/* a second listener there, which asks anybody for a certificate; 0:
				   none */
	const char *public_url; /* "https://host:port", what info.oauth2 says */
	const char *tls_certificate; /* PEM, leaf first */
	const char *tls_key;	     /* PEM */
	const char
		*operators_path; /* PEM of self-signed certificates: trusted client certificates */
	const char *pki_address;
	uint16_t pki_port;
	uint16_t metrics_port; /* on 127.0.0.1; 0: no metrics are served */
	const char *service_name, *service_region, *service_description, *service_logo;
	uint32_t multisign; /* most signatures of one authorisation */
	size_t waiting_max; /* requests under way; more get 503 at once */
};

/*
 * Checks the route table, reads certificates, binds the listeners and starts to answer. Everything
 * given must outlive the api. Ignores SIGPIPE for the process, and makes libevent and jansson wipe
 * what they free: bodies carry PIN and SAD. RC_CONFIG (logged) when an address, a certificate or
 * the operators' file cannot be used.
 */
must_check rc_t api_new(struct loop *loop, struct core *core, const struct api_settings *settings,
	struct api **api);

/* What api_new() would find wrong with certificate and key of TLS, with the operators' file; and
 * whether the certificate is valid now. RC_CONFIG, logged. The other settings are not looked at. */
must_check rc_t api_check_tls(const struct api_settings *settings);
must_check rc_t api_check_operators(const struct api_settings *settings);

/* Reads certificate and key of TLS again, for the connections to come. If they cannot be used the
 * old ones stay; either is logged, counted, and told by the status. */
void api_reload_tls(struct api *api);

/* Stops accepting; `done` runs once, on the loop, after every request under way was answered and
 * its answer was sent (or its connection had gone). The core must still be there until then. */
void api_drain(struct api *api, loop_fn done, void *arg);

/* Only after api_drain()'s done, or when nothing was ever asked. */
void api_free(struct api **api);

#endif
