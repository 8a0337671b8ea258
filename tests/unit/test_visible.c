/* link: csc */
/* What options and templates say of a visible signature, in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "clients/lib/visible.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MM APPEARANCE_MM

static void test_lengths_have_units_and_a_point_or_a_comma(void **state)
{
	static const struct {
		const char *text;
		double points;
	} good[] = {{"20", 20 * MM}, {"20mm", 20 * MM}, {"2.5cm", 25 * MM}, {"2,5cm", 25 * MM},
		{"56pt", 56}, {"0", 0}, {"1000", 1000 * MM}, {"007.50mm", 7.5 * MM}};
	static const char *const bad[] = {"", "mm", "-1", "+1", " 1", "1 mm", "1.", ".5", "1e2",
		"0x10", "nan", "inf", "1.2.3", "20in", "1000.1", "99999999999999999999", "20mm "};
	struct visible visible;

	(void)state;
	visible_init(&visible);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(visible_set(&visible, "x", good[i].text), RC_OK);
		assert_true(fabs(visible.options.x - good[i].points) < 1e-9);
	}
	visible.options.x = 7;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (visible_set(&visible, "x", bad[i]) != RC_RANGE)
			fail_msg("\"%s\" was taken", bad[i]);
	}
	assert_true(visible.options.x == 7);
	assert_int_equal(visible_set(&visible, "width", "4mm"), RC_RANGE);
	assert_int_equal(visible_set(&visible, "font-size", "4.9"), RC_RANGE);
	assert_int_equal(visible_set(&visible, "z", "1"), RC_NOT_FOUND);
	visible_free(&visible);
}

static void test_lines_are_named_or_changed_by_a_sign(void **state)
{
	static const struct {
		const char *text;
		unsigned show;
	} good[] = {
		{"name", APPEARANCE_NAME},
		{"name,email", APPEARANCE_NAME | APPEARANCE_EMAIL},
		{"none", 0},
		{"+time", APPEARANCE_LINES},
		{"-time", APPEARANCE_NAME | APPEARANCE_EMAIL | APPEARANCE_AGENCY},
		{"-name,-email,+labels", APPEARANCE_AGENCY | APPEARANCE_TIME | APPEARANCE_LABELS},
		{"name,-name", 0},
		{"+bold,name", APPEARANCE_NAME},
	};
	static const char *const bad[] = {"", ",", "name,", ",name", "+", "nam", "names",
		"none,name", "name email", "++name"};
	struct visible visible;

	(void)state;
	visible_init(&visible);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		visible.options.show = APPEARANCE_LINES;
		assert_int_equal(visible_set(&visible, "show", good[i].text), RC_OK);
		assert_int_equal(visible.options.show, good[i].show);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (visible_set(&visible, "show", bad[i]) != RC_RANGE)
			fail_msg("\"%s\" was taken", bad[i]);
	}
	visible_free(&visible);
}

static void test_pages_are_first_last_or_counted_from_one(void **state)
{
	static const char *const bad[] = {"0", "-1", "", "1.5", "last ", "1000001", "999999999999"};
	struct visible visible;

	(void)state;
	visible_init(&visible);
	assert_int_equal(visible.options.page, APPEARANCE_LAST_PAGE);
	assert_int_equal(visible_set(&visible, "page", "first"), RC_OK);
	assert_int_equal(visible.options.page, 1);
	assert_int_equal(visible_set(&visible, "page", "12"), RC_OK);
	assert_int_equal(visible.options.page, 12);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(visible_set(&visible, "page", bad[i]), RC_RANGE);
	assert_int_equal(visible_set(&visible, "page", "last"), RC_OK);
	assert_int_equal(visible.options.page, APPEARANCE_LAST_PAGE);
	visible_free(&visible);
}

static void test_a_template_says_all_that_was_set(void **state)
{
	static const char *const values[] = {"/a/chữ ký.png", "/a/dấu.png", "36mm",
		"name,time,labels", "7", "top-right", "0mm", "12.5mm", "60mm", "20.5mm", "/a/f.ttf",
		"/a/b.ttf", "11.5pt"};
	struct visible visible;
	struct visible again;
	char faulty[VISIBLE_NAME];

	(void)state;
	visible_init(&visible);
	assert_int_equal(visible_count, sizeof(values) / sizeof(values[0]));
	for (size_t i = 0; i < visible_count; i++)
		assert_int_equal(visible_set(&visible, visible_names[i], values[i]), RC_OK);
	json_t *object = visible_json(&visible);
	for (size_t i = 0; i < visible_count; i++)
		assert_string_equal(
			json_string_value(json_object_get(object, visible_names[i])), values[i]);
	char *text = json_dumps(object, 0);
	assert_int_equal(visible_parse(span_string(text), &again, faulty), RC_OK);
	json_t *second = visible_json(&again);
	assert_true(json_equal(object, second));
	free(text);
	json_decref(object);
	json_decref(second);
	visible_free(&visible);
	visible_free(&again);
}

static void test_a_template_with_a_member_of_another_kind_is_refused_by_its_name(void **state)
{
	char faulty[VISIBLE_NAME] = "";
	struct visible visible;

	(void)state;
	assert_int_equal(visible_parse(span_string("{\"x\": \"1mm\", \"y\": 2}"), &visible, faulty),
		RC_RANGE);
	assert_string_equal(faulty, "y");
	assert_int_equal(visible_parse(span_string("{\"picture\": \"/a\", \"volume\": \"2\"}"),
				 &visible, faulty),
		RC_NOT_FOUND);
	assert_string_equal(faulty, "volume");
	assert_int_equal(
		visible_parse(span_string("{\"x\": \"1\", \"x\": \"2\"}"), &visible, faulty),
		RC_FORMAT);
	assert_int_equal(visible_parse(span_string("[]"), &visible, faulty), RC_FORMAT);
}

static void test_a_template_is_called_by_words_not_by_paths(void **state)
{
	static const char *const good[] = {"a", "Học bạ số 2.1", "a-b_c", "đóng dấu"};
	static const char *const bad[] = {"", ".", "..", ".a", "a/b", "../a", " a", "a ", "a\nb",
		"-a", "a\xff", "a\xe2\x80\xae", "a:b",
		"12345678901234567890123456789012345678901234567890123456789012345"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(visible_name_is_good(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (visible_name_is_good(bad[i]))
			fail_msg("\"%s\" was taken", bad[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lengths_have_units_and_a_point_or_a_comma),
		cmocka_unit_test(test_lines_are_named_or_changed_by_a_sign),
		cmocka_unit_test(test_pages_are_first_last_or_counted_from_one),
		cmocka_unit_test(test_a_template_says_all_that_was_set),
		cmocka_unit_test(
			test_a_template_with_a_member_of_another_kind_is_refused_by_its_name),
		cmocka_unit_test(test_a_template_is_called_by_words_not_by_paths),
	};
	return cmocka_run_group_tests_name("clients/visible", tests, NULL, NULL);
}
