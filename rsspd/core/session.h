/* Sessions of the subscribers' pages: who is signed in. They give no power to sign. */
#ifndef CORE_SESSION_H
#define CORE_SESSION_H

#include "core/call.h"

#define SESSION_COOKIE "rssp-session"

/*
 * Sets call->who (PRINCIPAL_SUBSCRIBER) from the cookie. With csrf.data, the token that the page
 * sends with a POST is compared too. Faults: RC_SESSION_ENDED, RC_CSRF_INVALID.
 */
void core_session_authenticate(struct core *core, struct call *call, struct span cookie,
	struct span csrf, core_done_fn done, void *arg);

#endif
