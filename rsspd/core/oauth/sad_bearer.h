/* The token of scope credential, which is a SAD, as bearer (CSC 2.0.0.2 §8.4, signHash). */
#ifndef CORE_SAD_BEARER_H
#define CORE_SAD_BEARER_H

#include "core/call.h"

/* Sets call->who: the client, the subscriber, the consent, and the only credential that it may name
 * (sad_credential). Only SADs that were given by a consent, to their end, over the certificate that
 * they are bound to. Faults: RC_TOKEN_INVALID, RC_TOKEN_EXPIRED. */
void core_sad_bearer(
	struct core *core, struct call *call, struct span token, core_done_fn done, void *arg);

#endif
