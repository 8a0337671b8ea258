/* What the CSC methods share: one internal model, written and read in the words of v1 and v2. */
#ifndef API_CSC_H
#define API_CSC_H

#include "api/request.h"
#include "core/credential.h"

enum csc_certificates { CSC_NONE, CSC_SINGLE, CSC_CHAIN };
extern const char *const csc_certificates_names[];

/* Digests of a `hash` array, one after another. RC_HASH_EMPTY, RC_NUM_SIGNATURES_TOO_HIGH (more
 * than HASHES_MAX), RC_HASH_NOT_BASE64, RC_HASH_LENGTH (of different or no known length). */
struct csc_hashes {
	struct buf bytes; /* the caller frees */
	size_t len, count;
};
must_check rc_t csc_hashes_read(struct csc_hashes *hashes, const json_t *array);

/* The factors, from PIN and OTP or from authData, or from both when they agree. Spans point into
 * the parameters; data NULL: not given. RC_AUTH_DATA_INVALID. */
struct csc_factors {
	struct span pin, otp;
};
must_check rc_t csc_factors_read(
	struct csc_factors *factors, const char *pin, const char *otp, const json_t *auth_data);

/* The SAD of a request: in its body, or the bearer of scope credential itself (CSC 2.0.0.2,
 * signHash); if both, they are the same. RC_SAD_MISSING, RC_SAD_INVALID. */
must_check rc_t csc_sad_read(
	const struct request *request, const char *in_body, struct span *sad);

/* Answers rc, but only when the credential is one of the client's: a foreign or unknown one is
 * answered as such first, so that faults further on tell nothing of it. */
void csc_refuse_owned(struct request *request, const struct id *credential, rc_t rc);

struct csc_view_options {
	enum csc_certificates certificates;
	bool cert_info, auth_info;
};
/* CredentialInfo without credentialID (CSC 1.0.4 and 2.0, credentials/info); NULL without memory.
 */
json_t *csc_view_write(const struct credential_view *view, const struct csc_view_options *options,
	enum rc_version version, enum lang lang);

#endif
