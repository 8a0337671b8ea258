/* link: sam */
/* The spool of the mails with activation codes: who may read one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "hsm/sam/mail.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The mode of the one mail of a folder with that mode. */
static mode_t mode_of_a_mail(mode_t folder_mode)
{
	char folder[] = "/tmp/rsspd-codes-XXXXXX";
	struct stat status = {0};
	size_t count = 0;

	assert_non_null(mkdtemp(folder));
	assert_int_equal(chmod(folder, folder_mode), 0);
	assert_int_equal(mail_spool(folder, span_string("To: <mau@mau.edu.vn>\n\nAAAAA\n")), RC_OK);
	DIR *directory = opendir(folder);
	assert_non_null(directory);
	for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
		size_t len = strlen(entry->d_name);
		if (entry->d_name[0] == '.')
			continue;
		assert_string_equal(entry->d_name + len - 4, ".eml");
		assert_int_equal(fstatat(dirfd(directory), entry->d_name, &status, 0), 0);
		assert_int_equal(unlinkat(dirfd(directory), entry->d_name, 0), 0);
		count++;
	}
	closedir(directory);
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(count, 1);
	return status.st_mode & 07777;
}

static void a_code_is_for_its_writer_alone(void **state)
{
	(void)state;
	assert_int_equal(mode_of_a_mail(0755), 0600);
}

static void a_folder_with_the_setgid_bit_lends_its_group_the_code(void **state)
{
	mode_t before = umask(077); /* as the module runs */

	(void)state;
	assert_int_equal(mode_of_a_mail(02770), 0640);
	umask(before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_code_is_for_its_writer_alone),
		cmocka_unit_test(a_folder_with_the_setgid_bit_lends_its_group_the_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
