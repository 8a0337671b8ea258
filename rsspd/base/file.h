/* Bytes into descriptors and files, whole or not at all. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/buf.h"

#include <stdbool.h>

/* false: errno says why; ENOSPC where the other side took nothing. */
must_check bool file_write_all(int fd, struct span bytes);

/* A complete file appears under that name in the folder of mails to be sent, and is on the disk;
 * one that is there is replaced. Mode 0600, in a folder with the setgid bit 0640 for its group, the
 * sender's. RC_SYSTEM: logged, and nothing is left behind. */
must_check rc_t file_spool(const char *folder, const char *name, struct span text);

#endif
