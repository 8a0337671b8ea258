/*
 * What an operator does: signed statements (hsm/statement.h) and the calls under /operator/v1, over
 * a connection that presents the operator's certificate. Errors: those of client.h.
 */
#ifndef CLIENTS_OPERATOR_H
#define CLIENTS_OPERATOR_H

#include "clients/lib/client.h"
#include "hsm/statement.h"

struct operator_key;

/* A PEM file, P-256. RC_SYSTEM: it does not open; RC_CONFIG: others can read it, or no such key. */
must_check rc_t operator_key_load(const char *path, struct operator_key **key);
void operator_key_free(struct operator_key **key);
/* ECDSA with SHA-256, DER, over the statement's bytes. */
must_check rc_t operator_sign(
	const struct operator_key *key, struct span statement, struct buf *out);

/* What the policy says of one line. */
#define DECISION_TEXT 512
struct operator_decision {
	char effect[16]; /* "permit", "deny", "wait" */
	char rule[64];
	char reason[DECISION_TEXT];	 /* in the language asked for */
	char alternative[DECISION_TEXT]; /* may be empty */
	char enrolment[ID_TEXT];	 /* only after operator_enrol */
};

/* lang: "vi" or "en". */
must_check rc_t operator_check(struct client *client, const char *lang, struct span statement,
	struct operator_decision *decision, struct client_answer *answer);
must_check rc_t operator_enrol(struct client *client, const char *lang, struct span statement,
	struct span signature, struct operator_decision *decision, struct client_answer *answer);
must_check rc_t operator_unlock(struct client *client, const struct operator_key *key,
	const struct id *credential, struct client_answer *answer);

#endif
