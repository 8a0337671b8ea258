/* link: sam
 * What a subscriber changes himself: a password's record, a new PIN, one factor proved; the tries
 * are those of AUTHORIZE. */
#include "sam_fixture.h"

#define NEW_PIN "lúa chín 2604"
#define PASSWORD "mua xuân trên núi"
#define NEW_PASSWORD "chiều hè bên sông"

static struct sam *activate_with(bool pin_only)
{
	struct sam_options options = fixture_options(SAM_ACTIVATE);
	struct sam *sam = NULL;

	options.pin_only = pin_only;
	area_reset();
	assert_int_equal(sam_new(&options, &sam), RC_OK);
	return sam;
}

/* A person, a SAM, and what both of the jobs of factors ask, right in every part. */
struct scene {
	struct person *person;
	struct sam *sam;
	struct attempt attempt;
	struct job_change_pin change;
	struct job_prove prove;
	struct job_pin_changed changed;
	struct job_proved proved;
	unsigned retry_after_s;
};

static void scene_factors(struct scene *scene)
{
	scene->change.factors = scene->attempt.job.factors;
	scene->prove.factors = scene->change.factors;
}

static struct scene *scene_new_as(bool pin_only)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	scene->person =
		pin_only ? person_new_as(KEY_P_256, SCAL_1, "PIN", true) : person_new(KEY_P_256);
	scene->sam = activate_with(pin_only);
	attempt_make(&scene->attempt, scene->person, DIGEST_SHA256, 1, 0);
	scene_factors(scene);
	scene->change.new_pin = span_string(NEW_PIN);
	scene->change.birth_date = span_string(scene->person->line.birth_date);
	scene->change.identity_number = span_string(scene->person->line.identity_number);
	scene->change.phone = span_string(scene->person->line.phone);
	scene->prove.identity_number = span_string(scene->person->line.identity_number);
	scene->prove.email = span_string(scene->person->line.email);
	return scene;
}

static struct scene *scene_new(void)
{
	return scene_new_as(false);
}

static void scene_free(struct scene *scene)
{
	job_pin_changed_free(&scene->changed);
	sam_free(&scene->sam);
	person_free(scene->person);
	free(scene);
}

static void expect_change(struct scene *scene, rc_t wanted)
{
	job_pin_changed_free(&scene->changed);
	scene->changed = (struct job_pin_changed){.otp_step = 0};
	rc_t rc =
		sam_change_pin(scene->sam, &scene->change, &scene->changed, &scene->retry_after_s);
	if (rc != wanted)
		fail_msg("%s instead of %s", rc_name(rc), rc_name(wanted));
}

static void expect_prove(struct scene *scene, rc_t wanted)
{
	rc_t rc = sam_prove(scene->sam, &scene->prove, &scene->proved, &scene->retry_after_s);
	if (rc != wanted)
		fail_msg("%s instead of %s", rc_name(rc), rc_name(wanted));
}

static void expect_authorize(struct scene *scene, rc_t wanted)
{
	struct job_authorized sad = {.otp_step = 0};
	rc_t rc = sam_authorize(scene->sam, &scene->attempt.job, &sad, &scene->retry_after_s);

	job_authorized_free(&sad);
	if (rc != wanted)
		fail_msg("%s instead of %s", rc_name(rc), rc_name(wanted));
}

/* The next code: each serves once. */
static void next_otp(struct scene *scene)
{
	person_otp(scene->person, 1, scene->attempt.otp);
}

/* What the database would give after the change. */
static void use_new_slot(struct scene *scene)
{
	struct sealed_key *key = &scene->attempt.job.factors.key;

	key->salt = buf_span(&scene->changed.slot.salt);
	key->key_seal = buf_span(&scene->changed.slot.key_seal);
	key->kdf = scene->changed.slot.kdf;
	key->generation = scene->changed.slot.generation;
}

/* ---- passwords ---- */

static struct password_record record_of(struct scene *scene)
{
	scene->prove.new_password = span_string(PASSWORD);
	expect_prove(scene, RC_OK);
	assert_int_equal(scene->proved.password.generation, 1);
	return scene->proved.password;
}

static rc_t check(struct scene *scene, const struct password_record *record,
	const struct id *subscriber, const char *password)
{
	struct job_password_check job = {*subscriber, *record, span_string(password)};
	struct job_password_checked answer = {.renewed = {.generation = 77}};
	rc_t rc = sam_password_check(scene->sam, &job, &answer);

	if (rc == RC_OK)
		assert_int_equal(answer.renewed.generation, 0);
	return rc;
}

static void only_the_right_password_of_that_subscriber_is_right(void **state)
{
	struct scene *scene = scene_new();
	struct password_record record = record_of(scene), edited;
	struct id subscriber = scene->person->subscriber, other;

	(void)state;
	assert_int_equal(check(scene, &record, &subscriber, PASSWORD), RC_OK);
	assert_int_equal(check(scene, &record, &subscriber, PASSWORD " "), RC_PASSWORD_WRONG);
	assert_int_equal(check(scene, &record, &subscriber, ""), RC_PASSWORD_WRONG);
	assert_int_equal(id_random(&other), RC_OK);
	assert_int_equal(check(scene, &record, &other, PASSWORD), RC_PASSWORD_WRONG);
	edited = record;
	edited.salt[0] ^= 1;
	assert_int_equal(check(scene, &edited, &subscriber, PASSWORD), RC_PASSWORD_WRONG);
	edited = record;
	edited.mac[31] ^= 1;
	assert_int_equal(check(scene, &edited, &subscriber, PASSWORD), RC_PASSWORD_WRONG);
	edited = record;
	edited.kdf.memory_kib = 2048;
	assert_int_equal(check(scene, &edited, &subscriber, PASSWORD), RC_PASSWORD_WRONG);
	scene_free(scene);
}

static void a_record_that_no_sam_made_is_refused(void **state)
{
	struct scene *scene = scene_new();
	struct password_record record = record_of(scene);

	(void)state;
	record.generation = 9;
	assert_int_equal(
		check(scene, &record, &scene->person->subscriber, PASSWORD), RC_HSM_REFUSED);
	record.generation = 1;
	record.kdf.memory_kib = UINT64_MAX;
	assert_int_equal(
		check(scene, &record, &scene->person->subscriber, PASSWORD), RC_HSM_REFUSED);
	record.kdf = (struct kdf_parameters){4096, 0};
	assert_int_equal(
		check(scene, &record, &scene->person->subscriber, PASSWORD), RC_HSM_REFUSED);
	scene_free(scene);
}

static void nobodys_record_is_stretched_and_never_right(void **state)
{
	struct scene *scene = scene_new();
	struct password_record nobody = {.generation = 0};
	struct id zero = {{0}};

	(void)state;
	assert_int_equal(check(scene, &nobody, &zero, PASSWORD), RC_PASSWORD_WRONG);
	assert_int_equal(check(scene, &nobody, &zero, ""), RC_PASSWORD_WRONG);
	scene_free(scene);
}

static void activation_makes_a_record_that_the_sign_in_opens(void **state)
{
	struct person *person = calloc(1, sizeof(*person));
	struct scene scene = {.person = person};
	struct sam *issue = sam_as(SAM_ISSUE);

	(void)state;
	person->line = line_sample();
	person->kind = KEY_P_256;
	person->scal = SCAL_2;
	person->factors = "PIN AND OTP";
	person_enrol(issue, person);
	struct job_activate job = person_activation(person);
	job.password = span_string("ngắn");
	assert_int_equal(sam_activate(issue, &job, &person->sealed), RC_PASSWORD_WEAK);
	job.code = span_string("00000-00000-00000-00000");
	assert_int_equal(sam_activate(issue, &job, &person->sealed), RC_ACTIVATION_REFUSED);
	job.code = span_string(person->code);
	job.password = span_string(PASSWORD);
	assert_int_equal(sam_activate(issue, &job, &person->sealed), RC_OK);
	sam_free(&issue);
	scene.sam = activate_with(false);
	assert_int_equal(
		check(&scene, &person->sealed.password, &person->subscriber, PASSWORD), RC_OK);
	sam_free(&scene.sam);
	person_free(person);
}

/* ---- change of PIN ---- */

static void after_a_change_the_new_pin_opens_and_the_old_one_does_not(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	expect_change(scene, RC_OK);
	assert_true(scene->changed.otp_step > 0);
	use_new_slot(scene);
	next_otp(scene);
	expect_authorize(scene, RC_PIN_WRONG);
	scene->attempt.job.factors.pin = span_string(NEW_PIN);
	expect_authorize(scene, RC_OK);
	scene_free(scene);
}

static void a_change_needs_both_factors(void **state)
{
	struct scene *scene = scene_new();
	struct span otp = scene->change.factors.otp;

	(void)state;
	scene->change.factors.pin = span_string("hoa sen 4710");
	expect_change(scene, RC_PIN_WRONG);
	scene->change.factors.pin = span_string(TEST_PIN);
	scene->change.factors.otp = span_string("000");
	expect_change(scene, RC_OTP_WRONG);
	scene->change.factors.otp = otp;
	expect_change(scene, RC_OK);
	expect_change(scene, RC_OTP_REPLAYED);
	assert_in_range(scene->retry_after_s, 1, 60);
	scene_free(scene);
}

static void wrong_factors_of_a_change_lock_the_credential(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	scene->change.factors.pin = span_string("hoa sen 4710");
	for (int i = 0; i < 3; i++)
		expect_change(scene, RC_PIN_WRONG);
	scene->prove.factors.otp = span_string("000");
	for (int i = 0; i < 2; i++)
		expect_prove(scene, RC_OTP_WRONG);
	expect_authorize(scene, RC_PIN_LOCKED);
	scene->change.factors.pin = span_string(TEST_PIN);
	expect_change(scene, RC_PIN_LOCKED);
	expect_prove(scene, RC_PIN_LOCKED);
	scene_free(scene);
}

static void a_weak_new_pin_costs_no_try(void **state)
{
	static const char *const weak[] = {"", "12345", "234567", "12071987", "091234 x", TEST_PIN};
	struct scene *scene = scene_new();

	(void)state;
	for (size_t i = 0; i < sizeof(weak) / sizeof(weak[0]); i++) {
		scene->change.new_pin = span_string(weak[i]);
		expect_change(scene, RC_PIN_WEAK);
	}
	scene->change.new_pin = span_string(NEW_PIN);
	expect_change(scene, RC_OK);
	scene_free(scene);
}

static void a_person_that_is_no_text_is_refused(void **state)
{
	static const uint8_t with_nul[] = {'1', 0, '2'}, too_long[200] = {'1'};
	struct scene *scene = scene_new();

	(void)state;
	scene->change.phone = SPAN(with_nul, sizeof(with_nul));
	expect_change(scene, RC_HSM_REFUSED);
	scene->change.phone = SPAN(too_long, sizeof(too_long));
	expect_change(scene, RC_HSM_REFUSED);
	scene_free(scene);
}

static void the_new_slot_is_bound_like_the_old_one(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	expect_change(scene, RC_OK);
	use_new_slot(scene);
	next_otp(scene);
	scene->attempt.job.factors.pin = span_string(NEW_PIN);
	scene->attempt.job.factors.key.subscriber.bytes[0] ^= 1;
	scene->attempt.job.terms.subscriber.bytes[0] ^= 1;
	expect_authorize(scene, RC_PIN_WRONG);
	scene->attempt.job.factors.key.subscriber.bytes[0] ^= 1;
	scene->attempt.job.terms.subscriber.bytes[0] ^= 1;
	expect_authorize(scene, RC_OK);
	scene_free(scene);
}

static void a_pin_alone_changes_itself(void **state)
{
	struct scene *scene = scene_new_as(true);

	(void)state;
	expect_change(scene, RC_OK);
	assert_int_equal(scene->changed.otp_step, 0);
	scene_free(scene);
}

/* ---- proof of one factor ---- */

static void the_otp_alone_proves_and_serves_once(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	scene->prove.factors.pin = SPAN_NONE;
	expect_prove(scene, RC_OK);
	assert_true(scene->proved.otp_step > 0);
	assert_int_equal(scene->proved.password.generation, 0);
	expect_prove(scene, RC_OTP_REPLAYED);
	expect_authorize(scene, RC_OTP_REPLAYED);
	scene_free(scene);
}

static void without_an_otp_the_pin_proves(void **state)
{
	struct scene *scene = scene_new_as(true);

	(void)state;
	scene->prove.factors.pin = span_string("hoa sen 4710");
	expect_prove(scene, RC_PIN_WRONG);
	scene->prove.factors.pin = span_string(TEST_PIN);
	expect_prove(scene, RC_OK);
	assert_int_equal(scene->proved.otp_step, 0);
	scene_free(scene);
}

/* Or who holds the authenticator could guess PINs for ever. */
static void a_proved_otp_gives_no_tries_at_the_pin_back(void **state)
{
	struct scene *scene = scene_new();

	(void)state;
	scene->attempt.job.factors.pin = span_string("hoa sen 4710");
	for (int i = 0; i < 4; i++)
		expect_authorize(scene, RC_PIN_WRONG);
	expect_prove(scene, RC_OK);
	next_otp(scene);
	expect_authorize(scene, RC_PIN_WRONG);
	expect_authorize(scene, RC_PIN_LOCKED);
	scene_free(scene);
}

static void a_weak_password_costs_no_try_and_no_otp(void **state)
{
	struct scene *scene = scene_new();
	const struct statement_enrol *line = &scene->person->line;
	const char *weak[] = {
		"mười ký", "aaaaaaaaaaaa", "1234567890", line->email, line->identity_number};

	(void)state;
	for (size_t i = 0; i < sizeof(weak) / sizeof(weak[0]); i++) {
		scene->prove.new_password = span_string(weak[i]);
		expect_prove(scene, RC_PASSWORD_WEAK);
	}
	scene->prove.new_password = span_string(NEW_PASSWORD);
	expect_prove(scene, RC_OK);
	scene_free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_right_password_of_that_subscriber_is_right),
		cmocka_unit_test(a_record_that_no_sam_made_is_refused),
		cmocka_unit_test(nobodys_record_is_stretched_and_never_right),
		cmocka_unit_test(activation_makes_a_record_that_the_sign_in_opens),
		cmocka_unit_test(after_a_change_the_new_pin_opens_and_the_old_one_does_not),
		cmocka_unit_test(a_change_needs_both_factors),
		cmocka_unit_test(wrong_factors_of_a_change_lock_the_credential),
		cmocka_unit_test(a_weak_new_pin_costs_no_try),
		cmocka_unit_test(a_person_that_is_no_text_is_refused),
		cmocka_unit_test(the_new_slot_is_bound_like_the_old_one),
		cmocka_unit_test(a_pin_alone_changes_itself),
		cmocka_unit_test(the_otp_alone_proves_and_serves_once),
		cmocka_unit_test(without_an_otp_the_pin_proves),
		cmocka_unit_test(a_proved_otp_gives_no_tries_at_the_pin_back),
		cmocka_unit_test(a_weak_password_costs_no_try_and_no_otp),
	};

	return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}
