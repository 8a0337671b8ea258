/*
 * Inside the pool of SAMs. A task is what a caller asked for; an ask is one frame of it, at one
 * link; a link is the socket to one SAM. A task is one ask, but a large signing task is cut into
 * several (client_sign.c).
 *
 * Links never call the callers: a finished task is put on a list, which the loop delivers.
 */
#ifndef HSM_CLIENT_INTERNAL_H
#define HSM_CLIENT_INTERNAL_H

#include "hsm/client.h"
#include "hsm/proto.h"

#define LINKS_MAX 64 /* SAMs of one role */
/* Asks that a SAM has at a time, so that it never waits for us: this many of any kind, and more as
 * long as those behind the first one are soon done. What is in flight is lost with the SAM. */
#define IN_FLIGHT_MIN 4
#define IN_FLIGHT_MAX 32
#define IN_FLIGHT_US 5000
#define PIECE_US 20000 /* what others may have to wait behind one ask */

struct link;

/* Which SAM of its role a task goes to. */
enum task_choice {
	CHOICE_ANY,	 /* the least busy one */
	CHOICE_RESIDENT, /* the one that may hold the credential's key, unless it is too busy */
	CHOICE_PINNED,	 /* always that of the credential: it keeps its failure budget */
};

union task_answer {
	struct job_enrolled enrolled;
	struct job_activated activated;
	struct job_authorized authorized;
	struct job_signed signed_;
	struct job_extended extended;
	struct job_crl_made crl;
	struct job_password_checked password;
	struct job_pin_changed pin;
	struct job_proved proved;
	struct job_token_key_given token_key;
};

struct task {
	struct task *next;
	struct hsm_client *client;
	enum frame_kind kind;
	enum sam_role role;
	enum task_choice choice;
	struct id credential; /* for CHOICE_RESIDENT and CHOICE_PINNED */
	hsm_answer_fn fn;
	void *arg;
	int64_t asked_us; /* monotonic */
	rc_t rc;
	unsigned retry_after_s;
	union task_answer answer;    /* with RC_OK */
	struct hsm_signing *signing; /* FRAME_SIGN only */
};

struct ask {
	struct ask *next;
	struct task *task;
	uint64_t job;
	struct buf frame; /* empty once it is with the SAM */
	size_t written;
	unsigned cost_us;  /* about, */
	unsigned least_us; /* and without what a SAM that is prepared saves */
	unsigned link_index;
	size_t first, count; /* a piece of a signing task: which of its indices */
};

struct ask_list {
	struct ask *first, **end;
	size_t count;
};

struct hsm_client {
	struct loop *loop;
	struct hsm_client_limits limits;
	struct loop_timer *deliver;
	struct task *done, **done_end;
	uint64_t last_job;
	bool closing;
	hsm_lost_fn on_lost;
	void *on_lost_arg;
	struct link *links[SAM_ROLES][LINKS_MAX]; /* NULL: never attached */
	unsigned seen[SAM_ROLES];		  /* indices attached so far */
};

/* ---- links: client_link.c ---- */

must_check rc_t link_new(
	struct hsm_client *client, enum sam_role role, unsigned index, struct link **link);
void link_free(struct link **link);
/* fd is the link's from now on. What was there before is given up without a report. */
must_check rc_t link_attach(struct link *link, int fd);
bool link_takes(const struct link *link); /* attached, and not about to end */
bool link_ready(const struct link *link); /* takes, and has proved its keys */
bool link_full(const struct link *link);
/* Of all asks that it has: their cost_us, their least_us. */
uint64_t link_backlog_us(const struct link *link);
uint64_t link_work_us(const struct link *link);
size_t link_waiting(const struct link *link);
size_t link_in_flight(const struct link *link);
/* The ask is the link's, until it gives it back by one of the ask_ functions. */
void link_put(struct link *link, struct ask *ask);

/* ---- tasks and asks: client.c ---- */

/* Answers the caller, later. */
void task_done(struct task *task, rc_t rc, unsigned retry_after_s);

/* An ask of the task with that body; NULL without memory, or if the body is too long. Its least_us
 * is its cost_us. ask_of_frame() takes over a frame that was begun (frame_begin()), in every case.
 */
struct ask *ask_new(struct task *task, struct span body, unsigned cost_us);
struct ask *ask_of_frame(struct task *task, struct buf *frame, unsigned cost_us);
void ask_free(struct ask **ask);
/* Gives it to a SAM whose bit in `avoid` is not set; RC_HSM_DOWN if none takes it. */
must_check rc_t ask_place(struct ask *ask, uint64_t avoid);
/* From the link, which has no use for the ask afterwards. RC_FORMAT: that is no answer, end the
 * link (the ask is then lost). */
must_check rc_t ask_answered(struct ask *ask, struct span body);
void ask_lost(struct ask *ask);	    /* the SAM may have done it */
void ask_returned(struct ask *ask); /* the SAM never had it */
/* Not worth sending any more? */
bool ask_pointless(const struct ask *ask);

/* ---- signing tasks: client_sign.c ---- */

/* The task's own from now on. */
void signing_start(struct task *task, struct hsm_signing *signing);
must_check rc_t signing_answered(
	struct ask *ask, rc_t said, unsigned retry_after_s, struct span rest);
void signing_lost(struct ask *ask);
void signing_returned(struct ask *ask);
bool signing_failed(const struct hsm_signing *signing);

#endif
