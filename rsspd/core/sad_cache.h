/*
 * SADs that signHash has read, for the next request of the same SAD: a batch that comes as hundreds
 * of requests reads its hashes, certificate and seal once.
 *
 * Nothing is refused or permitted by what is kept here. A request that would be refused is read
 * anew; one that goes on is spent by a commit that compares, under lock, versions, states, the
 * SAD's end and each position with the database (store/signing.h), and finds nothing if one has
 * changed.
 */
#ifndef CORE_SAD_CACHE_H
#define CORE_SAD_CACHE_H

#include "core/internal.h"
#include "store/sad.h"

/* NULL: not kept. Valid until one of the functions below is called. */
const struct sad_row *sad_cache_find(struct core *core, const struct id *client,
	const struct id *credential, const uint8_t sha256[SHA256_LEN]);
/* A copy, in place of an older one. Without memory nothing is kept. */
void sad_cache_keep(struct core *core, const struct id *client, const uint8_t sha256[SHA256_LEN],
	const struct sad_row *sad);
/* A commit spent `count` signatures, and these positions (NULL: the SAD is bound to no hashes). */
void sad_cache_spend(struct core *core, const uint8_t sha256[SHA256_LEN], const uint32_t *positions,
	size_t count);
/* Forgets those that are late: no seal is kept for longer than its SAD lives. */
void sad_cache_expire(struct core *core, int64_t now_ms);
/* Something has changed: the next request reads it. */
void sad_cache_drop(struct core *core, const uint8_t sha256[SHA256_LEN]);

#endif
