/*
 * An application's request for a subscriber's consent: oauth2/authorize and pushed_authorize (RFC
 * 6749 §4.1, RFC 7636, RFC 9126, RFC 9396; CSC 1.0.4 §8.3.2, 2.0.0.2 §8.4.2). It is checked when it
 * comes, kept with its checked parameters under the SHA-256 of a fresh handle, and lives for
 * minutes.
 */
#ifndef CORE_AUTHORIZATION_H
#define CORE_AUTHORIZATION_H

#include "base/secret.h"
#include "core/oauth/client_auth.h"
#include "core/oauth/rar.h"

#define AUTHORIZATION_PUSHED_S 90 /* RFC 9126 §2.2 */
#define AUTHORIZATION_SHOWN_S 600
#define AUTHORIZATION_STATE_MAX 255 /* bytes (CSC) */

/* As it came; NULL: not there. */
struct authorization_asked {
	const char *response_type, *redirect_uri, *scope, *state, *challenge, *challenge_method;
	const char *credential, *qualifier, *signatures, *hashes, *hash_algo, *details;
	const char *description, *account_token, *lang;
	const char *response_mode, *request; /* of other protocols: refused */
};

/* As it was checked, and is kept. */
struct authorization {
	json_t *kept;		  /* owned; the texts below point into it */
	const char *redirect_uri; /* where the answer goes */
	bool redirect_uri_given;
	const char *state;	  /* NULL: none */
	const char *description;  /* NULL: none */
	const char *lang;	  /* NULL: none */
	const char *details_type; /* NULL: it came without authorization_details */
	bool credential_scope;	  /* else service */
	bool has_challenge;
	uint8_t challenge[SHA256_LEN]; /* PKCE S256 */
	struct id hint;		       /* of account_token; zero: none */
	struct wish wish;	       /* scope credential; complete */
};
void authorization_free(struct authorization *authorization);

/* What a request of that client means; `why` as of wish_read_details(). Faults: those of
 * authorization_target(), RC_NOT_OAUTH2CODE, RC_STATE_INVALID, RC_REQUEST_OBJECT_REFUSED,
 * RC_RESPONSE_MODE_INVALID, RC_RESPONSE_TYPE_MISSING, _INVALID,
 * RC_SCOPE_INVALID, RC_CODE_CHALLENGE_MISSING, _INVALID, RC_DESCRIPTION_INVALID,
 * RC_QUALIFIER_INVALID, RC_CREDENTIAL_ID_INVALID, RC_HASH_…, RC_NUM_SIGNATURES_…,
 * RC_DETAILS_INVALID. */
struct authorization_limits {
	int64_t signatures_max;
	bool hashless; /* a credential of SCAL 1 may exist here */
};
must_check rc_t authorization_check(struct authorization *authorization,
	const struct authorization_asked *asked, const struct client_known *client,
	const struct authorization_limits *limits, const char **why);
/* What is found out later is kept too: "hint", "credential". */
must_check rc_t authorization_keep_id(
	struct authorization *authorization, const char *name, const struct id *id);
/*
 * How a request lies in the database between being shown and being approved: with a MAC under a key
 * that the page's handle gives, of which the database has the SHA-256 only. Nobody there can have
 * somebody approve something else than was shown. RC_FORMAT: that is not what was kept for this
 * client under this handle.
 */
must_check rc_t authorization_print(struct buf *out, const struct authorization *authorization,
	const struct id *client, struct span handle);
must_check rc_t authorization_open(struct authorization *authorization, struct span stored,
	const struct id *client, struct span handle);
/* The page's handle of a request that was pushed under `pushed`. */
must_check rc_t authorization_page_handle(
	struct secret *page, struct span pushed, uint8_t sha256[SHA256_LEN]);

/* What authorization_check() kept. RC_FORMAT: somebody else wrote it. */
must_check rc_t authorization_read(struct authorization *authorization, struct span kept);

/* The registered redirect URI that the request means: the one it names, or the only one there is.
 * RC_REDIRECT_URI_INVALID, RC_REDIRECT_URI_MISSING: nobody is sent anywhere. */
must_check rc_t authorization_target(
	const struct client_known *client, const char *redirect_uri, const char **target);
/* The address with these parameters added to its query, percent-encoded; those without a value are
 * left out. Appends. */
struct uri_parameter {
	const char *name, *value;
};
must_check rc_t authorization_location(
	struct buf *out, const char *uri, const struct uri_parameter *parameters, size_t count);

/* What came of a request. */
struct authorization_begun {
	const struct secret *handle; /* base64url of 256 bits; NULL with a fault */
	int64_t expires_in_s;
	const char *redirect_uri, *state; /* where a fault may be told; NULL: nowhere, or none */
	const char *lang;		  /* that the application wishes for the page; NULL: none */
};
typedef void (*core_authorization_fn)(
	void *arg, const struct fault *fault, const struct authorization_begun *begun);

/* Checks and keeps a request; `pushed`: for one use by core_authorization_resume(). `client` is
 * needed until this returns, `asked` until the callback. call->who is the client when it proved
 * itself (pushed), nobody otherwise; the audit names the client in any case. */
void core_authorization_begin(struct core *core, struct call *call,
	const struct client_known *client, const struct authorization_asked *asked, bool pushed,
	core_authorization_fn done, void *arg);
/* Takes a pushed request for the page, once. RC_REQUEST_URI_INVALID: unknown, used, late, another
 * client's. */
void core_authorization_resume(struct core *core, struct call *call,
	const struct client_known *client, const char *request_uri, core_authorization_fn done,
	void *arg);

#define REQUEST_URI_PREFIX "urn:ietf:params:oauth:request_uri:"

#endif
