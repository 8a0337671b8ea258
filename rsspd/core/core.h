/* The core: what the service means. One per api process; it decides nothing from memory alone. */
#ifndef CORE_CORE_H
#define CORE_CORE_H

#include "base/loop.h"
#include "core/call.h"
#include "hsm/client.h"
#include "store/pg.h"

struct core_settings {
	int64_t sad_lifetime_ms;
	uint32_t multisign;
	bool pin_only_allowed;
	int64_t client_failures_per_minute;
	int64_t sam_job_timeout_ms; /* 0: 10 s; signings without an end are lost some time after it
				     */
	const char *public_url;	    /* "https://host:port": the issuer of what OAuth gives */
	const char *pki_url;
	const char *notices_spool;
	const char *ca_certificate_path;
	const char *operators_path;
	const char *service_name; /* NULL: a default; who the one-time passwords are for */
};

/* Everything given must outlive the core. */
must_check rc_t core_new(struct loop *loop, struct pg *pg, struct hsm_client *hsm,
	const struct core_settings *settings, struct core **core);
void core_free(struct core **core);

/* What core_new() would find wrong with the CA's certificate, and whether it is valid now.
 * RC_CONFIG, logged. */
must_check rc_t core_check_ca(const char *path);

/* Ready to sign: store, SAMs, clock (database's and ours agree within 2 s), today's key of access
 * tokens. */
struct core_health {
	bool store, sams, clock, tokens;
};
void core_health(const struct core *core, struct core_health *health);

/* What metrics and the operators' status look at. Instants are milliseconds since 1970; 0: not
 * known (yet). */
struct core_watch {
	struct hsm_load sams[SAM_ROLES];
	size_t store_up, store_wanted;	      /* connections */
	bool revocations_known;		      /* else each token is asked for in the database */
	int64_t skew_ms;		      /* the database's clock minus ours */
	int64_t ca_ends_ms, operators_end_ms; /* certificates; the operators' first one */
	int64_t crl_made_ms, crl_ends_ms;
	int64_t audit_until_ms; /* the end of the last partition */
};
void core_watch(const struct core *core, struct core_watch *watch);

/* The latest revocation list and the CA's certificate, DER; empty until made. */
struct span core_crl(const struct core *core);
struct span core_ca_certificate(const struct core *core);

#endif
