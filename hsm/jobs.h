/*
 * The jobs that the api process asks of the SAMs: one struct for a request, one for its answer,
 * shared by both sides. proto.c encodes and decodes them. Buffers inside are owned by the struct
 * and freed by the job's _free function; spans point into the frame that was decoded.
 *
 * An answer's rc is RC_OK, or says why nothing was done; `retry_after_s` goes with RC_TOO_MANY and
 * RC_OTP_REPLAYED.
 */
#ifndef HSM_JOBS_H
#define HSM_JOBS_H

#include "base/digest.h"
#include "base/id.h"
#include "hsm/algo.h"

enum sam_role { SAM_ACTIVATE, SAM_SIGN, SAM_ISSUE, SAM_ROLES };

#define SAD_SECRET_LEN 32 /* S: the signer's half of what opens the SAD's seal */
#define HASHES_MAX 500
#define CODE_MAC_LEN 32
#define SALT_LEN 32
#define PASSWORD_MAC_LEN 32

enum scal { SCAL_1 = 1, SCAL_2 = 2 };

/* How a slot's PIN is stretched; recorded with each slot. */
struct kdf_parameters {
	uint64_t memory_kib;
	uint64_t passes;
};

/* What identifies a sealed key: the AAD of the slot's seal, field by field. Changing any of these
 * in the database makes the seal stay shut. */
struct sealed_key {
	struct id credential;
	struct id subscriber;
	uint64_t slot; /* 0: PIN */
	enum scal scal;
	const char *factors; /* "PIN AND OTP" or "PIN": CSC 2.0, auth.expression */
	struct kdf_parameters kdf;
	uint64_t generation;  /* of the service keys */
	struct span salt;     /* SALT_LEN */
	struct span key_seal; /* seal of W */
	struct span otp_seal; /* empty without OTP */
};

/* What a SAD permits: the AAD of its seal. */
struct sad_terms {
	struct id credential;
	struct id subscriber;
	struct id client;
	uint8_t certificate_sha256[SHA256_LEN]; /* the public key's digest is derived from it in the
						   SAM */
	enum scal scal;
	enum digest_kind digest;
	struct span hashes;  /* hash_count digests, one after another, in order */
	uint64_t hash_count; /* the budget; with SCAL 1 `hashes` is empty */
	int64_t start_ms, end_ms;
};

/* ENROL, role issue: makes the activation code and writes the mail that carries it. */
struct job_enrol {
	struct span statement, signature;
	uint8_t operator_fingerprint[SHA256_LEN];
	struct id enrolment;
};
struct job_enrolled {
	uint8_t code_mac[CODE_MAC_LEN]; /* over enrolment, statement's digest, expiry and code */
	int64_t code_expires_ms;
};

/* ACTIVATE, role issue: code + PIN → key pair, certificate, seals. */
struct job_activate {
	struct span statement, signature;
	uint8_t operator_fingerprint[SHA256_LEN];
	struct id enrolment, subscriber, credential;
	struct span code_mac;
	int64_t code_expires_ms;
	struct span code; /* as typed: dashes, spaces and case do not matter */
	struct span identity_number;
	struct span pin;
	enum key_kind key;
	const char *factors;
	enum scal scal;
	struct span password; /* of the subscriber's account; data NULL or empty: none is set */
};

/*
 * The password of a subscriber's account, as it is stored. It opens the pages and no key: HMAC
 * under a key of the SAMs over subscriber, stretching and Argon2id(password, salt), so that a
 * record cannot be guessed at without a SAM, and opens for nobody else.
 */
struct password_record {
	uint64_t generation; /* of the service keys; 0: there is no record */
	struct kdf_parameters kdf;
	uint8_t salt[SALT_LEN];
	uint8_t mac[PASSWORD_MAC_LEN];
};

struct job_activated {
	struct buf certificate; /* DER */
	struct buf public_key;	/* SubjectPublicKeyInfo, DER */
	struct buf salt, key_seal, otp_seal;
	struct kdf_parameters kdf;
	uint64_t generation;
	struct buf otp_secret; /* for the subscriber's authenticator, shown once; wiped after */
	struct password_record password; /* generation 0: none was asked for */
};

/* A credential's factors, as AUTHORIZE and the jobs of the account check them: same failure budget,
 * same last step, same unlock statements. */
struct job_factors {
	struct sealed_key key;
	struct span certificate; /* DER: of the sealed key */
	struct span pin, otp;
	int64_t last_step; /* what the database remembers, -1: nothing; the later one counts */
	struct span unlock, unlock_signature; /* the newest unlock statement, if any */
	uint8_t unlock_fingerprint[SHA256_LEN];
};

/* AUTHORIZE, role activate: factors → SAD. */
struct job_authorize {
	struct job_factors factors; /* its certificate is that of terms.certificate_sha256 */
	struct sad_terms terms;
};
/* The slot anew, at a right PIN: it was made with older service keys or with less stretching than
 * is made now. Stored beside the old one, which is used no more. */
struct slot_renewed {
	struct buf salt, key_seal; /* empty: the slot stays as it is */
	struct kdf_parameters kdf;
	uint64_t generation;
};
struct job_authorized {
	struct buf secret; /* S; lives only in the SAD that is answered */
	struct buf seal;   /* W under S */
	int64_t otp_step;  /* to be committed: … WHERE last_step < otp_step */
	struct slot_renewed slot;
};

/* PASSWORD CHECK, role activate: RC_PASSWORD_WRONG, or the right one. */
struct job_password_check {
	struct id subscriber;
	struct password_record record; /* generation 0: nobody's; costs as much, is never right */
	struct span password;
};
struct job_password_checked {
	struct password_record renewed; /* generation 0: the record stays as it is */
};

/* CHANGE PIN, role activate: PIN and OTP as in AUTHORIZE, then W under the new PIN. */
struct job_change_pin {
	struct job_factors factors;
	struct span new_pin;
	struct span birth_date, identity_number, phone; /* what a PIN must not be made of */
};
struct job_pin_changed {
	int64_t otp_step;	  /* 0: no OTP was asked for */
	struct slot_renewed slot; /* stored beside the old one, with a higher revision */
};

/* PROVE, role activate: the credential's OTP, or its PIN where it has none. It gives no tries back:
 * who has the OTP alone must not guess PINs for ever. */
struct job_prove {
	struct job_factors factors;
	struct span new_password;	    /* data NULL or empty: none */
	struct span identity_number, email; /* what a password must not be */
};
struct job_proved {
	int64_t otp_step;		 /* 0: no OTP was asked for */
	struct password_record password; /* generation 0: none was asked for */
};

/* SIGN, role sign. */
struct job_sign {
	struct sad_terms terms;
	struct span certificate;
	struct span secret, seal;
	enum scheme_kind scheme;
	uint64_t salt_len; /* PSS only, bytes */
	const uint32_t
		*indices; /* into terms.hashes, each at most once; with SCAL 1: into `hashes` */
	uint64_t index_count;
	struct span hashes; /* SCAL 1 only: the digests to sign */
};
struct job_signed {
	struct buf *signatures; /* index_count of them, in the order of indices; ECDSA in DER */
	uint64_t count;
};

/* EXTEND, role sign: re-seals a part of what is left under a new secret. */
struct job_extend {
	struct sad_terms terms;
	struct span certificate;
	struct span secret, seal;
	const uint32_t *keep; /* indices of terms.hashes that the new SAD holds, in that order */
	uint64_t keep_count;
	uint64_t budget; /* SCAL 1: signatures left */
	int64_t end_ms;	 /* not later than terms.end_ms */
};
struct job_extended {
	struct buf secret, seal;
};

/* REVOCATION LIST, role issue. */
struct crl_entry {
	uint8_t serial[20];
	uint64_t serial_len;
	int64_t revoked_at_ms;
	uint64_t reason; /* RFC 5280 §5.3.1 */
};
struct job_crl {
	uint64_t number;
	int64_t next_update_ms;
	const struct crl_entry *entries;
	uint64_t count;
};
struct job_crl_made {
	struct buf crl; /* DER */
};

/*
 * TOKEN KEY, role issue: the key of a day's access tokens. Derived, so that every daemon of this
 * token has the same one (of the oldest generation of the service keys) and nobody stores it;
 * RC_RANGE but for yesterday, today and tomorrow by the SAM's own clock.
 */
#define TOKEN_KEY_LEN 32
struct job_token_key {
	uint64_t epoch; /* days since 1970-01-01, UTC */
};
struct job_token_key_given {
	struct buf key; /* a private key of P-256: TOKEN_KEY_LEN bytes, big-endian */
};

void job_activated_free(struct job_activated *answer);
void job_authorized_free(struct job_authorized *answer);
void job_pin_changed_free(struct job_pin_changed *answer);
void job_signed_free(struct job_signed *answer);
void job_extended_free(struct job_extended *answer);
void job_crl_made_free(struct job_crl_made *answer);
void job_token_key_given_free(struct job_token_key_given *answer);

#endif
