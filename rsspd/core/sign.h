/* signatures/signHash: consume, record, sign, record, answer. */
#ifndef CORE_SIGN_H
#define CORE_SIGN_H

#include "core/call.h"
#include "hsm/jobs.h"

/* What the client asked for, as the codec read it: the core resolves it against the key. */
struct sign_request {
	struct id credential;
	struct span sad;
	struct span hashes;
	size_t hash_len, hash_count;
	const char *sign_algo;	      /* OID */
	const char *hash_algo;	      /* OID or NULL */
	struct span sign_algo_params; /* DER of RSASSA-PSS-params, empty: none */
	/* What the codec found wrong with params and hashes (both are empty then): told in their
	 * turn, after SAD and algorithm. RC_OK: nothing. */
	rc_t params_fault, hashes_fault;
};

struct signatures {
	const struct buf *signatures; /* in the order of the request's hashes */
	size_t count;
};

typedef void (*core_sign_fn)(
	void *arg, const struct fault *fault, const struct signatures *signatures);

void core_sign_hash(struct core *core, struct call *call, const struct sign_request *request,
	core_sign_fn done, void *arg);

#endif
