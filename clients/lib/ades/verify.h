/*
 * What a signed PDF or CMS is worth: bytes, trusted roots, CRLs and the time in, a report out. No
 * network, no files, no clock. PDF: ISO 32000-1 §12.8, ETSI EN 319 142-1; CMS: RFC 5652, ETSI EN
 * 319 122-1; certificates and CRLs: RFC 5280; timestamps: RFC 3161.
 *
 * A signature counts only for the revision that it covers from the first byte to its end, and only
 * if that revision by itself is a PDF that holds it. What came later is compared object by object.
 *
 * RC_FORMAT         neither a PDF nor a CMS SignedData
 * RC_NOT_FOUND      a detached CMS whose content is not given
 * RC_PDF_DAMAGED    a PDF that does not read without repairs
 * RC_PDF_LATE       foreign bytes stand before its header
 * RC_PDF_ENCRYPTED  it needs a password, or was encrypted with an empty one
 * RC_PDF_TOO_LONG   too long, or with too many objects or signatures to be judged
 */
#ifndef ADES_VERIFY_H
#define ADES_VERIFY_H

#include "base/buf.h"

#include <stdbool.h>

#define VERIFY_TEXT 256
#define VERIFY_LEN_MAX ((size_t)512 << 20)
#define VERIFY_SIGNATURES_MAX 64

enum verify_fault {
#define VERIFY_FAULT(name, json, error) VERIFY_##name,
#include "clients/lib/ades/verify_faults.def"
#undef VERIFY_FAULT
	VERIFY_FAULTS
};
#define VERIFY_BIT(fault) (UINT64_C(1) << (fault))

const char *verify_fault_name(enum verify_fault fault);
bool verify_fault_is_error(enum verify_fault fault);

enum verify_state { VERIFY_UNKNOWN = 0, VERIFY_GOOD, VERIFY_BAD };
enum verify_kind { VERIFY_ANY = 0, VERIFY_PERSON, VERIFY_ORGANISATION };

/* What later revisions did. */
enum {
	LATER_SIGNATURE = 1,
	LATER_VALIDATION = 2, /* certificates and CRLs kept for later checks (DSS) */
	LATER_METADATA = 4,
	LATER_FORM = 8,
	LATER_ANNOTATIONS = 16,
	LATER_CONTENT = 32,
	LATER_BYTES = 64, /* that are no revision */
	LATER_TIMESTAMP = 128,
};

/* Texts are UTF-8 without control characters; empty: not said. Times: milliseconds since 1970 UTC;
 * 0: none. */
struct verify_certificate {
	char name[VERIFY_TEXT];
	char email[VERIFY_TEXT];
	char organisation[2 * VERIFY_TEXT]; /* lowest level first */
	char serial[80];		    /* hexadecimal */
	char root[VERIFY_TEXT];		    /* what the chain ends in, if trusted */
	int64_t not_before_ms;
	int64_t not_after_ms;
	enum verify_kind kind; /* as far as the certificate tells */
};

struct verify_timestamp {
	enum verify_state state;
	int64_t time_ms;
	char issuer[VERIFY_TEXT]; /* the authority's common name */
};

struct verify_signature {
	uint64_t faults;	 /* VERIFY_BIT() of each, notes too */
	bool document_timestamp; /* not a person's signature: ETSI.RFC3161 */
	char field[VERIFY_TEXT];
	char format[48]; /* SubFilter, or "CMS" */
	char algorithm[80];
	struct verify_certificate signer;
	enum verify_state intact;    /* the signed bytes are those that were signed */
	enum verify_state signature; /* cryptographically, with the attributes */
	enum verify_state certificate;
	enum verify_state revocation;
	int64_t revoked_ms;
	int64_t crl_ms;		  /* thisUpdate of the oldest CRL that was relied on */
	int64_t crl_unfit_ms;	  /* of one that is out of date, or too new, if there is no other */
	int64_t judged_ms;	  /* the certificate's validity was judged at this time … */
	bool judged_by_timestamp; /* … which a timestamp proves, else it is the time of check */
	int64_t signing_ms;	  /* as the signer claims */
	struct verify_timestamp timestamp;
	size_t covered; /* bytes from the beginning of the file, its own CMS apart */
	bool whole_file;
	unsigned later;	   /* LATER_… */
	int certification; /* DocMDP or a lock: 0 none, 1 no changes, 2 forms, 3 annotations too */
};

struct verify_report {
	bool pdf;
	int64_t checked_ms;
	size_t file_len;
	size_t count;
	struct verify_signature *signatures; /* oldest revision first */
	/* CRLs that trusted chains name and that are missing: fetch, add, verify again. */
	struct buf *crl_urls;
	size_t crl_url_count;
};

struct verify_trust;

must_check rc_t verify_trust_new(struct verify_trust **trust);
void verify_trust_free(struct verify_trust **trust);
/* One DER or any number of PEM certificates; each is a trusted root. RC_FORMAT: none is there. */
must_check rc_t verify_trust_add_roots(struct verify_trust *trust, struct span bytes);
/* One CRL, DER or PEM. */
must_check rc_t verify_trust_add_crl(struct verify_trust *trust, struct span bytes);

struct verify_options {
	const struct verify_trust *trust;
	int64_t now_ms;
	enum verify_kind expect;
	const struct span *content; /* of a detached CMS; NULL: none is known */
	struct buf *detail;	    /* NULL, or gets the PDF parser's own words on a failure */
};

must_check rc_t verify_file(
	struct span file, const struct verify_options *options, struct verify_report **report);
void verify_report_free(struct verify_report **report);

/* The errors among the faults, less those that are allowed. 0: the signature holds. */
uint64_t verify_errors(const struct verify_signature *signature, uint64_t allowed);
/* There are signatures, and all hold. */
bool verify_holds(const struct verify_report *report, uint64_t allowed);

#endif
