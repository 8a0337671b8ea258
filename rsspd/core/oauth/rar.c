#include "core/oauth/rar.h"

#include "base/base64.h"
#include "hsm/jobs.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A Base64 text of the longest digest, with padding. */
#define HASH_TEXT_MAX 88

void wish_free(struct wish *wish)
{
	buf_free(&wish->hashes);
	json_decref(wish->labels);
	*wish = (struct wish){.labels = NULL};
}

/* ---- hashes ---- */

/* Either alphabet, padded or not. */
static rc_t hash_decode(struct buf *out, struct span text)
{
	char url[HASH_TEXT_MAX];

	if (text.len == 0 || text.len > sizeof(url))
		return RC_HASH_NOT_BASE64;
	size_t len = text.len;
	for (int padding = 0; text.len % 4 == 0 && padding < 2 && text.data[len - 1] == '=';
		padding++)
		len--;
	for (size_t i = 0; i < len; i++) {
		char c = (char)text.data[i];
		url[i] = (char)(c == '+' ? '-' : c == '/' ? '_' : c);
	}
	rc_t rc = base64url_decode(out, SPAN(url, len));
	return rc == RC_FORMAT ? RC_HASH_NOT_BASE64 : rc;
}

/* Base64 is judged before length, for all of them: `uneven` is told at the end. */
static rc_t hash_add(struct wish *wish, struct span text, bool *uneven)
{
	size_t before = wish->hashes.len;

	if (wish->hash_count >= HASHES_MAX)
		return RC_NUM_SIGNATURES_TOO_HIGH;
	rc_t rc = hash_decode(&wish->hashes, text);
	if (rc != RC_OK)
		return rc;
	size_t len = wish->hashes.len - before;
	if (wish->hash_count == 0)
		wish->hash_len = len;
	*uneven = *uneven || len != wish->hash_len;
	wish->hash_count++;
	return RC_OK;
}

static rc_t hashes_judge(const struct wish *wish, bool uneven)
{
	return uneven || digest_algo_by_len(wish->hash_len) == NULL ? RC_HASH_LENGTH : RC_OK;
}

rc_t wish_read_hashes(struct wish *wish, const char *list)
{
	bool uneven = false, last = list[0] == 0;

	if (last)
		return RC_HASH_EMPTY;
	while (!last) {
		size_t len = strcspn(list, ",");
		rc_t rc = hash_add(wish, SPAN(list, len), &uneven);
		if (rc != RC_OK)
			return rc;
		last = list[len] == 0;
		list += len + 1;
	}
	return hashes_judge(wish, uneven);
}

/* ---- texts ---- */

/* U+202A to U+202E and U+2066 to U+2069 turn the direction of writing, U+2028 and U+2029 end lines;
 * U+0080 to U+009F are controls. */
static bool character_is_plain(const unsigned char *at)
{
	if (at[0] < 0x20 || at[0] == 0x7f)
		return false;
	if (at[0] == 0xc2)
		return at[1] >= 0xa0;
	if (at[0] != 0xe2)
		return true;
	if (at[1] == 0x80)
		return at[2] < 0xa8 || at[2] > 0xae;
	return at[1] != 0x81 || at[2] < 0xa6 || at[2] > 0xa9;
}

bool wish_text_is_plain(const char *text, size_t characters_max)
{
	size_t count = 0;

	for (const unsigned char *at = (const unsigned char *)text; *at != 0; at++) {
		if ((*at & 0xc0) == 0x80)
			continue; /* of the character before */
		if (!character_is_plain(at))
			return false;
		count++;
	}
	return count <= characters_max;
}

/* ---- authorization_details ---- */

static const char *const details_types[] = {
	"credential", "https://cloudsignatureconsortium.org/2025/credential"};

static const json_t *member_of(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return json_is_null(value) ? NULL : value;
}

static rc_t wrong(const char **why, const char *text)
{
	*why = text;
	return RC_DETAILS_INVALID;
}

static rc_t label_add(struct wish *wish, const json_t *label, const char **why)
{
	if (label != NULL &&
		(!json_is_string(label) ||
			strlen(json_string_value(label)) != json_string_length(label) ||
			!wish_text_is_plain(json_string_value(label), LABEL_MAX)))
		return wrong(why, "a label is a text of at most 255 characters, none of control");
	const char *text = label == NULL ? "" : json_string_value(label);
	return json_array_append_new(wish->labels, json_string(text)) == 0 ? RC_OK : RC_NO_MEMORY;
}

/* Only what is signed as it stands can be authorised: the digest of the bytes to be signed. */
static bool hash_type_is_ours(const json_t *type)
{
	return type == NULL ||
	       (json_is_string(type) && strcasecmp(json_string_value(type), "dtbsr") == 0);
}

static rc_t document_read(struct wish *wish, const json_t *document, bool *uneven, const char **why)
{
	const json_t *hash = member_of(document, "hash");

	if (!json_is_object(document) || !json_is_string(hash))
		return wrong(why, "each of documentDigests is an object with a hash");
	if (!hash_type_is_ours(member_of(document, "hashType")))
		return wrong(why, "hashType is not offered: only dtbsr");
	rc_t rc = hash_add(wish, SPAN(json_string_value(hash), json_string_length(hash)), uneven);
	return rc == RC_OK ? label_add(wish, member_of(document, "label"), why) : rc;
}

static rc_t documents_read(struct wish *wish, const json_t *documents, const char **why)
{
	bool uneven = false;

	if (documents == NULL)
		return RC_OK;
	if (!json_is_array(documents) || json_array_size(documents) == 0)
		return wrong(why, "documentDigests is an array of at least one document");
	wish->labels = json_array();
	rc_t rc = wish->labels == NULL ? RC_NO_MEMORY : RC_OK;
	for (size_t i = 0; rc == RC_OK && i < json_array_size(documents); i++)
		rc = document_read(wish, json_array_get(documents, i), &uneven, why);
	return rc == RC_OK ? hashes_judge(wish, uneven) : rc;
}

static rc_t terms_read(struct wish *wish, const json_t *entry, const char **why)
{
	const json_t *credential = member_of(entry, "credentialID");
	const json_t *signatures = member_of(entry, "numSignatures");
	const json_t *oid = member_of(entry, "hashAlgorithmOID");

	if (member_of(entry, "signatureQualifier") != NULL)
		return RC_QUALIFIER_INVALID;
	if (credential != NULL &&
		(!json_is_string(credential) ||
			id_parse(&wish->credential, json_string_value(credential)) != RC_OK))
		return RC_CREDENTIAL_ID_INVALID;
	if (signatures != NULL && !json_is_integer(signatures))
		return wrong(why, "numSignatures is an integer");
	wish->signatures = json_integer_value(signatures);
	if (signatures != NULL && wish->signatures < 1)
		return RC_NUM_SIGNATURES_INVALID;
	if (oid != NULL && json_is_string(oid))
		wish->digest = digest_algo_by_oid(json_string_value(oid));
	return oid != NULL && wish->digest == NULL ? RC_HASH_ALGO_INVALID : RC_OK;
}

static const char *type_of(const json_t *entry)
{
	const char *type = json_string_value(json_object_get(entry, "type"));

	for (size_t i = 0; type != NULL && i < sizeof(details_types) / sizeof(details_types[0]);
		i++) {
		if (strcmp(type, details_types[i]) == 0)
			return details_types[i];
	}
	return NULL;
}

/* The one entry, inside `root`. */
static const json_t *entry_of(const json_t *root)
{
	const json_t *entry = root;

	if (json_is_array(root))
		entry = json_array_size(root) == 1 ? json_array_get(root, 0) : NULL;
	return json_is_object(entry) ? entry : NULL;
}

rc_t wish_read_details(struct wish *wish, const char *text, const char **why)
{
	json_error_t error;
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	const json_t *entry = entry_of(root);
	rc_t rc;

	*why = NULL;
	if (root == NULL)
		rc = wrong(why, "it is not JSON");
	else if (entry == NULL)
		rc = wrong(why, "it is an array of one object");
	else if (type_of(entry) == NULL)
		rc = wrong(why, "its type is not offered: only credential");
	else
		rc = terms_read(wish, entry, why);
	if (rc == RC_OK)
		rc = documents_read(wish, member_of(entry, "documentDigests"), why);
	json_decref(root);
	return rc;
}

const char *wish_details_type(const char *text)
{
	json_error_t error;
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	const json_t *entry = entry_of(root);
	const char *type = entry == NULL ? NULL : type_of(entry);

	json_decref(root);
	return type;
}

/* ---- a whole wish ---- */

rc_t wish_complete(struct wish *wish, int64_t signatures_max)
{
	int64_t count = (int64_t)wish->hash_count;

	if (wish->signatures == 0)
		wish->signatures = count;
	if (wish->signatures == 0)
		return RC_NUM_SIGNATURES_MISSING;
	if (wish->signatures < 1 || (count > 0 && wish->signatures != count))
		return RC_NUM_SIGNATURES_INVALID;
	if (wish->signatures > signatures_max || wish->signatures > HASHES_MAX)
		return RC_NUM_SIGNATURES_TOO_HIGH;
	if (wish->digest == NULL)
		wish->digest = count > 0 ? digest_algo_by_len(wish->hash_len)
					 : digest_algo_by_kind(DIGEST_SHA256);
	return count > 0 && wish->digest->len != wish->hash_len ? RC_HASH_LENGTH : RC_OK;
}

static size_t times(const struct wish *wish, const uint8_t *hash)
{
	size_t found = 0;

	for (size_t i = 0; i < wish->hash_count; i++)
		found += memcmp(wish->hashes.data + i * wish->hash_len, hash, wish->hash_len) == 0;
	return found;
}

bool wish_equal(const struct wish *a, const struct wish *b)
{
	if (!id_equal(&a->credential, &b->credential) || a->signatures != b->signatures ||
		a->digest != b->digest || a->hash_count != b->hash_count ||
		a->hash_len != b->hash_len)
		return false;
	for (size_t i = 0; i < a->hash_count; i++) {
		const uint8_t *hash = a->hashes.data + i * a->hash_len;
		if (times(a, hash) != times(b, hash))
			return false;
	}
	return true;
}
