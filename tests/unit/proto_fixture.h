/* What the tests of frames send: the factors that several jobs carry. */
#ifndef TESTS_PROTO_FIXTURE_H
#define TESTS_PROTO_FIXTURE_H

#include "hsm/proto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define BYTES(text) SPAN(text, sizeof(text) - 1)

static const uint8_t some_bytes[HASHES_MAX * DIGEST_MAX] = {1, 2, 3};

static struct job_factors some_factors(void)
{
	return (struct job_factors){.key = {.credential = {{1, 0xaa}},
					    .subscriber = {{2, 0xaa}},
					    .scal = SCAL_2,
					    .factors = "PIN AND OTP",
					    .kdf = {4096, 1},
					    .generation = 7,
					    .salt = SPAN(some_bytes, SALT_LEN),
					    .key_seal = BYTES("key seal"),
					    .otp_seal = BYTES("otp seal")},
		.certificate = BYTES("certificate"),
		.pin = BYTES("pin"),
		.otp = BYTES("123456"),
		.last_step = 55,
		.unlock = BYTES("unlock"),
		.unlock_signature = BYTES("signature"),
		.unlock_fingerprint = {5}};
}

static void same_factors(const struct job_factors *got)
{
	struct job_factors sent = some_factors();

	assert_string_equal(got->key.factors, sent.key.factors);
	assert_true(id_equal(&got->key.credential, &sent.key.credential));
	assert_true(id_equal(&got->key.subscriber, &sent.key.subscriber));
	assert_int_equal(got->key.generation, sent.key.generation);
	assert_int_equal(got->key.kdf.memory_kib, sent.key.kdf.memory_kib);
	assert_true(span_equal(got->key.key_seal, sent.key.key_seal));
	assert_true(span_equal(got->key.otp_seal, sent.key.otp_seal));
	assert_true(span_equal(got->certificate, sent.certificate));
	assert_true(span_equal(got->pin, sent.pin));
	assert_true(span_equal(got->otp, sent.otp));
	assert_int_equal(got->last_step, sent.last_step);
	assert_true(span_equal(got->unlock, sent.unlock));
	assert_true(span_equal(got->unlock_signature, sent.unlock_signature));
	assert_memory_equal(got->unlock_fingerprint, sent.unlock_fingerprint, SHA256_LEN);
}

#endif
