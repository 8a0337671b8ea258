/*
 * Which access tokens ended before their time: the live rows of rssp.token_revocation, in memory,
 * kept up by NOTIFY. While the connection that hears them is not known to be alive, or there are
 * more than are kept, nothing here is relied on and the database is asked for each token.
 */
#ifndef CORE_TOKEN_REVOCATION_H
#define CORE_TOKEN_REVOCATION_H

#include "core/internal.h"
#include "core/oauth/token_jwt.h"
#include "store/token_revocation.h"

enum revoked { REVOKED_NOT, REVOKED_ALREADY, REVOKED_UNKNOWN };

/* UNKNOWN: ask the database (store_revocation_ask). */
enum revoked core_token_revoked(const struct core *core, const struct token_claims *claims);

/* The set itself, for its test. */
struct revocation_set;
must_check rc_t revocation_set_new(size_t most, struct revocation_set **set);
void revocation_set_free(struct revocation_set **set);
void revocation_set_clear(struct revocation_set *set);
/* Of one kind and subject the latest counts. Those that ended by now_ms are forgotten when room is
 * needed. RC_TOO_LONG: more than `most` are alive. */
must_check rc_t revocation_set_add(
	struct revocation_set *set, const struct revocation_row *row, int64_t now_ms);
bool revocation_set_has(const struct revocation_set *set, const struct token_claims *claims);

#endif
