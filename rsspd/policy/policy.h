/*
 * Who may sign centrally: a pure function from rules, read from JSON, and
 * from what is known of the subscriber, the client and the transaction, to a decision.
 *
 * What is not permitted is denied. A rule that denies wins over one that waits, and that over one
 * that permits, in whatever order they stand; among rules of one effect the first one is named.
 * A permitting rule must itself ask for a person, listed sectors, no budget code, a client not of
 * finance and a wholly permitted position, or the policy does not load: no rule that was forgotten
 * or misplaced lets an excluded subscriber sign.
 *
 * The rules in force are rows of PostgreSQL; default.json beside this file is version 1. There is
 * no copy in the program to fall back on: without a policy nobody signs.
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include "base/buf.h"

#include <stdbool.h>

struct policy;

enum policy_stage { POLICY_ENROL, POLICY_ACTIVATE, POLICY_AUTHORIZE, POLICY_SIGN };
#define POLICY_STAGES 4

/* Memory that nobody filled in denies. */
enum policy_effect { POLICY_DENY = 0, POLICY_WAIT, POLICY_PERMIT };

/* Longer positions are not read: they wait. */
#define POLICY_POSITION_MAX 512

/* Strings are the caller's, UTF-8; NULL is the same as "". */
struct policy_subject {
	const char *kind;	 /* "person", "organisation" or "device"; anything else is denied */
	const char *sector;	 /* "education", "training", "health", others; inherited from the
				  * agency's nearest ancestor that has one; "" if none has */
	const char *position;	 /* as the agency wrote it; need not be valid UTF-8 */
	const char *budget_code; /* Mã quan hệ ngân sách; any value is a mark of finance */
	bool disabled;
};

struct policy_client {
	const char *profile; /* "general" or "finance"; anything else is denied */
	const char *sector;  /* of the client's agency; may be NULL */
};

struct policy_transaction {
	size_t signatures; /* asked for at authorisation, or by this request for signatures */
};

/* All strings are UTF-8, never NULL, and live as long as the policy. */
struct policy_decision {
	enum policy_effect effect;
	const char *rule; /* the rule's id; "default": no rule matched; "internal": see below */
	int64_t version;  /* of the policy; 0 without one */
	const char *reason_vi, *reason_en;
	const char *alternative_vi, *alternative_en; /* "" where there is none */
};

/*
 * Reads and checks the rules. RC_CONFIG: they are not valid, and `why` (cleared first) says in
 * English which member is wrong; RC_NO_MEMORY. The JSON need not live on. Takes milliseconds: once
 * a version, not once a request; policy_decide() takes microseconds.
 */
must_check rc_t policy_parse(
	struct policy **policy, const char *json, size_t len, int64_t version, struct buf *why);
void policy_free(struct policy **policy);
int64_t policy_version(const struct policy *policy);

/*
 * Decides. Client and transaction may be NULL; but without a client, POLICY_AUTHORIZE and
 * POLICY_SIGN are denied by the rule "internal", as is everything when the policy or the subject
 * is NULL. Allocates nothing, reads nothing else, cannot fail.
 */
void policy_decide(const struct policy *policy, enum policy_stage stage,
	const struct policy_subject *subject, const struct policy_client *client,
	const struct policy_transaction *transaction, struct policy_decision *out);

/*
 * Appends reason and alternative, each a full sentence, with a space between: what a refusal's
 * error_description says. lang is an RFC 5646 tag: "en", "en-GB" … give English; all else, NULL
 * too, Vietnamese. On failure `out` may hold a part.
 */
must_check rc_t policy_decision_text(
	const struct policy_decision *decision, const char *lang, struct buf *out);

/* "deny", "wait", "permit" */
const char *policy_effect_name(enum policy_effect effect);

#endif
