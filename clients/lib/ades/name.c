#include "clients/lib/ades/name.h"

#include <stdbool.h>

const X509_NAME_ENTRY *name_entry_up(const X509_NAME *name, int steps)
{
	int count = X509_NAME_entry_count(name);
	bool down = X509_NAME_get_index_by_NID(name, NID_countryName, -1) <= 0;

	return steps >= count ? NULL : X509_NAME_get_entry(name, down ? count - 1 - steps : steps);
}
