/* link: core */
/* Details of audit rows, and what operators may type. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/operate.h"

#include <jansson.h>
#include <string.h>

static json_t *read_detail(const struct audit_row *row)
{
	json_error_t error;
	json_t *detail = json_loads(row->detail, JSON_REJECT_DUPLICATES, &error);

	if (detail == NULL)
		fail_msg("%s: %s", error.text, row->detail);
	return detail;
}

static void test_details_are_json_whatever_the_value(void **state)
{
	static const char *const values[] = {
		"", "Giáo viên", "\"quoted\" \\ back", "tab\t, line\n", "\x01"};
	static const char *const keys[] = {"a", "b", "c", "d", "e"};
	struct audit_row row = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		operate_detail(&row, keys[i], values[i]);
	json_t *detail = read_detail(&row);
	assert_int_equal(json_object_size(detail), 5);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		assert_string_equal(json_string_value(json_object_get(detail, keys[i])), values[i]);
	json_decref(detail);
}

static void test_a_detail_that_does_not_fit_is_left_out_whole(void **state)
{
	struct audit_row row = {0};
	char longest[AUDIT_DETAIL_MAX];

	(void)state;
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = 0;
	operate_detail(&row, "first", "1");
	operate_detail(&row, "longest", longest);
	operate_detail(&row, "last", "2");
	assert_string_equal(row.detail, "{\"first\":\"1\",\"last\":\"2\"}");
	for (size_t i = 0; i < AUDIT_DETAIL_MAX; i++) {
		operate_detail(&row, "k", "v");
		assert_true(strlen(row.detail) < sizeof(row.detail));
		assert_int_equal(row.detail[strlen(row.detail) - 1], '}');
	}
}

static void test_texts_are_one_line_and_not_empty(void **state)
{
	(void)state;
	assert_true(operate_text_fits("Sở Ví dụ", 20));
	assert_true(operate_text_fits("abc", 3));
	assert_false(operate_text_fits("abcd", 3));
	assert_false(operate_text_fits("", 3));
	assert_false(operate_text_fits(NULL, 3));
	assert_false(operate_text_fits("a\nb", 3));
	assert_false(operate_text_fits("a\x7f", 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_details_are_json_whatever_the_value),
		cmocka_unit_test(test_a_detail_that_does_not_fit_is_left_out_whole),
		cmocka_unit_test(test_texts_are_one_line_and_not_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
