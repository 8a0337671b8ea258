#include "hsm/sam/resident.h"

#include "hsm/p11/wrap.h"

#include <stdlib.h>

struct resident {
	CK_OBJECT_HANDLE handle;
	enum key_kind kind;
};

static void resident_drop(void *arg, void *value)
{
	struct sam *sam = arg;
	struct resident *resident = value;

	p11_wrap_close(sam->session, resident->handle);
	free(resident);
}

rc_t resident_start(struct sam *sam)
{
	size_t keys = sam->options.resident_keys;

	return keys == 0 ? RC_OK : lru_new(keys, resident_drop, sam, &sam->resident);
}

static rc_t key_unwrap(struct sam *sam, const struct wrapped_key *wrapped, CK_OBJECT_HANDLE *handle)
{
	const struct sam_generation *generation = sam_generation(sam, wrapped->generation);

	if (generation == NULL)
		return RC_HSM_REFUSED;
	sam->unwraps++;
	return p11_wrap_open(sam->session, generation->wrap, wrapped->kind, wrapped->w, handle);
}

/* Keeping it is a matter of speed: without memory the key serves this once. */
static bool resident_keep(struct sam *sam, const struct resident_key *key, enum key_kind kind)
{
	struct resident *resident = sam->resident == NULL ? NULL : malloc(sizeof(*resident));

	if (resident == NULL)
		return false;
	*resident = (struct resident){key->handle, kind};
	lru_put(sam->resident, key->digest, resident);
	return true;
}

rc_t resident_take(struct sam *sam, const struct wrapped_key *wrapped, struct resident_key *key)
{
	struct resident_key taken = {.kept = true};
	rc_t rc = digest_sha256(wrapped->w, taken.digest);

	if (rc != RC_OK)
		return rc;
	struct resident *resident =
		sam->resident == NULL ? NULL : lru_get(sam->resident, taken.digest);
	if (resident != NULL) {
		if (resident->kind != wrapped->kind)
			return RC_HSM_REFUSED;
		taken.handle = resident->handle;
		*key = taken;
		return RC_OK;
	}
	rc = key_unwrap(sam, wrapped, &taken.handle);
	if (rc != RC_OK)
		return rc;
	taken.kept = resident_keep(sam, &taken, wrapped->kind);
	*key = taken;
	return RC_OK;
}

void resident_return(struct sam *sam, const struct resident_key *key, bool trusted)
{
	if (!key->kept)
		p11_wrap_close(sam->session, key->handle);
	else if (!trusted)
		lru_remove(sam->resident, key->digest);
}
