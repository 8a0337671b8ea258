#include "hsm/sam/otp.h"

#include "base/wire.h"

#include <openssl/crypto.h>
#include <liboath/oath.h>
#include <string.h>

rc_t otp_library_start(void)
{
	return oath_init() == OATH_OK ? RC_OK : RC_CRYPTO;
}

static rc_t otp_code(struct span secret, int64_t step, char code[OTP_DIGITS + 1])
{
	int rc = oath_hotp_generate((const char *)secret.data, secret.len, (uint64_t)step,
		OTP_DIGITS, false, OATH_HOTP_DYNAMIC_TRUNCATION, code);

	return rc == OATH_OK ? RC_OK : RC_CRYPTO;
}

/* The newest step of the window whose code it is; -1: none. Always the same work. */
static rc_t otp_match(struct span secret, struct span code, int64_t present, int64_t *match)
{
	char expected[OTP_DIGITS + 1];
	int64_t found = -1;
	rc_t rc = RC_OK;

	for (int64_t step = present - 1; step <= present + 1 && rc == RC_OK; step++) {
		rc = otp_code(secret, step, expected);
		if (rc == RC_OK && CRYPTO_memcmp(expected, code.data, OTP_DIGITS) == 0)
			found = step;
	}
	OPENSSL_cleanse(expected, sizeof(expected));
	if (rc == RC_OK)
		*match = found;
	return rc;
}

rc_t otp_check(struct span secret, struct span code, int64_t now_ms, int64_t last_step,
	struct otp_answer *answer)
{
	int64_t match = -1;

	if (code.len != OTP_DIGITS || now_ms < OTP_STEP_S * 1000)
		return RC_OTP_WRONG;
	rc_t rc = otp_match(secret, code, now_ms / 1000 / OTP_STEP_S, &match);
	if (rc != RC_OK)
		return rc;
	if (match < 0)
		return RC_OTP_WRONG;
	if (match <= last_step) {
		/* the database's word for the last step may be nonsense: never more than the
		 * window can need */
		int64_t wait_ms = (match + 3) * OTP_STEP_S * 1000 - now_ms;
		if (last_step <= match + 2)
			wait_ms = (last_step + 1) * OTP_STEP_S * 1000 - now_ms;
		answer->retry_after_s = wait_ms <= 1000 ? 1 : (unsigned)((wait_ms + 999) / 1000);
		return RC_OTP_REPLAYED;
	}
	answer->step = match;
	return RC_OK;
}

rc_t otp_record_encode(struct buf *out, struct span secret)
{
	rc_t rc = wire_put_bytes(out, secret);

	if (rc == RC_OK)
		rc = wire_put_number(out, OTP_DIGITS);
	if (rc == RC_OK)
		rc = wire_put_number(out, OTP_STEP_S);
	if (rc == RC_OK)
		rc = wire_put_string(out, "SHA1");
	return rc;
}

rc_t otp_record_decode(struct span record, struct span *secret)
{
	struct wire_reader reader = wire_reader(record);
	char algorithm[8];

	struct span found = wire_get_bytes(&reader);
	uint64_t digits = wire_get_number(&reader);
	uint64_t step = wire_get_number(&reader);
	wire_get_string(&reader, algorithm, sizeof(algorithm));
	rc_t rc = wire_reader_end(&reader);
	if (rc != RC_OK)
		return rc;
	if (found.len != OTP_SECRET_LEN || digits != OTP_DIGITS || step != OTP_STEP_S ||
		strcmp(algorithm, "SHA1") != 0)
		return RC_FORMAT;
	*secret = found;
	return RC_OK;
}
