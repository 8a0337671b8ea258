/* What signing in and changing a password share: a password, counted before it is checked. Seen by
 * the files account*.c and activation.c only. */
#ifndef CORE_ACCOUNT_INTERNAL_H
#define CORE_ACCOUNT_INTERNAL_H

#include "core/account.h"
#include "core/internal.h"
#include "store/account.h"

#define ACCOUNT_TEXT 512

struct password_check;

/*
 * How it ended. RC_OK: it was right, its failure is still counted (the commit that follows forgets
 * it). RC_PASSWORD_WRONG: it is not, or there is no such account. RC_TOO_MANY with retry_after_s,
 * RC_STORE_DOWN …, RC_HSM_DOWN …
 */
struct password_checked {
	rc_t rc;
	unsigned retry_after_s;
	/* of the account, when there is one */
	struct id subscriber;
	char name[ACCOUNT_TEXT];
	int64_t version;
	struct password_record renewed; /* generation 0: it stays as it is */
};
typedef void (*password_checked_fn)(void *arg, const struct password_checked *checked);

/* Copies the password and what it needs of the query. For nobody the SAM works as long. */
void password_check(struct core *core, const struct password_query *query, struct span password,
	password_checked_fn done, void *arg);

/* What a record is stored as; the spans point into it. */
struct password_new password_new_of(const struct password_record *record);

#endif
