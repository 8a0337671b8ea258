#include "core/otpauth.h"

#include <string.h>

static rc_t base32_put(struct buf *out, struct span bytes)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	unsigned bits = 0, held = 0;
	rc_t rc = RC_OK;

	for (size_t i = 0; i < bytes.len && rc == RC_OK; i++) {
		held = (held & 0x1f) << 8 | bytes.data[i];
		bits += 8;
		while (bits >= 5 && rc == RC_OK) {
			bits -= 5;
			rc = buf_append(out, &letters[held >> bits & 0x1f], 1);
		}
	}
	if (rc == RC_OK && bits > 0)
		rc = buf_append(out, &letters[held << (5 - bits) & 0x1f], 1);
	return rc;
}

static rc_t percent_put(struct buf *out, const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789-._~";
	rc_t rc = RC_OK;

	for (const char *c = text; *c != 0 && rc == RC_OK; c++) {
		if (strchr(plain, *c) != NULL)
			rc = buf_append(out, c, 1);
		else
			rc = buf_printf(out, "%%%02X", (unsigned char)*c);
	}
	return rc;
}

rc_t otpauth_uri(
	struct secret *uri, struct span otp_secret, const char *issuer, const char *account)
{
	struct buf fresh = BUF_INIT;
	rc_t rc = buf_append_string(&fresh, "otpauth://totp/");

	if (rc == RC_OK)
		rc = percent_put(&fresh, issuer);
	if (rc == RC_OK)
		rc = buf_append_string(&fresh, ":");
	if (rc == RC_OK)
		rc = percent_put(&fresh, account);
	if (rc == RC_OK)
		rc = buf_append_string(&fresh, "?secret=");
	if (rc == RC_OK)
		rc = base32_put(&fresh, otp_secret);
	if (rc == RC_OK)
		rc = buf_append_string(&fresh, "&issuer=");
	if (rc == RC_OK)
		rc = percent_put(&fresh, issuer);
	if (rc == RC_OK)
		rc = buf_append_string(&fresh, "&algorithm=SHA1&digits=6&period=30");
	if (rc == RC_OK)
		rc = secret_set(uri, buf_span(&fresh));
	buf_free(&fresh);
	return rc;
}
