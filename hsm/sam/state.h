/* What the files of hsm/sam share; nobody else includes it. */
#ifndef HSM_SAM_STATE_H
#define HSM_SAM_STATE_H

#include "hsm/p11/key.h"
#include "hsm/sam/budget.h"
#include "hsm/sam/ca.h"
#include "hsm/sam/certificate.h"
#include "hsm/sam/lru.h"
#include "hsm/sam/sam.h"
#include "hsm/statement.h"
#include "base/secret.h"

/* One generation of the service keys, and the working keys derived from its `sam`. */
struct sam_generation {
	uint64_t number;
	CK_OBJECT_HANDLE wrap, pin;
	struct secret otp, sad, code, token, password;
};

struct sam {
	struct sam_options options;
	struct p11_module *module;
	struct p11_session *session;
	struct p11_session *ca_session;
	struct sam_generation generations[P11_GENERATIONS_MAX];
	size_t generation_count;
	struct operators *operators;
	struct issuers *issuers;
	struct budget *budget;
	struct ca *ca;
	struct lru *certificates; /* activate, sign: known.c */
	struct lru *resident;	  /* sign: struct resident, by SHA-256 of W; NULL: off */
	struct lru *sads;	  /* sign: known_sad.c; NULL: off */
	uint64_t unwraps;
	bool broken;
};

/* NULL if there is none. The current one is the last. */
const struct sam_generation *sam_generation(const struct sam *sam, uint64_t number);
const struct sam_generation *sam_generation_current(const struct sam *sam);

/* Notes when the token is gone; returns rc. */
must_check rc_t sam_note(struct sam *sam, rc_t rc);

#endif
