/*
 * A connection that listens (NOTIFY): its own, as the others speak in pipelines. It reconnects for
 * as long as it lives and asks the server for a sign of life several times a second, because one
 * that was cut off hears nothing, not even that it was.
 */
#ifndef STORE_PG_LISTEN_H
#define STORE_PG_LISTEN_H

#include "store/pg.h"

struct pg_listener;

/* All on the loop. */
struct pg_listener_events {
	/* What is notified from now on is heard: time to read what was there before. */
	void (*listening)(void *arg);
	void (*heard)(void *arg, const char *payload);
	void (*lost)(void *arg);
};

/* Server and role are those of `pg`, which need not live as long. `channel` and `events` are
 * constants. */
must_check rc_t pg_listener_new(struct loop *loop, const struct pg *pg, const char *channel,
	const struct pg_listener_events *events, void *arg, struct pg_listener **listener);
void pg_listener_free(struct pg_listener **listener);

/*
 * Everything that was committed PG_LISTEN_LATE_MS ago, or before pg_listener_doubt() was called
 * last, has been heard: the server answered a sign of life that was asked for since.
 */
#define PG_LISTEN_LATE_MS 700
bool pg_listener_current(const struct pg_listener *listener);
/* What was just committed may not have been heard yet. Asks for a sign of life at once. */
void pg_listener_doubt(struct pg_listener *listener);

#endif
