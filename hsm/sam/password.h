/* Passwords of the subscribers' accounts: they open pages, never a key. */
#ifndef HSM_SAM_PASSWORD_H
#define HSM_SAM_PASSWORD_H

#include "hsm/sam/state.h"

/* The record of a password that was checked by password_check_rules(): fresh salt, the current
 * generation, today's stretching. */
must_check rc_t password_make(struct sam *sam, const struct id *subscriber, struct span password,
	struct password_record *record);

/*
 * RC_PASSWORD_WRONG. A record of generation 0 is nobody's: it takes as long, and is never right.
 * RC_HSM_REFUSED: no SAM made such a record.
 */
must_check rc_t password_check(struct sam *sam, const struct id *subscriber,
	const struct password_record *record, struct span password);

/* Should a record of these terms be made anew at a right password? */
bool password_is_old(const struct sam *sam, const struct password_record *record);

#endif
