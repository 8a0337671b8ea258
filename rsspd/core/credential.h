/* Credentials as a client sees them: those of its agency's node and below. */
#ifndef CORE_CREDENTIAL_H
#define CORE_CREDENTIAL_H

#include "core/call.h"
#include "hsm/jobs.h"

enum certificate_status {
	CERTIFICATE_VALID,
	CERTIFICATE_EXPIRED,
	CERTIFICATE_REVOKED,
	CERTIFICATE_SUSPENDED,
};

struct credential_view {
	struct id id, subscriber;
	const struct key_algo *key;
	bool enabled; /* state, lock, subscriber, client and policy permit signing now */
	enum certificate_status status;
	const char *factors; /* "PIN AND OTP" or "PIN" */
	enum scal scal;
	enum client_mode mode; /* of the asking client */
	uint32_t multisign;
	int64_t valid_from_ms, valid_to_ms;
	struct span certificate;	/* DER */
	struct span issuer_certificate; /* DER */
};

struct credential_views {
	const struct credential_view *views;
	size_t count;
	struct id last; /* of those read for this page, shown or left out */
	bool more;	/* another page follows the last one */
};

typedef void (*core_credentials_fn)(
	void *arg, const struct fault *fault, const struct credential_views *views);

/* All credentials of one subscriber, in order of id; `after` zero: from the start. An unknown or
 * foreign subscriber, or another one than the caller's token stands for: RC_USER_ID_INVALID.
 * only_valid leaves out those not enabled or not valid. */
void core_credential_list(struct core *core, struct call *call, const struct id *subscriber,
	bool only_valid, const struct id *after, uint32_t limit, core_credentials_fn done,
	void *arg);

/* One; unknown, foreign, or not what the caller's token stands for: RC_CREDENTIAL_ID_INVALID, in
 * the same time. */
void core_credential_get(struct core *core, struct call *call, const struct id *credential,
	core_credentials_fn done, void *arg);

#endif
