#include "process.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define PROCESS_FDS_MAX 4
#define PROCESS_EXIT_SETUP 126

rc_t process_user_find(const char *name, struct process_user *user)
{
	struct process_user found = {.set = false};

	if (name[0] == 0) {
		*user = found;
		return RC_OK;
	}
	const struct passwd *entry = getpwnam(name);
	if (entry == NULL || entry->pw_uid == 0 || strlen(name) >= sizeof(found.name)) {
		log_error("process: user=\"%.60s\" %s", name,
			entry == NULL ? "does not exist; create it with adduser --system"
				      : "is root or has too long a name; choose another");
		return RC_CONFIG;
	}
	found = (struct process_user){.set = true, .uid = entry->pw_uid, .gid = entry->pw_gid};
	memcpy(found.name, name, strlen(name) + 1);
	*user = found;
	return RC_OK;
}

/* ---- in the child, before exec: NULL, or the step that failed ---- */

static const char *process_place_fds(const struct process_plan *plan)
{
	int high[PROCESS_FDS_MAX];
	int nothing = open("/dev/null", O_RDONLY);

	if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0)
		return "standard input";
	/* first out of the way, so that no target overwrites a later source */
	for (size_t i = 0; i < plan->fd_count; i++) {
		high[i] = -1;
		if (plan->fds[i] < 0)
			continue;
		high[i] = fcntl(plan->fds[i], F_DUPFD, PROCESS_FIRST_FD + PROCESS_FDS_MAX);
		if (high[i] < 0)
			return "descriptors";
	}
	for (size_t i = 0; i < plan->fd_count; i++) {
		int number = PROCESS_FIRST_FD + (int)i;
		if (high[i] < 0)
			close(number);
		else if (dup2(high[i], number) < 0)
			return "descriptors";
	}
	if (close_range(PROCESS_FIRST_FD + (unsigned)plan->fd_count, ~0U, 0) != 0)
		return "close_range";
	return NULL;
}

static const char *process_drop(const struct process_user *user)
{
	if (!user->set || geteuid() != 0)
		return NULL;
	if (initgroups(user->name, user->gid) != 0)
		return "initgroups";
	if (setresgid(user->gid, user->gid, user->gid) != 0)
		return "setresgid";
	if (setresuid(user->uid, user->uid, user->uid) != 0)
		return "setresuid";
	if (setuid(0) == 0)
		return "giving up root";
	return NULL;
}

static const char *process_default_signals(void)
{
	sigset_t none;

	/* ours point into the parent's loop; SIGPIPE stays ignored, a closed log ends nobody */
	for (int number = 1; number < NSIG; number++) {
		if (number != SIGPIPE)
			signal(number, SIG_DFL);
	}
	sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL) == 0 ? NULL : "signals";
}

__attribute__((noreturn)) static void process_become(const struct process_plan *plan, pid_t parent)
{
	const char *failed = process_default_signals();

	log_set_file(-1); /* its number is about to be another descriptor's */
	if (failed == NULL && setpgid(0, 0) != 0)
		failed = "setpgid";
	if (failed == NULL)
		failed = process_place_fds(plan);
	if (failed == NULL)
		failed = process_drop(plan->user);
	if (failed == NULL && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		failed = "no_new_privs";
	/* after the change of user, which clears it */
	if (failed == NULL && prctl(PR_SET_PDEATHSIG, SIGTERM) != 0)
		failed = "pdeathsig";
	if (failed != NULL) {
		log_error("process: cannot start program=\"%s\": %s: %s", plan->argv[0], failed,
			strerror(errno));
		_exit(PROCESS_EXIT_SETUP);
	}
	if (getppid() != parent)
		_exit(PROCESS_EXIT_SETUP);
	execv(plan->argv[0], (char *const *)(uintptr_t)plan->argv);
	log_error("process: cannot execute program=\"%s\": %s", plan->argv[0], strerror(errno));
	_exit(PROCESS_EXIT_EXEC);
}

rc_t process_start(const struct process_plan *plan, pid_t *pid)
{
	sigset_t all, before;
	pid_t parent = getpid();

	if (plan->fd_count > PROCESS_FDS_MAX)
		return RC_INTERNAL;
	/* a signal between fork and exec would run the parent's handler in the child */
	sigfillset(&all);
	if (sigprocmask(SIG_SETMASK, &all, &before) != 0)
		return RC_SYSTEM;
	pid_t child = fork();
	if (child == 0)
		process_become(plan, parent);
	int error = errno;
	if (sigprocmask(SIG_SETMASK, &before, NULL) != 0)
		log_error("process: cannot restore the signal mask: %s", strerror(errno));
	if (child < 0) {
		log_error("process: fork: %s", strerror(error));
		return RC_SYSTEM;
	}
	*pid = child;
	return RC_OK;
}

rc_t process_harden(void)
{
	struct rlimit none = {0, 0};

	if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
		signal(SIGPIPE, SIG_IGN) == SIG_ERR) {
		log_error("process: cannot forbid core dumps: %s", strerror(errno));
		return RC_SYSTEM;
	}
	return RC_OK;
}

void process_raise_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= PROCESS_FILES)
		return;
	/* a shell gives 1024, with leave for many more */
	files.rlim_cur = files.rlim_max < PROCESS_FILES ? files.rlim_max : PROCESS_FILES;
	if (setrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur < PROCESS_FILES)
		log_warning(
			"process: fewer descriptors than connections may come limit=%llu "
			"fix=\"raise the limit of open files (ulimit -Hn, LimitNOFILE=) to %d\"",
			(unsigned long long)files.rlim_cur, PROCESS_FILES);
}

rc_t process_forget_environment(void)
{
	for (char **entry = environ; *entry != NULL;) {
		const char *equals = strchr(*entry, '=');
		if (equals == NULL || strncmp(*entry, "PG", 2) != 0) {
			entry++;
			continue;
		}
		char *name = strndup(*entry, (size_t)(equals - *entry));
		if (name == NULL)
			return RC_NO_MEMORY;
		int failed = unsetenv(name);
		free(name);
		if (failed)
			return RC_SYSTEM;
		entry = environ; /* unsetenv moved the list */
	}
	return RC_OK;
}

rc_t process_tune_malloc(void)
{
	return setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=1024", 0) == 0 ? RC_OK
										  : RC_SYSTEM;
}
