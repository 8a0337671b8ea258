/* link: base */
#include "base/base64.h"

#include <stdlib.h>

/* Whatever decodes is encoded back to the same text, and the other way round. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef rc_t (*codec)(struct buf *out, struct span in);

static void there_and_back(codec there, codec back, struct span input, int must)
{
	struct buf once = BUF_INIT, twice = BUF_INIT;
	rc_t rc = there(&once, input);

	if (rc != RC_OK && must)
		abort();
	if (rc == RC_OK &&
		(back(&twice, buf_span(&once)) != RC_OK || !span_equal(buf_span(&twice), input)))
		abort();
	buf_free(&once);
	buf_free(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span input = SPAN(data, size);

	there_and_back(base64_decode, base64_encode, input, 0);
	there_and_back(base64url_decode, base64url_encode, input, 0);
	there_and_back(base64_encode, base64_decode, input, 1);
	there_and_back(base64url_encode, base64url_decode, input, 1);
	return 0;
}
