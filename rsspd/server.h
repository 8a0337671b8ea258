/* The api process: the one place that knows every module. */
#ifndef RSSPD_SERVER_H
#define RSSPD_SERVER_H

#include "conf.h"

/*
 * Serves until SIGTERM or SIGINT, or until the supervisor goes away; then drains and returns.
 * control_fd: the api process's end of the control channel (control.h), the caller's.
 */
must_check rc_t server_run(const struct conf *conf, int control_fd);

#endif
