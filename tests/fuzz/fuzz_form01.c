/* link: csc */
/* Any bytes as a list: never both no fault and a line that no statement could carry. */
#include "clients/lib/form01.h"

#include <stdlib.h>
#include <string.h>

#define TODAY_MS 1780000000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct form01 *form = NULL;

	if (form01_read(SPAN(data, size), TODAY_MS, &form) != RC_OK)
		return 0;
	for (size_t i = 0; i < form->fault_count; i++) {
		if (form01_fault_text(&form->faults[i], true)[0] == 0)
			abort();
	}
	for (size_t i = 0; form->fault_count == 0 && i < form->line_count; i++) {
		const struct statement_enrol *statement = &form->lines[i].statement;
		if (statement->name[0] == 0 || strlen(statement->birth_date) != 10 ||
			statement->agency[0][0] == 0)
			abort();
	}
	form01_free(&form);
	return 0;
}
