/*
 * A list of fonts that the page and the form share, as LibreOffice writes it, grows when another
 * program signs. That shows nothing new if no name of the new fonts was used before: not in a
 * stream, nor in a field's defaults. A name that was used and meant nothing must not get a meaning.
 */
#include "clients/lib/ades/verify_internal.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 512
#define NAME_MAX_HERE 127 /* ISO 32000-1 annex C */

static bool ends_name(uint8_t c)
{
	return memchr("\0\t\n\f\r ()<>[]{}/%", c, 16) != NULL;
}

static int digit_of(uint8_t c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* The name that begins behind a slash, with #xx resolved; its length, at most NAME_MAX_HERE. */
static size_t read_name(struct span text, size_t *at, char out[NAME_MAX_HERE])
{
	size_t len = 0;

	while (*at < text.len && !ends_name(text.data[*at])) {
		uint8_t c = text.data[(*at)++];
		if (c == '#' && *at + 1 < text.len) {
			int high = digit_of(text.data[*at]);
			int low = digit_of(text.data[*at + 1]);
			if (high >= 0 && low >= 0) {
				c = (uint8_t)(high << 4 | low);
				*at += 2;
			}
		}
		if (len < NAME_MAX_HERE)
			out[len++] = (char)c;
	}
	return len;
}

static size_t whole_part(const char *name, size_t len)
{
	if (len >= 1 && name[len - 1] == '#')
		return len - 1;
	return len >= 2 && name[len - 2] == '#' ? len - 2 : len;
}

/* One that the end cuts off may go on in the next part of a page's content. */
static bool text_has(struct span text, const char *name)
{
	const size_t name_len = strlen(name);

	for (size_t at = 0; at < text.len;) {
		char found[NAME_MAX_HERE];
		if (text.data[at++] != '/')
			continue;
		size_t len = read_name(text, &at, found);
		bool cut = at == text.len;
		/* so may the two digits behind a # */
		if (cut)
			len = whole_part(found, len);
		if (len <= name_len && memcmp(found, name, len) == 0 && (cut || len == name_len))
			return true;
	}
	return false;
}

/* What cannot be read may hold any name. */
static bool stream_has(struct view *view, qpdf_oh dictionary, qpdf_oh stream, const char *name)
{
	bool plain = !qpdf_oh_has_key(view->qpdf, dictionary, "/Filter");
	unsigned char *bytes = NULL;
	size_t len = 0;
	QPDF_BOOL filtered = QPDF_FALSE;

	QPDF_ERROR_CODE status =
		qpdf_oh_get_stream_data(view->qpdf, stream, qpdf_dl_all, &filtered, &bytes, &len);
	bool has = status != QPDF_SUCCESS || (!filtered && !plain) ||
		   (bytes != NULL && text_has(SPAN(bytes, len), name));
	free(bytes);
	return has;
}

static bool object_has(struct view *view, uint64_t key, const char *name)
{
	qpdf_oh object = view_object(view, key);
	bool has = false;

	if (qpdf_oh_is_stream(view->qpdf, object)) {
		qpdf_oh dictionary = qpdf_oh_get_dict(view->qpdf, object);
		has = text_has(view_text(view, dictionary), name) ||
		      stream_has(view, dictionary, object, name);
		qpdf_oh_release(view->qpdf, dictionary);
	} else {
		const char *text = qpdf_oh_unparse_resolved(view->qpdf, object);
		has = text_has(SPAN(text, qpdf_get_last_string_length(view->qpdf)), name);
	}
	qpdf_oh_release(view->qpdf, object);
	return has;
}

static bool is_used(struct view *view, const struct inventory *inventory, const char *name)
{
	for (size_t i = 0; i < inventory->capacity; i++) {
		const struct object *object = &inventory->places[i];
		if (object->key != 0 && object->zone != ZONE_NONE && object->zone != ZONE_META &&
			object_has(view, object->key, name))
			return true;
	}
	return false;
}

static bool is_font(struct view *view, qpdf_oh fonts, const char *key)
{
	qpdf_oh font = qpdf_oh_get_key(view->qpdf, fonts, key);

	return view_key(view, font) != 0 && qpdf_oh_is_dictionary(view->qpdf, font) &&
	       view_name_is(view, font, "/Type", "/Font");
}

/* Readers do not agree where other names end. */
static bool is_tame(const char *key)
{
	for (size_t i = 1; key[i] != 0; i++) {
		if (!isalnum((unsigned char)key[i]) && memchr("+-_.,", key[i], 5) == NULL)
			return false;
	}
	return true;
}

/* In text, as libqpdf writes it, the reference stands as a dictionary's /Font, and nowhere else. */
static bool refers_as_fonts(struct span text, struct span reference)
{
	bool lists[DEPTH_MAX] = {true};
	size_t depth = 0;
	struct span last = SPAN_NONE;

	for (size_t at = 0; at < text.len;) {
		uint8_t c = text.data[at];
		size_t begin = at++;
		if (c == '(') {
			at = text_skip_string(text, begin);
		} else if (c == '[' || (c == '<' && at < text.len && text.data[at] == '<')) {
			at += c == '<' ? 1 : 0;
			if (++depth == DEPTH_MAX)
				return false;
			lists[depth] = c == '[';
		} else if (c == ']' || (c == '>' && at < text.len && text.data[at] == '>')) {
			at += c == '>' ? 1 : 0;
			depth -= depth > 0 ? 1 : 0;
		} else if (c == '/' || !ends_name(c)) {
			while (at < text.len && !ends_name(text.data[at]))
				at++;
			if (text.len - begin >= reference.len &&
				memcmp(text.data + begin, reference.data, reference.len) == 0 &&
				(lists[depth] || !span_equal(last, span_string("/Font"))))
				return false;
			last = SPAN(text.data + begin, at - begin);
		}
	}
	return true;
}

/* All that refers to the list takes it for a list of fonts: where it serves as resources too, or as
 * actions, a new entry may show something by what it is called. */
static bool is_only_fonts(struct view *view, const struct inventory *inventory, uint64_t list)
{
	char reference[32];
	bool good = list != 0;

	snprintf(reference, sizeof(reference), "%u %u R", (unsigned)(list >> 16),
		(unsigned)(list & 65535));
	for (size_t i = 0; good && i < inventory->capacity; i++) {
		const struct object *object = &inventory->places[i];
		if (object->key == 0 || object->zone == ZONE_NONE)
			continue;
		qpdf_oh value = view_object(view, object->key);
		bool stream = qpdf_oh_is_stream(view->qpdf, value);
		qpdf_oh held = stream ? qpdf_oh_get_dict(view->qpdf, value) : value;
		const char *text = stream ? qpdf_oh_unparse(view->qpdf, held)
					  : qpdf_oh_unparse_resolved(view->qpdf, held);
		good = refers_as_fonts(SPAN(text, qpdf_get_last_string_length(view->qpdf)),
			span_string(reference));
		if (stream)
			qpdf_oh_release(view->qpdf, held);
		qpdf_oh_release(view->qpdf, value);
	}
	return good;
}

/* Each entry of the old list is there still, and is a font: a list of fonts is nothing else. */
static bool keeps_fonts(struct view *before, qpdf_oh old, struct view *after, qpdf_oh fresh)
{
	bool keeps = qpdf_oh_is_dictionary(before->qpdf, old) &&
		     qpdf_oh_is_dictionary(after->qpdf, fresh);
	size_t count = 0;

	if (!keeps)
		return false;
	qpdf_oh_begin_dict_key_iter(before->qpdf, old);
	for (; keeps && qpdf_oh_dict_more_keys(before->qpdf); count++) {
		const char *key = qpdf_oh_dict_next_key(before->qpdf);
		keeps = is_font(before, old, key) && is_font(after, fresh, key) &&
			span_equal(view_text(before, qpdf_oh_get_key(before->qpdf, old, key)),
				view_text(after, qpdf_oh_get_key(after->qpdf, fresh, key)));
	}
	return keeps && count > 0;
}

bool fonts_only_grow(struct view *before, const struct inventory *inventory, qpdf_oh old,
	struct view *after, qpdf_oh fresh)
{
	bool good = keeps_fonts(before, old, after, fresh) &&
		    is_only_fonts(before, inventory, view_key(before, old));

	if (!good)
		return false;
	qpdf_oh_begin_dict_key_iter(after->qpdf, fresh);
	while (good && qpdf_oh_dict_more_keys(after->qpdf)) {
		const char *key = qpdf_oh_dict_next_key(after->qpdf);
		if (!qpdf_oh_has_key(before->qpdf, old, key))
			good = is_tame(key) && strlen(key) > 1 && strlen(key) < NAME_MAX_HERE &&
			       is_font(after, fresh, key) && !is_used(before, inventory, key + 1);
	}
	return good;
}
