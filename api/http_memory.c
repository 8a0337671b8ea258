#include "api/http_memory.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

void *memory_alloc(size_t size)
{
	return malloc(size);
}

void *memory_realloc(void *memory, size_t size)
{
	/* not realloc: it would leave a copy behind */
	void *fresh = malloc(size > 0 ? size : 1);

	if (fresh == NULL || memory == NULL)
		return fresh;
	size_t had = malloc_usable_size(memory);
	memcpy(fresh, memory, had < size ? had : size);
	memory_free(memory);
	return fresh;
}

void memory_free(void *memory)
{
	if (memory == NULL)
		return;
	explicit_bzero(memory, malloc_usable_size(memory));
	free(memory);
}
