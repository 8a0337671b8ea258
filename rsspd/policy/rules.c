#include "policy/rules.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RULES 64
#define FORMAT_VERSION 1

static const char *const stage_names[POLICY_STAGES] = {"enrol", "activate", "authorize", "sign"};
static const char *const effect_names[] = {"deny", "wait", "permit"};

const char *policy_effect_name(enum policy_effect effect)
{
	return (unsigned)effect <= POLICY_PERMIT ? effect_names[effect] : effect_names[POLICY_DENY];
}

rc_t policy_fault(struct buf *why, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	rc_t rc = buf_append_string(why, text);
	return rc == RC_OK ? RC_CONFIG : rc;
}

/* The position of name among count names, or count. */
static size_t name_index(const char *const names[], size_t count, const char *name)
{
	size_t i = 0;

	while (i < count && (name == NULL || strcmp(names[i], name) != 0))
		i++;
	return i;
}

/* Exactly these members, so that a misspelt one is not silently without effect. */
static rc_t members_check(const json_t *object, const char *const names[], size_t count,
	const char *where, struct buf *why)
{
	const char *member;
	json_t *value;

	if (!json_is_object(object))
		return policy_fault(why, "%s: not an object", where);
	/* jansson's iterator takes no const; nothing is changed */
	json_object_foreach((json_t *)(uintptr_t)object, member, value)
	{
		if (name_index(names, count, member) == count)
			return policy_fault(why, "%s: unknown member \"%s\"", where, member);
	}
	for (size_t i = 0; i < count; i++)
		if (json_object_get(object, names[i]) == NULL)
			return policy_fault(why, "%s: member \"%s\" is missing", where, names[i]);
	return RC_OK;
}

static rc_t stages_load(unsigned *stages, const json_t *names, const char *where, struct buf *why)
{
	if (!json_is_array(names) || json_array_size(names) == 0)
		return policy_fault(why, "%s: stages is not an array of stages", where);
	for (size_t i = 0; i < json_array_size(names); i++) {
		size_t stage = name_index(
			stage_names, POLICY_STAGES, json_string_value(json_array_get(names, i)));
		if (stage == POLICY_STAGES)
			return policy_fault(why,
				"%s: a stage is none of enrol, activate, authorize, sign", where);
		*stages |= 1u << stage;
	}
	return RC_OK;
}

static rc_t conditions_load(struct rule *rule, const json_t *when, const struct title_lists *lists,
	const char *where, struct buf *why)
{
	const char *member;
	json_t *values;

	if (!json_is_object(when) || json_object_size(when) == 0 ||
		json_object_size(when) > RULE_CONDITIONS)
		return policy_fault(why, "%s: when is not an object of 1 to %d conditions", where,
			RULE_CONDITIONS);
	json_object_foreach((json_t *)(uintptr_t)when, member, values)
	{
		struct condition condition = {.values = values};
		condition.fact = fact_find(member, &condition.negated);
		if (condition.fact == NULL)
			return policy_fault(why, "%s: unknown condition \"%s\"", where, member);
		if (!fact_values_valid(condition.fact, values, lists))
			return policy_fault(why,
				"%s: condition \"%s\" has no, or an unknown, value", where, member);
		rule->conditions[rule->condition_count++] = condition;
	}
	return RC_OK;
}

static rc_t text_load(const char **vi, const char **en, const json_t *rule, const char *member,
	const char *where, struct buf *why)
{
	static const char *const languages[] = {"vi", "en"};
	const json_t *texts = json_object_get(rule, member);
	rc_t rc = members_check(texts, languages, 2, where, why);

	if (rc != RC_OK)
		return rc;
	*vi = json_string_value(json_object_get(texts, "vi"));
	*en = json_string_value(json_object_get(texts, "en"));
	if (*vi == NULL || *en == NULL || **vi == '\0' || **en == '\0')
		return policy_fault(why, "%s: %s needs a text in both languages", where, member);
	return RC_OK;
}

/* There is nothing to explain, nor to do instead, where signing is permitted. */
static rc_t texts_load(struct rule *rule, const json_t *json, const char *where, struct buf *why)
{
	rc_t rc = text_load(&rule->reason_vi, &rule->reason_en, json, "reason", where, why);

	rule->alternative_vi = rule->alternative_en = "";
	if (rc == RC_OK && rule->effect != POLICY_PERMIT)
		rc = text_load(&rule->alternative_vi, &rule->alternative_en, json, "alternative",
			where, why);
	return rc;
}

static rc_t permit_check(const struct rule *rule, const char *where, struct buf *why)
{
	const char *unguarded = rule->effect == POLICY_PERMIT ? fact_unguarded(rule) : NULL;

	if (unguarded == NULL)
		return RC_OK;
	return policy_fault(why,
		"%s: a rule that permits must ask for \"%s\", and only for values "
		"that the law permits",
		where, unguarded);
}

static rc_t id_load(struct policy *policy, const json_t *json, struct buf *why)
{
	struct rule *rule = &policy->rules[policy->rule_count];

	rule->id = json_string_value(json_object_get(json, "id"));
	if (rule->id == NULL || rule->id[0] == '\0' || strlen(rule->id) > 60)
		return policy_fault(
			why, "rule %zu: id is not a short text", policy->rule_count + 1);
	if (strcmp(rule->id, "default") == 0 || strcmp(rule->id, "internal") == 0)
		return policy_fault(why, "rule %s: this id is kept for rsspd itself", rule->id);
	for (size_t i = 0; i < policy->rule_count; i++)
		if (strcmp(policy->rules[i].id, rule->id) == 0)
			return policy_fault(why, "rule %s: two rules have this id", rule->id);
	return RC_OK;
}

static rc_t rule_load(struct policy *policy, const json_t *json, struct buf *why)
{
	static const char *const members[] = {
		"id", "stages", "when", "effect", "reason", "alternative"};
	struct rule *rule = &policy->rules[policy->rule_count];
	char where[80];

	rc_t rc = id_load(policy, json, why);
	if (rc != RC_OK)
		return rc;
	snprintf(where, sizeof(where), "rule %s", rule->id);
	size_t effect =
		name_index(effect_names, 3, json_string_value(json_object_get(json, "effect")));
	if (effect == 3)
		return policy_fault(why, "%s: effect is none of deny, wait, permit", where);
	rule->effect = (enum policy_effect)effect;

	rc = members_check(json, members, effect == POLICY_PERMIT ? 5 : 6, where, why);
	if (rc == RC_OK)
		rc = stages_load(&rule->stages, json_object_get(json, "stages"), where, why);
	if (rc == RC_OK)
		rc = conditions_load(
			rule, json_object_get(json, "when"), policy->lists, where, why);
	if (rc == RC_OK)
		rc = texts_load(rule, json, where, why);
	if (rc == RC_OK)
		rc = permit_check(rule, where, why);
	if (rc == RC_OK)
		policy->rule_count++;
	return rc;
}

static rc_t rules_load(struct policy *policy, const json_t *rules, struct buf *why)
{
	size_t count = json_array_size(rules);

	if (!json_is_array(rules) || count == 0 || count > RULES)
		return policy_fault(why, "rules: not an array of 1 to %d rules", RULES);
	policy->rules = calloc(count, sizeof(*policy->rules));
	if (policy->rules == NULL)
		return RC_NO_MEMORY;
	for (size_t i = 0; i < count; i++) {
		rc_t rc = rule_load(policy, json_array_get(rules, i), why);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

static rc_t document_load(struct policy *policy, struct buf *why)
{
	static const char *const members[] = {"format", "excluded", "permitted", "rules"};
	const json_t *document = policy->document;
	const json_t *format = json_object_get(document, "format");

	rc_t rc = members_check(document, members, 4, "policy", why);
	if (rc != RC_OK)
		return rc;
	if (!json_is_integer(format) || json_integer_value(format) != FORMAT_VERSION)
		return policy_fault(why, "format: not %d", FORMAT_VERSION);
	rc = title_lists_load(&policy->lists, json_object_get(document, "excluded"),
		json_object_get(document, "permitted"), why);
	if (rc == RC_OK)
		rc = rules_load(policy, json_object_get(document, "rules"), why);
	return rc;
}

rc_t policy_parse(
	struct policy **out, const char *json, size_t len, int64_t version, struct buf *why)
{
	json_error_t error;
	rc_t rc = RC_NO_MEMORY;

	buf_clear(why);
	struct policy *policy = calloc(1, sizeof(*policy));
	if (policy == NULL)
		goto out;
	policy->version = version;
	policy->document = json_loadb(json, len, JSON_REJECT_DUPLICATES, &error);
	if (policy->document == NULL) {
		if (json_error_code(&error) != json_error_out_of_memory)
			rc = policy_fault(why, "line %d: not JSON: %.160s", error.line, error.text);
		goto out;
	}
	rc = document_load(policy, why);
	if (rc != RC_OK)
		goto out;
	*out = policy;
	policy = NULL;
out:
	policy_free(&policy);
	return rc;
}

void policy_free(struct policy **policy)
{
	if (*policy == NULL)
		return;
	title_lists_free(&(*policy)->lists);
	json_decref((*policy)->document);
	free((*policy)->rules);
	free(*policy);
	*policy = NULL;
}

int64_t policy_version(const struct policy *policy)
{
	return policy == NULL ? 0 : policy->version;
}
