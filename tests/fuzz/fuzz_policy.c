/* link: policy
 *
 * The first byte chooses: a policy's text, or a position judged by a fixed policy. In both, what
 * holds of every policy that loads is checked: neither a device, nor an empty position, nor a
 * client of finance is permitted, and no position that has an excluded part. */
#include "policy/policy.h"
#include "policy/titles.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TEXTS "\"reason\":{\"vi\":\"v\",\"en\":\"e\"}"

static const char fixed[] =
	"{\"format\":1,\"excluded\":[{\"id\":\"authority\",\"leading\":[\"phó\",\"quyền\"],"
	"\"start\":[\"hiệu trưởng\",\"kế toán\"],\"exact\":[\"ht\"]}],"
	"\"permitted\":{\"education\":[\"Giáo viên\",\"Đội viên\",\"GV\"]},"
	"\"rules\":[{\"id\":\"yes\",\"stages\":[\"enrol\"],\"when\":{\"subject_kind\":[\"person\"],"
	"\"subject_state\":[\"enabled\"],\"sector\":[\"education\"],\"budget_code\":[\"absent\"],"
	"\"client_profile\":[\"none\"],\"position\":[\"permitted\"]},\"effect\":\"permit\"," TEXTS
	"}]}";

static void check(int truth)
{
	if (!truth)
		abort();
}

static struct policy_decision enrol(const struct policy *policy, const char *position)
{
	struct policy_subject subject = {
		.kind = "person", .sector = "education", .position = position};
	struct policy_decision decision;

	policy_decide(policy, POLICY_ENROL, &subject, NULL, NULL, &decision);
	check(decision.rule != NULL && decision.reason_vi != NULL && decision.reason_en != NULL);
	check(decision.alternative_vi != NULL && decision.alternative_en != NULL);
	return decision;
}

static struct policy *parse(const char *json, size_t len)
{
	struct policy *policy = NULL;
	struct buf why = BUF_INIT;
	rc_t rc = policy_parse(&policy, json, len, 1, &why);

	check((rc == RC_OK) == (policy != NULL));
	check(rc != RC_CONFIG || why.len > 0);
	buf_free(&why);
	return policy;
}

static void fuzz_rules(const char *json, size_t len)
{
	struct policy *policy = parse(json, len);
	struct policy_subject device = {
		.kind = "device", .sector = "education", .position = "Giáo viên"};
	struct policy_client finance = {.profile = "finance"};
	struct policy_subject teacher = device;
	struct policy_decision decision;

	if (policy == NULL)
		return;
	teacher.kind = "person";
	policy_decide(policy, POLICY_SIGN, &device, &finance, NULL, &decision);
	check(decision.effect != POLICY_PERMIT);
	policy_decide(policy, POLICY_SIGN, &teacher, &finance, NULL, &decision);
	check(decision.effect != POLICY_PERMIT);
	check(enrol(policy, "").effect != POLICY_PERMIT);
	policy_free(&policy);
}

/* The same words again, so that normalising is a projection; nothing but what it promises. */
static void fuzz_form(enum title_form form, const char *position)
{
	char once[TITLE_TEXT], twice[TITLE_TEXT];

	if (!title_normalise(once, form, position) || strlen(once) > POLICY_POSITION_MAX)
		return;
	check(strstr(once, "  ") == NULL && once[0] != ' ');
	if (form == TITLE_BARE)
		for (const char *p = once; *p != '\0'; p++)
			check((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == ' ' ||
				*p == '?' || *p == '\n');
	if (form == TITLE_EXACT && strchr(once, '\n') == NULL && title_normalise(twice, form, once))
		check(strcmp(once, twice) == 0);
}

static void fuzz_position(const char *position)
{
	struct policy *policy = parse(fixed, sizeof(fixed) - 1);
	struct buf joined = BUF_INIT;
	const char *text;

	check(policy != NULL);
	fuzz_form(TITLE_EXACT, position);
	fuzz_form(TITLE_TONELESS, position);
	fuzz_form(TITLE_BARE, position);
	if (enrol(policy, position).effect == POLICY_PERMIT) {
		char bare[TITLE_TEXT];
		check(title_normalise(bare, TITLE_BARE, position));
		check(strstr(bare, "truong") == NULL && strstr(bare, "ke toan") == NULL);
	}
	check(buf_printf(&joined, "Hiệu trưởng kiêm %s", position) == RC_OK);
	check(buf_string(&joined, &text) == RC_OK);
	check(enrol(policy, text).effect != POLICY_PERMIT);
	buf_free(&joined);
	policy_free(&policy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	char *text = malloc(size);
	check(text != NULL);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	if (data[0] & 1)
		fuzz_rules(text, size - 1);
	else
		fuzz_position(text);
	free(text);
	return 0;
}
