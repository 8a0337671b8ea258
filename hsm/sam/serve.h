/* The conversation of a SAM with the api process: one thread, an answer for each frame, in order. */
#ifndef HSM_SAM_SERVE_H
#define HSM_SAM_SERVE_H

#include "hsm/sam/sam.h"

/* Why it ended; also the process's exit code (sysexits.h where there is one). */
enum serve_end {
	SERVE_DONE = 0,	     /* the socket was closed, or SIGTERM */
	SERVE_LOST = 69,     /* the token is gone, or a signature was bad: start afresh */
	SERVE_WORN = 75,     /* enough unwraps: start afresh, nothing is wrong */
	SERVE_PROTOCOL = 76, /* a frame that does not parse */
	SERVE_CONFIG = 78,   /* never served: a person has to mend something first */
};

/*
 * Greets, then answers until the socket closes or SIGTERM comes, which the process must have
 * blocked: it is looked at only when no whole frame is at hand, so that those in hand are finished.
 * What the other side has sent by then is still answered.
 */
enum serve_end serve_run(struct sam *sam, enum sam_role role, unsigned index, int fd);

#endif
