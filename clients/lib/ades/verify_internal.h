/* Shared by the files verify*.c: what each asks of the others. */
#ifndef ADES_VERIFY_INTERNAL_H
#define ADES_VERIFY_INTERNAL_H

#include "clients/lib/ades/verify.h"

#include <openssl/cms.h>
#include <openssl/x509v3.h>
#include <qpdf/qpdf-c.h>

#define VERIFY_WARNINGS_MAX 256

struct verify_trust {
	STACK_OF(X509) * roots;
	STACK_OF(X509_CRL) * crls;
};

struct verifying {
	const struct verify_options *options;
	struct verify_report *report;
	STACK_OF(X509) * certificates; /* of the document's DSS */
	STACK_OF(X509_CRL) * crls;
};

/* verify_text.c */
int64_t verify_time_ms(const ASN1_TIME *time); /* 0: not readable */
void verify_describe(X509 *certificate, struct verify_certificate *out);
void verify_common_name(const X509_NAME *name, char out[VERIFY_TEXT]);
/* Copies what a terminal may be shown. */
void verify_copy_text(char *out, size_t size, const char *text);
/* Behind the string of a PDF that begins at at. */
size_t text_skip_string(struct span text, size_t at);
int64_t verify_pdf_date_ms(const char *date); /* "D:20260102030405+07'00'"; 0: not readable */

/* verify_chain.c */
struct chain_question {
	X509 *leaf;
	STACK_OF(X509) * certificates; /* that came with the signature */
	STACK_OF(X509_CRL) * crls;
	int64_t at_ms;
	bool proven; /* a timestamp says that the signature existed then */
	bool timestamping;
};
struct chain_answer {
	uint64_t faults; /* UNTRUSTED EXPIRED NOT_YET_VALID KEY_USAGE WEAK_KEY REVOKED… */
	enum verify_state certificate;
	enum verify_state revocation;
	int64_t revoked_ms;
	int64_t crl_ms;
	int64_t crl_unfit_ms;
	char root[VERIFY_TEXT];
};
must_check rc_t chain_judge(struct verifying *verifying, const struct chain_question *question,
	struct chain_answer *answer);

/* verify_cms.c */
struct content {
	struct span parts[2];
};
struct signed_data {
	CMS_ContentInfo *info;
	STACK_OF(X509) * certificates;
	STACK_OF(X509_CRL) * crls;
	struct span inside; /* the content it carries; data NULL: detached */
	size_t len;	    /* of the DER */
};
struct signer_facts {
	uint64_t faults;
	enum verify_state intact;
	enum verify_state signature;
	CMS_SignerInfo *info;
	X509 *certificate; /* inside the signed_data; may be NULL */
	int64_t signing_ms;
	char algorithm[80];
};
/* RC_FORMAT: no SignedData. */
must_check rc_t signed_data_read(struct span der, struct signed_data *out);
void signed_data_free(struct signed_data *data);
int signed_data_signers(const struct signed_data *data);
/* ess_due: CAdES, where naming the certificate is a duty. type: NID of the content's type. */
must_check rc_t signer_judge(struct signed_data *data, int index, const struct content *content,
	int type, bool ess_due, struct signer_facts *facts);

/* verify_timestamp.c */
struct token_facts {
	uint64_t faults; /* TIMESTAMP_…, WEAK_DIGEST */
	struct verify_timestamp timestamp;
	X509 *certificate; /* owned */
	char algorithm[80];
	struct chain_answer chain;
};
/* What the token stamps is content. */
must_check rc_t token_judge(struct verifying *verifying, struct span token,
	const struct content *content, struct token_facts *facts);
void token_facts_free(struct token_facts *facts);
/* The best of the signature's own timestamps; UNKNOWN: it has none. */
must_check rc_t signer_timestamp(
	struct verifying *verifying, const struct signer_facts *signer, struct token_facts *facts);

/* verify.c: a person's signature. older_ms: when a document timestamp proves it to have been there
 * already; 0: none. content: detached. */
must_check rc_t judge_signature(struct verifying *verifying, struct signed_data *data, int index,
	const struct content *content, bool ess_due, const struct verify_timestamp *document,
	struct verify_signature *out);

/* verify_view.c: a revision, that is the file's bytes up to an end, as libqpdf reads it without
 * repairs. A handle lives until view_forget(). */
struct view {
	qpdf_data qpdf;
	struct span bytes;
};
must_check rc_t view_open(struct span bytes, struct buf *detail, struct view *view);
void view_close(struct view *view);
void view_forget(struct view *view);
/* What the parser met and should not have, since the last call: a digest of each warning. */
struct warnings {
	uint8_t items[VERIFY_WARNINGS_MAX][32];
	size_t count;
	bool more; /* than there is room for */
};
must_check rc_t view_warnings(struct view *view, struct warnings *warnings);
qpdf_oh view_root(struct view *view);
/* 0 if it is a direct object. */
uint64_t view_key(struct view *view, qpdf_oh object);
qpdf_oh view_object(struct view *view, uint64_t key);
/* As it is written, references unfollowed; valid until the next call. */
struct span view_text(struct view *view, qpdf_oh object);
bool view_name_is(struct view *view, qpdf_oh dictionary, const char *key, const char *name);
/* Follows what fields inherit. */
bool view_is_signature_field(struct view *view, qpdf_oh field, bool inherited);

/* verify_signatures.c: the signed fields of a revision, as they stand there. */
struct pdf_signature_found {
	char field[VERIFY_TEXT];
	char format[48];
	uint64_t own;	 /* key of its field */
	uint64_t value;	 /* key of the signature dictionary; 0: direct */
	bool range_fits; /* four numbers from 0, one gap, inside the file */
	uint64_t range[4];
	struct buf contents;
	int64_t signing_ms;
	bool timestamp;
	int certification;
	bool certifies; /* the catalog's Perms names it */
	bool locks;	/* FieldMDP or a Lock: fields that may not change */
	bool closes;	/* they say that nothing may */
};
struct pdf_signatures {
	struct pdf_signature_found items[VERIFY_SIGNATURES_MAX];
	size_t count;
};
must_check rc_t signatures_find(struct view *view, struct pdf_signatures *found);
void signatures_free(struct pdf_signatures *found);

/* verify_pdf.c */
must_check rc_t verify_pdf(struct verifying *verifying, struct span file);

/* verify_objects.c: the objects of a revision, and what each is for. */
enum zone { ZONE_NONE, ZONE_CONTENT, ZONE_ANNOTATION, ZONE_FORM, ZONE_SIGNATURE, ZONE_META };
enum role {
	ROLE_NONE,
	ROLE_ROOT,
	ROLE_PAGE,
	ROLE_ANNOTS, /* a page's array of them */
	ROLE_ANNOTATION,
	ROLE_FORM,
	ROLE_FIELDS, /* the form's array of them */
	ROLE_FIELD,
	ROLE_SIGNATURE_FIELD,
	ROLE_SIGNATURE
};
struct object {
	uint64_t key; /* number << 16 | generation; 0: an empty place */
	enum zone zone;
	enum role role;
	uint8_t digest[32];
};
struct inventory {
	struct object *places;
	size_t capacity;
	size_t count;
};
must_check rc_t inventory_take(struct view *view, struct inventory *inventory);
void inventory_free(struct inventory *inventory);
const struct object *inventory_find(const struct inventory *inventory, uint64_t key);

/* verify_fonts.c: fresh is the list of fonts old, with more whose names the revision before does
 * not know. inventory: of before. */
bool fonts_only_grow(struct view *before, const struct inventory *inventory, qpdf_oh old,
	struct view *after, qpdf_oh fresh);

/* verify_hidden.c: among the bytes behind from stand objects that only a reader finds who repairs.
 */
must_check rc_t hidden_objects(struct view *view, size_t from, bool *hidden);

/* verify_tail.c: what stands behind from is written so that every reader reads the same. old: the
 * revision that ends at from. */
must_check rc_t tail_reads_alike(
	struct view *view, size_t from, const struct inventory *old, bool *alike);

/* verify_changes.c: LATER_… from one revision to another. */
must_check rc_t changes_between(struct view *before, const struct inventory *old,
	struct view *after, const struct inventory *fresh, unsigned *later);

#endif
