/*
 * The audit row. Statements that change something take these parameters first ($1 to $17) and insert
 * the row in the same statement: AUDIT_PARAMS names them in SQL.
 */
#ifndef STORE_AUDIT_H
#define STORE_AUDIT_H

#include "store/pg.h"

#define AUDIT_DETAIL_MAX 1024

struct audit_row {
	int64_t at_ms;
	struct id id, request;
	const char *event;
	const char *result;		/* "ok", "refused", "failed" */
	const char *code;		/* rc_name() */
	struct id client, subscriber, credential, agency;	/* zero: none */
	const char *operator_name;	/* NULL: none */
	const char *address;
	const char *rule;		/* NULL or "": none */
	int64_t policy_version;		/* 0: none */
	char detail[AUDIT_DETAIL_MAX];	/* JSON object text; "" is {} */
	const char *detail_text;	/* the same where it may be longer; NULL: detail */
	struct span digests;		/* digest_count of digest_len bytes, in order */
	size_t digest_len, digest_count;
	struct span signatures;		/* SHA-256 of each, in order */
	size_t signature_count;
};

#define AUDIT_COLUMNS                                                                              \
	"at, id, request, event, result, code, client, operator, subscriber, credential, agency, " \
	"address, rule, policy_version, detail, digests, signatures"
#define AUDIT_PARAMS                                                                               \
	"$1::timestamptz, $2::uuid, $3::uuid, $4::text, $5::text, $6::text, $7::uuid, $8::text, "  \
	"$9::uuid, $10::uuid, $11::uuid, $12::inet, $13::text, $14::bigint, $15::json, "           \
	"$16::bytea[], $17::bytea[]"
#define AUDIT_PARAM_COUNT 17	/* a statement's own parameters start at $18 */

/* Appends the row's AUDIT_PARAM_COUNT parameters. */
void audit_put(struct pg_params *params, const struct audit_row *row);

/* A row on its own. */
void store_audit_add(struct pg *pg, const struct audit_row *row, pg_done_fn done, void *arg);

struct audit_filter {
	struct id subscriber, credential, request;	/* zero: any */
	int64_t from_ms, to_ms;				/* 0: open */
	struct span digest;				/* empty: any */
	int64_t limit;
};
/* The newest ones, in order of time. */
void store_audit_find(
	struct pg *pg, const struct audit_filter *filter, pg_done_fn done, void *arg);
/* Strings and spans point into the rows; `digests` and `signatures` are as they were written. */
void store_audit_read(const struct pg_rows *rows, size_t row, struct audit_row *out);

#endif
