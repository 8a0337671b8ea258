/* The lists of position titles in a policy, and what a position is by them. */
#ifndef POLICY_LISTS_H
#define POLICY_LISTS_H

#include "base/buf.h"

#include <jansson.h>
#include <stdbool.h>

struct title_lists;

#define POSITION_EMPTY 1u
/* Some part is on no list, or the position could not be read. */
#define POSITION_UNKNOWN 2u
/* Every part is on the sector's permitted list. */
#define POSITION_PERMITTED 4u
/* Some part is on the nth list of excluded titles. Excludes POSITION_PERMITTED. */
#define POSITION_EXCLUDED(n) (8u << (n))
#define EXCLUDED_LISTS 8

/* From the members "excluded" and "permitted" of the document. RC_CONFIG: see why. */
must_check rc_t title_lists_load(struct title_lists **lists, const json_t *excluded,
	const json_t *permitted, struct buf *why);
void title_lists_free(struct title_lists **lists);

uint32_t title_lists_judge(
	const struct title_lists *lists, const char *sector, const char *position);
/* The bit of "empty", "unknown", "permitted" or the id of an excluded list; 0: none of these. */
uint32_t title_lists_bit(const struct title_lists *lists, const char *name);

#endif
