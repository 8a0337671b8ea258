/* link: api
 * The pages as they leave: marks replaced by text of HTML, assets that are there. */
#include "api/pages.h"
#include "api/pages_data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

static const char *rendered(
	struct buf *html, const char *path, const char *service, const char *code, const char *text)
{
	const char *string = NULL;

	assert_int_equal(pages_render(path, service, code, text, html), RC_OK);
	assert_int_equal(buf_string(html, &string), RC_OK);
	return string;
}

static void what_fills_a_page_is_text_and_no_markup(void **state)
{
	struct buf html = BUF_INIT;

	(void)state;
	const char *page =
		rendered(&html, "/problem", "A & B", "X", "<script>\"'alert(1)'\"</script>");
	assert_non_null(strstr(page, "data-service=\"A &amp; B\""));
	assert_non_null(strstr(page, "data-code=\"X\""));
	assert_non_null(strstr(
		page, "data-text=\"&lt;script&gt;&quot;&#39;alert(1)&#39;&quot;&lt;/script&gt;\""));
	assert_null(strstr(page, "alert(1)</script>"));
	buf_free(&html);
}

static void a_mark_in_what_fills_a_page_is_not_filled_again(void **state)
{
	struct buf html = BUF_INIT;

	(void)state;
	const char *page = rendered(&html, "/problem", "{{text}}", "", "once");
	assert_non_null(strstr(page, "data-service=\"{{text}}\""));
	buf_free(&html);
}

static void no_mark_is_left_in_any_page(void **state)
{
	(void)state;
	for (size_t i = 0; i < page_file_count; i++) {
		struct buf html = BUF_INIT;
		if (page_files[i].asset)
			continue;
		assert_null(strstr(rendered(&html, page_files[i].path, "s", "c", "t"), "{{"));
		buf_free(&html);
	}
}

static void an_unknown_page_is_not_found(void **state)
{
	struct buf html = BUF_INIT;

	(void)state;
	assert_int_equal(pages_render("/other", "", "", "", &html), RC_NOT_FOUND);
	assert_int_equal(pages_render("/assets/", "", "", "", &html), RC_NOT_FOUND);
	buf_free(&html);
}

static void every_page_names_the_assets_that_are_there(void **state)
{
	size_t named = 0;

	(void)state;
	for (size_t i = 0; i < page_file_count; i++) {
		struct buf html = BUF_INIT;
		if (page_files[i].asset)
			continue;
		const char *page = rendered(&html, page_files[i].path, "", "", "");
		for (size_t k = 0; k < page_file_count; k++) {
			if (page_files[k].asset)
				named += strstr(page, page_files[k].path) != NULL;
		}
		buf_free(&html);
	}
	assert_int_equal(named, 4 * 3); /* script, style, icon */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_fills_a_page_is_text_and_no_markup),
		cmocka_unit_test(a_mark_in_what_fills_a_page_is_not_filled_again),
		cmocka_unit_test(no_mark_is_left_in_any_page),
		cmocka_unit_test(an_unknown_page_is_not_found),
		cmocka_unit_test(every_page_names_the_assets_that_are_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
