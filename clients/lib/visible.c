#include "clients/lib/visible.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define VALUE_MAX 128
#define NAME_BYTES 64

/* Each member: how its value is read, and written. at: which path, or where in the options. */
struct member {
	const char *name;
	rc_t (*read)(struct visible *visible, size_t at, const char *value);
	void (*write)(const struct visible *visible, size_t at, char value[VALUE_MAX]);
	size_t at;
	double least, most; /* of a length, points */
};

static double *number_at(const struct visible *visible, size_t at)
{
	return (double *)((uintptr_t)&visible->options + at);
}

/* paths */

static rc_t read_path(struct visible *visible, size_t at, const char *value)
{
	char *copy = NULL;

	if (value[0] == 0 || strlen(value) > VISIBLE_PATH_MAX)
		return RC_RANGE;
	if (strcmp(value, "none") != 0) {
		copy = strdup(value);
		if (copy == NULL)
			return RC_NO_MEMORY;
	}
	free(visible->paths[at]);
	visible->paths[at] = copy;
	return RC_OK;
}

/* numbers: as people here write them, "20,5" is 20.5 too; no locale decides */

static const char *read_decimal(const char *at, double *number)
{
	double value = 0;
	double place = 1;
	const char *start = at;

	for (; *at >= '0' && *at <= '9'; at++)
		value = value * 10 + (*at - '0');
	if (at == start)
		return NULL;
	if ((*at == '.' || *at == ',') && at[1] >= '0' && at[1] <= '9') {
		for (at++; *at >= '0' && *at <= '9'; at++) {
			place /= 10;
			value += (*at - '0') * place;
		}
	}
	*number = value;
	return at;
}

static rc_t read_length(struct visible *visible, size_t at, const char *value)
{
	static const struct {
		const char *name;
		double points;
	} units[] = {
		{"", APPEARANCE_MM}, {"mm", APPEARANCE_MM}, {"cm", 10 * APPEARANCE_MM}, {"pt", 1}};
	double number = 0;

	const char *unit = strlen(value) < VALUE_MAX ? read_decimal(value, &number) : NULL;
	for (size_t i = 0; unit != NULL && i < COUNT(units); i++) {
		if (strcmp(unit, units[i].name) == 0) {
			*number_at(visible, at) = number * units[i].points;
			return RC_OK;
		}
	}
	return RC_RANGE;
}

/* Hundredths of a millimetre are what a printer can do. */
static void write_length(const struct visible *visible, size_t at, char value[VALUE_MAX])
{
	double length = *number_at(visible, at);

	if (length > 0)
		snprintf(value, VALUE_MAX, "%.10gmm", round(length / APPEARANCE_MM * 1000) / 1000);
}

/* 0 says something here. */
static void write_offset(const struct visible *visible, size_t at, char value[VALUE_MAX])
{
	snprintf(value, VALUE_MAX, "0mm");
	write_length(visible, at, value);
}

static rc_t read_size(struct visible *visible, size_t at, const char *value)
{
	double number = 0;

	const char *unit = strlen(value) < VALUE_MAX ? read_decimal(value, &number) : NULL;
	if (unit == NULL || (unit[0] != 0 && strcmp(unit, "pt") != 0))
		return RC_RANGE;
	*number_at(visible, at) = number;
	return RC_OK;
}

static void write_size(const struct visible *visible, size_t at, char value[VALUE_MAX])
{
	snprintf(value, VALUE_MAX, "%.10gpt", round(*number_at(visible, at) * 1000) / 1000);
}

/* words */

static rc_t read_page(struct visible *visible, size_t at, const char *value)
{
	double number = 1;

	(void)at;
	if (strcmp(value, "last") == 0) {
		visible->options.page = APPEARANCE_LAST_PAGE;
		return RC_OK;
	}
	if (strcmp(value, "first") != 0) {
		if (strspn(value, "0123456789") != strlen(value) || strlen(value) > 9 ||
			read_decimal(value, &number) == NULL)
			return RC_RANGE;
	}
	if (number < 1 || number > APPEARANCE_PAGE_MAX)
		return RC_RANGE;
	visible->options.page = (long)number;
	return RC_OK;
}

static void write_page(const struct visible *visible, size_t at, char value[VALUE_MAX])
{
	(void)at;
	if (visible->options.page == APPEARANCE_LAST_PAGE)
		snprintf(value, VALUE_MAX, "last");
	else if (visible->options.page == 1)
		snprintf(value, VALUE_MAX, "first");
	else
		snprintf(value, VALUE_MAX, "%ld", visible->options.page);
}

static const char *const corners[] = {
	[APPEARANCE_TOP_LEFT] = "top-left",
	[APPEARANCE_TOP_RIGHT] = "top-right",
	[APPEARANCE_BOTTOM_LEFT] = "bottom-left",
	[APPEARANCE_BOTTOM_RIGHT] = "bottom-right",
};

static rc_t read_corner(struct visible *visible, size_t at, const char *value)
{
	(void)at;
	for (size_t i = 0; i < COUNT(corners); i++) {
		if (strcmp(corners[i], value) == 0) {
			visible->options.corner = (enum appearance_corner)i;
			return RC_OK;
		}
	}
	return RC_RANGE;
}

static void write_corner(const struct visible *visible, size_t at, char value[VALUE_MAX])
{
	(void)at;
	snprintf(value, VALUE_MAX, "%s", corners[visible->options.corner]);
}

static const struct {
	const char *name;
	unsigned flag;
} shown[] = {
	{"name", APPEARANCE_NAME},
	{"email", APPEARANCE_EMAIL},
	{"agency", APPEARANCE_AGENCY},
	{"time", APPEARANCE_TIME},
	{"labels", APPEARANCE_LABELS},
	{"bold", APPEARANCE_BOLD},
};

static unsigned flag_of(const char *word, size_t len)
{
	for (size_t i = 0; i < COUNT(shown); i++) {
		if (strlen(shown[i].name) == len && strncmp(shown[i].name, word, len) == 0)
			return shown[i].flag;
	}
	return 0;
}

/* Words with a sign change what is there; the first one without a sign begins anew. */
static rc_t read_show(struct visible *visible, size_t at, const char *value)
{
	unsigned show = visible->options.show;
	bool anew = false;

	(void)at;
	if (strcmp(value, "none") == 0) {
		visible->options.show = 0;
		return RC_OK;
	}
	while (true) {
		size_t len = strcspn(value, ",");
		bool sign = value[0] == '+' || value[0] == '-';
		unsigned flag = flag_of(value + sign, len - (len > 0 ? sign : 0));
		if (flag == 0)
			return RC_RANGE;
		if (!sign && !anew)
			show = 0;
		anew = anew || !sign;
		show = value[0] == '-' ? show & ~flag : show | flag;
		if (value[len] == 0)
			break;
		value += len + 1;
	}
	visible->options.show = show;
	return RC_OK;
}

static void write_show(const struct visible *visible, size_t at, char value[VALUE_MAX])
{
	size_t len = 0;

	(void)at;
	snprintf(value, VALUE_MAX, "none");
	for (size_t i = 0; i < COUNT(shown); i++) {
		if ((visible->options.show & shown[i].flag) == 0)
			continue;
		snprintf(value + len, VALUE_MAX - len, "%s%s", len > 0 ? "," : "", shown[i].name);
		len = strlen(value);
	}
}

/* the table */

#define AT(field) offsetof(struct appearance_options, field)
#define OFFSET(name, field)                                                        \
	{                                                                          \
		name, read_length, write_offset, AT(field), 0, APPEARANCE_SIDE_MAX \
	}
#define SIDE(name, field)                                                        \
	{                                                                        \
		name, read_length, write_length, AT(field), APPEARANCE_SIDE_MIN, \
			APPEARANCE_SIDE_MAX                                      \
	}

static const struct member members[] = {
	{"picture", read_path, NULL, VISIBLE_PICTURE, 0, 0},
	{"seal", read_path, NULL, VISIBLE_SEAL, 0, 0},
	SIDE("seal-width", seal_width),
	{"show", read_show, write_show, 0, 0, 0},
	{"page", read_page, write_page, 0, 0, 0},
	{"corner", read_corner, write_corner, 0, 0, 0},
	OFFSET("x", x),
	OFFSET("y", y),
	SIDE("width", width),
	SIDE("height", height),
	{"font", read_path, NULL, VISIBLE_FONT, 0, 0},
	{"bold-font", read_path, NULL, VISIBLE_BOLD_FONT, 0, 0},
	{"font-size", read_size, write_size, AT(font_size), APPEARANCE_FONT_MIN,
		APPEARANCE_FONT_MAX},
};

const char *const visible_names[] = {"picture", "seal", "seal-width", "show", "page", "corner", "x",
	"y", "width", "height", "font", "bold-font", "font-size"};
const size_t visible_count = COUNT(visible_names);

void visible_init(struct visible *visible)
{
	*visible = (struct visible){
		.options = {.show = APPEARANCE_LINES | APPEARANCE_LABELS | APPEARANCE_BOLD,
			.page = APPEARANCE_LAST_PAGE,
			.corner = APPEARANCE_BOTTOM_RIGHT,
			.x = 20 * APPEARANCE_MM,
			.y = 25 * APPEARANCE_MM,
			.font_size = 10},
	};
}

void visible_free(struct visible *visible)
{
	for (size_t i = 0; i < VISIBLE_PATHS; i++) {
		free(visible->paths[i]);
		visible->paths[i] = NULL;
	}
}

static const struct member *find_member(const char *name)
{
	for (size_t i = 0; i < COUNT(members); i++) {
		if (strcmp(members[i].name, name) == 0)
			return &members[i];
	}
	return NULL;
}

rc_t visible_set(struct visible *visible, const char *name, const char *value)
{
	const struct member *member = find_member(name);
	struct appearance_options before = visible->options;

	if (member == NULL)
		return RC_NOT_FOUND;
	rc_t rc = member->read(visible, member->at, value);
	if (rc == RC_OK && member->most > 0) {
		double number = *number_at(visible, member->at);
		if (number < member->least - 0.001 || number > member->most + 0.001)
			rc = RC_RANGE;
	}
	if (rc != RC_OK)
		visible->options = before;
	return rc;
}

json_t *visible_json(const struct visible *visible)
{
	json_t *object = json_object();
	bool good = object != NULL;

	for (size_t i = 0; good && i < COUNT(members); i++) {
		const struct member *member = &members[i];
		char value[VALUE_MAX] = "";
		const char *text = value;
		if (member->write != NULL)
			member->write(visible, member->at, value);
		else if (visible->paths[member->at] != NULL)
			text = visible->paths[member->at];
		if (text[0] != 0)
			good = json_object_set_new(object, member->name, json_string(text)) == 0;
	}
	if (!good) {
		json_decref(object);
		return NULL;
	}
	return object;
}

static rc_t parse_members(const json_t *object, struct visible *visible, char faulty[VISIBLE_NAME])
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)object, name, value)
	{
		const char *text = json_string_value(value);
		rc_t rc = text == NULL ? RC_RANGE : visible_set(visible, name, text);
		if (rc != RC_OK) {
			snprintf(faulty, VISIBLE_NAME, "%s", name);
			return rc;
		}
	}
	return RC_OK;
}

rc_t visible_parse(struct span json, struct visible *visible, char faulty[VISIBLE_NAME])
{
	if (json.len > VISIBLE_LEN_MAX)
		return RC_FORMAT;
	json_t *object =
		json_loadb((const char *)json.data, json.len, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(object)) {
		json_decref(object);
		return RC_FORMAT;
	}
	visible_init(visible);
	rc_t rc = parse_members(object, visible, faulty);
	json_decref(object);
	if (rc != RC_OK)
		visible_free(visible);
	return rc;
}

static bool is_name_character(utf8proc_int32_t c)
{
	switch (utf8proc_category(c)) {
	case UTF8PROC_CATEGORY_LU:
	case UTF8PROC_CATEGORY_LL:
	case UTF8PROC_CATEGORY_LT:
	case UTF8PROC_CATEGORY_LM:
	case UTF8PROC_CATEGORY_LO:
	case UTF8PROC_CATEGORY_MN:
	case UTF8PROC_CATEGORY_ND:
		return true;
	default:
		return c == ' ' || c == '-' || c == '_' || c == '.';
	}
}

bool visible_name_is_good(const char *name)
{
	size_t left = strlen(name);

	if (left == 0 || left > NAME_BYTES || strchr(" -_.", name[0]) != NULL ||
		name[left - 1] == ' ')
		return false;
	while (left > 0) {
		utf8proc_int32_t c = 0;
		utf8proc_ssize_t used = utf8proc_iterate(
			(const utf8proc_uint8_t *)name, (utf8proc_ssize_t)left, &c);
		if (used <= 0 || !is_name_character(c))
			return false;
		name += used;
		left -= (size_t)used;
	}
	return true;
}
