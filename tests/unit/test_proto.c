/* link: hsm */
#include "proto_fixture.h"

#include "base/wire.h"

static const uint32_t some_indices[] = {2, 0, 1};

static struct id an_id(uint8_t first)
{
	struct id id = {{first, 0xaa}};

	return id;
}

static struct sad_terms some_terms(void)
{
	return (struct sad_terms){.credential = an_id(1),
		.subscriber = an_id(2),
		.client = an_id(3),
		.certificate_sha256 = {9, 8, 7},
		.scal = SCAL_2,
		.digest = DIGEST_SHA384,
		.hashes = SPAN(some_bytes, (size_t)3 * 48),
		.hash_count = 3,
		.start_ms = 1700000000000,
		.end_ms = 1700000600000};
}

static struct job_authorize some_authorize(void)
{
	return (struct job_authorize){.factors = some_factors(), .terms = some_terms()};
}

static struct job_sign some_sign(void)
{
	return (struct job_sign){.terms = some_terms(),
		.certificate = BYTES("certificate"),
		.secret = SPAN(some_bytes, SAD_SECRET_LEN),
		.seal = BYTES("seal"),
		.scheme = SCHEME_RSA_PSS,
		.salt_len = 48,
		.indices = some_indices,
		.index_count = 3};
}

static struct job_extend some_extend(void)
{
	return (struct job_extend){.terms = some_terms(),
		.certificate = BYTES("certificate"),
		.secret = SPAN(some_bytes, SAD_SECRET_LEN),
		.seal = BYTES("seal"),
		.keep = some_indices,
		.keep_count = 2,
		.end_ms = 1700000500000};
}

static struct job_activate some_activate(void)
{
	return (struct job_activate){.statement = BYTES("statement"),
		.signature = BYTES("signature"),
		.operator_fingerprint = {4},
		.enrolment = an_id(5),
		.subscriber = an_id(6),
		.credential = an_id(7),
		.code_mac = SPAN(some_bytes, CODE_MAC_LEN),
		.code_expires_ms = 1700000000001,
		.code = BYTES("ABCD-EFGH"),
		.identity_number = BYTES("001200000001"),
		.pin = BYTES("pin"),
		.key = KEY_RSA_4096,
		.factors = "PIN",
		.scal = SCAL_1};
}

/* ---- every kind of body behind one function: the tests of form run over all of them ---- */

static rc_t decode_enrol(struct span body)
{
	struct job_enrol job;

	return proto_enrol_decode(&job, body);
}

static rc_t decode_activate(struct span body)
{
	struct job_activate job;
	char factors[FACTORS_MAX];

	return proto_activate_decode(&job, factors, body);
}

static rc_t decode_authorize(struct span body)
{
	struct job_authorize job;
	char factors[FACTORS_MAX];

	return proto_authorize_decode(&job, factors, body);
}

static rc_t decode_sign(struct span body)
{
	struct job_sign job;
	uint32_t indices[HASHES_MAX];

	return proto_sign_decode(&job, indices, body);
}

static rc_t decode_extend(struct span body)
{
	struct job_extend job;
	uint32_t keep[HASHES_MAX];

	return proto_extend_decode(&job, keep, body);
}

static rc_t decode_crl(struct span body)
{
	struct job_crl job;
	struct crl_entry *entries = NULL;
	rc_t rc = proto_crl_decode(&job, &entries, body);

	free(entries);
	return rc;
}

static rc_t decode_hello(struct span body)
{
	struct frame_hello hello;

	return proto_hello_decode(&hello, body);
}

static rc_t decode_signed(struct span body)
{
	struct job_signed answer;
	rc_t rc = proto_signed_decode(&answer, body);

	if (rc == RC_OK)
		job_signed_free(&answer);
	return rc;
}

static rc_t decode_activated(struct span body)
{
	struct job_activated answer;
	rc_t rc = proto_activated_decode(&answer, body);

	if (rc == RC_OK)
		job_activated_free(&answer);
	return rc;
}

static rc_t decode_authorized(struct span body)
{
	struct job_authorized answer;
	rc_t rc = proto_authorized_decode(&answer, body);

	if (rc == RC_OK)
		job_authorized_free(&answer);
	return rc;
}

static struct buf encode_crl(void)
{
	struct crl_entry entries[] = {
		{.serial = {1, 2, 3}, .serial_len = 16, .revoked_at_ms = 5, .reason = 1},
		{.serial = {4}, .serial_len = 20, .revoked_at_ms = 6, .reason = 4}};
	struct job_crl job = {.number = 9, .next_update_ms = 8, .entries = entries, .count = 2};
	struct buf body = BUF_INIT;

	assert_int_equal(proto_crl_encode(&body, &job), RC_OK);
	return body;
}

static struct buf encode_signed(void)
{
	struct buf parts[2] = {BUF_INIT, BUF_INIT};
	struct job_signed answer = {parts, 2};
	struct buf body = BUF_INIT;

	assert_int_equal(buf_append_string(&parts[0], "first"), RC_OK);
	assert_int_equal(buf_append_string(&parts[1], "second"), RC_OK);
	assert_int_equal(proto_signed_encode(&body, &answer), RC_OK);
	buf_free(&parts[0]);
	buf_free(&parts[1]);
	return body;
}

static struct buf encode_authorized(void)
{
	struct job_authorized answer = {.otp_step = 3};
	struct buf body = BUF_INIT;

	assert_int_equal(buf_append(&answer.secret, some_bytes, SAD_SECRET_LEN), RC_OK);
	assert_int_equal(buf_append_string(&answer.seal, "seal"), RC_OK);
	assert_int_equal(buf_append_string(&answer.slot.salt, "salt"), RC_OK);
	assert_int_equal(buf_append_string(&answer.slot.key_seal, "slot"), RC_OK);
	assert_int_equal(proto_authorized_encode(&body, &answer), RC_OK);
	job_authorized_free(&answer);
	return body;
}

static struct buf encode_activated(void)
{
	struct job_activated answer = {.kdf = {4096, 1}, .generation = 2};
	struct buf body = BUF_INIT;

	assert_int_equal(buf_append_string(&answer.certificate, "certificate"), RC_OK);
	assert_int_equal(buf_append_string(&answer.otp_secret, "secret"), RC_OK);
	assert_int_equal(proto_activated_encode(&body, &answer), RC_OK);
	job_activated_free(&answer);
	return body;
}

#define ENCODED(name, job)                                                   \
	static struct buf encode_##name(void)                                \
	{                                                                    \
		struct buf body = BUF_INIT;                                  \
                                                                             \
		assert_int_equal(proto_##name##_encode(&body, &job), RC_OK); \
		return body;                                                 \
	}

ENCODED(enrol, ((struct job_enrol){.statement = BYTES("statement"), .signature = BYTES("s")}))
ENCODED(activate, (struct job_activate[]){some_activate()}[0])
ENCODED(authorize, (struct job_authorize[]){some_authorize()}[0])
ENCODED(sign, (struct job_sign[]){some_sign()}[0])
ENCODED(extend, (struct job_extend[]){some_extend()}[0])
ENCODED(hello, ((struct frame_hello){SAM_ISSUE, 3, 4711}))

static struct buf encode_token_key(void)
{
	struct job_token_key job = {.epoch = 20779};
	struct buf body = BUF_INIT;

	assert_int_equal(proto_token_key_encode(&body, &job), RC_OK);
	return body;
}

static rc_t decode_token_key(struct span body)
{
	struct job_token_key job;

	return proto_token_key_decode(&job, body);
}

static struct buf encode_token_key_given(void)
{
	struct job_token_key_given answer = {BUF_INIT};
	struct buf body = BUF_INIT;

	assert_int_equal(buf_append_string(&answer.key, "0123456789abcdef0123456789abcdef"), RC_OK);
	assert_int_equal(proto_token_key_given_encode(&body, &answer), RC_OK);
	job_token_key_given_free(&answer);
	return body;
}

static rc_t decode_token_key_given(struct span body)
{
	struct job_token_key_given answer;
	rc_t rc = proto_token_key_given_decode(&answer, body);

	if (rc == RC_OK)
		job_token_key_given_free(&answer);
	return rc;
}

static const struct {
	struct buf (*encode)(void);
	rc_t (*decode)(struct span body);
} forms[] = {
	{encode_hello, decode_hello},
	{encode_enrol, decode_enrol},
	{encode_activate, decode_activate},
	{encode_authorize, decode_authorize},
	{encode_sign, decode_sign},
	{encode_extend, decode_extend},
	{encode_crl, decode_crl},
	{encode_signed, decode_signed},
	{encode_activated, decode_activated},
	{encode_authorized, decode_authorized},
	{encode_token_key, decode_token_key},
	{encode_token_key_given, decode_token_key_given},
};

static void each_body_is_read_only_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct buf body = forms[i].encode();
		assert_int_equal(forms[i].decode(buf_span(&body)), RC_OK);
		for (size_t len = 0; len < body.len; len++)
			assert_int_equal(forms[i].decode(SPAN(body.data, len)), RC_FORMAT);
		assert_int_equal(buf_append(&body, "", 1), RC_OK);
		assert_int_equal(forms[i].decode(buf_span(&body)), RC_FORMAT);
		buf_free(&body);
	}
}

/* ---- round trips ---- */

static void authorize_arrives_as_it_was_sent(void **state)
{
	struct job_authorize job = some_authorize(), got;
	struct buf body = encode_authorize();
	char factors[FACTORS_MAX];

	(void)state;
	assert_int_equal(proto_authorize_decode(&got, factors, buf_span(&body)), RC_OK);
	same_factors(&got.factors);
	assert_true(span_equal(got.terms.hashes, job.terms.hashes));
	assert_memory_equal(got.terms.certificate_sha256, job.terms.certificate_sha256, SHA256_LEN);
	assert_int_equal(got.terms.digest, DIGEST_SHA384);
	assert_int_equal(got.terms.end_ms, job.terms.end_ms);
	buf_free(&body);
}

static void sign_keeps_the_order_of_indices(void **state)
{
	struct buf body = encode_sign();
	uint32_t indices[HASHES_MAX];
	struct job_sign got;

	(void)state;
	assert_int_equal(proto_sign_decode(&got, indices, buf_span(&body)), RC_OK);
	assert_int_equal(got.index_count, 3);
	assert_memory_equal(got.indices, some_indices, sizeof(some_indices));
	assert_int_equal(got.scheme, SCHEME_RSA_PSS);
	assert_int_equal(got.salt_len, 48);
	buf_free(&body);
}

static void activate_arrives_as_it_was_sent(void **state)
{
	struct buf body = encode_activate();
	char factors[FACTORS_MAX];
	struct job_activate got;

	(void)state;
	assert_int_equal(proto_activate_decode(&got, factors, buf_span(&body)), RC_OK);
	assert_int_equal(got.key, KEY_RSA_4096);
	assert_string_equal(got.factors, "PIN");
	assert_int_equal(got.scal, SCAL_1);
	assert_true(span_equal(got.identity_number, BYTES("001200000001")));
	assert_int_equal(got.code_expires_ms, 1700000000001);
	buf_free(&body);
}

static void signatures_arrive_in_order(void **state)
{
	struct buf body = encode_signed();
	struct job_signed got;

	(void)state;
	assert_int_equal(proto_signed_decode(&got, buf_span(&body)), RC_OK);
	assert_int_equal(got.count, 2);
	assert_true(span_equal(buf_span(&got.signatures[0]), BYTES("first")));
	assert_true(span_equal(buf_span(&got.signatures[1]), BYTES("second")));
	job_signed_free(&got);
	buf_free(&body);
}

static void crl_entries_arrive_in_order(void **state)
{
	struct buf body = encode_crl();
	struct crl_entry *entries = NULL;
	struct job_crl got;

	(void)state;
	assert_int_equal(proto_crl_decode(&got, &entries, buf_span(&body)), RC_OK);
	assert_int_equal(got.count, 2);
	assert_int_equal(got.entries[0].serial_len, 16);
	assert_int_equal(got.entries[1].reason, 4);
	free(entries);
	buf_free(&body);
}

/* ---- what no side sends ---- */

static void refuses_authorize(struct job_authorize job)
{
	struct buf body = BUF_INIT;

	assert_int_equal(proto_authorize_encode(&body, &job), RC_FORMAT);
	assert_int_equal(body.len, 0);
	buf_free(&body);
}

static void an_edited_row_is_refused_before_it_is_sent(void **state)
{
	struct job_authorize job = some_authorize();

	(void)state;
	job.factors.key.salt.len--;
	refuses_authorize(job);
	job = some_authorize();
	job.factors.key.scal = (enum scal)3;
	refuses_authorize(job);
	job = some_authorize();
	job.factors.key.factors = "";
	refuses_authorize(job);
	job = some_authorize();
	job.factors.key.factors = "PIN AND OTP AND A VERY LONG FACTOR";
	refuses_authorize(job);
	job = some_authorize();
	job.terms.digest = (enum digest_kind)0;
	refuses_authorize(job);
	job = some_authorize();
	job.terms.hash_count = 4;
	refuses_authorize(job);
	job = some_authorize();
	job.terms.hash_count = HASHES_MAX + 1;
	refuses_authorize(job);
	job = some_authorize();
	job.terms.scal = SCAL_1; /* which has no hashes */
	refuses_authorize(job);
	job = some_authorize();
	job.factors.last_step = -2;
	refuses_authorize(job);
}

static void refuses_sign(struct job_sign job)
{
	struct buf body = BUF_INIT;

	assert_int_equal(proto_sign_encode(&body, &job), RC_FORMAT);
	buf_free(&body);
}

static void an_index_beyond_the_hashes_is_refused(void **state)
{
	static const uint32_t beyond[] = {0, 3};
	struct job_sign job = some_sign();

	(void)state;
	job.indices = beyond;
	job.index_count = 2;
	refuses_sign(job);
	job = some_sign();
	job.index_count = 0;
	refuses_sign(job);
	job = some_sign();
	job.hashes = SPAN(some_bytes, 48); /* with SCAL 2 they stand in the terms */
	refuses_sign(job);
}

static void with_scal_1_indices_name_the_jobs_own_hashes(void **state)
{
	struct job_sign job = some_sign(), got;
	struct buf body = BUF_INIT;
	uint32_t indices[HASHES_MAX];

	(void)state;
	job.terms.scal = SCAL_1;
	job.terms.hashes = SPAN_NONE;
	job.hashes = SPAN(some_bytes, (size_t)3 * 48);
	assert_int_equal(proto_sign_encode(&body, &job), RC_OK);
	assert_int_equal(proto_sign_decode(&got, indices, buf_span(&body)), RC_OK);
	assert_int_equal(got.hashes.len, 3 * 48);
	buf_clear(&body);
	job.hashes.len = (size_t)2 * 48;
	assert_int_equal(proto_sign_encode(&body, &job), RC_FORMAT);
	buf_free(&body);
}

static void the_largest_batch_fits_a_frame(void **state)
{
	static uint32_t all[HASHES_MAX];
	struct job_sign job = some_sign();
	struct buf body = BUF_INIT, frame = BUF_INIT;

	(void)state;
	for (uint32_t i = 0; i < HASHES_MAX; i++)
		all[i] = i;
	job.terms.digest = DIGEST_SHA512;
	job.terms.hashes = SPAN(some_bytes, sizeof(some_bytes));
	job.terms.hash_count = HASHES_MAX;
	job.indices = all;
	job.index_count = HASHES_MAX;
	assert_int_equal(proto_sign_encode(&body, &job), RC_OK);
	assert_int_equal(frame_put(&frame, FRAME_SIGN, 1, buf_span(&body)), RC_OK);
	assert_int_equal(decode_sign(buf_span(&body)), RC_OK);
	buf_free(&body);
	buf_free(&frame);
}

static void a_huge_count_allocates_nothing(void **state)
{
	struct buf body = BUF_INIT;

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(wire_put_number(&body, INT64_MAX), RC_OK);
	assert_int_equal(decode_crl(buf_span(&body)), RC_FORMAT);
	assert_int_equal(decode_signed(buf_span(&body)), RC_FORMAT);
	buf_free(&body);
}

/* ---- frames and answers ---- */

static void a_header_that_is_not_ours_is_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
	} edits[] = {{0, 'X'}, {3, '2'}, {4, 0}, {4, FRAME_KINDS}, {5, 1}, {7, 1}, {16, 1}};
	struct buf frame = BUF_INIT;
	struct frame_header header;

	(void)state;
	assert_int_equal(frame_put(&frame, FRAME_CRL, 0x1122334455667788, BYTES("abc")), RC_OK);
	assert_int_equal(frame.len, FRAME_HEADER_LEN + 3);
	assert_int_equal(frame_header_decode(frame.data, &header), RC_OK);
	assert_int_equal(header.kind, FRAME_CRL);
	assert_true(header.job == 0x1122334455667788);
	assert_int_equal(header.body_len, 3);
	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		uint8_t copy[FRAME_HEADER_LEN];
		memcpy(copy, frame.data, sizeof(copy));
		copy[edits[i].at] = edits[i].value;
		assert_int_equal(frame_header_decode(copy, &header), RC_FORMAT);
	}
	buf_free(&frame);
}

static void a_body_over_the_limit_is_not_sent(void **state)
{
	uint8_t *body = calloc(1, FRAME_BODY_MAX + 1);
	struct buf frame = BUF_INIT;

	(void)state;
	assert_int_equal(
		frame_put(&frame, FRAME_SIGN, 1, SPAN(body, FRAME_BODY_MAX + 1)), RC_TOO_LONG);
	assert_int_equal(frame_put(&frame, FRAME_SIGN, 1, SPAN(body, FRAME_BODY_MAX)), RC_OK);
	free(body);
	buf_free(&frame);
}

static void a_failed_answer_ends_with_its_reason(void **state)
{
	struct buf body = BUF_INIT;
	struct span rest;
	unsigned wait;
	rc_t said;

	(void)state;
	assert_int_equal(proto_answer_encode(&body, RC_OTP_REPLAYED, 17), RC_OK);
	assert_int_equal(proto_answer_decode(&said, &wait, &rest, buf_span(&body)), RC_OK);
	assert_int_equal(said, RC_OTP_REPLAYED);
	assert_int_equal(wait, 17);
	assert_int_equal(rest.len, 0);
	assert_int_equal(buf_append(&body, "x", 1), RC_OK);
	assert_int_equal(proto_answer_decode(&said, &wait, &rest, buf_span(&body)), RC_FORMAT);
	buf_free(&body);
}

static void an_answer_of_an_unknown_name_is_refused(void **state)
{
	struct buf body = BUF_INIT;
	struct span rest;
	unsigned wait;
	rc_t said;

	(void)state;
	assert_int_equal(wire_put_string(&body, "FINE"), RC_OK);
	assert_int_equal(wire_put_number(&body, 0), RC_OK);
	assert_int_equal(proto_answer_decode(&said, &wait, &rest, buf_span(&body)), RC_FORMAT);
	buf_free(&body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_body_is_read_only_whole),
		cmocka_unit_test(authorize_arrives_as_it_was_sent),
		cmocka_unit_test(sign_keeps_the_order_of_indices),
		cmocka_unit_test(activate_arrives_as_it_was_sent),
		cmocka_unit_test(signatures_arrive_in_order),
		cmocka_unit_test(crl_entries_arrive_in_order),
		cmocka_unit_test(an_edited_row_is_refused_before_it_is_sent),
		cmocka_unit_test(an_index_beyond_the_hashes_is_refused),
		cmocka_unit_test(with_scal_1_indices_name_the_jobs_own_hashes),
		cmocka_unit_test(the_largest_batch_fits_a_frame),
		cmocka_unit_test(a_huge_count_allocates_nothing),
		cmocka_unit_test(a_header_that_is_not_ours_is_refused),
		cmocka_unit_test(a_body_over_the_limit_is_not_sent),
		cmocka_unit_test(a_failed_answer_ends_with_its_reason),
		cmocka_unit_test(an_answer_of_an_unknown_name_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
