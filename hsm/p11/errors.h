/*
 * The one place where a PKCS#11 return value becomes one of ours. Only hsm/ sees PKCS#11.
 */
#ifndef HSM_P11_ERRORS_H
#define HSM_P11_ERRORS_H

#include "base/rc.h"

#include <p11-kit/pkcs11.h>

/*
 * RC_OK for CKR_OK; everything else is logged here with the call's name, for the value itself is
 * lost in the mapping. RC_HSM_DOWN means that the token, its session or its handles are gone: the
 * process must end and start afresh.
 */
must_check rc_t p11_rc(const char *call, CK_RV rv);

#endif
