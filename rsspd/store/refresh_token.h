/* Refresh tokens, and the consents that they belong to. */
#ifndef STORE_REFRESH_TOKEN_H
#define STORE_REFRESH_TOKEN_H

#include "base/digest.h"
#include "store/audit.h"

/* For the WITH of the statement that redeems a code: source's rows give the column `consent`;
 * sha256 (bytea) and ends (timestamptz) are parameters, and a sha256 that is null makes none. */
#define REFRESH_TOKEN_INSERT(sha256, ends, source)                                       \
	"INSERT INTO rssp.refresh_token (sha256, consent, ends_at) SELECT " sha256       \
	"::bytea, consent, " ends "::timestamptz FROM " source " WHERE " sha256          \
	"::bytea IS NOT NULL"

/*
 * Ending a consent is one change of one row, from wherever it comes:
 *	UPDATE rssp.consent SET revoked_at = … WHERE id = … AND revoked_at IS NULL
 * The trigger on it (schema/0005) ends its access tokens, on every daemon, and its SADs; its codes
 * and refresh tokens look at revoked_at when they are used.
 */

#endif
