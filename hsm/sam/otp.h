/*
 * Time-based one-time passwords, RFC 6238: HMAC-SHA-1, 6 digits, 30 seconds. The step before, the
 * present one and the next are accepted, and only a step later than the last one accepted.
 */
#ifndef HSM_SAM_OTP_H
#define HSM_SAM_OTP_H

#include "base/buf.h"

#define OTP_DIGITS 6
#define OTP_STEP_S 30
#define OTP_SECRET_LEN 20 /* RFC 4226 §4 R6: 160 bits */

/* Once in a process. */
must_check rc_t otp_library_start(void);

struct otp_answer {
	int64_t step;		/* RC_OK: the step that was used */
	unsigned retry_after_s; /* RC_OTP_REPLAYED: until the authenticator shows a fresh code */
};

/* RC_OTP_WRONG, or RC_OTP_REPLAYED for a code whose step is not later than last_step. */
must_check rc_t otp_check(struct span secret, struct span code, int64_t now_ms, int64_t last_step,
	struct otp_answer *answer);

/* The record that is sealed: see seal.h. RC_FORMAT when it is not of this form. */
must_check rc_t otp_record_encode(struct buf *out, struct span secret);
must_check rc_t otp_record_decode(struct span record, struct span *secret);

#endif
