/* link: hsm */
#include "hsm/statement.h"

#include <stdlib.h>

/* What is accepted has one encoding: an operator's signature covers exactly what is shown. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span input = SPAN(data, size);
	struct statement_enrol line;
	struct statement_unlock unlock;
	struct buf again = BUF_INIT;

	if (statement_enrol_decode(&line, input) == RC_OK &&
		(statement_enrol_encode(&again, &line) != RC_OK ||
			!span_equal(buf_span(&again), input)))
		abort();
	buf_clear(&again);
	if (statement_unlock_decode(&unlock, input) == RC_OK &&
		(statement_unlock_encode(&again, &unlock) != RC_OK ||
			!span_equal(buf_span(&again), input)))
		abort();
	buf_free(&again);
	return 0;
}
