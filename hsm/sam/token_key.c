/* Role issue: the key of a day's access tokens, derived from `sam` and the day. */
#include "hsm/sam/state.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/wire.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#define DAY_MS (24 * INT64_C(3600000))
/* 64 bits more than the group's order: what is left of them modulo it is even (FIPS 186-5 A.2.1).
 */
#define SEED_LEN 40

/* The oldest generation: a new one is known to those SAMs only that were started since, and all
 * daemons must have the same key of a day. It moves when that one is destroyed. */
static struct span seed_key(const struct sam *sam)
{
	return secret_span(&sam->generations[0].token);
}

/* Who asks for the keys of years to come would have them when nobody watches any more. */
static bool epoch_is_near(uint64_t epoch)
{
	uint64_t today = (uint64_t)(clock_wall_ms() / DAY_MS);

	return epoch + 1 >= today && epoch <= today + 1;
}

static rc_t scalar_from_seed(const uint8_t seed[SEED_LEN], struct buf *out)
{
	uint8_t bytes[TOKEN_KEY_LEN];
	rc_t rc = RC_CRYPTO;

	BN_CTX *scratch = BN_CTX_new();
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	BIGNUM *number = BN_bin2bn(seed, SEED_LEN, NULL);
	BIGNUM *most = group == NULL ? NULL : BN_dup(EC_GROUP_get0_order(group));
	if (scratch == NULL || number == NULL || most == NULL)
		goto out;
	/* 1 … order - 1 */
	if (BN_sub_word(most, 1) != 1 || BN_mod(number, number, most, scratch) != 1 ||
		BN_add_word(number, 1) != 1 ||
		BN_bn2binpad(number, bytes, sizeof(bytes)) != (int)sizeof(bytes))
		goto out;
	rc = buf_set(out, SPAN(bytes, sizeof(bytes)));
out:
	OPENSSL_cleanse(bytes, sizeof(bytes));
	BN_clear_free(number);
	BN_free(most);
	EC_GROUP_free(group);
	BN_CTX_free(scratch);
	return rc;
}

rc_t sam_token_key(
	struct sam *sam, const struct job_token_key *job, struct job_token_key_given *answer)
{
	struct buf info = BUF_INIT;
	uint8_t seed[SEED_LEN];

	if (!epoch_is_near(job->epoch))
		return RC_RANGE;
	rc_t rc = wire_put_string(&info, "rsspd token key v1");
	if (rc == RC_OK)
		rc = wire_put_number(&info, job->epoch);
	if (rc == RC_OK)
		rc = digest_hkdf_sha256(
			seed_key(sam), SPAN_NONE, buf_span(&info), seed, sizeof(seed));
	if (rc == RC_OK)
		rc = scalar_from_seed(seed, &answer->key);
	OPENSSL_cleanse(seed, sizeof(seed));
	buf_free(&info);
	return rc;
}
