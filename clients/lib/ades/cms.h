/*
 * A detached CMS SignedData (RFC 5652) with one signer and the attributes of CAdES-BES
 * (ETSI EN 319 122-1 §5, as PAdES B-B wants them: EN 319 142-1 §6.3): content type, message digest,
 * signing-certificate-v2; signing-time only where it is asked for. The key is elsewhere: the caller
 * gets the digest to sign and brings the signature.
 */
#ifndef ADES_CMS_H
#define ADES_CMS_H

#include "clients/lib/ades/ades.h"

#include <openssl/evp.h>

struct cms;

/* NULL: none of ours. */
const EVP_MD *cms_digest_md(enum ades_digest digest);

/* content_digest: by signer->digest over the content. RC_FORMAT: the certificate does not parse. */
must_check rc_t cms_prepare(
	const struct ades_signer *signer, struct span content_digest, struct cms **cms);
/* The same with signing-time, which CAdES B-B must have (EN 319 122-1 §6.3) and PAdES must not; it
 * has whole seconds. RC_RANGE: a time that ASN.1 cannot say. */
must_check rc_t cms_prepare_at(const struct ades_signer *signer, struct span content_digest,
	int64_t signed_at_ms, struct cms **cms);
void cms_free(struct cms **cms);

/* What the key has to sign; lives as long as cms. */
struct span cms_to_sign(const struct cms *cms);

/* RC_SIGNATURE_BAD if it is not the certificate's signature over cms_to_sign(). Appends DER. */
must_check rc_t cms_finish(struct cms *cms, struct span signature, struct buf *out);

/* Of a finished CMS, which padding may follow: the digest that its signer's key signed, and the
 * common name in the signer's certificate (empty if it is not inside). RC_FORMAT: no such CMS. */
struct cms_summary {
	uint8_t digest[ADES_DIGEST_MAX];
	size_t digest_len;
	char signer[256];
};
must_check rc_t cms_read(struct span der, struct cms_summary *summary);

#endif
