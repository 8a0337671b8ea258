/*
 * What a later revision did to an earlier one, object by object. Only what is known to be harmless
 * is called so: another signature, what validators keep (DSS), metadata. The rest is form, other
 * annotations, or content.
 */
#include "clients/lib/ades/verify_internal.h"

#include <math.h>
#include <string.h>

/* To fill in is one thing, to add what may be filled in another. */
#define NEW_FIELDS (LATER_FORM | LATER_ANNOTATIONS)
#define ROUNDING 0.001	     /* points */
#define LOOK_INSIDE 0x10000u /* the entry's own rules say what its change means */

struct rule {
	const char *key; /* NULL: any other */
	unsigned meaning;
};

struct comparing {
	struct view *before;
	struct view *after;
	const struct inventory *old;
	const struct inventory *fresh;
	unsigned found;
};

/* dictionaries */

static unsigned meaning_of(const struct rule rules[], const char *key)
{
	while (rules->key != NULL && strcmp(rules->key, key) != 0)
		rules++;
	return rules->meaning;
}

/* Other programs write the size of a page anew, with fewer digits: less than a reader can show. */
static bool same_box(struct comparing *comparing, const char *key, qpdf_oh was, qpdf_oh is)
{
	static const char *const boxes[] = {
		"/MediaBox", "/CropBox", "/BleedBox", "/TrimBox", "/ArtBox"};
	qpdf_data before = comparing->before->qpdf;
	qpdf_data after = comparing->after->qpdf;
	bool same = false;

	for (size_t i = 0; i < sizeof(boxes) / sizeof(boxes[0]); i++)
		same = same || strcmp(key, boxes[i]) == 0;
	same = same && qpdf_oh_is_array(before, was) && qpdf_oh_is_array(after, is) &&
	       qpdf_oh_get_array_n_items(before, was) == 4 &&
	       qpdf_oh_get_array_n_items(after, is) == 4;
	for (int i = 0; same && i < 4; i++) {
		qpdf_oh old = qpdf_oh_get_array_item(before, was, i);
		qpdf_oh fresh = qpdf_oh_get_array_item(after, is, i);
		same = qpdf_oh_is_number(before, old) && qpdf_oh_is_number(after, fresh) &&
		       fabs(qpdf_oh_get_numeric_value(before, old) -
			       qpdf_oh_get_numeric_value(after, fresh)) < ROUNDING;
		qpdf_oh_release(before, old);
		qpdf_oh_release(after, fresh);
	}
	return same;
}

/* A reference to nothing may have been given something to refer to. */
static bool same_value(struct comparing *comparing, const char *key, qpdf_oh was, qpdf_oh is)
{
	return qpdf_oh_is_null(comparing->before->qpdf, was) ==
		       qpdf_oh_is_null(comparing->after->qpdf, is) &&
	       (span_equal(view_text(comparing->before, was), view_text(comparing->after, is)) ||
		       same_box(comparing, key, was, is));
}

/* What values before and after differ in under the keys of keys, one of both. */
static unsigned differences(struct comparing *comparing, qpdf_oh old, qpdf_oh fresh, bool of_old,
	const struct rule rules[])
{
	struct view *listed = of_old ? comparing->before : comparing->after;
	unsigned found = 0;

	qpdf_oh_begin_dict_key_iter(listed->qpdf, of_old ? old : fresh);
	while (qpdf_oh_dict_more_keys(listed->qpdf)) {
		const char *key = qpdf_oh_dict_next_key(listed->qpdf);
		unsigned meaning = meaning_of(rules, key);
		qpdf_oh was = qpdf_oh_get_key_if_dict(comparing->before->qpdf, old, key);
		qpdf_oh is = qpdf_oh_get_key_if_dict(comparing->after->qpdf, fresh, key);
		if (!same_value(comparing, key, was, is))
			found |= meaning;
		qpdf_oh_release(comparing->before->qpdf, was);
		qpdf_oh_release(comparing->after->qpdf, is);
	}
	return found;
}

static unsigned compare_entries(
	struct comparing *comparing, qpdf_oh old, qpdf_oh fresh, const struct rule rules[])
{
	unsigned found = 0;

	if (qpdf_oh_is_dictionary(comparing->before->qpdf, old))
		found |= differences(comparing, old, fresh, true, rules);
	if (qpdf_oh_is_dictionary(comparing->after->qpdf, fresh))
		found |= differences(comparing, old, fresh, false, rules);
	return found;
}

/* lists of annotations and fields */

/* Was it part of the document before? */
static bool is_old(const struct comparing *comparing, qpdf_oh value)
{
	const struct object *object =
		inventory_find(comparing->old, view_key(comparing->after, value));

	return object != NULL && object->zone != ZONE_NONE;
}

/* Is it seen on the page? */
static bool has_area(struct comparing *comparing, qpdf_oh field)
{
	qpdf_data qpdf = comparing->after->qpdf;
	qpdf_oh rect = qpdf_oh_get_key_if_dict(qpdf, field, "/Rect");
	double sides[4] = {0};

	for (int i = 0; qpdf_oh_is_array(qpdf, rect) && i < 4; i++)
		sides[i] = qpdf_oh_get_numeric_value(qpdf, qpdf_oh_get_array_item(qpdf, rect, i));
	return sides[0] != sides[2] && sides[1] != sides[3];
}

/* 0: none. A field that borrows an older signature's dictionary, to show something, is none; nor is
 * one whose dictionary is not where signatures are looked for, so that nobody judges it. And anyone
 * gets a timestamp: it may not show anything. */
static unsigned kind_of_signature(struct comparing *comparing, qpdf_oh field)
{
	struct view *view = comparing->after;
	qpdf_data qpdf = view->qpdf;
	qpdf_oh value = qpdf_oh_get_key_if_dict(qpdf, field, "/V");

	if (qpdf_oh_is_null(qpdf, value))
		value = qpdf_oh_get_key_if_dict(
			qpdf, qpdf_oh_get_key_if_dict(qpdf, field, "/Parent"), "/V");
	const struct object *object = inventory_find(comparing->fresh, view_key(view, value));
	if (object == NULL || object->role != ROLE_SIGNATURE ||
		!qpdf_oh_has_key(qpdf, value, "/ByteRange") || is_old(comparing, value))
		return 0;
	if (!view_name_is(view, value, "/SubFilter", "/ETSI.RFC3161"))
		return LATER_SIGNATURE;
	return has_area(comparing, field) ? 0 : LATER_TIMESTAMP;
}

/* A new item may be a signature's field, signed; what else it is, otherwise says. */
static unsigned new_item(struct comparing *comparing, qpdf_oh item, unsigned otherwise)
{
	const struct object *object =
		inventory_find(comparing->fresh, view_key(comparing->after, item));
	unsigned kind = 0;

	if (object != NULL && object->role == ROLE_SIGNATURE_FIELD)
		kind = kind_of_signature(comparing, item);
	return kind != 0 ? kind : otherwise;
}

/* The old items must be there still, in their order, and first. */
static void compare_lists(
	struct comparing *comparing, qpdf_oh old, qpdf_oh fresh, unsigned otherwise)
{
	qpdf_data before = comparing->before->qpdf;
	qpdf_data after = comparing->after->qpdf;
	int had = qpdf_oh_is_array(before, old) ? qpdf_oh_get_array_n_items(before, old) : 0;
	int has = qpdf_oh_is_array(after, fresh) ? qpdf_oh_get_array_n_items(after, fresh) : 0;

	if (has < had ||
		(has == 0 && !qpdf_oh_is_array(after, fresh) && !qpdf_oh_is_null(after, fresh))) {
		comparing->found |= otherwise;
		return;
	}
	for (int i = 0; i < has; i++) {
		qpdf_oh item = qpdf_oh_get_array_item(after, fresh, i);
		if (i >= had) {
			comparing->found |= new_item(comparing, item, otherwise);
		} else {
			qpdf_oh was = qpdf_oh_get_array_item(before, old, i);
			if (!span_equal(view_text(comparing->before, was),
				    view_text(comparing->after, item)))
				comparing->found |= otherwise;
			qpdf_oh_release(before, was);
		}
		qpdf_oh_release(after, item);
	}
}

/* the objects that have a place in the structure */

/* Fields whose look depends on the form's fonts and defaults: a signature's does not. */
static bool had_fields(struct comparing *comparing, qpdf_oh form)
{
	qpdf_data qpdf = comparing->before->qpdf;
	qpdf_oh fields = qpdf_oh_get_key_if_dict(qpdf, form, "/Fields");
	int count = qpdf_oh_is_array(qpdf, fields) ? qpdf_oh_get_array_n_items(qpdf, fields) : 0;

	for (int i = 0; i < count; i++) {
		qpdf_oh field = qpdf_oh_get_array_item(qpdf, fields, i);
		bool signature = view_is_signature_field(comparing->before, field, false);
		qpdf_oh_release(qpdf, field);
		if (!signature)
			return true;
	}
	return false;
}

static void compare_forms(struct comparing *comparing, qpdf_oh old, qpdf_oh fresh)
{
	unsigned defaults = had_fields(comparing, old) ? LATER_FORM : 0;
	const struct rule rules[] = {{"/Fields", LOOK_INSIDE}, {"/SigFlags", 0}, {"/DR", defaults},
		{"/DA", defaults}, {"/XFA", LATER_CONTENT}, {NULL, LATER_FORM}};

	unsigned found = compare_entries(comparing, old, fresh, rules);
	comparing->found |= found & ~LOOK_INSIDE;
	if ((found & LOOK_INSIDE) != 0)
		compare_lists(comparing,
			qpdf_oh_get_key_if_dict(comparing->before->qpdf, old, "/Fields"),
			qpdf_oh_get_key_if_dict(comparing->after->qpdf, fresh, "/Fields"),
			NEW_FIELDS);
}

static void compare_roots(struct comparing *comparing, qpdf_oh old, qpdf_oh fresh)
{
	static const struct rule rules[] = {{"/AcroForm", LOOK_INSIDE}, {"/DSS", LATER_VALIDATION},
		{"/Metadata", LATER_METADATA}, {"/Extensions", 0}, {"/Version", 0},
		{NULL, LATER_CONTENT}};

	unsigned found = compare_entries(comparing, old, fresh, rules);
	comparing->found |= found & ~LOOK_INSIDE;
	if ((found & LOOK_INSIDE) != 0)
		compare_forms(comparing, qpdf_oh_get_key(comparing->before->qpdf, old, "/AcroForm"),
			qpdf_oh_get_key(comparing->after->qpdf, fresh, "/AcroForm"));
}

static void compare_pages(struct comparing *comparing, qpdf_oh old, qpdf_oh fresh)
{
	static const struct rule rules[] = {{"/Annots", LOOK_INSIDE}, {NULL, LATER_CONTENT}};

	unsigned found = compare_entries(comparing, old, fresh, rules);
	comparing->found |= found & ~LOOK_INSIDE;
	if (!qpdf_oh_is_dictionary(comparing->after->qpdf, fresh))
		comparing->found |= LATER_CONTENT;
	if ((found & LOOK_INSIDE) != 0)
		compare_lists(comparing, qpdf_oh_get_key(comparing->before->qpdf, old, "/Annots"),
			qpdf_oh_get_key_if_dict(comparing->after->qpdf, fresh, "/Annots"),
			LATER_ANNOTATIONS);
}

/* An empty field may be signed, and gets its look with it; a signature stays as it is. */
static void compare_signature_fields(struct comparing *comparing, qpdf_oh old, qpdf_oh fresh)
{
	enum { LOOK = 0x20000 };
	static const struct rule rules[] = {{"/V", LOOK_INSIDE}, {"/AP", LOOK}, {"/F", LOOK},
		{"/MK", LOOK}, {"/M", 0}, {"/DA", 0}, {NULL, LATER_ANNOTATIONS}};
	qpdf_oh value = qpdf_oh_get_key_if_dict(comparing->before->qpdf, old, "/V");
	bool signed_before = !qpdf_oh_is_null(comparing->before->qpdf, value);
	unsigned found = compare_entries(comparing, old, fresh, rules);
	unsigned kind = 0;

	if ((found & LOOK_INSIDE) != 0 && signed_before)
		comparing->found |= LATER_CONTENT;
	else if ((found & LOOK_INSIDE) != 0)
		kind = kind_of_signature(comparing, fresh);
	comparing->found |= kind | (found & LATER_ANNOTATIONS);
	if (kind == 0 && (found & (LOOK | LOOK_INSIDE)) != 0)
		comparing->found |= LATER_ANNOTATIONS;
}

static void compare_fields(struct comparing *comparing, qpdf_oh old, qpdf_oh fresh)
{
	static const struct rule rules[] = {{"/V", LATER_FORM}, {"/AS", LATER_FORM},
		{"/AP", LATER_FORM}, {"/M", LATER_FORM}, {"/I", LATER_FORM}, {"/RV", LATER_FORM},
		{"/Kids", LATER_FORM}, {NULL, LATER_FORM | LATER_ANNOTATIONS}};

	comparing->found |= compare_entries(comparing, old, fresh, rules);
}

static void compare_plain(struct comparing *comparing, const struct object *object)
{
	static const unsigned meanings[] = {[ZONE_CONTENT] = LATER_CONTENT,
		[ZONE_ANNOTATION] = LATER_ANNOTATIONS,
		[ZONE_FORM] = LATER_FORM,
		[ZONE_SIGNATURE] = LATER_ANNOTATIONS,
		[ZONE_META] = LATER_METADATA};

	comparing->found |= object->role == ROLE_SIGNATURE ? LATER_CONTENT : meanings[object->zone];
}

static void compare_object(struct comparing *comparing, const struct object *object)
{
	qpdf_oh old = view_object(comparing->before, object->key);
	qpdf_oh fresh = view_object(comparing->after, object->key);

	if (object->role == ROLE_ROOT)
		compare_roots(comparing, old, fresh);
	else if (object->role == ROLE_PAGE)
		compare_pages(comparing, old, fresh);
	else if (object->zone == ZONE_CONTENT)
		comparing->found |= object->role == ROLE_NONE && fonts_only_grow(comparing->before,
									 comparing->old, old,
									 comparing->after, fresh)
					    ? 0
					    : LATER_CONTENT;
	else if (object->role == ROLE_ANNOTS)
		compare_lists(comparing, old, fresh, LATER_ANNOTATIONS);
	else if (object->role == ROLE_FIELDS)
		compare_lists(comparing, old, fresh, NEW_FIELDS);
	else if (object->role == ROLE_FORM)
		compare_forms(comparing, old, fresh);
	else if (object->role == ROLE_SIGNATURE_FIELD)
		compare_signature_fields(comparing, old, fresh);
	else if (object->role == ROLE_FIELD)
		compare_fields(comparing, old, fresh);
	else
		compare_plain(comparing, object);
}

rc_t changes_between(struct view *before, const struct inventory *old, struct view *after,
	const struct inventory *fresh, unsigned *later)
{
	struct comparing comparing = {.before = before, .after = after, .old = old, .fresh = fresh};

	/* another catalog is another document */
	if (view_key(before, view_root(before)) != view_key(after, view_root(after)))
		comparing.found |= LATER_CONTENT;
	for (size_t i = 0; i < old->capacity; i++) {
		const struct object *was = &old->places[i];
		if (was->key == 0 || was->zone == ZONE_NONE)
			continue;
		const struct object *is = inventory_find(fresh, was->key);
		/* what is no longer reached was let go by an object that changed */
		if (is == NULL || is->zone == ZONE_NONE ||
			memcmp(was->digest, is->digest, sizeof(was->digest)) == 0)
			continue;
		compare_object(&comparing, was);
		view_forget(before);
		view_forget(after);
	}
	view_forget(before);
	view_forget(after);
	*later = comparing.found;
	return RC_OK;
}
