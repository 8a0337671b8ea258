/*
 * PostgreSQL from the event loop: libpq in pipeline mode, never blocking.
 *
 * A unit is one parameterised SQL statement (often a data-modifying CTE) that does all of one step
 * of one request: change and audit row together. Units that wait while a connection is busy are
 * sent together and committed together (a pipeline's statements up to its Sync are one
 * transaction). A unit's callback runs only when that commit is known. If a group fails, each of
 * its units is tried again alone, so one request's error never undoes another's. A business refusal
 * is a unit that returns no row: it is not an error.
 *
 * A statement may be a batch: units that go together are then rows of one execution, which costs a
 * fraction of as many statements.
 *
 * Units whose statement begins with SELECT change nothing. The first connection that is up is for
 * them: they wait for nobody's commit. The last one is for changes that are in no lane, the others
 * write. Plans are made once for all parameters (planning one of our statements costs several times
 * its execution): a filter that may be absent needs a statement of its own.
 *
 * rc in the callback:
 * RC_OK             committed, durable; `rows` is valid until the callback returns
 * RC_STORE_DOWN     not sent, or certainly rolled back: nothing happened
 * RC_STORE_UNKNOWN  the connection was lost with the commit under way (a statement that begins with
 *                   SELECT changes nothing, and gets RC_STORE_DOWN)
 * RC_DUPLICATE      unique violation (SQLSTATE 23505); nothing happened
 * RC_INTERNAL       any other SQL error: logged with SQLSTATE; nothing happened
 */
#ifndef STORE_PG_H
#define STORE_PG_H

#include "base/id.h"
#include "base/loop.h"

#include <stdbool.h>

struct pg;
struct pg_rows;

/*
 * A statement: prepared once on each connection, under its name.
 *
 * A batch's parameters are arrays, an element a unit: $1::timestamptz[] where pg_put_time() was
 * called, uuid[], bigint[], bytea[], and text[] for texts and for arrays of bytes (a literal, to be
 * cast). Its first column tells the unit, counted from 1 (WITH ORDINALITY), and is not seen by the
 * callback; each unit gets one row or none.
 */
struct pg_statement {
	const char *name;
	const char *sql;
	bool batch;
};

/* Parameters, appended in the order of $1, $2, … The types that they must have in the statement:
 * text (any type may be read from it), bytea, bigint, uuid, timestamptz. Wiped on free. The first
 * failure sticks and pg_submit reports it. */
enum pg_kind { PG_TEXT, PG_BYTES, PG_NUMBER, PG_ID, PG_TIME, PG_BYTES_ARRAY };
struct pg_params;
must_check rc_t pg_params_new(struct pg_params **params);
void pg_params_free(struct pg_params **params);
void pg_put_null(struct pg_params *params, enum pg_kind kind);
void pg_put_text(struct pg_params *params, const char *text); /* NULL: SQL NULL */
void pg_put_number(struct pg_params *params, int64_t number);
void pg_put_bytes(struct pg_params *params, struct span bytes); /* data NULL: SQL NULL */
void pg_put_id(struct pg_params *params, const struct id *id);	/* zero id: SQL NULL */
void pg_put_time(struct pg_params *params, int64_t wall_ms);	/* timestamptz; 0: SQL NULL */
/* bytea[] of count items of len bytes each, as a literal. */
void pg_put_bytes_array(struct pg_params *params, struct span items, size_t len, size_t count);
/* No parameter: units of one lane change the same rows (a credential's), and go over the same
 * connection, where they cannot wait for each other's commits, or deadlock. */
void pg_set_lane(struct pg_params *params, const struct id *lane);
/* No parameter: units of one key change the same row (a SAD's), and are never rows of one batch,
 * where only one of them would see it. */
void pg_set_key(struct pg_params *params, const struct id *key);
/* No parameter: the unit reads much and changes nothing, whatever its statement begins with. It
 * goes alone, and nothing waits behind it. */
void pg_set_slow(struct pg_params *params);

typedef void (*pg_done_fn)(void *arg, rc_t rc, const struct pg_rows *rows);

struct pg_settings {
	const char *conninfo;
	size_t connections;
	size_t waiting_max; /* units; more are refused with RC_STORE_DOWN at once */
	int64_t timeout_ms; /* a group without an answer: the connection is closed */
	/* For how long others have work without us, microseconds: so long a connection may wait for
	 * its next group to grow. NULL: it is not known. */
	int64_t (*others_work_us)(void *arg);
	void *others_arg;
};

/* Connects, and reconnects with back-off for as long as it lives. A connection counts as up only
 * when server version, fsync, synchronous_commit and the schema's migrations are as they must be.
 */
must_check rc_t pg_new(struct loop *loop, const struct pg_settings *settings, struct pg **pg);
/* Answers everything that waits, then closes. */
void pg_free(struct pg **pg);
bool pg_ready(const struct pg *pg);
/* Those that work, and all. */
size_t pg_connections_up(const struct pg *pg);
size_t pg_connections(const struct pg *pg);
/* Database clock minus ours at the last check, milliseconds. */
int64_t pg_clock_skew_ms(const struct pg *pg);

/* Takes the parameters over (and frees them, on failure too). done runs exactly once, on the loop,
 * never before this returns. Statements live for ever (static const). */
void pg_submit(struct pg *pg, const struct pg_statement *statement, struct pg_params *params,
	pg_done_fn done, void *arg);

/* Reading rows. Out of range or of another type: a bug, aborts. */
size_t pg_row_count(const struct pg_rows *rows);
bool pg_is_null(const struct pg_rows *rows, size_t row, int column);
const char *pg_text(const struct pg_rows *rows, size_t row, int column);
int64_t pg_number(const struct pg_rows *rows, size_t row, int column);
bool pg_bool(const struct pg_rows *rows, size_t row, int column);
int64_t pg_time_ms(const struct pg_rows *rows, size_t row, int column);
struct id pg_id(const struct pg_rows *rows, size_t row, int column);
/* bytea; valid until the callback returns. */
struct span pg_span(const struct pg_rows *rows, size_t row, int column);
/* bytea, appended. */
must_check rc_t pg_bytes(const struct pg_rows *rows, size_t row, int column, struct buf *out);

#endif
