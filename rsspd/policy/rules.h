/* A policy as it is held in memory: shared by the files of this room, opaque to all others. */
#ifndef POLICY_RULES_H
#define POLICY_RULES_H

#include "policy/lists.h"
#include "policy/policy.h"

#include <jansson.h>

/* What a condition compares with its values: one row of facts.c. */
struct fact;

/*
 * "sector": ["health"] holds if the fact is one of the values, "sector_not" if it is none of them;
 * "signatures_over": 100 if the number is greater.
 */
struct condition {
	const struct fact *fact;
	bool negated;
	const json_t *values; /* array of strings, or an integer; borrowed from the document */
};

#define RULE_CONDITIONS 16

struct rule {
	const char *id;	 /* this and the texts: borrowed from the policy's document */
	unsigned stages; /* bit per enum policy_stage */
	enum policy_effect effect;
	struct condition conditions[RULE_CONDITIONS]; /* all must hold */
	size_t condition_count;
	const char *reason_vi, *reason_en;
	const char *alternative_vi, *alternative_en;
};

struct policy {
	int64_t version;
	json_t *document; /* owned */
	struct title_lists *lists;
	struct rule *rules;
	size_t rule_count;
};

/* What a decision rests on; strings are never NULL. */
struct facts {
	enum policy_stage stage;
	const char *kind, *sector, *budget_code, *state, *client_profile, *client_sector;
	uint32_t position; /* bits of lists.h */
	size_t signatures;
};

void facts_read(struct facts *facts, const struct policy *policy,
	const struct policy_subject *subject, const struct policy_client *client,
	const struct policy_transaction *transaction);
bool condition_holds(const struct condition *condition, const struct facts *facts,
	const struct title_lists *lists);

/* NULL if there is no such member of `when`. */
const struct fact *fact_find(const char *member, bool *negated);
/* An array of values that the fact can have, none of them twice; or a number where one is due. */
bool fact_values_valid(
	const struct fact *fact, const json_t *values, const struct title_lists *lists);
/* The first fact that a permitting rule must ask for and does not, or asks too widely; or NULL. */
const char *fact_unguarded(const struct rule *rule);

/* Appends to why, returns RC_CONFIG (or RC_NO_MEMORY). */
must_check rc_t policy_fault(struct buf *why, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
