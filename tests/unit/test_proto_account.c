/* link: hsm
 * Frames of the account's jobs: each arrives as it was sent, and is read only whole. */
#include "proto_fixture.h"

static struct job_change_pin some_change(void)
{
	return (struct job_change_pin){
		some_factors(), BYTES("new"), BYTES("1987-07-12"), BYTES("0011"), BYTES("09")};
}

static struct job_prove some_prove(void)
{
	return (struct job_prove){
		some_factors(), BYTES("password"), BYTES("0011"), BYTES("vi.du@mau.edu.vn")};
}

static struct password_record some_record(void)
{
	return (struct password_record){3, {4096, 1}, {4, 5}, {6, 7}};
}

static rc_t decode_change(struct span body)
{
	char factors[FACTORS_MAX];
	struct job_change_pin got;

	return proto_change_pin_decode(&got, factors, body);
}

static rc_t decode_prove(struct span body)
{
	char factors[FACTORS_MAX];
	struct job_prove got;

	return proto_prove_decode(&got, factors, body);
}

static rc_t decode_check(struct span body)
{
	struct job_password_check got;

	return proto_password_check_decode(&got, body);
}

static rc_t decode_checked(struct span body)
{
	struct job_password_checked got;

	return proto_password_checked_decode(&got, body);
}

static rc_t decode_changed(struct span body)
{
	struct job_pin_changed got;
	rc_t rc = proto_pin_changed_decode(&got, body);

	if (rc == RC_OK)
		job_pin_changed_free(&got);
	return rc;
}

static rc_t decode_proved(struct span body)
{
	struct job_proved got;

	return proto_proved_decode(&got, body);
}

static void encode_changed(struct buf *body)
{
	struct job_pin_changed answer = {.otp_step = 9, .slot = {.kdf = {4096, 1}}};

	assert_int_equal(buf_append(&answer.slot.salt, some_bytes, SALT_LEN), RC_OK);
	assert_int_equal(buf_append_string(&answer.slot.key_seal, "seal"), RC_OK);
	assert_int_equal(proto_pin_changed_encode(body, &answer), RC_OK);
	job_pin_changed_free(&answer);
}

/* Every cut and every byte too many is refused. */
static void whole_only(struct buf *body, rc_t (*decode)(struct span body))
{
	assert_int_equal(decode(buf_span(body)), RC_OK);
	for (size_t len = 0; len < body->len; len++)
		assert_int_equal(decode(SPAN(body->data, len)), RC_FORMAT);
	assert_int_equal(buf_append(body, "", 1), RC_OK);
	assert_int_equal(decode(buf_span(body)), RC_FORMAT);
	buf_clear(body);
}

static void each_body_is_read_only_whole(void **state)
{
	struct job_change_pin change = some_change();
	struct job_prove prove = some_prove();
	struct job_password_check check = {{{2}}, some_record(), BYTES("password")};
	struct job_password_checked checked = {some_record()};
	struct job_proved proved = {9, some_record()};
	struct buf body = BUF_INIT;

	(void)state;
	assert_int_equal(proto_change_pin_encode(&body, &change), RC_OK);
	whole_only(&body, decode_change);
	assert_int_equal(proto_prove_encode(&body, &prove), RC_OK);
	whole_only(&body, decode_prove);
	assert_int_equal(proto_password_check_encode(&body, &check), RC_OK);
	whole_only(&body, decode_check);
	assert_int_equal(proto_password_checked_encode(&body, &checked), RC_OK);
	whole_only(&body, decode_checked);
	encode_changed(&body);
	whole_only(&body, decode_changed);
	assert_int_equal(proto_proved_encode(&body, &proved), RC_OK);
	whole_only(&body, decode_proved);
	buf_free(&body);
}

static void requests_arrive_as_they_were_sent(void **state)
{
	struct job_change_pin change = some_change(), got_change;
	struct job_prove prove = some_prove(), got_prove;
	char factors[FACTORS_MAX];
	struct buf body = BUF_INIT;

	(void)state;
	assert_int_equal(proto_change_pin_encode(&body, &change), RC_OK);
	assert_int_equal(proto_change_pin_decode(&got_change, factors, buf_span(&body)), RC_OK);
	same_factors(&got_change.factors);
	assert_true(span_equal(got_change.new_pin, change.new_pin));
	assert_true(span_equal(got_change.birth_date, change.birth_date));
	assert_true(span_equal(got_change.identity_number, change.identity_number));
	assert_true(span_equal(got_change.phone, change.phone));
	buf_clear(&body);
	assert_int_equal(proto_prove_encode(&body, &prove), RC_OK);
	assert_int_equal(proto_prove_decode(&got_prove, factors, buf_span(&body)), RC_OK);
	same_factors(&got_prove.factors);
	assert_true(span_equal(got_prove.new_password, prove.new_password));
	assert_true(span_equal(got_prove.email, prove.email));
	buf_free(&body);
}

static void a_row_that_cannot_be_a_slot_is_not_sent(void **state)
{
	struct job_change_pin change = some_change();
	struct job_prove prove = some_prove();
	struct buf body = BUF_INIT;

	(void)state;
	change.factors.key.salt.len = SALT_LEN - 1;
	assert_int_equal(proto_change_pin_encode(&body, &change), RC_FORMAT);
	prove.factors.key.factors = "";
	assert_int_equal(proto_prove_encode(&body, &prove), RC_FORMAT);
	prove = some_prove();
	prove.factors.last_step = -2;
	assert_int_equal(proto_prove_encode(&body, &prove), RC_FORMAT);
	assert_int_equal(body.len, 0);
	buf_free(&body);
}

static void a_changed_pin_comes_with_a_slot(void **state)
{
	struct job_pin_changed answer = {.otp_step = 9};
	struct buf body = BUF_INIT;

	(void)state;
	assert_int_equal(proto_pin_changed_encode(&body, &answer), RC_OK);
	assert_int_equal(decode_changed(buf_span(&body)), RC_FORMAT);
	buf_free(&body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_body_is_read_only_whole),
		cmocka_unit_test(requests_arrive_as_they_were_sent),
		cmocka_unit_test(a_row_that_cannot_be_a_slot_is_not_sent),
		cmocka_unit_test(a_changed_pin_comes_with_a_slot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
