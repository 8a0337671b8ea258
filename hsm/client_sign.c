#include "hsm/client_internal.h"

#include <stdlib.h>
#include <string.h>

#define UNWRAP_US 700 /* a SAM that does not hold the key yet */

/*
 * A signing task, cut so that no piece keeps a SAM longer than PIECE_US. Each SAM has at most one
 * piece of it at a time, at the end of its queue: others' small jobs get in between.
 *
 * All or nothing. Once a piece has failed no other is begun, and the answer waits for those that a
 * SAM has. What a piece signed is then kept from the caller, but it was signed: the answer is
 * RC_HSM_LOST, and what was to be spent stays spent.
 */
struct hsm_signing {
	struct buf frame; /* the whole job; what is one piece is sent as it stands */
	struct id credential;
	struct job_signed answer; /* room for it, until the task has it */
	struct parts *parts;	  /* of a job that is cut; NULL: it is one piece */
	size_t count;		  /* indices of the job */
	size_t piece;		  /* indices of a piece, at most */
	size_t next;		  /* first index that no piece has */
	unsigned sign_us;
	uint64_t busy;	  /* bit per SAM that has a piece */
	bool signed_some; /* or may have */
	rc_t failure;	  /* the first one */
	unsigned retry_after_s;
	struct ask *held; /* a piece that came back, to be placed again */
};

/* What pieces are made of. `job` points into the frame, and to the indices. */
struct parts {
	struct job_sign job;
	uint32_t indices[HASHES_MAX];
};

static void signing_hold(struct hsm_signing *signing, struct ask *ask)
{
	ask->next = signing->held;
	signing->held = ask;
}

static struct ask *signing_unhold(struct hsm_signing *signing)
{
	struct ask *ask = signing->held;

	if (ask != NULL)
		signing->held = ask->next;
	return ask;
}

static rc_t signing_open(struct hsm_signing *signing)
{
	signing->parts = malloc(sizeof(*signing->parts));
	if (signing->parts == NULL)
		return RC_NO_MEMORY;
	return proto_sign_decode(
		&signing->parts->job, signing->parts->indices, frame_body(&signing->frame));
}

static rc_t signing_write(
	struct hsm_signing *signing, const struct key_algo *algo, const struct job_sign *job)
{
	rc_t rc = frame_begin(&signing->frame, proto_sign_room(job));

	if (rc == RC_OK)
		rc = proto_sign_encode(&signing->frame, job);
	if (rc != RC_OK)
		return rc;
	signing->credential = job->terms.credential;
	signing->count = (size_t)job->index_count;
	signing->sign_us = algo->sign_cost_us;
	signing->piece = PIECE_US / algo->sign_cost_us;
	if (signing->piece == 0)
		signing->piece = 1;
	signing->answer.signatures = calloc(signing->count, sizeof(struct buf));
	if (signing->answer.signatures == NULL)
		return RC_NO_MEMORY;
	signing->answer.count = job->index_count;
	return signing->count > signing->piece ? signing_open(signing) : RC_OK;
}

rc_t hsm_signing_new(enum key_kind key, const struct job_sign *job, struct hsm_signing **signing)
{
	const struct key_algo *algo = key_algo_by_kind(key);
	struct hsm_signing *made = NULL;

	if (algo == NULL)
		return RC_HSM_REFUSED;
	made = calloc(1, sizeof(*made));
	if (made == NULL)
		return RC_NO_MEMORY;
	rc_t rc = signing_write(made, algo, job);
	if (rc != RC_OK) {
		hsm_signing_free(&made);
		return rc == RC_FORMAT ? RC_HSM_REFUSED : rc;
	}
	*signing = made;
	return RC_OK;
}

void hsm_signing_free(struct hsm_signing **signing)
{
	if (*signing == NULL)
		return;
	for (struct ask *ask; (ask = signing_unhold(*signing)) != NULL;)
		ask_free(&ask);
	if ((*signing)->answer.signatures != NULL)
		job_signed_free(&(*signing)->answer);
	buf_free(&(*signing)->frame);
	free((*signing)->parts);
	free(*signing);
	*signing = NULL;
}

bool signing_failed(const struct hsm_signing *signing)
{
	return signing->failure != RC_OK;
}

static void signing_fail(struct hsm_signing *signing, rc_t rc, unsigned retry_after_s)
{
	if (signing->failure != RC_OK)
		return;
	signing->failure = rc;
	signing->retry_after_s = retry_after_s;
}

/* As many of the next indices; NULL without memory. */
static struct ask *piece_encode(struct task *task, size_t count)
{
	struct hsm_signing *signing = task->signing;
	const unsigned cost_us = (unsigned)count * signing->sign_us + UNWRAP_US;
	struct buf frame = BUF_INIT;

	if (signing->parts == NULL)
		return ask_of_frame(task, &signing->frame, cost_us);
	struct job_sign part = signing->parts->job;
	part.indices = signing->parts->indices + signing->next;
	part.index_count = count;
	if (frame_begin(&frame, proto_sign_room(&part)) == RC_OK &&
		proto_sign_encode(&frame, &part) == RC_OK)
		return ask_of_frame(task, &frame, cost_us);
	buf_free(&frame);
	return NULL;
}

/* The next piece, cut but not placed; NULL without memory. */
static struct ask *piece_cut(struct task *task)
{
	struct hsm_signing *signing = task->signing;
	size_t left = signing->count - signing->next;
	size_t count = left < signing->piece ? left : signing->piece;
	struct ask *ask = piece_encode(task, count);

	if (ask == NULL)
		return NULL;
	ask->least_us = (unsigned)count * signing->sign_us;
	ask->first = signing->next;
	ask->count = count;
	signing->next += count;
	return ask;
}

/* False when no more can be placed now. */
static bool signing_place_one(struct task *task)
{
	struct hsm_signing *signing = task->signing;
	struct ask *ask = signing_unhold(signing);

	if (ask == NULL && signing->next < signing->count) {
		ask = piece_cut(task);
		if (ask == NULL)
			signing_fail(signing, RC_NO_MEMORY, 0);
	}
	if (ask == NULL)
		return false;
	rc_t rc = ask_place(ask, signing->busy);
	if (rc == RC_OK) {
		signing->busy |= (uint64_t)1 << ask->link_index;
		return true;
	}
	signing_hold(signing, ask);
	/* while a SAM is at work on another piece there is one to wait for */
	if (signing->busy == 0)
		signing_fail(signing, rc, 0);
	return false;
}

/* Places what can be placed, and ends the task when nothing is left to wait for. */
static void signing_go_on(struct task *task)
{
	struct hsm_signing *signing = task->signing;

	while (!signing_failed(signing) && signing_place_one(task))
		;
	if (signing->busy != 0)
		return;
	rc_t rc = signing->failure;
	if (rc != RC_OK && signing->signed_some)
		rc = RC_HSM_LOST;
	task_done(task, rc, rc == signing->failure ? signing->retry_after_s : 0);
}

void signing_start(struct task *task, struct hsm_signing *signing)
{
	task->signing = signing;
	task->credential = signing->credential;
	task->answer.signed_ = signing->answer;
	signing->answer = (struct job_signed){NULL, 0};
	signing_go_on(task);
}

static void signing_piece_over(struct ask *ask)
{
	struct task *task = ask->task;

	task->signing->busy &= ~((uint64_t)1 << ask->link_index);
	ask_free(&ask);
	signing_go_on(task);
}

rc_t signing_answered(struct ask *ask, rc_t said, unsigned retry_after_s, struct span rest)
{
	struct task *task = ask->task;
	struct job_signed part = {0};

	if (said != RC_OK) {
		signing_fail(task->signing, said, retry_after_s);
		signing_piece_over(ask);
		return RC_OK;
	}
	rc_t rc = proto_signed_decode(&part, rest);
	if (rc == RC_OK && part.count != ask->count)
		rc = RC_FORMAT;
	if (rc != RC_OK) {
		job_signed_free(&part);
		return rc;
	}
	task->signing->signed_some = true;
	memcpy(task->answer.signed_.signatures + ask->first, part.signatures,
		ask->count * sizeof(*part.signatures));
	part.count = 0; /* they moved */
	job_signed_free(&part);
	signing_piece_over(ask);
	return RC_OK;
}

void signing_lost(struct ask *ask)
{
	ask->task->signing->signed_some = true;
	signing_fail(ask->task->signing, RC_HSM_LOST, 0);
	signing_piece_over(ask);
}

void signing_returned(struct ask *ask)
{
	struct task *task = ask->task;
	struct hsm_signing *signing = task->signing;

	signing->busy &= ~((uint64_t)1 << ask->link_index);
	signing_hold(signing, ask);
	signing_go_on(task);
}
