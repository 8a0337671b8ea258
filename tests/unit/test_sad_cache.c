/* link: core */
/* What a daemon remembers of SADs, whatever the database tells it of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/sad_cache.h"

#include <string.h>

static const struct id client = {{1}}, other_client = {{2}};
static const uint8_t sha256[SHA256_LEN] = {7};

static struct sad_row row(size_t hash_count, int64_t end_ms)
{
	static const char zeros[] = "0000000000000000";
	static const uint8_t hashes[16 * 32];

	return (struct sad_row){
		.subject = {.credential = {{3}},
			.credential_state = "active",
			.subscriber_state = "active",
			.client_state = "active",
			.client_mode = "explicit",
			.client_profile = "general",
			.client_sector = "",
			.key_algo = "p-256",
			.factors = "PIN",
			.position = "",
			.budget_code = "",
			.sector = ""},
		.found = true,
		.state = "live",
		.digest = "SHA-256",
		.hash_count = (int64_t)hash_count,
		.unspent = (int64_t)hash_count,
		.end_ms = end_ms,
		.seal = SPAN("seal", 4),
		.hashes = SPAN(hashes, hash_count * 32),
		.spent = SPAN(zeros, hash_count),
	};
}

static void keep(struct core *core, size_t hash_count, int64_t end_ms)
{
	const struct sad_row fresh = row(hash_count, end_ms);

	sad_cache_keep(core, &client, sha256, &fresh);
}

static const struct sad_row *find(struct core *core)
{
	const struct id credential = {{3}};

	return sad_cache_find(core, &client, &credential, sha256);
}

static void what_is_spent_is_remembered(void **state)
{
	struct core *core = *state;
	const uint32_t positions[] = {1, 3};

	keep(core, 4, 1000);
	sad_cache_spend(core, sha256, positions, 2);
	assert_non_null(find(core));
	assert_memory_equal(find(core)->spent.data, "0101", 4);
	assert_int_equal(find(core)->unspent, 2);
	sad_cache_spend(core, sha256, (const uint32_t[]){0, 2}, 2);
	assert_null(find(core));
}

static void it_is_another_clients_or_credentials_by_no_means(void **state)
{
	struct core *core = *state;
	const struct id credential = {{3}}, other = {{4}};

	keep(core, 4, 1000);
	assert_null(sad_cache_find(core, &other_client, &credential, sha256));
	assert_null(sad_cache_find(core, &client, &other, sha256));
	assert_non_null(find(core));
}

/* Another request has read the row in the meantime, and the database said something else. */
static void positions_that_the_list_does_not_have_change_nothing_of_it(void **state)
{
	struct core *core = *state;

	keep(core, 4, 1000);
	sad_cache_spend(core, sha256, (const uint32_t[]){4}, 1);
	assert_null(find(core));
	keep(core, 0, 1000);
	sad_cache_spend(core, sha256, (const uint32_t[]){499}, 1);
	assert_null(find(core));
}

static void one_that_is_late_is_forgotten_with_its_seal(void **state)
{
	struct core *core = *state;

	keep(core, 4, 1000);
	sad_cache_expire(core, 999);
	assert_non_null(find(core));
	sad_cache_expire(core, 1000);
	assert_null(find(core));
}

static int core_setup(void **state)
{
	static struct core core;

	core = (struct core){0};
	*state = &core;
	return core_sads_start(&core) == RC_OK ? 0 : -1;
}

static int core_teardown(void **state)
{
	core_sads_stop(*state);
	return 0;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, core_setup, core_teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_is_spent_is_remembered),
		TEST(it_is_another_clients_or_credentials_by_no_means),
		TEST(positions_that_the_list_does_not_have_change_nothing_of_it),
		TEST(one_that_is_late_is_forgotten_with_its_seal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
