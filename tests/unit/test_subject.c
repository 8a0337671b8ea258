/* link: core */
/* What the core makes of a SAD's text and row before anything is spent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "core/subject.h"

#include <string.h>

#define LEN 4 /* of a toy digest */

static struct span text(const char *string)
{
	return span_string(string);
}

static rc_t choose(
	uint32_t *positions, const char *authorised, const char *spent, const char *hashes)
{
	return sad_positions_choose(positions, text(authorised), text(spent), text(hashes), LEN,
		strlen(hashes) / LEN, 0);
}

static void those_that_race_for_equal_hashes_begin_elsewhere(void **state)
{
	uint32_t position = 0;

	(void)state;
	for (size_t from = 0; from < 8; from++) {
		assert_int_equal(sad_positions_choose(&position, text("aaaaaaaaaaaaaaaa"),
					 text("0000"), text("aaaa"), LEN, 1, from),
			RC_OK);
		assert_int_equal(position, from % 4);
	}
}

static void the_order_of_the_request_is_kept(void **state)
{
	uint32_t positions[3];

	(void)state;
	assert_int_equal(choose(positions, "aaaabbbbcccc", "000", "ccccaaaabbbb"), RC_OK);
	assert_int_equal(positions[0], 2);
	assert_int_equal(positions[1], 0);
	assert_int_equal(positions[2], 1);
}

static void each_occurrence_serves_once(void **state)
{
	uint32_t positions[3];

	(void)state;
	assert_int_equal(choose(positions, "aaaabbbbaaaa", "000", "aaaaaaaa"), RC_OK);
	assert_int_equal(positions[0] + positions[1], 2);
	assert_int_equal(
		choose(positions, "aaaabbbbaaaa", "000", "aaaaaaaaaaaa"), RC_HASH_NOT_AUTHORIZED);
	assert_int_equal(choose(positions, "aaaabbbbaaaa", "100", "aaaa"), RC_OK);
	assert_int_equal(positions[0], 2);
	assert_int_equal(choose(positions, "aaaabbbbaaaa", "101", "aaaa"), RC_HASH_NOT_AUTHORIZED);
}

static void what_is_not_authorised_is_refused(void **state)
{
	uint32_t positions[4];

	(void)state;
	assert_int_equal(choose(positions, "aaaabbbb", "00", "aaac"), RC_HASH_NOT_AUTHORIZED);
	assert_int_equal(choose(positions, "aaaabbbb", "00", "aabb"), RC_HASH_NOT_AUTHORIZED);
	assert_int_equal(choose(positions, "", "", "aaaa"), RC_HASH_NOT_AUTHORIZED);
	assert_int_equal(
		choose(positions, "aaaabbbb", "00", "aaaabbbbaaaa"), RC_HASH_NOT_AUTHORIZED);
	/* a list that is not as long as its bits */
	assert_int_equal(choose(positions, "aaaabbbb", "000", "aaaa"), RC_HASH_NOT_AUTHORIZED);
}

static void a_sad_has_one_spelling(void **state)
{
	struct secret sad = SECRET_INIT;
	struct sad_text read = {.well_formed = false};
	struct id handle = {{1, 2, 3}};
	uint8_t s[SAD_SECRET_LEN] = {9}, sha256[SHA256_LEN];

	(void)state;
	assert_int_equal(sad_text_make(&sad, &handle, SPAN(s, sizeof(s)), sha256), RC_OK);
	assert_int_equal(sad.bytes.len, 64);
	assert_int_equal(sad_text_read(&read, secret_span(&sad)), RC_OK);
	assert_true(read.well_formed);
	assert_memory_equal(read.sha256, sha256, sizeof(sha256));
	assert_memory_equal(read.s.bytes.data, s, sizeof(s));
	sad_text_free(&read);
	secret_free(&sad);
}

static void what_is_no_sad_still_has_a_digest_to_look_for(void **state)
{
	static const char *const texts[] = {"", "A", "AAAA", "AAA=", "é",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA+"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct sad_text read = {.well_formed = true};
		assert_int_equal(sad_text_read(&read, text(texts[i])), RC_OK);
		assert_false(read.well_formed);
		sad_text_free(&read);
	}
}

static struct sad_row row(void)
{
	static const uint8_t certificate[SHA256_LEN];
	int64_t now = clock_wall_ms();

	return (struct sad_row){.found = true,
		.state = "live",
		.digest = "SHA-256",
		.scal = 2,
		.hash_count = 2,
		.unspent = 1,
		.start_ms = now - 1000,
		.end_ms = now + 60000,
		.seal = text("seal"),
		.certificate_sha256 = SPAN(certificate, sizeof(certificate)),
		.hashes = text("aaaabbbb"),
		.spent = text("01")};
}

static void assert_row(struct sad_row sad, rc_t rc)
{
	struct sad_text good = {.well_formed = true};

	assert_int_equal(sad_row_check(&sad, &good), rc);
}

static void only_a_live_sad_serves(void **state)
{
	struct sad_row sad = row();

	(void)state;
	assert_row(sad, RC_OK);
	sad.found = false;
	assert_row(sad, RC_SAD_INVALID);
	static const char *const dead[] = {"spent", "extended", "nonsense"};
	for (size_t i = 0; i < sizeof(dead) / sizeof(dead[0]); i++) {
		sad = row();
		sad.state = dead[i];
		assert_row(sad, RC_SAD_INVALID);
	}
	sad = row();
	sad.unspent = 0;
	assert_row(sad, RC_SAD_INVALID);
	sad = row();
	sad.seal = SPAN_NONE;
	assert_row(sad, RC_SAD_INVALID);
}

static void a_late_sad_says_so(void **state)
{
	struct sad_row sad = row();

	(void)state;
	sad.end_ms = clock_wall_ms();
	assert_row(sad, RC_SAD_EXPIRED);
	sad = row();
	sad.state = "expired";
	sad.seal = SPAN_NONE;
	assert_row(sad, RC_SAD_EXPIRED);
}

/* Constraints of the database that its superuser dropped. */
static void a_row_that_no_constraint_held_is_refused(void **state)
{
	struct sad_row sad = row();

	(void)state;
	sad.hash_count = HASHES_MAX + 1;
	assert_row(sad, RC_SAD_INVALID);
	sad.hash_count = INT64_MAX;
	assert_row(sad, RC_SAD_INVALID);
	sad.hash_count = -1;
	assert_row(sad, RC_SAD_INVALID);
	sad = row();
	sad.spent = text("0");
	assert_row(sad, RC_SAD_INVALID);
	sad = row();
	sad.digest = "SHA-1";
	assert_row(sad, RC_SAD_INVALID);
	sad = row();
	sad.certificate_sha256 = text("short");
	assert_row(sad, RC_SAD_INVALID);
}

static void a_token_of_one_subscriber_or_credential_reaches_no_other(void **state)
{
	const struct id mine = {{1}}, other = {{2}};
	struct subject_row subject = {.credential = mine, .subscriber = mine};
	struct call call = {.who = {.kind = PRINCIPAL_CLIENT}};

	(void)state;
	assert_int_equal(subject_may(&call, &subject), RC_OK);
	call.who.subscriber = mine;
	assert_int_equal(subject_may(&call, &subject), RC_OK);
	call.who.sad_credential = other;
	assert_int_equal(subject_may(&call, &subject), RC_CREDENTIAL_ID_INVALID);
	call.who.sad_credential = mine;
	assert_int_equal(subject_may(&call, &subject), RC_OK);
	call.who.subscriber = other;
	assert_int_equal(subject_may(&call, &subject), RC_CREDENTIAL_ID_INVALID);
}

static void a_bound_sad_wants_its_certificate(void **state)
{
	static const uint8_t certificate[SHA256_LEN] = {7};
	struct sad_row sad = row();
	struct call call = {.has_tls = false};

	(void)state;
	assert_int_equal(sad_row_bound(&sad, &call), RC_OK);
	sad.tls_sha256 = SPAN(certificate, sizeof(certificate));
	assert_int_equal(sad_row_bound(&sad, &call), RC_SAD_INVALID);
	memcpy(call.tls_sha256, certificate, SHA256_LEN);
	assert_int_equal(sad_row_bound(&sad, &call), RC_SAD_INVALID);
	call.has_tls = true;
	assert_int_equal(sad_row_bound(&sad, &call), RC_OK);
	call.tls_sha256[31] ^= 1;
	assert_int_equal(sad_row_bound(&sad, &call), RC_SAD_INVALID);
	sad.tls_sha256.len = 31; /* no constraint held */
	assert_int_equal(sad_row_bound(&sad, &call), RC_SAD_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_of_one_subscriber_or_credential_reaches_no_other),
		cmocka_unit_test(a_bound_sad_wants_its_certificate),
		cmocka_unit_test(those_that_race_for_equal_hashes_begin_elsewhere),
		cmocka_unit_test(the_order_of_the_request_is_kept),
		cmocka_unit_test(each_occurrence_serves_once),
		cmocka_unit_test(what_is_not_authorised_is_refused),
		cmocka_unit_test(a_sad_has_one_spelling),
		cmocka_unit_test(what_is_no_sad_still_has_a_digest_to_look_for),
		cmocka_unit_test(only_a_live_sad_serves),
		cmocka_unit_test(a_late_sad_says_so),
		cmocka_unit_test(a_row_that_no_constraint_held_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
