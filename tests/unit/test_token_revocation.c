/* link: core */
/* What a daemon holds of revoked tokens, and how it reads what it is told of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/oauth/token_revocation.h"

#include <string.h>

#define NOW_MS INT64_C(1795348800000)
#define END_MS (NOW_MS + 3600000)

static struct id id_of(uint32_t number)
{
	struct id id = {{0}};

	for (size_t i = 0; i < 4; i++)
		id.bytes[ID_LEN - 1 - i] = (uint8_t)(number >> 8 * i);
	return id;
}

static struct token_claims token_of(uint32_t number, int64_t issued_ms)
{
	struct token_claims claims = {.client = id_of(2), .agency = id_of(3)};

	assert_int_equal(id_at(&claims.jti, issued_ms), RC_OK);
	claims.consent = id_of(number);
	claims.subscriber = id_of(number + 1);
	return claims;
}

static struct revocation_set *set_of(size_t most)
{
	struct revocation_set *set = NULL;

	assert_int_equal(revocation_set_new(most, &set), RC_OK);
	return set;
}

static rc_t add(struct revocation_set *set, enum revocation_kind kind, struct id subject,
	int64_t before_ms, int64_t ends_ms, int64_t now_ms)
{
	return revocation_set_add(
		set, &(struct revocation_row){kind, subject, before_ms, ends_ms}, now_ms);
}

static void nothing_is_revoked_at_first(void **state)
{
	struct revocation_set *set = set_of(10);
	struct token_claims own = {.client = id_of(1)}, claims = token_of(5, NOW_MS);

	(void)state;
	assert_false(revocation_set_has(set, &claims));
	assert_false(revocation_set_has(set, &own));
	revocation_set_free(&set);
}

static void a_token_and_a_consent_end_whenever_the_token_was_issued(void **state)
{
	struct revocation_set *set = set_of(10);
	struct token_claims one = token_of(5, NOW_MS + 9), other = token_of(7, NOW_MS);

	(void)state;
	assert_int_equal(add(set, REVOKED_TOKEN, one.jti, NOW_MS, END_MS, NOW_MS), RC_OK);
	assert_true(revocation_set_has(set, &one));
	assert_false(revocation_set_has(set, &other));
	assert_int_equal(
		add(set, REVOKED_CONSENT, other.consent, NOW_MS - 1, END_MS, NOW_MS), RC_OK);
	assert_true(revocation_set_has(set, &other));
	revocation_set_free(&set);
}

static void a_client_and_a_subscriber_lose_what_they_had_until_then(void **state)
{
	static const enum revocation_kind kinds[] = {REVOKED_CLIENT, REVOKED_SUBSCRIBER};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct revocation_set *set = set_of(10);
		struct token_claims before = token_of(5, NOW_MS), after = token_of(5, NOW_MS + 1);
		struct id subject = i == 0 ? before.client : before.subscriber;
		assert_int_equal(add(set, kinds[i], subject, NOW_MS, END_MS, NOW_MS), RC_OK);
		assert_true(revocation_set_has(set, &before));
		assert_false(revocation_set_has(set, &after));
		/* an older one that is heard later changes nothing; a newer one does */
		assert_int_equal(add(set, kinds[i], subject, NOW_MS - 9, END_MS, NOW_MS), RC_OK);
		assert_true(revocation_set_has(set, &before));
		assert_int_equal(add(set, kinds[i], subject, NOW_MS + 1, END_MS, NOW_MS), RC_OK);
		assert_true(revocation_set_has(set, &after));
		revocation_set_free(&set);
	}
}

static void one_kind_says_nothing_of_another(void **state)
{
	struct revocation_set *set = set_of(10);
	struct token_claims claims = token_of(5, NOW_MS);

	(void)state;
	assert_int_equal(add(set, REVOKED_TOKEN, claims.client, NOW_MS, END_MS, NOW_MS), RC_OK);
	assert_int_equal(add(set, REVOKED_CLIENT, claims.consent, NOW_MS, END_MS, NOW_MS), RC_OK);
	assert_int_equal(
		add(set, REVOKED_CONSENT, claims.subscriber, NOW_MS, END_MS, NOW_MS), RC_OK);
	assert_false(revocation_set_has(set, &claims));
	revocation_set_free(&set);
}

static void thousands_are_found_again(void **state)
{
	struct revocation_set *set = set_of(20000);

	(void)state;
	for (uint32_t i = 0; i < 20000; i++)
		assert_int_equal(
			add(set, REVOKED_CONSENT, id_of(i * 2), NOW_MS, END_MS, NOW_MS), RC_OK);
	for (uint32_t i = 1; i < 20000; i++) {
		struct token_claims claims = token_of(i * 2, NOW_MS);
		assert_true(revocation_set_has(set, &claims));
		claims = token_of(i * 2 + 1, NOW_MS);
		assert_false(revocation_set_has(set, &claims));
	}
	revocation_set_clear(set);
	struct token_claims claims = token_of(4, NOW_MS);
	assert_false(revocation_set_has(set, &claims));
	revocation_set_free(&set);
}

static void more_than_are_kept_is_said(void **state)
{
	struct revocation_set *set = set_of(300);

	(void)state;
	for (uint32_t i = 0; i < 300; i++)
		assert_int_equal(
			add(set, REVOKED_CONSENT, id_of(i), NOW_MS, END_MS, NOW_MS), RC_OK);
	assert_int_equal(
		add(set, REVOKED_CONSENT, id_of(1000), NOW_MS, END_MS, NOW_MS), RC_TOO_LONG);
	revocation_set_free(&set);
}

static void those_that_ended_make_room(void **state)
{
	struct revocation_set *set = set_of(300);

	(void)state;
	for (uint32_t i = 0; i < 5000; i++) {
		int64_t now = NOW_MS + i * 1000;
		assert_int_equal(add(set, REVOKED_CONSENT, id_of(i), now, now + 60000, now), RC_OK);
	}
	assert_int_equal(add(set, REVOKED_CONSENT, id_of(9999), NOW_MS, NOW_MS, NOW_MS + 1), RC_OK);
	struct token_claims claims = token_of(9999, NOW_MS);
	assert_false(revocation_set_has(set, &claims));
	revocation_set_free(&set);
}

/* ---- notifications ---- */

#define SUBJECT "01020304-0506-4708-890a-0b0c0d0e0f10"

static void a_notification_is_read(void **state)
{
	struct revocation_row row;

	(void)state;
	assert_int_equal(
		store_revocation_parse("client " SUBJECT " 1795348800123 1795352700123", &row),
		RC_OK);
	assert_int_equal(row.kind, REVOKED_CLIENT);
	assert_int_equal(row.subject.bytes[15], 0x10);
	assert_int_equal(row.before_ms, INT64_C(1795348800123));
	assert_int_equal(row.ends_ms, INT64_C(1795352700123));
	assert_int_equal(store_revocation_parse("token " SUBJECT " 1 2", &row), RC_OK);
	assert_int_equal(store_revocation_parse("consent " SUBJECT " 1 2", &row), RC_OK);
	assert_int_equal(store_revocation_parse("subscriber " SUBJECT " 1 2", &row), RC_OK);
}

static void anything_else_is_no_notification(void **state)
{
	static const char *const texts[] = {"", " ", "client", "client ", "client " SUBJECT,
		"client " SUBJECT " ", "client " SUBJECT " 1", "client " SUBJECT " 1 ",
		"client " SUBJECT " 1 2 ", "client " SUBJECT " 1 2 3", "client " SUBJECT " -1 2",
		"client " SUBJECT " 1 x", "client " SUBJECT "1 2",
		"client " SUBJECT " 1 1234567890123456", "agency " SUBJECT " 1 2",
		"Client " SUBJECT " 1 2", "client  " SUBJECT " 1 2",
		"client 01020304-0506-4708-890A-0b0c0d0e0f10 1 2",
		"client 01020304050647088900a0b0c0d0e0f10xxxx 1 2"};
	struct revocation_row row;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(store_revocation_parse(texts[i], &row), RC_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_revoked_at_first),
		cmocka_unit_test(a_token_and_a_consent_end_whenever_the_token_was_issued),
		cmocka_unit_test(a_client_and_a_subscriber_lose_what_they_had_until_then),
		cmocka_unit_test(one_kind_says_nothing_of_another),
		cmocka_unit_test(thousands_are_found_again),
		cmocka_unit_test(more_than_are_kept_is_said),
		cmocka_unit_test(those_that_ended_make_room),
		cmocka_unit_test(a_notification_is_read),
		cmocka_unit_test(anything_else_is_no_notification),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
