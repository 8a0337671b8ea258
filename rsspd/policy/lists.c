#include "policy/lists.h"

#include "policy/rules.h"
#include "policy/titles.h"

#include <stdlib.h>
#include <string.h>

#define SECTORS 16

struct strings {
	char **items; /* owned */
	size_t count;
};

struct excluded {
	const char *id;		/* borrowed from the document */
	struct strings leading; /* words that may stand before: "quyền" */
	struct strings start;	/* the part is this, or begins with it and a space */
	struct strings exact;	/* the part is this */
};

struct permitted {
	const char *sector; /* borrowed from the document */
	struct strings exact;
	struct strings toneless;
};

struct title_lists {
	struct excluded excluded[EXCLUDED_LISTS];
	size_t excluded_count;
	struct permitted permitted[SECTORS];
	size_t permitted_count;
};

static void strings_free(struct strings *strings)
{
	for (size_t i = 0; i < strings->count; i++)
		free(strings->items[i]);
	free(strings->items);
	*strings = (struct strings){0};
}

/* One title of the document: a single part, not empty. */
static rc_t strings_add(struct strings *strings, enum title_form form, const json_t *title,
	const char *where, struct buf *why)
{
	char text[TITLE_TEXT];

	if (!json_is_string(title))
		return policy_fault(why, "%s: a title is not a string", where);
	if (!title_normalise(text, form, json_string_value(title)) || text[0] == '\0' ||
		strchr(text, '\n') != NULL)
		return policy_fault(why, "%s: \"%s\" is not one title: empty, too long, or divided",
			where, json_string_value(title));
	strings->items[strings->count] = strdup(text);
	if (strings->items[strings->count] == NULL)
		return RC_NO_MEMORY;
	strings->count++;
	return RC_OK;
}

static rc_t strings_load(struct strings *strings, enum title_form form, const json_t *titles,
	const char *where, struct buf *why)
{
	if (!json_is_array(titles))
		return policy_fault(why, "%s: not an array", where);
	strings->items = calloc(json_array_size(titles) + 1, sizeof(*strings->items));
	if (strings->items == NULL)
		return RC_NO_MEMORY;
	for (size_t i = 0; i < json_array_size(titles); i++) {
		rc_t rc = strings_add(strings, form, json_array_get(titles, i), where, why);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

static bool strings_have(const struct strings *strings, const char *text, size_t len)
{
	for (size_t i = 0; i < strings->count; i++)
		if (strncmp(strings->items[i], text, len) == 0 && strings->items[i][len] == '\0')
			return true;
	return false;
}

/* The length of an item that text begins with as whole words; 0 if there is none. */
static size_t strings_lead(const struct strings *strings, const char *text, size_t len)
{
	for (size_t i = 0; i < strings->count; i++) {
		size_t size = strlen(strings->items[i]);
		if (size <= len && memcmp(strings->items[i], text, size) == 0 &&
			(size == len || text[size] == ' '))
			return size;
	}
	return 0;
}

/* With every number of its leading words taken away, the whole part first. */
static bool excluded_has(const struct excluded *list, const char *part, size_t len)
{
	for (;;) {
		if (strings_have(&list->exact, part, len) ||
			strings_lead(&list->start, part, len) > 0)
			return true;
		size_t lead = strings_lead(&list->leading, part, len);
		if (lead == 0 || lead == len)
			return false;
		part += lead + 1;
		len -= lead + 1;
	}
}

static uint32_t excluded_bits(const struct title_lists *lists, const char *position)
{
	char text[TITLE_TEXT];
	uint32_t bits = 0;

	if (!title_normalise(text, TITLE_BARE, position))
		return 0;
	for (const char *part = text; part != NULL;) {
		size_t len = strcspn(part, "\n");
		for (size_t i = 0; i < lists->excluded_count; i++)
			if (excluded_has(&lists->excluded[i], part, len))
				bits |= POSITION_EXCLUDED(i);
		part = part[len] == '\n' ? part + len + 1 : NULL;
	}
	return bits;
}

static const struct permitted *permitted_find(const struct title_lists *lists, const char *sector)
{
	for (size_t i = 0; i < lists->permitted_count; i++)
		if (strcmp(lists->permitted[i].sector, sector) == 0)
			return &lists->permitted[i];
	return NULL;
}

static bool is_ascii(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] >= 0x80)
			return false;
	return true;
}

static uint32_t permitted_bits(
	const struct title_lists *lists, const char *sector, const char *position)
{
	const struct permitted *list = permitted_find(lists, sector);
	char text[TITLE_TEXT];

	if (!title_normalise(text, TITLE_EXACT, position))
		return POSITION_UNKNOWN;
	if (text[0] == '\0')
		return POSITION_EMPTY;
	if (list == NULL)
		return POSITION_UNKNOWN;
	for (const char *part = text; part != NULL;) {
		size_t len = strcspn(part, "\n");
		if (!strings_have(&list->exact, part, len) &&
			!(is_ascii(part, len) && strings_have(&list->toneless, part, len)))
			return POSITION_UNKNOWN;
		part = part[len] == '\n' ? part + len + 1 : NULL;
	}
	return POSITION_PERMITTED;
}

uint32_t title_lists_judge(
	const struct title_lists *lists, const char *sector, const char *position)
{
	uint32_t excluded = excluded_bits(lists, position);

	return excluded != 0 ? excluded : permitted_bits(lists, sector, position);
}

uint32_t title_lists_bit(const struct title_lists *lists, const char *name)
{
	static const struct {
		const char *name;
		uint32_t bit;
	} bits[] = {
		{"empty", POSITION_EMPTY},
		{"unknown", POSITION_UNKNOWN},
		{"permitted", POSITION_PERMITTED},
	};

	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		if (strcmp(bits[i].name, name) == 0)
			return bits[i].bit;
	for (size_t i = 0; i < lists->excluded_count; i++)
		if (strcmp(lists->excluded[i].id, name) == 0)
			return POSITION_EXCLUDED(i);
	return 0;
}

static rc_t excluded_load(struct title_lists *lists, const json_t *item, struct buf *why)
{
	struct excluded *list = &lists->excluded[lists->excluded_count];
	const char *id = json_string_value(json_object_get(item, "id"));

	if (id == NULL || id[0] == '\0' || json_object_size(item) != 4)
		return policy_fault(why,
			"excluded: a list needs id, leading, start and exact, and nothing else");
	if (title_lists_bit(lists, id) != 0)
		return policy_fault(why, "excluded: the name \"%s\" is taken", id);
	list->id = id;
	lists->excluded_count++;

	struct {
		const char *name;
		struct strings *strings;
	} members[] = {
		{"leading", &list->leading}, {"start", &list->start}, {"exact", &list->exact}};
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		char where[64];
		snprintf(where, sizeof(where), "excluded %.30s: %s", id, members[i].name);
		rc_t rc = strings_load(members[i].strings, TITLE_BARE,
			json_object_get(item, members[i].name), where, why);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

/* A title that excludes must not permit, whatever the other lists say. */
static rc_t permitted_check(
	const struct title_lists *lists, const json_t *titles, const char *where, struct buf *why)
{
	for (size_t i = 0; i < json_array_size(titles); i++) {
		const char *title = json_string_value(json_array_get(titles, i));
		if (excluded_bits(lists, title) != 0)
			return policy_fault(why, "%s: \"%s\" is an excluded title", where, title);
	}
	return RC_OK;
}

static rc_t permitted_load(
	struct title_lists *lists, const char *sector, const json_t *titles, struct buf *why)
{
	struct permitted *list = &lists->permitted[lists->permitted_count];
	char where[64];

	if (lists->permitted_count == SECTORS)
		return policy_fault(why, "permitted: more than %d sectors", SECTORS);
	if (sector[0] == '\0')
		return policy_fault(why, "permitted: a sector without a name");
	list->sector = sector;
	lists->permitted_count++;
	snprintf(where, sizeof(where), "permitted %.40s", sector);

	rc_t rc = strings_load(&list->exact, TITLE_EXACT, titles, where, why);
	if (rc == RC_OK)
		rc = strings_load(&list->toneless, TITLE_TONELESS, titles, where, why);
	if (rc == RC_OK)
		rc = permitted_check(lists, titles, where, why);
	return rc;
}

rc_t title_lists_load(
	struct title_lists **out, const json_t *excluded, const json_t *permitted, struct buf *why)
{
	rc_t rc = RC_OK;
	const char *sector;
	json_t *titles;

	if (!json_is_array(excluded) || json_array_size(excluded) > EXCLUDED_LISTS)
		return policy_fault(why, "excluded: not an array of at most %d", EXCLUDED_LISTS);
	if (!json_is_object(permitted))
		return policy_fault(why, "permitted: not an object");

	struct title_lists *lists = calloc(1, sizeof(*lists));
	if (lists == NULL)
		return RC_NO_MEMORY;
	for (size_t i = 0; rc == RC_OK && i < json_array_size(excluded); i++)
		rc = excluded_load(lists, json_array_get(excluded, i), why);
	/* jansson's iterator takes no const; nothing is changed */
	json_object_foreach((json_t *)(uintptr_t)permitted, sector, titles)
	{
		if (rc == RC_OK)
			rc = permitted_load(lists, sector, titles, why);
	}
	if (rc == RC_OK)
		*out = lists;
	else
		title_lists_free(&lists);
	return rc;
}

void title_lists_free(struct title_lists **lists)
{
	if (*lists == NULL)
		return;
	for (size_t i = 0; i < (*lists)->excluded_count; i++) {
		strings_free(&(*lists)->excluded[i].leading);
		strings_free(&(*lists)->excluded[i].start);
		strings_free(&(*lists)->excluded[i].exact);
	}
	for (size_t i = 0; i < (*lists)->permitted_count; i++) {
		strings_free(&(*lists)->permitted[i].exact);
		strings_free(&(*lists)->permitted[i].toneless);
	}
	free(*lists);
	*lists = NULL;
}
