/*
 * Objects that stand in a revision's bytes and in no cross-reference. Readers that repair files put
 * together what they find: of each object the last that begins "N G obj", wherever it stands. So
 * the last one must be the one that counts. libqpdf does not say where it found an object: with the
 * word "obj" there made unreadable, one that counts is gone, and one that does not is still read
 * elsewhere.
 */
#include "clients/lib/ades/verify_internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define KEYWORD "obj"
#define KEYWORD_LEN (sizeof(KEYWORD) - 1)
#define XREF_POINTERS_MAX 64

struct place {
	uint64_t key;
	size_t begin;	/* of its number */
	size_t keyword; /* of "obj" */
};

struct places {
	struct place *items;
	size_t count;
	size_t capacity;
};

static rc_t add_place(struct places *places, struct place place)
{
	if (places->count == places->capacity) {
		size_t capacity = places->capacity == 0 ? 64 : 2 * places->capacity;
		struct place *larger = realloc(places->items, capacity * sizeof(larger[0]));
		if (larger == NULL)
			return RC_NO_MEMORY;
		places->items = larger;
		places->capacity = capacity;
	}
	places->items[places->count++] = place;
	return RC_OK;
}

/* The number that ends before *at, which goes to its begin; false: there is none. However many
 * digits: readers drop what an int has no room for. */
static bool number_before(struct span bytes, size_t from, size_t *at, uint64_t *number)
{
	size_t end = *at;
	size_t begin = end;

	while (begin > from && isdigit(bytes.data[begin - 1]))
		begin--;
	*number = 0;
	for (size_t i = begin; i < end; i++)
		*number = *number * 10 + (uint64_t)(bytes.data[i] - '0');
	*number &= UINT32_MAX;
	*at = begin;
	return begin < end;
}

static bool white_before(struct span bytes, size_t from, size_t *at)
{
	size_t end = *at;

	while (*at > from && (isspace(bytes.data[*at - 1]) || bytes.data[*at - 1] == 0))
		(*at)--;
	return *at < end;
}

static rc_t find_places(struct span bytes, size_t from, struct places *places)
{
	rc_t rc = RC_OK;

	for (size_t i = from; rc == RC_OK && i + KEYWORD_LEN <= bytes.len; i++) {
		uint64_t number = 0;
		uint64_t generation = 0;
		size_t at = i;
		if (memcmp(bytes.data + i, KEYWORD, KEYWORD_LEN) != 0)
			continue;
		white_before(bytes, from, &at);
		if (number_before(bytes, from, &at, &generation) && generation <= 65535 &&
			white_before(bytes, from, &at) &&
			number_before(bytes, from, &at, &number) && number > 0 &&
			number <= INT32_MAX)
			rc = add_place(places, (struct place){number << 16 | generation, at, i});
	}
	return rc;
}

static int compare_places(const void *a, const void *b)
{
	const struct place *first = a;
	const struct place *second = b;

	if (first->key != second->key)
		return first->key < second->key ? -1 : 1;
	return first->keyword < second->keyword ? -1 : first->keyword > second->keyword;
}

/* Only the last of each. */
static void keep_last(struct places *places)
{
	size_t kept = 0;

	if (places->count == 0)
		return;
	qsort(places->items, places->count, sizeof(places->items[0]), compare_places);
	for (size_t i = 0; i < places->count; i++) {
		if (i + 1 == places->count || places->items[i].key != places->items[i + 1].key)
			places->items[kept++] = places->items[i];
	}
	places->count = kept;
}

/* Where the "startxref" of these bytes point. */
struct pointers {
	size_t items[XREF_POINTERS_MAX];
	size_t count;
};

static void find_pointers(struct span bytes, size_t from, struct pointers *pointers)
{
	static const char keyword[] = "startxref";
	const size_t keyword_len = sizeof(keyword) - 1;
	const uint8_t *at = bytes.data + from;
	const uint8_t *end = bytes.data + bytes.len;

	while (pointers->count < XREF_POINTERS_MAX &&
		(at = memmem(at, (size_t)(end - at), keyword, keyword_len)) != NULL) {
		size_t offset = 0;
		at += keyword_len;
		while (at < end && isspace(*at))
			at++;
		for (; at < end && isdigit(*at) && offset < bytes.len; at++)
			offset = offset * 10 + (size_t)(*at - '0');
		pointers->items[pointers->count++] = offset;
	}
}

/* A cross-reference stream need not list itself, and without it nothing is read. */
static bool is_xref(const struct pointers *pointers, size_t begin)
{
	for (size_t i = 0; i < pointers->count; i++) {
		if (pointers->items[i] == begin)
			return true;
	}
	return false;
}

static bool is_nothing(struct view *view, uint64_t key)
{
	qpdf_oh object = view_object(view, key);
	bool nothing = qpdf_oh_is_null(view->qpdf, object);

	view_forget(view);
	return nothing;
}

/* The catalog by itself: without it nothing opens. */
static rc_t root_is_elsewhere(uint8_t *copy, size_t len, const struct place *root, bool *elsewhere)
{
	struct view without = {0};

	copy[root->keyword] = '-';
	rc_t rc = view_open(SPAN(copy, len), NULL, &without);
	copy[root->keyword] = (uint8_t)KEYWORD[0];
	*elsewhere = rc == RC_OK;
	view_close(&without);
	return rc == RC_NO_MEMORY ? rc : RC_OK;
}

static rc_t others_are_elsewhere(
	struct span copy, uint64_t root, const struct places *places, bool *elsewhere)
{
	struct view without = {0};

	rc_t rc = view_open(copy, NULL, &without);
	if (rc != RC_OK) {
		*elsewhere = true;
		return rc == RC_NO_MEMORY ? rc : RC_OK;
	}
	for (size_t i = 0; !*elsewhere && i < places->count; i++)
		*elsewhere =
			places->items[i].key != root && !is_nothing(&without, places->items[i].key);
	view_close(&without);
	return RC_OK;
}

static rc_t look_without(
	struct view *view, const struct places *places, uint64_t root, bool *elsewhere)
{
	size_t len = view->bytes.len;
	uint8_t *copy = malloc(len);
	rc_t rc = RC_OK;

	if (copy == NULL)
		return RC_NO_MEMORY;
	memcpy(copy, view->bytes.data, len);
	for (size_t i = 0; rc == RC_OK && !*elsewhere && i < places->count; i++) {
		if (places->items[i].key == root)
			rc = root_is_elsewhere(copy, len, &places->items[i], elsewhere);
	}
	for (size_t i = 0; i < places->count; i++) {
		if (places->items[i].key != root)
			copy[places->items[i].keyword] = '-';
	}
	if (rc == RC_OK && !*elsewhere)
		rc = others_are_elsewhere(SPAN(copy, len), root, places, elsewhere);
	free(copy);
	return rc;
}

rc_t hidden_objects(struct view *view, size_t from, bool *hidden)
{
	struct places places = {0};
	struct pointers pointers = {0};
	uint64_t root = view_key(view, view_root(view));
	size_t kept = 0;

	*hidden = false;
	rc_t rc = find_places(view->bytes, from, &places);
	keep_last(&places);
	find_pointers(view->bytes, from, &pointers);
	for (size_t i = 0; rc == RC_OK && !*hidden && i < places.count; i++) {
		if (is_xref(&pointers, places.items[i].begin))
			continue;
		*hidden = is_nothing(view, places.items[i].key);
		places.items[kept++] = places.items[i];
	}
	places.count = kept;
	if (rc == RC_OK && !*hidden && kept > 0)
		rc = look_without(view, &places, root, hidden);
	free(places.items);
	return rc;
}
