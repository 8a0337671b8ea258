#include "policy/rules.h"

#include <string.h>

enum fact_type { FACT_WORD, FACT_POSITION, FACT_SIGNATURES };

#define FACT_VALUES 6

struct fact {
	const char *name;
	enum fact_type type;
	size_t offset; /* of a word in struct facts */
	/* the values it can have; none listed: any word */
	const char *values[FACT_VALUES];
	/* the only ones a permitting rule may list; none here: any */
	const char *permits[FACT_VALUES];
	bool guarded; /* a permitting rule must list values of it */
};

#define WORD(member) FACT_WORD, offsetof(struct facts, member)

/* The closed table of conditions. The column `permits` keeps the three exclusions (authority,
 * finance, other sectors) out of reach of a mistake in the rules. */
static const struct fact fact_table[] = {
	{"subject_kind", WORD(kind), {"person", "organisation", "device"}, {"person"}, true},
	{"subject_state", WORD(state), {"enabled", "disabled"}, {"enabled"}, true},
	{"sector", WORD(sector), {0}, {0}, true},
	{"budget_code", WORD(budget_code), {"absent", "present"}, {"absent"}, true},
	{"client_profile", WORD(client_profile), {"none", "general", "finance"},
		{"none", "general"}, true},
	{"client_sector", WORD(client_sector), {0}, {0}, false},
	{"position", FACT_POSITION, 0, {0}, {"permitted"}, true},
	{"signatures_over", FACT_SIGNATURES, 0, {0}, {0}, false},
};

static const char *text_or_empty(const char *text)
{
	return text == NULL ? "" : text;
}

void facts_read(struct facts *facts, const struct policy *policy,
	const struct policy_subject *subject, const struct policy_client *client,
	const struct policy_transaction *transaction)
{
	*facts = (struct facts){
		.kind = text_or_empty(subject->kind),
		.state = subject->disabled ? "disabled" : "enabled",
		.sector = text_or_empty(subject->sector),
		.budget_code =
			text_or_empty(subject->budget_code)[0] == '\0' ? "absent" : "present",
		.client_profile = client == NULL ? "none" : text_or_empty(client->profile),
		.client_sector = client == NULL ? "" : text_or_empty(client->sector),
		.signatures = transaction == NULL ? 0 : transaction->signatures,
	};
	facts->position = title_lists_judge(policy->lists, facts->sector, subject->position);
}

static bool listed(const char *const values[FACT_VALUES], const char *value)
{
	for (size_t i = 0; i < FACT_VALUES && values[i] != NULL; i++)
		if (strcmp(values[i], value) == 0)
			return true;
	return false;
}

static bool value_is(const struct fact *fact, const char *value, const struct facts *facts,
	const struct title_lists *lists)
{
	const char *word;

	if (fact->type == FACT_POSITION)
		return (facts->position & title_lists_bit(lists, value)) != 0;
	memcpy(&word, (const char *)facts + fact->offset, sizeof(word));
	return strcmp(word, value) == 0;
}

bool condition_holds(const struct condition *condition, const struct facts *facts,
	const struct title_lists *lists)
{
	bool found = false;

	if (condition->fact->type == FACT_SIGNATURES)
		return facts->signatures > (uint64_t)json_integer_value(condition->values);
	for (size_t i = 0; !found && i < json_array_size(condition->values); i++)
		found = value_is(condition->fact,
			json_string_value(json_array_get(condition->values, i)), facts, lists);
	return found != condition->negated;
}

const struct fact *fact_find(const char *member, bool *negated)
{
	for (size_t i = 0; i < sizeof(fact_table) / sizeof(fact_table[0]); i++) {
		const struct fact *fact = &fact_table[i];
		size_t len = strlen(fact->name);
		if (strncmp(member, fact->name, len) != 0)
			continue;
		*negated = fact->type != FACT_SIGNATURES && strcmp(member + len, "_not") == 0;
		if (member[len] == '\0' || *negated)
			return fact;
	}
	return NULL;
}

static bool value_valid(const struct fact *fact, const char *value, const struct title_lists *lists)
{
	if (value == NULL)
		return false;
	if (fact->type == FACT_POSITION)
		return title_lists_bit(lists, value) != 0;
	return fact->values[0] == NULL || listed(fact->values, value);
}

bool fact_values_valid(
	const struct fact *fact, const json_t *values, const struct title_lists *lists)
{
	if (fact->type == FACT_SIGNATURES)
		return json_is_integer(values) && json_integer_value(values) >= 0;
	if (!json_is_array(values) || json_array_size(values) == 0)
		return false;
	for (size_t i = 0; i < json_array_size(values); i++)
		if (!value_valid(fact, json_string_value(json_array_get(values, i)), lists))
			return false;
	return true;
}

static bool guards(const struct condition *condition, const struct fact *fact)
{
	if (condition->fact != fact || condition->negated)
		return false;
	for (size_t i = 0; i < json_array_size(condition->values); i++)
		if (fact->permits[0] != NULL &&
			!listed(fact->permits,
				json_string_value(json_array_get(condition->values, i))))
			return false;
	return true;
}

const char *fact_unguarded(const struct rule *rule)
{
	for (size_t i = 0; i < sizeof(fact_table) / sizeof(fact_table[0]); i++) {
		bool guarded = !fact_table[i].guarded;
		for (size_t k = 0; !guarded && k < rule->condition_count; k++)
			guarded = guards(&rule->conditions[k], &fact_table[i]);
		if (!guarded)
			return fact_table[i].name;
	}
	return NULL;
}
