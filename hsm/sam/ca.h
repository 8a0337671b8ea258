/*
 * The built-in CA: an RSA-3072 key in a token of its own, with its certificate beside it as a
 * CKO_CERTIFICATE object (label "rssp-ca"). RSA-3072 and not P-384: every PDF reader checks it, and
 * a check costs 30 µs against 530 µs, while a signature is made once an activation.
 */
#ifndef HSM_SAM_CA_H
#define HSM_SAM_CA_H

#include "hsm/p11/session.h"
#include "base/buf.h"

#include <openssl/x509.h>

struct ca;

/* The session stays the caller's. RC_TOKEN_ATTRIBUTES unless key and certificate are there, and as
 * they must be, and belong together. */
must_check rc_t ca_open(struct p11_session *session, struct ca **ca);
void ca_free(struct ca **ca);
const X509 *ca_certificate(const struct ca *ca);

/* Signs with sha256WithRSAEncryption and verifies before it gives anything out; appends DER. The
 * times, names, extensions and the key are set already; certificate and list are the caller's. */
must_check rc_t ca_sign_certificate(struct ca *ca, X509 *certificate, struct buf *der);
/* tbs: DER of a TBSCertList that names sha256WithRSAEncryption. */
must_check rc_t ca_sign_crl(struct ca *ca, struct span tbs, struct buf *der);

/* rssp-keys: makes what is missing of key and certificate (P11_WRITE); finding both is success. */
must_check rc_t ca_init(struct p11_session *session, const char *service_name, const char *country);
/* The certificate, PEM, written to path: a new file, mode 0644, put in place at once. */
must_check rc_t ca_write_certificate(const struct ca *ca, const char *path);

#endif
