/*
 * Keys that stay unwrapped in the token's session for a while, filed under SHA-256(W), which only
 * an opened seal gives: never under an id that a caller names.
 */
#ifndef HSM_SAM_RESIDENT_H
#define HSM_SAM_RESIDENT_H

#include "hsm/sam/state.h"
#include "hsm/sam/terms.h"

/* A key to sign with; given back by resident_return. */
struct resident_key {
	CK_OBJECT_HANDLE handle;
	uint8_t digest[SHA256_LEN];
	bool kept; /* stays in the set */
};

must_check rc_t resident_start(struct sam *sam);
must_check rc_t resident_take(
	struct sam *sam, const struct wrapped_key *wrapped, struct resident_key *key);
/* A key whose signature was bad is not kept. */
void resident_return(struct sam *sam, const struct resident_key *key, bool trusted);

#endif
