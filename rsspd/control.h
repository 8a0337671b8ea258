/*
 * The channel between supervisor and api process: a SOCK_SEQPACKET pair, non-blocking. The
 * supervisor sends the api process its end of each SAM's socket; the api process reports a SAM that
 * it gave up, and the supervisor ends that one. The supervisor also tells what only it knows, how
 * often a process was started again, and when TLS is to be read anew.
 *
 * control_receive() acknowledges an attach by itself. So the supervisor can tell a report about a
 * SAM that is already replaced (it came before the acknowledgement) from one about its successor.
 */
#ifndef RSSPD_CONTROL_H
#define RSSPD_CONTROL_H

#include "base/metrics.h"
#include "hsm/jobs.h"

enum control_kind {
	CONTROL_ATTACH = 1, /* supervisor → api, with a socket */
	CONTROL_ATTACHED,   /* api → supervisor, sent by control_receive() */
	CONTROL_LOST,	    /* api → supervisor */
	CONTROL_RESTARTS,   /* supervisor → api */
	CONTROL_RELOAD,	    /* supervisor → api */
};

struct control_message {
	enum control_kind kind;
	enum sam_role role;
	unsigned index;
	int fd; /* CONTROL_ATTACH: the receiver's from now on; else -1 */
	/* CONTROL_RESTARTS: how many there were since the supervisor started */
	enum metric_process process;
	enum metric_cause cause;
	unsigned total;
};

/* Both ends are closed on exec. */
must_check rc_t control_pair(int fds[2]);
/* fd stays the caller's, who may close it afterwards. */
must_check rc_t control_send_attach(int control_fd, enum sam_role role, unsigned index, int fd);
must_check rc_t control_send_lost(int control_fd, enum sam_role role, unsigned index);
must_check rc_t control_send_restarts(
	int control_fd, enum metric_process process, enum metric_cause cause, unsigned total);
must_check rc_t control_send_reload(int control_fd);
/* One message. RC_STALE: there is none now. RC_SYSTEM: the other side is gone. RC_FORMAT: not ours.
 */
must_check rc_t control_receive(int control_fd, struct control_message *message);

#endif
