/* Certificate chains and CRLs (RFC 5280). The path is OpenSSL's; revocation is judged here, since a
 * missing, an old and a foreign CRL are to be told apart, and what was revoked when. */
#include "clients/lib/ades/verify_internal.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CLOCKS_DIFFER_MS 300000 /* between a CA's clock and ours */
#define AUTH_LEVEL 2		/* 112 bits: RSA from 2048, no SHA-1 */
#define CRL_URLS_MAX 16
#define REMOVED_FROM_CRL 2 /* X509_CRL_get0_by_cert() */

rc_t verify_trust_new(struct verify_trust **trust)
{
	struct verify_trust *fresh = calloc(1, sizeof(*fresh));

	if (fresh == NULL)
		return RC_NO_MEMORY;
	fresh->roots = sk_X509_new_null();
	fresh->crls = sk_X509_CRL_new_null();
	if (fresh->roots == NULL || fresh->crls == NULL) {
		verify_trust_free(&fresh);
		return RC_NO_MEMORY;
	}
	*trust = fresh;
	return RC_OK;
}

void verify_trust_free(struct verify_trust **trust)
{
	if (*trust == NULL)
		return;
	sk_X509_pop_free((*trust)->roots, X509_free);
	sk_X509_CRL_pop_free((*trust)->crls, X509_CRL_free);
	free(*trust);
	*trust = NULL;
}

static rc_t keep_root(struct verify_trust *trust, X509 *root)
{
	if (sk_X509_push(trust->roots, root) > 0)
		return RC_OK;
	X509_free(root);
	return RC_NO_MEMORY;
}

rc_t verify_trust_add_roots(struct verify_trust *trust, struct span bytes)
{
	const unsigned char *at = bytes.data;
	X509 *root = NULL;
	rc_t rc = RC_FORMAT;

	if (bytes.len == 0 || bytes.len > INT32_MAX)
		return RC_FORMAT;
	root = d2i_X509(NULL, &at, (long)bytes.len);
	if (root != NULL) {
		rc = keep_root(trust, root);
		goto out;
	}
	BIO *bio = BIO_new_mem_buf(bytes.data, (int)bytes.len);
	while (bio != NULL && (root = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		rc = keep_root(trust, root);
		if (rc != RC_OK)
			break;
	}
	BIO_free(bio);
out:
	ERR_clear_error();
	return rc;
}

rc_t verify_trust_add_crl(struct verify_trust *trust, struct span bytes)
{
	const unsigned char *at = bytes.data;
	rc_t rc = RC_FORMAT;

	if (bytes.len == 0 || bytes.len > INT32_MAX)
		return RC_FORMAT;
	X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)bytes.len);
	if (crl == NULL) {
		BIO *bio = BIO_new_mem_buf(bytes.data, (int)bytes.len);
		crl = bio == NULL ? NULL : PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL);
		BIO_free(bio);
	}
	if (crl != NULL) {
		rc = sk_X509_CRL_push(trust->crls, crl) > 0 ? RC_OK : RC_NO_MEMORY;
		if (rc != RC_OK)
			X509_CRL_free(crl);
	}
	ERR_clear_error();
	return rc;
}

/* paths */

static uint64_t fault_of(int error)
{
	switch (error) {
	case X509_V_OK:
		return 0;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return VERIFY_BIT(VERIFY_EXPIRED);
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return VERIFY_BIT(VERIFY_NOT_YET_VALID);
	case X509_V_ERR_EE_KEY_TOO_SMALL:
	case X509_V_ERR_CA_KEY_TOO_SMALL:
	case X509_V_ERR_CA_MD_TOO_WEAK:
		return VERIFY_BIT(VERIFY_WEAK_KEY);
	case X509_V_ERR_INVALID_PURPOSE:
		return VERIFY_BIT(VERIFY_KEY_USAGE);
	default:
		return VERIFY_BIT(VERIFY_UNTRUSTED);
	}
}

static bool any_of(const EXTENDED_KEY_USAGE *usages)
{
	static const char *const fitting[] = {
		"2.5.29.37.0",		   /* any */
		"1.3.6.1.5.5.7.3.36",	   /* document signing, RFC 9336 */
		"1.3.6.1.5.5.7.3.4",	   /* e-mail protection */
		"1.3.6.1.5.5.7.3.2",	   /* client authentication: what many CAs give people */
		"1.3.6.1.4.1.311.10.3.12", /* document signing, Microsoft */
		"1.2.840.113583.1.1.5",	   /* authentic documents, Adobe */
	};
	char text[64];

	for (int i = 0; i < sk_ASN1_OBJECT_num(usages); i++) {
		OBJ_obj2txt(text, sizeof(text), sk_ASN1_OBJECT_value(usages, i), 1);
		for (size_t k = 0; k < sizeof(fitting) / sizeof(fitting[0]); k++) {
			if (strcmp(text, fitting[k]) == 0)
				return true;
		}
	}
	return false;
}

/* A certificate of a server, a timestamp authority or a CA signs no documents. */
static bool signs_documents(X509 *leaf)
{
	EXTENDED_KEY_USAGE *usages = X509_get_ext_d2i(leaf, NID_ext_key_usage, NULL, NULL);
	bool fits = (X509_get_key_usage(leaf) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) != 0;

	if ((X509_get_extension_flags(leaf) & EXFLAG_XKUSAGE) != 0)
		fits = fits && usages != NULL && any_of(usages);
	sk_ASN1_OBJECT_pop_free(usages, ASN1_OBJECT_free);
	ERR_clear_error();
	return fits;
}

static STACK_OF(X509) *
	gather(const struct verifying *verifying, const struct chain_question *question)
{
	STACK_OF(X509) *all = sk_X509_new_null();

	for (int i = 0; all != NULL && i < sk_X509_num(question->certificates); i++)
		sk_X509_push(all, sk_X509_value(question->certificates, i));
	for (int i = 0; all != NULL && i < sk_X509_num(verifying->certificates); i++)
		sk_X509_push(all, sk_X509_value(verifying->certificates, i));
	return all;
}

/* What is out of date is noted, and the rest of the path looked at all the same: whether it leads
 * to a root is another question. */
static int note_dates(int good, X509_STORE_CTX *context)
{
	uint64_t *faults = X509_STORE_CTX_get_app_data(context);
	int error = X509_STORE_CTX_get_error(context);

	if (good == 1 ||
		(error != X509_V_ERR_CERT_HAS_EXPIRED && error != X509_V_ERR_CERT_NOT_YET_VALID))
		return good;
	*faults |= fault_of(error);
	X509_STORE_CTX_set_error(context, X509_V_OK);
	return 1;
}

static void set_parameters(X509_STORE_CTX *context, const struct chain_question *question)
{
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(context);

	X509_VERIFY_PARAM_set_time(param, (time_t)(question->at_ms / 1000));
	X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
	/* what the user names as trusted is, root or not */
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
	if (question->timestamping)
		X509_STORE_CTX_set_purpose(context, X509_PURPOSE_TIMESTAMP_SIGN);
	X509_STORE_CTX_set_verify_cb(context, note_dates);
}

/* RFC 5280 §6.1.4 (k): OpenSSL takes the right to sign certificates for it, where basicConstraints
 * are missing. What the user trusts may be as it is. */
static bool issuers_are_authorities(STACK_OF(X509) * chain)
{
	for (int i = 1; i < sk_X509_num(chain) - 1; i++) {
		if ((X509_get_extension_flags(sk_X509_value(chain, i)) & EXFLAG_BCONS) == 0)
			return false;
	}
	return true;
}

/* The chain as far as it goes goes to chain, for the caller to free. only: the only root; NULL:
 * all.
 */
static rc_t try_path(struct verifying *verifying, const struct chain_question *question, X509 *only,
	uint64_t *faults, STACK_OF(X509) * *chain)
{
	const STACK_OF(X509) *roots = verifying->options->trust->roots;
	STACK_OF(X509) *given = gather(verifying, question);
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	rc_t rc = RC_NO_MEMORY;

	*faults = 0;
	if (store == NULL || context == NULL || given == NULL)
		goto out;
	for (int i = 0; i < sk_X509_num(roots); i++) {
		if (only == NULL || only == sk_X509_value(roots, i))
			X509_STORE_add_cert(store, sk_X509_value(roots, i));
	}
	if (X509_STORE_CTX_init(context, store, question->leaf, given) != 1 ||
		X509_STORE_CTX_set_app_data(context, faults) != 1)
		goto out;
	set_parameters(context, question);
	int good = X509_verify_cert(context);
	int error = X509_STORE_CTX_get_error(context);
	if (good != 1)
		*faults |= fault_of(error == X509_V_OK ? X509_V_ERR_UNSPECIFIED : error);
	*chain = X509_STORE_CTX_get1_chain(context);
	if (*chain != NULL && !issuers_are_authorities(*chain))
		*faults |= fault_of(X509_V_ERR_INVALID_CA);
	rc = RC_OK;
out:
	X509_STORE_CTX_free(context);
	X509_STORE_free(store);
	sk_X509_free(given);
	ERR_clear_error();
	return rc;
}

/* Roots may bear the same name, of an old key and of a new one: OpenSSL takes the first. */
static rc_t find_path(struct verifying *verifying, const struct chain_question *question,
	uint64_t *faults, STACK_OF(X509) * *chain)
{
	STACK_OF(X509) *roots = verifying->options->trust->roots;

	rc_t rc = try_path(verifying, question, NULL, faults, chain);
	for (int i = 0; rc == RC_OK && (*faults & VERIFY_BIT(VERIFY_UNTRUSTED)) != 0 &&
			sk_X509_num(roots) > 1 && i < sk_X509_num(roots);
		i++) {
		sk_X509_pop_free(*chain, X509_free);
		*chain = NULL;
		rc = try_path(verifying, question, sk_X509_value(roots, i), faults, chain);
	}
	return rc;
}

/* CRLs */

/* Calls for each http address of the certificate's distribution points; stops when fn says true. */
static bool each_crl_url(
	const X509 *certificate, bool (*fn)(void *arg, const ASN1_IA5STRING *url), void *arg)
{
	STACK_OF(DIST_POINT) *points =
		X509_get_ext_d2i(certificate, NID_crl_distribution_points, NULL, NULL);
	bool found = false;

	for (int i = 0; !found && i < sk_DIST_POINT_num(points); i++) {
		const DIST_POINT *point = sk_DIST_POINT_value(points, i);
		if (point->distpoint == NULL || point->distpoint->type != 0)
			continue;
		const GENERAL_NAMES *names = point->distpoint->name.fullname;
		for (int k = 0; !found && k < sk_GENERAL_NAME_num(names); k++) {
			const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, k);
			if (name->type == GEN_URI)
				found = fn(arg, name->d.uniformResourceIdentifier);
		}
	}
	sk_DIST_POINT_pop_free(points, DIST_POINT_free);
	ERR_clear_error();
	return found;
}

static bool same_url(void *arg, const ASN1_IA5STRING *url)
{
	return ASN1_STRING_cmp(arg, url) == 0;
}

/* The CRL is of a part of the certificates: is this one of them? (RFC 5280 §5.2.5, §6.3.3 b) */
static bool point_fits(const X509 *certificate, const DIST_POINT_NAME *point)
{
	if (point == NULL)
		return true;
	if (point->type != 0)
		return false;
	for (int i = 0; i < sk_GENERAL_NAME_num(point->name.fullname); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(point->name.fullname, i);
		if (name->type == GEN_URI &&
			each_crl_url(certificate, same_url, name->d.uniformResourceIdentifier))
			return true;
	}
	return false;
}

static bool scope_fits(X509_CRL *crl, X509 *certificate)
{
	ISSUING_DIST_POINT *scope =
		X509_CRL_get_ext_d2i(crl, NID_issuing_distribution_point, NULL, NULL);
	bool ca = (X509_get_extension_flags(certificate) & EXFLAG_CA) != 0;
	bool fits = true;

	if (scope != NULL) {
		fits = scope->indirectCRL <= 0 && scope->onlysomereasons == NULL &&
		       scope->onlyattr <= 0 && (scope->onlyuser <= 0 || !ca) &&
		       (scope->onlyCA <= 0 || ca) && point_fits(certificate, scope->distpoint);
		ISSUING_DIST_POINT_free(scope);
	} else {
		fits = X509_CRL_get_ext_by_NID(crl, NID_issuing_distribution_point, -1) < 0;
	}
	/* any other critical extension, a delta CRL's above all, changes what the list means */
	for (int at = -1; fits && (at = X509_CRL_get_ext_by_critical(crl, 1, at)) >= 0;)
		fits = OBJ_obj2nid(X509_EXTENSION_get_object(X509_CRL_get_ext(crl, at))) ==
		       NID_issuing_distribution_point;
	return fits && X509_CRL_get_ext_by_NID(crl, NID_delta_crl, -1) < 0;
}

static bool signed_by(X509_CRL *crl, X509 *issuer)
{
	int digest = NID_undef;
	EVP_PKEY *key = X509_get0_pubkey(issuer);
	bool may = (X509_get_key_usage(issuer) & KU_CRL_SIGN) != 0;

	OBJ_find_sigid_algs(X509_CRL_get_signature_nid(crl), &digest, NULL);
	return may && key != NULL && digest != NID_sha1 && digest != NID_md5 &&
	       X509_CRL_verify(crl, key) == 1;
}

/* Does the CRL tell what was so at at_ms? It may be of that time (kept in the document), or newer;
 * a CA may drop what has expired from newer ones. */
static bool age_fits(X509_CRL *crl, const X509 *certificate, int64_t at_ms, int64_t now_ms)
{
	int64_t made = verify_time_ms(X509_CRL_get0_lastUpdate(crl));
	int64_t next = verify_time_ms(X509_CRL_get0_nextUpdate(crl));
	int64_t end = verify_time_ms(X509_get0_notAfter(certificate));

	return made != 0 && made <= now_ms + CLOCKS_DIFFER_MS && next >= at_ms && made <= end;
}

/* The time from which the key may have been another's: 0 if it is not on the list. */
static int64_t revoked_at(X509_CRL *crl, X509 *certificate)
{
	X509_REVOKED *entry = NULL;
	int found = X509_CRL_get0_by_cert(crl, &entry, certificate);

	if (found <= 0 || found == REMOVED_FROM_CRL)
		return 0;
	int64_t at = verify_time_ms(X509_REVOKED_get0_revocationDate(entry));
	ASN1_GENERALIZEDTIME *since =
		X509_REVOKED_get_ext_d2i(entry, NID_invalidity_date, NULL, NULL);
	int64_t invalid = verify_time_ms(since);
	ASN1_GENERALIZEDTIME_free(since);
	ERR_clear_error();
	at = invalid != 0 && invalid < at ? invalid : at;
	return at == 0 ? 1 : at;
}

struct crl_search {
	const struct chain_question *question;
	int64_t now_ms;
	X509 *certificate;
	X509 *issuer;
	int64_t revoked_ms; /* the earliest; 0: none */
	int64_t made_ms;    /* of the newest CRL that tells; 0: none does */
	int64_t unfit_ms;   /* of the newest that does not, by its age; 0: none */
	bool current;	    /* one of them tells what is so now */
};

static void search_crls(struct crl_search *search, STACK_OF(X509_CRL) * crls)
{
	X509 *certificate = search->certificate;

	for (int i = 0; i < sk_X509_CRL_num(crls); i++) {
		X509_CRL *crl = sk_X509_CRL_value(crls, i);
		if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_issuer_name(certificate)) !=
				0 ||
			!scope_fits(crl, certificate) || !signed_by(crl, search->issuer))
			continue;
		int64_t revoked = revoked_at(crl, certificate);
		/* that it was revoked is true however old the list is */
		if (revoked != 0 && (search->revoked_ms == 0 || revoked < search->revoked_ms))
			search->revoked_ms = revoked;
		int64_t made = verify_time_ms(X509_CRL_get0_lastUpdate(crl));
		if (!age_fits(crl, certificate, search->question->at_ms, search->now_ms)) {
			search->unfit_ms = made > search->unfit_ms ? made : search->unfit_ms;
			continue;
		}
		search->made_ms = made > search->made_ms ? made : search->made_ms;
		search->current = search->current ||
				  age_fits(crl, certificate, search->now_ms, search->now_ms);
	}
	ERR_clear_error();
}

static bool is_plain(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] <= ' ' || text.data[i] > '~')
			return false;
	}
	return true;
}

static bool ask_for_url(void *arg, const ASN1_IA5STRING *url)
{
	struct verify_report *report = arg;
	struct span text = SPAN(ASN1_STRING_get0_data(url), (size_t)ASN1_STRING_length(url));

	if (text.len < 8 || text.len > 1024 || !is_plain(text) ||
		strncasecmp((const char *)text.data, "http", 4) != 0 ||
		report->crl_url_count == CRL_URLS_MAX)
		return false;
	for (size_t i = 0; i < report->crl_url_count; i++) {
		if (span_equal(buf_span(&report->crl_urls[i]), text))
			return true;
	}
	if (buf_append_span(&report->crl_urls[report->crl_url_count], text) != RC_OK)
		return false;
	report->crl_url_count++;
	return true;
}

static void judge_one(
	struct verifying *verifying, struct crl_search *search, struct chain_answer *answer)
{
	const struct chain_question *question = search->question;

	search_crls(search, verifying->options->trust->crls);
	search_crls(search, question->crls);
	search_crls(search, verifying->crls);
	if (search->revoked_ms != 0) {
		bool later = question->proven && search->revoked_ms > question->at_ms;
		answer->faults |= VERIFY_BIT(later ? VERIFY_REVOKED_LATER : VERIFY_REVOKED);
		if (answer->revoked_ms == 0 || search->revoked_ms < answer->revoked_ms)
			answer->revoked_ms = search->revoked_ms;
	}
	/* one that came with the signature may hide what was found out since */
	if (!search->current)
		each_crl_url(search->certificate, ask_for_url, verifying->report);
	if (search->made_ms == 0) {
		answer->faults |= VERIFY_BIT(VERIFY_REVOCATION_UNKNOWN);
		if (search->unfit_ms > answer->crl_unfit_ms)
			answer->crl_unfit_ms = search->unfit_ms;
	} else if (answer->crl_ms == 0 || search->made_ms < answer->crl_ms) {
		answer->crl_ms = search->made_ms;
	}
}

static void judge_revocation(struct verifying *verifying, const struct chain_question *question,
	STACK_OF(X509) * chain, struct chain_answer *answer)
{
	for (int i = 0; i + 1 < sk_X509_num(chain); i++) {
		struct crl_search search = {
			.question = question,
			.now_ms = verifying->options->now_ms,
			.certificate = sk_X509_value(chain, i),
			.issuer = sk_X509_value(chain, i + 1),
		};
		judge_one(verifying, &search, answer);
	}
	if ((answer->faults & VERIFY_BIT(VERIFY_REVOKED)) != 0)
		answer->revocation = VERIFY_BAD;
	else if ((answer->faults & VERIFY_BIT(VERIFY_REVOCATION_UNKNOWN)) == 0)
		answer->revocation = VERIFY_GOOD;
}

rc_t chain_judge(struct verifying *verifying, const struct chain_question *question,
	struct chain_answer *answer)
{
	static const uint64_t outdated =
		VERIFY_BIT(VERIFY_EXPIRED) | VERIFY_BIT(VERIFY_NOT_YET_VALID);
	STACK_OF(X509) *chain = NULL;
	uint64_t faults = 0;

	*answer = (struct chain_answer){0};
	rc_t rc = find_path(verifying, question, &faults, &chain);
	if (rc != RC_OK)
		return rc;
	if (!question->timestamping && !signs_documents(question->leaf))
		faults |= VERIFY_BIT(VERIFY_KEY_USAGE);
	answer->faults = faults;
	answer->certificate = faults == 0 ? VERIFY_GOOD : VERIFY_BAD;
	/* an expired one leads to a root still; whose does not is not asked for addresses */
	if ((faults & ~outdated) == 0 && sk_X509_num(chain) > 0) {
		X509 *root = sk_X509_value(chain, sk_X509_num(chain) - 1);
		verify_common_name(X509_get_subject_name(root), answer->root);
		judge_revocation(verifying, question, chain, answer);
	} else {
		answer->faults |= VERIFY_BIT(VERIFY_REVOCATION_UNKNOWN);
	}
	sk_X509_pop_free(chain, X509_free);
	return RC_OK;
}
