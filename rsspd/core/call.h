/*
 * One request as the core sees it: who asks, from where, under which id; and how an operation ends.
 *
 * Every operation of the core takes a call and a callback, copies what it needs from its arguments
 * before it returns, and calls back exactly once, on the loop, after it has returned. When an
 * operation wrote its own audit row in the commit of its change it sets call->audited; otherwise
 * the router writes the route's row before the answer leaves.
 */
#ifndef CORE_CALL_H
#define CORE_CALL_H

#include "base/digest.h"
#include "base/id.h"

#include <stdbool.h>

struct core;

enum lang { LANG_VI, LANG_EN };
enum principal_kind {
	PRINCIPAL_NONE,
	PRINCIPAL_CLIENT,
	PRINCIPAL_OPERATOR,
	PRINCIPAL_SUBSCRIBER, /* signed in at the pages; gives no power to sign */
};
enum client_mode { CLIENT_EXPLICIT, CLIENT_OAUTH2CODE };

struct principal {
	enum principal_kind kind;
	struct id client; /* of a subscriber: the one whose request he answers; zero: none */
	struct id agency; /* the client's node: it sees this one and those below */
	int64_t client_version;
	enum client_mode mode;
	char profile[16]; /* "general", "finance" */
	/* Whose session it is; or, of a client, the only one that its token stands for. Zero: none.
	 */
	struct id subscriber;
	struct id consent; /* by which the token was given; zero: by none */
	/* The token is of scope credential, and of this one only. Zero: of scope service. */
	struct id sad_credential;
	char operator_name[64];
	uint8_t operator_fingerprint[SHA256_LEN];
};

struct call {
	struct id request; /* X-Request-Id */
	char address[48];  /* of the peer */
	bool has_tls;	   /* the peer proved a certificate of its own: SHA-256 of its DER */
	uint8_t tls_sha256[SHA256_LEN];
	const char *event; /* the route's audit event, e.g. "signature.requested" */
	enum lang lang;
	enum rc_version version; /* whose words the answer uses */
	struct principal who;
	unsigned rows; /* of the audit, made so far */
	bool audited;
	/* what the router's audit row names besides, as far as it is known by then */
	struct id subscriber, credential;
	char rule[64];
	int64_t policy_version;
};

/* Why an operation was refused; rc is RC_OK otherwise. */
struct fault {
	rc_t rc;
	unsigned retry_after_s; /* with 429, 503 and RC_OTP_REPLAYED; 0: the default */
	const char *text;	/* overrides rc_text(); valid until the callback returns */
	bool has_tries;		/* a wrong factor: how often it may be tried again */
	unsigned tries_left;
};

typedef void (*core_done_fn)(void *arg, const struct fault *fault);

#endif
