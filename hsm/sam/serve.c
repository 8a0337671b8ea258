#include "hsm/sam/serve.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "hsm/proto.h"

#include <openssl/crypto.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define INPUT_LEN 65536
#define ANSWER_WAIT_US 2000
#define BRIEF_COUNT 2 /* signatures of a brief job */

/* A handler's answer goes to `out`; RC_FORMAT when the body is none of its kind. */
typedef rc_t (*serve_fn)(struct sam *sam, struct span body, struct buf *out);

static rc_t serve_enrol(struct sam *sam, struct span body, struct buf *out)
{
	struct job_enrol job;
	struct job_enrolled answer;
	rc_t rc = proto_enrol_decode(&job, body);

	if (rc != RC_OK)
		return RC_FORMAT;
	rc_t said = sam_enrol(sam, &job, &answer);
	rc = proto_answer_encode(out, said, 0);
	if (rc == RC_OK && said == RC_OK)
		rc = proto_enrolled_encode(out, &answer);
	return rc;
}

static rc_t serve_activate(struct sam *sam, struct span body, struct buf *out)
{
	char factors[FACTORS_MAX];
	struct job_activate job;
	struct job_activated answer = {.generation = 0};
	rc_t rc = proto_activate_decode(&job, factors, body);

	if (rc != RC_OK)
		return RC_FORMAT;
	rc_t said = sam_activate(sam, &job, &answer);
	rc = proto_answer_encode(out, said, 0);
	if (rc == RC_OK && said == RC_OK)
		rc = proto_activated_encode(out, &answer);
	job_activated_free(&answer);
	return rc;
}

static rc_t serve_authorize(struct sam *sam, struct span body, struct buf *out)
{
	char factors[FACTORS_MAX];
	struct job_authorize job;
	struct job_authorized answer = {.otp_step = 0};
	unsigned retry_after_s = 0;
	rc_t rc = proto_authorize_decode(&job, factors, body);

	if (rc != RC_OK)
		return RC_FORMAT;
	rc_t said = sam_authorize(sam, &job, &answer, &retry_after_s);
	rc = proto_answer_encode(out, said, retry_after_s);
	if (rc == RC_OK && said == RC_OK)
		rc = proto_authorized_encode(out, &answer);
	job_authorized_free(&answer);
	return rc;
}

static rc_t serve_sign(struct sam *sam, struct span body, struct buf *out)
{
	uint32_t indices[HASHES_MAX];
	struct job_sign job;
	struct job_signed answer = {NULL, 0};
	rc_t rc = proto_sign_decode(&job, indices, body);

	if (rc != RC_OK)
		return RC_FORMAT;
	rc_t said = sam_sign(sam, &job, &answer);
	rc = proto_answer_encode(out, said, 0);
	if (rc == RC_OK && said == RC_OK)
		rc = proto_signed_encode(out, &answer);
	job_signed_free(&answer);
	return rc;
}

static rc_t serve_extend(struct sam *sam, struct span body, struct buf *out)
{
	uint32_t keep[HASHES_MAX];
	struct job_extend job;
	struct job_extended answer = {BUF_INIT, BUF_INIT};
	rc_t rc = proto_extend_decode(&job, keep, body);

	if (rc != RC_OK)
		return RC_FORMAT;
	rc_t said = sam_extend(sam, &job, &answer);
	rc = proto_answer_encode(out, said, 0);
	if (rc == RC_OK && said == RC_OK)
		rc = proto_extended_encode(out, &answer);
	job_extended_free(&answer);
	return rc;
}

static rc_t serve_crl(struct sam *sam, struct span body, struct buf *out)
{
	struct crl_entry *entries = NULL;
	struct job_crl job;
	struct job_crl_made answer = {BUF_INIT};
	rc_t rc = proto_crl_decode(&job, &entries, body);

	if (rc != RC_OK)
		return RC_FORMAT;
	rc_t said = sam_crl(sam, &job, &answer);
	free(entries);
	rc = proto_answer_encode(out, said, 0);
	if (rc == RC_OK && said == RC_OK)
		rc = proto_crl_made_encode(out, &answer);
	job_crl_made_free(&answer);
	return rc;
}

static rc_t serve_token_key(struct sam *sam, struct span body, struct buf *out)
{
	struct job_token_key job;
	struct job_token_key_given answer = {BUF_INIT};
	rc_t rc = proto_token_key_decode(&job, body);

	if (rc != RC_OK)
		return RC_FORMAT;
	rc_t said = sam_token_key(sam, &job, &answer);
	rc = proto_answer_encode(out, said, 0);
	if (rc == RC_OK && said == RC_OK)
		rc = proto_token_key_given_encode(out, &answer);
	job_token_key_given_free(&answer);
	return rc;
}

static rc_t serve_password_check(struct sam *sam, struct span body, struct buf *out)
{
	struct job_password_check job;
	struct job_password_checked answer;
	rc_t rc = proto_password_check_decode(&job, body);

	if (rc != RC_OK)
		return RC_FORMAT;
	rc_t said = sam_password_check(sam, &job, &answer);
	rc = proto_answer_encode(out, said, 0);
	if (rc == RC_OK && said == RC_OK)
		rc = proto_password_checked_encode(out, &answer);
	return rc;
}

static rc_t serve_change_pin(struct sam *sam, struct span body, struct buf *out)
{
	char factors[FACTORS_MAX];
	struct job_change_pin job;
	struct job_pin_changed answer = {.otp_step = 0};
	unsigned retry_after_s = 0;
	rc_t rc = proto_change_pin_decode(&job, factors, body);

	if (rc != RC_OK)
		return RC_FORMAT;
	rc_t said = sam_change_pin(sam, &job, &answer, &retry_after_s);
	rc = proto_answer_encode(out, said, retry_after_s);
	if (rc == RC_OK && said == RC_OK)
		rc = proto_pin_changed_encode(out, &answer);
	job_pin_changed_free(&answer);
	return rc;
}

static rc_t serve_prove(struct sam *sam, struct span body, struct buf *out)
{
	char factors[FACTORS_MAX];
	struct job_prove job;
	struct job_proved answer;
	unsigned retry_after_s = 0;
	rc_t rc = proto_prove_decode(&job, factors, body);

	if (rc != RC_OK)
		return RC_FORMAT;
	rc_t said = sam_prove(sam, &job, &answer, &retry_after_s);
	rc = proto_answer_encode(out, said, retry_after_s);
	if (rc == RC_OK && said == RC_OK)
		rc = proto_proved_encode(out, &answer);
	return rc;
}

/* A signature or two: what waits for it waits no longer than it would behind another's. */
static bool sign_is_brief(struct span body)
{
	uint32_t indices[HASHES_MAX];
	struct job_sign job;

	return proto_sign_decode(&job, indices, body) == RC_OK && job.index_count <= BRIEF_COUNT;
}

static const struct serve_row {
	enum frame_kind kind;
	enum sam_role role;
	serve_fn fn;
	bool (*is_brief)(struct span body); /* NULL: never */
} rows[] = {
	{FRAME_ENROL, SAM_ISSUE, serve_enrol, NULL},
	{FRAME_ACTIVATE, SAM_ISSUE, serve_activate, NULL},
	{FRAME_CRL, SAM_ISSUE, serve_crl, NULL},
	{FRAME_TOKEN_KEY, SAM_ISSUE, serve_token_key, NULL},
	{FRAME_AUTHORIZE, SAM_ACTIVATE, serve_authorize, NULL},
	{FRAME_PASSWORD_CHECK, SAM_ACTIVATE, serve_password_check, NULL},
	{FRAME_CHANGE_PIN, SAM_ACTIVATE, serve_change_pin, NULL},
	{FRAME_PROVE, SAM_ACTIVATE, serve_prove, NULL},
	{FRAME_SIGN, SAM_SIGN, serve_sign, sign_is_brief},
	{FRAME_EXTEND, SAM_SIGN, serve_extend, NULL},
};

static const struct serve_row *serve_find(enum frame_kind kind, enum sam_role role)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].kind == kind && rows[i].role == role)
			return &rows[i];
	}
	return NULL;
}

/*
 * Buffers of one conversation, kept from job to job. As much as there is is read at once, and the
 * answers of brief jobs are written together: when nothing whole is left to be worked on, before a
 * job that is not brief, and before any job when ANSWER_WAIT_US have gone since the last writing.
 */
struct conversation {
	struct sam *sam;
	enum sam_role role;
	int fd;
	int stop_fd;	 /* readable: SIGTERM came */
	struct buf in;	 /* what was read, */
	size_t used;	 /* and how much of it is done with, and wiped */
	struct buf body; /* of the answer in the making */
	struct buf out;	 /* answers that are not written yet, */
	int64_t out_us;	 /* and when the job of the first one was begun */
	bool draining;	 /* nothing more comes in */
	enum serve_end why;
};

/* ---- writing ---- */

/* false: the other side is gone. */
static bool flush(struct conversation *talk)
{
	bool written = file_write_all(talk->fd, buf_span(&talk->out));

	buf_clear(&talk->out);
	return written;
}

static bool greet(struct conversation *talk, unsigned index)
{
	struct frame_hello hello = {talk->role, index, (uint64_t)getpid()};

	return proto_hello_encode(&talk->body, &hello) == RC_OK &&
	       frame_put(&talk->out, FRAME_HELLO, 0, buf_span(&talk->body)) == RC_OK && flush(talk);
}

/* ---- reading ---- */

enum wait_result { WAIT_BYTES, WAIT_STOP };

static enum wait_result wait_next(const struct conversation *talk)
{
	struct pollfd wanted[] = {
		{.fd = talk->stop_fd, .events = POLLIN},
		{.fd = talk->fd, .events = POLLIN},
	};

	for (;;) {
		int ready = poll(wanted, 2, -1);
		if (ready < 0 && errno == EINTR)
			continue;
		if (ready < 0 || wanted[0].revents != 0)
			return WAIT_STOP;
		return WAIT_BYTES; /* or the end of them: the read will tell */
	}
}

static struct span rest_of(const struct conversation *talk)
{
	return SPAN(talk->in.data + talk->used, talk->in.len - talk->used);
}

enum next { NEXT_WHOLE, NEXT_CUT, NEXT_BAD };

static enum next next_frame(const struct conversation *talk, struct frame_header *header)
{
	struct span rest = rest_of(talk);

	*header = (struct frame_header){.body_len = 0};
	if (rest.len < FRAME_HEADER_LEN)
		return NEXT_CUT;
	if (frame_header_decode(rest.data, header) != RC_OK)
		return NEXT_BAD;
	return rest.len < FRAME_HEADER_LEN + header->body_len ? NEXT_CUT : NEXT_WHOLE;
}

static void frame_wipe(struct conversation *talk, size_t len)
{
	OPENSSL_cleanse(talk->in.data + talk->used, len);
	talk->used += len;
}

/* What is left of the input goes to the front, and there is room behind it for `len` in all. */
static bool make_room(struct conversation *talk, size_t len)
{
	struct span rest = rest_of(talk);

	if (talk->used > 0 && rest.len > 0) {
		memmove(talk->in.data, rest.data, rest.len);
		OPENSSL_cleanse(talk->in.data + rest.len, talk->used);
	}
	talk->used = 0;
	talk->in.len = rest.len;
	return buf_reserve(&talk->in, len - rest.len) == RC_OK;
}

/* false: nothing more came, and *end says why. */
static bool read_some(
	struct conversation *talk, const struct frame_header *header, enum serve_end *end)
{
	size_t len = FRAME_HEADER_LEN + header->body_len;
	ssize_t got;

	if (len < INPUT_LEN)
		len = INPUT_LEN;
	*end = SERVE_LOST;
	if (!make_room(talk, len))
		return false;
	*end = SERVE_DONE;
	do {
		got = read(talk->fd, talk->in.data + talk->in.len, len - talk->in.len);
	} while (got < 0 && errno == EINTR);
	if (got <= 0)
		return false;
	talk->in.len += (size_t)got;
	return true;
}

/*
 * Nothing more comes in, but what the other side has sent already is answered: it could not know
 * otherwise whether those jobs were done.
 */
static bool drain_begin(struct conversation *talk, enum serve_end why)
{
	talk->draining = true;
	talk->why = why;
	return shutdown(talk->fd, SHUT_RD) == 0;
}

/* ---- one job after another ---- */

/* Before a job is begun: what must not wait for it is written. false: the other side is gone. */
static bool flush_before(struct conversation *talk, bool brief)
{
	int64_t now_us = clock_monotonic_us();

	if (talk->out.len > 0 && brief && now_us - talk->out_us < ANSWER_WAIT_US)
		return true;
	talk->out_us = now_us;
	return flush(talk);
}

static rc_t answer_put(struct conversation *talk, const struct serve_row *row,
	const struct frame_header *header, struct span body)
{
	rc_t rc = RC_FORMAT;

	buf_clear(&talk->body);
	if (row != NULL && sam_is_broken(talk->sam))
		rc = proto_answer_encode(&talk->body, RC_HSM_DOWN, 0);
	else if (row != NULL)
		rc = row->fn(talk->sam, body, &talk->body);
	if (rc == RC_OK)
		rc = frame_put(&talk->out, header->kind, header->job, buf_span(&talk->body));
	buf_clear(&talk->body);
	return rc;
}

/* false: the conversation is over and *end says why. */
static bool answer_one(
	struct conversation *talk, const struct frame_header *header, enum serve_end *end)
{
	const struct serve_row *row = serve_find(header->kind, talk->role);
	struct span body = SPAN(rest_of(talk).data + FRAME_HEADER_LEN, header->body_len);
	bool brief = row != NULL && row->is_brief != NULL && row->is_brief(body);

	*end = SERVE_DONE;
	if (!flush_before(talk, brief))
		return false;
	rc_t rc = answer_put(talk, row, header, body);
	frame_wipe(talk, FRAME_HEADER_LEN + header->body_len);
	if (rc == RC_FORMAT)
		log_error(
			"sam: frame is not for this role, or malformed kind=%d", (int)header->kind);
	if (rc != RC_OK) {
		*end = rc == RC_FORMAT ? SERVE_PROTOCOL : SERVE_LOST;
		return false;
	}
	return brief || flush(talk);
}

/* Between jobs: are more of them taken? false: the conversation is over. */
static bool look_around(struct conversation *talk)
{
	if (talk->draining)
		return true;
	if (sam_is_broken(talk->sam))
		return drain_begin(talk, SERVE_LOST);
	return !sam_is_worn(talk->sam) || drain_begin(talk, SERVE_WORN);
}

/* One frame answered, or more bytes read; false: the conversation is over and *end says why. */
static bool turn(struct conversation *talk, enum serve_end *end)
{
	struct frame_header header;
	enum next next = next_frame(talk, &header);

	if (next == NEXT_WHOLE)
		return answer_one(talk, &header, end) && look_around(talk);
	*end = SERVE_PROTOCOL;
	if (next == NEXT_BAD)
		return false;
	*end = SERVE_DONE;
	if (!flush(talk))
		return false;
	if (!talk->draining && wait_next(talk) == WAIT_STOP)
		return drain_begin(talk, SERVE_DONE);
	return read_some(talk, &header, end);
}

static enum serve_end talk_on(struct conversation *talk)
{
	enum serve_end end = SERVE_DONE;

	while (turn(talk, &end))
		;
	flush(talk); /* what came before a frame that is none */
	return end == SERVE_DONE ? talk->why : end;
}

static int stop_open(void)
{
	sigset_t term;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	return signalfd(-1, &term, SFD_CLOEXEC);
}

enum serve_end serve_run(struct sam *sam, enum sam_role role, unsigned index, int fd)
{
	struct conversation talk = {.sam = sam, .role = role, .fd = fd, .stop_fd = stop_open()};
	enum serve_end end = SERVE_LOST;

	if (talk.stop_fd >= 0 && buf_reserve(&talk.in, INPUT_LEN) == RC_OK)
		end = greet(&talk, index) ? talk_on(&talk) : SERVE_DONE;
	if (talk.stop_fd >= 0)
		close(talk.stop_fd);
	buf_free(&talk.in);
	buf_free(&talk.body);
	buf_free(&talk.out);
	return end;
}
