/* link: sam
 * Factors become a SAD, and nothing else does: order, counting, replay, every edit of a row. */
#include "sam_fixture.h"

static struct sam *activate_with(uint32_t per_credential, bool pin_only)
{
	struct sam_options options = fixture_options(SAM_ACTIVATE);
	struct sam *sam = NULL;

	options.failures_per_credential = per_credential;
	options.pin_only = pin_only;
	assert_int_equal(sam_new(&options, &sam), RC_OK);
	return sam;
}

static rc_t authorize(struct sam *sam, const struct attempt *attempt, unsigned *retry_after_s)
{
	struct job_authorized sad = {.otp_step = 0};
	rc_t rc = sam_authorize(sam, &attempt->job, &sad, retry_after_s);

	if (rc == RC_OK)
		assert_int_equal(sad.secret.len, SAD_SECRET_LEN);
	job_authorized_free(&sad);
	return rc;
}

static void expect(struct sam *sam, const struct attempt *attempt, rc_t wanted)
{
	unsigned retry_after_s = 0;
	rc_t rc = authorize(sam, attempt, &retry_after_s);

	if (rc != wanted)
		fail_msg("%s instead of %s", rc_name(rc), rc_name(wanted));
}

static void a_right_otp_with_a_wrong_pin_is_not_used_up(void **state)
{
	struct person *person = person_new(KEY_P_256);
	struct attempt *attempt = calloc(1, sizeof(*attempt));
	struct sam *sam = activate_with(5, false);

	(void)state;
	attempt_make(attempt, person, DIGEST_SHA256, 1, 0);
	attempt->job.factors.pin = span_string("hoa sen 4710");
	expect(sam, attempt, RC_PIN_WRONG);
	expect(sam, attempt, RC_PIN_WRONG);
	attempt->job.factors.pin = span_string(TEST_PIN);
	expect(sam, attempt, RC_OK);
	sam_free(&sam);
	free(attempt);
	person_free(person);
}

static void a_replayed_otp_is_refused_without_counting_and_says_how_long(void **state)
{
	struct person *person = person_new(KEY_P_256);
	struct attempt *attempt = calloc(1, sizeof(*attempt));
	struct sam *sam = activate_with(2, false);

	(void)state;
	attempt_make(attempt, person, DIGEST_SHA256, 1, 0);
	expect(sam, attempt, RC_OK);
	for (int i = 0; i < 6; i++) {
		unsigned retry_after_s = 0;
		assert_int_equal(authorize(sam, attempt, &retry_after_s), RC_OTP_REPLAYED);
		assert_in_range(retry_after_s, 1, 60);
	}
	/* whatever the PIN: the OTP is looked at first */
	attempt->job.factors.pin = span_string("hoa sen 4710");
	expect(sam, attempt, RC_OTP_REPLAYED);
	attempt->job.factors.pin = span_string(TEST_PIN);
	person_otp(person, 1, attempt->otp);
	expect(sam, attempt, RC_OK);
	sam_free(&sam);
	free(attempt);
	person_free(person);
}

static void the_later_of_both_last_steps_counts(void **state)
{
	struct person *person = person_new(KEY_P_256);
	struct attempt *attempt = calloc(1, sizeof(*attempt));
	struct sam *sam = activate_with(5, false);

	(void)state;
	attempt_make(attempt, person, DIGEST_SHA256, 1, 0);
	attempt->job.factors.last_step =
		clock_wall_ms() / 30000 + 2; /* what another host accepted */
	expect(sam, attempt, RC_OTP_REPLAYED);
	attempt->job.factors.last_step = -1;
	expect(sam, attempt, RC_OK);
	expect(sam, attempt, RC_OTP_REPLAYED); /* the database was set back: the area knows */
	sam_free(&sam);
	free(attempt);
	person_free(person);
}

static void five_failures_lock_even_for_the_right_factors(void **state)
{
	struct person *person = person_new(KEY_P_256), *other = person_new(KEY_P_256);
	struct attempt *attempt = calloc(1, sizeof(*attempt));
	struct sam *sam = activate_with(5, false);

	(void)state;
	attempt_make(attempt, person, DIGEST_SHA256, 1, 0);
	struct span otp = attempt->job.factors.otp;
	for (int i = 0; i < 5; i++) {
		attempt->job.factors.otp = i % 2 == 0 ? span_string("x") : otp;
		attempt->job.factors.pin = span_string(i % 2 == 0 ? TEST_PIN : "wrong one");
		expect(sam, attempt, i % 2 == 0 ? RC_OTP_WRONG : RC_PIN_WRONG);
	}
	attempt->job.factors.otp = otp;
	attempt->job.factors.pin = span_string(TEST_PIN);
	expect(sam, attempt, RC_PIN_LOCKED);
	sam_free(&sam);
	/* the area outlives the SAM */
	sam = activate_with(5, false);
	expect(sam, attempt, RC_PIN_LOCKED);
	attempt_make(attempt, other, DIGEST_SHA256, 1, 0);
	expect(sam, attempt, RC_OK);
	sam_free(&sam);
	free(attempt);
	person_free(other);
	person_free(person);
}

/* Signed now plus offset by the operator, for that credential. */
static void unlock_make(struct attempt *attempt, const struct id *credential, int64_t offset_ms,
	EVP_PKEY *key, struct buf *statement, struct buf *signature)
{
	struct statement_unlock unlock = {*credential, clock_wall_ms() + offset_ms};

	buf_clear(statement);
	assert_int_equal(statement_unlock_encode(statement, &unlock), RC_OK);
	operator_sign(key, buf_span(statement), signature);
	attempt->job.factors.unlock = buf_span(statement);
	attempt->job.factors.unlock_signature = buf_span(signature);
	memcpy(attempt->job.factors.unlock_fingerprint, fixture.fingerprint, SHA256_LEN);
}

static void lock(struct sam *sam, struct attempt *attempt)
{
	attempt->job.factors.pin = span_string("wrong one");
	for (int i = 0; i < 5; i++)
		expect(sam, attempt, RC_PIN_WRONG);
	expect(sam, attempt, RC_PIN_LOCKED);
	attempt->job.factors.pin = span_string(TEST_PIN);
}

static void only_an_operators_fresh_statement_unlocks(void **state)
{
	struct person *person = person_new(KEY_P_256);
	struct attempt *attempt = calloc(1, sizeof(*attempt));
	struct buf statement = BUF_INIT, signature = BUF_INIT;
	EVP_PKEY *stranger = EVP_EC_gen("P-256");
	struct id other;

	(void)state;
	area_reset();
	struct sam *sam = activate_with(5, false);
	assert_int_equal(id_random(&other), RC_OK);
	attempt_make(attempt, person, DIGEST_SHA256, 1, 0);
	lock(sam, attempt);
	unlock_make(attempt, &person->credential, 10, stranger, &statement, &signature);
	expect(sam, attempt, RC_PIN_LOCKED);
	unlock_make(attempt, &other, 10, fixture.operator_key, &statement, &signature);
	expect(sam, attempt, RC_PIN_LOCKED);
	unlock_make(attempt, &person->credential, -600000, fixture.operator_key, &statement,
		&signature);
	expect(sam, attempt, RC_PIN_LOCKED);
	unlock_make(
		attempt, &person->credential, 310000, fixture.operator_key, &statement, &signature);
	expect(sam, attempt, RC_PIN_LOCKED);
	unlock_make(attempt, &person->credential, 10, fixture.operator_key, &statement, &signature);
	statement.data[statement.len - 1] ^= 1;
	expect(sam, attempt, RC_PIN_LOCKED);
	statement.data[statement.len - 1] ^= 1;
	attempt->job.factors.unlock_fingerprint[0] ^= 1;
	expect(sam, attempt, RC_PIN_LOCKED);
	attempt->job.factors.unlock_fingerprint[0] ^= 1;
	expect(sam, attempt, RC_OK);
	/* the same statement again gives nothing */
	person_otp(person, 1, attempt->otp);
	lock(sam, attempt);
	expect(sam, attempt, RC_PIN_LOCKED);
	unlock_make(
		attempt, &person->credential, 20000, fixture.operator_key, &statement, &signature);
	expect(sam, attempt, RC_OK);
	sam_free(&sam);
	EVP_PKEY_free(stranger);
	buf_free(&statement);
	buf_free(&signature);
	free(attempt);
	person_free(person);
}

/* Edits of one row, of the kind a superuser of the database can make. */
static void e_subscriber(struct job_authorize *job)
{
	job->factors.key.subscriber.bytes[0] ^= 1;
	job->terms.subscriber = job->factors.key.subscriber;
}

static void e_credential(struct job_authorize *job)
{
	job->factors.key.credential.bytes[15] ^= 1;
	job->terms.credential = job->factors.key.credential;
}

static void e_slot(struct job_authorize *job)
{
	job->factors.key.slot = 1;
}

static void e_factors(struct job_authorize *job)
{
	job->factors.key.factors = "PIN";
	job->factors.key.scal = job->terms.scal = SCAL_1;
	job->terms.hashes = SPAN_NONE;
}

static void e_factors_unknown(struct job_authorize *job)
{
	job->factors.key.factors = "OTP";
}

static void e_scal(struct job_authorize *job)
{
	job->factors.key.scal = job->terms.scal = SCAL_1;
	job->terms.hashes = SPAN_NONE;
}

static void e_memory(struct job_authorize *job)
{
	job->factors.key.kdf.memory_kib = 2048;
}

static void e_memory_huge(struct job_authorize *job)
{
	job->factors.key.kdf.memory_kib = (uint64_t)1 << 40;
}

static void e_passes(struct job_authorize *job)
{
	job->factors.key.kdf.passes = 2;
}

static void e_generation(struct job_authorize *job)
{
	job->factors.key.generation = 2;
}

static uint8_t spoiled[4096];

static struct span spoil(struct span span, size_t at)
{
	memcpy(spoiled, span.data, span.len);
	spoiled[at] ^= 1;
	return SPAN(spoiled, span.len);
}

static void e_salt(struct job_authorize *job)
{
	job->factors.key.salt = spoil(job->factors.key.salt, 5);
}

static void e_seal(struct job_authorize *job)
{
	job->factors.key.key_seal =
		spoil(job->factors.key.key_seal, job->factors.key.key_seal.len - 1);
}

static void e_otp_seal(struct job_authorize *job)
{
	job->factors.key.otp_seal =
		spoil(job->factors.key.otp_seal, job->factors.key.otp_seal.len - 1);
}

static void e_otp_none(struct job_authorize *job)
{
	job->factors.key.otp_seal = SPAN_NONE;
}

static void e_certificate_digest(struct job_authorize *job)
{
	job->terms.certificate_sha256[0] ^= 1;
}

static void e_certificate(struct job_authorize *job)
{
	job->factors.certificate =
		spoil(job->factors.certificate, job->factors.certificate.len - 1);
	assert_int_equal(
		digest_sha256(job->factors.certificate, job->terms.certificate_sha256), RC_OK);
}

static void e_terms_credential(struct job_authorize *job)
{
	job->terms.credential.bytes[0] ^= 1;
}

static void e_terms_scal(struct job_authorize *job)
{
	job->terms.scal = SCAL_1;
}

static void e_digest(struct job_authorize *job)
{
	job->terms.digest = DIGEST_SHA384;
}

static void e_no_hash(struct job_authorize *job)
{
	job->terms.hash_count = 0;
	job->terms.hashes = SPAN_NONE;
}

static void e_more_hashes(struct job_authorize *job)
{
	job->terms.hash_count = 501;
	job->terms.hashes = SPAN(spoiled, sizeof(spoiled));
}

static void e_long(struct job_authorize *job)
{
	job->terms.end_ms = job->terms.start_ms + 7200001;
}

static void e_ended(struct job_authorize *job)
{
	job->terms.start_ms -= 700000;
	job->terms.end_ms -= 700000;
}

static void e_later(struct job_authorize *job)
{
	job->terms.start_ms += 120000;
	job->terms.end_ms += 120000;
}

static void e_overflow(struct job_authorize *job)
{
	job->terms.start_ms = INT64_MIN;
	job->terms.end_ms = INT64_MAX;
}

static const struct {
	const char *what;
	void (*edit)(struct job_authorize *job);
	rc_t rc;
} edits[] = {
	{"subscriber", e_subscriber, RC_PIN_WRONG},
	{"credential", e_credential, RC_HSM_REFUSED},
	{"slot", e_slot, RC_HSM_REFUSED},
	{"OTP dropped", e_factors, RC_PIN_WRONG},
	{"unknown factors", e_factors_unknown, RC_HSM_REFUSED},
	{"SCAL", e_scal, RC_PIN_WRONG},
	{"kdf memory", e_memory, RC_PIN_WRONG},
	{"kdf memory, huge", e_memory_huge, RC_HSM_REFUSED},
	{"kdf passes", e_passes, RC_PIN_WRONG},
	{"generation", e_generation, RC_HSM_REFUSED},
	{"salt", e_salt, RC_PIN_WRONG},
	{"seal of the key", e_seal, RC_PIN_WRONG},
	{"OTP record", e_otp_seal, RC_HSM_REFUSED},
	{"no OTP record", e_otp_none, RC_HSM_REFUSED},
	{"digest of the certificate", e_certificate_digest, RC_HSM_REFUSED},
	{"certificate", e_certificate, RC_HSM_REFUSED},
	{"credential of the terms", e_terms_credential, RC_HSM_REFUSED},
	{"SCAL of the terms", e_terms_scal, RC_HSM_REFUSED},
	{"digest kind", e_digest, RC_HSM_REFUSED},
	{"no hashes", e_no_hash, RC_HSM_REFUSED},
	{"501 hashes", e_more_hashes, RC_HSM_REFUSED},
	{"more than two hours", e_long, RC_HSM_REFUSED},
	{"ended", e_ended, RC_HSM_REFUSED},
	{"starts later", e_later, RC_HSM_REFUSED},
	{"any time", e_overflow, RC_HSM_REFUSED},
};

static void no_edited_row_is_authorised(void **state)
{
	struct person *person = person_new(KEY_P_256);
	struct attempt *attempt = calloc(1, sizeof(*attempt));

	(void)state;
	area_reset();
	/* as lenient as a configuration can be: what is sealed decides */
	struct sam *sam = activate_with(1000, true);
	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		unsigned retry_after_s = 0;
		attempt_make(attempt, person, DIGEST_SHA256, 3, 0);
		edits[i].edit(&attempt->job);
		rc_t rc = authorize(sam, attempt, &retry_after_s);
		if (rc != edits[i].rc)
			fail_msg("%s: %s", edits[i].what, rc_name(rc));
	}
	attempt_make(attempt, person, DIGEST_SHA256, 3, 0);
	expect(sam, attempt, RC_OK);
	sam_free(&sam);
	free(attempt);
	person_free(person);
}

/* Everything of another subscriber, who knows his own PIN, in this one's row. */
static void swapped_rows_are_not_authorised(void **state)
{
	struct person *mine = person_new(KEY_P_256), *his = person_new(KEY_P_256);
	struct attempt *attempt = calloc(1, sizeof(*attempt));
	struct attempt *foreign = calloc(1, sizeof(*foreign));

	(void)state;
	area_reset();
	struct sam *sam = activate_with(1000, false);
	attempt_make(foreign, his, DIGEST_SHA256, 1, 0);
	/* his slot under my credential */
	attempt_make(attempt, mine, DIGEST_SHA256, 1, 0);
	attempt->job.factors.key.key_seal = foreign->job.factors.key.key_seal;
	attempt->job.factors.key.salt = foreign->job.factors.key.salt;
	expect(sam, attempt, RC_PIN_WRONG);
	/* with his OTP record too */
	attempt->job.factors.key.otp_seal = foreign->job.factors.key.otp_seal;
	attempt->job.factors.otp = foreign->job.factors.otp;
	expect(sam, attempt, RC_HSM_REFUSED);
	/* my slot, his certificate */
	attempt_make(attempt, mine, DIGEST_SHA256, 1, 0);
	attempt->job.factors.certificate = foreign->job.factors.certificate;
	memcpy(attempt->job.terms.certificate_sha256, foreign->job.terms.certificate_sha256,
		SHA256_LEN);
	expect(sam, attempt, RC_PIN_WRONG);
	/* his credential named as mine */
	attempt_make(attempt, his, DIGEST_SHA256, 1, 0);
	attempt->job.factors.key.subscriber = attempt->job.terms.subscriber = mine->subscriber;
	expect(sam, attempt, RC_PIN_WRONG);
	attempt_make(attempt, his, DIGEST_SHA256, 1, 0);
	expect(sam, attempt, RC_OK);
	sam_free(&sam);
	free(foreign);
	free(attempt);
	person_free(his);
	person_free(mine);
}

/* My own public key, in a certificate that the CA never signed. */
static void a_certificate_that_the_ca_did_not_sign_is_refused(void **state)
{
	struct person *person = person_new(KEY_P_256);
	struct attempt *attempt = calloc(1, sizeof(*attempt));
	const uint8_t *at = person->sealed.certificate.data;
	EVP_PKEY *stranger = EVP_EC_gen("P-256");
	uint8_t *der = NULL;

	(void)state;
	X509 *x509 = d2i_X509(NULL, &at, (long)person->sealed.certificate.len);
	assert_true(X509_sign(x509, stranger, EVP_sha256()) > 0);
	int len = i2d_X509(x509, &der);
	assert_true(len > 0);
	struct sam *sam = activate_with(5, false);
	attempt_make(attempt, person, DIGEST_SHA256, 1, 0);
	attempt->job.factors.certificate = SPAN(der, (size_t)len);
	assert_int_equal(digest_sha256(attempt->job.factors.certificate,
				 attempt->job.terms.certificate_sha256),
		RC_OK);
	expect(sam, attempt, RC_HSM_REFUSED);
	sam_free(&sam);
	OPENSSL_free(der);
	EVP_PKEY_free(stranger);
	X509_free(x509);
	free(attempt);
	person_free(person);
}

static void pin_alone_needs_both_the_seal_and_the_configuration(void **state)
{
	struct person *person = person_new_as(KEY_P_256, SCAL_1, "PIN", true);
	struct attempt *attempt = calloc(1, sizeof(*attempt));
	struct job_authorized sad = {.otp_step = -7};
	unsigned retry_after_s = 0;

	(void)state;
	assert_int_equal(person->sealed.otp_seal.len, 0);
	attempt_make(attempt, person, DIGEST_SHA256, 3, 0);
	struct sam *sam = activate_with(5, false);
	expect(sam, attempt, RC_HSM_REFUSED);
	sam_free(&sam);
	sam = activate_with(5, true);
	assert_int_equal(sam_authorize(sam, &attempt->job, &sad, &retry_after_s), RC_OK);
	assert_int_equal(sad.otp_step, 0);
	job_authorized_free(&sad);
	attempt->job.factors.pin = span_string("wrong one");
	expect(sam, attempt, RC_PIN_WRONG);
	sam_free(&sam);
	free(attempt);
	person_free(person);
}

static void all_together_are_limited(void **state)
{
	struct person *person = person_new(KEY_P_256);
	struct attempt *attempt = calloc(1, sizeof(*attempt));
	struct sam_options options = fixture_options(SAM_ACTIVATE);
	struct sam *sam = NULL;
	unsigned retry_after_s = 0;

	(void)state;
	area_reset();
	options.failures_per_hour = 2;
	assert_int_equal(sam_new(&options, &sam), RC_OK);
	attempt_make(attempt, person, DIGEST_SHA256, 1, 0);
	attempt->job.factors.pin = span_string("wrong one");
	expect(sam, attempt, RC_PIN_WRONG);
	expect(sam, attempt, RC_PIN_WRONG);
	assert_int_equal(authorize(sam, attempt, &retry_after_s), RC_TOO_MANY);
	assert_true(retry_after_s > 3000);
	sam_free(&sam);
	area_reset();
	free(attempt);
	person_free(person);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_right_otp_with_a_wrong_pin_is_not_used_up),
		cmocka_unit_test(a_replayed_otp_is_refused_without_counting_and_says_how_long),
		cmocka_unit_test(the_later_of_both_last_steps_counts),
		cmocka_unit_test(five_failures_lock_even_for_the_right_factors),
		cmocka_unit_test(only_an_operators_fresh_statement_unlocks),
		cmocka_unit_test(no_edited_row_is_authorised),
		cmocka_unit_test(swapped_rows_are_not_authorised),
		cmocka_unit_test(a_certificate_that_the_ca_did_not_sign_is_refused),
		cmocka_unit_test(pin_alone_needs_both_the_seal_and_the_configuration),
		cmocka_unit_test(all_together_are_limited),
	};

	return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}
