/*
 * Fetches what is public: CRLs. Not the service's connection (http.h): http is allowed, since what
 * comes is signed by itself; redirections are not followed, and nothing is sent along.
 */
#ifndef CLIENTS_DOWNLOAD_H
#define CLIENTS_DOWNLOAD_H

#include "base/buf.h"

#define DOWNLOAD_TEXT 256

/* Replaces out. RC_SERVER_UNREACHABLE: text says why; also any status but 200, and more than max
 * bytes. After client_global_init(). */
must_check rc_t download(const char *url, size_t max, struct buf *out, char text[DOWNLOAD_TEXT]);

#endif
