/* link: base */
#include "base/id.h"
#include "base/wire.h"

#include <stdlib.h>
#include <string.h>

/*
 * First byte: how many reads, each chosen by a byte after it. No read leaves the input, strings
 * end, and what is read is written back to the same bytes.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static rc_t copy_field(struct wire_reader *reader, struct buf *again, uint8_t how)
{
	char text[32];
	uint8_t fixed[ID_LEN] = {0};

	switch (how % 4) {
	case 0:
		return wire_put_number(again, wire_get_number(reader));
	case 1:
		return wire_put_bytes(again, wire_get_bytes(reader));
	case 2:
		wire_get_string(reader, text, sizeof(text));
		return wire_put_string(again, text);
	default:
		wire_get_fixed(reader, fixed, sizeof(fixed));
		return wire_put_bytes(again, SPAN(fixed, sizeof(fixed)));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t reads = size > 0 ? data[0] % 16 : 0;
	struct buf again = BUF_INIT;

	if (size < 1 + reads)
		return 0;
	struct span input = SPAN(data + 1 + reads, size - 1 - reads);
	struct wire_reader reader = wire_reader(input);
	for (size_t i = 0; i < reads; i++) {
		if (copy_field(&reader, &again, data[1 + i]) != RC_OK)
			abort();
	}
	if (wire_reader_end(&reader) == RC_OK && !span_equal(buf_span(&again), input))
		abort();
	buf_free(&again);
	return 0;
}
