/*
 * `rsspd run`: starts the api process and the SAMs, each under its own user, and starts again what
 * dies. It holds no network, no SQL and no key; it keeps the areas with the SAMs' failure budgets.
 */
#ifndef RSSPD_SUPERVISOR_H
#define RSSPD_SUPERVISOR_H

#include "conf.h"

/* Runs in the foreground until SIGTERM or SIGINT: then the api process drains, the SAMs end, and it
 * returns RC_OK. SIGHUP opens log.file anew and has the api process read TLS certificate and key
 * again; with a faulty certificate the old one stays. conf_path goes to the SAMs. */
must_check rc_t supervisor_run(const struct conf *conf, const char *conf_path);

#endif
