/*
 * Client applications: who one is, as it was registered, and the proof that a request comes from it
 * (RFC 6749 §2.3; RFC 7523; RFC 8705; CSC 1.0.4 and 2.0.0.2, oauth2/token and oauth2/revoke).
 */
#ifndef CORE_CLIENT_AUTH_H
#define CORE_CLIENT_AUTH_H

#include "core/call.h"

#include <jansson.h>

#define CLIENT_NAME_MAX 255
/* An assertion may end so far ahead, and clocks may differ by so much. */
#define CLIENT_ASSERTION_MAX_S 300
#define CLIENT_CLOCK_SKEW_S 30

/* An active client. What is a pointer is valid until the callback returns; the rest may be copied
 * with the struct. */
struct client_known {
	struct id id, agency;
	char name[CLIENT_NAME_MAX + 1], profile[16];
	int64_t version;
	enum client_mode mode;
	unsigned csc_version; /* 1, 2: whose words the OAuth endpoints use */
	bool confidential;    /* it can authenticate; a public client cannot */
	bool bound; /* it authenticates by TLS: what it gets is good for that certificate */
	uint8_t tls_sha256[SHA256_LEN]; /* bound: of its certificate, DER */
	const json_t *redirect_uris;	/* array of strings, as registered */
	struct span secret_sha256;	/* empty: it has no secret */
};

typedef void (*core_client_fn2)(
	void *arg, const struct fault *fault, const struct client_known *client);

/* What a request brings. Spans without data: not there. */
struct client_proof {
	struct span id; /* may be absent beside an assertion */
	struct span secret;
	struct span assertion_type, assertion;
	bool basic;	      /* id and secret came in the Authorization header */
	const char *endpoint; /* whole URL: an assertion's audience, besides the issuer */
};

/*
 * Sets call->who to the client (also when its proof is wrong: the audit names it). Exactly one way,
 * the registered one; a public client gives its id alone. Faults:
 * RC_CLIENT_ID_MISSING, RC_CLIENT_ID_INVALID (unknown, disabled; in the time of a wrong secret)
 * RC_CLIENT_AUTH_REQUIRED	no proof at all
 * RC_CLIENT_AUTH_METHOD	another way than the registered one
 * RC_CLIENT_SECRET_INVALID, RC_CLIENT_ASSERTION_INVALID (the text says why; once used, too),
 * RC_CLIENT_CERTIFICATE_INVALID
 * RC_MALFORMED			more than one way at a time
 */
void core_client_authenticate(struct core *core, struct call *call,
	const struct client_proof *proof, core_client_fn2 done, void *arg);

/* An active client by its id, without any proof: for the authorisation endpoint, which only its
 * redirect URIs guard. RC_CLIENT_ID_INVALID: unknown or disabled. call->who stays as it is. */
void core_client_find(
	struct core *core, struct call *call, struct span id, core_client_fn2 done, void *arg);

/* Is that, byte for byte, one of its redirect URIs (RFC 9700 §2.1)? */
bool core_client_redirects_to(const struct client_known *client, const char *uri);

#endif
