/*
 * What reads a stranger's file does it in a child with bounded memory and time: a document that is
 * made to harm takes the child away and no more. Nothing is told to the child but by fork().
 */
#ifndef CLI_WORKER_H
#define CLI_WORKER_H

#include <stdbool.h>
#include <stddef.h>

struct worker_task {
	/* In the child. Prints nothing; everything that it finds goes to reply, which came zeroed.
	 */
	void (*run)(void *arg, void *reply);
	void *arg;
	size_t reply_size;
	size_t memory;	       /* bytes more than the program has now; not with AddressSanitizer */
	unsigned cpu_s;	       /* seconds of processor time */
	bool ends_with_parent; /* else it completes what it does, also when we are killed */
};

enum worker_end {
	WORKER_DONE,
	WORKER_HARMED,	 /* it needed too much memory or time, or its parser crashed: no reply */
	WORKER_NOT_BEGUN /* no child could be started; errno says why */
};

enum worker_end worker_run(const struct worker_task *task, void *reply);

#endif
