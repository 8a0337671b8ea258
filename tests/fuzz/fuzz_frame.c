/* link: hsm */
#include "hsm/proto.h"

#include <stdlib.h>
#include <string.h>

/*
 * First byte: which decoder. What one accepts its encoder must give back byte for byte: there is
 * one encoding for each job.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(rc_t rc, struct buf *again, struct span body)
{
	if (rc != RC_OK || !span_equal(buf_span(again), body))
		abort();
	buf_free(again);
}

static void fuzz_header(struct span input)
{
	struct frame_header header;
	struct buf again = BUF_INIT;

	if (input.len < FRAME_HEADER_LEN || frame_header_decode(input.data, &header) != RC_OK)
		return;
	struct span body = SPAN(input.data + FRAME_HEADER_LEN, input.len - FRAME_HEADER_LEN);
	if (body.len != header.body_len)
		return;
	same(frame_put(&again, header.kind, header.job, body), &again, input);
}

static void fuzz_hello(struct span body)
{
	struct frame_hello hello;
	struct buf again = BUF_INIT;

	if (proto_hello_decode(&hello, body) == RC_OK)
		same(proto_hello_encode(&again, &hello), &again, body);
}

static void fuzz_enrol(struct span body)
{
	struct job_enrol job;
	struct buf again = BUF_INIT;

	if (proto_enrol_decode(&job, body) == RC_OK)
		same(proto_enrol_encode(&again, &job), &again, body);
}

static void fuzz_activate(struct span body)
{
	char factors[FACTORS_MAX];
	struct job_activate job;
	struct buf again = BUF_INIT;

	if (proto_activate_decode(&job, factors, body) == RC_OK)
		same(proto_activate_encode(&again, &job), &again, body);
}

static void fuzz_authorize(struct span body)
{
	char factors[FACTORS_MAX];
	struct job_authorize job;
	struct buf again = BUF_INIT;

	if (proto_authorize_decode(&job, factors, body) == RC_OK)
		same(proto_authorize_encode(&again, &job), &again, body);
}

static void fuzz_sign(struct span body)
{
	uint32_t indices[HASHES_MAX];
	struct job_sign job;
	struct buf again = BUF_INIT;

	if (proto_sign_decode(&job, indices, body) == RC_OK)
		same(proto_sign_encode(&again, &job), &again, body);
}

static void fuzz_extend(struct span body)
{
	uint32_t keep[HASHES_MAX];
	struct job_extend job;
	struct buf again = BUF_INIT;

	if (proto_extend_decode(&job, keep, body) == RC_OK)
		same(proto_extend_encode(&again, &job), &again, body);
}

static void fuzz_crl(struct span body)
{
	struct crl_entry *entries = NULL;
	struct job_crl job;
	struct buf again = BUF_INIT;

	if (proto_crl_decode(&job, &entries, body) != RC_OK)
		return;
	same(proto_crl_encode(&again, &job), &again, body);
	free(entries);
}

static void fuzz_token_key(struct span body)
{
	struct job_token_key job;
	struct buf again = BUF_INIT;

	if (proto_token_key_decode(&job, body) == RC_OK)
		same(proto_token_key_encode(&again, &job), &again, body);
}

static void fuzz_password_check(struct span body)
{
	struct job_password_check job;
	struct buf again = BUF_INIT;

	if (proto_password_check_decode(&job, body) == RC_OK)
		same(proto_password_check_encode(&again, &job), &again, body);
}

static void fuzz_change_pin(struct span body)
{
	char factors[FACTORS_MAX];
	struct job_change_pin job;
	struct buf again = BUF_INIT;

	if (proto_change_pin_decode(&job, factors, body) == RC_OK)
		same(proto_change_pin_encode(&again, &job), &again, body);
}

static void fuzz_prove(struct span body)
{
	char factors[FACTORS_MAX];
	struct job_prove job;
	struct buf again = BUF_INIT;

	if (proto_prove_decode(&job, factors, body) == RC_OK)
		same(proto_prove_encode(&again, &job), &again, body);
}

static void fuzz_answer(struct span body)
{
	struct buf again = BUF_INIT;
	unsigned retry_after_s;
	struct span rest;
	rc_t said;

	if (proto_answer_decode(&said, &retry_after_s, &rest, body) == RC_OK)
		same(proto_answer_encode(&again, said, retry_after_s), &again,
			SPAN(body.data, body.len - rest.len));
}

#define ANSWER(name)                                                        \
	static void fuzz_##name(struct span rest)                           \
	{                                                                   \
		struct job_##name answer;                                   \
		struct buf again = BUF_INIT;                                \
                                                                            \
		if (proto_##name##_decode(&answer, rest) != RC_OK)          \
			return;                                             \
		same(proto_##name##_encode(&again, &answer), &again, rest); \
		job_##name##_free(&answer);                                 \
	}

#define job_enrolled_free(answer) ((void)(answer))
#define job_password_checked_free(answer) ((void)(answer))
#define job_proved_free(answer) ((void)(answer))

ANSWER(enrolled)
ANSWER(activated)
ANSWER(authorized)
ANSWER(signed)
ANSWER(extended)
ANSWER(crl_made)
ANSWER(token_key_given)
ANSWER(password_checked)
ANSWER(pin_changed)
ANSWER(proved)

/* New ones at the end: the seeds name them by their place. */
static void (*const targets[])(struct span input) = {fuzz_header, fuzz_hello, fuzz_enrol,
	fuzz_activate, fuzz_authorize, fuzz_sign, fuzz_extend, fuzz_crl, fuzz_answer, fuzz_enrolled,
	fuzz_activated, fuzz_authorized, fuzz_signed, fuzz_extended, fuzz_crl_made, fuzz_token_key,
	fuzz_token_key_given, fuzz_password_check, fuzz_change_pin, fuzz_prove,
	fuzz_password_checked, fuzz_pin_changed, fuzz_proved};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 0)
		targets[data[0] % (sizeof(targets) / sizeof(targets[0]))](SPAN(data + 1, size - 1));
	return 0;
}
