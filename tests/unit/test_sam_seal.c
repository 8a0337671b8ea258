/* link: sam
 * Seals and codes: what opens and what does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "hsm/sam/code.h"
#include "hsm/sam/lru.h"
#include "hsm/sam/seal.h"

#include <string.h>

static const struct seal_terms terms = {
	.purpose = SEAL_SLOT,
	.generation = 1,
	.material = {(const uint8_t *)"0123456789abcdef0123456789abcdef", 32},
	.bound = {(const uint8_t *)"bound", 5},
};

static struct buf sealed(void)
{
	struct buf seal = BUF_INIT;

	assert_int_equal(seal_make(&seal, &terms, span_string("the wrapped key")), RC_OK);
	return seal;
}

static void a_seal_has_the_documented_layout(void **state)
{
	struct buf seal = sealed(), again = sealed();
	static const uint8_t head[10] = {1, 1, 0, 0, 0, 0, 0, 0, 0, 1};
	uint64_t generation = 0;

	(void)state;
	assert_int_equal(seal.len, SEAL_HEADER_LEN + 15 + SEAL_TAG_LEN);
	assert_memory_equal(seal.data, head, sizeof(head));
	assert_memory_not_equal(seal.data + 10, again.data + 10, SEAL_SALT_LEN);
	assert_int_equal(seal_generation(buf_span(&seal), SEAL_SLOT, &generation), RC_OK);
	assert_int_equal(generation, 1);
	buf_free(&again);
	buf_free(&seal);
}

static void a_seal_opens_only_as_it_was_made(void **state)
{
	struct buf seal = sealed(), plain = BUF_INIT;
	struct seal_terms other;

	(void)state;
	assert_int_equal(seal_open(&plain, &terms, buf_span(&seal)), RC_OK);
	assert_true(span_equal(buf_span(&plain), span_string("the wrapped key")));
	other = terms;
	other.purpose = SEAL_SAD;
	assert_int_equal(seal_open(&plain, &other, buf_span(&seal)), RC_SEAL_BROKEN);
	other = terms;
	other.generation = 2;
	assert_int_equal(seal_open(&plain, &other, buf_span(&seal)), RC_SEAL_BROKEN);
	other = terms;
	other.bound = span_string("Bound");
	assert_int_equal(seal_open(&plain, &other, buf_span(&seal)), RC_SEAL_BROKEN);
	other = terms;
	other.material = span_string("0123456789abcdef0123456789abcdeF");
	assert_int_equal(seal_open(&plain, &other, buf_span(&seal)), RC_SEAL_BROKEN);
	assert_int_equal(plain.len, 0);
	buf_free(&plain);
	buf_free(&seal);
}

static void every_bit_of_a_seal_counts(void **state)
{
	struct buf seal = sealed(), plain = BUF_INIT;

	(void)state;
	for (size_t bit = 0; bit < seal.len * 8; bit++) {
		seal.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(seal_open(&plain, &terms, buf_span(&seal)), RC_SEAL_BROKEN);
		seal.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t len = 0; len < seal.len; len++)
		assert_int_equal(seal_open(&plain, &terms, SPAN(seal.data, len)), RC_SEAL_BROKEN);
	assert_int_equal(buf_append(&seal, "x", 1), RC_OK);
	assert_int_equal(seal_open(&plain, &terms, buf_span(&seal)), RC_SEAL_BROKEN);
	buf_free(&plain);
	buf_free(&seal);
}

static void a_code_is_read_as_people_type_it(void **state)
{
	static const struct {
		const char *typed;
		bool same;
	} table[] = {
		{"0A1B2-C3D4E-5F6G7-H8J9K", true},
		{"0a1b2c3d4e5f6g7h8j9k", true},
		{" OAIB2 C3D4E 5F6G7 H8J9K ", true},
		{"oalb2-c3d4e-5f6g7-h8j9k", true},
		{"0A1B2-C3D4E-5F6G7-H8J9M", false},
		{"0A1B2-C3D4E-5F6G7-H8J9", false},
		{"0A1B2-C3D4E-5F6G7-H8J9KK", false},
		{"0A1B2-C3D4E-5F6G7-H8J9U", false},
		{"0A1B2-C3D4E-5F6G7-H8J9\xc4", false},
		{"", false},
	};
	struct id enrolment = {{7}}, other = {{8}};
	struct span key = span_string("working key");
	uint8_t right[CODE_MAC_LEN], mac[CODE_MAC_LEN];

	(void)state;
	assert_int_equal(code_mac(key, &enrolment, span_string("line"), 1000,
				 span_string(table[0].typed), right),
		RC_OK);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		memset(mac, 0, sizeof(mac));
		rc_t rc = code_mac(key, &enrolment, span_string("line"), 1000,
			span_string(table[i].typed), mac);
		assert_true((rc == RC_OK && memcmp(mac, right, sizeof(mac)) == 0) == table[i].same);
	}
	assert_int_equal(
		code_mac(key, &other, span_string("line"), 1000, span_string(table[0].typed), mac),
		RC_OK);
	assert_memory_not_equal(mac, right, sizeof(mac));
	assert_int_equal(code_mac(key, &enrolment, span_string("Line"), 1000,
				 span_string(table[0].typed), mac),
		RC_OK);
	assert_memory_not_equal(mac, right, sizeof(mac));
	assert_int_equal(code_mac(key, &enrolment, span_string("line"), 1001,
				 span_string(table[0].typed), mac),
		RC_OK);
	assert_memory_not_equal(mac, right, sizeof(mac));
}

static void codes_are_drawn_in_their_form(void **state)
{
	struct secret code = SECRET_INIT, next = SECRET_INIT;

	(void)state;
	assert_int_equal(code_draw(&code), RC_OK);
	assert_int_equal(code_draw(&next), RC_OK);
	assert_int_equal(code.bytes.len, 23);
	for (size_t i = 0; i < 23; i++)
		assert_true((i % 6 == 5) == (code.bytes.data[i] == '-'));
	assert_false(secret_equal(secret_span(&code), secret_span(&next)));
	secret_free(&next);
	secret_free(&code);
}

static void dropped(void *arg, void *value)
{
	(void)value;
	++*(int *)arg;
}

static void lru_key(uint8_t key[SHA256_LEN], uint32_t number)
{
	memset(key, 0, SHA256_LEN);
	memcpy(key + 4, &number, sizeof(number)); /* all in one bucket */
}

static void a_bounded_set_forgets_what_was_used_longest_ago(void **state)
{
	int drops = 0, values[8];
	struct lru *lru = NULL;
	uint8_t key[SHA256_LEN];

	(void)state;
	assert_int_equal(lru_new(0, dropped, &drops, &lru), RC_RANGE);
	assert_int_equal(lru_new(3, dropped, &drops, &lru), RC_OK);
	for (uint32_t i = 0; i < 3; i++) {
		lru_key(key, i);
		lru_put(lru, key, &values[i]);
	}
	lru_key(key, 0);
	assert_ptr_equal(lru_get(lru, key), &values[0]);
	lru_key(key, 3);
	lru_put(lru, key, &values[3]);
	assert_int_equal(drops, 1);
	lru_key(key, 1);
	assert_null(lru_get(lru, key));
	lru_key(key, 0);
	lru_put(lru, key, &values[4]);
	assert_int_equal(drops, 2);
	assert_ptr_equal(lru_get(lru, key), &values[4]);
	lru_remove(lru, key);
	lru_remove(lru, key);
	assert_int_equal(drops, 3);
	assert_null(lru_get(lru, key));
	for (uint32_t i = 10; i < 1000; i++) {
		lru_key(key, i);
		lru_put(lru, key, &values[5]);
		assert_ptr_equal(lru_get(lru, key), &values[5]);
	}
	lru_free(&lru);
	assert_int_equal(drops, 3 + 2 + 990);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_seal_has_the_documented_layout),
		cmocka_unit_test(a_seal_opens_only_as_it_was_made),
		cmocka_unit_test(every_bit_of_a_seal_counts),
		cmocka_unit_test(a_code_is_read_as_people_type_it),
		cmocka_unit_test(codes_are_drawn_in_their_form),
		cmocka_unit_test(a_bounded_set_forgets_what_was_used_longest_ago),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
