/* Codes, and the consents that they stand for. */
#ifndef STORE_AUTHORIZATION_CODE_H
#define STORE_AUTHORIZATION_CODE_H

#include "base/digest.h"
#include "store/audit.h"
#include "store/refresh_token.h"

/* What an approval leaves behind besides a SAD. */
struct code_new {
	uint8_t request_sha256[SHA256_LEN];	/* the request that is approved by it */
	struct id consent;
	uint8_t sha256[SHA256_LEN];		/* of the code */
	const char *redirect_uri;
	bool redirect_uri_given;
	struct span challenge, sad_seal;	/* empty: none */
	const char *parameters;			/* JSON */
	int64_t ends_ms;
};

/* CODE_PARAMS parameters from `request` on: each macro argument names one of them in SQL. */
#define CODE_PARAMS 9
#define REQUEST_OPEN_SQL(request, client)                                                          \
	"rssp.authorization_request WHERE sha256 = " request "::bytea AND state = 'shown'"         \
	" AND ends_at > $1::timestamptz AND client = " client "::uuid"
#define CONSENT_INSERT(consent, client, subscriber, scope, ends, source)                           \
	"INSERT INTO rssp.consent (id, client, subscriber, scope, created_at, ends_at) SELECT "    \
	consent "::uuid, " client "::uuid, " subscriber "::uuid, '" scope "', $1::timestamptz, "   \
	ends "::timestamptz FROM " source
#define CODE_INSERT(consent, sha256, uri, given, challenge, sad, seal, parameters, ends, source)   \
	"INSERT INTO rssp.authorization_code (sha256, consent, redirect_uri, redirect_uri_given, " \
	"challenge, sad, sad_seal, parameters, ends_at) SELECT " sha256 "::bytea, " consent        \
	"::uuid, " uri "::text, " given "::bigint <> 0, " challenge "::bytea, " sad "::uuid, "     \
	seal "::bytea, " parameters "::json, " ends "::timestamptz FROM " source
void store_code_put(struct pg_params *params, const struct code_new *code);

/* An approval of scope service. */
void store_consent_service(struct pg *pg, const struct audit_row *audit, const struct id *client,
	const struct id *subscriber, const struct code_new *code, pg_done_fn done, void *arg);
struct consent_added {
	bool done;
	bool allowed;	/* client and subscriber are active, and the client's agency sees him */
};
void store_consent_added_read(const struct pg_rows *rows, struct consent_added *added);

/* Strings and spans point into the rows. */
struct code_row {
	struct id consent, client, subscriber, sad;	/* sad zero: scope service */
	const char *redirect_uri;
	bool redirect_uri_given;
	struct span challenge, sad_seal, parameters;	/* empty: none */
	int64_t ends_ms, sad_ends_ms;
	bool used, revoked;
};
/* No row: unknown. */
void store_code_load(
	struct pg *pg, const uint8_t sha256[SHA256_LEN], pg_done_fn done, void *arg);
void store_code_read(const struct pg_rows *rows, struct code_row *row);

/* One row when the code was used up by this; none: somebody was faster, it is late or revoked, or
 * client or subscriber are not as they were. */
struct code_use {
	struct consent_use of;
	int64_t consent_ends_ms;
	struct span refresh_sha256, tls_sha256;		/* empty: none */
	int64_t refresh_ends_ms;
};
void store_code_use(struct pg *pg, const struct audit_row *audit, const struct code_use *use,
	pg_done_fn done, void *arg);

#endif
