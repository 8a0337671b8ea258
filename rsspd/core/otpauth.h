/* The key URI that authenticator apps read: otpauth://totp/… ("Key Uri Format" of the Google
 * Authenticator project, which RFC 6238 leaves open). */
#ifndef CORE_OTPAUTH_H
#define CORE_OTPAUTH_H

#include "base/secret.h"

/* Issuer and account are UTF-8 and are percent-encoded (RFC 3986 §2.1), the secret is base32
 * without padding (RFC 4648 §6). SHA-1, 6 digits, 30 s: what every authenticator understands. */
must_check rc_t otpauth_uri(
	struct secret *uri, struct span otp_secret, const char *issuer, const char *account);

#endif
