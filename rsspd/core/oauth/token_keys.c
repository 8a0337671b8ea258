#include "core/oauth/token_keys.h"

#include "base/clock.h"
#include "base/log.h"
#include "core/oauth/token.h"

#include <stdlib.h>

#define DAY_MS (24 * INT64_C(3600000))
#define LOOK_EVERY_MS 10000 /* has a new day begun? */
#define FIRST_RETRY_MS 50
#define RETRY_MS 1000

struct core_token_keys {
	struct core *core;
	struct loop_timer *timer;
	struct token_key *keys[TOKEN_KEYS]; /* in any order */
	uint64_t asked;			    /* the epoch that a SAM was asked for */
	bool complained;
};

static uint64_t epoch_today(void)
{
	return (uint64_t)(clock_wall_ms() / DAY_MS);
}

static struct token_key **place_find(struct core_token_keys *keys, uint64_t epoch)
{
	for (size_t i = 0; i < TOKEN_KEYS; i++) {
		if (keys->keys[i] != NULL && token_key_epoch(keys->keys[i]) == epoch)
			return &keys->keys[i];
	}
	return NULL;
}

static void keys_forget(struct core_token_keys *keys, uint64_t today)
{
	for (size_t i = 0; i < TOKEN_KEYS; i++) {
		uint64_t epoch = keys->keys[i] == NULL ? today : token_key_epoch(keys->keys[i]);
		if (epoch + 1 < today || epoch > today + 1)
			token_key_free(&keys->keys[i]);
	}
}

static rc_t key_keep(struct core_token_keys *keys, struct span scalar)
{
	for (size_t i = 0; i < TOKEN_KEYS; i++) {
		if (keys->keys[i] == NULL)
			return token_key_new(keys->asked, scalar, &keys->keys[i]);
	}
	return RC_INTERNAL;
}

static void key_given(void *arg, struct hsm_answer *answer)
{
	struct core_token_keys *keys = arg;
	rc_t rc = answer->rc;

	if (keys->core->stopping)
		return;
	if (rc == RC_OK)
		rc = key_keep(keys, buf_span(&answer->token_key->key));
	if (rc != RC_OK && !keys->complained)
		log_warning("core: no key of access tokens epoch=%llu rc=%s",
			(unsigned long long)keys->asked, rc_name(rc));
	keys->complained = rc != RC_OK;
	loop_timer_set(keys->timer, rc == RC_OK ? 0 : RETRY_MS);
}

/* Today's first: without it there are no tokens. */
static void keys_look(void *arg)
{
	struct core_token_keys *keys = arg;
	uint64_t today = epoch_today();
	const uint64_t wanted[TOKEN_KEYS] = {today, today - 1, today + 1};

	keys_forget(keys, today);
	for (size_t i = 0; i < TOKEN_KEYS; i++) {
		struct job_token_key job = {.epoch = wanted[i]};
		if (place_find(keys, wanted[i]) != NULL)
			continue;
		keys->asked = wanted[i];
		if (hsm_client_ready(keys->core->hsm))
			hsm_client_token_key(keys->core->hsm, &job, key_given, keys);
		else
			loop_timer_set(keys->timer, FIRST_RETRY_MS);
		return;
	}
	loop_timer_set(keys->timer, LOOK_EVERY_MS);
}

rc_t core_token_keys_start(struct core *core)
{
	core->token_keys = core_alloc(sizeof(*core->token_keys));
	core->token_keys->core = core;
	rc_t rc = loop_timer_new(core->loop, keys_look, core->token_keys, &core->token_keys->timer);
	if (rc == RC_OK)
		loop_timer_set(core->token_keys->timer, 0);
	return rc;
}

void core_token_keys_stop(struct core *core)
{
	if (core->token_keys == NULL)
		return;
	loop_timer_free(&core->token_keys->timer);
	for (size_t i = 0; i < TOKEN_KEYS; i++)
		token_key_free(&core->token_keys->keys[i]);
	free(core->token_keys);
	core->token_keys = NULL;
}

const struct token_key *core_token_key_today(const struct core *core)
{
	struct token_key **place = place_find(core->token_keys, epoch_today());

	return place == NULL ? NULL : *place;
}

struct token_key *const *core_token_key_list(const struct core *core)
{
	return core->token_keys->keys;
}

rc_t core_token_keys(const struct core *core, struct buf *json)
{
	json_t *list = json_array(), *set = NULL;
	char *text = NULL;
	rc_t rc = RC_UNAVAILABLE;

	if (core_token_key_today(core) == NULL)
		goto out;
	rc = RC_NO_MEMORY;
	for (size_t i = 0; i < TOKEN_KEYS; i++) {
		const struct token_key *key = core->token_keys->keys[i];
		if (key != NULL && json_array_append_new(list, token_key_jwk(key)) != 0)
			goto out;
	}
	set = json_pack("{s:O}", "keys", list);
	text = set == NULL ? NULL : json_dumps(set, JSON_COMPACT);
	if (text != NULL)
		rc = buf_append_string(json, text);
out:
	free(text);
	json_decref(set);
	json_decref(list);
	return rc;
}
