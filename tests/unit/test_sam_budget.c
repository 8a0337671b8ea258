/* link: sam
 * The memory of failures: limits, unlocks, what survives a killed process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "hsm/sam/budget.h"
#include "hsm/sam/otp.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct budget_limits usual = {5, 1000};

struct area {
	int fd;
	struct budget *budget;
	int64_t now;
};

static struct budget *open_area(int fd, struct budget_limits limits)
{
	struct budget *budget = NULL;

	assert_int_equal(budget_open(fd, limits, clock_wall_ms(), &budget), RC_OK);
	return budget;
}

static struct area area_new(struct budget_limits limits)
{
	struct area area = {.fd = memfd_create("area", 0), .now = clock_wall_ms()};

	assert_int_equal(ftruncate(area.fd, BUDGET_AREA_SIZE), 0);
	area.budget = open_area(area.fd, limits);
	return area;
}

static void area_free(struct area *area)
{
	budget_close(&area->budget);
	close(area->fd);
}

static rc_t count(struct area *area, const struct id *credential, struct budget_try *attempt)
{
	return budget_count(area->budget, credential, area->now, attempt);
}

static struct id id_of(uint32_t number)
{
	struct id id = {{0}};

	memcpy(id.bytes, &number, sizeof(number));
	return id;
}

static void five_failures_lock(void **state)
{
	struct area area = area_new(usual);
	struct id mine = id_of(1), other = id_of(2);
	struct budget_try attempt = {0};

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_int_equal(count(&area, &mine, &attempt), RC_OK);
	assert_int_equal(count(&area, &mine, &attempt), RC_PIN_LOCKED);
	assert_int_equal(count(&area, &mine, &attempt), RC_PIN_LOCKED);
	assert_int_equal(count(&area, &other, &attempt), RC_OK);
	area_free(&area);
}

static void success_forgets_failures_and_keeps_the_step(void **state)
{
	struct area area = area_new(usual);
	struct id mine = id_of(1);
	struct budget_try attempt = {0};
	int64_t step = area.now / 30000;

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_int_equal(count(&area, &mine, &attempt), RC_OK);
	assert_int_equal(attempt.last_step, -1);
	assert_int_equal(budget_success(area.budget, &mine, step), RC_OK);
	for (int i = 0; i < 5; i++)
		assert_int_equal(count(&area, &mine, &attempt), RC_OK);
	assert_int_equal(attempt.last_step, step);
	/* two SAMs that checked one code at once: the second one is too late */
	assert_int_equal(budget_success(area.budget, &mine, step), RC_OTP_REPLAYED);
	assert_int_equal(budget_success(area.budget, &mine, step - 1), RC_OTP_REPLAYED);
	budget_uncount(area.budget, &mine);
	assert_int_equal(count(&area, &mine, &attempt), RC_OK);
	assert_int_equal(attempt.last_step, step);
	area_free(&area);
}

static void one_factor_alone_forgets_its_own_failure_only(void **state)
{
	struct area area = area_new(usual);
	struct id mine = id_of(1);
	struct budget_try attempt = {0};
	int64_t step = area.now / 30000;

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(count(&area, &mine, &attempt), RC_OK);
	assert_int_equal(budget_proved(area.budget, &mine, step), RC_OK);
	assert_int_equal(count(&area, &mine, &attempt), RC_OK);
	assert_int_equal(attempt.last_step, step);
	assert_int_equal(budget_proved(area.budget, &mine, step), RC_OTP_REPLAYED);
	assert_int_equal(count(&area, &mine, &attempt), RC_OK);
	assert_int_equal(count(&area, &mine, &attempt), RC_PIN_LOCKED);
	area_free(&area);
}

static void a_replayed_otp_is_taken_back(void **state)
{
	struct area area = area_new(usual);
	struct id mine = id_of(1);
	struct budget_try attempt = {0};

	(void)state;
	for (int i = 0; i < 20; i++) {
		assert_int_equal(count(&area, &mine, &attempt), RC_OK);
		budget_uncount(area.budget, &mine);
	}
	area_free(&area);
}

static void all_together_have_an_hourly_limit(void **state)
{
	struct area area = area_new((struct budget_limits){5, 7});
	struct budget_try attempt = {0};

	(void)state;
	for (uint32_t i = 0; i < 7; i++) {
		struct id id = id_of(i);
		assert_int_equal(count(&area, &id, &attempt), RC_OK);
	}
	struct id one = id_of(0), next = id_of(99);
	assert_int_equal(count(&area, &next, &attempt), RC_TOO_MANY);
	assert_in_range(attempt.retry_after_s, 3500, 3601);
	/* one that succeeded after all gives its place back */
	assert_int_equal(budget_success(area.budget, &one, -1), RC_OK);
	assert_int_equal(count(&area, &next, &attempt), RC_OK);
	area_free(&area);
}

static void an_unlock_counts_once_and_only_if_it_is_new(void **state)
{
	struct area area = area_new(usual);
	struct id mine = id_of(1);
	struct budget_try attempt = {0};
	int64_t later = area.now + 1000;

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_int_equal(count(&area, &mine, &attempt), RC_OK);
	assert_int_equal(budget_unlock(area.budget, &mine, area.now - 60000, area.now), RC_STALE);
	assert_int_equal(budget_unlock(area.budget, &mine, area.now + 300001, area.now), RC_STALE);
	assert_int_equal(count(&area, &mine, &attempt), RC_PIN_LOCKED);
	assert_true(budget_unlock_is_new(area.budget, &mine, later, area.now));
	assert_int_equal(budget_unlock(area.budget, &mine, later, area.now), RC_OK);
	for (int i = 0; i < 5; i++)
		assert_int_equal(count(&area, &mine, &attempt), RC_OK);
	assert_false(budget_unlock_is_new(area.budget, &mine, later, area.now));
	assert_int_equal(budget_unlock(area.budget, &mine, later, area.now), RC_STALE);
	assert_int_equal(count(&area, &mine, &attempt), RC_PIN_LOCKED);
	assert_int_equal(budget_unlock(area.budget, &mine, later + 1, area.now), RC_OK);
	assert_int_equal(count(&area, &mine, &attempt), RC_OK);
	area_free(&area);
}

static void an_unlock_cannot_be_kept_for_later(void **state)
{
	struct area area = area_new(usual);
	struct id mine = id_of(1);
	struct budget_try attempt = {0};

	(void)state;
	assert_int_equal(budget_unlock(area.budget, &mine, area.now + 5, area.now), RC_OK);
	for (int i = 0; i < 5; i++)
		assert_int_equal(count(&area, &mine, &attempt), RC_OK);
	assert_int_equal(budget_unlock(area.budget, &mine, area.now + 5, area.now), RC_STALE);
	assert_int_equal(count(&area, &mine, &attempt), RC_PIN_LOCKED);
	area_free(&area);
}

/* A child counts without end and is killed at any point: never a count less than it told of. */
static void kill_9_leaves_every_count_that_was_told(void **state)
{
	struct area area = area_new((struct budget_limits){1000000, 1000000});
	struct id mine = id_of(1);
	struct budget_try attempt = {0};

	(void)state;
	for (int round = 0; round < 20; round++) {
		int told[2];
		uint32_t heard = 0, last = 0;
		assert_int_equal(pipe(told), 0);
		pid_t child = fork();
		if (child == 0) {
			struct budget_limits limits = {1000000, 1000000};
			struct budget *own = open_area(area.fd, limits);
			for (uint32_t i = 1;; i++) {
				if (budget_count(own, &mine, area.now, &attempt) != RC_OK ||
					write(told[1], &i, sizeof(i)) != sizeof(i))
					_exit(1);
			}
		}
		close(told[1]);
		while (heard < 50 && read(told[0], &last, sizeof(last)) == sizeof(last))
			heard = last;
		kill(child, SIGKILL);
		while (read(told[0], &last, sizeof(last)) == sizeof(last))
			heard = last;
		waitpid(child, NULL, 0);
		close(told[0]);
		budget_close(&area.budget);
		area.budget = open_area(area.fd, (struct budget_limits){heard, 1000000});
		assert_int_equal(count(&area, &mine, &attempt), RC_PIN_LOCKED);
		budget_close(&area.budget);
		area.budget = open_area(area.fd, (struct budget_limits){heard + 2, 1000000});
		assert_int_equal(count(&area, &mine, &attempt), RC_OK);
		assert_int_equal(budget_success(area.budget, &mine, -1), RC_OK);
	}
	area_free(&area);
}

/* Several SAMs on one area: the count is exact. */
static void processes_that_share_an_area_lose_no_count(void **state)
{
	struct area area = area_new((struct budget_limits){100000, 100000});
	struct id mine = id_of(1);
	struct budget_try attempt = {0};

	(void)state;
	for (int i = 0; i < 4; i++) {
		if (fork() != 0)
			continue;
		struct budget *own = open_area(area.fd, (struct budget_limits){100000, 100000});
		for (int n = 0; n < 2000; n++) {
			if (budget_count(own, &mine, area.now, &attempt) != RC_OK)
				_exit(1);
		}
		_exit(0);
	}
	for (int i = 0; i < 4; i++) {
		int status = -1;
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	budget_close(&area.budget);
	area.budget = open_area(area.fd, (struct budget_limits){8001, 100000});
	assert_int_equal(count(&area, &mine, &attempt), RC_OK);
	assert_int_equal(count(&area, &mine, &attempt), RC_PIN_LOCKED);
	area_free(&area);
}

/* The area has 2^20 places; more locked credentials than that, and a new one is refused. */
static void a_full_table_fails_closed_and_idle_entries_are_used_again(void **state)
{
	struct budget_limits limits = {1, UINT32_MAX};
	struct area area = area_new(limits);
	struct budget_try attempt = {0};
	uint32_t refused = 0, number = 0;

	(void)state;
	for (; number < 1200000; number++) {
		struct id id = id_of(number);
		rc_t rc = count(&area, &id, &attempt);
		if (rc == RC_TOO_MANY)
			refused++;
		else
			assert_int_equal(rc, RC_OK);
	}
	assert_true(refused > 100000);
	struct id first = id_of(0);
	assert_int_equal(count(&area, &first, &attempt), RC_PIN_LOCKED);
	/* those that succeeded make room */
	for (uint32_t i = 0; i < number; i++) {
		struct id id = id_of(i);
		assert_int_equal(budget_success(area.budget, &id, -1), RC_OK);
	}
	struct id fresh = id_of(5000000);
	assert_int_equal(count(&area, &fresh, &attempt), RC_OK);
	area_free(&area);
}

static void an_area_of_another_form_is_refused(void **state)
{
	int fd = memfd_create("area", 0);
	struct budget *budget = NULL;

	(void)state;
	assert_int_equal(ftruncate(fd, 4096), 0);
	assert_int_equal(budget_open(fd, usual, clock_wall_ms(), &budget), RC_SYSTEM);
	assert_int_equal(ftruncate(fd, BUDGET_AREA_SIZE), 0);
	assert_int_equal(pwrite(fd, "strange", 7, 0), 7);
	assert_int_equal(budget_open(fd, usual, clock_wall_ms(), &budget), RC_SYSTEM);
	assert_int_equal(budget_open(-1, usual, clock_wall_ms(), &budget), RC_SYSTEM);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(five_failures_lock),
		cmocka_unit_test(success_forgets_failures_and_keeps_the_step),
		cmocka_unit_test(one_factor_alone_forgets_its_own_failure_only),
		cmocka_unit_test(a_replayed_otp_is_taken_back),
		cmocka_unit_test(all_together_have_an_hourly_limit),
		cmocka_unit_test(an_unlock_counts_once_and_only_if_it_is_new),
		cmocka_unit_test(an_unlock_cannot_be_kept_for_later),
		cmocka_unit_test(kill_9_leaves_every_count_that_was_told),
		cmocka_unit_test(processes_that_share_an_area_lose_no_count),
		cmocka_unit_test(a_full_table_fails_closed_and_idle_entries_are_used_again),
		cmocka_unit_test(an_area_of_another_form_is_refused),
	};

	log_open("test", LOG_ERROR + 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
