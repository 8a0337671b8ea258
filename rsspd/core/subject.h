/* What authorisation, extension and signing ask about a subject before anything is spent, and how
 * a SAD is read. Seen by the files of core/ only. */
#ifndef CORE_SUBJECT_H
#define CORE_SUBJECT_H

#include "base/secret.h"
#include "core/internal.h"
#include "store/sad.h"

/* How often a decision is made anew because something changed while it was made. */
#define SUBJECT_ROUNDS 4

/* The store's answer to a statement that changes nothing. */
must_check rc_t subject_read_rc(rc_t rc);

/* The version that the row names has to be read first: core_policy_read(), then load again. */
bool subject_policy_missing(const struct core *core, const struct subject_row *subject);
/* core_decide() for this subject. */
must_check rc_t subject_decide(struct core *core, struct call *call, enum policy_stage stage,
	const struct subject_row *subject, size_t signatures, struct buf *text);
/* RC_TOKEN_INVALID (the client was disabled), RC_CREDENTIAL_DISABLED (also a PIN alone where the
 * configuration does not allow it), RC_CERTIFICATE_EXPIRED. */
must_check rc_t subject_check(const struct core *core, const struct subject_row *subject);
/* What the commit compares under lock. */
void subject_versions(struct subject_versions *versions, const struct subject_row *subject,
	const struct id *client);
/* RC_CREDENTIAL_ID_INVALID: who asks does so for another subscriber, or with a token of another
 * credential: this one looks unknown. */
must_check rc_t subject_may(const struct call *call, const struct subject_row *subject);
/* For the rows of the audit. */
void subject_name(struct call *call, const struct subject_row *subject);

/* SAD = base64url(handle ‖ S), canonical only. */
#define SAD_HANDLE_LEN ID_LEN
must_check rc_t sad_text_make(
	struct secret *text, const struct id *handle, struct span s, uint8_t sha256[SHA256_LEN]);
/* Always gives the SHA-256 to look for, of whatever was sent; S only of a well-formed SAD. */
struct sad_text {
	uint8_t sha256[SHA256_LEN];
	struct secret s;
	bool well_formed;
};
must_check rc_t sad_text_read(struct sad_text *sad, struct span text);
void sad_text_free(struct sad_text *sad);
/* expiresIn: whole seconds to the end; a begun one counts, so that a fresh SAD says its lifetime.
 */
int64_t sad_expires_in_s(int64_t end_ms);

/* RC_SAD_INVALID (unknown, another's, spent, exchanged) or RC_SAD_EXPIRED. */
must_check rc_t sad_row_check(const struct sad_row *sad, const struct sad_text *text);
/* RC_SAD_INVALID: it is bound to the certificate of another connection (RFC 8705 §3). */
must_check rc_t sad_row_bound(const struct sad_row *sad, const struct call *call);
/* Never NULL after sad_row_check(). */
const struct digest_algo *sad_row_digest(const struct sad_row *sad);

/* Which unspent positions stand for the hashes, in their order: a multiset, each position once.
 * The search begins at position `from` (any number): those that race for equal hashes had better
 * not begin at the same one. RC_HASH_NOT_AUTHORIZED. `spent` as in struct sad_row. */
must_check rc_t sad_positions_choose(uint32_t *positions, struct span authorised, struct span spent,
	struct span hashes, size_t hash_len, size_t count, size_t from);

#endif
