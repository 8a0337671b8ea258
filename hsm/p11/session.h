/*
 * A logged-in session with one token, found by its label. A second, idle session is kept until the
 * module is finalised: many modules drop the login, or race, when the last session closes.
 */
#ifndef HSM_P11_SESSION_H
#define HSM_P11_SESSION_H

#include "hsm/p11/module.h"

enum p11_access {
	P11_READ,  /* a SAM: can use keys and make session objects, changes nothing in the token */
	P11_WRITE, /* rssp-keys */
};

struct p11_session;

/*
 * The token's user PIN is read from pin_file (mode 0600). RC_CONFIG when there is not exactly one
 * such token or it refuses the PIN. A PIN that was refused is never sent again, not by the next
 * process either: while the token remembers a refused PIN, only P11_WRITE (a person who runs
 * rssp-keys) tries, and the last try before the token locks is never taken.
 */
must_check rc_t p11_session_open(struct p11_module *module, const char *token, const char *pin_file,
	enum p11_access access, struct p11_session **session);
void p11_session_free(struct p11_session **session);

CK_FUNCTION_LIST *p11_session_functions(const struct p11_session *session);
CK_SESSION_HANDLE p11_session_handle(const struct p11_session *session);

#endif
