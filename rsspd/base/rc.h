/*
 * The one error list. Every function that can fail returns rc_t; foreign errors (CK_RV, SQLSTATE,
 * OpenSSL) are mapped to it once, at the edge where they arise.
 */
#ifndef BASE_RC_H
#define BASE_RC_H

#define must_check __attribute__((warn_unused_result))

typedef enum rc {
#define RC(code, status, csc, v1, v2, vi) RC_##code,
#include "base/rc.def"
#undef RC
	RC_COUNT
} rc_t;

enum rc_version { RC_CSC_V1 = 1, RC_CSC_V2 = 2 };

/* "NOT_FOUND": for logs and audit rows; stable, part of the audit format. */
const char *rc_name(rc_t rc);
/* The inverse; RC_COUNT if there is no such name. */
rc_t rc_from_name(const char *name);
/* HTTP status of the answer, 200 for RC_OK. */
int rc_status(rc_t rc);
/* The `error` member (CSC 1.1, OAuth RFC 6749 §5.2). */
const char *rc_error(rc_t rc);
/* The `error_description` member in the words of that version of the API. */
const char *rc_text(rc_t rc, enum rc_version version);
/* The same for people who read Vietnamese: rssp and the table of clients/README.md; the API sends
 * rc_text(), which clients compare. */
const char *rc_text_vi(rc_t rc);

#endif
