/* Starting a program under another user, with nothing but what it is to have. */
#ifndef RSSPD_PROCESS_H
#define RSSPD_PROCESS_H

#include "base/rc.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct process_user {
	bool set; /* else: the user that runs us */
	uid_t uid;
	gid_t gid;
	char name[64];
};

/* "" gives a user that is not set. RC_CONFIG if there is no such user, or it is root. */
must_check rc_t process_user_find(const char *name, struct process_user *user);

#define PROCESS_FIRST_FD 3

struct process_plan {
	const char *const *argv; /* NULL at the end; argv[0] is the program's path */
	const int *fds;		 /* become 3, 4, …, those below 0 nothing; all others but 0, 1, 2
				    are closed */
	size_t fd_count;
	const struct process_user *user;
};

/* The program starts with default signals, in a process group of its own, with no way to gain
 * privileges, and gets SIGTERM when this process dies. That it could not be executed shows as its
 * exit with PROCESS_EXIT_EXEC. */
#define PROCESS_EXIT_EXEC 127
must_check rc_t process_start(const struct process_plan *plan, pid_t *pid);

/* For this process: no core dumps, no ptrace by its own user, no end by a closed log. */
must_check rc_t process_harden(void);

/* For this process: as many descriptors as its listeners may take connections (api/http.h, twice)
 * and some more, or all that the system allows and a warning: without one left nobody is answered.
 */
#define PROCESS_FILES 17408
void process_raise_files(void);

/* For this process and those it starts: libpq's environment variables may carry a password. */
must_check rc_t process_forget_environment(void);

/* For the processes that this one starts: glibc keeps 7 freed pieces of each size at hand, and
 * hundreds of requests are under way at a time; so it keeps more. What the environment says of
 * malloc already stands. */
must_check rc_t process_tune_malloc(void);

#endif
