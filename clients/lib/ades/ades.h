/* What the AdES formats share: schemes, digests, and the CMS that both sign with. */
#ifndef ADES_ADES_H
#define ADES_ADES_H

#include "base/buf.h"

enum ades_scheme { ADES_RSA_PKCS1 = 1, ADES_RSA_PSS, ADES_ECDSA };
enum ades_digest { ADES_SHA256 = 1, ADES_SHA384, ADES_SHA512 };

#define ADES_DIGEST_MAX 64

/* Who signs, and how. All DER; owned by the caller for as long as the call lasts. */
struct ades_signer {
	struct span certificate;
	const struct span *chain; /* issuers, in any order; may be NULL */
	size_t chain_len;
	enum ades_scheme scheme; /* must fit the certificate's key, else RC_SIGN_ALGO_INVALID */
	enum ades_digest digest;
};

/* RSASSA-PSS-params (RFC 8017 A.2.3): that digest, MGF1 with it, a salt as long as it. */
must_check rc_t ades_pss_params(struct buf *out, enum ades_digest digest);

#endif
