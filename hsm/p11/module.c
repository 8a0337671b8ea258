#include "hsm/p11/module.h"

#include "base/log.h"

#include <dlfcn.h>
#include <stdlib.h>

struct p11_module {
	CK_FUNCTION_LIST *functions;
};

static rc_t module_load(struct p11_module *module, const char *path)
{
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (library == NULL) {
		log_error(
			"p11: module does not load path=\"%s\" error=\"%s\" fix=\"set hsm.module\"",
			path, dlerror());
		return RC_CONFIG;
	}
	CK_C_GetFunctionList get;
	*(void **)&get = dlsym(library, "C_GetFunctionList");
	if (get == NULL) {
		log_error("p11: not a PKCS#11 module path=\"%s\"", path);
		return RC_CONFIG;
	}
	return p11_rc("C_GetFunctionList", get(&module->functions));
}

rc_t p11_module_open(const char *path, struct p11_module **module)
{
	struct p11_module *made = calloc(1, sizeof(*made));
	if (made == NULL)
		return RC_NO_MEMORY;

	/* one thread a process: no locks are needed, and none are asked for */
	rc_t rc = module_load(made, path);
	if (rc == RC_OK)
		rc = p11_rc("C_Initialize", made->functions->C_Initialize(NULL));
	if (rc != RC_OK) {
		free(made);
		return rc;
	}
	*module = made;
	return RC_OK;
}

void p11_module_free(struct p11_module **module)
{
	if (*module == NULL)
		return;
	if ((*module)->functions->C_Finalize(NULL) != CKR_OK)
		log_warning("p11: C_Finalize failed");
	free(*module);
	*module = NULL;
}

CK_FUNCTION_LIST *p11_module_functions(const struct p11_module *module)
{
	return module->functions;
}
