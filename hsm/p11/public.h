/* Public keys out of the token: as OpenSSL's EVP_PKEY. */
#ifndef HSM_P11_PUBLIC_H
#define HSM_P11_PUBLIC_H

#include "hsm/algo.h"
#include "hsm/p11/session.h"

#include <openssl/evp.h>

/* Of a public key object; RC_CRYPTO if it is not a sound key of that kind. Free with EVP_PKEY_free.
 */
must_check rc_t p11_public_read(struct p11_session *session, CK_OBJECT_HANDLE object,
	enum key_kind kind, EVP_PKEY **public_key);
/* RC_CRYPTO if it is no kind of ours. */
must_check rc_t p11_public_kind(const EVP_PKEY *public_key, enum key_kind *kind);

#endif
