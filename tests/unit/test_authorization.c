/* link: core */
/* What a request for consent means before anybody is asked: parameters, details, addresses, codes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base64.h"
#include "core/oauth/authorization.h"
#include "core/oauth/code.h"
#include "core/secret_text.h"

#include <stdlib.h>
#include <string.h>

#define URI "https://app.mau.edu.vn/back"
#define HASH "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
#define CHALLENGE "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
#define VERIFIER "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

static struct {
	struct client_known client;
	json_t *uris;
	struct authorization_asked asked;
	struct authorization made;
	const char *why;
} world;

static const struct authorization_limits limits = {.signatures_max = 500};

static int setup(void **state)
{
	(void)state;
	world.uris = json_pack("[s]", URI);
	world.client = (struct client_known){.mode = CLIENT_OAUTH2CODE,
		.csc_version = 2,
		.confidential = true,
		.redirect_uris = world.uris};
	world.asked = (struct authorization_asked){.response_type = "code",
		.redirect_uri = URI,
		.challenge = CHALLENGE,
		.challenge_method = "S256"};
	world.made = (struct authorization){.kept = NULL};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	authorization_free(&world.made);
	json_decref(world.uris);
	return 0;
}

static rc_t check(void)
{
	authorization_free(&world.made);
	return authorization_check(&world.made, &world.asked, &world.client, &limits, &world.why);
}

static void a_request_of_scope_service_is_the_default(void **state)
{
	(void)state;
	assert_int_equal(check(), RC_OK);
	assert_false(world.made.credential_scope);
	assert_string_equal(world.made.redirect_uri, URI);
	assert_true(world.made.redirect_uri_given && world.made.has_challenge);
	assert_null(world.made.state);
}

static void a_challenge_is_asked_of_all_but_old_confidential_clients(void **state)
{
	(void)state;
	world.asked.challenge = world.asked.challenge_method = NULL;
	assert_int_equal(check(), RC_CODE_CHALLENGE_MISSING);
	world.client.csc_version = 1;
	assert_int_equal(check(), RC_OK);
	assert_false(world.made.has_challenge);
	world.client.confidential = false;
	assert_int_equal(check(), RC_CODE_CHALLENGE_MISSING);
}

static void a_plain_challenge_is_refused(void **state)
{
	(void)state;
	world.client.csc_version = 1;
	world.asked.challenge_method = "plain";
	assert_int_equal(check(), RC_CODE_CHALLENGE_INVALID);
	world.asked.challenge_method = NULL;
	assert_int_equal(check(), RC_CODE_CHALLENGE_INVALID);
	world.asked.challenge = NULL;
	world.asked.challenge_method = "S256";
	assert_int_equal(check(), RC_CODE_CHALLENGE_MISSING);
}

/* What is kept is read back as what was meant. */
static void what_is_kept_reads_as_it_was(void **state)
{
	struct authorization read = {.kept = NULL};
	struct id hint = {{7}};

	(void)state;
	world.asked.scope = "credential";
	world.asked.state = "a b";
	world.asked.lang = "en";
	world.asked.credential = "00000000-0000-4000-8000-000000000001";
	world.asked.hashes = HASH "," HASH;
	assert_int_equal(check(), RC_OK);
	assert_int_equal(authorization_keep_id(&world.made, "hint", &hint), RC_OK);
	char *text = json_dumps(world.made.kept, JSON_COMPACT);
	assert_int_equal(authorization_read(&read, span_string(text)), RC_OK);
	assert_true(read.credential_scope && wish_equal(&read.wish, &world.made.wish));
	assert_int_equal(read.wish.signatures, 2);
	assert_string_equal(read.state, "a b");
	assert_string_equal(read.lang, "en");
	assert_memory_equal(read.challenge, world.made.challenge, SHA256_LEN);
	assert_true(id_equal(&read.hint, &hint));
	authorization_free(&read);
	free(text);
}

static void what_somebody_else_wrote_is_not_read(void **state)
{
	static const char *const texts[] = {"", "[]", "{}", "{\"scope\":\"service\"}",
		"{\"scope\":\"credential\",\"redirect_uri\":\"x\"}",
		"{\"scope\":\"service\",\"redirect_uri\":\"x\",\"challenge\":\"short\"}",
		"{\"scope\":\"service\",\"redirect_uri\":\"x\",\"hint\":\"x\"}",
		"{\"scope\":\"credential\",\"redirect_uri\":\"x\",\"digest\":\"SHA-256\","
		"\"signatures\":2,\"hashes\":\"" HASH "\"}",
		"{\"scope\":\"credential\",\"redirect_uri\":\"x\",\"digest\":\"SHA-256\","
		"\"signatures\":1,\"hashes\":\"" HASH "\",\"labels\":[]}"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct authorization read = {.kept = NULL};
		assert_int_not_equal(authorization_read(&read, span_string(texts[i])), RC_OK);
		assert_null(read.kept);
	}
}

static void what_is_stored_opens_for_its_handle_and_client_as_it_was(void **state)
{
	const struct id client = {{1}}, other = {{2}};
	const struct span handle = span_string("handle"), another = span_string("handlf");
	struct authorization read = {.kept = NULL};
	struct buf stored = BUF_INIT;

	(void)state;
	assert_int_equal(check(), RC_OK);
	assert_int_equal(authorization_print(&stored, &world.made, &client, handle), RC_OK);
	assert_int_equal(authorization_open(&read, buf_span(&stored), &client, another), RC_FORMAT);
	assert_int_equal(authorization_open(&read, buf_span(&stored), &other, handle), RC_FORMAT);
	for (size_t i = 0; i < stored.len; i++) {
		stored.data[i] ^= 1;
		if (authorization_open(&read, buf_span(&stored), &client, handle) == RC_OK)
			authorization_free(&read); /* the same JSON, written otherwise */
		assert_null(read.kept);
		stored.data[i] ^= 1;
	}
	assert_int_equal(authorization_open(&read, buf_span(&stored), &client, handle), RC_OK);
	assert_string_equal(read.redirect_uri, URI);
	authorization_free(&read);
	buf_free(&stored);
}

static void the_pages_handle_follows_from_the_pushed_one_and_not_back(void **state)
{
	struct secret page = SECRET_INIT, again = SECRET_INIT, other = SECRET_INIT;
	uint8_t sha256[SHA256_LEN], same[SHA256_LEN];

	(void)state;
	assert_int_equal(authorization_page_handle(&page, span_string("a"), sha256), RC_OK);
	assert_int_equal(authorization_page_handle(&again, span_string("a"), same), RC_OK);
	assert_int_equal(authorization_page_handle(&other, span_string("b"), same), RC_OK);
	assert_true(secret_equal(secret_span(&page), secret_span(&again)));
	assert_false(secret_equal(secret_span(&page), secret_span(&other)));
	assert_int_equal(secret_span(&page).len, 43);
	secret_free(&page);
	secret_free(&again);
	secret_free(&other);
}

static void a_credential_of_scal_1_may_do_without_hashes(void **state)
{
	const struct authorization_limits hashless = {500, true};

	(void)state;
	world.asked.scope = "credential";
	world.asked.signatures = "3";
	assert_int_equal(check(), RC_HASH_MISSING);
	assert_int_equal(authorization_check(
				 &world.made, &world.asked, &world.client, &hashless, &world.why),
		RC_OK);
	assert_int_equal(world.made.wish.signatures, 3);
	world.asked.signatures = NULL;
	authorization_free(&world.made);
	assert_int_equal(authorization_check(
				 &world.made, &world.asked, &world.client, &hashless, &world.why),
		RC_NUM_SIGNATURES_MISSING);
}

static void one_signature_too_many_is_refused(void **state)
{
	struct wish wish = {.signatures = 5};

	(void)state;
	assert_int_equal(wish_complete(&wish, 5), RC_OK);
	assert_int_equal(wish_complete(&wish, 4), RC_NUM_SIGNATURES_TOO_HIGH);
}

static void an_address_is_compared_to_the_letter(void **state)
{
	static const char *const wrong[] = {URI "/", "HTTPS://app.mau.edu.vn/back",
		"https://app.mau.edu.vn:443/back", URI "?", URI "#", "https://app.mau.edu.vn/bac",
		"https://app.mau.edu.vn/%62ack", "https://kexau.vidu.vn/", " " URI, URI "\n"};
	const char *target = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(authorization_target(&world.client, wrong[i], &target),
			RC_REDIRECT_URI_INVALID);
	assert_null(target);
	assert_int_equal(authorization_target(&world.client, URI, &target), RC_OK);
	assert_string_equal(target, URI);
}

static void the_only_address_need_not_be_named(void **state)
{
	const char *target = NULL;

	(void)state;
	assert_int_equal(authorization_target(&world.client, NULL, &target), RC_OK);
	json_array_append_new(world.uris, json_string("https://app.mau.edu.vn/other"));
	assert_int_equal(
		authorization_target(&world.client, NULL, &target), RC_REDIRECT_URI_MISSING);
	json_array_clear(world.uris);
	assert_int_equal(
		authorization_target(&world.client, NULL, &target), RC_REDIRECT_URI_MISSING);
	assert_int_equal(
		authorization_target(&world.client, URI, &target), RC_REDIRECT_URI_INVALID);
}

static void what_goes_back_is_encoded_and_nothing_is_lost(void **state)
{
	const struct uri_parameter parameters[] = {
		{"code", "a-b_c.d~e"}, {"none", NULL}, {"state", "ê&=#%+ \r\n\"<"}};
	struct buf out = BUF_INIT;
	const char *text = NULL;

	(void)state;
	assert_int_equal(authorization_location(&out, URI "?x=1", parameters, 3), RC_OK);
	assert_int_equal(buf_string(&out, &text), RC_OK);
	assert_string_equal(
		text, URI "?x=1&code=a-b_c.d~e&state=%C3%AA%26%3D%23%25%2B%20%0D%0A%22%3C");
	buf_free(&out);
}

static void labels_are_shown_as_they_are_or_refused(void **state)
{
	(void)state;
	assert_true(wish_text_is_plain("Học bạ lớp 5A – 10.5 €", 255));
	assert_true(wish_text_is_plain("\xe2\x80\xa7\xe2\x81\xaa", 2));
	assert_false(wish_text_is_plain("a\tb", 255));
	assert_false(wish_text_is_plain("a\x7f", 255));
	assert_false(wish_text_is_plain("a\xc2\x85", 255));
	assert_false(wish_text_is_plain("a\xe2\x80\xae", 255));
	assert_false(wish_text_is_plain("a\xe2\x81\xa7", 255));
	assert_false(wish_text_is_plain("a\xe2\x80\xa8", 255));
	assert_true(wish_text_is_plain("ễễ", 2));
	assert_false(wish_text_is_plain("ễễ", 1));
}

static void both_alphabets_give_the_same_digest(void **state)
{
	static const char *const texts[] = {HASH, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
		"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
		"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU="};
	struct wish first = {.labels = NULL};

	(void)state;
	assert_int_equal(wish_read_hashes(&first, texts[0]), RC_OK);
	for (size_t i = 1; i < 4; i++) {
		struct wish wish = {.labels = NULL};
		assert_int_equal(wish_read_hashes(&wish, texts[i]), RC_OK);
		assert_true(span_equal(buf_span(&first.hashes), buf_span(&wish.hashes)));
		wish_free(&wish);
	}
	wish_free(&first);
}

static void a_digest_has_one_way_to_be_written(void **state)
{
	static const char *const texts[] = {"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFV",
		HASH "==", "=" HASH, HASH " ", "", "====", HASH ",", "," HASH};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct wish wish = {.labels = NULL};
		assert_int_not_equal(wish_read_hashes(&wish, texts[i]), RC_OK);
		wish_free(&wish);
	}
}

static void wishes_are_compared_as_multisets(void **state)
{
	uint8_t a[3][32] = {{1}, {1}, {2}}, b[3][32] = {{2}, {1}, {1}}, c[3][32] = {{2}, {2}, {1}};
	struct wish first = {
		.signatures = 3, .hashes = {a[0], 96, 96}, .hash_len = 32, .hash_count = 3};
	struct wish same = first, other = first;

	(void)state;
	same.hashes.data = b[0];
	other.hashes.data = c[0];
	assert_true(wish_equal(&first, &same));
	assert_false(wish_equal(&first, &other));
}

static void a_verifier_fits_its_challenge_alone(void **state)
{
	struct buf challenge = BUF_INIT;

	(void)state;
	assert_int_equal(base64url_decode(&challenge, span_string(CHALLENGE)), RC_OK);
	assert_true(code_verifier_fits(VERIFIER, challenge.data));
	assert_false(code_verifier_fits(NULL, challenge.data));
	assert_false(code_verifier_fits("", challenge.data));
	assert_false(code_verifier_fits(CHALLENGE, challenge.data));
	challenge.data[31] ^= 1;
	assert_false(code_verifier_fits(VERIFIER, challenge.data));
	buf_free(&challenge);
}

static void a_code_opens_what_it_sealed_for_its_consent(void **state)
{
	struct secret code = SECRET_INIT, other = SECRET_INIT, sad = SECRET_INIT;
	struct buf seal = BUF_INIT;
	uint8_t sha256[SHA256_LEN];
	const struct id consent = {{1}}, another = {{2}};
	struct span text = span_string("the SAD's text");

	(void)state;
	assert_int_equal(secret_text_make(&code, sha256), RC_OK);
	assert_int_equal(secret_text_make(&other, sha256), RC_OK);
	assert_true(secret_text_is_formed(secret_span(&code)));
	assert_int_equal(code_seal(&seal, secret_span(&code), &consent, text), RC_OK);
	assert_int_equal(
		code_open(&sad, secret_span(&other), &consent, buf_span(&seal)), RC_SEAL_BROKEN);
	assert_int_equal(
		code_open(&sad, secret_span(&code), &another, buf_span(&seal)), RC_SEAL_BROKEN);
	for (size_t i = 0; i < seal.len; i++) {
		seal.data[i] ^= 0x10;
		assert_int_equal(code_open(&sad, secret_span(&code), &consent, buf_span(&seal)),
			RC_SEAL_BROKEN);
		seal.data[i] ^= 0x10;
	}
	assert_int_equal(
		code_open(&sad, secret_span(&code), &consent, SPAN(seal.data, 16)), RC_SEAL_BROKEN);
	assert_int_equal(secret_span(&sad).len, 0);
	assert_int_equal(code_open(&sad, secret_span(&code), &consent, buf_span(&seal)), RC_OK);
	assert_true(span_equal(secret_span(&sad), text));
	secret_free(&sad);
	secret_free(&code);
	secret_free(&other);
	buf_free(&seal);
}

static void what_is_no_code_is_known_by_its_form(void **state)
{
	(void)state;
	assert_false(secret_text_is_formed(SPAN_NONE));
	assert_false(secret_text_is_formed(span_string("x")));
	assert_false(secret_text_is_formed(span_string(HASH "x")));
	assert_false(
		secret_text_is_formed(span_string("47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuF=")));
	assert_true(secret_text_is_formed(span_string(HASH)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_request_of_scope_service_is_the_default, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_challenge_is_asked_of_all_but_old_confidential_clients, setup, teardown),
		cmocka_unit_test_setup_teardown(a_plain_challenge_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_kept_reads_as_it_was, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_somebody_else_wrote_is_not_read, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_is_stored_opens_for_its_handle_and_client_as_it_was, setup, teardown),
		cmocka_unit_test(the_pages_handle_follows_from_the_pushed_one_and_not_back),
		cmocka_unit_test_setup_teardown(
			a_credential_of_scal_1_may_do_without_hashes, setup, teardown),
		cmocka_unit_test(one_signature_too_many_is_refused),
		cmocka_unit_test_setup_teardown(
			an_address_is_compared_to_the_letter, setup, teardown),
		cmocka_unit_test_setup_teardown(
			the_only_address_need_not_be_named, setup, teardown),
		cmocka_unit_test(what_goes_back_is_encoded_and_nothing_is_lost),
		cmocka_unit_test(labels_are_shown_as_they_are_or_refused),
		cmocka_unit_test(both_alphabets_give_the_same_digest),
		cmocka_unit_test(a_digest_has_one_way_to_be_written),
		cmocka_unit_test(wishes_are_compared_as_multisets),
		cmocka_unit_test(a_verifier_fits_its_challenge_alone),
		cmocka_unit_test(a_code_opens_what_it_sealed_for_its_consent),
		cmocka_unit_test(what_is_no_code_is_known_by_its_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
