/*
 * The part of an application in OAuth 2.0 as CSC 2.0.0.2 §8.3 uses it: the subscriber's own browser
 * is sent to the service, which asks for PIN and one-time password; what comes back is a code, and
 * a code becomes a token. RFC 6749, PKCE S256 (RFC 7636), pushed requests (RFC 9126),
 * authorization_details (RFC 9396), the issuer in the answer (RFC 9207), revocation (RFC 7009).
 *
 * Errors are those of client.h; RC_FORMAT: text that is not UTF-8.
 */
#ifndef CLIENTS_OAUTH_H
#define CLIENTS_OAUTH_H

#include "clients/lib/client.h"
#include "clients/lib/csc.h"

#include <stdbool.h>

#define OAUTH_RANDOM 44 /* 256 bits in base64url, with the terminator */
#define OAUTH_URI 512
#define OAUTH_PARAMETER 512

/* Who asks. */
struct oauth_client {
	const char *id;
	struct span secret; /* empty: a public client */
	const char *redirect_uri;
};

/* What stays with the application until the browser comes back: to be kept in that browser's own
 * session, used once, and compared. */
struct oauth_pending {
	char state[OAUTH_RANDOM];
	char verifier[OAUTH_RANDOM];
};
must_check rc_t oauth_pending_new(struct oauth_pending *pending);
/* BASE64URL(SHA-256(verifier)) (RFC 7636 §4.2). */
must_check rc_t oauth_challenge(const char *verifier, char challenge[OAUTH_RANDOM]);

struct oauth_ask {
	const char *scope;   /* "service" or "credential" */
	const char *details; /* authorization_details, JSON; NULL: none */
	const char *lang;    /* of the pages; NULL: the browser's */
};
/* Replaces url by the address of /oauth2/authorize that asks at once, all parameters in it.
 * service: as in client_config.url. */
must_check rc_t oauth_ask_url(struct client *client, const char *service,
	const struct oauth_client *who, const struct oauth_pending *pending,
	const struct oauth_ask *ask, struct buf *url);
/* The same by a pushed request: the browser carries nothing but its name. */
must_check rc_t oauth_push_url(struct client *client, const char *service,
	const struct oauth_client *who, const struct oauth_pending *pending,
	const struct oauth_ask *ask, struct buf *url, struct client_answer *answer);

/* authorization_details for signatures of these hashes; labels[i] is what the signer reads beside
 * the i-th. Replaces out. */
must_check rc_t oauth_details(const char *credential, const struct csc_hashes *hashes,
	const char *const labels[], struct buf *out);

/* What the browser brought to the redirect URI; empty: not said. Only text that came once and fits,
 * without control characters. */
struct oauth_return {
	char code[OAUTH_PARAMETER];
	char state[OAUTH_PARAMETER];
	char issuer[OAUTH_PARAMETER];
	char error[ANSWER_ERROR];
	char text[ANSWER_TEXT]; /* error_description */
};
/* RC_FORMAT: it is malformed, or names one of them twice (RFC 6749 §3.1). */
must_check rc_t oauth_return_read(const char *query, struct oauth_return *out);

struct oauth_tokens {
	struct secret access;
	struct secret refresh; /* empty: none */
	int64_t expires_in_s;
};
void oauth_tokens_free(struct oauth_tokens *tokens);
/* The code for tokens, which are replaced. */
must_check rc_t oauth_redeem(struct client *client, const struct oauth_client *who,
	const struct oauth_pending *pending, const char *code, struct oauth_tokens *tokens,
	struct client_answer *answer);
/* Access and refresh token are replaced; each refresh token serves once. */
must_check rc_t oauth_refresh(struct client *client, const struct oauth_client *who,
	struct oauth_tokens *tokens, struct client_answer *answer);
/* A refresh token takes the access tokens with it. */
must_check rc_t oauth_revoke(struct client *client, const struct oauth_client *who,
	const struct secret *token, struct client_answer *answer);

#endif
