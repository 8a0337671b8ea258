/* signAlgo, hashAlgo and signAlgoParams of the CSC API against the key: one table. */
#ifndef CORE_ALGO_H
#define CORE_ALGO_H

#include "hsm/algo.h"

struct sign_algo {
	enum scheme_kind scheme;
	const struct digest_algo *digest;
	uint64_t salt_len; /* PSS */
};

/* Faults, in this order: RC_SIGN_ALGO_INVALID (unknown, SHA-1, or not of this key),
 * RC_SIGN_ALGO_PARAMS_MISSING/_INVALID, RC_HASH_ALGO_MISSING/_INVALID, RC_HASH_ALGO_CONTRADICTS. */
must_check rc_t sign_algo_resolve(struct sign_algo *algo, const struct key_algo *key,
	const char *sign_algo, const char *hash_algo, struct span params);

/* The OIDs of key.algo in the order that clients rely on, the usual one first; NULL ends. */
const char *const *sign_algo_oids(const struct key_algo *key);
/* The OIDs that info's signAlgorithms lists; NULL ends. */
const char *const *sign_algo_all_oids(void);

#endif
