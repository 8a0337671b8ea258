/*
 * CAdES B-B (ETSI EN 319 122-1 §6.3), detached: a content of any length in, piece by piece, the
 * digest that a key elsewhere has to sign, the CMS out. Beside what PAdES has too, signing-time is
 * in it: the baseline level wants it.
 */
#ifndef ADES_CADES_H
#define ADES_CADES_H

#include "clients/lib/ades/ades.h"

struct cades;

/* RC_HASH_ALGO_INVALID: an unknown digest. */
must_check rc_t cades_new(enum ades_digest digest, struct cades **cades);
void cades_free(struct cades **cades);

must_check rc_t cades_update(struct cades *cades, struct span content);
/* The content is complete. signed_at_ms: the signer's own clock, in whole seconds. Errors: those of
 * cms_prepare_at(); RC_HASH_ALGO_INVALID: another digest than cades_new() was told. signer need not
 * live on. Once. */
must_check rc_t cades_prepare(
	struct cades *cades, const struct ades_signer *signer, int64_t signed_at_ms);
/* What the key has to sign, after cades_prepare(); lives as long as cades. */
struct span cades_to_sign(const struct cades *cades);
/* RC_SIGNATURE_BAD: not the certificate's signature over that; another may be tried. Appends DER. */
must_check rc_t cades_finish(struct cades *cades, struct span signature, struct buf *out);

#endif
