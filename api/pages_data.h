/* What clients/web becomes when it is built (clients/web/embed.cmake): pages and assets, as bytes
 * of the program. */
#ifndef API_PAGES_DATA_H
#define API_PAGES_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct page_file {
	const char *path; /* "/consent", "/assets/app-<digest>.js" */
	const char *media;
	const uint8_t *data;
	size_t len;
	bool asset; /* its name changes with its content; a page holds marks: {{service}} */
};
extern const struct page_file page_files[];
extern const size_t page_file_count;

#endif
