/* link: csc */
/* Any query at the redirect URI: refused, or texts that end where they should. */
#include "clients/lib/oauth.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct oauth_return out = {0};
	struct buf query = BUF_INIT;
	const char *text = NULL;

	if (buf_append(&query, data, size) != RC_OK || buf_string(&query, &text) != RC_OK)
		abort();
	if (oauth_return_read(text, &out) == RC_OK &&
		(strnlen(out.code, sizeof(out.code)) == sizeof(out.code) ||
			strnlen(out.text, sizeof(out.text)) == sizeof(out.text)))
		abort();
	buf_free(&query);
	return 0;
}
