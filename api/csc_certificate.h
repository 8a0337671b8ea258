/* What credentials/info says of a certificate, read from its DER. */
#ifndef API_CSC_CERTIFICATE_H
#define API_CSC_CERTIFICATE_H

#include "base/buf.h"

#define CERTIFICATE_TIME 16 /* "YYYYMMDDHHMMSSZ" with the terminator */

struct certificate_facts {
	struct buf issuer, subject; /* RFC 4514, UTF-8 */
	struct buf serial;	    /* hexadecimal */
	struct buf organization, common_name;
	char valid_from[CERTIFICATE_TIME], valid_to[CERTIFICATE_TIME];
};

/* RC_FORMAT. On success the caller frees the facts. */
must_check rc_t certificate_read(struct certificate_facts *facts, struct span der);
void certificate_facts_free(struct certificate_facts *facts);

#endif
