/*
 * A visible signature as people ask for it: members with a name and a value in words ("page":
 * "last", "x": "20mm"), which are both the options of rssp and the JSON of a saved template. Paths
 * are kept as they are given; nothing is opened here.
 */
#ifndef CLIENTS_VISIBLE_H
#define CLIENTS_VISIBLE_H

#include "clients/lib/ades/appearance.h"

#include <jansson.h>
#include <stdbool.h>

#define VISIBLE_PATH_MAX 4096
#define VISIBLE_LEN_MAX 65536 /* of a template */

enum visible_path { VISIBLE_PICTURE, VISIBLE_SEAL, VISIBLE_FONT, VISIBLE_BOLD_FONT, VISIBLE_PATHS };

struct visible {
	char *paths[VISIBLE_PATHS]; /* NULL: none */
	/* width and height 0: what suits the content; spans are not used */
	struct appearance_options options;
};

/* On the last page at its lower right; every line of text, with labels. */
void visible_init(struct visible *visible);
void visible_free(struct visible *visible);

extern const char *const visible_names[];
extern const size_t visible_count;

/* Takes over what value says:
 *   picture, seal, font, bold-font   a path, or "none"
 *   page             first, last, or a number
 *   corner           top-left, top-right, bottom-left, bottom-right
 *   x, y, width, height, seal-width  "20mm", "2.5cm", "56pt"; millimetres without a unit
 *   font-size        points, 5 to 72
 *   show             lines: name, email, agency, time; how: labels, bold; "none"; with a comma
 *                    between. "+time" and "-email" change what is there already
 * RC_NOT_FOUND: no such name. RC_RANGE: no such value. */
must_check rc_t visible_set(struct visible *visible, const char *name, const char *value);

/* What visible_set() would take to make it again: every member that says something. NULL: no
 * memory, or a path that is not UTF-8. */
json_t *visible_json(const struct visible *visible);
/* A template: an object of such members. RC_FORMAT: no such JSON. RC_NOT_FOUND, RC_RANGE: of a
 * member, whose name is written to faulty. visible is as visible_init() left it. */
#define VISIBLE_NAME 32
must_check rc_t visible_parse(struct span json, struct visible *visible, char faulty[VISIBLE_NAME]);

/* A template's name: letters, digits, spaces, "-", "_" and ".", not first; at most 64 bytes of
 * UTF-8. */
bool visible_name_is_good(const char *name);

#endif
