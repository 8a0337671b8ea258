/* The parts that certificates and revocation lists are made of. */
#ifndef HSM_SAM_X509_H
#define HSM_SAM_X509_H

#include "base/buf.h"

#include <openssl/x509.h>

/*
 * X.520's upper bound of 64 characters for names of organisations and units is too short for many
 * Vietnamese agencies; decoders (OpenSSL, NSS, GnuTLS, Java) do not enforce it. Nothing is ever
 * cut: more than X509_TEXT_MAX is refused, and a person's name (CN) keeps the bound of 64.
 */
#define X509_TEXT_MAX 128
#define X509_NAME_MAX 64

/* Version 3, a serial of 128 random bits, times, public key. */
must_check rc_t x509_start(
	X509 *x509, EVP_PKEY *public_key, int64_t not_before_ms, int64_t not_after_ms);
/* One RDN, UTF8String (PrintableString for C); RC_RANGE when it is longer than max code points or
 * no plain text; an empty text adds nothing. */
must_check rc_t x509_name_add(X509_NAME *name, int nid, const char *text, size_t max);
/* An extension in OpenSSL's notation: only for texts of our own or of the configuration. */
must_check rc_t x509_extend(X509 *x509, const X509 *issuer, int nid, const char *value);

#endif
