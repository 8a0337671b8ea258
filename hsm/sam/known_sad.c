#include "hsm/sam/known_sad.h"

#include <stdlib.h>

#define KNOWN_SADS_MAX 1024
#define KNOWN_SAD_LEN_MAX 8192 /* of `bound`: some 200 hashes */

struct known_sad {
	struct buf bound, seal, plain;
};

static void known_sad_drop(void *arg, void *value)
{
	struct known_sad *known = value;

	(void)arg;
	buf_free(&known->bound);
	buf_free(&known->seal);
	buf_free(&known->plain);
	free(known);
}

rc_t known_sad_start(struct sam *sam)
{
	if (sam->options.resident_keys == 0)
		return RC_OK;
	return lru_new(KNOWN_SADS_MAX, known_sad_drop, NULL, &sam->sads);
}

bool known_sad_find(struct sam *sam, const uint8_t s_sha256[SHA256_LEN], struct span bound,
	struct span seal, struct buf *plain)
{
	const struct known_sad *known = sam->sads == NULL ? NULL : lru_get(sam->sads, s_sha256);

	return known != NULL && span_equal(buf_span(&known->seal), seal) &&
	       span_equal(buf_span(&known->bound), bound) &&
	       buf_set(plain, buf_span(&known->plain)) == RC_OK;
}

void known_sad_keep(struct sam *sam, const uint8_t s_sha256[SHA256_LEN], struct span bound,
	struct span seal, struct span plain)
{
	struct known_sad *known = NULL;

	if (sam->sads == NULL || bound.len > KNOWN_SAD_LEN_MAX)
		return;
	known = calloc(1, sizeof(*known));
	if (known == NULL)
		return;
	if (buf_set(&known->bound, bound) == RC_OK && buf_set(&known->seal, seal) == RC_OK &&
		buf_set(&known->plain, plain) == RC_OK)
		lru_put(sam->sads, s_sha256, known);
	else
		known_sad_drop(NULL, known);
}
