/*
 * Sessions of the subscribers' pages: who is signed in. They give no power to sign. The cookie is
 * 256 random bits in base64url, of which only the SHA-256 is stored; a session ends 30 minutes
 * after its last use, and 12 hours after it began at the latest.
 */
#ifndef CORE_SESSION_H
#define CORE_SESSION_H

#include "base/secret.h"
#include "core/call.h"

#define SESSION_COOKIE "rssp-session"
#define SESSION_IDLE_MS (30 * INT64_C(60000))
#define SESSION_LONGEST_MS (12 * INT64_C(3600000))
#define CSRF_TEXT 44 /* base64url of a SHA-256, with the terminator */

/*
 * Sets call->who (PRINCIPAL_SUBSCRIBER) from the cookie. With csrf.data, the token that the page
 * sends with a POST is compared too. Faults: RC_SESSION_ENDED, RC_CSRF_INVALID.
 */
void core_session_authenticate(struct core *core, struct call *call, struct span cookie,
	struct span csrf, core_done_fn done, void *arg);

/* What the page of that session sends as X-CSRF-Token. */
must_check rc_t core_session_csrf(struct span cookie, char text[CSRF_TEXT]);

/* Who is signed in by that cookie. RC_SESSION_ENDED: nobody, or not any more. */
struct session_view {
	struct id subscriber;
	const char *name;
	int64_t ends_in_s; /* unless it is used before */
};
typedef void (*core_session_fn)(
	void *arg, const struct fault *fault, const struct session_view *session);
void core_session_view(
	struct core *core, struct call *call, struct span cookie, core_session_fn done, void *arg);

/* The session ends. A cookie that is no session's is no fault. */
void core_session_end(
	struct core *core, struct call *call, struct span cookie, core_done_fn done, void *arg);

#endif
