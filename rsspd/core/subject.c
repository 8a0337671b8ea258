#include "core/subject.h"

#include "base/base64.h"
#include "base/clock.h"
#include "core/secret_text.h"

#include <stdlib.h>
#include <string.h>

rc_t subject_read_rc(rc_t rc)
{
	return rc == RC_STORE_UNKNOWN ? RC_STORE_DOWN : rc;
}

bool subject_policy_missing(const struct core *core, const struct subject_row *subject)
{
	return subject->policy_version != 0 &&
	       core_policy_at(core, subject->policy_version) == NULL;
}

rc_t subject_decide(struct core *core, struct call *call, enum policy_stage stage,
	const struct subject_row *subject, size_t signatures, struct buf *text)
{
	struct policy_decision decision;
	const struct policy_subject asked = {
		.kind = "person",
		.sector = subject->sector,
		.position = subject->position,
		.budget_code = subject->budget_code,
		.disabled = strcmp(subject->subscriber_state, "active") != 0,
	};
	const struct policy_client client = {subject->client_profile, subject->client_sector};
	const struct policy_transaction transaction = {signatures};

	return core_decide(core_policy_at(core, subject->policy_version), call, stage, &asked,
		&client, &transaction, &decision, text);
}

/* Whatever the database says of factors, the seals say it too. */
rc_t subject_check(const struct core *core, const struct subject_row *subject)
{
	int64_t now = clock_wall_ms();

	if (strcmp(subject->client_state, "active") != 0)
		return RC_TOKEN_INVALID;
	if (strcmp(subject->credential_state, "active") != 0)
		return RC_CREDENTIAL_DISABLED;
	if (strcmp(subject->factors, "PIN AND OTP") != 0 && !core->settings.pin_only_allowed)
		return RC_CREDENTIAL_DISABLED;
	if (subject->valid_to_ms <= now || subject->valid_from_ms > now)
		return RC_CERTIFICATE_EXPIRED;
	return RC_OK;
}

rc_t subject_may(const struct call *call, const struct subject_row *subject)
{
	const struct principal *who = &call->who;

	if (!id_is_zero(&who->subscriber) && !id_equal(&who->subscriber, &subject->subscriber))
		return RC_CREDENTIAL_ID_INVALID;
	if (!id_is_zero(&who->sad_credential) &&
		!id_equal(&who->sad_credential, &subject->credential))
		return RC_CREDENTIAL_ID_INVALID;
	return RC_OK;
}

void subject_versions(struct subject_versions *versions, const struct subject_row *subject,
	const struct id *client)
{
	*versions = (struct subject_versions){
		.credential = subject->credential,
		.subscriber = subject->subscriber,
		.client = *client,
		.credential_version = subject->credential_version,
		.subscriber_version = subject->subscriber_version,
		.client_version = subject->client_version,
		.policy_version = subject->policy_version,
	};
}

void subject_name(struct call *call, const struct subject_row *subject)
{
	call->credential = subject->credential;
	call->subscriber = subject->subscriber;
}

rc_t sad_text_make(
	struct secret *text, const struct id *handle, struct span s, uint8_t sha256[SHA256_LEN])
{
	struct secret bytes = SECRET_INIT;

	rc_t rc = s.len == SAD_SECRET_LEN ? RC_OK : RC_INTERNAL;
	if (rc == RC_OK)
		rc = secret_set(&bytes, id_span(handle));
	if (rc == RC_OK)
		rc = buf_append_span(&bytes.bytes, s);
	if (rc == RC_OK)
		rc = secret_text_of(text, secret_span(&bytes), sha256);
	secret_free(&bytes);
	return rc;
}

rc_t sad_text_read(struct sad_text *sad, struct span text)
{
	struct secret bytes = SECRET_INIT;

	rc_t rc = digest_sha256(text, sad->sha256);
	if (rc != RC_OK)
		return rc;
	rc = base64url_decode(&bytes.bytes, text);
	sad->well_formed = rc == RC_OK && bytes.bytes.len == SAD_HANDLE_LEN + SAD_SECRET_LEN;
	if (sad->well_formed)
		rc = secret_set(&sad->s, SPAN(bytes.bytes.data + SAD_HANDLE_LEN, SAD_SECRET_LEN));
	else if (rc == RC_FORMAT)
		rc = RC_OK;
	secret_free(&bytes);
	return rc;
}

void sad_text_free(struct sad_text *sad)
{
	secret_free(&sad->s);
}

int64_t sad_expires_in_s(int64_t end_ms)
{
	return (end_ms - clock_wall_ms() + 999) / 1000;
}

const struct digest_algo *sad_row_digest(const struct sad_row *sad)
{
	for (enum digest_kind kind = DIGEST_SHA256; kind <= DIGEST_SHA512; kind++) {
		const struct digest_algo *digest = digest_algo_by_kind(kind);
		if (strcmp(digest->name, sad->digest) == 0)
			return digest;
	}
	return NULL;
}

/* A superuser of the database may have dropped the constraints that say so: later steps rely on it.
 */
static bool sad_row_fits(const struct sad_row *sad)
{
	return sad->certificate_sha256.len == SHA256_LEN && sad_row_digest(sad) != NULL &&
	       sad->hash_count >= 1 && sad->hash_count <= HASHES_MAX &&
	       (sad->spent.len == 0 || sad->spent.len == (size_t)sad->hash_count);
}

/* The handle is the row's id: it is in the text whose SHA-256 found the row. */
rc_t sad_row_check(const struct sad_row *sad, const struct sad_text *text)
{
	bool live = sad->found && strcmp(sad->state, "live") == 0 && sad->unspent > 0;
	bool late = sad->found && (strcmp(sad->state, "expired") == 0 ||
					  (live && sad->end_ms <= clock_wall_ms()));

	if (late && text->well_formed)
		return RC_SAD_EXPIRED;
	if (!live || !text->well_formed || sad->seal.len == 0 || !sad_row_fits(sad))
		return RC_SAD_INVALID;
	return RC_OK;
}

rc_t sad_row_bound(const struct sad_row *sad, const struct call *call)
{
	bool same = call->has_tls && secret_equal(sad->tls_sha256, sha256_span(call->tls_sha256));

	return sad->tls_sha256.len == 0 || same ? RC_OK : RC_SAD_INVALID;
}

rc_t sad_positions_choose(uint32_t *positions, struct span authorised, struct span spent,
	struct span hashes, size_t hash_len, size_t count, size_t from)
{
	bool taken[HASHES_MAX] = {false};
	size_t at = spent.len == 0 ? 0 : from % spent.len;

	if (spent.len > HASHES_MAX || count > spent.len || authorised.len != spent.len * hash_len)
		return RC_HASH_NOT_AUTHORIZED;
	/* hashes mostly come in the order of the list: the search goes on where the last one ended
	 */
	for (size_t i = 0; i < count; i++) {
		size_t tried = 0;
		while (tried < spent.len &&
			(taken[at] || spent.data[at] != '0' ||
				memcmp(authorised.data + at * hash_len, hashes.data + i * hash_len,
					hash_len) != 0)) {
			at = (at + 1) % spent.len;
			tried++;
		}
		if (tried == spent.len)
			return RC_HASH_NOT_AUTHORIZED;
		taken[at] = true;
		positions[i] = (uint32_t)at;
	}
	return RC_OK;
}
