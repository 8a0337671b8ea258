/* link: core */
/* Notices as mails, and the spool they go to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/mail.h"

#include "base/base64.h"
#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY "6f1c1ad3-9f0e-4a4a-8a5e-3f0d5a3f8f10"

static struct mail_notice sample(void)
{
	return (struct mail_notice){.id = 7,
		.kind = "activated",
		.credential = KEY,
		.created_ms = 1780000000000, /* 2026-05-28 20:26:40 UTC */
		.email = "vidu@mau.edu.vn",
		.name = "Nguyễn Thị Ví Dụ",
		.service = "Ký số Mẫu"};
}

static const char *compose(struct buf *out, const struct mail_notice *notice)
{
	const char *text = NULL;

	assert_int_equal(mail_notice_text(out, notice), RC_OK);
	assert_int_equal(buf_string(out, &text), RC_OK);
	return text;
}

static void assert_has(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("\"%s\" is not in:\n%s", part, text);
}

static void test_mail_names_key_and_time_in_both_languages(void **state)
{
	struct buf out = BUF_INIT;
	struct mail_notice notice = sample();
	const char *text = compose(&out, &notice);

	(void)state;
	assert_has(text, "\nTo: <vidu@mau.edu.vn>\n");
	assert_has(text, "\nDate: Thu, 28 May 2026 20:26:40 +0000\n");
	assert_has(text, "\nContent-Type: text/plain; charset=utf-8\n");
	assert_has(text, "Kính gửi Nguyễn Thị Ví Dụ,\n");
	assert_has(text, "Thời điểm: 29/05/2026 03:26:40 (giờ Việt Nam)\nMã khoá ký: " KEY "\n");
	assert_has(text, "Dear Nguyễn Thị Ví Dụ,\n");
	assert_has(text, "Signing key: " KEY "\n");
	buf_free(&out);
}

static void test_every_kind_has_a_mail(void **state)
{
	static const char *const kinds[] = {"activated", "locked", "unlocked", "factor-changed"};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct buf out = BUF_INIT;
		struct mail_notice notice = sample();
		notice.kind = kinds[i];
		compose(&out, &notice);
		buf_free(&out);
	}
}

static void test_header_lines_are_ascii_and_short(void **state)
{
	struct buf out = BUF_INIT;
	struct mail_notice notice = sample();

	(void)state;
	notice.service =
		"Cổng ký số tập trung của ngành giáo dục và đào tạo tỉnh Ví Dụ, bản thử nghiệm";
	const char *text = compose(&out, &notice);
	const char *end = strstr(text, "\n\n");
	assert_non_null(end);
	while (text < end) {
		const char *stop = strchr(text, '\n');
		assert_true(stop - text <= 78 + 20);
		for (; text < stop; text++)
			assert_true(*text >= ' ' && *text <= '~');
		text++;
	}
	buf_free(&out);
}

/* RFC 2047 §5: a character is never cut in two. */
static void test_encoded_words_hold_whole_characters(void **state)
{
	struct buf out = BUF_INIT, word = BUF_INIT;
	struct mail_notice notice = sample();

	(void)state;
	notice.service = "ộộộộộộộộộộộộộộộộộộộộxộộộộộộộộộộộộộộộộộộộộ";
	const char *at = compose(&out, &notice);
	size_t words = 0;
	while ((at = strstr(at, "=?UTF-8?B?")) != NULL && words < 3) {
		at += strlen("=?UTF-8?B?");
		buf_clear(&word);
		assert_int_equal(base64_decode(&word, SPAN(at, strcspn(at, "?"))), RC_OK);
		assert_true(word.len > 0 && word.len <= 45);
		assert_int_not_equal(word.data[0] & 0xc0, 0x80);
		words++;
	}
	assert_int_equal(words, 3);
	buf_free(&word);
	buf_free(&out);
}

static void test_address_that_would_split_a_header_is_refused(void **state)
{
	static const char *const bad[] = {"", "nobody", "a@mau.edu.vn\nBcc: x@mau.edu.vn",
		"a b@mau.edu.vn", "<a@mau.edu.vn>", "a@mau.edu.vn,b@mau.edu.vn", "vídụ@mau.edu.vn"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct buf out = BUF_INIT;
		struct mail_notice notice = sample();
		notice.email = bad[i];
		assert_int_equal(mail_notice_text(&out, &notice), RC_PARAMETER_INVALID);
		buf_free(&out);
	}
}

static void test_unknown_kind_is_refused(void **state)
{
	struct buf out = BUF_INIT;
	struct mail_notice notice = sample();

	(void)state;
	notice.kind = "other";
	assert_int_equal(mail_notice_text(&out, &notice), RC_PARAMETER_INVALID);
	buf_free(&out);
}

static size_t files_in(const char *folder)
{
	DIR *dir = opendir(folder);
	size_t count = 0;

	assert_non_null(dir);
	for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
		count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(dir);
	return count;
}

static void test_spool_file_is_private_and_whole_and_replaced(void **state)
{
	char folder[] = "/tmp/test-mail-XXXXXX", path[64];
	struct stat status;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/a.eml", folder);
	assert_int_equal(file_spool(folder, "a.eml", span_string("one one one")), RC_OK);
	assert_int_equal(file_spool(folder, "a.eml", span_string("two")), RC_OK);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(status.st_size, 3);
	assert_int_equal(files_in(folder), 1);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(folder), 0);
}

/* The bit is given by whoever makes the folder, for the group of the program that sends. */
static void test_a_folder_with_the_setgid_bit_lends_its_group_what_it_gets(void **state)
{
	char folder[] = "/tmp/rsspd-mail-XXXXXX", path[64];
	struct stat status;

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chmod(folder, 02770), 0);
	assert_int_equal(file_spool(folder, "a.eml", span_string("one")), RC_OK);
	snprintf(path, sizeof(path), "%s/a.eml", folder);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0640);
	unlink(path);
	rmdir(folder);
}

static void test_missing_spool_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(file_spool("/nonexistent", "a.eml", span_string("x")), RC_SYSTEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mail_names_key_and_time_in_both_languages),
		cmocka_unit_test(test_every_kind_has_a_mail),
		cmocka_unit_test(test_header_lines_are_ascii_and_short),
		cmocka_unit_test(test_encoded_words_hold_whole_characters),
		cmocka_unit_test(test_address_that_would_split_a_header_is_refused),
		cmocka_unit_test(test_unknown_kind_is_refused),
		cmocka_unit_test(test_spool_file_is_private_and_whole_and_replaced),
		cmocka_unit_test(test_a_folder_with_the_setgid_bit_lends_its_group_what_it_gets),
		cmocka_unit_test(test_missing_spool_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
