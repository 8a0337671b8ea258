#include "base/file.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool file_write_all(int fd, struct span bytes)
{
	while (bytes.len > 0) {
		ssize_t put = write(fd, bytes.data, bytes.len);
		if (put < 0 && errno == EINTR)
			continue;
		if (put == 0)
			errno = ENOSPC;
		if (put <= 0)
			return false;
		bytes = SPAN(bytes.data + put, bytes.len - (size_t)put);
	}
	return true;
}

/* A folder with the setgid bit lends its group, the sender's, what is put there. */
static bool folder_grants(int folder, int fd)
{
	struct stat status;

	return fstat(folder, &status) == 0 &&
	       ((status.st_mode & S_ISGID) == 0 || fchmod(fd, 0640) == 0);
}

static bool spool_fill(int folder, const char *name, struct span text)
{
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return false;
	bool good = folder_grants(folder, fd) && file_write_all(fd, text) && fsync(fd) == 0;
	int error = errno;
	good = close(fd) == 0 && good;
	if (!good)
		errno = error;
	return good;
}

static bool spool_put(int folder, const char *name, struct span text)
{
	char part[128];

	/* two daemons may write the same mail after one was slow: each has its own part file, which
	 * may lie there from a process that ended in the middle */
	snprintf(part, sizeof(part), ".%s.%ld", name, (long)getpid());
	(void)unlinkat(folder, part, 0);
	if (spool_fill(folder, part, text) && renameat(folder, part, folder, name) == 0)
		return fsync(folder) == 0;
	int error = errno;
	(void)unlinkat(folder, part, 0);
	errno = error;
	return false;
}

rc_t file_spool(const char *folder, const char *name, struct span text)
{
	int directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rc_t rc = directory >= 0 && spool_put(directory, name, text) ? RC_OK : RC_SYSTEM;

	if (rc != RC_OK)
		log_error("mail: cannot write file=\"%s/%s\" error=\"%s\"", folder, name,
			strerror(errno));
	if (directory >= 0)
		close(directory);
	return rc;
}
