/*
 * PAdES B-B (ETSI EN 319 142-1 §6.3): a PDF in, the digest that a key elsewhere has to sign, the
 * signed PDF out. The signature is appended, invisible or with an appearance; earlier signatures
 * stay valid.
 */
#ifndef ADES_PADES_H
#define ADES_PADES_H

#include "clients/lib/ades/ades.h"
#include "clients/lib/ades/appearance.h"

struct pades_options {
	struct ades_signer signer;
	int64_t signed_at_ms; /* the signer's own clock: /M; the CMS carries no time */
	const char *name;     /* UTF-8, or NULL: nothing is written */
	const char *reason;
	const char *location;
	const struct appearance *appearance; /* NULL: the signature is invisible */
	struct buf *detail; /* NULL, or gets what more is known of a failure, the PDF parser's own
			       words */
};

struct pades;

/* Errors: those of ades/pdf.h; RC_FORMAT a certificate does not parse; RC_SIGN_ALGO_INVALID the
 * scheme does not fit its key; with an appearance RC_PDF_NO_PAGE, RC_OFF_PAGE, RC_BOX_TOO_SMALL,
 * RC_FONT_LACKS. pdf need not live on. */
must_check rc_t pades_prepare(
	struct span pdf, const struct pades_options *options, struct pades **pades);
void pades_free(struct pades **pades);

/* What the key has to sign, made with signer.digest; lives as long as pades. */
struct span pades_to_sign(const struct pades *pades);
/* Signatures that the PDF had before. */
size_t pades_earlier(const struct pades *pades);

/* The signature as the CSC API gives it: RSA as long as the modulus, ECDSA as DER.
 * RC_SIGNATURE_BAD: not this certificate's signature over that digest; another may be tried.
 * On success out holds the signed PDF, and pades is of no more use. */
must_check rc_t pades_finish(struct pades *pades, struct span signature, struct buf *out);

/* The signatures of a PDF, oldest first as a rule: what each key signed, so that the audit trail
 * can be asked for it. Nothing is verified here. A signature that does not read has digest_len 0.
 */
#define PADES_SIGNER 256
struct pades_summary {
	uint8_t digest[ADES_DIGEST_MAX];
	size_t digest_len;
	char signer[PADES_SIGNER]; /* common name, from the certificate inside; may be empty */
};
/* count gets how many there are; at most max are written. */
must_check rc_t pades_list(
	struct span pdf, struct pades_summary summaries[], size_t max, size_t *count);

#endif
