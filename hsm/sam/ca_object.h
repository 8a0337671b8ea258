/* The CA's certificate: built, kept in the token as an object, read from it. */
#ifndef HSM_SAM_CA_OBJECT_H
#define HSM_SAM_CA_OBJECT_H

#include "hsm/p11/session.h"
#include "base/buf.h"

#include <openssl/x509.h>

/* RC_TOKEN_ATTRIBUTES unless there is exactly one, and it is one certificate. */
must_check rc_t ca_object_read(struct p11_session *session, X509 **certificate);
must_check rc_t ca_object_store(struct p11_session *session, uint64_t generation, struct span der);
/* The CA's public key object. */
must_check rc_t ca_object_public(struct p11_session *session, EVP_PKEY **public_key);
/* Not yet signed: CN "<service name> CA", O "<service name>", C; CA, path length 0, signs
 * certificates and lists, 10 years. */
must_check rc_t ca_object_build(
	EVP_PKEY *public_key, const char *service_name, const char *country, X509 **certificate);

#endif
