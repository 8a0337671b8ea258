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
struct batch {
	struct buf body; /* the whole job; `job` points into it */
	struct job_sign job;
	uint32_t indices[HASHES_MAX];
	unsigned sign_us;
	size_t piece;	  /* indices of a piece, at most */
	size_t next;	  /* first index that no piece has */
	uint64_t busy;	  /* bit per SAM that has a piece */
	bool signed_some; /* or may have */
	rc_t failure;	  /* the first one */
	unsigned retry_after_s;
	struct ask *held; /* a piece that came back, to be placed again */
};

static void batch_hold(struct batch *batch, struct ask *ask)
{
	ask->next = batch->held;
	batch->held = ask;
}

static struct ask *batch_unhold(struct batch *batch)
{
	struct ask *ask = batch->held;

	if (ask != NULL)
		batch->held = ask->next;
	return ask;
}

rc_t batch_new(struct task *task, enum key_kind key, const struct job_sign *job)
{
	const struct key_algo *algo = key_algo_by_kind(key);
	struct batch *batch = NULL;

	if (algo == NULL)
		return RC_FORMAT;
	batch = calloc(1, sizeof(*batch));
	if (batch == NULL)
		return RC_NO_MEMORY;
	rc_t rc = proto_sign_encode(&batch->body, job);
	if (rc == RC_OK)
		rc = proto_sign_decode(&batch->job, batch->indices, buf_span(&batch->body));
	if (rc != RC_OK)
		goto out;
	batch->sign_us = algo->sign_cost_us;
	batch->piece = PIECE_US / algo->sign_cost_us;
	if (batch->piece == 0)
		batch->piece = 1;
	task->answer.signed_.signatures =
		calloc((size_t)batch->job.index_count, sizeof(struct buf));
	if (task->answer.signed_.signatures == NULL) {
		rc = RC_NO_MEMORY;
		goto out;
	}
	task->answer.signed_.count = batch->job.index_count;
	task->batch = batch;
	batch = NULL;
out:
	batch_free(&batch);
	return rc;
}

void batch_free(struct batch **batch)
{
	if (*batch == NULL)
		return;
	for (struct ask *ask; (ask = batch_unhold(*batch)) != NULL;)
		ask_free(&ask);
	buf_free(&(*batch)->body);
	free(*batch);
	*batch = NULL;
}

bool batch_failed(const struct batch *batch)
{
	return batch->failure != RC_OK;
}

static void batch_fail(struct batch *batch, rc_t rc, unsigned retry_after_s)
{
	if (batch->failure != RC_OK)
		return;
	batch->failure = rc;
	batch->retry_after_s = retry_after_s;
}

/* The next piece, cut but not placed; NULL without memory. */
static struct ask *batch_cut(struct task *task)
{
	struct batch *batch = task->batch;
	struct job_sign part = batch->job;
	struct buf body = BUF_INIT;
	struct ask *ask = NULL;
	size_t left = (size_t)batch->job.index_count - batch->next;
	size_t count = left < batch->piece ? left : batch->piece;

	part.indices = batch->indices + batch->next;
	part.index_count = count;
	if (count == batch->job.index_count || proto_sign_encode(&body, &part) == RC_OK)
		ask = ask_new(task, buf_span(body.len > 0 ? &body : &batch->body),
			(unsigned)count * batch->sign_us + UNWRAP_US);
	buf_free(&body);
	if (ask == NULL)
		return NULL;
	ask->least_us = (unsigned)count * batch->sign_us;
	ask->first = batch->next;
	ask->count = count;
	batch->next += count;
	return ask;
}

/* False when no more can be placed now. */
static bool batch_place_one(struct task *task)
{
	struct batch *batch = task->batch;
	struct ask *ask = batch_unhold(batch);

	if (ask == NULL && batch->next < batch->job.index_count) {
		ask = batch_cut(task);
		if (ask == NULL)
			batch_fail(batch, RC_NO_MEMORY, 0);
	}
	if (ask == NULL)
		return false;
	rc_t rc = ask_place(ask, batch->busy);
	if (rc == RC_OK) {
		batch->busy |= (uint64_t)1 << ask->link_index;
		return true;
	}
	batch_hold(batch, ask);
	/* while a SAM is at work on another piece there is one to wait for */
	if (batch->busy == 0)
		batch_fail(batch, rc, 0);
	return false;
}

/* Places what can be placed, and ends the task when nothing is left to wait for. */
static void batch_go_on(struct task *task)
{
	struct batch *batch = task->batch;

	while (!batch_failed(batch) && batch_place_one(task))
		;
	if (batch->busy != 0)
		return;
	rc_t rc = batch->failure;
	if (rc != RC_OK && batch->signed_some)
		rc = RC_HSM_LOST;
	task_done(task, rc, rc == batch->failure ? batch->retry_after_s : 0);
}

void batch_start(struct task *task)
{
	batch_go_on(task);
}

static void batch_piece_over(struct ask *ask)
{
	struct task *task = ask->task;

	task->batch->busy &= ~((uint64_t)1 << ask->link_index);
	ask_free(&ask);
	batch_go_on(task);
}

rc_t batch_answered(struct ask *ask, rc_t said, unsigned retry_after_s, struct span rest)
{
	struct task *task = ask->task;
	struct job_signed part = {0};

	if (said != RC_OK) {
		batch_fail(task->batch, said, retry_after_s);
		batch_piece_over(ask);
		return RC_OK;
	}
	rc_t rc = proto_signed_decode(&part, rest);
	if (rc == RC_OK && part.count != ask->count)
		rc = RC_FORMAT;
	if (rc != RC_OK) {
		job_signed_free(&part);
		return rc;
	}
	task->batch->signed_some = true;
	memcpy(task->answer.signed_.signatures + ask->first, part.signatures,
		ask->count * sizeof(*part.signatures));
	part.count = 0; /* they moved */
	job_signed_free(&part);
	batch_piece_over(ask);
	return RC_OK;
}

void batch_lost(struct ask *ask)
{
	ask->task->batch->signed_some = true;
	batch_fail(ask->task->batch, RC_HSM_LOST, 0);
	batch_piece_over(ask);
}

void batch_returned(struct ask *ask)
{
	struct task *task = ask->task;
	struct batch *batch = task->batch;

	batch->busy &= ~((uint64_t)1 << ask->link_index);
	batch_hold(batch, ask);
	batch_go_on(task);
}
