/*
 * One process at a time finds a token and logs in. SoftHSM rewrites the token's record at each
 * login, and who reads it in that moment finds no token; other modules lose nothing by it. The lock
 * is the PIN file's: whoever may log in can open it, and the kernel frees it when its holder dies.
 */
#ifndef HSM_P11_TURN_H
#define HSM_P11_TURN_H

#include "base/rc.h"

/* Waits until no other process holds it. RC_CONFIG if the file does not open. */
must_check rc_t p11_turn_take(const char *pin_file, int *turn);
void p11_turn_end(int *turn);

#endif
