/* The subscriber's PIN: which are allowed, and what a PIN turns into. */
#ifndef HSM_SAM_PIN_H
#define HSM_SAM_PIN_H

#include "base/secret.h"
#include "hsm/jobs.h"
#include "hsm/p11/session.h"

#define PIN_MIN 6 /* Unicode code points */
#define PIN_MAX 64
#define PIN_BYTES_MAX (4 * PIN_MAX)

#define PIN_KDF_MEMORY_KIB 4096
#define PIN_KDF_PASSES 1
#define PIN_KDF_LANES 1

/* What a PIN must not be made of. */
struct pin_person {
	const char *birth_date; /* YYYY-MM-DD */
	const char *identity_number;
	const char *phone;
};

/*
 * RC_PIN_WEAK unless it is UTF-8 of PIN_MIN to PIN_MAX code points without control characters;
 * not one piece repeated; of more than two different characters; no more than half of it one run of
 * equal, ascending or descending characters (digits, alphabet, rows of the keyboard; 9 and 0 are
 * neighbours); without the birth date in any usual order, with or without separators, century or
 * leading zeros; without four digits in a row from the identity or the phone number.
 */
must_check rc_t pin_check_rules(struct span pin, const struct pin_person *person);

#define PASSWORD_MIN 10 /* Unicode code points */
#define PASSWORD_MAX 128
#define PASSWORD_BYTES_MAX (4 * PASSWORD_MAX)

/*
 * RC_PASSWORD_WEAK unless it is UTF-8 of PASSWORD_MIN to PASSWORD_MAX code points without control
 * characters; not one piece repeated, not mostly one run (as above), not of one or two different
 * characters; and neither contains the identity number nor is the e-mail's address or the name
 * before its @.
 */
must_check rc_t password_check_rules(
	struct span password, struct span identity_number, struct span email);

/* Bounds of what a database may ask for: a row must not make the SAM eat all memory. */
must_check rc_t pin_kdf_check(const struct kdf_parameters *kdf);

/* Argon2id. */
#define STRETCHED_LEN 32
must_check rc_t pin_stretch(const struct kdf_parameters *kdf, struct span salt, struct span pin,
	uint8_t out[STRETCHED_LEN]);

/* The sealing material of a slot, seal.h: HMAC in the token over label, credential, slot and
 * Argon2id(PIN). Bytes of the PIN as they come: whoever types it sends one form (NFC). */
must_check rc_t pin_material(struct p11_session *session, CK_OBJECT_HANDLE pin_key,
	const struct sealed_key *slot, struct span pin, struct secret *material);

#endif
