/* What the books need to know of a certificate that a SAM made. */
#ifndef CORE_X509_H
#define CORE_X509_H

#include "base/digest.h"

#define SERIAL_MAX 20 /* RFC 5280 §4.1.2.2 */

struct x509_facts {
	uint8_t serial[SERIAL_MAX]; /* big-endian, without leading zeros */
	size_t serial_len;
	uint8_t sha256[SHA256_LEN]; /* of the DER */
	int64_t valid_from_ms, valid_to_ms;
};

/* RC_FORMAT unless it is exactly one certificate, DER. */
must_check rc_t x509_facts_read(struct x509_facts *facts, struct span der);

/* A revocation list: from when until when it is to be used. RC_FORMAT unless it is one, DER, with
 * both. */
struct x509_crl_facts {
	int64_t this_update_ms, next_update_ms;
};
must_check rc_t x509_crl_facts_read(struct x509_crl_facts *facts, struct span der);

#endif
