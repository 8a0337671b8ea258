/*
 * What an application wants signed: the hash list of oauth2/authorize (CSC 1.0.4 §8.3.2, 2.0.0.2
 * §8.4.2) and authorization_details (RFC 9396) of the type `credential`, read into one form. Pure.
 */
#ifndef CORE_RAR_H
#define CORE_RAR_H

#include "base/id.h"
#include "hsm/algo.h"

#include <jansson.h>

#define LABEL_MAX 255 /* characters of a document's label */

struct wish {
	struct id credential;		  /* zero: none was named */
	int64_t signatures;		  /* 0: not said */
	const struct digest_algo *digest; /* NULL: not said */
	struct buf hashes;		  /* owned; hash_count of hash_len bytes, in order */
	size_t hash_len, hash_count;
	json_t *labels; /* owned; a text a hash, "" where none was given; NULL: no labels at all */
};

void wish_free(struct wish *wish);

/* Comma separated; base64url or base64, padding or none. `wish` has no hashes yet. RC_HASH_EMPTY,
 * RC_HASH_NOT_BASE64, RC_HASH_LENGTH (uneven, or of no known algorithm),
 * RC_NUM_SIGNATURES_TOO_HIGH (more than HASHES_MAX). */
must_check rc_t wish_read_hashes(struct wish *wish, const char *list);

/* A JSON array with one entry, or that entry alone. Fills a whole wish. RC_DETAILS_INVALID, or a
 * fault of the hashes; `*why` (a string constant, or NULL) says in English what is wrong. */
must_check rc_t wish_read_details(struct wish *wish, const char *text, const char **why);
/* The `type` of an entry that wish_read_details() takes: its address or its short name. */
const char *wish_details_type(const char *text);

/* Sets what was not said: the number of signatures by the hashes, the algorithm by their length.
 * RC_NUM_SIGNATURES_MISSING, _INVALID (not as many as hashes), _TOO_HIGH, RC_HASH_LENGTH. */
must_check rc_t wish_complete(struct wish *wish, int64_t signatures_max);

/* Do both, complete, ask for the same: credential, algorithm, digests as often each, in any order?
 * Labels do not count. */
bool wish_equal(const struct wish *a, const struct wish *b);

/* A text that people are shown: no control characters, nothing that turns the direction of
 * writing, at most so many characters. */
bool wish_text_is_plain(const char *text, size_t characters_max);

#endif
