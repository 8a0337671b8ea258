/*
 * A group of units on the wire. Together: all units, then one Sync, which commits them;
 * CommandComplete of a unit means nothing before PGRES_PIPELINE_SYNC has come, and an error in
 * between, of a unit or of the commit itself, has rolled everything back. Alone: a Sync after each
 * unit.
 */
#include "store/pg_internal.h"

#include "base/log.h"
#include "base/metrics.h"

#include <stdlib.h>
#include <string.h>

#define PREPARED_MAX 256

static const struct {
	const char *state; /* a SQLSTATE, or the class it begins with */
	rc_t rc;
} outcomes[] = {
	{"23505", RC_DUPLICATE},
	{"40001", RC_STORE_DOWN}, /* serialization_failure, after PG_TRIES_MAX */
	{"40P01", RC_STORE_DOWN}, /* deadlock_detected, likewise */
	{"25006", RC_STORE_DOWN}, /* read_only_sql_transaction: a standby */
	{"55P03", RC_STORE_DOWN}, /* lock_not_available */
	{"57", RC_STORE_DOWN},	  /* operator intervention, statement_timeout */
	{"53", RC_STORE_DOWN},	  /* disk full, out of memory, too many connections */
	{"58", RC_STORE_DOWN},	  /* I/O errors */
};

static rc_t sqlstate_rc(const char *sqlstate)
{
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
		if (strncmp(sqlstate, outcomes[i].state, strlen(outcomes[i].state)) == 0)
			return outcomes[i].rc;
	}
	return RC_INTERNAL;
}

static bool sqlstate_transient(const char *sqlstate)
{
	return strcmp(sqlstate, "40001") == 0 || strcmp(sqlstate, "40P01") == 0;
}

/* It waited for as long as it may: another try would hold everybody up for as long again. */
static bool sqlstate_timeout(const char *sqlstate)
{
	return strcmp(sqlstate, "55P03") == 0 || strcmp(sqlstate, "57014") == 0;
}

bool pg_group_idle(const struct pg_conn *conn)
{
	return conn->group.count == 0;
}

static void group_mark(struct pg_group *group, enum pg_sent_kind kind, size_t which, size_t count)
{
	group->sent[group->sent_count++] = (struct pg_sent){kind, which, count, false};
}

static rc_t prepared_find(struct pg_conn *conn, const struct pg_statement *statement, size_t *index)
{
	for (size_t i = 0; i < conn->prepared_count; i++) {
		if (conn->prepared[i].statement == statement) {
			*index = i;
			return RC_OK;
		}
	}
	if (conn->prepared == NULL)
		conn->prepared = calloc(PREPARED_MAX, sizeof(*conn->prepared));
	if (conn->prepared == NULL)
		return RC_NO_MEMORY;
	if (conn->prepared_count == PREPARED_MAX)
		return RC_INTERNAL;
	conn->prepared[conn->prepared_count] = (struct pg_prepared){statement, false};
	*index = conn->prepared_count++;
	return RC_OK;
}

/* In one transaction a statement is prepared once; alone, an earlier failure skips nothing. */
static bool prepare_under_way(const struct pg_group *group, size_t which)
{
	for (size_t i = group->sent_count; i > 0; i--) {
		const struct pg_sent *sent = &group->sent[i - 1];
		if (sent->kind == PG_SENT_PREPARE && sent->which == which)
			return true;
	}
	return false;
}

static rc_t send_prepare(struct pg_conn *conn, const struct pg_statement *statement)
{
	size_t which;

	rc_t rc = prepared_find(conn, statement, &which);
	if (rc != RC_OK)
		return rc;
	if (conn->prepared[which].ready || prepare_under_way(&conn->group, which))
		return RC_OK;
	if (!PQsendPrepare(conn->conn, statement->name, statement->sql, 0, NULL))
		return RC_STORE_DOWN;
	group_mark(&conn->group, PG_SENT_PREPARE, which, 0);
	return RC_OK;
}

static rc_t send_units(struct pg_conn *conn, size_t which, size_t count)
{
	struct pg_params *const *units = conn->group.units + which;

	rc_t rc = send_prepare(conn, units[0]->statement);
	if (rc == RC_OK)
		rc = pg_batch_send(conn->conn, units, count);
	if (rc == RC_OK)
		group_mark(&conn->group, PG_SENT_UNITS, which, count);
	return rc;
}

static rc_t send_sync(struct pg_conn *conn)
{
	if (!PQpipelineSync(conn->conn))
		return RC_STORE_DOWN;
	group_mark(&conn->group, PG_SENT_SYNC, 0, 0);
	return RC_OK;
}

rc_t pg_group_send(struct pg_conn *conn)
{
	struct pg_group *group = &conn->group;
	rc_t rc = RC_OK;

	metric_observe(METRIC_GROUP_SIZE, 0, 0, (int64_t)group->count);
	group->settled = group->sent_count = group->at = 0;
	group->failed = false;
	if (group->count == 1)
		group->alone = true;
	if (!group->alone)
		pg_batch_order(group->units, group->count);
	for (size_t i = 0, together; i < group->count && rc == RC_OK; i += together) {
		together = group->alone ? 1 : pg_batch_count(group->units, i, group->count);
		rc = send_units(conn, i, together);
		if (rc == RC_OK && (group->alone || i + together == group->count))
			rc = send_sync(conn);
	}
	/* without its Sync nothing was committed */
	if (rc != RC_OK && !group->alone)
		group->failed = true;
	return rc;
}

static bool result_fatal(const PGresult *result)
{
	const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);

	/* libpq's own errors (a lost connection) have no severity */
	return severity == NULL || strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0;
}

static void log_failure(
	const struct pg_conn *conn, const struct pg_sent *sent, const PGresult *result)
{
	const struct pg_group *group = &conn->group;
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *name = "commit";
	char text[512];

	if (sent->kind == PG_SENT_PREPARE)
		name = conn->prepared[sent->which].statement->name;
	else if (sent->kind == PG_SENT_UNITS)
		name = group->units[sent->which]->statement->name;
	log_write(sqlstate_rc(group->sqlstate) == RC_INTERNAL ? LOG_ERROR : LOG_WARNING,
		"store: unit-failed statement=%s sqlstate=\"%s\" text=\"%s\"", name,
		group->sqlstate, log_escape(message != NULL ? message : "", text, sizeof(text)));
}

static void group_fail(struct pg_conn *conn, const struct pg_sent *sent, const PGresult *result)
{
	struct pg_group *group = &conn->group;
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	if (group->failed)
		return;
	group->failed = true;
	memset(group->sqlstate, 0, sizeof(group->sqlstate));
	if (sqlstate != NULL)
		strncpy(group->sqlstate, sqlstate, sizeof(group->sqlstate) - 1);
	/* which one of a batch waited is not known before each is tried alone */
	bool timeout = sent->kind == PG_SENT_UNITS && sent->count == 1 &&
		       sqlstate_timeout(group->sqlstate);
	group->culprit = timeout ? group->units[sent->which] : NULL;
	/* what is tried again is logged when it fails again */
	if ((group->alone || timeout) && sqlstate_rc(group->sqlstate) != RC_DUPLICATE)
		log_failure(conn, sent, result);
}

static void unit_settle(struct pg_conn *conn, struct pg_params *unit, struct pg_list *finished)
{
	const struct pg_group *group = &conn->group;
	bool again = group->failed && unit != group->culprit &&
		     (!group->alone ||
			     (sqlstate_transient(group->sqlstate) && unit->tries < PG_TRIES_MAX));

	if (group->failed) {
		pg_rows_drop(&unit->rows);
	}
	if (group->alone)
		unit->tries++;
	if (again) {
		pg_list_push(&conn->pg->again, unit);
		return;
	}
	unit->outcome = group->failed ? sqlstate_rc(group->sqlstate) : RC_OK;
	pg_list_push(finished, unit);
}

/* A transaction's end is known: that of the next unit alone, or of all. */
static void group_sync(struct pg_conn *conn, struct pg_list *finished)
{
	struct pg_group *group = &conn->group;
	size_t end = group->alone ? group->settled + 1 : group->count;

	metric_add(METRIC_COMMITS, group->failed ? COMMIT_ROLLED_BACK : COMMIT_DONE, 0, 0);
	while (group->settled < end)
		unit_settle(conn, group->units[group->settled++], finished);
	group->failed = false;
	if (group->settled == group->count)
		group->count = 0;
}

static rc_t group_result(struct pg_conn *conn, struct pg_sent *sent, PGresult *result)
{
	switch (PQresultStatus(result)) {
	case PGRES_COMMAND_OK:
	case PGRES_TUPLES_OK:
		if (sent->kind == PG_SENT_PREPARE) {
			conn->prepared[sent->which].ready = true;
			break;
		}
		if (sent->kind != PG_SENT_UNITS || sent->answered) {
			PQclear(result);
			return RC_FORMAT;
		}
		sent->answered = true;
		return pg_rows_share(result, conn->group.units + sent->which, sent->count);
	case PGRES_PIPELINE_ABORTED:
		break;
	case PGRES_FATAL_ERROR:
		if (result_fatal(result)) {
			PQclear(result);
			return RC_STORE_DOWN;
		}
		group_fail(conn, sent, result);
		break;
	default:
		PQclear(result);
		return RC_FORMAT;
	}
	sent->answered = true;
	PQclear(result);
	return RC_OK;
}

/* One answer of libpq: a result, or NULL, which ends the results of one thing sent. */
static rc_t group_take(struct pg_conn *conn, PGresult *result, struct pg_list *finished)
{
	struct pg_group *group = &conn->group;
	struct pg_sent *sent = &group->sent[group->at];

	if (result == NULL) {
		/* after a failed commit libpq has one for the Sync too */
		if (!sent->answered)
			return RC_STORE_DOWN;
		if (sent->kind != PG_SENT_SYNC)
			group->at++;
		return RC_OK;
	}
	if (PQresultStatus(result) != PGRES_PIPELINE_SYNC)
		return group_result(conn, sent, result);
	PQclear(result);
	if (sent->kind != PG_SENT_SYNC)
		return RC_FORMAT;
	group->at++;
	group_sync(conn, finished);
	return RC_OK;
}

rc_t pg_group_read(struct pg_conn *conn, struct pg_list *finished)
{
	rc_t rc = RC_OK;

	while (rc == RC_OK && conn->group.count > 0 && !PQisBusy(conn->conn))
		rc = group_take(conn, PQgetResult(conn->conn), finished);
	return rc;
}

void pg_group_abandon(struct pg_conn *conn, struct pg_list *finished)
{
	struct pg_group *group = &conn->group;

	if (group->settled < group->count)
		metric_add(METRIC_COMMITS, COMMIT_UNKNOWN, 0, 0);
	for (; group->settled < group->count; group->settled++) {
		struct pg_params *unit = group->units[group->settled];
		bool nothing_done = group->failed || pg_unit_reads(unit);

		unit->outcome = nothing_done ? RC_STORE_DOWN : RC_STORE_UNKNOWN;
		pg_rows_drop(&unit->rows);
		pg_list_push(finished, unit);
		if (group->alone)
			group->failed = false;
	}
	group->count = 0;
}
