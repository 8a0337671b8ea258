/*
 * Allocation that wipes what it releases: given to jansson and libevent, through whose memory every
 * PIN, SAD and token of a request passes. Works on memory that malloc() gave, so it may be set at
 * any time.
 */
#ifndef API_HTTP_MEMORY_H
#define API_HTTP_MEMORY_H

#include <stddef.h>

void *memory_alloc(size_t size);
void *memory_realloc(void *memory, size_t size);
void memory_free(void *memory);

#endif
