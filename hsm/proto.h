/*
 * Frames between the api process and a SAM, on a Unix stream socket. Header: 4 bytes magic "RSF1",
 * 1 byte kind, 3 bytes zero, 8 bytes job id (echoed in the answer), 4 bytes body length; numbers
 * big-endian. Body: base/wire.h fields. A frame that does not parse ends the connection: both sides
 * are ours, so it is a bug or an attack. Decoded requests point into the frame's bytes.
 *
 * An answer's body starts with the name of its rc (rc_name), then retry_after_s, then, with OK
 * only, the answer's fields.
 */
#ifndef HSM_PROTO_H
#define HSM_PROTO_H

#include "hsm/jobs.h"

#define FRAME_HEADER_LEN 20
#define FRAME_BODY_MAX (1u << 20)

enum frame_kind {
	FRAME_HELLO = 1, /* SAM → api, unasked, once its keys are proved: role, index, pid */
	FRAME_ENROL,
	FRAME_ACTIVATE,
	FRAME_AUTHORIZE,
	FRAME_SIGN,
	FRAME_EXTEND,
	FRAME_CRL,
	FRAME_PASSWORD_CHECK,
	FRAME_CHANGE_PIN,
	FRAME_PROVE,
	FRAME_TOKEN_KEY,
	FRAME_KINDS, /* none: one more than the last */
};

struct frame_header {
	enum frame_kind kind;
	uint64_t job;
	size_t body_len;
};

/* Header and body of one frame, appended to out. */
must_check rc_t frame_put(struct buf *out, enum frame_kind kind, uint64_t job, struct span body);
/* The same without copying the body: frame_begin() puts an empty header into a buffer that is
 * empty, with room for that much; the body is appended; frame_end() makes it a frame. RC_TOO_LONG.
 */
must_check rc_t frame_begin(struct buf *frame, size_t body_len);
must_check rc_t frame_end(struct buf *frame, enum frame_kind kind, uint64_t job);
/* Of one that was begun. */
struct span frame_body(const struct buf *frame);
/* RC_FORMAT for a header that is not ours. */
must_check rc_t frame_header_decode(
	const uint8_t bytes[FRAME_HEADER_LEN], struct frame_header *header);

struct frame_hello {
	enum sam_role role;
	uint64_t index, pid;
};

must_check rc_t proto_hello_encode(struct buf *body, const struct frame_hello *hello);
must_check rc_t proto_hello_decode(struct frame_hello *hello, struct span body);

must_check rc_t proto_enrol_encode(struct buf *body, const struct job_enrol *job);
must_check rc_t proto_enrol_decode(struct job_enrol *job, struct span body);
must_check rc_t proto_activate_encode(struct buf *body, const struct job_activate *job);
/* `factors` is written into the given storage. */
#define FACTORS_MAX 32
must_check rc_t proto_activate_decode(
	struct job_activate *job, char factors[FACTORS_MAX], struct span body);
must_check rc_t proto_authorize_encode(struct buf *body, const struct job_authorize *job);
must_check rc_t proto_authorize_decode(
	struct job_authorize *job, char factors[FACTORS_MAX], struct span body);
/* At least the encoded job's length: growing step by step copies a long list as often. */
size_t proto_sign_room(const struct job_sign *job);
must_check rc_t proto_sign_encode(struct buf *body, const struct job_sign *job);
/* Indices are written into the given storage. */
must_check rc_t proto_sign_decode(
	struct job_sign *job, uint32_t indices[HASHES_MAX], struct span body);
must_check rc_t proto_extend_encode(struct buf *body, const struct job_extend *job);
must_check rc_t proto_extend_decode(
	struct job_extend *job, uint32_t keep[HASHES_MAX], struct span body);
must_check rc_t proto_crl_encode(struct buf *body, const struct job_crl *job);
/* Entries are allocated: free() them. */
must_check rc_t proto_crl_decode(struct job_crl *job, struct crl_entry **entries, struct span body);

/* proto_account.c */
must_check rc_t proto_password_check_encode(struct buf *body, const struct job_password_check *job);
must_check rc_t proto_password_check_decode(struct job_password_check *job, struct span body);
must_check rc_t proto_change_pin_encode(struct buf *body, const struct job_change_pin *job);
must_check rc_t proto_change_pin_decode(
	struct job_change_pin *job, char factors[FACTORS_MAX], struct span body);
must_check rc_t proto_prove_encode(struct buf *body, const struct job_prove *job);
must_check rc_t proto_prove_decode(
	struct job_prove *job, char factors[FACTORS_MAX], struct span body);
must_check rc_t proto_password_checked_encode(
	struct buf *body, const struct job_password_checked *answer);
must_check rc_t proto_password_checked_decode(
	struct job_password_checked *answer, struct span rest);
must_check rc_t proto_pin_changed_encode(struct buf *body, const struct job_pin_changed *answer);
must_check rc_t proto_pin_changed_decode(struct job_pin_changed *answer, struct span rest);
must_check rc_t proto_proved_encode(struct buf *body, const struct job_proved *answer);
must_check rc_t proto_proved_decode(struct job_proved *answer, struct span rest);

/* proto_token.c */
must_check rc_t proto_token_key_encode(struct buf *body, const struct job_token_key *job);
must_check rc_t proto_token_key_decode(struct job_token_key *job, struct span body);
must_check rc_t proto_token_key_given_encode(
	struct buf *body, const struct job_token_key_given *answer);
must_check rc_t proto_token_key_given_decode(struct job_token_key_given *answer, struct span rest);

/* Answers: what stands at the start of every answer's body. A failed answer ends there. */
must_check rc_t proto_answer_encode(struct buf *body, rc_t rc, unsigned retry_after_s);
/* What the SAM said; `rest` are the answer's own fields. */
must_check rc_t proto_answer_decode(
	rc_t *said, unsigned *retry_after_s, struct span *rest, struct span body);

must_check rc_t proto_enrolled_encode(struct buf *body, const struct job_enrolled *answer);
must_check rc_t proto_enrolled_decode(struct job_enrolled *answer, struct span rest);
must_check rc_t proto_activated_encode(struct buf *body, const struct job_activated *answer);
must_check rc_t proto_activated_decode(struct job_activated *answer, struct span rest);
must_check rc_t proto_authorized_encode(struct buf *body, const struct job_authorized *answer);
must_check rc_t proto_authorized_decode(struct job_authorized *answer, struct span rest);
must_check rc_t proto_signed_encode(struct buf *body, const struct job_signed *answer);
must_check rc_t proto_signed_decode(struct job_signed *answer, struct span rest);
must_check rc_t proto_extended_encode(struct buf *body, const struct job_extended *answer);
must_check rc_t proto_extended_decode(struct job_extended *answer, struct span rest);
must_check rc_t proto_crl_made_encode(struct buf *body, const struct job_crl_made *answer);
must_check rc_t proto_crl_made_decode(struct job_crl_made *answer, struct span rest);

#endif
