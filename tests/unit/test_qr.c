/* link: csc */
/* What is expected here was read back by an independent reader (zbarimg) when it was written down.
 */
#include "clients/lib/qr.h"

#include "base/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

static void test_a_short_text_is_drawn_module_by_module(void **state)
{
	static const char *const rows[] = {
		"#######..#.##.#######",
		"#.....#..###..#.....#",
		"#.###.#.##.##.#.###.#",
		"#.###.#..#.#..#.###.#",
		"#.###.#...#.#.#.###.#",
		"#.....#.....#.#.....#",
		"#######.#.#.#.#######",
		"........##.##........",
		"###.########.##...#..",
		"#.##......#..#..##..#",
		"..######..#.#...##.##",
		"..###..##.#..#.#...##",
		"...#..#####.##..##..#",
		"........####....##..#",
		"#######.####....##.##",
		"#.....#.##.###.##....",
		"#.###.#.##.#..#.##...",
		"#.###.#..#....#.##.#.",
		"#.###.#.#.#.#...#.#.#",
		"#.....#.#.#...##.#.#.",
		"#######.#.#.#.#.#..##",
	};
	struct qr qr;

	(void)state;
	assert_int_equal(qr_encode(span_string("rssp 2026"), &qr), RC_OK);
	assert_int_equal(qr.size, 21);
	for (size_t r = 0; r < qr.size; r++) {
		for (size_t c = 0; c < qr.size; c++)
			assert_int_equal(qr.dark[r][c], rows[r][c] == '#');
	}
}

static void assert_drawn(struct span text, size_t size, const char *digest)
{
	uint8_t value[SHA256_LEN];
	char hex[2 * SHA256_LEN + 1];
	struct qr qr;

	assert_int_equal(qr_encode(text, &qr), RC_OK);
	assert_int_equal(qr.size, size);
	assert_int_equal(digest_sha256(SPAN(&qr.dark, sizeof(qr.dark)), value), RC_OK);
	digest_hex(SPAN(value, sizeof(value)), hex);
	assert_string_equal(hex, digest);
}

/* Version 7 has version information, several alignment marks and two blocks; 12 unequal blocks. */
static void test_an_otpauth_address_and_the_longest_text_are_drawn_as_before(void **state)
{
	char longest[QR_TEXT_MAX];

	(void)state;
	assert_drawn(span_string("otpauth://totp/M%E1%BA%ABu:vidu@mau.edu.vn?secret="
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567&issuer=M%E1%BA%ABu"
				 "&algorithm=SHA1&digits=6&period=30"),
		45, "ff63d9565879ecff3408818387c64b9135150c4c608ff364e81423b7f8af4bc2");
	memset(longest, 'x', sizeof(longest));
	assert_drawn(SPAN(longest, sizeof(longest)), 65,
		"3465921cebf795de8977eed4f1c6aa5e33f88f5124842c35565826bb02847eaf");
}

static void test_a_longer_text_is_refused(void **state)
{
	static const char text[QR_TEXT_MAX + 1];
	struct qr qr;

	(void)state;
	for (size_t len = 0; len <= QR_TEXT_MAX; len++)
		assert_int_equal(qr_encode(SPAN(text, len), &qr), RC_OK);
	assert_int_equal(qr_encode(SPAN(text, QR_TEXT_MAX + 1), &qr), RC_TOO_LONG);
	qr_wipe(&qr);
	assert_int_equal(qr.size, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_short_text_is_drawn_module_by_module),
		cmocka_unit_test(test_an_otpauth_address_and_the_longest_text_are_drawn_as_before),
		cmocka_unit_test(test_a_longer_text_is_refused),
	};
	return cmocka_run_group_tests_name("qr", tests, NULL, NULL);
}
