/*
 * Credentials: what a decision is made from, and the guard that counts wrong factors before they
 * are checked: of many that come at once, at most GUARD_TRIES wrong ones reach a SAM.
 */
#ifndef STORE_CREDENTIAL_H
#define STORE_CREDENTIAL_H

#include "store/audit.h"
#include "store/unit.h"

#define GUARD_TRIES 5

/* A credential, whose it is, and the client that asks: everything that the policy and the checks
 * want to know, with the versions to compare under lock. Strings and spans point into the rows.
 * A credential that the client's agency does not see gives no row, as an unknown one. */
struct subject_row {
	struct id credential, subscriber, agency;
	int64_t credential_version, subscriber_version, client_version, policy_version;
	const char *credential_state, *subscriber_state, *client_state;
	const char *client_mode, *client_profile, *client_sector;
	const char *key_algo, *factors;
	int64_t scal;
	struct span certificate, certificate_sha256;
	int64_t valid_from_ms, valid_to_ms;
	const char *position, *budget_code, *sector;
	bool locked;
};

/* The columns, for every statement that reads subjects, and the tables they come from; $1 is the
 * client. */
#define SUBJECT_COLUMNS                                                                            \
	"c.id, s.id, a.id, c.version, s.version, cl.version, " POLICY_VERSION_SQL ", c.state, "    \
	"s.state, cl.state, cl.mode, cl.profile, " SECTOR_SQL("ca") ", c.key_algo, c.factors, "    \
	"c.scal, c.certificate, c.certificate_sha256, c.valid_from, c.valid_to, s.position, "      \
	"s.budget_code, " SECTOR_SQL("a") ", g.locked_at IS NOT NULL OR g.failures >= 5"
#define SUBJECT_COLUMN_COUNT 24	/* a statement's own columns start here */
#define SUBJECT_TABLES                                                                             \
	"rssp.client cl JOIN rssp.agency ca ON ca.id = cl.agency "                                 \
	"JOIN rssp.credential c ON true "                                                          \
	"JOIN rssp.subscriber s ON s.id = c.subscriber "                                           \
	"JOIN rssp.agency a ON a.id = s.agency AND a.path @> ARRAY[cl.agency] "                    \
	"JOIN rssp.credential_guard g ON g.credential = c.id"
void store_subject_read(const struct pg_rows *rows, size_t row, struct subject_row *subject);

/* The same rows, locked until the commit, if they still have the versions that were read. */
struct subject_versions {
	struct id credential, subscriber, client;
	int64_t credential_version, subscriber_version, client_version, policy_version;
};
#define HELD_PARAMS 7
/* A CTE named `held` of at most one row; `first` is the number of its first parameter. */
#define HELD_SQL(c, cv, s, sv, cl, clv, policy)                                                    \
	"held AS MATERIALIZED (SELECT 1 FROM rssp.subscriber s, rssp.client cl, rssp.credential c" \
	" WHERE c.id = " c "::uuid AND c.version = " cv "::bigint AND c.state = 'active'"          \
	" AND s.id = " s "::uuid AND s.version = " sv "::bigint AND s.state = 'active'"            \
	" AND c.subscriber = s.id"                                                                 \
	" AND cl.id = " cl "::uuid AND cl.version = " clv "::bigint AND cl.state = 'active'"       \
	" AND " POLICY_VERSION_SQL " = " policy "::bigint FOR SHARE OF s, cl, c)"
void store_held_put(struct pg_params *params, const struct subject_versions *versions);
/* In a batch: the rows of `asked`, which names subscriber, credential and client in its columns for
 * the audit, if they still have these versions. store_held_put_batch() appends the four. A batch is
 * of few clients, mostly of one: each is read and locked once. */
#define HELD_COLUMNS "credential_version, subscriber_version, client_version, policy_read"
#define HELD_ARRAYS(cv, sv, clv, policy)                                                           \
	cv "::bigint[], " sv "::bigint[], " clv "::bigint[], " policy "::bigint[]"
#define HELD_SQL_BATCH                                                                             \
	"clients AS MATERIALIZED (SELECT id, version FROM rssp.client WHERE id = ANY (ARRAY("      \
	"SELECT DISTINCT client FROM asked)) AND state = 'active' FOR SHARE), "                    \
	"held AS MATERIALIZED (SELECT k.* FROM asked k, clients cl, rssp.subscriber s, "           \
	"rssp.credential c"                                                                        \
	" WHERE c.id = k.credential AND c.version = k.credential_version AND c.state = 'active'"   \
	" AND s.id = k.subscriber AND s.version = k.subscriber_version AND s.state = 'active'"     \
	" AND c.subscriber = s.id"                                                                 \
	" AND cl.id = k.client AND cl.version = k.client_version"                                  \
	" AND k.policy_read = " POLICY_VERSION_SQL " FOR SHARE OF s, c)"
void store_held_put_batch(struct pg_params *params, const struct subject_versions *versions);

/* One subject; no row: unknown or foreign. */
void store_credential_get(struct pg *pg, const struct id *client, const struct id *credential,
	pg_done_fn done, void *arg);
/* All of one subscriber after `after`, in order of id; the first column is repeated on each row. */
void store_credential_list(struct pg *pg, const struct id *client, const struct id *subscriber,
	const struct id *after, int64_t limit, pg_done_fn done, void *arg);
/* One row if the client's agency sees the subscriber. */
void store_subscriber_seen(struct pg *pg, const struct id *client, const struct id *subscriber,
	pg_done_fn done, void *arg);

/* Counts a failure before the SAM is asked. client zero: the subscriber's own account asks. */
struct attempt_new {
	struct id credential, client;
	int64_t now_ms, client_failures_per_minute;
};
struct attempt_row {
	bool taken;
	int64_t ordinal;		/* how many tries are used up with this one */
	bool locked;			/* not taken */
	bool lost;			/* not taken: tries are used up by attempts that never ended */
	bool throttled;			/* not taken: too many wrong factors through this client */
	/* what the SAM needs to check the factors; empty spans: none */
	const char *factors;
	struct span certificate;
	int64_t revision;		/* of the slot: a changed PIN has a higher one */
	int64_t generation, kdf_memory_kib, kdf_passes;
	struct span salt, key_seal, otp_seal;
	int64_t last_step;
	struct span unlock, unlock_signature, unlock_fingerprint;
};
void store_attempt_take(struct pg *pg, const struct attempt_new *attempt, pg_done_fn done, void *arg);
void store_attempt_read(const struct pg_rows *rows, struct attempt_row *attempt);
/* Nothing was checked, or nothing wrong was found: the try is given back. */
void store_attempt_give_back(struct pg *pg, const struct audit_row *audit,
	const struct id *credential, pg_done_fn done, void *arg);
/* A wrong factor. At the last try the credential is locked, with an event and a notice of its own.
 * Column 0: locked now. */
struct attempt_wrong {
	struct id credential, subscriber, client;
	int64_t ordinal, now_ms;
	struct id lock_event;		/* id of the audit row of the lock */
};
void store_attempt_wrong(struct pg *pg, const struct audit_row *audit,
	const struct attempt_wrong *wrong, pg_done_fn done, void *arg);
/* The SAM says that it is locked, or tries were lost by a crash. Column 0: locked by this. */
void store_credential_lock(struct pg *pg, const struct audit_row *audit,
	const struct attempt_wrong *wrong, pg_done_fn done, void *arg);

#endif
