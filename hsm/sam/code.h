/*
 * Activation codes: 100 random bits as 20 characters of Crockford's base 32, in groups of five. A
 * code exists in the mail to the subscriber and nowhere else; the database holds its MAC.
 */
#ifndef HSM_SAM_CODE_H
#define HSM_SAM_CODE_H

#include "base/digest.h"
#include "base/id.h"
#include "base/secret.h"
#include "hsm/jobs.h"

#define CODE_CHARACTERS 20
#define CODE_VALID_MS (72 * 3600 * 1000LL)

/* "ABCDE-FGHJK-MNPQR-STVWX" */
must_check rc_t code_draw(struct secret *code);

/*
 * MAC under a working key: HMAC-SHA-256 over string "rsspd activation code v1", bytes enrolment,
 * bytes SHA-256 of the statement, number expiry in ms, bytes code (20 characters, canonical).
 * Dashes, spaces and case in `code` do not matter, O is 0, I and L are 1. RC_FORMAT for what is no
 * code.
 */
must_check rc_t code_mac(struct span key, const struct id *enrolment, struct span statement,
	int64_t expires_ms, struct span code, uint8_t mac[CODE_MAC_LEN]);

#endif
