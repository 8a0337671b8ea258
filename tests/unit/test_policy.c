/* link: policy
 *
 * The default policy by table: every row is asked at all four stages, unless it says otherwise. */
#include "policy/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define DENY POLICY_DENY
#define WAIT POLICY_WAIT
#define PERMIT POLICY_PERMIT
#define EDU "education"
#define TRAIN "training"
#define HEALTH "health"

struct row {
	const char *rule; /* what the row shows */
	const char *sector;
	const char *position;
	enum policy_effect effect;
	const char *by;
};

static const struct row rows[] = {
	/* permitted: every part listed for the sector */
	{"a teacher may sign", EDU, "Giáo viên", PERMIT, "permitted"},
	{"a teacher's rank may stand", EDU, "Giáo viên THPT hạng II", PERMIT, "permitted"},
	{"a teacher's subject may stand", EDU, "Giáo viên Toán", PERMIT, "permitted"},
	{"a class teacher may sign", EDU, "Giáo viên, Giáo viên chủ nhiệm", PERMIT, "permitted"},
	{"two permitted parts permit", EDU, "Giáo viên kiêm Tổng phụ trách Đội", PERMIT,
		"permitted"},
	{"a permitted title in capitals permits", EDU, "GIÁO VIÊN", PERMIT, "permitted"},
	{"a permitted title without tones permits", EDU, "giao vien", PERMIT, "permitted"},
	{"two parts without tones permit", EDU, "GIAO VIEN kiem TONG PHU TRACH DOI", PERMIT,
		"permitted"},
	{"a decomposed permitted title permits", EDU, "Gia\u0301o vie\u0302n", PERMIT, "permitted"},
	{"stray spaces do no harm", EDU, "  Giáo   viên ", PERMIT, "permitted"},
	{"a no-break space does no harm", EDU, "Giáo\u00A0viên", PERMIT, "permitted"},
	{"a school librarian may sign", EDU, "Nhân viên thư viện", PERMIT, "permitted"},
	{"a lecturer may sign", TRAIN, "Giảng viên", PERMIT, "permitted"},
	{"a senior lecturer may sign", TRAIN, "Giảng viên chính", PERMIT, "permitted"},
	{"a professor may sign", TRAIN, "Phó giáo sư", PERMIT, "permitted"},
	{"a nurse may sign", HEALTH, "Điều dưỡng", PERMIT, "permitted"},
	{"a nurse without tones may sign", HEALTH, "Dieu duong", PERMIT, "permitted"},
	{"a nurse's rank may stand", HEALTH, "Điều dưỡng hạng III", PERMIT, "permitted"},
	{"a doctor may sign", HEALTH, "Bác sĩ", PERMIT, "permitted"},
	{"a doctor spelt with y may sign", HEALTH, "Bác sỹ", PERMIT, "permitted"},
	{"a doctor's degree may stand", HEALTH, "Bác sĩ CKI", PERMIT, "permitted"},
	{"a midwife may sign", HEALTH, "Hộ sinh", PERMIT, "permitted"},
	{"a pharmacist may sign", HEALTH, "Dược sĩ", PERMIT, "permitted"},
	{"a technician whose title has kiểm may sign", HEALTH, "Kỹ thuật viên kiểm nghiệm", PERMIT,
		"permitted"},
	{"a title with a bracket that is listed permits", HEALTH, "Bác sĩ cao cấp (hạng I)", PERMIT,
		"permitted"},

	/* persons with authority */
	{"a headmaster is refused", EDU, "Hiệu trưởng", DENY, "authority"},
	{"a headmaster in capitals is refused", EDU, "HIỆU TRƯỞNG", DENY, "authority"},
	{"a headmaster without tones is refused", EDU, "Hieu truong", DENY, "authority"},
	{"a half toned headmaster is refused", EDU, "Hiệu truong", DENY, "authority"},
	{"a wrongly toned headmaster is refused", EDU, "Hiêu trường", DENY, "authority"},
	{"a decomposed headmaster is refused", EDU, "Hie\u0323\u0302u tru\u031Bo\u031B\u0309ng",
		DENY, "authority"},
	{"a deputy headmaster is refused", EDU, "Phó Hiệu trưởng", DENY, "authority"},
	{"a deputy headmaster by the old word is refused", EDU, "Hiệu phó", DENY, "authority"},
	{"a shortened deputy headmaster is refused", EDU, "P. Hiệu trưởng", DENY, "authority"},
	{"initials of a headmaster are refused", EDU, "PHT", DENY, "authority"},
	{"an acting headmaster is refused", EDU, "Quyền Hiệu trưởng", DENY, "authority"},
	{"a shortened acting headmaster is refused", EDU, "Q. Hiệu trưởng", DENY, "authority"},
	{"a joined acting headmaster is refused", EDU, "Q.Hiệu trưởng", DENY, "authority"},
	{"a headmaster in charge is refused", EDU, "Phó Hiệu trưởng phụ trách", DENY, "authority"},
	{"who stands in for a headmaster is refused", EDU, "Phụ trách Hiệu trưởng", DENY,
		"authority"},
	{"a headmaster of a named school is refused", EDU, "Hiệu trưởng trường THPT Mẫu", DENY,
		"authority"},
	{"a headmaster after a dash is refused", EDU, "Hiệu trưởng-Trường THPT Mẫu", DENY,
		"authority"},
	{"a headmaster with a bracket is refused", EDU, "Hiệu trưởng (từ 2026)", DENY, "authority"},
	{"a headmaster with degrees is refused", EDU, "PGS.TS. Hiệu trưởng", DENY, "authority"},
	{"a teacher who is headmaster is refused", EDU, "Giáo viên, Hiệu trưởng", DENY,
		"authority"},
	{"a headmaster who is teacher is refused", EDU, "Hiệu trưởng kiêm Giáo viên", DENY,
		"authority"},
	{"a teacher headmaster without a comma is refused", EDU, "Giáo viên Hiệu trưởng", DENY,
		"authority"},
	{"a member of the school's board is refused", EDU, "Thành viên Ban Giám hiệu", DENY,
		"authority"},
	{"a school council's chair is refused", EDU, "Chủ tịch Hội đồng trường", DENY, "authority"},
	{"the head of a district's education office is refused", EDU,
		"Trưởng phòng Giáo dục và Đào tạo", DENY, "authority"},
	{"its deputy head is refused", EDU, "Phó Trưởng phòng", DENY, "authority"},
	{"its shortened deputy head is refused", EDU, "Phó phòng", DENY, "authority"},
	{"a department's director is refused", EDU, "Giám đốc Sở", DENY, "authority"},
	{"a college's rector is refused", TRAIN, "Hiệu trưởng", DENY, "authority"},
	{"a lecturer who is vice-rector is refused", TRAIN, "Giảng viên; Phó Hiệu trưởng", DENY,
		"authority"},
	{"an institute's head is refused", TRAIN, "Viện trưởng", DENY, "authority"},
	{"an institute's deputy head is refused", TRAIN, "Phó Viện trưởng", DENY, "authority"},
	{"a hospital's director is refused", HEALTH, "Giám đốc", DENY, "authority"},
	{"a hospital's deputy director is refused", HEALTH, "Phó Giám đốc Bệnh viện", DENY,
		"authority"},
	{"a deputy director of a named hospital is refused", HEALTH,
		"Phó Giám đốc Bệnh viện Đa khoa Mẫu", DENY, "authority"},
	{"a doctor who is director is refused", HEALTH, "Bác sĩ / Giám đốc", DENY, "authority"},
	{"a doctor director without a comma is refused", HEALTH, "BSCKII. Giám đốc", DENY,
		"authority"},
	{"a spaced degree does not hide a director", HEALTH, "BS CK II Giám đốc", DENY,
		"authority"},
	{"a health station's head is refused", HEALTH, "Trưởng trạm Y tế", DENY, "authority"},
	{"its deputy head, other word order, is refused", HEALTH, "Phó Trạm trưởng", DENY,
		"authority"},
	{"initials of a director are refused", HEALTH, "PGĐ", DENY, "authority"},

	/* finance and budget */
	{"a school's chief accountant is refused", EDU, "Kế toán trưởng", DENY, "finance-position"},
	{"an accountant is refused", EDU, "Kế toán", DENY, "finance-position"},
	{"an accountant by grade is refused", EDU, "Kế toán viên trung cấp", DENY,
		"finance-position"},
	{"an accountant without tones is refused", EDU, "KE TOAN TRUONG", DENY, "finance-position"},
	{"an accounting clerk is refused", EDU, "Nhân viên kế toán", DENY, "finance-position"},
	{"who stands in for the accountant is refused", EDU, "Phụ trách kế toán", DENY,
		"finance-position"},
	{"a teacher kiêm accountant is refused", EDU, "Giáo viên kiêm kế toán", DENY,
		"finance-position"},
	{"a teacher KIÊM accountant is refused", EDU, "GIÁO VIÊN KIÊM KẾ TOÁN", DENY,
		"finance-position"},
	{"a teacher kiem accountant is refused", EDU, "Giáo viên kiem kế toán", DENY,
		"finance-position"},
	{"a teacher kiêm nhiệm accountant is refused", EDU, "Giáo viên kiêm nhiệm kế toán", DENY,
		"finance-position"},
	{"a mistyped kiêm hides no accountant", EDU, "Giáo viên kiểm kế toán", DENY,
		"finance-position"},
	{"a decomposed kiêm hides no accountant", EDU, "Giáo viên kie\u0302m kế toán", DENY,
		"finance-position"},
	{"an accountant after a plus is refused", EDU, "Giáo viên + Kế toán", DENY,
		"finance-position"},
	{"an accountant on a second line is refused", EDU, "Giáo viên\r\nKế toán", DENY,
		"finance-position"},
	{"a cashier is refused", EDU, "Văn thư kiêm thủ quỹ", DENY, "finance-position"},
	{"a hospital's cashier is refused", HEALTH, "Nhân viên thu ngân", DENY, "finance-position"},
	{"who collects hospital fees is refused", HEALTH, "Nhân viên thu viện phí", DENY,
		"finance-position"},
	{"an officer of the finance office is refused", HEALTH,
		"Chuyên viên phòng Tài chính - Kế toán", DENY, "finance-position"},
	{"authority is named before finance", EDU, "Hiệu trưởng kiêm chủ tài khoản", DENY,
		"authority"},

	/* outside the sectors */
	{"a land-registry officer is refused", "other", "Viên chức đăng ký đất đai", DENY,
		"sector"},
	{"an agency without a sector is refused", "", "Giáo viên", DENY, "sector-unknown"},
	{"an agency with no sector at all is refused", NULL, "Giáo viên", DENY, "sector-unknown"},
	{"a teacher's title is no sector", "other", "Giáo viên", DENY, "sector"},
	{"sectors are compared exactly", "Education", "Giáo viên", DENY, "sector"},
	{"an unlisted title outside the sectors is refused", "other", "Chuyên viên", DENY,
		"sector"},
	{"an empty title outside the sectors is refused", "other", "", DENY, "sector"},

	/* an operator has to look */
	{"an empty title waits", EDU, "", WAIT, "position-empty"},
	{"no title waits", EDU, NULL, WAIT, "position-empty"},
	{"a blank title waits", EDU, " \t ", WAIT, "position-empty"},
	{"a title nobody knows waits", EDU, "Điều phối viên chuyển đổi số", WAIT,
		"position-unknown"},
	{"a headmaster's secretary waits", EDU, "Thư ký Hiệu trưởng", WAIT, "position-unknown"},
	{"a director's assistant waits", HEALTH, "Trợ lý Giám đốc", WAIT, "position-unknown"},
	{"a former headmaster waits", EDU, "Nguyên Hiệu trưởng", WAIT, "position-unknown"},
	{"a clinical head waits", HEALTH, "Trưởng khoa", WAIT, "position-unknown"},
	{"a doctor who is clinical head waits", HEALTH, "Bác sĩ, Trưởng khoa Nội", WAIT,
		"position-unknown"},
	{"a head nurse waits", HEALTH, "Điều dưỡng trưởng", WAIT, "position-unknown"},
	{"who teaches accounting waits", TRAIN, "Giảng viên Kế toán", WAIT, "position-unknown"},
	{"one unlisted part makes all wait", EDU, "Giáo viên kiêm thi đua", WAIT,
		"position-unknown"},
	{"a listed beginning permits nothing", EDU, "Giáo viên và quản lý", WAIT,
		"position-unknown"},
	{"a listed title of another sector waits", HEALTH, "Giáo viên", WAIT, "position-unknown"},
	{"a nurse in a school waits", EDU, "Điều dưỡng", WAIT, "position-unknown"},
	{"a trailing comma waits", EDU, "Giáo viên,", WAIT, "position-unknown"},
	{"a leading kiêm waits", EDU, "kiêm Giáo viên", WAIT, "position-unknown"},
	{"wrong tones wait", EDU, "Giao viên", WAIT, "position-unknown"},
	{"a digit for a letter waits", EDU, "Giáo viên Hi3u trưởng", WAIT, "position-unknown"},
	{"joined words wait", EDU, "Hiệutrưởng", WAIT, "position-unknown"},
	{"other scripts wait", EDU, "教师", WAIT, "position-unknown"},
	{"bytes that are not UTF-8 wait", EDU, "Gi\xE1o vi\xEAn", WAIT, "position-unknown"},

	/* the tricks of Unicode permit nothing */
	{"zero width in a permitted title waits", EDU, "Giáo\u200B viên", WAIT, "position-unknown"},
	{"full width in a permitted title waits", EDU, "\uFF27iáo viên", WAIT, "position-unknown"},
	{"a Cyrillic letter in a permitted title waits", EDU, "Gi\u0430o vi\u0435n", WAIT,
		"position-unknown"},
	{"eth for đ in a permitted title waits", HEALTH, "\u00D0iều dưỡng", WAIT,
		"position-unknown"},
	{"zero width hides no headmaster", EDU, "Hiệ\u200Bu trư\u200Dởng", DENY, "authority"},
	{"a soft hyphen hides no headmaster", EDU, "Hiệu trư\u00ADởng", DENY, "authority"},
	{"full width hides no headmaster", EDU,
		"\uFF28\uFF29\uFF25\uFF35 \uFF34\uFF32\uFF35\uFF2F\uFF2E\uFF27", DENY, "authority"},
	{"Cyrillic letters hide no headmaster", EDU, "\u041Di\u0435u tru\u043Eng", DENY,
		"authority"},
	{"Greek letters hide no headmaster", EDU, "\u0397ieu tru\u03BFng", DENY, "authority"},
	{"eth hides no director", HEALTH, "Giám \u00D0ốc", DENY, "authority"},
	{"odd spaces hide no headmaster", EDU, "Hiệu\u2003trưởng", DENY, "authority"},
	{"zero width hides no kiêm", EDU, "Giáo viên ki\u200Bêm kế toán", DENY, "finance-position"},
	{"a full-width comma hides no accountant", EDU, "Giáo viên\uFF0Ckế toán", DENY,
		"finance-position"},
	{"a byte order mark hides no accountant", EDU, "\uFEFFKế toán", DENY, "finance-position"},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static char json[256 * 1024];
static struct policy *policy;

static const struct policy_client general = {.profile = "general"};
static const struct policy_client finance = {.profile = "finance", .sector = "education"};

static struct policy_decision decide(enum policy_stage stage, const struct policy_subject *subject,
	const struct policy_client *client)
{
	struct policy_decision decision;

	policy_decide(policy, stage, subject, client, NULL, &decision);
	assert_int_equal(decision.version, 7);
	assert_true(strlen(decision.reason_vi) > 0 && strlen(decision.reason_en) > 0);
	if (decision.effect != POLICY_PERMIT)
		assert_true(
			strlen(decision.alternative_vi) > 0 && strlen(decision.alternative_en) > 0);
	return decision;
}

static void expect(const struct policy_subject *subject, const struct policy_client *client,
	unsigned stages, enum policy_effect effect, const char *by)
{
	for (int stage = POLICY_ENROL; stage <= POLICY_SIGN; stage++) {
		if ((stages & 1u << stage) == 0)
			continue;
		struct policy_decision decision = decide((enum policy_stage)stage, subject, client);
		assert_string_equal(decision.rule, by);
		assert_int_equal(decision.effect, effect);
	}
}

#define EARLY (1u << POLICY_ENROL | 1u << POLICY_ACTIVATE)
#define LATE (1u << POLICY_AUTHORIZE | 1u << POLICY_SIGN)

static void test_row(void **state)
{
	const struct row *row = *state;
	struct policy_subject subject = {
		.kind = "person", .sector = row->sector, .position = row->position};

	expect(&subject, NULL, EARLY, row->effect, row->by);
	expect(&subject, &general, EARLY | LATE, row->effect, row->by);
}

static const struct policy_subject teacher = {
	.kind = "person", .sector = "education", .position = "Giáo viên"};

static void organisations_and_devices_are_refused(void **state)
{
	struct policy_subject subject = teacher;
	const char *const kinds[] = {"organisation", "device", "Person", "", NULL};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		subject.kind = kinds[i];
		expect(&subject, &general, EARLY | LATE, POLICY_DENY, "not-a-person");
	}
	assert_null(strstr(
		decide(POLICY_ENROL, &subject, NULL).alternative_vi, "USB Token hoặc SIM PKI"));
}

static void a_budget_code_is_refused(void **state)
{
	struct policy_subject subject = teacher;

	(void)state;
	subject.budget_code = "0000001";
	expect(&subject, &general, EARLY | LATE, POLICY_DENY, "finance-budget-code");
	subject.budget_code = "";
	expect(&subject, &general, EARLY | LATE, POLICY_PERMIT, "permitted");
}

static void a_client_of_finance_is_refused_whoever_signs(void **state)
{
	struct policy_subject nurse = {
		.kind = "person", .sector = "health", .position = "Điều dưỡng"};

	(void)state;
	expect(&teacher, &finance, LATE, POLICY_DENY, "finance-client");
	expect(&nurse, &finance, LATE, POLICY_DENY, "finance-client");
}

static void a_client_of_an_unknown_profile_is_refused(void **state)
{
	struct policy_client client = {.profile = "generous"};

	(void)state;
	expect(&teacher, &client, EARLY | LATE, POLICY_DENY, "default");
	client.profile = NULL;
	expect(&teacher, &client, EARLY | LATE, POLICY_DENY, "default");
}

static void a_disabled_subscriber_is_refused(void **state)
{
	struct policy_subject subject = teacher;

	(void)state;
	subject.disabled = true;
	expect(&subject, &general, EARLY | LATE, POLICY_DENY, "disabled");
}

static void without_a_client_nobody_authorises_or_signs(void **state)
{
	(void)state;
	expect(&teacher, NULL, LATE, POLICY_DENY, "internal");
}

static void an_incomplete_question_is_denied(void **state)
{
	struct policy_decision decision;

	(void)state;
	policy_decide(NULL, POLICY_SIGN, &teacher, &general, NULL, &decision);
	assert_int_equal(decision.effect, POLICY_DENY);
	assert_string_equal(decision.rule, "internal");
	assert_int_equal(decision.version, 0);
	policy_decide(policy, POLICY_SIGN, NULL, &general, NULL, &decision);
	assert_string_equal(decision.rule, "internal");
	policy_decide(policy, (enum policy_stage)4, &teacher, &general, NULL, &decision);
	assert_string_equal(decision.rule, "internal");
	policy_decide(policy, (enum policy_stage) - 1, &teacher, &general, NULL, &decision);
	assert_string_equal(decision.rule, "internal");
	assert_int_equal(decision.effect, POLICY_DENY);
}

static void zeroed_memory_denies(void **state)
{
	struct policy_decision decision;
	struct policy_subject nobody;

	(void)state;
	memset(&decision, 0, sizeof(decision));
	assert_int_equal(decision.effect, POLICY_DENY);
	memset(&nobody, 0, sizeof(nobody));
	expect(&nobody, &general, EARLY | LATE, POLICY_DENY, "not-a-person");
}

static void a_refusal_reads_as_sentences_in_the_language_asked_for(void **state)
{
	static const struct {
		const char *lang;
		const char *begins;
	} langs[] = {{"vi", "Chức vụ"}, {"vi-VN", "Chức vụ"}, {NULL, "Chức vụ"}, {"", "Chức vụ"},
		{"fr", "Chức vụ"}, {"enx", "Chức vụ"}, {"en", "The subscriber"},
		{"en-GB", "The subscriber"}, {"EN", "The subscriber"}};
	struct policy_subject subject = teacher;

	(void)state;
	subject.position = "Hiệu trưởng";
	struct policy_decision decision = decide(POLICY_SIGN, &subject, &general);
	for (size_t i = 0; i < sizeof(langs) / sizeof(langs[0]); i++) {
		struct buf out = BUF_INIT;
		const char *text;

		assert_int_equal(policy_decision_text(&decision, langs[i].lang, &out), RC_OK);
		assert_int_equal(buf_string(&out, &text), RC_OK);
		assert_ptr_equal(strstr(text, langs[i].begins), text);
		assert_non_null(strstr(text, "SIM PKI"));
		buf_free(&out);
	}
}

static void a_permit_reads_without_an_alternative(void **state)
{
	struct buf out = BUF_INIT;
	struct policy_decision decision = decide(POLICY_SIGN, &teacher, &general);

	(void)state;
	assert_int_equal(policy_decision_text(&decision, "en", &out), RC_OK);
	assert_true(out.len > 0 && out.data[out.len - 1] == '.');
	buf_free(&out);
}

static int load(void **state)
{
	struct buf why = BUF_INIT;
	FILE *file = fopen(SOURCE_DIR "/rsspd/policy/default.json", "rb");

	(void)state;
	assert_non_null(file);
	size_t len = fread(json, 1, sizeof(json), file);
	fclose(file);
	rc_t rc = policy_parse(&policy, json, len, 7, &why);
	if (rc != RC_OK)
		print_error("%s: %.*s\n", rc_name(rc), (int)why.len, (const char *)why.data);
	buf_free(&why);
	/* the policy must not lean on the text */
	memset(json, 'x', sizeof(json));
	return rc == RC_OK ? 0 : -1;
}

static int unload(void **state)
{
	(void)state;
	policy_free(&policy);
	assert_null(policy);
	return 0;
}

#define OTHERS 10

int main(void)
{
	struct CMUnitTest tests[OTHERS + ROWS] = {
		cmocka_unit_test(organisations_and_devices_are_refused),
		cmocka_unit_test(a_budget_code_is_refused),
		cmocka_unit_test(a_client_of_finance_is_refused_whoever_signs),
		cmocka_unit_test(a_client_of_an_unknown_profile_is_refused),
		cmocka_unit_test(a_disabled_subscriber_is_refused),
		cmocka_unit_test(without_a_client_nobody_authorises_or_signs),
		cmocka_unit_test(an_incomplete_question_is_denied),
		cmocka_unit_test(zeroed_memory_denies),
		cmocka_unit_test(a_refusal_reads_as_sentences_in_the_language_asked_for),
		cmocka_unit_test(a_permit_reads_without_an_alternative),
	};

	for (size_t i = 0; i < ROWS; i++)
		tests[OTHERS + i] = (struct CMUnitTest){.name = rows[i].rule,
			.test_func = test_row,
			.initial_state = (void *)(uintptr_t)&rows[i]};
	return cmocka_run_group_tests_name("policy", tests, load, unload);
}
