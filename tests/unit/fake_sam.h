/*
 * The other end of a link: a SAM that does what a test tells it. It lives on the test's own loop,
 * so nothing depends on time but what is about time-outs.
 */
#ifndef TESTS_FAKE_SAM_H
#define TESTS_FAKE_SAM_H

#include "hsm/client.h"
#include "hsm/proto.h"

#include <event2/event.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#define FAKE_FRAMES 256
#define GUARD_MS 20000

struct fake_frame {
	enum frame_kind kind;
	uint64_t job;
	struct buf body;
};

struct fake_sam {
	int fd;
	struct loop_watch *watch;
	struct buf in;
	struct fake_frame frames[FAKE_FRAMES];
	size_t got, answered;
	size_t most_waiting; /* that were there at a time */
	size_t reads;	     /* that brought bytes */
	bool closed;	     /* the client closed */
	bool obliging;	     /* answers each frame at once */
};

struct heard {
	unsigned calls;
	rc_t rc;
	unsigned retry_after_s;
	struct buf bytes; /* of a CRL, or the signatures one after another */
	size_t count;
	unsigned order; /* which callback of the test it was */
};

struct world {
	struct loop *loop;
	struct hsm_client *client;
	struct loop_timer *guard;
	struct fake_sam sams[SAM_ROLES][4];
	unsigned lost[SAM_ROLES][4];
};

static unsigned callbacks; /* of all jobs of a test */

static inline void world_on_guard(void *arg)
{
	(void)arg;
	fail_msg("what the test waits for did not happen");
}

static inline void world_on_lost(void *arg, enum sam_role role, unsigned index)
{
	struct world *world = arg;

	world->lost[role][index]++;
}

static inline void world_open(struct world *world, struct hsm_client_limits limits)
{
	*world = (struct world){0};
	callbacks = 0;
	for (int role = 0; role < SAM_ROLES; role++) {
		for (int i = 0; i < 4; i++)
			world->sams[role][i].fd = -1;
	}
	assert_int_equal(loop_new(&world->loop), RC_OK);
	assert_int_equal(hsm_client_new(world->loop, limits, &world->client), RC_OK);
	assert_int_equal(loop_timer_new(world->loop, world_on_guard, world, &world->guard), RC_OK);
	loop_timer_set(world->guard, GUARD_MS);
	hsm_client_on_lost(world->client, world_on_lost, world);
}

/* One turn of the loop. */
static inline void turn(struct world *world)
{
	assert_true(event_base_loop(loop_base(world->loop), EVLOOP_ONCE) >= 0);
}

#define turn_until(world, condition) \
	while (!(condition))         \
	turn(world)

/* As many turns as anything that is ready needs: for what must not happen. */
static inline void settle(struct world *world)
{
	for (int i = 0; i < 20; i++)
		assert_true(event_base_loop(
				    loop_base(world->loop), EVLOOP_ONCE | EVLOOP_NONBLOCK) >= 0);
}

/* ---- the SAM ---- */

static inline void fake_send(struct fake_sam *sam, struct span bytes)
{
	assert_true(send(sam->fd, bytes.data, bytes.len, MSG_NOSIGNAL) == (ssize_t)bytes.len);
}

static inline void fake_send_frame(
	struct fake_sam *sam, enum frame_kind kind, uint64_t job, struct span body)
{
	struct buf frame = BUF_INIT;

	assert_int_equal(frame_put(&frame, kind, job, body), RC_OK);
	fake_send(sam, buf_span(&frame));
	buf_free(&frame);
}

static inline void fake_hello(struct fake_sam *sam, enum sam_role role, unsigned index)
{
	struct frame_hello hello = {role, index, 1};
	struct buf body = BUF_INIT;

	assert_int_equal(proto_hello_encode(&body, &hello), RC_OK);
	fake_send_frame(sam, FRAME_HELLO, 0, buf_span(&body));
	buf_free(&body);
}

/* Each signature is the index that was signed, in one byte or two. */
static inline void fake_sign(struct buf *out, struct span body)
{
	static uint32_t indices[HASHES_MAX];
	struct job_sign job;
	struct job_signed answer = {0};

	assert_int_equal(proto_sign_decode(&job, indices, body), RC_OK);
	answer.signatures = calloc((size_t)job.index_count, sizeof(struct buf));
	answer.count = job.index_count;
	for (uint64_t i = 0; i < job.index_count; i++) {
		uint8_t name[2] = {(uint8_t)(job.indices[i] >> 8), (uint8_t)job.indices[i]};
		assert_int_equal(buf_append(&answer.signatures[i], name, 2), RC_OK);
	}
	assert_int_equal(proto_signed_encode(out, &answer), RC_OK);
	job_signed_free(&answer);
}

/* The oldest frame that waits is answered; a CRL's answer is the number that was asked for. */
static inline void fake_answer(struct fake_sam *sam, rc_t rc, unsigned retry_after_s)
{
	struct buf out = BUF_INIT;

	assert_true(sam->answered < sam->got);
	struct fake_frame *frame = &sam->frames[sam->answered++];
	assert_int_equal(proto_answer_encode(&out, rc, retry_after_s), RC_OK);
	if (rc == RC_OK && frame->kind == FRAME_SIGN)
		fake_sign(&out, buf_span(&frame->body));
	if (rc == RC_OK && frame->kind == FRAME_CRL) {
		struct job_crl_made made = {.crl = {frame->body.data, 8, 8}};
		assert_int_equal(proto_crl_made_encode(&out, &made), RC_OK);
	}
	fake_send_frame(sam, frame->kind, frame->job, buf_span(&out));
	buf_free(&out);
}

static inline void fake_take(struct fake_sam *sam)
{
	struct frame_header header;

	while (sam->in.len >= FRAME_HEADER_LEN) {
		assert_int_equal(frame_header_decode(sam->in.data, &header), RC_OK);
		size_t len = FRAME_HEADER_LEN + header.body_len;
		if (sam->in.len < len)
			return;
		assert_true(sam->got < FAKE_FRAMES);
		struct fake_frame *frame = &sam->frames[sam->got++];
		frame->kind = header.kind;
		frame->job = header.job;
		assert_int_equal(
			buf_append(&frame->body, sam->in.data + FRAME_HEADER_LEN, header.body_len),
			RC_OK);
		memmove(sam->in.data, sam->in.data + len, sam->in.len - len);
		sam->in.len -= len;
	}
}

static inline void fake_on_read(void *arg)
{
	struct fake_sam *sam = arg;
	uint8_t bytes[65536];
	ssize_t got = recv(sam->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		sam->closed = true;
		loop_watch_free(&sam->watch);
		return;
	}
	sam->reads++;
	assert_int_equal(buf_append(&sam->in, bytes, (size_t)got), RC_OK);
	fake_take(sam);
	if (sam->got - sam->answered > sam->most_waiting)
		sam->most_waiting = sam->got - sam->answered;
	while (sam->obliging && sam->answered < sam->got)
		fake_answer(sam, RC_OK, 0);
}

static inline void fake_close(struct fake_sam *sam)
{
	loop_watch_free(&sam->watch);
	if (sam->fd >= 0)
		close(sam->fd);
	buf_free(&sam->in);
	for (size_t i = 0; i < sam->got; i++)
		buf_free(&sam->frames[i].body);
	*sam = (struct fake_sam){.fd = -1};
}

/* A SAM that has not greeted; what stood at its place is forgotten. */
static inline struct fake_sam *fake_open(struct world *world, enum sam_role role, unsigned index)
{
	struct fake_sam *sam = &world->sams[role][index];
	int fds[2];

	fake_close(sam);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	sam->fd = fds[1];
	assert_int_equal(
		loop_watch_new(world->loop, sam->fd, fake_on_read, NULL, sam, &sam->watch), RC_OK);
	assert_int_equal(loop_watch_want(sam->watch, LOOP_READ), RC_OK);
	assert_int_equal(hsm_client_attach(world->client, role, index, fds[0]), RC_OK);
	return sam;
}

static inline struct fake_sam *fake_ready(struct world *world, enum sam_role role, unsigned index)
{
	struct fake_sam *sam = fake_open(world, role, index);

	fake_hello(sam, role, index);
	settle(world);
	return sam;
}

static inline void world_close(struct world *world)
{
	hsm_client_free(&world->client);
	for (int role = 0; role < SAM_ROLES; role++) {
		for (int i = 0; i < 4; i++)
			fake_close(&world->sams[role][i]);
	}
	loop_timer_free(&world->guard);
	loop_free(&world->loop);
}

/* ---- the caller ---- */

static inline void heard_one(struct heard *heard, const struct hsm_answer *answer)
{
	heard->calls++;
	heard->order = ++callbacks;
	heard->rc = answer->rc;
	heard->retry_after_s = answer->retry_after_s;
}

static inline void heard_plain(void *arg, struct hsm_answer *answer)
{
	heard_one(arg, answer);
}

static inline void heard_crl(void *arg, struct hsm_answer *answer)
{
	struct heard *heard = arg;

	heard_one(heard, answer);
	if (answer->rc != RC_OK)
		return;
	heard->bytes = answer->crl->crl; /* taken over */
	answer->crl->crl = BUF_INIT;
}

static inline void heard_signed(void *arg, struct hsm_answer *answer)
{
	struct heard *heard = arg;

	heard_one(heard, answer);
	if (answer->rc != RC_OK)
		return;
	heard->count = (size_t)answer->signed_->count;
	for (size_t i = 0; i < heard->count; i++)
		assert_int_equal(
			buf_append_span(&heard->bytes, buf_span(&answer->signed_->signatures[i])),
			RC_OK);
}

static inline void ask_crl(struct world *world, uint64_t number, struct heard *heard)
{
	struct job_crl job = {.number = number};

	hsm_client_crl(world->client, &job, heard_crl, heard);
}

static inline void assert_heard(const struct heard *heard, rc_t rc)
{
	assert_int_equal(heard->calls, 1);
	assert_string_equal(rc_name(heard->rc), rc_name(rc));
}

/* Those that came out so, each once; what they brought is freed. */
static inline void assert_all_heard(struct heard *heard, size_t count, rc_t rc)
{
	for (size_t i = 0; i < count; i++) {
		assert_heard(&heard[i], rc);
		buf_free(&heard[i].bytes);
	}
}

/* And in the order in which they were asked for. */
static inline void assert_all_in_order(struct heard *heard, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert_int_equal(heard[i].order, i + 1);
	assert_all_heard(heard, count, RC_OK);
}

/* CRLs with the numbers from 1 on. */
static inline void ask_crls(struct world *world, struct heard *heard, size_t count)
{
	for (size_t i = 0; i < count; i++)
		ask_crl(world, i + 1, &heard[i]);
}

static inline void assert_crl_numbers(const struct heard *heard, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert_int_equal(heard[i].bytes.data[7], i + 1);
}

/* A CRL that no socket takes at once. */
#define LONG_LIST 20000
static inline void ask_long_crl(
	struct world *world, uint64_t number, size_t count, struct heard *heard)
{
	static struct crl_entry entries[LONG_LIST];
	struct job_crl job = {.number = number, .entries = entries, .count = count};

	for (size_t i = 0; i < LONG_LIST; i++)
		entries[i].serial_len = 20;
	hsm_client_crl(world->client, &job, heard_crl, heard);
}

static inline struct sad_terms fake_terms(uint8_t credential, const uint8_t *hashes, size_t count)
{
	return (struct sad_terms){.credential = {{credential, credential, credential, credential}},
		.scal = SCAL_2,
		.digest = DIGEST_SHA256,
		.hashes = SPAN(hashes, count * SHA256_LEN),
		.hash_count = count,
		.start_ms = 1,
		.end_ms = 2};
}

/* The one hash of a credential. */
static inline void ask_to_sign(
	struct world *world, enum key_kind key, const struct job_sign *job, struct heard *heard)
{
	struct hsm_signing *signing = NULL;

	assert_int_equal(hsm_signing_new(key, job, &signing), RC_OK);
	hsm_client_sign(world->client, &signing, heard_signed, heard);
	assert_null(signing);
}

static inline void sign_one(
	struct world *world, uint8_t credential, enum key_kind key, struct heard *heard)
{
	static const uint32_t zero[] = {0};
	static const uint8_t hash[SHA256_LEN];
	static const uint8_t secret[SAD_SECRET_LEN];
	struct job_sign job = {.terms = fake_terms(credential, hash, 1),
		.secret = SPAN(secret, sizeof(secret)),
		.scheme = SCHEME_ECDSA,
		.indices = zero,
		.index_count = 1};

	ask_to_sign(world, key, &job, heard);
}

static inline void sign_ones(struct world *world, uint8_t credential, enum key_kind key,
	struct heard *heard, size_t count)
{
	for (size_t i = 0; i < count; i++)
		sign_one(world, credential, key, &heard[i]);
}

#endif
