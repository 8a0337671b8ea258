/* link: base api
 * The log: one line a write, as text and as JSON, and the file that comes by a socket. */
#include "base/log.h"
#include "base/log_json.h"

#include <fcntl.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

/* The object that a message becomes; it must be one, whatever the message is made of. */
static json_t *object_of(const char *message)
{
	char out[LOG_LINE];
	json_error_t fault;
	size_t len = log_json(out, sizeof(out), "2026-01-02T03:04:05.678Z", "info", "api", message);

	assert_true(len <= sizeof(out));
	assert_null(memchr(out, '\n', len));
	json_t *object = json_loadb(out, len, JSON_REJECT_DUPLICATES, &fault);
	if (object == NULL)
		fail_msg("no JSON: %s: %.*s", fault.text, (int)len, out);
	assert_true(json_is_object(object));
	return object;
}

static void assert_member(const char *message, const char *member, const char *value)
{
	json_t *object = object_of(message);
	const char *own = json_string_value(json_object_get(object, member));

	if (value == NULL)
		assert_null(own);
	else if (own == NULL)
		fail_msg("no member %s in %s", member, message);
	else
		assert_string_equal(own, value);
	json_decref(object);
}

static void a_line_has_its_head_first_and_in_order(void **state)
{
	static const char *const head[] = {
		"time", "level", "process", "pid", "module", "event", "a", "b"};
	json_t *object = object_of("api: answered a=1 b=x");
	const char *key;
	json_t *value;
	size_t at = 0;

	(void)state;
	json_object_foreach(object, key, value) assert_string_equal(key, head[at++]);
	assert_int_equal(at, 8);
	assert_string_equal(
		json_string_value(json_object_get(object, "time")), "2026-01-02T03:04:05.678Z");
	assert_int_equal(json_integer_value(json_object_get(object, "pid")), getpid());
	json_decref(object);
}

static void module_event_and_keys_are_told_apart(void **state)
{
	const char *line = "api: TLS is set up path=/x text=\"two words\" req=1-2";

	(void)state;
	assert_member(line, "module", "api");
	assert_member(line, "event", "TLS is set up");
	assert_member(line, "path", "/x");
	assert_member(line, "text", "two words");
	assert_member(line, "req", "1-2");
	assert_member("no module here", "module", NULL);
	assert_member("no module here", "event", "no module here");
	assert_member("Upper: no module", "module", NULL);
	assert_member("", "event", "");
	assert_member("store: key=value", "event", "");
}

static void words_behind_the_keys_are_text(void **state)
{
	const char *line = "process: cannot start program=\"/x\": setpgid: no=1 more words";

	(void)state;
	assert_member(line, "program", "/x");
	assert_member(line, "text", ": setpgid: more words");
}

static void only_bare_integers_are_numbers(void **state)
{
	static const struct {
		const char *value;
		bool number;
	} values[] = {{"0", true}, {"7", true}, {"-7", true}, {"123456789012345", true},
		{"1234567890123456", false}, {"007", false}, {"-", false}, {"-0", false},
		{"1.5", false}, {"0x1", false}, {"+1", false}, {"\"7\"", false}, {"1e3", false}};
	char line[64];

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		snprintf(line, sizeof(line), "a: b k=%s", values[i].value);
		json_t *object = object_of(line);
		assert_int_equal(json_is_integer(json_object_get(object, "k")), values[i].number);
		assert_int_equal(json_is_string(json_object_get(object, "k")), !values[i].number);
		json_decref(object);
	}
}

static void a_key_that_stands_twice_gets_a_name_of_its_own(void **state)
{
	(void)state;
	assert_member("a: b k=x k=y k=z", "k", "x");
	assert_member("a: b k=x k=y k=z", "k_2", "y");
	assert_member("a: b k=x k=y k=z", "k_3", "z");
	assert_member("a: b level=forged process=forged", "level", "info");
	assert_member("a: b level=forged process=forged", "level_2", "forged");
}

static void any_byte_gives_valid_json(void **state)
{
	char line[64];

	(void)state;
	for (int first = 1; first < 256; first++) {
		for (int second = 1; second < 256; second++) {
			snprintf(line, sizeof(line), "a: b k=\"%c%c\" %c=%c", first, second, second,
				first);
			json_decref(object_of(line));
		}
	}
}

static void text_in_utf_8_stays_as_it_is(void **state)
{
	(void)state;
	assert_member("a: b k=\"Nguyễn Thị Ví Dụ 𝄞\"", "k", "Nguyễn Thị Ví Dụ 𝄞");
}

static void what_is_no_utf_8_is_shown_as_hexadecimal(void **state)
{
	(void)state;
	assert_member("a: b k=\"\xff\xc0\xaf\"", "k", "\\xff\\xc0\\xaf");
	assert_member("a: b k=\"\xed\xa0\x80\"", "k", "\\xed\\xa0\\x80"); /* a surrogate */
	assert_member("a: b k=\"\xf4\x90\x80\x80\"", "k", "\\xf4\\x90\\x80\\x80");
	assert_member("a: b k=\"\xe1\xbb\"", "k", "\\xe1\\xbb"); /* cut */
	assert_member("a: b k=x\x01\x7fy\n", "k", "x\\x01\\x7fy\\x0a");
	assert_member("a: b k=x\\y", "k", "x\\y");
}

static void a_line_that_is_too_long_is_cut_and_still_valid(void **state)
{
	static char line[4 * LOG_LINE];

	(void)state;
	for (int c = 0; c < 3; c++) {
		size_t used = (size_t)snprintf(line, sizeof(line), "a: b k=\"");
		memset(line + used, "x\xff\\"[c], LOG_LINE);
		line[used + LOG_LINE] = 0;
		json_decref(object_of(line));
	}
	line[0] = 0;
	size_t used = 0;
	for (int i = 0; i < 1000; i++)
		used += (size_t)snprintf(line + used, sizeof(line) - used, " k%d=v%d", i, i);
	json_decref(object_of(line));
}

/* ---- what is written ---- */

static char written[4 * LOG_LINE];

/* One line, written with standard error put into a file; what stands there then. */
static const char *line_of(enum log_format format, const char *message)
{
	char path[] = "/tmp/test-log-XXXXXX";
	int file = mkstemp(path), kept = dup(STDERR_FILENO);
	ssize_t len;

	assert_true(file >= 0 && kept >= 0);
	assert_true(dup2(file, STDERR_FILENO) >= 0);
	log_open("test", LOG_INFO);
	log_set_format(format);
	log_info("%s", message);
	log_debug("never");
	dup2(kept, STDERR_FILENO);
	len = pread(file, written, sizeof(written) - 1, 0);
	written[len > 0 ? len : 0] = 0;
	close(kept);
	close(file);
	unlink(path);
	return written;
}

static void a_message_never_makes_two_lines(void **state)
{
	(void)state;
	for (int format = LOG_TEXT; format <= LOG_JSON; format++) {
		const char *line = line_of((enum log_format)format,
			"api: answered path=/\n2026-01-01T00:00:00.000Z error api: forged\r\x1b[2J");
		assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
		assert_null(strchr(line, '\x1b'));
		assert_null(strchr(line, '\r'));
	}
}

static void text_has_time_level_and_process_before_the_message(void **state)
{
	const char *line = line_of(LOG_TEXT, "api: answered status=200");

	(void)state;
	assert_int_equal(strspn(line, "0123456789-T:.Z"), 24);
	assert_string_equal(line + 24, " info test api: answered status=200\n");
}

static void a_level_that_is_not_wanted_costs_nothing(void **state)
{
	(void)state;
	log_open("test", LOG_WARNING);
	assert_false(log_wanted(LOG_INFO));
	assert_true(log_wanted(LOG_WARNING));
}

/* ---- the file ---- */

static void send_file(int socket, int file)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} fds = {0};
	char byte = 0;
	struct iovec part = {&byte, 1};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = fds.bytes,
		.msg_controllen = sizeof(fds.bytes)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(file));
	memcpy(CMSG_DATA(header), &file, sizeof(file));
	assert_int_equal(sendmsg(socket, &message, 0), 1);
}

static off_t size_of(int file)
{
	return lseek(file, 0, SEEK_END);
}

static void the_newest_file_of_the_channel_is_written(void **state)
{
	char paths[3][24];
	int files[3], ends[2];

	(void)state;
	for (int i = 0; i < 3; i++) {
		snprintf(paths[i], sizeof(paths[i]), "/tmp/test-log-XXXXXX");
		files[i] = mkostemp(paths[i], O_APPEND | O_CLOEXEC);
		assert_true(files[i] >= 0);
	}
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	log_set_channel(ends[1]);
	line_of(LOG_TEXT, "a: before any file");
	send_file(ends[0], files[0]);
	line_of(LOG_TEXT, "a: into the first");
	assert_true(size_of(files[0]) > 0);
	off_t first = size_of(files[0]);
	send_file(ends[0], files[1]);
	send_file(ends[0], files[2]);
	line_of(LOG_TEXT, "a: into the third");
	assert_int_equal(size_of(files[0]), first);
	assert_int_equal(size_of(files[1]), 0);
	assert_true(size_of(files[2]) > 0);
	/* a supervisor that is gone changes nothing */
	close(ends[0]);
	line_of(LOG_TEXT, "a: into the third again");
	assert_true(size_of(files[2]) > first);
	log_set_channel(-1);
	log_set_file(-1);
	close(ends[1]);
	for (int i = 0; i < 3; i++) {
		close(files[i]);
		unlink(paths[i]);
	}
}

static void a_channel_that_is_none_is_not_read(void **state)
{
	int ends[2];
	char byte;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(write(ends[0], "x", 1), 1);
	log_set_channel(ends[1]);
	line_of(LOG_TEXT, "a: somebody else's socket");
	assert_int_equal(read(ends[1], &byte, 1), 1);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_has_its_head_first_and_in_order),
		cmocka_unit_test(module_event_and_keys_are_told_apart),
		cmocka_unit_test(words_behind_the_keys_are_text),
		cmocka_unit_test(only_bare_integers_are_numbers),
		cmocka_unit_test(a_key_that_stands_twice_gets_a_name_of_its_own),
		cmocka_unit_test(any_byte_gives_valid_json),
		cmocka_unit_test(text_in_utf_8_stays_as_it_is),
		cmocka_unit_test(what_is_no_utf_8_is_shown_as_hexadecimal),
		cmocka_unit_test(a_line_that_is_too_long_is_cut_and_still_valid),
		cmocka_unit_test(a_message_never_makes_two_lines),
		cmocka_unit_test(text_has_time_level_and_process_before_the_message),
		cmocka_unit_test(a_level_that_is_not_wanted_costs_nothing),
		cmocka_unit_test(the_newest_file_of_the_channel_is_written),
		cmocka_unit_test(a_channel_that_is_none_is_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
