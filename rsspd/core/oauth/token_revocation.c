#include "core/oauth/token_revocation.h"

#include "base/clock.h"
#include "base/log.h"
#include "core/oauth/token.h"
#include "store/pg_listen.h"

#include <stdlib.h>
#include <string.h>

#define REVOCATIONS_MOST 65536
#define ROOM_FIRST 256 /* powers of two, at most half full */
#define READ_AGAIN_MS 500
#define FULL_AGAIN_MS 10000

/* ---- the set: open addressing, by kind and subject ---- */

struct revocation_set {
	struct revocation_row *rows; /* ends_ms 0: an empty place */
	size_t room, count, most;
};

rc_t revocation_set_new(size_t most, struct revocation_set **set)
{
	struct revocation_set *fresh = calloc(1, sizeof(*fresh));

	if (fresh == NULL)
		return RC_NO_MEMORY;
	fresh->most = most;
	fresh->room = ROOM_FIRST;
	fresh->rows = calloc(fresh->room, sizeof(*fresh->rows));
	if (fresh->rows == NULL) {
		free(fresh);
		return RC_NO_MEMORY;
	}
	*set = fresh;
	return RC_OK;
}

void revocation_set_free(struct revocation_set **set)
{
	if (*set == NULL)
		return;
	free((*set)->rows);
	free(*set);
	*set = NULL;
}

void revocation_set_clear(struct revocation_set *set)
{
	memset(set->rows, 0, set->room * sizeof(*set->rows));
	set->count = 0;
}

/* Where it stands, or the empty place where it would. The last bytes of every kind of id are
 * random. */
static struct revocation_row *place_find(struct revocation_row *rows, size_t room,
	enum revocation_kind kind, const struct id *subject)
{
	size_t at = 0;

	for (size_t i = 0; i < sizeof(at); i++)
		at = at << 8 | subject->bytes[ID_LEN - 1 - i];
	at += (size_t)kind;
	for (;; at++) {
		struct revocation_row *place = &rows[at & (room - 1)];
		if (place->ends_ms == 0 ||
			(place->kind == kind && id_equal(&place->subject, subject)))
			return place;
	}
}

/* Only those that are still alive, in at least four times the room that they take. */
static rc_t set_rebuild(struct revocation_set *set, int64_t now_ms)
{
	size_t room = ROOM_FIRST, count = 0;

	for (size_t i = 0; i < set->room; i++)
		count += set->rows[i].ends_ms > now_ms;
	while (room < 4 * (count + 1))
		room *= 2;
	struct revocation_row *rows = calloc(room, sizeof(*rows));
	if (rows == NULL)
		return RC_NO_MEMORY;
	for (size_t i = 0; i < set->room; i++) {
		const struct revocation_row *row = &set->rows[i];
		if (row->ends_ms > now_ms)
			*place_find(rows, room, row->kind, &row->subject) = *row;
	}
	free(set->rows);
	set->rows = rows;
	set->room = room;
	set->count = count;
	return RC_OK;
}

rc_t revocation_set_add(
	struct revocation_set *set, const struct revocation_row *row, int64_t now_ms)
{
	struct revocation_row *place = NULL;
	rc_t rc = RC_OK;

	if (row->ends_ms <= now_ms)
		return RC_OK;
	if (2 * (set->count + 1) > set->room || set->count >= set->most)
		rc = set_rebuild(set, now_ms);
	if (rc == RC_OK && set->count >= set->most)
		rc = RC_TOO_LONG;
	if (rc != RC_OK)
		return rc;
	place = place_find(set->rows, set->room, row->kind, &row->subject);
	if (place->ends_ms == 0) {
		*place = *row;
		set->count++;
		return RC_OK;
	}
	if (place->before_ms < row->before_ms)
		place->before_ms = row->before_ms;
	if (place->ends_ms < row->ends_ms)
		place->ends_ms = row->ends_ms;
	return RC_OK;
}

static const struct revocation_row *row_find(
	const struct revocation_set *set, enum revocation_kind kind, const struct id *subject)
{
	const struct revocation_row *place = place_find(set->rows, set->room, kind, subject);

	return place->ends_ms == 0 ? NULL : place;
}

bool revocation_set_has(const struct revocation_set *set, const struct token_claims *claims)
{
	const struct {
		enum revocation_kind kind;
		const struct id *subject;
		bool all; /* whenever it was issued */
	} asked[] = {
		{REVOKED_TOKEN, &claims->jti, true},
		{REVOKED_CONSENT, &claims->consent, true},
		{REVOKED_CLIENT, &claims->client, false},
		{REVOKED_SUBSCRIBER, &claims->subscriber, false},
	};
	int64_t issued_ms = id_wall_ms(&claims->jti);

	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		const struct revocation_row *row = row_find(set, asked[i].kind, asked[i].subject);
		if (row != NULL && (asked[i].all || issued_ms <= row->before_ms))
			return true;
	}
	return false;
}

/* ---- kept up ---- */

struct core_revocations {
	struct core *core;
	struct pg_listener *listener;
	struct loop_timer *again;
	struct revocation_set *set;
	uint64_t hearing; /* counts connections: what was asked for under an older one is void */
	bool complete;	  /* the set has all that there was when we began to listen */
};

struct reading {
	struct core_revocations *revocations;
	uint64_t hearing;
};

static void revocations_add(struct core_revocations *revocations, const struct revocation_row *row)
{
	rc_t rc = revocation_set_add(revocations->set, row, clock_wall_ms());

	if (rc == RC_OK)
		return;
	/* read anew later: by then many have ended */
	if (revocations->complete)
		log_warning("core: revocations-not-kept rc=%s", rc_name(rc));
	revocations->complete = false;
	loop_timer_set(revocations->again, FULL_AGAIN_MS);
}

static void revocations_read(void *arg, rc_t rc, const struct pg_rows *rows)
{
	struct reading *reading = arg;
	struct core_revocations *revocations = reading->revocations;
	bool meant = reading->hearing == revocations->hearing;
	struct revocation_row row;

	free(reading);
	if (revocations->core->stopping || !meant)
		return;
	if (rc != RC_OK) {
		loop_timer_set(revocations->again, READ_AGAIN_MS);
		return;
	}
	revocations->complete = true;
	for (size_t i = 0; i < pg_row_count(rows) && revocations->complete; i++) {
		if (store_revocation_read(rows, i, &row) == RC_OK)
			revocations_add(revocations, &row);
	}
}

/* Only what is notified while we read is in the set by then: nothing is lost between the two. */
static void revocations_ask(void *arg)
{
	struct core_revocations *revocations = arg;
	struct reading *reading = core_alloc(sizeof(*reading));

	*reading = (struct reading){revocations, ++revocations->hearing};
	revocations->complete = false;
	revocation_set_clear(revocations->set);
	store_revocation_load(revocations->core->pg, clock_wall_ms(), revocations_read, reading);
}

static void on_heard(void *arg, const char *payload)
{
	struct core_revocations *revocations = arg;
	struct revocation_row row;
	char text[200];

	if (store_revocation_parse(payload, &row) == RC_OK) {
		revocations_add(revocations, &row);
		return;
	}
	log_warning(
		"core: revocation-unreadable text=\"%s\"", log_escape(payload, text, sizeof(text)));
	revocations_ask(revocations); /* whatever it was, it is in the table */
}

static void on_lost(void *arg)
{
	struct core_revocations *revocations = arg;

	revocations->hearing++;
	revocations->complete = false;
}

static const struct pg_listener_events events = {
	.listening = revocations_ask,
	.heard = on_heard,
	.lost = on_lost,
};

rc_t core_revocations_start(struct core *core)
{
	struct core_revocations *revocations = core_alloc(sizeof(*revocations));

	core->revocations = revocations;
	revocations->core = core;
	rc_t rc = revocation_set_new(REVOCATIONS_MOST, &revocations->set);
	if (rc == RC_OK)
		rc = loop_timer_new(core->loop, revocations_ask, revocations, &revocations->again);
	if (rc == RC_OK)
		rc = pg_listener_new(core->loop, core->pg, TOKEN_REVOCATION_CHANNEL, &events,
			revocations, &revocations->listener);
	return rc;
}

void core_revocations_stop(struct core *core)
{
	if (core->revocations == NULL)
		return;
	pg_listener_free(&core->revocations->listener);
	loop_timer_free(&core->revocations->again);
	revocation_set_free(&core->revocations->set);
	free(core->revocations);
	core->revocations = NULL;
}

bool core_revocations_known(const struct core *core)
{
	return core->revocations->complete && pg_listener_current(core->revocations->listener);
}

enum revoked core_token_revoked(const struct core *core, const struct token_claims *claims)
{
	if (!core_revocations_known(core))
		return REVOKED_UNKNOWN;
	return revocation_set_has(core->revocations->set, claims) ? REVOKED_ALREADY : REVOKED_NOT;
}

void core_tokens_doubt(struct core *core)
{
	if (core->revocations != NULL)
		pg_listener_doubt(core->revocations->listener);
}
