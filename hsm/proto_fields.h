/*
 * What the encoders and decoders of frames are made of; seen by the files proto*.c only.
 *
 * Each request has one _check function that both its encoder and its decoder ask: what one side
 * can send the other can read, and a row that somebody edited in the database is refused here, in
 * the api process, instead of ending the connection to a SAM.
 */
#ifndef HSM_PROTO_FIELDS_H
#define HSM_PROTO_FIELDS_H

#include "base/wire.h"
#include "hsm/proto.h"

#include <string.h>

/* ---- writing: the first failure sticks, and the buffer is then as it was ---- */

struct proto_writer {
	struct buf *out;
	size_t start;
	rc_t rc;
};

static inline struct proto_writer proto_writer(struct buf *out)
{
	return (struct proto_writer){.out = out, .start = out->len, .rc = RC_OK};
}

static inline void put_number(struct proto_writer *writer, uint64_t number)
{
	if (writer->rc == RC_OK)
		writer->rc = wire_put_number(writer->out, number);
}

static inline void put_bytes(struct proto_writer *writer, struct span bytes)
{
	if (writer->rc == RC_OK)
		writer->rc = wire_put_bytes(writer->out, bytes);
}

static inline void put_buf(struct proto_writer *writer, const struct buf *bytes)
{
	put_bytes(writer, buf_span(bytes));
}

static inline void put_id(struct proto_writer *writer, const struct id *id)
{
	put_bytes(writer, id_span(id));
}

static inline void put_fixed(struct proto_writer *writer, const uint8_t *bytes, size_t len)
{
	put_bytes(writer, SPAN(bytes, len));
}

static inline void put_string(struct proto_writer *writer, const char *text)
{
	put_bytes(writer, span_string(text));
}

/* A step of the OTP's clock; -1 stands for none. */
static inline void put_step(struct proto_writer *writer, int64_t step)
{
	put_number(writer, (uint64_t)step + 1);
}

static inline void put_indices(struct proto_writer *writer, const uint32_t *indices, uint64_t count)
{
	put_number(writer, count);
	for (uint64_t i = 0; i < count; i++)
		put_number(writer, indices[i]);
}

must_check static inline rc_t proto_writer_end(struct proto_writer *writer)
{
	if (writer->rc != RC_OK)
		writer->out->len = writer->start;
	return writer->rc;
}

/* ---- reading ---- */

/* Numbers that are signed or narrower here: what does not fit breaks the reader. */
static inline uint64_t get_limited(struct wire_reader *reader, uint64_t max)
{
	uint64_t number = wire_get_number(reader);

	if (number > max) {
		reader->broken = true;
		return 0;
	}
	return number;
}

static inline int64_t get_signed(struct wire_reader *reader)
{
	return (int64_t)get_limited(reader, INT64_MAX);
}

static inline int64_t get_step(struct wire_reader *reader)
{
	return get_signed(reader) - 1;
}

static inline void get_id(struct wire_reader *reader, struct id *id)
{
	wire_get_fixed(reader, id->bytes, ID_LEN);
}

static inline void get_buf(struct wire_reader *reader, struct buf *out)
{
	struct span bytes = wire_get_bytes(reader);

	if (!reader->broken && buf_set(out, bytes) != RC_OK)
		reader->broken = true;
}

static inline uint64_t get_indices(struct wire_reader *reader, uint32_t indices[HASHES_MAX])
{
	uint64_t count = get_limited(reader, HASHES_MAX);

	for (uint64_t i = 0; i < count; i++)
		indices[i] = (uint32_t)get_limited(reader, UINT32_MAX);
	return count;
}

/* ---- parts of several jobs ---- */

static inline bool times_fit(int64_t a, int64_t b)
{
	return a >= 0 && b >= 0;
}

static inline bool scal_fits(enum scal scal)
{
	return scal == SCAL_1 || scal == SCAL_2;
}

static inline bool factors_fit(const char *factors)
{
	return factors != NULL && factors[0] != 0 && strlen(factors) < FACTORS_MAX;
}

static inline bool sealed_key_fits(const struct sealed_key *key)
{
	return scal_fits(key->scal) && factors_fit(key->factors) && key->salt.len == SALT_LEN;
}

static inline void put_sealed_key(struct proto_writer *writer, const struct sealed_key *key)
{
	put_id(writer, &key->credential);
	put_id(writer, &key->subscriber);
	put_number(writer, key->slot);
	put_number(writer, key->scal);
	put_string(writer, key->factors);
	put_number(writer, key->kdf.memory_kib);
	put_number(writer, key->kdf.passes);
	put_number(writer, key->generation);
	put_bytes(writer, key->salt);
	put_bytes(writer, key->key_seal);
	put_bytes(writer, key->otp_seal);
}

static inline void get_sealed_key(
	struct wire_reader *reader, struct sealed_key *key, char factors[FACTORS_MAX])
{
	get_id(reader, &key->credential);
	get_id(reader, &key->subscriber);
	key->slot = wire_get_number(reader);
	key->scal = (enum scal)get_limited(reader, SCAL_2);
	wire_get_string(reader, factors, FACTORS_MAX);
	key->factors = factors;
	key->kdf.memory_kib = wire_get_number(reader);
	key->kdf.passes = wire_get_number(reader);
	key->generation = wire_get_number(reader);
	key->salt = wire_get_bytes(reader);
	key->key_seal = wire_get_bytes(reader);
	key->otp_seal = wire_get_bytes(reader);
}

static inline bool job_factors_fit(const struct job_factors *job)
{
	return sealed_key_fits(&job->key) && job->last_step >= -1 && job->last_step < INT64_MAX;
}

static inline void put_factors(struct proto_writer *writer, const struct job_factors *job)
{
	put_sealed_key(writer, &job->key);
	put_bytes(writer, job->certificate);
	put_bytes(writer, job->pin);
	put_bytes(writer, job->otp);
	put_step(writer, job->last_step);
	put_bytes(writer, job->unlock);
	put_bytes(writer, job->unlock_signature);
	put_fixed(writer, job->unlock_fingerprint, SHA256_LEN);
}

static inline void get_factors(
	struct wire_reader *reader, struct job_factors *job, char factors[FACTORS_MAX])
{
	get_sealed_key(reader, &job->key, factors);
	job->certificate = wire_get_bytes(reader);
	job->pin = wire_get_bytes(reader);
	job->otp = wire_get_bytes(reader);
	job->last_step = get_step(reader);
	job->unlock = wire_get_bytes(reader);
	job->unlock_signature = wire_get_bytes(reader);
	wire_get_fixed(reader, job->unlock_fingerprint, SHA256_LEN);
}

static inline void put_password(struct proto_writer *writer, const struct password_record *record)
{
	put_number(writer, record->generation);
	put_number(writer, record->kdf.memory_kib);
	put_number(writer, record->kdf.passes);
	put_fixed(writer, record->salt, SALT_LEN);
	put_fixed(writer, record->mac, PASSWORD_MAC_LEN);
}

static inline void get_password(struct wire_reader *reader, struct password_record *record)
{
	record->generation = wire_get_number(reader);
	record->kdf.memory_kib = wire_get_number(reader);
	record->kdf.passes = wire_get_number(reader);
	wire_get_fixed(reader, record->salt, SALT_LEN);
	wire_get_fixed(reader, record->mac, PASSWORD_MAC_LEN);
}

static inline void put_slot(struct proto_writer *writer, const struct slot_renewed *slot)
{
	put_buf(writer, &slot->salt);
	put_buf(writer, &slot->key_seal);
	put_number(writer, slot->kdf.memory_kib);
	put_number(writer, slot->kdf.passes);
	put_number(writer, slot->generation);
}

static inline void get_slot(struct wire_reader *reader, struct slot_renewed *slot)
{
	get_buf(reader, &slot->salt);
	get_buf(reader, &slot->key_seal);
	slot->kdf.memory_kib = wire_get_number(reader);
	slot->kdf.passes = wire_get_number(reader);
	slot->generation = wire_get_number(reader);
}

#endif
