/* Request specs and parameters: what is read, what is refused. link: api */
#include "api/params.h"
#include "api/spec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct values {
	const char *text, *line;
	int64_t number, at;
	bool flag;
	struct id id;
	int choice;
	const json_t *list;
	struct buf bytes, hex;
};

static const char *const choices[] = {"none", "single", "chain", NULL};

#define AT(member) offsetof(struct values, member)
#define FIELD(label, kind, member)                                               \
	.name = (label), .type = (kind), .wrong = RC_PARAMETER_MISSING,          \
	.invalid = RC_PARAMETER_INVALID, .contradiction = RC_HASH_CONTRADICTION, \
	.offset = AT(member)
static const struct spec_field fields[] = {
	{FIELD("number", SPEC_NUMBER, number), .required = true, .least = 1, .most = 10},
	{FIELD("text", SPEC_TEXT, text), .most = 3},
	{FIELD("line", SPEC_TEXT, line), .line = true},
	{FIELD("flag", SPEC_FLAG, flag), .preset = 1},
	{FIELD("id", SPEC_ID, id)},
	{FIELD("choice", SPEC_CHOICE, choice), .preset = 1, .choices = choices},
	{FIELD("hash", SPEC_ARRAY, list), .alias = "hashes"},
	{FIELD("bytes", SPEC_BASE64, bytes)},
	{FIELD("hex", SPEC_HEX, hex)},
	{FIELD("at", SPEC_TIME, at)},
};
static const struct spec spec = SPEC(fields, struct values);

static struct values got;
static const char *fault_at;
static json_t *params;

static rc_t read_text(const char *json, bool textual)
{
	spec_release(&spec, &got);
	memset(&got, 0, sizeof(got));
	json_decref(params);
	params = NULL;
	rc_t rc = textual ? params_read_form(span_string(json), &params)
			  : params_read_json(span_string(json), &params);
	return rc != RC_OK ? rc : spec_read(&spec, params, textual, &got, &fault_at);
}

static int end(void **state)
{
	(void)state;
	spec_release(&spec, &got);
	memset(&got, 0, sizeof(got));
	json_decref(params);
	params = NULL;
	return 0;
}

static void absent_members_get_their_presets(void **state)
{
	(void)state;
	assert_int_equal(read_text("{\"number\":7}", false), RC_OK);
	assert_int_equal(got.number, 7);
	assert_true(got.flag);
	assert_int_equal(got.choice, 1);
	assert_null(got.text);
	assert_null(got.list);
	assert_true(id_is_zero(&got.id));
}

static void null_is_absent_and_unknown_members_are_ignored(void **state)
{
	(void)state;
	assert_int_equal(
		read_text("{\"number\":1,\"text\":null,\"flag\":null,\"x\":[{}]}", false), RC_OK);
	assert_null(got.text);
	assert_int_equal(read_text("{\"number\":null}", false), RC_PARAMETER_MISSING);
	assert_string_equal(fault_at, "number");
}

static void a_number_is_an_integer_in_its_range(void **state)
{
	(void)state;
	assert_int_equal(read_text("{\"number\":1.0}", false), RC_PARAMETER_MISSING);
	assert_int_equal(read_text("{\"number\":\"1\"}", false), RC_PARAMETER_MISSING);
	assert_int_equal(read_text("{\"number\":true}", false), RC_PARAMETER_MISSING);
	assert_int_equal(read_text("{\"number\":0}", false), RC_PARAMETER_INVALID);
	assert_int_equal(read_text("{\"number\":11}", false), RC_PARAMETER_INVALID);
	assert_int_equal(read_text("{\"number\":99999999999999999999}", false), RC_BODY_NOT_JSON);
}

static void types_are_judged_before_values(void **state)
{
	(void)state;
	assert_int_equal(read_text("{\"number\":0,\"choice\":5}", false), RC_PARAMETER_MISSING);
	assert_string_equal(fault_at, "choice");
}

static void text_is_measured_in_characters(void **state)
{
	(void)state;
	assert_int_equal(read_text("{\"number\":1,\"text\":\"ễễễ\"}", false), RC_OK);
	assert_int_equal(
		read_text("{\"number\":1,\"text\":\"ễễễễ\"}", false), RC_PARAMETER_INVALID);
	assert_int_equal(
		read_text("{\"number\":1,\"line\":\"a\\nb\"}", false), RC_PARAMETER_INVALID);
	assert_int_equal(
		read_text("{\"number\":1,\"line\":\"a\\u0000b\"}", false), RC_BODY_NOT_JSON);
}

static void ids_and_choices_are_exact(void **state)
{
	(void)state;
	assert_int_equal(
		read_text("{\"number\":1,\"id\":\"3f2b8c1e-5a6d-4e7f-8a9b-0c1d2e3f4a5b\"}", false),
		RC_OK);
	assert_int_equal(
		read_text("{\"number\":1,\"id\":\"3F2B8C1E-5a6d-4e7f-8a9b-0c1d2e3f4a5b\"}", false),
		RC_PARAMETER_INVALID);
	assert_int_equal(read_text("{\"number\":1,\"choice\":\"chain\"}", false), RC_OK);
	assert_int_equal(got.choice, 2);
	assert_int_equal(
		read_text("{\"number\":1,\"choice\":\"Chain\"}", false), RC_PARAMETER_INVALID);
}

static void both_names_serve_unless_they_differ(void **state)
{
	(void)state;
	assert_int_equal(read_text("{\"number\":1,\"hash\":[\"a\"]}", false), RC_OK);
	assert_int_equal(json_array_size(got.list), 1);
	assert_int_equal(
		read_text("{\"number\":1,\"hashes\":[\"a\",\"b\"],\"hash\":null}", false), RC_OK);
	assert_int_equal(json_array_size(got.list), 2);
	assert_int_equal(
		read_text("{\"number\":1,\"hashes\":[\"a\"],\"hash\":[\"a\"]}", false), RC_OK);
	assert_int_equal(read_text("{\"number\":1,\"hashes\":[\"a\"],\"hash\":[\"b\"]}", false),
		RC_HASH_CONTRADICTION);
}

static void bytes_are_decoded_strictly(void **state)
{
	(void)state;
	assert_int_equal(
		read_text("{\"number\":1,\"bytes\":\"AQI=\",\"hex\":\"0aFf\"}", false), RC_OK);
	assert_int_equal(got.bytes.len, 2);
	assert_int_equal(got.hex.data[1], 0xff);
	assert_int_equal(
		read_text("{\"number\":1,\"bytes\":\"AQI\"}", false), RC_PARAMETER_INVALID);
	assert_int_equal(
		read_text("{\"number\":1,\"bytes\":\"AQJ=\"}", false), RC_PARAMETER_INVALID);
	assert_int_equal(
		read_text("{\"number\":1,\"bytes\":\"A_I=\"}", false), RC_PARAMETER_INVALID);
	assert_int_equal(read_text("{\"number\":1,\"hex\":\"0aF\"}", false), RC_PARAMETER_INVALID);
	assert_int_equal(read_text("{\"number\":1,\"hex\":\"0g\"}", false), RC_PARAMETER_INVALID);
}

static void times_are_utc(void **state)
{
	(void)state;
	assert_int_equal(read_text("{\"number\":1,\"at\":\"2026-01-02T03:04:05Z\"}", false), RC_OK);
	assert_true(got.at == 1767323045000);
	assert_int_equal(read_text("{\"number\":1,\"at\":\"2026-01-02\"}", false), RC_OK);
	assert_true(got.at == 1767312000000);
	assert_int_equal(read_text("{\"number\":1,\"at\":\"2026-01-02T03:04\"}", false),
		RC_PARAMETER_INVALID);
}

static void forms_carry_text(void **state)
{
	(void)state;
	assert_int_equal(read_text("number=3&flag=false&text=%e1%BB%85+&&=x", true), RC_OK);
	assert_int_equal(got.number, 3);
	assert_false(got.flag);
	assert_string_equal(got.text, "ễ ");
	assert_int_equal(read_text("number=3x", true), RC_PARAMETER_INVALID);
	assert_int_equal(read_text("number=", true), RC_PARAMETER_INVALID);
	assert_int_equal(read_text("number=1&flag=yes", true), RC_PARAMETER_INVALID);
	assert_int_equal(read_text("number=1&number=2", true), RC_MALFORMED);
	assert_int_equal(read_text("number=1&text=%zz", true), RC_MALFORMED);
	assert_int_equal(read_text("number=1&text=%e1", true), RC_MALFORMED);
	assert_int_equal(read_text("number=1&text=%00", true), RC_MALFORMED);
	assert_int_equal(read_text("number=1&text=%2", true), RC_MALFORMED);
}

static void a_body_is_one_object(void **state)
{
	static const char *const bad[] = {"[]", "1", "\"x\"", "null", "{", "{} {}",
		"{\"a\":1,\"a\":1}", "{\"a\":\"\xff\"}", "{\"a\":[[[[[[[[[[[1]]]]]]]]]]]}",
		"{'a':1}", "{\"a\":1,}"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(read_text(bad[i], false), RC_BODY_NOT_JSON);
	assert_int_equal(read_text("  \r\n", false), RC_PARAMETER_MISSING); /* blank is {} */
	assert_int_equal(
		read_text("{\"number\":1,\"x\":\"[[[[[[[[[[[[[[\\\"[[[[\"}", false), RC_OK);
}

static void bearer_is_one_word(void **state)
{
	static const char *const bad[] = {"", "Bearer", "Bearer ", "Bearer a b", "Bearer a,b",
		"Basic YTpi", "Bearerabc", "Bearer =", "Bearer a=b", "Bearer a\tb",
		"Bearer \xc3\xa9"};
	struct span token;

	(void)state;
	assert_int_equal(params_read_bearer("Bearer aZ0-._~+/==", &token), RC_OK);
	assert_int_equal(token.len, 11);
	assert_int_equal(params_read_bearer("bearer  abc", &token), RC_OK);
	assert_int_equal(params_read_bearer(NULL, &token), RC_BEARER_MALFORMED);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(params_read_bearer(bad[i], &token), RC_BEARER_MALFORMED);
}

static void basic_is_decoded_twice(void **state)
{
	struct secret name = SECRET_INIT, password = SECRET_INIT;

	(void)state;
	/* "a%3Ab:c%20d+e:f" */
	assert_int_equal(params_read_basic("Basic YSUzQWI6YyUyMGQrZTpm", &name, &password), RC_OK);
	assert_true(span_equal(secret_span(&name), span_string("a:b")));
	assert_true(span_equal(secret_span(&password), span_string("c d e:f")));
	assert_int_equal(params_read_basic("Basic YWJj", &name, &password), RC_CLIENT_AUTH_HEADER);
	assert_int_equal(params_read_basic("Basic !", &name, &password), RC_CLIENT_AUTH_HEADER);
	assert_int_equal(params_read_basic("Bearer x", &name, &password), RC_CLIENT_AUTH_HEADER);
	secret_free(&name);
	secret_free(&password);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(absent_members_get_their_presets),
		cmocka_unit_test(null_is_absent_and_unknown_members_are_ignored),
		cmocka_unit_test(a_number_is_an_integer_in_its_range),
		cmocka_unit_test(types_are_judged_before_values),
		cmocka_unit_test(text_is_measured_in_characters),
		cmocka_unit_test(ids_and_choices_are_exact),
		cmocka_unit_test(both_names_serve_unless_they_differ),
		cmocka_unit_test(bytes_are_decoded_strictly),
		cmocka_unit_test(times_are_utc),
		cmocka_unit_test(forms_carry_text),
		cmocka_unit_test(a_body_is_one_object),
		cmocka_unit_test(bearer_is_one_word),
		cmocka_unit_test(basic_is_decoded_twice),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}
