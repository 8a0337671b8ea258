/* Signature activation data: made by credentials/authorize, exchanged by extendTransaction. */
#ifndef CORE_SAD_H
#define CORE_SAD_H

#include "base/secret.h"
#include "core/call.h"
#include "hsm/jobs.h"
#include "store/authorization_code.h"

/* An approval on the page: what the commit of the SAD leaves behind besides. */
struct authorize_consent {
	struct span code;	     /* what the SAD is sealed under */
	const struct code_new *made; /* but for its seal */
	const char *detail;	     /* of the row of the audit */
};

struct authorize_request {
	struct id credential;
	uint32_t signatures;		  /* numSignatures, 1 or more */
	struct span hashes;		  /* hash_count digests of hash_len bytes each, in order */
	size_t hash_len, hash_count;	  /* 0: none given */
	const struct digest_algo *digest; /* NULL: by length */
	struct span pin, otp;		  /* data NULL: not given */
	/* NULL: credentials/authorize, by a client of mode explicit. Otherwise call->who is the
	 * subscriber, with the client that asks, of mode oauth2code; lives until the callback. */
	const struct authorize_consent *consent;
};

struct extend_request {
	struct id credential;
	struct span sad; /* as the client sent it */
	struct span hashes;
	size_t hash_len, hash_count;
	const struct digest_algo *digest;
};

struct sad_issued {
	const struct secret *sad; /* base64url text */
	int64_t expires_in_s;
};

typedef void (*core_sad_fn)(void *arg, const struct fault *fault, const struct sad_issued *issued);

void core_authorize(struct core *core, struct call *call, const struct authorize_request *request,
	core_sad_fn done, void *arg);
void core_extend(struct core *core, struct call *call, const struct extend_request *request,
	core_sad_fn done, void *arg);

#endif
