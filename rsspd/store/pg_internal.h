/* Shared by the files pg*.c and by nobody else. */
#ifndef STORE_PG_INTERNAL_H
#define STORE_PG_INTERNAL_H

#include "store/pg.h"

#include <libpq-fe.h>

#define PG_PARAMS_MAX 64
#define PG_GROUP_MAX 128
#define PG_ALONE_MAX 4 /* each may wait for a lock, of the 5 waits that a connection is given */
#define PG_TRIES_MAX 3 /* alone, after a deadlock or a serialisation failure */
#define PG_SCHEMA_VERSION 5 /* the newest migration that this program needs */

#define PG_EPOCH_MS INT64_C(946684800000) /* PostgreSQL's zero, 2000-01-01, in ours */

/* A result, of one unit or of the units of a batch: each has its row of it. */
struct pg_result {
	PGresult *result;
	size_t users;
};
struct pg_rows {
	struct pg_result *shared; /* NULL: none */
	size_t first, count;	  /* rows */
	int columns_before;	  /* that are not the unit's */
};

/* A parameter, in the unit's bytes. Small, for there are two units a signature. */
struct pg_item {
	uint32_t offset;
	int len;
	uint8_t kind; /* enum pg_kind */
	bool null;
};

/* A unit is its parameters and, once submitted, what is to be done with them: so submitting
 * allocates nothing and cannot fail. */
struct pg_params {
	rc_t rc; /* the first failure to append */
	int count;
	struct buf bytes;
	struct pg_item items[PG_PARAMS_MAX];
	uint32_t lane;
	struct id key;
	bool slow;
	/* since pg_submit() */
	const struct pg_statement *statement;
	pg_done_fn done;
	void *arg;
	struct pg_params *next;
	struct pg_rows rows;
	rc_t outcome;
	unsigned tries;
};

/* A queue of units. */
struct pg_list {
	struct pg_params *first, **last;
	size_t count;
};
void pg_list_init(struct pg_list *list);
void pg_list_push(struct pg_list *list, struct pg_params *unit);
struct pg_params *pg_list_pop(struct pg_list *list);
/* Moves all of `from` to the end of `to`. */
void pg_list_move(struct pg_list *to, struct pg_list *from);

/* What was put on the wire, in order; each is answered in that order. */
enum pg_sent_kind { PG_SENT_PREPARE, PG_SENT_UNITS, PG_SENT_SYNC };
struct pg_sent {
	enum pg_sent_kind kind;
	size_t which; /* of prepared[]; of units[], the first of `count`; 0 for a sync */
	size_t count;
	bool answered;
};

/* Units that are under way on one connection. `alone`: each has a transaction of its own. */
struct pg_group {
	struct pg_params *units[PG_GROUP_MAX];
	size_t count, settled; /* settled: their transaction's end is known */
	bool alone;
	struct pg_sent sent[3 * PG_GROUP_MAX];
	size_t sent_count, at;
	bool failed;			 /* the transaction that is being read was rolled back */
	char sqlstate[6];		 /* of its error */
	const struct pg_params *culprit; /* whose error it is, if it is not to be tried again */
};

struct pg_prepared {
	const struct pg_statement *statement;
	bool ready;
};

enum pg_state { PG_DOWN, PG_CONNECTING, PG_CHECKING, PG_UP };

struct pg_conn {
	struct pg *pg;
	unsigned number;
	enum pg_state state;
	PGconn *conn;
	struct loop_watch *watch;
	struct loop_timer *timer; /* back-off, or the time-out of what is under way */
	int64_t backoff_ms;
	bool complained;		   /* its being down has been logged */
	int64_t checked_at_ms, sent_at_us; /* wall; monotonic */
	size_t sent_units;		   /* in the last group */
	int64_t took_us, rests_until_us;   /* pg_conn_rest_us() */
	struct pg_list waiting;		   /* units that write */
	struct pg_prepared *prepared;
	size_t prepared_count;
	struct pg_group group;
};

struct pg {
	struct loop *loop;
	char *conninfo;
	struct pg_settings settings;
	struct pg_conn *conns;
	struct pg_list reading; /* units that only read, for any connection */
	struct pg_list slow;	/* likewise, but one by one and on the first that is up only */
	bool slow_next;		/* they and the others take turns */
	struct pg_list again;	/* to be tried alone */
	struct pg_list refused; /* never sent: a bad parameter, too many waiting, no connection */
	struct pg_list ended;	/* whose outcome is known, and whose callbacks are due */
	struct loop_timer *pump;
	struct loop_timer *deliver;
	struct loop_timer *clock_timer;
	int64_t clock_skew_ms, clock_asked_ms;
	bool closing;
};

/* pg_params.c */
bool pg_kind_binary(enum pg_kind kind);
/* One column of a batch as a binary array. RC_INTERNAL: the units do not agree on its kind. */
must_check rc_t pg_column_append(
	struct buf *out, struct pg_params *const *units, size_t count, int column);

/* pg_rows.c. Takes the result over, on failure too; it belongs to `count` units, one row each or
 * none if the statement is a batch. */
must_check rc_t pg_rows_share(PGresult *result, struct pg_params *const *units, size_t count);
void pg_rows_drop(struct pg_rows *rows);

/* pg_batch.c: orders the units so that those of one batch stand together, from `first` on; how
 * many. They are not of one key, and in order of it, so that two daemons do not wait for each
 * other's rows crosswise; where the batches of a group do, one of them is tried again. */
void pg_batch_order(struct pg_params **units, size_t count);
size_t pg_batch_count(struct pg_params *const *units, size_t first, size_t count);
/* As pg_send_single(), for the rows of one batch. */
must_check rc_t pg_batch_send(PGconn *conn, struct pg_params *const *units, size_t count);

/* pg_conn.c */
/* A connection in the making, under the session's settings; NULL: the conninfo cannot be read. */
PGconn *pg_connect_start(const char *conninfo, const char *name, int64_t timeout_ms);
must_check rc_t pg_conn_init(struct pg_conn *conn, struct pg *pg, unsigned number);
void pg_conn_start(struct pg_conn *conn);
/* Sends what is in the idle connection's group.units. */
void pg_conn_send(struct pg_conn *conn);
/* For how long the next group had better wait for more units; 0: send. */
int64_t pg_conn_rest_us(const struct pg_conn *conn);
/* Closes; what was under way is answered, then a new connection is tried after the back-off. */
void pg_conn_lost(struct pg_conn *conn, const char *why);
void pg_conn_close(struct pg_conn *conn);
void pg_conn_clear(struct pg_conn *conn);

/* pg_group.c */
/* Sends what is in group.units. RC_STORE_DOWN: the connection is no good. */
must_check rc_t pg_group_send(struct pg_conn *conn);
/* Reads what has come; units whose transaction ended move to `finished`, or to pg->again. */
must_check rc_t pg_group_read(struct pg_conn *conn, struct pg_list *finished);
/* The connection is lost: the rest of the group moves to `finished`. */
void pg_group_abandon(struct pg_conn *conn, struct pg_list *finished);
bool pg_group_idle(const struct pg_conn *conn);

/* pg.c */
bool pg_unit_reads(const struct pg_params *unit);
/* What waited for a lost connection goes to another one. */
void pg_reroute(struct pg_conn *conn);
void pg_finish(struct pg_list *finished);
/* The same for what a group brings: the connections that are idle get their next units first, and
 * few callbacks run in each turn of the loop, so that what they bring about is under way when the
 * next ones run. */
void pg_finish_soon(struct pg *pg, struct pg_list *finished);
void pg_pump_soon(struct pg *pg);
void pg_clock_heard(struct pg *pg, int64_t asked_ms, int64_t database_ms);

#endif
