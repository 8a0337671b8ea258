#include "logfile.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

rc_t logfile_open(const char *path, int *fd)
{
	int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK;
	int opened = open(path, flags, 0640);
	struct stat status;

	if (opened < 0 || fstat(opened, &status) != 0) {
		log_error("supervisor: log.file cannot be opened path=\"%s\" error=\"%s\"", path,
			strerror(errno));
		if (opened >= 0)
			close(opened);
		return RC_CONFIG;
	}
	if (!S_ISREG(status.st_mode)) {
		log_error("supervisor: log.file is no plain file path=\"%s\"", path);
		close(opened);
		return RC_CONFIG;
	}
	*fd = opened;
	return RC_OK;
}

rc_t logfile_channel(int ends[2])
{
	int type = SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK;

	return socketpair(AF_UNIX, type, 0, ends) == 0 ? RC_OK : RC_SYSTEM;
}

/* A descriptor that nobody takes is closed with its message. */
static void logfile_take_back(int end)
{
	char byte;

	while (recv(end, &byte, 1, MSG_DONTWAIT) > 0)
		continue;
}

void logfile_hand_over(const int ends[2], int file)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} fds = {0};
	struct iovec part = {"", 1};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = fds.bytes,
		.msg_controllen = sizeof(fds.bytes)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	if (ends[0] < 0)
		return;
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(file));
	memcpy(CMSG_DATA(header), &file, sizeof(file));
	logfile_take_back(ends[1]);
	if (sendmsg(ends[0], &message, MSG_NOSIGNAL | MSG_DONTWAIT) != 1)
		log_error("supervisor: log file is not handed over error=\"%s\"", strerror(errno));
}
