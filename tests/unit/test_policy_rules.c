/* link: policy
 *
 * What policy_parse() refuses, and in what words; how rules of several effects meet. */
#include "policy/policy.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEXTS "\"reason\":{\"vi\":\"Lý do.\",\"en\":\"Reason.\"}"
#define OTHER ",\"alternative\":{\"vi\":\"Cách khác.\",\"en\":\"Other way.\"}"

/* The least that loads; every row below changes one piece of it. */
static const char valid[] =
	"{\"format\":1,"
	"\"excluded\":[{\"id\":\"chiefs\",\"leading\":[\"Phó\"],\"start\":[\"Hiệu trưởng\"],"
	"\"exact\":[\"HT\"]}],"
	"\"permitted\":{\"education\":[\"Giáo viên\"]},"
	"\"rules\":["
	"{\"id\":\"yes\",\"stages\":[\"enrol\",\"activate\",\"authorize\",\"sign\"],"
	"\"when\":{\"subject_kind\":[\"person\"],\"subject_state\":[\"enabled\"],"
	"\"sector\":[\"education\"],\"budget_code\":[\"absent\"],"
	"\"client_profile\":[\"none\",\"general\"],\"position\":[\"permitted\"]},"
	"\"effect\":\"permit\"," TEXTS "},"
	"{\"id\":\"perhaps\",\"stages\":[\"enrol\",\"sign\"],\"when\":{\"position\":[\"empty\"]},"
	"\"effect\":\"wait\"," TEXTS OTHER "},"
	"{\"id\":\"no\",\"stages\":[\"sign\"],\"when\":{\"signatures_over\":100},"
	"\"effect\":\"deny\"," TEXTS OTHER "}"
	"]}";

struct row {
	const char *rule;
	const char *find; /* the piece to change, its first occurrence */
	const char *replace;
	const char *why; /* a part of the reason */
};

static const struct row rows[] = {
	{"an empty text is refused", NULL, "", "not JSON"},
	{"half a document is refused", NULL, "{\"format\":1", "not JSON"},
	{"something after the document is refused", NULL, "{} {}", "not JSON"},
	{"another type is refused", NULL, "[]", "policy: not an object"},
	{"a text that is not UTF-8 is refused", "Lý do", "L\xFD do", "not JSON"},
	{"a member given twice is refused", "\"format\":1", "\"format\":1,\"format\":1",
		"not JSON"},
	{"an unknown format is refused", "\"format\":1", "\"format\":2", "format"},
	{"a format of another type is refused", "\"format\":1", "\"format\":\"1\"", "format"},
	{"an unknown member is refused", "\"format\":1", "\"format\":1,\"formal\":1",
		"unknown member \"formal\""},
	{"a missing member is refused", "\"format\":1,", "", "\"format\" is missing"},

	{"excluded must be an array", "\"excluded\":[", "\"excluded\":5,\"z\":[", "unknown"},
	{"an excluded list needs its parts", "\"leading\":[\"Phó\"],", "", "excluded"},
	{"an excluded list has no other parts", "\"leading\":[\"Phó\"],",
		"\"leading\":[],\"end\":[],", "excluded"},
	{"an excluded list needs an id", "\"id\":\"chiefs\"", "\"id\":\"\"", "excluded"},
	{"an excluded list is not called permitted", "\"id\":\"chiefs\"", "\"id\":\"permitted\"",
		"taken"},
	{"a title is a text", "\"start\":[\"Hiệu trưởng\"]", "\"start\":[1]", "not a string"},
	{"titles are an array", "\"start\":[\"Hiệu trưởng\"]", "\"start\":{}", "not an array"},
	{"an empty title is refused", "\"start\":[\"Hiệu trưởng\"]", "\"start\":[\" \"]",
		"not one title"},
	{"an excluded title that is divided is refused", "\"start\":[\"Hiệu trưởng\"]",
		"\"start\":[\"A, B\"]", "not one title"},
	{"an excluded title with kiểm, which divides, is refused", "\"start\":[\"Hiệu trưởng\"]",
		"\"start\":[\"Kiểm toán\"]", "not one title"},
	{"a permitted title that is divided is refused", "[\"Giáo viên\"]",
		"[\"Giáo viên kiêm tổng phụ trách\"]", "not one title"},
	{"a permitted title that is excluded is refused", "[\"Giáo viên\"]",
		"[\"Giáo viên\",\"Phó hiệu trưởng trường X\"]", "is an excluded title"},
	{"a permitted title that is excluded without tones is refused", "[\"Giáo viên\"]",
		"[\"Hiếu trường\"]", "is an excluded title"},
	{"permitted must be an object", "{\"education\":[\"Giáo viên\"]}", "[]",
		"permitted: not an object"},
	{"permitted titles are an array", "[\"Giáo viên\"]", "\"Giáo viên\"", "not an array"},
	{"a sector has a name", "{\"education\":[", "{\"\":[", "without a name"},

	{"no rules are refused", "\"rules\":[", "\"rules\":[],\"old\":[", "unknown member"},
	{"a rule is an object", "\"rules\":[", "\"rules\":[1,", "rule 1"},
	{"an unknown member of a rule is refused", "\"id\":\"no\"", "\"id\":\"no\",\"note\":1",
		"rule no: unknown member \"note\""},
	{"a rule needs an id", "\"id\":\"no\"", "\"id\":\"\"", "rule 3: id"},
	{"a rule's id is a text", "\"id\":\"no\"", "\"id\":3", "rule 3: id"},
	{"a duplicate id is refused", "\"id\":\"no\"", "\"id\":\"perhaps\"", "two rules"},
	{"the id default is refused", "\"id\":\"no\"", "\"id\":\"default\"", "kept"},
	{"the id internal is refused", "\"id\":\"no\"", "\"id\":\"internal\"", "kept"},
	{"an unknown stage is refused", "\"stages\":[\"sign\"]", "\"stages\":[\"authorise\"]",
		"rule no: a stage"},
	{"a stage of another type is refused", "\"stages\":[\"sign\"]", "\"stages\":[1]",
		"rule no: a stage"},
	{"a rule without stages is refused", "\"stages\":[\"sign\"]", "\"stages\":[]",
		"rule no: stages"},
	{"an unknown effect is refused", "\"effect\":\"deny\"", "\"effect\":\"refuse\"",
		"rule no: effect"},
	{"an effect of another type is refused", "\"effect\":\"deny\"", "\"effect\":0",
		"rule no: effect"},
	{"an unknown condition is refused", "\"signatures_over\":100", "\"signatures\":[\"100\"]",
		"unknown condition"},
	{"a condition's name must end", "{\"position\":[\"empty\"]}", "{\"positions\":[\"empty\"]}",
		"unknown condition"},
	{"a number has no opposite", "\"signatures_over\":100", "\"signatures_over_not\":100",
		"unknown condition"},
	{"a number is not negative", "\"signatures_over\":100", "\"signatures_over\":-1",
		"condition \"signatures_over\""},
	{"a number is a number", "\"signatures_over\":100", "\"signatures_over\":\"1\"",
		"condition \"signatures_over\""},
	{"a rule without conditions is refused", "{\"signatures_over\":100}", "{}", "when"},
	{"an unknown value is refused", "{\"position\":[\"empty\"]}",
		"{\"position\":[\"authority\"]}", "condition \"position\""},
	{"an unknown kind is refused", "{\"position\":[\"empty\"]}",
		"{\"subject_kind_not\":[\"human\"]}", "condition \"subject_kind_not\""},
	{"an unknown profile is refused", "{\"position\":[\"empty\"]}",
		"{\"client_profile\":[\"money\"]}", "condition \"client_profile\""},
	{"a condition without values is refused", "{\"position\":[\"empty\"]}", "{\"position\":[]}",
		"condition \"position\""},
	{"a value of another type is refused", "{\"position\":[\"empty\"]}", "{\"sector\":[null]}",
		"condition \"sector\""},
	{"a text missing in Vietnamese is refused", "{\"vi\":\"Cách khác.\",", "{",
		"\"vi\" is missing"},
	{"a text missing in English is refused", ",\"en\":\"Other way.\"", "", "\"en\" is missing"},
	{"an empty text of a rule is refused", "\"Other way.\"", "\"\"",
		"alternative needs a text"},
	{"a third language is refused", "\"en\":\"Other way.\"",
		"\"en\":\"Other way.\",\"fr\":\"Autre.\"", "unknown member \"fr\""},
	{"a missing alternative is refused", OTHER, "", "\"alternative\" is missing"},

	{"a permit for any kind is refused", "\"subject_kind\":[\"person\"],", "",
		"must ask for \"subject_kind\""},
	{"a permit for a device is refused", "[\"person\"]", "[\"person\",\"device\"]",
		"must ask for \"subject_kind\""},
	{"a permit for the disabled is refused", "\"subject_state\":[\"enabled\"],", "",
		"must ask for \"subject_state\""},
	{"a permit for any sector is refused", "\"sector\":[\"education\"],", "",
		"must ask for \"sector\""},
	{"a permit for all sectors but one is refused", "\"sector\":[", "\"sector_not\":[",
		"must ask for \"sector\""},
	{"a permit whatever the budget code is refused", "\"budget_code\":[\"absent\"],", "",
		"must ask for \"budget_code\""},
	{"a permit with a budget code is refused", "[\"absent\"]", "[\"absent\",\"present\"]",
		"must ask for \"budget_code\""},
	{"a permit whatever the client is refused", "\"client_profile\":[\"none\",\"general\"],",
		"", "must ask for \"client_profile\""},
	{"a permit for a client of finance is refused", "[\"none\",\"general\"]",
		"[\"none\",\"general\",\"finance\"]", "must ask for \"client_profile\""},
	{"a permit for any position is refused", ",\"position\":[\"permitted\"]", "",
		"must ask for \"position\""},
	{"a permit for an unknown position is refused", "[\"permitted\"]",
		"[\"permitted\",\"unknown\"]", "must ask for \"position\""},
	{"a permit for an excluded position is refused", "[\"permitted\"]",
		"[\"permitted\",\"chiefs\"]", "must ask for \"position\""},
	{"a permit that names an exclusion by its opposite is refused",
		"\"position\":[\"permitted\"]", "\"position_not\":[\"chiefs\"]",
		"must ask for \"position\""},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* The valid document with one piece changed; free() it. */
static char *changed(const char *find, const char *replace)
{
	struct buf out = BUF_INIT;
	const char *text, *at = find == NULL ? valid : strstr(valid, find);

	assert_non_null(at);
	assert_int_equal(buf_append(&out, valid, (size_t)(at - valid)), RC_OK);
	assert_int_equal(buf_append_string(&out, find == NULL ? "" : replace), RC_OK);
	assert_int_equal(buf_append_string(&out, at + (find == NULL ? 0 : strlen(find))), RC_OK);
	assert_int_equal(buf_string(&out, &text), RC_OK);
	char *copy = strdup(text);
	assert_non_null(copy);
	buf_free(&out);
	return copy;
}

static struct policy *load(const char *json)
{
	struct policy *policy = NULL;
	struct buf why = BUF_INIT;

	assert_int_equal(policy_parse(&policy, json, strlen(json), 3, &why), RC_OK);
	assert_int_equal(why.len, 0);
	assert_int_equal(policy_version(policy), 3);
	buf_free(&why);
	return policy;
}

static void test_row(void **state)
{
	const struct row *row = *state;
	struct policy *policy = NULL;
	struct buf why = BUF_INIT;
	const char *text;
	char *json = row->find == NULL ? strdup(row->replace) : changed(row->find, row->replace);

	assert_int_equal(buf_append_string(&why, "stale"), RC_OK);
	assert_int_equal(policy_parse(&policy, json, strlen(json), 1, &why), RC_CONFIG);
	assert_null(policy);
	assert_int_equal(buf_string(&why, &text), RC_OK);
	assert_null(strstr(text, "stale"));
	if (strstr(text, row->why) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", text, row->why);
	buf_free(&why);
	free(json);
}

static struct policy_decision ask(const char *json, enum policy_stage stage, const char *position,
	const char *profile, size_t signatures)
{
	static char rule[80];
	struct policy *policy = load(json);
	struct policy_subject subject = {
		.kind = "person", .sector = "education", .position = position};
	struct policy_client client = {.profile = profile, .sector = "education"};
	struct policy_transaction transaction = {.signatures = signatures};
	struct policy_decision decision;

	policy_decide(policy, stage, &subject, &client, &transaction, &decision);
	assert_true(strlen(decision.rule) < sizeof(rule));
	memcpy(rule, decision.rule, strlen(decision.rule) + 1);
	decision.rule = rule;
	policy_free(&policy);
	return decision;
}

static void what_no_rule_names_is_denied(void **state)
{
	char *json = changed(NULL, NULL);
	struct policy_decision decision = ask(json, POLICY_SIGN, "Hiệu trưởng", "general", 1);

	(void)state;
	assert_string_equal(decision.rule, "default");
	assert_int_equal(decision.effect, POLICY_DENY);
	assert_int_equal(decision.version, 3);
	free(json);
}

static void a_denial_wins_over_a_permit_that_stands_before_it(void **state)
{
	char *json = changed(NULL, NULL);
	struct policy_decision decision = ask(json, POLICY_SIGN, "Giáo viên", "general", 101);

	(void)state;
	assert_string_equal(decision.rule, "no");
	assert_int_equal(decision.effect, POLICY_DENY);
	decision = ask(json, POLICY_SIGN, "Giáo viên", "general", 100);
	assert_string_equal(decision.rule, "yes");
	assert_int_equal(decision.effect, POLICY_PERMIT);
	free(json);
}

static void a_denial_wins_over_a_wait_that_stands_before_it(void **state)
{
	char *json = changed(NULL, NULL);

	(void)state;
	assert_string_equal(ask(json, POLICY_SIGN, "", "general", 101).rule, "no");
	assert_string_equal(ask(json, POLICY_SIGN, "", "general", 1).rule, "perhaps");
	free(json);
}

static void a_wait_wins_over_a_permit(void **state)
{
	char *json = changed("{\"position\":[\"empty\"]}", "{\"client_sector\":[\"education\"]}");
	struct policy_decision decision = ask(json, POLICY_SIGN, "Giáo viên", "general", 1);

	(void)state;
	assert_string_equal(decision.rule, "perhaps");
	assert_int_equal(decision.effect, POLICY_WAIT);
	free(json);
}

static void a_rule_holds_at_its_stages_only(void **state)
{
	char *json = changed(NULL, NULL);

	(void)state;
	assert_string_equal(ask(json, POLICY_AUTHORIZE, "", "general", 101).rule, "default");
	assert_string_equal(ask(json, POLICY_ENROL, "", "general", 101).rule, "perhaps");
	free(json);
}

static void the_opposite_of_a_condition_holds_when_it_does_not(void **state)
{
	char *json =
		changed("{\"signatures_over\":100}", "{\"client_sector_not\":[\"education\"]}");

	(void)state;
	assert_string_equal(ask(json, POLICY_SIGN, "Giáo viên", "general", 1).rule, "yes");
	free(json);
	json = changed("{\"signatures_over\":100}", "{\"client_sector_not\":[\"health\"]}");
	assert_string_equal(ask(json, POLICY_SIGN, "Giáo viên", "general", 1).rule, "no");
	free(json);
}

static void all_conditions_of_a_rule_must_hold(void **state)
{
	char *json = changed("{\"signatures_over\":100}",
		"{\"signatures_over\":100,\"client_profile\":[\"finance\"]}");

	(void)state;
	assert_string_equal(ask(json, POLICY_SIGN, "Giáo viên", "general", 101).rule, "yes");
	assert_string_equal(ask(json, POLICY_SIGN, "Giáo viên", "finance", 101).rule, "no");
	free(json);
}

/* Whatever else a policy says: these do not get past the conditions that a permit must carry. */
static void without_any_denial_the_excluded_are_not_permitted(void **state)
{
	char *json = changed(NULL, NULL);
	const char *const positions[] = {"Hiệu trưởng", "HT", "Phó Hiệu trưởng X",
		"Giáo viên, Hiệu trưởng", "Giáo viên kiêm HT", "Kế toán", ""};

	(void)state;
	for (size_t i = 0; i < sizeof(positions) / sizeof(positions[0]); i++)
		assert_int_not_equal(
			ask(json, POLICY_SIGN, positions[i], "general", 1).effect, POLICY_PERMIT);
	assert_int_equal(ask(json, POLICY_SIGN, "Giáo viên", "finance", 1).effect, POLICY_DENY);
	free(json);
}

static void effects_have_names(void **state)
{
	(void)state;
	assert_string_equal(policy_effect_name(POLICY_WAIT), "wait");
	assert_string_equal(policy_effect_name((enum policy_effect)9), "deny");
}

static size_t allocations_left;

static void *scarce_malloc(size_t size)
{
	return allocations_left == 0 ? NULL : (allocations_left--, malloc(size));
}

/* jansson's allocations fail one after the other; a sanitizer sees leaks. */
static void without_memory_nothing_is_loaded(void **state)
{
	struct policy *policy = NULL;
	struct buf why = BUF_INIT;
	size_t allocations = 0;
	rc_t rc;

	(void)state;
	json_set_alloc_funcs(scarce_malloc, free);
	do {
		allocations_left = allocations++;
		rc = policy_parse(&policy, valid, strlen(valid), 1, &why);
		assert_true((rc == RC_OK) == (policy != NULL));
	} while (rc != RC_OK && allocations < 10000);
	json_set_alloc_funcs(malloc, free);
	assert_int_equal(rc, RC_OK);
	assert_true(allocations > 50);
	policy_free(&policy);
	buf_free(&why);
}

#define OTHERS 10

int main(void)
{
	struct CMUnitTest tests[OTHERS + ROWS] = {
		cmocka_unit_test(what_no_rule_names_is_denied),
		cmocka_unit_test(a_denial_wins_over_a_permit_that_stands_before_it),
		cmocka_unit_test(a_denial_wins_over_a_wait_that_stands_before_it),
		cmocka_unit_test(a_wait_wins_over_a_permit),
		cmocka_unit_test(a_rule_holds_at_its_stages_only),
		cmocka_unit_test(the_opposite_of_a_condition_holds_when_it_does_not),
		cmocka_unit_test(all_conditions_of_a_rule_must_hold),
		cmocka_unit_test(without_any_denial_the_excluded_are_not_permitted),
		cmocka_unit_test(effects_have_names),
		cmocka_unit_test(without_memory_nothing_is_loaded),
	};

	for (size_t i = 0; i < ROWS; i++)
		tests[OTHERS + i] = (struct CMUnitTest){.name = rows[i].rule,
			.test_func = test_row,
			.initial_state = (void *)(uintptr_t)&rows[i]};
	return cmocka_run_group_tests_name("policy rules", tests, NULL, NULL);
}
