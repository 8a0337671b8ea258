/* A bounded set that forgets what was used longest ago; filed under 32-byte digests. */
#ifndef HSM_SAM_LRU_H
#define HSM_SAM_LRU_H

#include "base/digest.h"

struct lru;

/* Called once for a value that leaves the set. */
typedef void (*lru_drop_fn)(void *arg, void *value);

/* capacity 1 or more; `arg` goes to drop. */
must_check rc_t lru_new(size_t capacity, lru_drop_fn drop, void *arg, struct lru **lru);
/* Drops everything. */
void lru_free(struct lru **lru);
/* NULL if it is not there. The value stays the set's, and stays until the next lru_put. */
void *lru_get(struct lru *lru, const uint8_t key[SHA256_LEN]);
/* Takes the value over, in every case; an older one under that key is dropped. Cannot fail. */
void lru_put(struct lru *lru, const uint8_t key[SHA256_LEN], void *value);
void lru_remove(struct lru *lru, const uint8_t key[SHA256_LEN]);

#endif
