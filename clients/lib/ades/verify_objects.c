/*
 * What a revision consists of: each object that is reached from the catalog, a digest of it, and
 * the zone in which it is used. Zones are walked from the gravest to the least: what is used as
 * content is content, whatever else it serves as. So nothing that is shown can be passed off as
 * metadata, and be replaced later.
 */
#include "clients/lib/ades/verify_internal.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define OBJECTS_MAX ((size_t)1 << 20)
#define TREE_DEPTH_MAX 64
#define FIELD_DEPTH_MAX 16

struct walk {
	struct view *view;
	struct inventory *inventory;
	enum zone zone;
	uint64_t *waiting;
	size_t waiting_count;
	size_t waiting_capacity;
	unsigned nodes;
	rc_t rc;
};

/* the table */

static size_t place_of(const struct inventory *inventory, uint64_t key)
{
	uint64_t mixed = key * UINT64_C(0x9e3779b97f4a7c15);
	size_t at = (size_t)(mixed >> 20) & (inventory->capacity - 1);

	while (inventory->places[at].key != 0 && inventory->places[at].key != key)
		at = (at + 1) & (inventory->capacity - 1);
	return at;
}

static rc_t grow(struct inventory *inventory)
{
	struct inventory larger = {
		.capacity = inventory->capacity == 0 ? 256 : inventory->capacity * 2};

	if (inventory->count > OBJECTS_MAX)
		return RC_PDF_TOO_LONG;
	larger.places = calloc(larger.capacity, sizeof(larger.places[0]));
	if (larger.places == NULL)
		return RC_NO_MEMORY;
	for (size_t i = 0; i < inventory->capacity; i++) {
		if (inventory->places[i].key != 0)
			larger.places[place_of(&larger, inventory->places[i].key)] =
				inventory->places[i];
	}
	larger.count = inventory->count;
	free(inventory->places);
	*inventory = larger;
	return RC_OK;
}

/* NULL: out of memory, or of patience; walk->rc says which. */
static struct object *object_at(struct walk *walk, uint64_t key)
{
	struct inventory *inventory = walk->inventory;

	if (walk->rc == RC_OK && 2 * (inventory->count + 1) > inventory->capacity)
		walk->rc = grow(inventory);
	if (walk->rc != RC_OK)
		return NULL;
	struct object *object = &inventory->places[place_of(inventory, key)];
	if (object->key == 0) {
		object->key = key;
		inventory->count++;
	}
	return object;
}

const struct object *inventory_find(const struct inventory *inventory, uint64_t key)
{
	if (inventory->capacity == 0 || key == 0)
		return NULL;
	const struct object *object = &inventory->places[place_of(inventory, key)];
	return object->key == 0 ? NULL : object;
}

void inventory_free(struct inventory *inventory)
{
	free(inventory->places);
	*inventory = (struct inventory){0};
}

/* roles: what the structure of a PDF says an object is */

/* The later role of two is the one that counts: a widget is a field more than an annotation. A page
 * is a page, wherever else it is listed. False: it has such a role already. */
static bool give_role(struct walk *walk, qpdf_oh handle, enum role role)
{
	qpdf_data qpdf = walk->view->qpdf;
	bool list = role == ROLE_ANNOTS || role == ROLE_FIELDS;
	bool fits = list ? qpdf_oh_is_array(qpdf, handle) : qpdf_oh_is_dictionary(qpdf, handle);
	uint64_t key = view_key(walk->view, handle);

	if (key == 0 || !fits)
		return key == 0;
	struct object *object = object_at(walk, key);
	if (object == NULL || object->role == ROLE_ROOT || object->role == ROLE_PAGE ||
		object->role >= role)
		return false;
	object->role = role;
	return true;
}

static void assign_annotations(struct walk *walk, qpdf_oh page)
{
	qpdf_data qpdf = walk->view->qpdf;
	qpdf_oh annotations = qpdf_oh_get_key(qpdf, page, "/Annots");
	int count = qpdf_oh_is_array(qpdf, annotations)
			    ? qpdf_oh_get_array_n_items(qpdf, annotations)
			    : 0;

	give_role(walk, annotations, ROLE_ANNOTS);
	for (int i = 0; walk->rc == RC_OK && i < count; i++) {
		qpdf_oh item = qpdf_oh_get_array_item(qpdf, annotations, i);
		bool signature = view_is_signature_field(walk->view, item, false);
		give_role(walk, item, signature ? ROLE_SIGNATURE_FIELD : ROLE_ANNOTATION);
		if (signature)
			give_role(walk, qpdf_oh_get_key_if_dict(qpdf, item, "/V"), ROLE_SIGNATURE);
		qpdf_oh_release(qpdf, item);
	}
	qpdf_oh_release(qpdf, annotations);
}

static void assign_pages(struct walk *walk, qpdf_oh node, unsigned depth)
{
	qpdf_data qpdf = walk->view->qpdf;

	if (walk->rc != RC_OK || !qpdf_oh_is_dictionary(qpdf, node))
		return;
	if (depth > TREE_DEPTH_MAX || ++walk->nodes > OBJECTS_MAX) {
		walk->rc = RC_PDF_DAMAGED;
		return;
	}
	qpdf_oh kids = qpdf_oh_get_key(qpdf, node, "/Kids");
	if (qpdf_oh_is_array(qpdf, kids)) {
		int count = qpdf_oh_get_array_n_items(qpdf, kids);
		for (int i = 0; walk->rc == RC_OK && i < count; i++) {
			qpdf_oh kid = qpdf_oh_get_array_item(qpdf, kids, i);
			assign_pages(walk, kid, depth + 1);
			qpdf_oh_release(qpdf, kid);
		}
	} else if (give_role(walk, node, ROLE_PAGE)) {
		assign_annotations(walk, node);
	}
	qpdf_oh_release(qpdf, kids);
}

static void assign_fields(struct walk *walk, qpdf_oh fields, bool inherited, unsigned depth)
{
	qpdf_data qpdf = walk->view->qpdf;

	if (walk->rc != RC_OK || !qpdf_oh_is_array(qpdf, fields))
		return;
	if (depth > FIELD_DEPTH_MAX) {
		walk->rc = RC_PDF_DAMAGED;
		return;
	}
	int count = qpdf_oh_get_array_n_items(qpdf, fields);
	for (int i = 0; walk->rc == RC_OK && i < count; i++) {
		qpdf_oh field = qpdf_oh_get_array_item(qpdf, fields, i);
		bool signature = view_is_signature_field(walk->view, field, inherited);
		qpdf_oh kids = qpdf_oh_get_key_if_dict(qpdf, field, "/Kids");
		if (++walk->nodes > OBJECTS_MAX)
			walk->rc = RC_PDF_TOO_LONG;
		bool fresh = give_role(walk, field, signature ? ROLE_SIGNATURE_FIELD : ROLE_FIELD);
		if (signature)
			give_role(walk, qpdf_oh_get_key_if_dict(qpdf, field, "/V"), ROLE_SIGNATURE);
		/* a loop ends where it meets itself */
		if (fresh)
			assign_fields(walk, kids, signature, depth + 1);
		qpdf_oh_release(qpdf, kids);
		qpdf_oh_release(qpdf, field);
	}
}

static void assign_roles(struct walk *walk)
{
	qpdf_data qpdf = walk->view->qpdf;
	qpdf_oh root = view_root(walk->view);

	give_role(walk, root, ROLE_ROOT);
	assign_pages(walk, qpdf_oh_get_key(qpdf, root, "/Pages"), 0);
	qpdf_oh form = qpdf_oh_get_key(qpdf, root, "/AcroForm");
	qpdf_oh fields = qpdf_oh_get_key_if_dict(qpdf, form, "/Fields");
	give_role(walk, form, ROLE_FORM);
	give_role(walk, fields, ROLE_FIELDS);
	assign_fields(walk, fields, false, 0);
	view_forget(walk->view);
}

/* zones */

static bool may_enter(enum zone zone, enum role role)
{
	switch (zone) {
	case ZONE_ANNOTATION:
		return role == ROLE_NONE || role == ROLE_ANNOTS || role == ROLE_ANNOTATION;
	case ZONE_FORM:
		return role != ROLE_SIGNATURE_FIELD && role != ROLE_SIGNATURE;
	default:
		return true;
	}
}

static void wait_for(struct walk *walk, uint64_t key)
{
	struct object *object = object_at(walk, key);

	if (object == NULL || object->zone != ZONE_NONE || !may_enter(walk->zone, object->role))
		return;
	if (walk->waiting_count == walk->waiting_capacity) {
		size_t capacity = walk->waiting_capacity == 0 ? 256 : 2 * walk->waiting_capacity;
		uint64_t *larger = realloc(walk->waiting, capacity * sizeof(larger[0]));
		if (larger == NULL) {
			walk->rc = RC_NO_MEMORY;
			return;
		}
		walk->waiting = larger;
		walk->waiting_capacity = capacity;
	}
	object->zone = walk->zone;
	walk->waiting[walk->waiting_count++] = key;
}

static bool is_regular(uint8_t c)
{
	return c > ' ' && memchr("()<>[]{}/%", c, 10) == NULL;
}

static bool is_annotation(const struct walk *walk, uint64_t key)
{
	const struct object *object = inventory_find(walk->inventory, key);

	return object != NULL && (object->role == ROLE_ANNOTATION || object->role == ROLE_FIELD ||
					 object->role == ROLE_SIGNATURE_FIELD);
}

/* "12 0 R", outside strings and names: the text is libqpdf's own, so its form is known. An
 * annotation that the logical structure describes, as its /Obj, is not drawn by that. */
static void follow(struct walk *walk, struct span text)
{
	uint64_t before = 0;
	uint64_t last = 0;
	unsigned numbers = 0;
	bool described = false;

	for (size_t at = 0; at < text.len && walk->rc == RC_OK;) {
		uint8_t c = text.data[at];
		if (c == '(') {
			at = text_skip_string(text, at);
			numbers = 0;
		} else if (c == '<' && at + 1 < text.len && text.data[at + 1] == '<') {
			at += 2;
			numbers = 0;
		} else if (c == '<') {
			while (at < text.len && text.data[at] != '>')
				at++;
			numbers = 0;
		} else if (is_regular(c) || c == '/') {
			size_t start = at++;
			uint64_t number = 0;
			bool digits = c >= '0' && c <= '9';
			while (at < text.len && is_regular(text.data[at]))
				at++;
			for (size_t i = start; digits && i < at; i++) {
				digits = text.data[i] >= '0' && text.data[i] <= '9' &&
					 i < start + 10;
				number = number * 10 + (uint64_t)(text.data[i] - '0');
			}
			if (c == 'R' && at == start + 1 && numbers >= 2 && before > 0 &&
				before <= INT32_MAX && last <= 65535 &&
				!(described && is_annotation(walk, before << 16 | last)))
				wait_for(walk, before << 16 | last);
			if (c == '/')
				described = at - start == 4 &&
					    memcmp(text.data + start, "/Obj", 4) == 0;
			before = last;
			last = number;
			numbers = digits ? numbers + 1 : 0;
		} else {
			numbers = c == ' ' ? numbers : 0;
			at++;
		}
	}
}

/* All of a dictionary's entries but those: they are followed in other zones. */
static void follow_except(struct walk *walk, qpdf_oh dictionary, const char *const except[])
{
	struct view *view = walk->view;
	qpdf_data qpdf = view->qpdf;

	qpdf_oh_begin_dict_key_iter(qpdf, dictionary);
	while (walk->rc == RC_OK && qpdf_oh_dict_more_keys(qpdf)) {
		const char *key = qpdf_oh_dict_next_key(qpdf);
		bool left_out = false;
		for (size_t i = 0; except[i] != NULL; i++)
			left_out = left_out || strcmp(key, except[i]) == 0;
		if (!left_out) {
			qpdf_oh value = qpdf_oh_get_key(qpdf, dictionary, key);
			follow(walk, view_text(view, value));
			qpdf_oh_release(qpdf, value);
		}
	}
}

static void follow_object(struct walk *walk, qpdf_oh handle, enum role role, struct span text)
{
	static const char *const of_root[] = {"/AcroForm", "/DSS", "/Metadata", "/Perms", NULL};
	static const char *const of_page[] = {"/Annots", NULL};

	if (role == ROLE_ROOT)
		follow_except(walk, handle, of_root);
	else if (role == ROLE_PAGE)
		follow_except(walk, handle, of_page);
	else
		follow(walk, text);
}

static rc_t digest_stream(struct view *view, qpdf_oh handle, EVP_MD_CTX *context)
{
	unsigned char *bytes = NULL;
	size_t len = 0;
	QPDF_BOOL filtered = QPDF_FALSE;

	QPDF_ERROR_CODE status =
		qpdf_oh_get_stream_data(view->qpdf, handle, qpdf_dl_none, &filtered, &bytes, &len);
	rc_t rc = (status & QPDF_ERRORS) != 0		       ? RC_PDF_DAMAGED
		  : EVP_DigestUpdate(context, bytes, len) == 1 ? RC_OK
							       : RC_CRYPTO;
	free(bytes);
	return rc;
}

static void take_one(struct walk *walk, uint64_t key, EVP_MD_CTX *context)
{
	struct view *view = walk->view;
	qpdf_oh handle = view_object(view, key);
	bool stream = qpdf_oh_is_stream(view->qpdf, handle);
	uint8_t digest[32];
	enum role role = inventory_find(walk->inventory, key)->role;
	struct span text;

	if (stream) {
		text = view_text(view, qpdf_oh_get_dict(view->qpdf, handle));
	} else {
		const char *resolved = qpdf_oh_unparse_resolved(view->qpdf, handle);
		text = SPAN(resolved, qpdf_get_last_string_length(view->qpdf));
	}
	if (EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1 ||
		EVP_DigestUpdate(context, text.data, text.len) != 1)
		walk->rc = RC_CRYPTO;
	follow_object(walk, handle, role, text);
	if (walk->rc == RC_OK && stream)
		walk->rc = digest_stream(view, handle, context);
	if (walk->rc == RC_OK && EVP_DigestFinal_ex(context, digest, NULL) != 1)
		walk->rc = RC_CRYPTO;
	struct object *object = object_at(walk, key);
	if (object != NULL)
		memcpy(object->digest, digest, sizeof(digest));
	view_forget(view);
}

static void take_waiting(struct walk *walk, EVP_MD_CTX *context)
{
	while (walk->rc == RC_OK && walk->waiting_count > 0)
		take_one(walk, walk->waiting[--walk->waiting_count], context);
}

/* Places move when the table grows: keys are gathered first. */
static void wait_for_roles(struct walk *walk, enum role from, enum role to)
{
	size_t count = 0;
	uint64_t *keys = calloc(walk->inventory->count + 1, sizeof(keys[0]));

	if (keys == NULL) {
		walk->rc = RC_NO_MEMORY;
		return;
	}
	for (size_t i = 0; i < walk->inventory->capacity; i++) {
		const struct object *object = &walk->inventory->places[i];
		if (object->key != 0 && object->role >= from && object->role <= to)
			keys[count++] = object->key;
	}
	for (size_t i = 0; i < count; i++)
		wait_for(walk, keys[i]);
	free(keys);
}

static void follow_entry(struct walk *walk, qpdf_oh dictionary, const char *key)
{
	qpdf_oh value = qpdf_oh_get_key_if_dict(walk->view->qpdf, dictionary, key);

	follow(walk, view_text(walk->view, value));
}

/* Annotations that stand in the page itself are part of its text; what they use is not. */
static void follow_direct_annotations(struct walk *walk)
{
	for (size_t i = 0; walk->rc == RC_OK && i < walk->inventory->capacity; i++) {
		const struct object *object = &walk->inventory->places[i];
		if (object->key == 0 || object->role != ROLE_PAGE)
			continue;
		size_t capacity = walk->inventory->capacity;
		follow_entry(walk, view_object(walk->view, object->key), "/Annots");
		view_forget(walk->view);
		if (walk->inventory->capacity != capacity)
			i = (size_t)-1; /* it grew and moved: what is marked is passed over */
	}
}

static void take_zones(struct walk *walk, EVP_MD_CTX *context)
{
	struct view *view = walk->view;

	walk->zone = ZONE_CONTENT;
	wait_for(walk, view_key(view, view_root(view)));
	wait_for_roles(walk, ROLE_PAGE, ROLE_PAGE);
	take_waiting(walk, context);
	walk->zone = ZONE_ANNOTATION;
	wait_for_roles(walk, ROLE_ANNOTS, ROLE_ANNOTATION);
	follow_direct_annotations(walk);
	take_waiting(walk, context);
	walk->zone = ZONE_FORM;
	wait_for_roles(walk, ROLE_FORM, ROLE_FIELD);
	follow_entry(walk, view_root(view), "/AcroForm");
	take_waiting(walk, context);
	walk->zone = ZONE_SIGNATURE;
	wait_for_roles(walk, ROLE_SIGNATURE_FIELD, ROLE_SIGNATURE);
	take_waiting(walk, context);
	walk->zone = ZONE_META;
	follow_entry(walk, view_root(view), "/DSS");
	follow_entry(walk, view_root(view), "/Metadata");
	follow_entry(walk, view_root(view), "/Perms");
	follow(walk, view_text(view, qpdf_get_trailer(view->qpdf)));
	take_waiting(walk, context);
}

rc_t inventory_take(struct view *view, struct inventory *inventory)
{
	struct walk walk = {.view = view, .inventory = inventory};
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	*inventory = (struct inventory){0};
	walk.rc = context == NULL ? RC_NO_MEMORY : grow(inventory);
	if (walk.rc == RC_OK)
		assign_roles(&walk);
	if (walk.rc == RC_OK)
		take_zones(&walk, context);
	view_forget(view);
	EVP_MD_CTX_free(context);
	free(walk.waiting);
	if (walk.rc != RC_OK)
		inventory_free(inventory);
	return walk.rc;
}
