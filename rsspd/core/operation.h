/*
 * What operators do: agencies, clients, subscribers, enrolment. The call's principal is an
 * operator; every function writes its own audit row in the commit of the change and sets
 * call->audited.
 */
#ifndef CORE_OPERATION_H
#define CORE_OPERATION_H

#include "base/secret.h"
#include "core/call.h"
#include "hsm/statement.h"

#include <jansson.h>

/* What the policy said, in both languages. Strings live until the callback returns. */
struct decision_view {
	const char *effect; /* "permit", "deny", "wait" */
	const char *rule;
	int64_t policy_version;
	const char *reason_vi, *reason_en, *alternative_vi, *alternative_en; /* "" on permit */
};

/* Agencies. Levels that exist are found by name under their parent, missing ones are made. A sector
 * that differs from the stored one replaces it and raises the version of every subscriber below;
 * no sector leaves the stored one as it is. */
struct agency_add_request {
	const char *path[STATEMENT_LEVELS]; /* level 1 first; NULL: no such level */
	const char *sector;		    /* NULL: inherit */
	const char *province;
};
typedef void (*core_id_fn)(void *arg, const struct fault *fault, const struct id *id);
void core_agency_add(struct core *core, struct call *call, const struct agency_add_request *request,
	core_id_fn done, void *arg);

struct agency_view {
	struct id id;
	const char *path[STATEMENT_LEVELS];
	const char *sector; /* in force; "" unknown */
	bool sector_inherited;
	const char *province;
};
typedef void (*core_agencies_fn)(
	void *arg, const struct fault *fault, const struct agency_view *agencies, size_t count);
void core_agency_list(struct core *core, struct call *call, core_agencies_fn done, void *arg);

/* Clients. A secret is made by us, answered once, stored as SHA-256. */
struct client_add_request {
	const char *name;
	struct id agency;
	const char *mode;	     /* "oauth2code", "explicit" */
	const char *profile;	     /* "general", "finance" */
	const char *authentication;  /* "secret", "private-key-jwt", "tls", "none" */
	unsigned csc_version;	     /* 1, 2 */
	const json_t *redirect_uris; /* array of strings; NULL: none */
	const json_t *jwks;	     /* private-key-jwt only (RFC 7517); NULL otherwise */
	const char *certificate;     /* tls only: PEM; NULL otherwise */
};
/* `client_secret` is empty for one that has none. */
typedef void (*core_client_fn)(void *arg, const struct fault *fault, const struct id *client,
	const struct secret *client_secret);
void core_client_add(struct core *core, struct call *call, const struct client_add_request *request,
	core_client_fn done, void *arg);
/* What a registration may change, each if it is not NULL; in form and rules as when it was added.
 * Its tokens end where its keys or its certificate change. */
struct client_change_request {
	struct id client;
	const json_t *redirect_uris, *jwks;
	const char *certificate;
};
void core_client_change(struct core *core, struct call *call,
	const struct client_change_request *request, core_done_fn done, void *arg);

struct client_view {
	struct id id, agency;
	const char *name, *mode, *profile, *state, *authentication;
	unsigned csc_version;
	json_t *redirect_uris, *jwks; /* borrowed; jwks NULL: none */
	struct span tls_sha256;	      /* empty: none */
};
typedef void (*core_clients_fn)(
	void *arg, const struct fault *fault, const struct client_view *clients, size_t count);
/* All by name; or the one of that id, RC_CLIENT_UNKNOWN. */
void core_client_list(struct core *core, struct call *call, const struct id *client /* zero: all */,
	core_clients_fn done, void *arg);
/* Its tokens die with the old secret. */
void core_client_rotate(struct core *core, struct call *call, const struct id *client,
	core_client_fn done, void *arg);
void core_client_disable(struct core *core, struct call *call, const struct id *client,
	core_done_fn done, void *arg);

/* Subscribers. */
struct subscriber_query {
	struct id agency, subscriber; /* zero: any; an agency means it and those below */
	const char *name;	      /* a part of it, any case; NULL: any */
	uint32_t limit;
};
struct subscriber_credential {
	struct id id;
	const char *status; /* "active", "locked", "disabled", "revoked" */
	const char *key;
	int64_t valid_to_ms;
};
struct subscriber_view {
	struct id id;
	const char *name, *position, *state;
	const char *agency[STATEMENT_LEVELS];
	const struct subscriber_credential *credentials;
	size_t credential_count;
};
typedef void (*core_subscribers_fn)(void *arg, const struct fault *fault,
	const struct subscriber_view *subscribers, size_t count);
void core_subscriber_list(struct core *core, struct call *call,
	const struct subscriber_query *query, core_subscribers_fn done, void *arg);

typedef void (*core_decision_fn)(
	void *arg, const struct fault *fault, const struct decision_view *decision);
/* From that commit on the policy is asked about the new position. */
void core_subscriber_set_position(struct core *core, struct call *call, const struct id *subscriber,
	const char *position, core_decision_fn done, void *arg);
void core_subscriber_disable(struct core *core, struct call *call, const struct id *subscriber,
	core_done_fn done, void *arg);
/* An unlock statement (hsm/statement.h) signed by the calling operator. */
void core_subscriber_unlock(struct core *core, struct call *call, struct span statement,
	struct span signature, core_done_fn done, void *arg);

/* Enrolment. */
typedef void (*core_enrol_fn)(void *arg, const struct fault *fault, const struct id *enrolment,
	const struct decision_view *decision);
/* Asks the policy; keeps nothing but the audit row. */
void core_enrol_check(
	struct core *core, struct call *call, struct span statement, core_enrol_fn done, void *arg);
/* Takes a signed statement: refused and waiting lines are recorded, a permitted one gets its code.
 */
void core_enrol_submit(struct core *core, struct call *call, struct span statement,
	struct span signature, core_enrol_fn done, void *arg);

/* Activation, by the subscriber (no principal). RC_ACTIVATION_REFUSED says nothing of which part
 * was wrong; RC_PIN_WEAK; RC_PASSWORD_WEAK; RC_POLICY_DENIED with the fault's text. */
struct activation_request {
	struct span code, identity_number, pin;
	const struct key_algo *key;
	bool pin_only; /* PIN without OTP, SCAL 1: RC_PARAMETER_INVALID unless allowed here */
	struct span password; /* of the subscriber's account; data NULL: none is set */
};
struct activation_view {
	struct id subscriber, credential;
	const struct secret
		*otpauth; /* otpauth:// URI for the authenticator, shown once; empty: no OTP */
	struct span certificate; /* DER */
};
typedef void (*core_activation_fn)(
	void *arg, const struct fault *fault, const struct activation_view *activation);
void core_activate(struct core *core, struct call *call, const struct activation_request *request,
	core_activation_fn done, void *arg);

#endif
