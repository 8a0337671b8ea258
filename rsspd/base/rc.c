#include "base/rc.h"

#include <stddef.h>
#include <string.h>

static const struct {
	const char *name;
	int status;
	const char *error;
	const char *text[2];
	const char *vi;
} rc_table[RC_COUNT] = {
#define RC(code, status, csc, v1, v2, vi) [RC_##code] = {#code, status, csc, {v1, v2}, vi},
#include "base/rc.def"
#undef RC
};

static rc_t rc_known(rc_t rc)
{
	return (unsigned)rc < RC_COUNT ? rc : RC_INTERNAL;
}

const char *rc_name(rc_t rc)
{
	return rc_table[rc_known(rc)].name;
}

rc_t rc_from_name(const char *name)
{
	for (int rc = 0; rc < RC_COUNT; rc++) {
		if (strcmp(rc_table[rc].name, name) == 0)
			return (rc_t)rc;
	}
	return RC_COUNT;
}

int rc_status(rc_t rc)
{
	return rc_table[rc_known(rc)].status;
}

const char *rc_error(rc_t rc)
{
	return rc_table[rc_known(rc)].error;
}

const char *rc_text(rc_t rc, enum rc_version version)
{
	const char *const *text = rc_table[rc_known(rc)].text;

	return version == RC_CSC_V2 && text[1] != NULL ? text[1] : text[0];
}

const char *rc_text_vi(rc_t rc)
{
	return rc_table[rc_known(rc)].vi;
}
