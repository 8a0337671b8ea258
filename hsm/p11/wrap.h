/*
 * Users' keys: made in the token as session objects, wrapped under `wrap` with AES key wrap with
 * padding (RFC 5649), kept outside, unwrapped to sign and for nothing else.
 */
#ifndef HSM_P11_WRAP_H
#define HSM_P11_WRAP_H

#include "hsm/p11/public.h"

/*
 * A new pair; nothing of it stays in the token. `wrapped` is appended to; the public key is the
 * caller's (EVP_PKEY_free). A wrapped key proves no origin and an EC one does not hold its public
 * point: bind the public key in what seals it.
 */
must_check rc_t p11_wrap_new_pair(struct p11_session *session, CK_OBJECT_HANDLE wrap,
	enum key_kind kind, struct buf *wrapped, EVP_PKEY **public_key);

/* A session object that signs and cannot leave; RC_CRYPTO for what `wrap` did not wrap. */
must_check rc_t p11_wrap_open(struct p11_session *session, CK_OBJECT_HANDLE wrap,
	enum key_kind kind, struct span wrapped, CK_OBJECT_HANDLE *key);
void p11_wrap_close(struct p11_session *session, CK_OBJECT_HANDLE key);

#endif
