/*
 * A vendor's PKCS#11 module (v2.40), loaded from a path. One at a time in a process; load it after
 * the last fork.
 */
#ifndef HSM_P11_MODULE_H
#define HSM_P11_MODULE_H

#include "hsm/p11/errors.h"

struct p11_module;

/* dlopen and C_Initialize; RC_CONFIG if there is no module at that path. */
must_check rc_t p11_module_open(const char *path, struct p11_module **module);
/* C_Finalize. The code stays loaded: modules' own exit handlers crash when their text is gone. */
void p11_module_free(struct p11_module **module);
CK_FUNCTION_LIST *p11_module_functions(const struct p11_module *module);

#endif
