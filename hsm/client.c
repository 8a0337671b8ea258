#include "hsm/client_internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"

#include <stdlib.h>
#include <unistd.h>

/* About what one ask of each kind costs; signatures are counted by their key. */
#define COST_ENROL_US 500
#define COST_ACTIVATE_US 200000 /* RSA-2048: limits say 170 ms, most keys are faster */
#define COST_AUTHORIZE_US 3000
#define COST_PASSWORD_US 2500
#define COST_EXTEND_US 500
#define COST_CRL_US 20000
#define COST_TOKEN_KEY_US 100

/* ---- what is particular to a kind of job ---- */

static rc_t decode_enrolled(union task_answer *answer, struct span rest)
{
	return proto_enrolled_decode(&answer->enrolled, rest);
}

static rc_t decode_activated(union task_answer *answer, struct span rest)
{
	return proto_activated_decode(&answer->activated, rest);
}

static rc_t decode_authorized(union task_answer *answer, struct span rest)
{
	return proto_authorized_decode(&answer->authorized, rest);
}

static rc_t decode_extended(union task_answer *answer, struct span rest)
{
	return proto_extended_decode(&answer->extended, rest);
}

static rc_t decode_crl(union task_answer *answer, struct span rest)
{
	return proto_crl_made_decode(&answer->crl, rest);
}

static rc_t decode_token_key(union task_answer *answer, struct span rest)
{
	return proto_token_key_given_decode(&answer->token_key, rest);
}

static rc_t decode_password_checked(union task_answer *answer, struct span rest)
{
	return proto_password_checked_decode(&answer->password, rest);
}

static rc_t decode_pin_changed(union task_answer *answer, struct span rest)
{
	return proto_pin_changed_decode(&answer->pin, rest);
}

static rc_t decode_proved(union task_answer *answer, struct span rest)
{
	return proto_proved_decode(&answer->proved, rest);
}

static void free_pin_changed(union task_answer *answer)
{
	job_pin_changed_free(&answer->pin);
}

static void free_activated(union task_answer *answer)
{
	job_activated_free(&answer->activated);
}

static void free_authorized(union task_answer *answer)
{
	job_authorized_free(&answer->authorized);
}

static void free_signed(union task_answer *answer)
{
	job_signed_free(&answer->signed_);
}

static void free_extended(union task_answer *answer)
{
	job_extended_free(&answer->extended);
}

static void free_crl(union task_answer *answer)
{
	job_crl_made_free(&answer->crl);
}

static void free_token_key(union task_answer *answer)
{
	job_token_key_given_free(&answer->token_key);
}

static const struct {
	rc_t (*decode)(
		union task_answer *answer, struct span rest); /* NULL: client_sign.c joins them */
	void (*free)(union task_answer *answer);
} task_kinds[] = {
	[FRAME_ENROL] = {decode_enrolled, NULL},
	[FRAME_ACTIVATE] = {decode_activated, free_activated},
	[FRAME_AUTHORIZE] = {decode_authorized, free_authorized},
	[FRAME_SIGN] = {NULL, free_signed},
	[FRAME_EXTEND] = {decode_extended, free_extended},
	[FRAME_CRL] = {decode_crl, free_crl},
	[FRAME_PASSWORD_CHECK] = {decode_password_checked, NULL},
	[FRAME_CHANGE_PIN] = {decode_pin_changed, free_pin_changed},
	[FRAME_PROVE] = {decode_proved, NULL},
	[FRAME_TOKEN_KEY] = {decode_token_key, free_token_key},
};

/* ---- tasks ---- */

/* Never NULL: without memory for a task nobody could be answered, and the process ends. */
static struct task *task_new(struct hsm_client *client, enum frame_kind kind, enum sam_role role,
	hsm_answer_fn fn, void *arg)
{
	struct task *task = calloc(1, sizeof(*task));

	if (task == NULL) {
		log_error("hsm: no memory even to refuse a job");
		abort();
	}
	task->client = client;
	task->kind = kind;
	task->role = role;
	task->fn = fn;
	task->arg = arg;
	task->asked_us = clock_monotonic_us();
	return task;
}

static void task_free(struct task *task)
{
	if (task_kinds[task->kind].free != NULL)
		task_kinds[task->kind].free(&task->answer);
	hsm_signing_free(&task->signing);
	free(task);
}

static void task_count(const struct task *task, rc_t rc)
{
	metric_add(METRIC_JOBS, task->role, rc, 0);
	metric_observe(METRIC_JOB_SECONDS, task->role, 0, clock_monotonic_us() - task->asked_us);
	if (rc_status(rc) >= 500)
		metric_add(METRIC_HSM_ERRORS, rc, 0, 0);
}

void task_done(struct task *task, rc_t rc, unsigned retry_after_s)
{
	struct hsm_client *client = task->client;

	task_count(task, rc);
	task->rc = rc;
	task->retry_after_s = retry_after_s;
	task->next = NULL;
	if (client->done == NULL)
		loop_timer_set(client->deliver, 0);
	*client->done_end = task;
	client->done_end = &task->next;
}

static void task_deliver(struct task *task)
{
	/* one pointer: the members of both unions start at the same place */
	struct hsm_answer answer = {.rc = task->rc,
		.retry_after_s = task->retry_after_s,
		.enrolled = &task->answer.enrolled};

	task->fn(task->arg, &answer);
	task_free(task);
}

/* Only what is done by now: what the callbacks bring about waits for the next turn. */
static void client_deliver(void *arg)
{
	struct hsm_client *client = arg;
	struct task *task = client->done;

	client->done = NULL;
	client->done_end = &client->done;
	while (task != NULL) {
		struct task *next = task->next;
		task_deliver(task);
		task = next;
	}
}

/* ---- which SAM ---- */

static unsigned client_home(const struct hsm_client *client, const struct task *task)
{
	const uint8_t *bytes = task->credential.bytes; /* random, so any part of it spreads well */
	uint32_t number = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
			  (uint32_t)bytes[2] << 8 | bytes[3];

	return client->seen[task->role] == 0 ? 0 : number % client->seen[task->role];
}

static bool client_may_use(const struct link *link, uint64_t avoid, unsigned index, bool ready)
{
	if ((avoid >> index & 1) != 0 || link_full(link))
		return false;
	return ready ? link_ready(link) : link_takes(link);
}

static struct link *client_least_busy(
	struct hsm_client *client, enum sam_role role, uint64_t avoid, bool ready)
{
	struct link *least = NULL;

	for (unsigned i = 0; i < client->seen[role]; i++) {
		struct link *link = client->links[role][i];
		if (link == NULL || !client_may_use(link, avoid, i, ready))
			continue;
		if (least == NULL || link_backlog_us(link) < link_backlog_us(least))
			least = link;
	}
	return least;
}

static struct link *client_choose(
	struct hsm_client *client, const struct task *task, uint64_t avoid)
{
	unsigned at = client_home(client, task);
	struct link *home = client->links[task->role][at];
	/* a SAM that is starting is better than none */
	struct link *least = client_least_busy(client, task->role, avoid, true);

	if (least == NULL)
		least = client_least_busy(client, task->role, avoid, false);
	if (task->choice == CHOICE_ANY || home == NULL)
		return task->choice == CHOICE_PINNED ? NULL : least;
	if (task->choice == CHOICE_PINNED)
		return client_may_use(home, avoid, at, false) ? home : NULL;
	if (!client_may_use(home, avoid, at, true) ||
		link_backlog_us(home) > link_backlog_us(least) + PIECE_US)
		return least;
	return home;
}

/* ---- asks ---- */

struct ask *ask_of_frame(struct task *task, struct buf *frame, unsigned cost_us)
{
	uint64_t job = task->client->last_job + 1;
	rc_t rc = frame_end(frame, task->kind, job);
	struct ask *ask = rc == RC_OK ? calloc(1, sizeof(*ask)) : NULL;

	if (ask == NULL) {
		buf_free(frame);
		return NULL;
	}
	*ask = (struct ask){
		.task = task, .job = job, .frame = *frame, .cost_us = cost_us, .least_us = cost_us};
	*frame = (struct buf)BUF_INIT;
	task->client->last_job = job;
	return ask;
}

struct ask *ask_new(struct task *task, struct span body, unsigned cost_us)
{
	struct buf frame = BUF_INIT;
	rc_t rc = frame_begin(&frame, body.len);

	if (rc == RC_OK)
		rc = buf_append_span(&frame, body);
	if (rc == RC_OK)
		return ask_of_frame(task, &frame, cost_us);
	buf_free(&frame);
	return NULL;
}

void ask_free(struct ask **ask)
{
	if (*ask == NULL)
		return;
	buf_free(&(*ask)->frame);
	free(*ask);
	*ask = NULL;
}

rc_t ask_place(struct ask *ask, uint64_t avoid)
{
	struct hsm_client *client = ask->task->client;
	struct link *link = client->closing ? NULL : client_choose(client, ask->task, avoid);

	if (link == NULL)
		return RC_HSM_DOWN;
	ask->written = 0;
	link_put(link, ask);
	return RC_OK;
}

rc_t ask_answered(struct ask *ask, struct span body)
{
	struct task *task = ask->task;
	unsigned retry_after_s;
	struct span rest;
	rc_t said;
	rc_t rc = proto_answer_decode(&said, &retry_after_s, &rest, body);

	if (rc != RC_OK)
		return rc;
	if (task->signing != NULL)
		return signing_answered(ask, said, retry_after_s, rest);
	if (said == RC_OK)
		rc = task_kinds[task->kind].decode(&task->answer, rest);
	if (rc != RC_OK)
		return rc;
	ask_free(&ask);
	task_done(task, said, retry_after_s);
	return RC_OK;
}

void ask_lost(struct ask *ask)
{
	struct task *task = ask->task;

	if (task->signing != NULL) {
		signing_lost(ask);
		return;
	}
	ask_free(&ask);
	task_done(task, RC_HSM_LOST, 0);
}

void ask_returned(struct ask *ask)
{
	struct task *task = ask->task;

	if (task->signing != NULL) {
		signing_returned(ask);
		return;
	}
	if (ask_place(ask, 0) == RC_OK)
		return;
	ask_free(&ask);
	task_done(task, RC_HSM_DOWN, 0);
}

bool ask_pointless(const struct ask *ask)
{
	return ask->task->signing != NULL && signing_failed(ask->task->signing);
}

/* ---- the interface ---- */

rc_t hsm_client_new(struct loop *loop, struct hsm_client_limits limits, struct hsm_client **client)
{
	struct hsm_client *fresh = calloc(1, sizeof(*fresh));

	if (fresh == NULL)
		return RC_NO_MEMORY;
	fresh->loop = loop;
	fresh->limits = limits;
	fresh->done_end = &fresh->done;
	rc_t rc = loop_timer_new(loop, client_deliver, fresh, &fresh->deliver);
	if (rc != RC_OK) {
		free(fresh);
		return rc;
	}
	*client = fresh;
	return RC_OK;
}

void hsm_client_free(struct hsm_client **client)
{
	struct hsm_client *old = *client;

	if (old == NULL)
		return;
	old->closing = true;
	for (int role = 0; role < SAM_ROLES; role++) {
		for (unsigned i = 0; i < old->seen[role]; i++)
			link_free(&old->links[role][i]);
	}
	while (old->done != NULL)
		client_deliver(old);
	loop_timer_free(&old->deliver);
	free(old);
	*client = NULL;
}

rc_t hsm_client_attach(struct hsm_client *client, enum sam_role role, unsigned index, int fd)
{
	if ((unsigned)role >= SAM_ROLES || index >= LINKS_MAX || client->closing) {
		close(fd);
		return RC_RANGE;
	}
	struct link **link = &client->links[role][index];
	rc_t rc = *link == NULL ? link_new(client, role, index, link) : RC_OK;

	if (rc != RC_OK) {
		close(fd);
		return rc;
	}
	if (client->seen[role] <= index)
		client->seen[role] = index + 1;
	return link_attach(*link, fd);
}

void hsm_client_on_lost(struct hsm_client *client, hsm_lost_fn fn, void *arg)
{
	client->on_lost = fn;
	client->on_lost_arg = arg;
}

bool hsm_client_ready(const struct hsm_client *client)
{
	for (int role = 0; role < SAM_ROLES; role++) {
		bool ready = false;
		for (unsigned i = 0; i < client->seen[role]; i++)
			ready = ready || link_ready(client->links[role][i]);
		if (!ready)
			return false;
	}
	return true;
}

static int64_t role_work_us(const struct hsm_client *client, enum sam_role role)
{
	uint64_t work_us = 0, links = 0;

	for (unsigned i = 0; i < client->seen[role]; i++) {
		const struct link *link = client->links[role][i];
		if (link == NULL || !link_takes(link))
			continue;
		work_us += link_work_us(link);
		links++;
	}
	return links == 0 ? 0 : (int64_t)(work_us / links);
}

int64_t hsm_client_work_us(const struct hsm_client *client)
{
	int64_t most_us = 0;

	for (int role = 0; role < SAM_ROLES; role++) {
		int64_t work_us = role_work_us(client, (enum sam_role)role);
		if (work_us > most_us)
			most_us = work_us;
	}
	return most_us;
}

void hsm_client_load(const struct hsm_client *client, enum sam_role role, struct hsm_load *load)
{
	*load = (struct hsm_load){0};
	for (unsigned i = 0; i < client->seen[role]; i++) {
		const struct link *link = client->links[role][i];
		if (link == NULL)
			continue;
		load->seen++;
		load->ready += link_ready(link);
		load->waiting += link_waiting(link);
		load->in_flight += link_in_flight(link);
	}
}

/* The job's own fault, or the database's: a row that was edited does not encode. */
static rc_t rc_of_encoding(rc_t rc)
{
	return rc == RC_FORMAT ? RC_HSM_REFUSED : rc;
}

/* Takes the body over. */
static void client_submit(struct task *task, rc_t encoded, struct buf *body, unsigned cost_us)
{
	struct ask *ask = NULL;
	rc_t rc = rc_of_encoding(encoded);

	if (rc == RC_OK && body->len > FRAME_BODY_MAX)
		rc = RC_TOO_LONG;
	if (rc == RC_OK) {
		ask = ask_new(task, buf_span(body), cost_us);
		rc = ask == NULL ? RC_NO_MEMORY : ask_place(ask, 0);
	}
	buf_free(body);
	if (rc == RC_OK)
		return;
	ask_free(&ask);
	task_done(task, rc, 0);
}

void hsm_client_enrol(
	struct hsm_client *client, const struct job_enrol *job, hsm_answer_fn fn, void *arg)
{
	struct task *task = task_new(client, FRAME_ENROL, SAM_ISSUE, fn, arg);
	struct buf body = BUF_INIT;
	rc_t rc = proto_enrol_encode(&body, job);

	client_submit(task, rc, &body, COST_ENROL_US);
}

void hsm_client_activate(
	struct hsm_client *client, const struct job_activate *job, hsm_answer_fn fn, void *arg)
{
	struct task *task = task_new(client, FRAME_ACTIVATE, SAM_ISSUE, fn, arg);
	struct buf body = BUF_INIT;
	rc_t rc = proto_activate_encode(&body, job);

	client_submit(task, rc, &body, COST_ACTIVATE_US);
}

void hsm_client_authorize(
	struct hsm_client *client, const struct job_authorize *job, hsm_answer_fn fn, void *arg)
{
	struct task *task = task_new(client, FRAME_AUTHORIZE, SAM_ACTIVATE, fn, arg);
	struct buf body = BUF_INIT;
	rc_t rc = proto_authorize_encode(&body, job);

	task->choice = CHOICE_PINNED;
	task->credential = job->factors.key.credential;
	client_submit(task, rc, &body, COST_AUTHORIZE_US);
}

void hsm_client_change_pin(
	struct hsm_client *client, const struct job_change_pin *job, hsm_answer_fn fn, void *arg)
{
	struct task *task = task_new(client, FRAME_CHANGE_PIN, SAM_ACTIVATE, fn, arg);
	struct buf body = BUF_INIT;
	rc_t rc = proto_change_pin_encode(&body, job);

	task->choice = CHOICE_PINNED;
	task->credential = job->factors.key.credential;
	client_submit(task, rc, &body, COST_AUTHORIZE_US);
}

void hsm_client_prove(
	struct hsm_client *client, const struct job_prove *job, hsm_answer_fn fn, void *arg)
{
	struct task *task = task_new(client, FRAME_PROVE, SAM_ACTIVATE, fn, arg);
	struct buf body = BUF_INIT;
	rc_t rc = proto_prove_encode(&body, job);

	task->choice = CHOICE_PINNED;
	task->credential = job->factors.key.credential;
	client_submit(task, rc, &body, COST_PASSWORD_US);
}

void hsm_client_password_check(struct hsm_client *client, const struct job_password_check *job,
	hsm_answer_fn fn, void *arg)
{
	struct task *task = task_new(client, FRAME_PASSWORD_CHECK, SAM_ACTIVATE, fn, arg);
	struct buf body = BUF_INIT;
	rc_t rc = proto_password_check_encode(&body, job);

	client_submit(task, rc, &body, COST_PASSWORD_US);
}

void hsm_client_sign(
	struct hsm_client *client, struct hsm_signing **signing, hsm_answer_fn fn, void *arg)
{
	struct task *task = task_new(client, FRAME_SIGN, SAM_SIGN, fn, arg);

	task->choice = CHOICE_RESIDENT;
	signing_start(task, *signing);
	*signing = NULL;
}

void hsm_client_extend(
	struct hsm_client *client, const struct job_extend *job, hsm_answer_fn fn, void *arg)
{
	struct task *task = task_new(client, FRAME_EXTEND, SAM_SIGN, fn, arg);
	struct buf body = BUF_INIT;
	rc_t rc = proto_extend_encode(&body, job);

	task->choice = CHOICE_RESIDENT;
	task->credential = job->terms.credential;
	client_submit(task, rc, &body, COST_EXTEND_US);
}

void hsm_client_crl(
	struct hsm_client *client, const struct job_crl *job, hsm_answer_fn fn, void *arg)
{
	struct task *task = task_new(client, FRAME_CRL, SAM_ISSUE, fn, arg);
	struct buf body = BUF_INIT;
	rc_t rc = proto_crl_encode(&body, job);

	client_submit(task, rc, &body, COST_CRL_US);
}

void hsm_client_token_key(
	struct hsm_client *client, const struct job_token_key *job, hsm_answer_fn fn, void *arg)
{
	struct task *task = task_new(client, FRAME_TOKEN_KEY, SAM_ISSUE, fn, arg);
	struct buf body = BUF_INIT;
	rc_t rc = proto_token_key_encode(&body, job);

	client_submit(task, rc, &body, COST_TOKEN_KEY_US);
}
