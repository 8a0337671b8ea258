/*
 * What the supervisor tells the service manager that started it: one datagram a state, after
 * sd_notify(3). Without $NOTIFY_SOCKET nobody asked, and nothing is sent.
 */
#ifndef RSSPD_NOTIFY_H
#define RSSPD_NOTIFY_H

#include "base/rc.h"

struct notify;

/* Takes $NOTIFY_SOCKET out of the environment: the processes that are started later must not speak
 * for this one. *notify may be NULL with RC_OK: nobody asked. RC_PARAMETER_INVALID: the variable
 * names no socket. */
must_check rc_t notify_new(struct notify **notify);
void notify_free(struct notify **notify);

/* "READY=1", "RELOADING=1", "STOPPING=1", "STATUS=…", several separated by line feeds. What cannot
 * be sent is logged and changes nothing else. notify may be NULL. */
void notify_send(struct notify *notify, const char *state);

#endif
