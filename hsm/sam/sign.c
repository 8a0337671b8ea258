/* Role sign: a SAD becomes signatures, or a smaller SAD. */
#include "hsm/sam/state.h"

#include "base/clock.h"
#include "base/log.h"
#include "hsm/p11/sign.h"
#include "hsm/sam/known.h"
#include "hsm/sam/resident.h"
#include "hsm/sam/sad.h"

#include <stdlib.h>

/* A SAD that was opened. */
struct opened {
	const struct certificate *certificate;
	struct buf plain; /* holds W */
	struct wrapped_key key;
};

static rc_t opened_check(
	struct sam *sam, const struct sad_terms *terms, struct span der, struct opened *opened)
{
	int64_t now_ms = clock_wall_ms();

	rc_t rc = terms_check(terms, now_ms);
	if (rc == RC_OK)
		rc = known_certificate(sam, der, terms->certificate_sha256, &opened->certificate);
	if (rc == RC_OK && now_ms >= terms->end_ms)
		rc = RC_SAD_EXPIRED;
	if (rc == RC_OK)
		rc = certificate_check_time(opened->certificate, now_ms);
	return rc;
}

static rc_t opened_make(struct sam *sam, const struct sad_terms *terms, struct span der,
	struct span secret, struct span seal, struct opened *opened)
{
	rc_t rc = opened_check(sam, terms, der, opened);

	if (rc == RC_OK)
		rc = sad_open(sam, terms, opened->certificate->public_sha256, secret, seal,
			&opened->plain, &opened->key);
	if (rc == RC_OK && opened->key.kind != opened->certificate->kind)
		rc = RC_HSM_REFUSED;
	return rc;
}

/* Each index once, none beyond the list. */
static rc_t indices_check(const uint32_t *indices, uint64_t count, uint64_t limit)
{
	bool seen[HASHES_MAX] = {false};

	if (count < 1 || count > HASHES_MAX || limit > HASHES_MAX)
		return RC_HASH_NOT_AUTHORIZED;
	for (uint64_t i = 0; i < count; i++) {
		if (indices[i] >= limit || seen[indices[i]])
			return RC_HASH_NOT_AUTHORIZED;
		seen[indices[i]] = true;
	}
	return RC_OK;
}

/* With SCAL 2 the authorised list, with SCAL 1 what the job brings, within the budget. */
static rc_t hashes_choose(const struct job_sign *job, size_t digest_len, struct span *hashes)
{
	uint64_t limit = job->terms.hash_count;
	struct span chosen = job->terms.hashes;

	if (job->terms.scal == SCAL_1) {
		chosen = job->hashes;
		if (chosen.len % digest_len != 0 || chosen.len / digest_len > HASHES_MAX)
			return RC_HASH_LENGTH;
		limit = chosen.len / digest_len;
		if (job->index_count > job->terms.hash_count)
			return RC_HASH_NOT_AUTHORIZED;
	} else if (job->hashes.len != 0) {
		return RC_HASH_NOT_AUTHORIZED;
	}
	rc_t rc = indices_check(job->indices, job->index_count, limit);
	if (rc == RC_OK)
		*hashes = chosen;
	return rc;
}

/* Nothing leaves that the certificate's own key does not confirm: a stale handle may be another's
 * key. */
static rc_t sign_one(struct sam *sam, CK_OBJECT_HANDLE key, const struct p11_signing *signing,
	struct verifier *verifier, struct span digest, struct buf *signature)
{
	uint8_t bytes[P11_SIGNATURE_MAX];
	size_t len = 0;

	rc_t rc = p11_sign(sam->session, key, signing, digest, bytes, &len);
	if (rc == RC_OK)
		rc = verifier_check(verifier, digest, SPAN(bytes, len));
	if (rc == RC_OK)
		rc = buf_append(signature, bytes, len);
	return rc;
}

static rc_t sign_all(struct sam *sam, const struct job_sign *job, const struct opened *opened,
	const struct p11_signing *signing, struct job_signed *answer)
{
	size_t len = digest_algo_by_kind(signing->digest)->len;
	struct verifier *verifier = NULL;
	struct resident_key key;
	struct span hashes = SPAN_NONE;

	rc_t rc = hashes_choose(job, len, &hashes);
	if (rc == RC_OK)
		rc = known_verifier(sam, job->terms.certificate_sha256, signing, &verifier);
	if (rc == RC_OK)
		rc = resident_take(sam, &opened->key, &key);
	if (rc != RC_OK)
		return rc;
	for (uint64_t i = 0; i < job->index_count && rc == RC_OK; i++)
		rc = sign_one(sam, key.handle, signing, verifier,
			SPAN(hashes.data + len * job->indices[i], len), &answer->signatures[i]);
	resident_return(sam, &key, rc == RC_OK);
	return rc;
}

rc_t sam_sign(struct sam *sam, const struct job_sign *job, struct job_signed *answer)
{
	struct opened opened = {.plain = BUF_INIT};
	struct job_signed made = {NULL, 0};

	rc_t rc = opened_make(sam, &job->terms, job->certificate, job->secret, job->seal, &opened);
	if (rc == RC_OK && job->salt_len > UINT16_MAX)
		rc = RC_SIGN_ALGO_PARAMS_INVALID;
	struct p11_signing signing = {
		opened.key.kind, job->scheme, job->terms.digest, (size_t)job->salt_len};
	if (rc == RC_OK)
		rc = p11_signing_check(&signing);
	if (rc == RC_OK && (job->index_count < 1 || job->index_count > HASHES_MAX))
		rc = RC_HASH_NOT_AUTHORIZED;
	if (rc == RC_OK) {
		made.signatures = calloc(job->index_count, sizeof(made.signatures[0]));
		made.count = job->index_count;
		if (made.signatures == NULL)
			rc = RC_NO_MEMORY;
	}
	if (rc == RC_OK)
		rc = sign_all(sam, job, &opened, &signing, &made);
	buf_free(&opened.plain);
	if (rc == RC_SIGNATURE_BAD) {
		/* the session's handles can no longer be trusted */
		log_error("sam: a signature did not verify and is not released");
		sam->broken = true;
	}
	if (rc != RC_OK) {
		if (made.signatures != NULL)
			job_signed_free(&made);
		return sam_note(sam, rc);
	}
	*answer = made;
	return RC_OK;
}

static rc_t extend_hashes(const struct job_extend *job, struct sad_terms *terms, struct buf *hashes)
{
	size_t len = digest_algo_by_kind(job->terms.digest)->len;

	if (job->terms.scal == SCAL_1) {
		if (job->budget < 1 || job->budget > job->terms.hash_count || job->keep_count != 0)
			return RC_HASH_NOT_AUTHORIZED;
		terms->hash_count = job->budget;
		return RC_OK;
	}
	rc_t rc = indices_check(job->keep, job->keep_count, job->terms.hash_count);
	for (uint64_t i = 0; i < job->keep_count && rc == RC_OK; i++)
		rc = buf_append(hashes, job->terms.hashes.data + len * job->keep[i], len);
	if (rc == RC_OK) {
		terms->hash_count = job->keep_count;
		terms->hashes = buf_span(hashes);
	}
	return rc;
}

rc_t sam_extend(struct sam *sam, const struct job_extend *job, struct job_extended *answer)
{
	struct opened opened = {.plain = BUF_INIT};
	struct job_extended made = {BUF_INIT, BUF_INIT};
	struct sad_terms terms = job->terms;
	struct buf hashes = BUF_INIT;

	rc_t rc = opened_make(sam, &job->terms, job->certificate, job->secret, job->seal, &opened);
	if (rc == RC_OK && (job->end_ms > terms.end_ms || job->end_ms <= clock_wall_ms()))
		rc = RC_HSM_REFUSED;
	terms.end_ms = job->end_ms;
	if (rc == RC_OK)
		rc = extend_hashes(job, &terms, &hashes);
	if (rc == RC_OK)
		rc = terms_check(&terms, clock_wall_ms());
	if (rc == RC_OK)
		rc = sad_make(sam, &terms, opened.certificate->public_sha256, &opened.key,
			&made.secret, &made.seal);
	buf_free(&hashes);
	buf_free(&opened.plain);
	if (rc != RC_OK) {
		job_extended_free(&made);
		return sam_note(sam, rc);
	}
	*answer = made;
	return RC_OK;
}
