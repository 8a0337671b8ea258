#include "hsm/proto_fields.h"

#include <stdlib.h>
#include <string.h>

/* ---- parts of several jobs ---- */

static bool terms_fit(const struct sad_terms *terms)
{
	const struct digest_algo *digest = digest_algo_by_kind(terms->digest);

	if (digest == NULL || !scal_fits(terms->scal) || !times_fit(terms->start_ms, terms->end_ms))
		return false;
	if (terms->hash_count == 0 || terms->hash_count > HASHES_MAX)
		return false;
	if (terms->scal == SCAL_1)
		return terms->hashes.len == 0;
	return terms->hashes.len == terms->hash_count * digest->len;
}

static void put_terms(struct proto_writer *writer, const struct sad_terms *terms)
{
	put_id(writer, &terms->credential);
	put_id(writer, &terms->subscriber);
	put_id(writer, &terms->client);
	put_fixed(writer, terms->certificate_sha256, SHA256_LEN);
	put_number(writer, terms->scal);
	put_number(writer, terms->digest);
	put_bytes(writer, terms->hashes);
	put_number(writer, terms->hash_count);
	put_number(writer, (uint64_t)terms->start_ms);
	put_number(writer, (uint64_t)terms->end_ms);
}

static void get_terms(struct wire_reader *reader, struct sad_terms *terms)
{
	get_id(reader, &terms->credential);
	get_id(reader, &terms->subscriber);
	get_id(reader, &terms->client);
	wire_get_fixed(reader, terms->certificate_sha256, SHA256_LEN);
	terms->scal = (enum scal)get_limited(reader, SCAL_2);
	terms->digest = (enum digest_kind)get_limited(reader, DIGEST_SHA512);
	terms->hashes = wire_get_bytes(reader);
	terms->hash_count = wire_get_number(reader);
	terms->start_ms = get_signed(reader);
	terms->end_ms = get_signed(reader);
}

/* How many digests an index may name. */
static uint64_t index_limit(const struct sad_terms *terms, struct span hashes)
{
	if (terms->scal == SCAL_2)
		return terms->hash_count;
	return hashes.len / digest_algo_by_kind(terms->digest)->len;
}

static bool indices_fit(const uint32_t *indices, uint64_t count, uint64_t limit)
{
	if (count > HASHES_MAX)
		return false;
	for (uint64_t i = 0; i < count; i++) {
		if (indices[i] >= limit)
			return false;
	}
	return true;
}

/* ---- HELLO ---- */

rc_t proto_hello_encode(struct buf *body, const struct frame_hello *hello)
{
	struct proto_writer writer = proto_writer(body);

	put_number(&writer, hello->role);
	put_number(&writer, hello->index);
	put_number(&writer, hello->pid);
	return proto_writer_end(&writer);
}

rc_t proto_hello_decode(struct frame_hello *hello, struct span body)
{
	struct wire_reader reader = wire_reader(body);
	struct frame_hello got;

	got.role = (enum sam_role)get_limited(&reader, SAM_ROLES - 1);
	got.index = wire_get_number(&reader);
	got.pid = wire_get_number(&reader);
	rc_t rc = wire_reader_end(&reader);

	if (rc == RC_OK)
		*hello = got;
	return rc;
}

/* ---- ENROL ---- */

rc_t proto_enrol_encode(struct buf *body, const struct job_enrol *job)
{
	struct proto_writer writer = proto_writer(body);

	put_bytes(&writer, job->statement);
	put_bytes(&writer, job->signature);
	put_fixed(&writer, job->operator_fingerprint, SHA256_LEN);
	put_id(&writer, &job->enrolment);
	return proto_writer_end(&writer);
}

rc_t proto_enrol_decode(struct job_enrol *job, struct span body)
{
	struct wire_reader reader = wire_reader(body);
	struct job_enrol got = {0};

	got.statement = wire_get_bytes(&reader);
	got.signature = wire_get_bytes(&reader);
	wire_get_fixed(&reader, got.operator_fingerprint, SHA256_LEN);
	get_id(&reader, &got.enrolment);
	rc_t rc = wire_reader_end(&reader);
	if (rc == RC_OK)
		*job = got;
	return rc;
}

/* ---- ACTIVATE ---- */

static rc_t activate_check(const struct job_activate *job)
{
	bool fits = job->code_mac.len == CODE_MAC_LEN && job->code_expires_ms >= 0 &&
		    key_algo_by_kind(job->key) != NULL && factors_fit(job->factors) &&
		    scal_fits(job->scal);

	return fits ? RC_OK : RC_FORMAT;
}

rc_t proto_activate_encode(struct buf *body, const struct job_activate *job)
{
	struct proto_writer writer = proto_writer(body);

	writer.rc = activate_check(job);
	put_bytes(&writer, job->statement);
	put_bytes(&writer, job->signature);
	put_fixed(&writer, job->operator_fingerprint, SHA256_LEN);
	put_id(&writer, &job->enrolment);
	put_id(&writer, &job->subscriber);
	put_id(&writer, &job->credential);
	put_bytes(&writer, job->code_mac);
	put_number(&writer, (uint64_t)job->code_expires_ms);
	put_bytes(&writer, job->code);
	put_bytes(&writer, job->identity_number);
	put_bytes(&writer, job->pin);
	put_number(&writer, job->key);
	put_string(&writer, job->factors);
	put_number(&writer, job->scal);
	put_bytes(&writer, job->password);
	return proto_writer_end(&writer);
}

rc_t proto_activate_decode(struct job_activate *job, char factors[FACTORS_MAX], struct span body)
{
	struct wire_reader reader = wire_reader(body);
	struct job_activate got = {0};

	got.statement = wire_get_bytes(&reader);
	got.signature = wire_get_bytes(&reader);
	wire_get_fixed(&reader, got.operator_fingerprint, SHA256_LEN);
	get_id(&reader, &got.enrolment);
	get_id(&reader, &got.subscriber);
	get_id(&reader, &got.credential);
	got.code_mac = wire_get_bytes(&reader);
	got.code_expires_ms = get_signed(&reader);
	got.code = wire_get_bytes(&reader);
	got.identity_number = wire_get_bytes(&reader);
	got.pin = wire_get_bytes(&reader);
	got.key = (enum key_kind)get_limited(&reader, KEY_P_384);
	wire_get_string(&reader, factors, FACTORS_MAX);
	got.factors = factors;
	got.scal = (enum scal)get_limited(&reader, SCAL_2);
	got.password = wire_get_bytes(&reader);
	rc_t rc = wire_reader_end(&reader);
	if (rc == RC_OK)
		rc = activate_check(&got);
	if (rc == RC_OK)
		*job = got;
	return rc;
}

/* ---- AUTHORIZE ---- */

static rc_t authorize_check(const struct job_authorize *job)
{
	return job_factors_fit(&job->factors) && terms_fit(&job->terms) ? RC_OK : RC_FORMAT;
}

rc_t proto_authorize_encode(struct buf *body, const struct job_authorize *job)
{
	struct proto_writer writer = proto_writer(body);

	writer.rc = authorize_check(job);
	put_factors(&writer, &job->factors);
	put_terms(&writer, &job->terms);
	return proto_writer_end(&writer);
}

rc_t proto_authorize_decode(struct job_authorize *job, char factors[FACTORS_MAX], struct span body)
{
	struct wire_reader reader = wire_reader(body);
	struct job_authorize got = {0};

	get_factors(&reader, &got.factors, factors);
	get_terms(&reader, &got.terms);
	rc_t rc = wire_reader_end(&reader);
	if (rc == RC_OK)
		rc = authorize_check(&got);
	if (rc == RC_OK)
		*job = got;
	return rc;
}

/* ---- SIGN ---- */

static rc_t sign_check(const struct job_sign *job)
{
	if (!terms_fit(&job->terms) || job->secret.len != SAD_SECRET_LEN)
		return RC_FORMAT;
	if (job->scheme < SCHEME_RSA_PKCS1 || job->scheme > SCHEME_ECDSA)
		return RC_FORMAT;
	if (job->terms.scal == SCAL_2 && job->hashes.len != 0)
		return RC_FORMAT;
	if (job->hashes.len % digest_algo_by_kind(job->terms.digest)->len != 0)
		return RC_FORMAT;
	uint64_t limit = index_limit(&job->terms, job->hashes);
	if (job->index_count == 0 || !indices_fit(job->indices, job->index_count, limit))
		return RC_FORMAT;
	return RC_OK;
}

size_t proto_sign_room(const struct job_sign *job)
{
	return job->terms.hashes.len + job->certificate.len + job->seal.len + job->hashes.len +
	       8 * (size_t)job->index_count + 512;
}

rc_t proto_sign_encode(struct buf *body, const struct job_sign *job)
{
	struct proto_writer writer = proto_writer(body);

	writer.rc = sign_check(job);
	if (writer.rc == RC_OK)
		writer.rc = buf_reserve(body, proto_sign_room(job));
	put_terms(&writer, &job->terms);
	put_bytes(&writer, job->certificate);
	put_bytes(&writer, job->secret);
	put_bytes(&writer, job->seal);
	put_number(&writer, job->scheme);
	put_number(&writer, job->salt_len);
	if (writer.rc == RC_OK)
		put_indices(&writer, job->indices, job->index_count);
	put_bytes(&writer, job->hashes);
	return proto_writer_end(&writer);
}

rc_t proto_sign_decode(struct job_sign *job, uint32_t indices[HASHES_MAX], struct span body)
{
	struct wire_reader reader = wire_reader(body);
	struct job_sign got = {0};

	get_terms(&reader, &got.terms);
	got.certificate = wire_get_bytes(&reader);
	got.secret = wire_get_bytes(&reader);
	got.seal = wire_get_bytes(&reader);
	got.scheme = (enum scheme_kind)get_limited(&reader, SCHEME_ECDSA);
	got.salt_len = wire_get_number(&reader);
	got.index_count = get_indices(&reader, indices);
	got.indices = indices;
	got.hashes = wire_get_bytes(&reader);
	rc_t rc = wire_reader_end(&reader);
	if (rc == RC_OK)
		rc = sign_check(&got);
	if (rc == RC_OK)
		*job = got;
	return rc;
}

/* ---- EXTEND ---- */

static rc_t extend_check(const struct job_extend *job)
{
	if (!terms_fit(&job->terms) || job->secret.len != SAD_SECRET_LEN || job->end_ms < 0)
		return RC_FORMAT;
	if (job->terms.scal == SCAL_1)
		return job->keep_count == 0 ? RC_OK : RC_FORMAT;
	return indices_fit(job->keep, job->keep_count, job->terms.hash_count) ? RC_OK : RC_FORMAT;
}

rc_t proto_extend_encode(struct buf *body, const struct job_extend *job)
{
	struct proto_writer writer = proto_writer(body);

	writer.rc = extend_check(job);
	put_terms(&writer, &job->terms);
	put_bytes(&writer, job->certificate);
	put_bytes(&writer, job->secret);
	put_bytes(&writer, job->seal);
	if (writer.rc == RC_OK)
		put_indices(&writer, job->keep, job->keep_count);
	put_number(&writer, job->budget);
	put_number(&writer, (uint64_t)job->end_ms);
	return proto_writer_end(&writer);
}

rc_t proto_extend_decode(struct job_extend *job, uint32_t keep[HASHES_MAX], struct span body)
{
	struct wire_reader reader = wire_reader(body);
	struct job_extend got = {0};

	get_terms(&reader, &got.terms);
	got.certificate = wire_get_bytes(&reader);
	got.secret = wire_get_bytes(&reader);
	got.seal = wire_get_bytes(&reader);
	got.keep_count = get_indices(&reader, keep);
	got.keep = keep;
	got.budget = wire_get_number(&reader);
	got.end_ms = get_signed(&reader);
	rc_t rc = wire_reader_end(&reader);
	if (rc == RC_OK)
		rc = extend_check(&got);
	if (rc == RC_OK)
		*job = got;
	return rc;
}

/* ---- REVOCATION LIST ---- */

#define CRL_ENTRY_LEAST (4 + 1 + 8 + 8) /* bytes of the smallest entry: bounds the allocation */

static bool crl_entry_fits(const struct crl_entry *entry)
{
	return entry->serial_len > 0 && entry->serial_len <= sizeof(entry->serial) &&
	       entry->revoked_at_ms >= 0;
}

rc_t proto_crl_encode(struct buf *body, const struct job_crl *job)
{
	struct proto_writer writer = proto_writer(body);

	if (job->next_update_ms < 0)
		writer.rc = RC_FORMAT;
	put_number(&writer, job->number);
	put_number(&writer, (uint64_t)job->next_update_ms);
	put_number(&writer, job->count);
	for (uint64_t i = 0; i < job->count && writer.rc == RC_OK; i++) {
		const struct crl_entry *entry = &job->entries[i];
		if (!crl_entry_fits(entry)) {
			writer.rc = RC_FORMAT;
			break;
		}
		put_fixed(&writer, entry->serial, entry->serial_len);
		put_number(&writer, (uint64_t)entry->revoked_at_ms);
		put_number(&writer, entry->reason);
	}
	return proto_writer_end(&writer);
}

static void get_crl_entry(struct wire_reader *reader, struct crl_entry *entry)
{
	struct span serial = wire_get_bytes(reader);

	entry->revoked_at_ms = get_signed(reader);
	entry->reason = wire_get_number(reader);
	if (serial.len == 0 || serial.len > sizeof(entry->serial)) {
		reader->broken = true;
		return;
	}
	memcpy(entry->serial, serial.data, serial.len);
	entry->serial_len = serial.len;
}

rc_t proto_crl_decode(struct job_crl *job, struct crl_entry **entries, struct span body)
{
	struct wire_reader reader = wire_reader(body);
	struct job_crl got = {0};
	struct crl_entry *list = NULL;

	got.number = wire_get_number(&reader);
	got.next_update_ms = get_signed(&reader);
	got.count = get_limited(&reader, body.len / CRL_ENTRY_LEAST);
	if (reader.broken)
		return RC_FORMAT;
	list = calloc((size_t)got.count + 1, sizeof(*list)); /* never of no size */
	if (list == NULL)
		return RC_NO_MEMORY;
	for (uint64_t i = 0; i < got.count && !reader.broken; i++)
		get_crl_entry(&reader, &list[i]);
	rc_t rc = wire_reader_end(&reader);
	if (rc != RC_OK) {
		free(list);
		return rc;
	}
	got.entries = list;
	*job = got;
	*entries = list;
	return RC_OK;
}

/* ---- answers ---- */

rc_t proto_answer_encode(struct buf *body, rc_t rc, unsigned retry_after_s)
{
	struct proto_writer writer = proto_writer(body);

	put_string(&writer, rc_name(rc));
	put_number(&writer, retry_after_s);
	return proto_writer_end(&writer);
}

rc_t proto_answer_decode(rc_t *said, unsigned *retry_after_s, struct span *rest, struct span body)
{
	struct wire_reader reader = wire_reader(body);
	char name[64];

	wire_get_string(&reader, name, sizeof(name));
	unsigned wait = (unsigned)get_limited(&reader, INT32_MAX);
	rc_t rc = rc_from_name(name);
	if (reader.broken || rc == RC_COUNT || (rc != RC_OK && reader.rest.len != 0))
		return RC_FORMAT;
	*said = rc;
	*retry_after_s = wait;
	*rest = reader.rest;
	return RC_OK;
}

rc_t proto_enrolled_encode(struct buf *body, const struct job_enrolled *answer)
{
	struct proto_writer writer = proto_writer(body);

	put_fixed(&writer, answer->code_mac, CODE_MAC_LEN);
	put_number(&writer, (uint64_t)answer->code_expires_ms);
	return proto_writer_end(&writer);
}

rc_t proto_enrolled_decode(struct job_enrolled *answer, struct span rest)
{
	struct wire_reader reader = wire_reader(rest);
	struct job_enrolled got = {0};

	wire_get_fixed(&reader, got.code_mac, CODE_MAC_LEN);
	got.code_expires_ms = get_signed(&reader);
	rc_t rc = wire_reader_end(&reader);
	if (rc == RC_OK)
		*answer = got;
	return rc;
}

rc_t proto_activated_encode(struct buf *body, const struct job_activated *answer)
{
	struct proto_writer writer = proto_writer(body);

	put_buf(&writer, &answer->certificate);
	put_buf(&writer, &answer->public_key);
	put_buf(&writer, &answer->salt);
	put_buf(&writer, &answer->key_seal);
	put_buf(&writer, &answer->otp_seal);
	put_number(&writer, answer->kdf.memory_kib);
	put_number(&writer, answer->kdf.passes);
	put_number(&writer, answer->generation);
	put_buf(&writer, &answer->otp_secret);
	put_password(&writer, &answer->password);
	return proto_writer_end(&writer);
}

rc_t proto_activated_decode(struct job_activated *answer, struct span rest)
{
	struct wire_reader reader = wire_reader(rest);
	struct job_activated got = {0};

	get_buf(&reader, &got.certificate);
	get_buf(&reader, &got.public_key);
	get_buf(&reader, &got.salt);
	get_buf(&reader, &got.key_seal);
	get_buf(&reader, &got.otp_seal);
	got.kdf.memory_kib = wire_get_number(&reader);
	got.kdf.passes = wire_get_number(&reader);
	got.generation = wire_get_number(&reader);
	get_buf(&reader, &got.otp_secret);
	get_password(&reader, &got.password);
	rc_t rc = wire_reader_end(&reader);
	if (rc == RC_OK)
		*answer = got;
	else
		job_activated_free(&got);
	return rc;
}

rc_t proto_authorized_encode(struct buf *body, const struct job_authorized *answer)
{
	struct proto_writer writer = proto_writer(body);

	put_buf(&writer, &answer->secret);
	put_buf(&writer, &answer->seal);
	put_step(&writer, answer->otp_step);
	put_slot(&writer, &answer->slot);
	return proto_writer_end(&writer);
}

rc_t proto_authorized_decode(struct job_authorized *answer, struct span rest)
{
	struct wire_reader reader = wire_reader(rest);
	struct job_authorized got = {0};

	get_buf(&reader, &got.secret);
	get_buf(&reader, &got.seal);
	got.otp_step = get_step(&reader);
	get_slot(&reader, &got.slot);
	rc_t rc = wire_reader_end(&reader);
	if (rc == RC_OK && got.secret.len != SAD_SECRET_LEN)
		rc = RC_FORMAT;
	if (rc == RC_OK && (got.slot.salt.len == 0) != (got.slot.key_seal.len == 0))
		rc = RC_FORMAT;
	if (rc == RC_OK)
		*answer = got;
	else
		job_authorized_free(&got);
	return rc;
}

rc_t proto_signed_encode(struct buf *body, const struct job_signed *answer)
{
	struct proto_writer writer = proto_writer(body);

	put_number(&writer, answer->count);
	for (uint64_t i = 0; i < answer->count; i++)
		put_buf(&writer, &answer->signatures[i]);
	return proto_writer_end(&writer);
}

rc_t proto_signed_decode(struct job_signed *answer, struct span rest)
{
	struct wire_reader reader = wire_reader(rest);
	struct job_signed got = {0};

	got.count = get_limited(&reader, HASHES_MAX);
	if (reader.broken)
		return RC_FORMAT;
	got.signatures = calloc((size_t)got.count + 1, sizeof(*got.signatures));
	if (got.signatures == NULL)
		return RC_NO_MEMORY;
	for (uint64_t i = 0; i < got.count; i++)
		get_buf(&reader, &got.signatures[i]);
	rc_t rc = wire_reader_end(&reader);
	if (rc == RC_OK)
		*answer = got;
	else
		job_signed_free(&got);
	return rc;
}

rc_t proto_extended_encode(struct buf *body, const struct job_extended *answer)
{
	struct proto_writer writer = proto_writer(body);

	put_buf(&writer, &answer->secret);
	put_buf(&writer, &answer->seal);
	return proto_writer_end(&writer);
}

rc_t proto_extended_decode(struct job_extended *answer, struct span rest)
{
	struct wire_reader reader = wire_reader(rest);
	struct job_extended got = {0};

	get_buf(&reader, &got.secret);
	get_buf(&reader, &got.seal);
	rc_t rc = wire_reader_end(&reader);
	if (rc == RC_OK && got.secret.len != SAD_SECRET_LEN)
		rc = RC_FORMAT;
	if (rc == RC_OK)
		*answer = got;
	else
		job_extended_free(&got);
	return rc;
}

rc_t proto_crl_made_encode(struct buf *body, const struct job_crl_made *answer)
{
	struct proto_writer writer = proto_writer(body);

	put_buf(&writer, &answer->crl);
	return proto_writer_end(&writer);
}

rc_t proto_crl_made_decode(struct job_crl_made *answer, struct span rest)
{
	struct wire_reader reader = wire_reader(rest);
	struct job_crl_made got = {0};

	get_buf(&reader, &got.crl);
	rc_t rc = wire_reader_end(&reader);
	if (rc == RC_OK)
		*answer = got;
	else
		job_crl_made_free(&got);
	return rc;
}
