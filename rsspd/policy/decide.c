#include "policy/rules.h"

#include <strings.h>
#include <string.h>

#define OTHER_WAY_VI "Hãy ký bằng USB Token hoặc SIM PKI (SIM PKI chỉ cấp cho cá nhân)."
#define OTHER_WAY_EN "Sign with a USB token or SIM PKI (SIM PKI is for individuals only)."

static const struct policy_decision by_default = {
	.effect = POLICY_DENY,
	.rule = "default",
	.reason_vi = "Không có quy định nào cho phép thuê bao này ký số tập trung.",
	.reason_en = "No rule permits this subscriber to sign centrally.",
	.alternative_vi = OTHER_WAY_VI,
	.alternative_en = OTHER_WAY_EN,
};

static const struct policy_decision internal = {
	.effect = POLICY_DENY,
	.rule = "internal",
	.reason_vi = "Chưa xác định được quyền ký số tập trung của thuê bao do lỗi của hệ thống.",
	.reason_en = "The service could not determine whether this subscriber may sign centrally.",
	.alternative_vi = "Hãy báo cho đơn vị vận hành hệ thống.",
	.alternative_en = "Tell the operators of the service.",
};

static bool rule_applies(
	const struct rule *rule, const struct facts *facts, const struct title_lists *lists)
{
	if ((rule->stages & 1u << facts->stage) == 0)
		return false;
	for (size_t i = 0; i < rule->condition_count; i++)
		if (!condition_holds(&rule->conditions[i], facts, lists))
			return false;
	return true;
}

/* Of the rules that apply, the first one with the severest effect; NULL if none applies. */
static const struct rule *rule_find(const struct policy *policy, const struct facts *facts)
{
	const struct rule *found = NULL;

	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct rule *rule = &policy->rules[i];
		if ((found == NULL || rule->effect < found->effect) &&
			rule_applies(rule, facts, policy->lists))
			found = rule;
	}
	return found;
}

static bool question_is_whole(const struct policy *policy, enum policy_stage stage,
	const struct policy_subject *subject, const struct policy_client *client)
{
	if (policy == NULL || subject == NULL || (unsigned)stage >= POLICY_STAGES)
		return false;
	return client != NULL || (stage != POLICY_AUTHORIZE && stage != POLICY_SIGN);
}

void policy_decide(const struct policy *policy, enum policy_stage stage,
	const struct policy_subject *subject, const struct policy_client *client,
	const struct policy_transaction *transaction, struct policy_decision *out)
{
	struct facts facts;

	*out = internal;
	out->version = policy_version(policy);
	if (!question_is_whole(policy, stage, subject, client))
		return;
	facts_read(&facts, policy, subject, client, transaction);
	facts.stage = stage;

	const struct rule *rule = rule_find(policy, &facts);
	if (rule == NULL) {
		*out = by_default;
		out->version = policy->version;
		return;
	}
	*out = (struct policy_decision){
		.effect = rule->effect,
		.rule = rule->id,
		.version = policy->version,
		.reason_vi = rule->reason_vi,
		.reason_en = rule->reason_en,
		.alternative_vi = rule->alternative_vi,
		.alternative_en = rule->alternative_en,
	};
}

rc_t policy_decision_text(const struct policy_decision *decision, const char *lang, struct buf *out)
{
	bool english = lang != NULL && strncasecmp(lang, "en", 2) == 0 &&
		       (lang[2] == '\0' || lang[2] == '-');
	const char *alternative = english ? decision->alternative_en : decision->alternative_vi;

	rc_t rc = buf_append_string(out, english ? decision->reason_en : decision->reason_vi);
	if (rc == RC_OK && alternative[0] != '\0')
		rc = buf_append_string(out, " ");
	if (rc == RC_OK)
		rc = buf_append_string(out, alternative);
	return rc;
}
