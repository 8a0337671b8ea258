/* Signature activation data: made, found, extended, expired. */
#ifndef STORE_SAD_H
#define STORE_SAD_H

#include "base/digest.h"
#include "store/authorization_code.h"
#include "store/credential.h"

/* What signing and extending read in one statement: the subject and, if this very client has such a
 * SAD for this very credential, the SAD. Strings and spans point into the rows. */
struct sad_row {
	struct subject_row subject;
	bool found;			/* what follows is set only then */
	struct id id;
	const char *state, *digest;
	int64_t scal, hash_count, unspent, turn;
	int64_t start_ms, end_ms;
	struct span seal;		/* empty: deleted */
	struct span certificate_sha256;
	struct span hashes;		/* of all positions, one after another; empty: bound to none */
	struct span spent;		/* one character a position: '0' unspent, '1' spent */
	struct span tls_sha256;		/* the client certificate that it is bound to; empty: none */
};
/* No row: an unknown or foreign credential. */
void store_sad_load(struct pg *pg, const struct id *client, const struct id *credential,
	const uint8_t sha256[SHA256_LEN], pg_done_fn done, void *arg);
void store_sad_read(const struct pg_rows *rows, struct sad_row *sad);

/* A SAD as the bearer of a request: whose it is, of which client, by which consent. Strings and
 * spans point into the rows. No row: none that a consent gave. */
struct sad_bearer_row {
	struct id client, agency, subscriber, credential, consent;
	int64_t client_version, end_ms;
	const char *profile, *state;
	bool client_active, revoked;
	struct span tls_sha256;		/* empty: bound to none */
};
void store_sad_bearer(
	struct pg *pg, const uint8_t sha256[SHA256_LEN], pg_done_fn done, void *arg);
void store_sad_bearer_read(const struct pg_rows *rows, struct sad_bearer_row *bearer);

struct sad_new {
	struct id id;
	uint8_t sha256[SHA256_LEN];
	uint8_t certificate_sha256[SHA256_LEN];
	int64_t scal;
	const char *digest;
	int64_t hash_count;
	struct span seal;
	int64_t start_ms, end_ms;
	struct span hashes;		/* empty: bound to none */
};

/* The SAD of an accepted authorisation. */
struct sad_added {
	bool done;			/* else nothing was written, and: */
	bool locked;			/* the credential was locked meanwhile */
	int64_t last_step;		/* of the last OTP that was accepted: if not lower, a replay */
	bool answered;			/* the request that was to be approved had its answer already */
};
/* The slot that a right PIN moved; key_seal empty: it did not move. */
struct slot_moved {
	int64_t revision;		/* of the one that it was made from */
	int64_t generation, kdf_memory_kib, kdf_passes;
	struct span salt, key_seal;
};
/* `code`: the approval that the SAD comes from; NULL: credentials/authorize. */
void store_sad_add(struct pg *pg, const struct audit_row *audit,
	const struct subject_versions *versions, const struct sad_new *fresh, int64_t otp_step,
	const struct slot_moved *moved, const struct code_new *code, pg_done_fn done, void *arg);
void store_sad_added_read(const struct pg_rows *rows, struct sad_added *added);

/* The old one dies, the new one takes its place. One row when it was done; none: something changed
 * meanwhile. */
void store_sad_extend(struct pg *pg, const struct audit_row *audit,
	const struct subject_versions *versions, const struct id *old, int64_t turn,
	const struct sad_new *fresh, pg_done_fn done, void *arg);

/* Deletes the seals of late and of used-up SADs. */
void store_sad_expire(struct pg *pg, int64_t now_ms, pg_done_fn done, void *arg);

#endif
