#include "clients/cli/worker.h"

#include "base/file.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the program occupies already counts too; 256 MB if it cannot be told. */
static size_t address_space(void)
{
	unsigned long pages = 0;
	FILE *statm = fopen("/proc/self/statm", "re");

	if (statm != NULL) {
		if (fscanf(statm, "%lu", &pages) != 1)
			pages = 0;
		fclose(statm);
	}
	return pages == 0 ? (size_t)256 << 20 : pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void limit(__rlimit_resource_t resource, size_t value)
{
	struct rlimit limits = {0};

	if (getrlimit(resource, &limits) != 0 || limits.rlim_cur <= value)
		return;
	limits.rlim_cur = value;
	/* a limit that cannot be lowered: the kernel allows it always */
	(void)setrlimit(resource, &limits);
}

static void child_bound(const struct worker_task *task)
{
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_CPU, task->cpu_s);
#ifndef __SANITIZE_ADDRESS__ /* its shadow reserves terabytes */
	limit(RLIMIT_AS, address_space() + task->memory);
#else
	(void)address_space;
#endif
	if (task->ends_with_parent)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static bool get_all(int fd, uint8_t *at, size_t len)
{
	while (len > 0) {
		ssize_t got = read(fd, at, len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		at += got;
		len -= (size_t)got;
	}
	return true;
}

static _Noreturn void child_run(const struct worker_task *task, int fd, void *reply)
{
	child_bound(task);
	memset(reply, 0, task->reply_size);
	task->run(task->arg, reply);
	/* without exit(): what the parent has buffered is the parent's */
	_exit(file_write_all(fd, SPAN(reply, task->reply_size)) ? 0 : 1);
}

enum worker_end worker_run(const struct worker_task *task, void *reply)
{
	int ends[2];
	int status = 0;

	if (pipe(ends) != 0)
		return WORKER_NOT_BEGUN;
	pid_t child = fork();
	if (child == 0) {
		close(ends[0]);
		child_run(task, ends[1], reply);
	}
	int error = errno;
	close(ends[1]);
	bool answered = child > 0 && get_all(ends[0], reply, task->reply_size);
	close(ends[0]);
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	if (child < 0) {
		errno = error;
		return WORKER_NOT_BEGUN;
	}
	if (answered && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return WORKER_DONE;
	memset(reply, 0, task->reply_size);
	return WORKER_HARMED;
}
