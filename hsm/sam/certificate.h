/* A subscriber's certificate, as far as signing needs it. */
#ifndef HSM_SAM_CERTIFICATE_H
#define HSM_SAM_CERTIFICATE_H

#include "base/digest.h"
#include "hsm/algo.h"

#include <openssl/x509.h>

struct certificate {
	uint8_t public_sha256[SHA256_LEN]; /* of SubjectPublicKeyInfo, DER */
	int64_t not_before_ms, not_after_ms;
	enum key_kind kind;
	EVP_PKEY *public_key;
};

/* RC_HSM_REFUSED when it does not parse or its key is of no kind of ours. */
must_check rc_t certificate_parse(struct span der, struct certificate **certificate);
void certificate_free(struct certificate **certificate);
/* RC_CERTIFICATE_EXPIRED outside its time. */
must_check rc_t certificate_check_time(const struct certificate *certificate, int64_t now_ms);

/* The issuers that may have signed a subscriber's certificate: a PEM file, one or more. */
struct issuers;
must_check rc_t issuers_load(struct issuers **issuers, const char *path);
void issuers_free(struct issuers **issuers);
/* RC_HSM_REFUSED if none of them signed it. */
must_check rc_t issuers_verify(const struct issuers *issuers, struct span der);

#endif
