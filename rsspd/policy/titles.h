/*
 * Position titles in forms that can be compared. A normalised position is its parts,
 * separated by '\n', each of words separated by one ' '. Parts are split at , ; / + and at line
 * breaks, and at the word "kiêm" or "kiêm nhiệm" ("and also"); "A," has an empty second part.
 */
#ifndef POLICY_TITLES_H
#define POLICY_TITLES_H

#include <stdbool.h>

enum title_form {
	/* NFC and case folded, nothing else: two titles are the same only if they look the same and
	 * hide nothing. What permits is compared in this form. */
	TITLE_EXACT,
	/* TITLE_EXACT without tone and vowel marks, đ as d, not divided at kiêm: what a listed
	 * title is on a bare keyboard. */
	TITLE_TONELESS,
	/* Only ASCII letters, digits and '?' for what is neither these, punctuation (taken for a
	 * space) nor a look-alike of a letter (full-width, Cyrillic, Greek, with invisible
	 * characters …): what excludes is compared in this form. */
	TITLE_BARE,
};

#define TITLE_TEXT 2048

/* False, and out is "": not UTF-8, or longer than POLICY_POSITION_MAX. NULL is "". No allocation.
 */
bool title_normalise(char out[TITLE_TEXT], enum title_form form, const char *text);

#endif
