#include "hsm/sam/serve.h"

#include "base/log.h"
#include "hsm/proto.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

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

static const struct serve_row {
	enum frame_kind kind;
	enum sam_role role;
	serve_fn fn;
} rows[] = {
	{FRAME_ENROL, SAM_ISSUE, serve_enrol},
	{FRAME_ACTIVATE, SAM_ISSUE, serve_activate},
	{FRAME_CRL, SAM_ISSUE, serve_crl},
	{FRAME_AUTHORIZE, SAM_ACTIVATE, serve_authorize},
	{FRAME_SIGN, SAM_SIGN, serve_sign},
	{FRAME_EXTEND, SAM_SIGN, serve_extend},
};

static serve_fn serve_find(enum frame_kind kind, enum sam_role role)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].kind == kind && rows[i].role == role)
			return rows[i].fn;
	}
	return NULL;
}

/* Buffers of one conversation, kept from job to job. */
struct conversation {
	struct sam *sam;
	enum sam_role role;
	int fd;
	int stop_fd; /* readable: SIGTERM came */
	struct buf body, answer, frame;
};

enum wait_result { WAIT_FRAME, WAIT_STOP };

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
		return WAIT_FRAME; /* or the end of it: the read will tell */
	}
}

/* false: the other side is gone. */
static bool read_all(int fd, uint8_t *out, size_t len)
{
	while (len > 0) {
		ssize_t got = read(fd, out, len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		out += got;
		len -= (size_t)got;
	}
	return true;
}

static bool write_all(int fd, struct span bytes)
{
	while (bytes.len > 0) {
		ssize_t put = write(fd, bytes.data, bytes.len);
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return false;
		bytes = SPAN(bytes.data + put, bytes.len - (size_t)put);
	}
	return true;
}

static bool put_frame(
	struct conversation *talk, enum frame_kind kind, uint64_t job, struct span body)
{
	buf_clear(&talk->frame);
	return frame_put(&talk->frame, kind, job, body) == RC_OK &&
	       write_all(talk->fd, buf_span(&talk->frame));
}

static bool greet(struct conversation *talk, unsigned index)
{
	struct frame_hello hello = {talk->role, index, (uint64_t)getpid()};

	buf_clear(&talk->answer);
	return proto_hello_encode(&talk->answer, &hello) == RC_OK &&
	       put_frame(talk, FRAME_HELLO, 0, buf_span(&talk->answer));
}

static enum serve_end answer_one(struct conversation *talk, const struct frame_header *header)
{
	serve_fn fn = serve_find(header->kind, talk->role);
	rc_t rc = RC_FORMAT;

	buf_clear(&talk->answer);
	if (fn != NULL && sam_is_broken(talk->sam))
		rc = proto_answer_encode(&talk->answer, RC_HSM_DOWN, 0);
	else if (fn != NULL)
		rc = fn(talk->sam, buf_span(&talk->body), &talk->answer);
	buf_clear(&talk->body);
	if (rc == RC_FORMAT) {
		log_error(
			"sam: frame is not for this role, or malformed kind=%d", (int)header->kind);
		return SERVE_PROTOCOL;
	}
	if (rc != RC_OK)
		return SERVE_LOST;
	if (!put_frame(talk, header->kind, header->job, buf_span(&talk->answer)))
		return SERVE_DONE;
	buf_clear(&talk->answer);
	buf_clear(&talk->frame);
	return SERVE_DONE;
}

/* One frame in, one out; false: the conversation is over and *end says why. */
static bool turn(struct conversation *talk, enum serve_end *end)
{
	uint8_t head[FRAME_HEADER_LEN];
	struct frame_header header;

	*end = SERVE_DONE;
	if (!read_all(talk->fd, head, sizeof(head)))
		return false;
	*end = SERVE_PROTOCOL;
	if (frame_header_decode(head, &header) != RC_OK || header.body_len > FRAME_BODY_MAX)
		return false;
	*end = SERVE_LOST;
	buf_clear(&talk->body);
	if (buf_reserve(&talk->body, header.body_len) != RC_OK)
		return false;
	*end = SERVE_DONE;
	if (!read_all(talk->fd, talk->body.data, header.body_len))
		return false;
	talk->body.len = header.body_len;
	*end = answer_one(talk, &header);
	return *end == SERVE_DONE;
}

/* Why no more jobs are taken; SERVE_DONE with true: they still are. */
static bool goes_on(const struct conversation *talk, enum serve_end *end)
{
	*end = SERVE_DONE;
	if (sam_is_broken(talk->sam))
		*end = SERVE_LOST;
	else if (sam_is_worn(talk->sam))
		*end = SERVE_WORN;
	return *end == SERVE_DONE;
}

/*
 * Nothing more comes in, but what the other side has sent already is answered: it could not know
 * otherwise whether those jobs were done.
 */
static enum serve_end drain(struct conversation *talk, enum serve_end why)
{
	enum serve_end end = SERVE_DONE;

	if (shutdown(talk->fd, SHUT_RD) != 0)
		return why;
	while (turn(talk, &end))
		;
	return end == SERVE_DONE ? why : end;
}

static int stop_open(void)
{
	sigset_t term;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	return signalfd(-1, &term, SFD_CLOEXEC);
}

static enum serve_end talk_on(struct conversation *talk)
{
	enum serve_end end = SERVE_DONE;

	while (wait_next(talk) == WAIT_FRAME) {
		if (!turn(talk, &end))
			return end;
		if (!goes_on(talk, &end))
			break;
	}
	return drain(talk, end);
}

enum serve_end serve_run(struct sam *sam, enum sam_role role, unsigned index, int fd)
{
	struct conversation talk = {.sam = sam, .role = role, .fd = fd, .stop_fd = stop_open()};
	enum serve_end end = SERVE_LOST;

	if (talk.stop_fd >= 0)
		end = greet(&talk, index) ? talk_on(&talk) : SERVE_DONE;
	if (talk.stop_fd >= 0)
		close(talk.stop_fd);
	buf_free(&talk.body);
	buf_free(&talk.answer);
	buf_free(&talk.frame);
	return end;
}
