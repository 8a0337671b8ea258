#include "core/operate.h"

#include "base/log.h"
#include "core/policy_cache.h"

#include <stdio.h>
#include <string.h>

bool operate_text_fits(const char *text, size_t max)
{
	if (text == NULL || text[0] == 0 || strlen(text) > max)
		return false;
	for (const char *c = text; *c != 0; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return false;
	}
	return true;
}

/* ---- audit details ---- */

static rc_t json_put(struct buf *out, const char *text)
{
	rc_t rc = buf_append(out, "\"", 1);

	for (const char *c = text; rc == RC_OK && *c != 0; c++) {
		if (*c == '"' || *c == '\\')
			rc = buf_printf(out, "\\%c", *c);
		else if ((unsigned char)*c < ' ')
			rc = buf_printf(out, "\\u%04x", (unsigned)*c);
		else
			rc = buf_append(out, c, 1);
	}
	return rc == RC_OK ? buf_append(out, "\"", 1) : rc;
}

void operate_detail(struct audit_row *row, const char *key, const char *value)
{
	size_t used = strlen(row->detail);
	struct buf member = BUF_INIT;
	rc_t rc = buf_append_string(&member, used == 0 ? "{" : ",");

	if (used > 0)
		used--; /* the closing brace */
	if (rc == RC_OK)
		rc = json_put(&member, key);
	if (rc == RC_OK)
		rc = buf_append_string(&member, ":");
	if (rc == RC_OK)
		rc = json_put(&member, value == NULL ? "" : value);
	if (rc == RC_OK)
		rc = buf_append(&member, "}", sizeof("}"));
	if (rc == RC_OK && used + member.len <= sizeof(row->detail))
		memcpy(row->detail + used, member.data, member.len);
	else
		log_warning("audit: a detail was left out key=%s", key);
	buf_free(&member);
}

void operate_detail_id(struct audit_row *row, const char *key, const struct id *value)
{
	char text[ID_TEXT];

	id_format(value, text);
	operate_detail(row, key, text);
}

/* ---- answers ---- */

void operate_view(struct decision_view *view, const struct policy_decision *decision)
{
	*view = (struct decision_view){
		.effect = policy_effect_name(decision->effect),
		.rule = decision->rule,
		.policy_version = decision->version,
		.reason_vi = decision->reason_vi,
		.reason_en = decision->reason_en,
		.alternative_vi = decision->alternative_vi,
		.alternative_en = decision->alternative_en,
	};
}

void operate_name_rule(struct call *call, const struct policy_decision *decision)
{
	snprintf(call->rule, sizeof(call->rule), "%s", decision->rule);
	call->policy_version = decision->version;
}

struct fault operate_fault(rc_t rc, const char *text)
{
	return (struct fault){.rc = rc, .text = text};
}

rc_t operate_outcome(struct call *call, rc_t rc, const struct pg_rows *rows, rc_t none)
{
	return core_outcome(call, rc == RC_DUPLICATE ? RC_CONFLICT : rc, rows, none);
}

/* ---- the policy ---- */

static void policy_answer(struct operate_policy *ask, rc_t rc)
{
	const struct policy *policy = core_policy_at(ask->core, ask->version);

	if (policy == NULL)
		policy = core_policy_newest(ask->core);
	if (rc == RC_OK && (policy == NULL || policy_version(policy) < ask->version))
		rc = RC_UNAVAILABLE;
	ask->fn(ask->arg, rc, rc == RC_OK ? policy : NULL);
}

static void policy_on_read(void *arg, rc_t rc)
{
	policy_answer(arg, rc);
}

static void policy_at_once(void *arg)
{
	policy_answer(arg, RC_OK);
}

void operate_policy(struct operate_policy *ask, struct core *core, int64_t version,
	operate_policy_fn fn, void *arg)
{
	*ask = (struct operate_policy){core, fn, arg, version};
	if (core_policy_at(core, version) != NULL)
		core_defer(core, policy_at_once, ask);
	else
		core_policy_read(core, policy_on_read, ask);
}
