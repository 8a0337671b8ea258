/*
 * The api process's side of the SAMs: queues, choice of a SAM, time-outs. Callbacks run once, on
 * the loop, after the submitting call has returned. The request's spans need to live only until the
 * submitting call returns (it encodes at once); the answer lives until the callback returns, and
 * its buffers may be taken over by setting them to BUF_INIT.
 *
 * rc of a callback: what the SAM said, or
 * RC_HSM_DOWN   no SAM of that role is up, or its queue is full: nothing was started
 * RC_HSM_LOST   the SAM died or timed out with this job: what it did is not known
 */
#ifndef HSM_CLIENT_H
#define HSM_CLIENT_H

#include "base/loop.h"
#include "hsm/jobs.h"

struct hsm_client;

struct hsm_client_limits {
	int64_t job_timeout_ms;
	size_t queue_max; /* jobs waiting at one SAM */
};

struct hsm_answer {
	rc_t rc;
	unsigned retry_after_s;
	union {
		struct job_enrolled *enrolled;
		struct job_activated *activated;
		struct job_authorized *authorized;
		struct job_signed *signed_;
		struct job_extended *extended;
		struct job_crl_made *crl;
		struct job_password_checked *password;
		struct job_pin_changed *pin;
		struct job_proved *proved;
		struct job_token_key_given *token_key;
	}; /* valid only with RC_OK */
};

typedef void (*hsm_answer_fn)(void *arg, struct hsm_answer *answer);

must_check rc_t hsm_client_new(
	struct loop *loop, struct hsm_client_limits limits, struct hsm_client **client);
/* Answers every waiting job with RC_HSM_LOST or RC_HSM_DOWN, then closes. */
void hsm_client_free(struct hsm_client **client);

/* A (new) SAM of that role is reached by fd, which the client owns from now on; replaces a dead one
 * with the same index. */
must_check rc_t hsm_client_attach(
	struct hsm_client *client, enum sam_role role, unsigned index, int fd);
/* Called when a SAM was given up (time-out, bad frame, closed socket): the supervisor ends it. */
typedef void (*hsm_lost_fn)(void *arg, enum sam_role role, unsigned index);
void hsm_client_on_lost(struct hsm_client *client, hsm_lost_fn fn, void *arg);

/* Is at least one SAM of each role up, and has it answered the greeting that proves its keys? */
bool hsm_client_ready(const struct hsm_client *client);

/* How busy the SAMs of a role are. */
struct hsm_load {
	size_t seen;		   /* places that ever had a SAM */
	size_t ready;		   /* SAMs that take jobs now */
	size_t waiting, in_flight; /* jobs, or pieces of large ones */
};
void hsm_client_load(const struct hsm_client *client, enum sam_role role, struct hsm_load *load);
/* How long it is, about, until a role's SAMs have done what they were asked: that of the busiest
 * role, microseconds. */
int64_t hsm_client_work_us(const struct hsm_client *client);

void hsm_client_enrol(struct hsm_client *, const struct job_enrol *, hsm_answer_fn, void *arg);
void hsm_client_activate(
	struct hsm_client *, const struct job_activate *, hsm_answer_fn, void *arg);
/* Always to the same SAM for one credential: it keeps that credential's failure budget. */
void hsm_client_authorize(
	struct hsm_client *, const struct job_authorize *, hsm_answer_fn, void *arg);
/* Likewise, with the same budget. */
void hsm_client_change_pin(
	struct hsm_client *, const struct job_change_pin *, hsm_answer_fn, void *arg);
void hsm_client_prove(struct hsm_client *, const struct job_prove *, hsm_answer_fn, void *arg);
void hsm_client_password_check(
	struct hsm_client *, const struct job_password_check *, hsm_answer_fn, void *arg);
/* A job to sign, written down for a SAM: nothing that `job` points to has to stay. RC_HSM_REFUSED:
 * it has no form that a SAM would take (a row of the database was edited). */
struct hsm_signing;
must_check rc_t hsm_signing_new(
	enum key_kind key, const struct job_sign *job, struct hsm_signing **signing);
void hsm_signing_free(struct hsm_signing **signing);
/* Takes it over. Cuts large jobs into pieces of about 20 ms, a piece a SAM at a time, and joins the
 * answers; all or nothing: when one piece fails the rest is not started and rc says why.
 * RC_HSM_LOST as soon as a piece may have signed. */
void hsm_client_sign(struct hsm_client *, struct hsm_signing **signing, hsm_answer_fn, void *arg);
void hsm_client_extend(struct hsm_client *, const struct job_extend *, hsm_answer_fn, void *arg);
void hsm_client_crl(struct hsm_client *, const struct job_crl *, hsm_answer_fn, void *arg);
void hsm_client_token_key(
	struct hsm_client *, const struct job_token_key *, hsm_answer_fn, void *arg);

#endif
