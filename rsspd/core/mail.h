/* A notice as a mail (RFC 5322, UTF-8, Vietnamese, then English; lines end in LF as in a
 * maildir). */
#ifndef CORE_MAIL_H
#define CORE_MAIL_H

#include "base/buf.h"

struct mail_notice {
	int64_t id;
	const char *kind;	/* "activated", "locked", "unlocked", "factor-changed" */
	const char *credential; /* its id; "": none */
	int64_t created_ms;
	const char *email, *name;
	const char *service; /* who writes */
};

/* RC_PARAMETER_INVALID: an unknown kind, or an address that cannot stand in a mail's header. */
must_check rc_t mail_notice_text(struct buf *out, const struct mail_notice *notice);

#endif
