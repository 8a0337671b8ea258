/* What the operators' operations share: checks of texts, details of audit rows, the policy's answer
 * in both languages. Seen by the files of core/ only. */
#ifndef CORE_OPERATE_H
#define CORE_OPERATE_H

#include "core/internal.h"
#include "core/operation.h"

/* As long as a statement's texts: what an operator types fits there too. */
#define OPERATE_TEXT_MAX (STATEMENT_TEXT - 1)

/* 1 to max bytes, no control characters. NULL is false. */
bool operate_text_fits(const char *text, size_t max);

/* Adds a member to the row's detail; the caller's keys are plain. What does not fit is left out. */
void operate_detail(struct audit_row *row, const char *key, const char *value);
void operate_detail_id(struct audit_row *row, const char *key, const struct id *value);

/* The decision's strings live as long as the policy, that is, as the core. */
void operate_view(struct decision_view *view, const struct policy_decision *decision);

/* For the rows of the audit that this call will write. */
void operate_name_rule(struct call *call, const struct policy_decision *decision);

/* A fault whose text is ours; text NULL: the error list's. */
struct fault operate_fault(rc_t rc, const char *text);

/* core_outcome(); what is there already is RC_CONFLICT. */
must_check rc_t operate_outcome(struct call *call, rc_t rc, const struct pg_rows *rows, rc_t none);

/*
 * The policy of that version, read first if need be, or a newer one: policies only ever get newer,
 * and the commit that follows names the one that decided. fn runs once, on the loop, after this has
 * returned. Otherwise RC_STORE_DOWN, or RC_UNAVAILABLE: there is no valid policy.
 */
typedef void (*operate_policy_fn)(void *arg, rc_t rc, const struct policy *policy);
struct operate_policy {
	struct core *core;
	operate_policy_fn fn;
	void *arg;
	int64_t version;
};
/* `ask` is the caller's memory; it lives until fn runs. */
void operate_policy(struct operate_policy *ask, struct core *core, int64_t version,
	operate_policy_fn fn, void *arg);

#endif
