/* The mail that carries an activation code: the only place outside the SAM that ever holds it. */
#ifndef HSM_SAM_MAIL_H
#define HSM_SAM_MAIL_H

#include "base/buf.h"

struct mail_code {
	const char *service_name;
	const char *public_url;
	const char *name;  /* the subscriber */
	const char *email; /* checked: one plain address */
	struct span code;
	int64_t expires_ms;
};

/* RFC 5322, UTF-8, lines end in LF as in a maildir. */
must_check rc_t mail_code_compose(struct buf *out, const struct mail_code *mail);
/* Into the spool folder, as file_spool() does, under a name of its own that ends in ".eml". */
must_check rc_t mail_spool(const char *folder, struct span text);

#endif
