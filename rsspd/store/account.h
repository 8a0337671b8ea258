/* The subscribers' accounts: passwords and their failures, and what a subscriber changes himself. */
#ifndef STORE_ACCOUNT_H
#define STORE_ACCOUNT_H

#include "base/digest.h"
#include "store/credential.h"

/* Whose password: by what was typed, or a subscriber. Those that are not asked for are NULL, zero. */
struct password_query {
	uint8_t sha256[SHA256_LEN];	/* what failures are counted under */
	const char *identity_number;
	const char *email;		/* in lower case; one of several people is nobody's */
	struct id subscriber;
	int64_t now_ms;
};
struct password_row {
	bool taken;			/* a failure was counted before the password is checked */
	int64_t failures;		/* not taken: so many before, */
	int64_t attempted_ms;		/* the last one then; 0: in this very moment */
	struct id subscriber;		/* zero: nobody, or without an account; what follows is then empty */
	const char *name, *identity_number, *email;
	int64_t version, generation, kdf_memory_kib, kdf_passes;
	struct span salt, mac;
};
/* Seconds to wait after that many failures. */
int64_t store_password_wait_s(int64_t failures);
/* Always one row. */
void store_password_try(
	struct pg *pg, const struct password_query *query, pg_done_fn done, void *arg);
void store_password_read(const struct pg_rows *rows, struct password_row *row);
/* Nothing was checked: the failure is taken back. */
void store_password_untry(
	struct pg *pg, const uint8_t sha256[SHA256_LEN], pg_done_fn done, void *arg);

/* A record as the SAM made it; generation 0: none. */
struct password_new {
	int64_t generation, kdf_memory_kib, kdf_passes;
	struct span salt, mac;
};
/* Appends five parameters, all null without a record. */
void password_new_put(struct pg_params *params, const struct password_new *fresh);

/* The password was right: its failures are forgotten and the session begins. One row; none if the
 * account has changed meanwhile, or its subscriber is not active. */
struct session_new {
	uint8_t sha256[SHA256_LEN];	/* of the cookie */
	struct id subscriber;
	int64_t version;		/* of the account, as read */
	int64_t ends_ms;
	uint8_t failures_sha256[SHA256_LEN];
	struct password_new renewed;
};
void store_session_add(struct pg *pg, const struct audit_row *audit,
	const struct session_new *fresh, pg_done_fn done, void *arg);

/* All of one subscriber, newest first. */
struct account_credential_row {
	struct id id;
	const char *state, *key_algo, *factors;
	bool locked;
	int64_t valid_from_ms, valid_to_ms;
	struct span certificate;
};
void store_account_credentials(
	struct pg *pg, const struct id *subscriber, pg_done_fn done, void *arg);
void store_account_credentials_read(
	const struct pg_rows *rows, size_t row, struct account_credential_row *credential);

/* Signatures of one subscriber, newest first, from the audit. */
struct account_signature_row {
	int64_t at_ms;
	struct id id, credential;
	const char *client, *agency, *labels;
	int64_t count;
};
/* before_ms 0: from the newest on. */
void store_account_signatures(struct pg *pg, const struct id *subscriber, int64_t before_ms,
	const struct id *before, int64_t limit, pg_done_fn done, void *arg);
void store_account_signatures_read(
	const struct pg_rows *rows, size_t row, struct account_signature_row *signature);

/* What a change is asked about; no row: not this subscriber's, or he is not active. */
struct change_row {
	const char *state, *factors;
	int64_t scal;
	const char *birth_date, *identity_number, *phone, *email;
};
void store_change_load(struct pg *pg, const struct id *subscriber, const struct id *credential,
	pg_done_fn done, void *arg);
void store_change_read(const struct pg_rows *rows, struct change_row *row);

/* What every change commits with: the OTP's step, and that nothing has ended meanwhile. */
struct change_new {
	struct id credential, subscriber;
	int64_t otp_step;		/* 0: no OTP was asked for */
};
struct change_done {
	bool done;			/* else nothing was written, and: */
	bool locked;			/* the credential was locked meanwhile */
	int64_t last_step;		/* of the last OTP that was accepted: if not lower, a replay */
};
void store_change_done_read(const struct pg_rows *rows, struct change_done *done);

/* The slot of the new PIN, beside the old one. RC_DUPLICATE: another change came first. */
struct slot_new {
	int64_t revision;		/* of the one that was opened */
	int64_t generation, kdf_memory_kib, kdf_passes;
	struct span salt, key_seal;
};
void store_pin_change(struct pg *pg, const struct audit_row *audit, const struct change_new *change,
	const struct slot_new *slot, pg_done_fn done, void *arg);
/* The other sessions end. */
struct password_change {
	int64_t version;		/* of the account, as read */
	struct password_new fresh;
	uint8_t session_sha256[SHA256_LEN];	/* that stays */
	uint8_t failures_sha256[SHA256_LEN];
};
void store_password_change(struct pg *pg, const struct audit_row *audit,
	const struct change_new *change, const struct password_change *password, pg_done_fn done,
	void *arg);
/* Sessions, refresh tokens and access tokens; those of scope credential too. */
void store_sign_out_everywhere(struct pg *pg, const struct audit_row *audit,
	const struct change_new *change, int64_t tokens_end_ms, pg_done_fn done, void *arg);

#endif
