/* Enrolment: statements taken once, activation codes counted and redeemed once, credentials made. */
#ifndef STORE_ENROLMENT_H
#define STORE_ENROLMENT_H

#include "store/account.h"
#include "store/subscriber.h"

/* What an enrolment line meets in the database. */
struct enrolment_query {
	const char *agency[AGENCY_LEVELS];	/* level 1 first; NULL: no such level */
	const char *number, *identity_number;
};
struct enrolment_facts {
	int64_t policy_version;
	struct id agency;		/* zero: there is none of that path */
	char sector[16];		/* in force there */
	struct id subscriber;		/* who has that identity number; zero: nobody yet */
	int64_t subscriber_version;	/* 0: nobody yet */
	bool disabled, number_taken;
};
/* Always one row. */
void store_enrolment_facts(struct pg *pg, const struct enrolment_query *query, pg_done_fn done,
	void *arg);
must_check rc_t store_enrolment_facts_read(
	const struct pg_rows *rows, struct enrolment_facts *facts);

struct enrolment_new {
	struct id id, subscriber, agency;
	int64_t subscriber_version;	/* as read; 0: a new person; for permitted ones */
	const char *number, *name, *birth_date, *identity_number, *email, *phone;
	const char *position, *budget_code;
	struct span statement, signature;
	const char *operator_name;
	const uint8_t *operator_fingerprint;	/* SHA256_LEN */
	const char *rule;
	int64_t policy_version;
	struct span code_mac;		/* permitted ones only */
	int64_t code_expires_ms;
};
/* Keeps a line that the policy refused or that waits: state is "refused" or "waiting". What it says
 * of a known person's position, agency and budget counts from this commit on all the same. One row;
 * RC_DUPLICATE: the statement's number was taken. */
void store_enrolment_keep(struct pg *pg, const struct audit_row *audit,
	const struct enrolment_new *fresh, const char *state, pg_done_fn done, void *arg);
/* Keeps a permitted line with its code; the person is made or brought up to date, and older codes of
 * the same person end. One row; none if the person has changed since it was read. */
void store_enrolment_code(struct pg *pg, const struct audit_row *audit,
	const struct enrolment_new *fresh, pg_done_fn done, void *arg);

/* An enrolment whose code is being tried: the row that store_enrolment_try() counted. */
struct enrolment_tried {
	struct id id, subscriber;
	struct buf statement, signature, code_mac;
	uint8_t operator_fingerprint[SHA256_LEN];
	int64_t code_expires_ms;
	char name[SUBSCRIBER_TEXT];
	struct subscriber_facts facts;
};
/* Counts a try of the newest code of that identity number. No row: no such person, no code that is
 * still good at now_ms, or its tries are used up. */
void store_enrolment_try(struct pg *pg, const char *identity_number, int64_t now_ms,
	pg_done_fn done, void *arg);
must_check rc_t store_enrolment_tried(const struct pg_rows *rows, struct enrolment_tried *tried);
void enrolment_tried_free(struct enrolment_tried *tried);
/* The try is not counted after all. One row when it was given back. */
void store_enrolment_untry(struct pg *pg, const struct audit_row *audit, const struct id *enrolment,
	pg_done_fn done, void *arg);

struct credential_new {
	struct id id, enrolment, subscriber;
	int64_t subscriber_version, policy_version;	/* as the policy was asked */
	const char *key, *factors;
	int scal;
	struct span certificate, serial;
	uint8_t certificate_sha256[SHA256_LEN];
	int64_t valid_from_ms, valid_to_ms;
	struct span otp_seal;			/* data NULL: no OTP */
	int64_t generation, kdf_memory_kib, kdf_passes;
	struct span salt, key_seal;
	struct password_new password;		/* of the subscriber's account; generation 0: none */
};
/* Redeems the code and makes the credential; a password replaces the one that the subscriber may
 * have, and ends the sessions that were begun with it. One row; none if the code was redeemed meanwhile or
 * what the policy was asked about has changed. */
void store_credential_add(struct pg *pg, const struct audit_row *audit,
	const struct credential_new *fresh, pg_done_fn done, void *arg);

#endif
