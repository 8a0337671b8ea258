/* The route table's shape. routes.c is THE table. */
#ifndef API_ROUTES_H
#define API_ROUTES_H

#include "api/request.h"
#include "api/spec.h"

enum route_method { ROUTE_GET = 1, ROUTE_POST = 2 };

/* Zero is no authorisation at all: a row that forgot it does not boot. */
enum route_authorisation {
	AUTH_UNSET = 0,
	AUTH_NOBODY,	   /* open to everybody: probes and info */
	AUTH_CLIENT_PROOF, /* the handler checks how the client proves itself: oauth2/token */
	AUTH_CODE,	   /* the handler hands the activation code to the SAM: activate */
	AUTH_CLIENT,	   /* a client's access token of scope service */
	AUTH_CREDENTIAL,   /* likewise, or a token of scope credential, for that credential */
	AUTH_OPERATOR,	   /* an operator's TLS client certificate */
	AUTH_PAGE,	   /* open to our own pages: by no page of another origin; who is signed in
			      is known, if somebody is */
	AUTH_SESSION,	   /* likewise, and somebody is signed in; a POST carries the session's
			      X-CSRF-Token */
};

enum route_body { BODY_NONE, BODY_JSON, BODY_FORM };

/* Probes come every few seconds and change nothing. No other rows than these are without an audit
 * event. */
#define AUDIT_NONE_HEALTH ""
/* Pages and what they load are the same bytes for everybody: what is asked and done from them is
 * audited at the routes that they use. */
#define AUDIT_NONE_PAGE ""

typedef void (*route_fn)(struct request *request);

struct route {
	unsigned methods; /* enum route_method, or-ed */
	const char *path; /* one that ends in '/' stands for everything below it */
	enum route_authorisation authorisation;
	const char *event; /* of the audit row; NULL does not boot */
	enum route_body body;
	size_t body_max;	 /* bytes; more: 413 */
	const struct spec *spec; /* NULL: no parameters are read */
	route_fn handler;
	enum rc_version version; /* whose words the errors use */
	rc_t bearer_malformed;	 /* AUTH_CLIENT…: what a malformed header is answered with */
	bool pages;		 /* asked by our own pages: errors in their form and language */
};

extern const struct route routes[];
extern const size_t route_count;

/* RC_CONFIG, logged, if a row lacks authorisation, audit event, handler or body limit, or stands
 * twice. */
must_check rc_t routes_check(const struct route *table, size_t count);
/* NULL: nothing at that path. With another method than the path has: its first row, and `allow`
 * says which methods it has; otherwise `allow` is 0. */
const struct route *routes_find(const struct route *table, size_t count, const char *method,
	const char *path, unsigned *allow);

#endif
