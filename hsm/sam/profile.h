/* A subscriber's certificate and what of an enrolment line goes into it. */
#ifndef HSM_SAM_PROFILE_H
#define HSM_SAM_PROFILE_H

#include "hsm/sam/ca.h"
#include "hsm/statement.h"

/* RC_STATEMENT_INVALID for a line that no certificate or mail can be made of: found out at
 * enrolment, when the operator can still mend it. */
must_check rc_t profile_check(const struct statement_enrol *line);

/*
 * Subject, as RFC 4514 writes it: CN=name, L=province, OU=lowest level, …, O=level 1, C=VN (encoded
 * the other way round, as X.500 has it); e-mail in subjectAltName; key usage nonRepudiation and
 * nothing else; 5 years, never beyond the CA's own end. Appends DER.
 */
must_check rc_t profile_certify(struct ca *ca, const struct statement_enrol *line,
	EVP_PKEY *public_key, const char *pki_url, struct buf *der);

#endif
