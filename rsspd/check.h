/* `rsspd --check-config`: all that is wrong, at once, without starting. */
#ifndef RSSPD_CHECK_H
#define RSSPD_CHECK_H

#include "base/rc.h"

#include <stdbool.h>

/*
 * The file and its options; then, as the users that will do it, whether every file that they name
 * can be read, every folder written to, the certificates read, belong to their keys and are valid
 * now. Each fault is a line of the log. RC_CONFIG if there was any, which is stricter than a start:
 * that goes on with what serves in part. The tokens are left to `rssp-keys check`, as a wrong PIN
 * may lock them. with_database: asks PostgreSQL too, as the api
 * process would.
 */
must_check rc_t check_config(const char *path, bool with_database);

#endif
