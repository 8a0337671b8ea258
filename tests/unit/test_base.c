/* link: base */
#include "base/base64.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/id.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/secret.h"
#include "base/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define assert_text(buf, text) assert_true(span_equal(buf_span(buf), span_string(text)))

/* ---- error list ---- */

static void every_rc_has_a_name_of_its_own_and_a_text(void **state)
{
	(void)state;
	for (int rc = 0; rc < RC_COUNT; rc++) {
		assert_int_equal(rc_from_name(rc_name((rc_t)rc)), rc);
		assert_true(rc_status((rc_t)rc) >= 200 && rc_status((rc_t)rc) < 600);
		assert_non_null(rc_text((rc_t)rc, RC_CSC_V1));
		assert_non_null(rc_text((rc_t)rc, RC_CSC_V2));
		assert_true(rc == RC_OK || rc_error((rc_t)rc)[0] != 0);
	}
	assert_int_equal(rc_from_name("NO_SUCH_NAME"), RC_COUNT);
	assert_string_equal(rc_name((rc_t)9999), "INTERNAL");
}

/* ---- buffers and secrets ---- */

static void a_buffer_grows_and_keeps_its_content(void **state)
{
	struct buf buf = BUF_INIT;
	const char *text = NULL;

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(buf_printf(&buf, "%03d ", i), RC_OK);
	assert_int_equal(buf.len, 4000);
	assert_int_equal(buf_string(&buf, &text), RC_OK);
	assert_memory_equal(text + 4 * 777, "777 ", 4);
	assert_int_equal(strlen(text), 4000);
	assert_int_equal(buf_set(&buf, span_string("new")), RC_OK);
	assert_text(&buf, "new");
	buf_free(&buf);
	assert_null(buf.data);
}

static void an_append_that_cannot_be_leaves_the_buffer_as_it_was(void **state)
{
	struct buf buf = BUF_INIT;

	(void)state;
	assert_int_equal(buf_append_string(&buf, "kept"), RC_OK);
	assert_int_equal(buf_reserve(&buf, SIZE_MAX - 1), RC_NO_MEMORY);
	assert_text(&buf, "kept");
	buf_free(&buf);
}

static void a_cleared_buffer_holds_nothing_of_its_content(void **state)
{
	struct buf buf = BUF_INIT;

	(void)state;
	assert_int_equal(buf_append_string(&buf, "secret"), RC_OK);
	buf_clear(&buf);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(buf.data[i], 0);
	buf_free(&buf);
}

static void a_secret_file_that_others_can_read_is_refused(void **state)
{
	char path[] = "/tmp/secret-XXXXXX";
	struct secret secret = SECRET_INIT;
	int fd = mkstemp(path);

	(void)state;
	assert_int_equal(write(fd, "1234\n", 5), 5);
	assert_int_equal(secret_read_file(&secret, path, 4), RC_OK);
	assert_true(secret_equal(secret_span(&secret), span_string("1234")));
	assert_int_equal(secret_read_file(&secret, path, 3), RC_TOO_LONG);
	assert_int_equal(fchmod(fd, 0640), 0);
	assert_int_equal(secret_read_file(&secret, path, 64), RC_CONFIG);
	close(fd);
	unlink(path);
	assert_int_equal(secret_read_file(&secret, path, 64), RC_SYSTEM);
	secret_free(&secret);
}

static void random_secrets_differ(void **state)
{
	struct secret a = SECRET_INIT, b = SECRET_INIT;

	(void)state;
	assert_int_equal(secret_random(&a, 32), RC_OK);
	assert_int_equal(secret_random(&b, 32), RC_OK);
	assert_int_equal(secret_span(&a).len, 32);
	assert_false(secret_equal(secret_span(&a), secret_span(&b)));
	assert_true(secret_equal(SPAN_NONE, SPAN_NONE));
	assert_false(secret_equal(secret_span(&a), SPAN(a.bytes.data, 31)));
	secret_free(&a);
	secret_free(&b);
}

/* ---- base64 ---- */

static void base64_is_that_of_the_rfc(void **state)
{
	static const char *const vectors[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="},
		{"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="},
		{"foobar", "Zm9vYmFy"}};
	struct buf out = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		buf_clear(&out);
		assert_int_equal(base64_encode(&out, span_string(vectors[i][0])), RC_OK);
		assert_text(&out, vectors[i][1]);
		buf_clear(&out);
		assert_int_equal(base64_decode(&out, span_string(vectors[i][1])), RC_OK);
		assert_text(&out, vectors[i][0]);
	}
	buf_free(&out);
}

static void one_value_has_one_base64(void **state)
{
	static const char *const bad[] = {"Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm8", "=",
		"==", "====", "Z===", "Zg==Zg==", "Zm9v\n", " Zm9v", "Zm-_",
		"Zm9v====", "Zm\xc3\xa9v"};
	static const char *const bad_url[] = {"Zg==", "Zh", "Z", "Zm9vY", "Zm+/", "Zm9"};
	struct buf out = BUF_INIT;

	(void)state;
	assert_int_equal(buf_append_string(&out, "before"), RC_OK);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(base64_decode(&out, span_string(bad[i])), RC_FORMAT);
	for (size_t i = 0; i < sizeof(bad_url) / sizeof(bad_url[0]); i++)
		assert_int_equal(base64url_decode(&out, span_string(bad_url[i])), RC_FORMAT);
	assert_text(&out, "before");
	buf_free(&out);
}

static void a_changed_character_never_decodes_to_the_same_bytes(void **state)
{
	static const char symbols[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=. ";
	struct buf text = BUF_INIT, out = BUF_INIT;
	uint8_t bytes[32];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 37);
	assert_int_equal(base64url_encode(&text, SPAN(bytes, sizeof(bytes))), RC_OK);
	assert_int_equal(text.len, 43);
	for (size_t at = 0; at < text.len; at++) {
		uint8_t right = text.data[at];
		for (const char *c = symbols; *c != 0; c++) {
			buf_clear(&out);
			text.data[at] = (uint8_t)*c;
			bool same = base64url_decode(&out, buf_span(&text)) == RC_OK &&
				    span_equal(buf_span(&out), SPAN(bytes, sizeof(bytes)));
			assert_int_equal(same, (uint8_t)*c == right);
		}
		text.data[at] = right;
	}
	buf_free(&text);
	buf_free(&out);
}

/* ---- wire ---- */

static void wire_fields_are_read_as_written(void **state)
{
	struct buf out = BUF_INIT;
	char text[6], small[5];

	(void)state;
	assert_int_equal(wire_put_number(&out, UINT64_MAX - 1), RC_OK);
	assert_int_equal(wire_put_string(&out, "hello"), RC_OK);
	assert_int_equal(wire_put_bytes(&out, SPAN_NONE), RC_OK);
	struct wire_reader reader = wire_reader(buf_span(&out));
	assert_true(wire_get_number(&reader) == UINT64_MAX - 1);
	struct wire_reader copy = reader;
	wire_get_string(&reader, text, sizeof(text));
	assert_string_equal(text, "hello");
	assert_int_equal(wire_reader_end(&reader), RC_FORMAT);
	assert_int_equal(wire_get_bytes(&reader).len, 0);
	assert_int_equal(wire_reader_end(&reader), RC_OK);
	wire_get_string(&copy, small, sizeof(small)); /* no room for the terminator */
	assert_string_equal(small, "");
	assert_true(copy.broken);
	buf_free(&out);
}

static void the_first_fault_of_a_reader_sticks(void **state)
{
	static const uint8_t bytes[] = {0, 0, 0, 10, 'x', 0, 0, 0, 0, 0, 0, 0, 1};
	struct wire_reader reader = wire_reader(SPAN(bytes, sizeof(bytes)));
	uint8_t fixed[2] = {7, 7};

	(void)state;
	assert_int_equal(wire_get_bytes(&reader).len, 0);
	assert_int_equal(wire_get_number(&reader), 0);
	wire_get_fixed(&reader, fixed, sizeof(fixed));
	assert_int_equal(fixed[0], 7);
	assert_int_equal(wire_reader_end(&reader), RC_FORMAT);
}

static void a_string_with_nul_or_of_another_length_is_refused(void **state)
{
	struct buf out = BUF_INIT;
	char text[16];
	uint8_t fixed[3];

	(void)state;
	assert_int_equal(wire_put_bytes(&out, SPAN("a\0b", 3)), RC_OK);
	struct wire_reader reader = wire_reader(buf_span(&out));
	wire_get_string(&reader, text, sizeof(text));
	assert_true(reader.broken);
	reader = wire_reader(buf_span(&out));
	wire_get_fixed(&reader, fixed, 2);
	assert_true(reader.broken);
	reader = wire_reader(buf_span(&out));
	wire_get_fixed(&reader, fixed, 3);
	assert_int_equal(wire_reader_end(&reader), RC_OK);
	buf_free(&out);
}

/* ---- identifiers, digests, time, log ---- */

static void only_the_canonical_form_of_an_id_is_read(void **state)
{
	static const char *const bad[] = {"", "0b6f5a34-9c5e-4f0a-8f5d-0d5f1f0a1b2",
		"0b6f5a34-9c5e-4f0a-8f5d-0d5f1f0a1b2c0", "0B6f5a34-9c5e-4f0a-8f5d-0d5f1f0a1b2c",
		"0b6f5a3409c5e-4f0a-8f5d-0d5f1f0a1b2c", "{b6f5a34-9c5e-4f0a-8f5d-0d5f1f0a1b2}",
		"0b6f5a34-9c5e-4f0a-8f5d-0d5f1f0a1b2g"};
	char text[ID_TEXT];
	struct id id, again;

	(void)state;
	assert_int_equal(id_random(&id), RC_OK);
	id_format(&id, text);
	assert_int_equal(text[14], '4');
	assert_int_equal(id_parse(&again, text), RC_OK);
	assert_true(id_equal(&id, &again));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(id_parse(&again, bad[i]), RC_FORMAT);
	assert_int_equal(id_parse(&again, NULL), RC_FORMAT);
	assert_true(id_equal(&id, &again));
}

static void assert_hex(const uint8_t *bytes, size_t len, const char *hex)
{
	char text[2 * DIGEST_MAX + 1];

	digest_hex(SPAN(bytes, len), text);
	assert_string_equal(text, hex);
}

static void digests_are_those_of_the_standards(void **state)
{
	uint8_t out[SHA256_LEN], okm[42], key[22], salt[13], info[10];

	(void)state;
	assert_int_equal(digest_sha256(span_string("abc"), out), RC_OK);
	assert_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	/* RFC 4231, test case 2 */
	assert_int_equal(digest_hmac_sha256(span_string("Jefe"),
				 span_string("what do ya want for nothing?"), out),
		RC_OK);
	assert_hex(out, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	/* RFC 5869, A.1 */
	memset(key, 0x0b, sizeof(key));
	for (size_t i = 0; i < sizeof(salt); i++)
		salt[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof(info); i++)
		info[i] = (uint8_t)(0xf0 + i);
	assert_int_equal(
		digest_hkdf_sha256(SPAN(key, 22), SPAN(salt, 13), SPAN(info, 10), okm, 42), RC_OK);
	assert_hex(okm, 42,
		"3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
		"34007208d5b887185865");
}

static void time_is_written_in_utc(void **state)
{
	char text[CLOCK_TEXT];

	(void)state;
	clock_format(1767323045678, text);
	assert_string_equal(text, "2026-01-02T03:04:05.678Z");
	assert_true(clock_monotonic_ms() <= clock_monotonic_ms());
}

static void what_came_from_outside_cannot_forge_a_log_line(void **state)
{
	char out[64], cut[8];

	(void)state;
	assert_string_equal(log_escape("a\n\"b\"\\\x1b\x7f", out, sizeof(out)),
		"a 'b'\\x5c\\x1b\\x7f");
	assert_true(strlen(log_escape("aaaa\x1b\x1b\x1b\x1b", cut, sizeof(cut))) < sizeof(cut));
}

static void a_text_of_several_lines_is_read_as_one(void **state)
{
	char out[96];

	(void)state;
	assert_string_equal(
		log_escape("server at \"::1\" is gone\n\tIs it there?\n", out, sizeof(out)),
		"server at '::1' is gone Is it there?");
	assert_string_equal(log_escape("\n \n", out, sizeof(out)), "");
}

/* ---- loop ---- */

struct seen {
	struct loop *loop;
	int deferred, fired, read;
	int fd;
};

static void on_deferred(void *arg)
{
	((struct seen *)arg)->deferred++;
}

static void on_timer(void *arg)
{
	struct seen *seen = arg;

	seen->fired++;
	loop_stop(seen->loop);
}

static void on_read(void *arg)
{
	struct seen *seen = arg;
	char byte;

	assert_int_equal(read(seen->fd, &byte, 1), 1);
	seen->read++;
}

static void the_loop_calls_later_and_once(void **state)
{
	struct seen seen = {0};
	struct loop_timer *timer = NULL, *never = NULL;
	struct loop_watch *watch = NULL;
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(loop_new(&seen.loop), RC_OK);
	assert_int_equal(loop_defer(seen.loop, on_deferred, &seen), RC_OK);
	assert_int_equal(seen.deferred, 0);
	assert_int_equal(loop_timer_new(seen.loop, on_timer, &seen, &timer), RC_OK);
	assert_int_equal(loop_timer_new(seen.loop, on_timer, &seen, &never), RC_OK);
	loop_timer_set(never, 1);
	loop_timer_cancel(never);
	loop_timer_set(timer, 20);
	seen.fd = fds[0];
	assert_int_equal(loop_watch_new(seen.loop, fds[0], on_read, NULL, &seen, &watch), RC_OK);
	assert_int_equal(loop_watch_want(watch, LOOP_READ), RC_OK);
	assert_int_equal(write(fds[1], "xy", 2), 2);
	assert_int_equal(loop_run(seen.loop), RC_OK);
	assert_int_equal(seen.deferred, 1);
	assert_int_equal(seen.fired, 1);
	assert_int_equal(seen.read, 2);
	loop_watch_free(&watch);
	loop_timer_free(&timer);
	loop_timer_free(&never);
	loop_free(&seen.loop);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_rc_has_a_name_of_its_own_and_a_text),
		cmocka_unit_test(a_buffer_grows_and_keeps_its_content),
		cmocka_unit_test(an_append_that_cannot_be_leaves_the_buffer_as_it_was),
		cmocka_unit_test(a_cleared_buffer_holds_nothing_of_its_content),
		cmocka_unit_test(a_secret_file_that_others_can_read_is_refused),
		cmocka_unit_test(random_secrets_differ),
		cmocka_unit_test(base64_is_that_of_the_rfc),
		cmocka_unit_test(one_value_has_one_base64),
		cmocka_unit_test(a_changed_character_never_decodes_to_the_same_bytes),
		cmocka_unit_test(wire_fields_are_read_as_written),
		cmocka_unit_test(the_first_fault_of_a_reader_sticks),
		cmocka_unit_test(a_string_with_nul_or_of_another_length_is_refused),
		cmocka_unit_test(only_the_canonical_form_of_an_id_is_read),
		cmocka_unit_test(digests_are_those_of_the_standards),
		cmocka_unit_test(time_is_written_in_utc),
		cmocka_unit_test(what_came_from_outside_cannot_forge_a_log_line),
		cmocka_unit_test(a_text_of_several_lines_is_read_as_one),
		cmocka_unit_test(the_loop_calls_later_and_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
