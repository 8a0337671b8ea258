/*
 * Shared by the files of core/ and by nobody else: what a core holds, and the few steps that every
 * operation takes.
 *
 * An operation is a struct of its own, allocated with core_alloc(), that copies its arguments,
 * walks through asynchronous steps, and ends in one function that calls back and frees it. A step
 * that finds a fault before anything asynchronous was started ends by core_defer(), because a
 * callback never runs before the operation's function has returned.
 */
#ifndef CORE_INTERNAL_H
#define CORE_INTERNAL_H

#include "base/buf.h"
#include "core/audit.h"
#include "core/core.h"
#include "core/x509.h"
#include "hsm/statement.h"
#include "policy/policy.h"

struct core_policies; /* policy_cache.c */
struct core_notices;  /* notices.c */
struct core_sweeper;  /* sweep.c */
struct core_refresh;  /* refresh.c */
struct core_sads;     /* sad_cache.c */
struct core_tokens;   /* oauth/token.c */
struct core_token_keys;
struct core_revocations; /* oauth/token_revocation.c */

struct core {
	struct loop *loop;
	struct pg *pg;
	struct hsm_client *hsm;
	struct core_settings settings;
	struct operators *operators; /* settings.operators_path, read at start */
	struct buf ca_certificate;   /* DER */
	struct buf crl;		     /* DER */
	struct x509_crl_facts crl_facts;
	struct core_policies *policies;
	struct core_notices *notices;
	struct core_sweeper *sweeper;
	struct core_refresh *refresh;
	struct core_sads *sads;
	struct core_tokens *tokens;
	struct core_token_keys *token_keys;
	struct core_revocations *revocations;
	unsigned passwords_asked; /* being checked at this moment: account_password.c */
	bool stopping;		  /* nothing new is submitted while the core is being freed */
};

/*
 * The background work of each file: made by core_new(), ended by core_free(). At the end the store
 * and the SAMs have been closed by then and have called everything back.
 */
must_check rc_t core_policies_start(struct core *core);
void core_policies_stop(struct core *core);
must_check rc_t core_notices_start(struct core *core);
void core_notices_stop(struct core *core);
must_check rc_t core_sweeper_start(struct core *core);
void core_sweeper_stop(struct core *core);
/* Has the audit a partition to write to? */
bool core_sweeper_ready(const struct core *core);
/* Until when, milliseconds since 1970; 0: it has none. */
int64_t core_sweeper_audit_ms(const struct core *core);
must_check rc_t core_token_keys_start(struct core *core);
void core_token_keys_stop(struct core *core);
must_check rc_t core_revocations_start(struct core *core);
void core_revocations_stop(struct core *core);
/* Is everything known here that ended a token before its time? If not, the database is asked. */
bool core_revocations_known(const struct core *core);
must_check rc_t core_tokens_start(struct core *core);
void core_tokens_stop(struct core *core);
must_check rc_t core_sads_start(struct core *core);
void core_sads_stop(struct core *core);
must_check rc_t core_refresh_start(struct core *core);
void core_refresh_stop(struct core *core);

/* Puts what lies in the outbox into the spool soon: called after a commit that wrote a notice. */
void core_notices_wake(struct core *core);

/*
 * The policy in force (policy_cache.c). Every statement that reads what the policy is asked about
 * also reads `(SELECT coalesce(max(version), 0) FROM rssp.policy)`; the decision must be made by
 * that version:
 *
 *	const struct policy *policy = core_policy_at(core, version);
 *	if (policy == NULL && version != 0)
 *		core_policy_read(core, version, step, op);	// then load again, decide
 *
 * Version 0: there is none, and policy_decide() denies. A policy lives until the loop's next turn.
 */
const struct policy *core_policy_at(const struct core *core, int64_t version);
/* Reads the newest policy. RC_OK: core_policy_at() knows its version (which may be newer still). */
typedef void (*core_policy_fn)(void *arg, rc_t rc);
void core_policy_read(struct core *core, core_policy_fn done, void *arg);

/*
 * Asks the policy and puts rule and version into the call. RC_OK, RC_POLICY_DENIED or
 * RC_POLICY_WAIT; on a refusal `text` (replaced) is what the answer says, in the call's language.
 */
must_check rc_t core_decide(const struct policy *policy, struct call *call, enum policy_stage stage,
	const struct policy_subject *subject, const struct policy_client *client,
	const struct policy_transaction *transaction, struct policy_decision *decision,
	struct buf *text);

/* Memory for one operation, zeroed. Never NULL: a process that cannot get a few hundred bytes
 * cannot answer either, and ends, to be started again. */
void *core_alloc(size_t size);
/* fn on the loop's next turn, certainly. */
void core_defer(struct core *core, loop_fn fn, void *arg);

/*
 * How a unit that returns a row when it was done ended: RC_OK; `none` when it returned no row; what
 * the store said otherwise. Sets call->audited on RC_OK.
 */
must_check rc_t core_outcome(struct call *call, rc_t rc, const struct pg_rows *rows, rc_t none);

/* A fault that says no more than its rc. */
struct fault fault_of(rc_t rc);

/* A SHA-256 as the parameter of a unit: 32 bytes. */
struct span sha256_span(const uint8_t digest[SHA256_LEN]);

#endif
