#include "control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What goes over the wire: both sides are the same program. With CONTROL_RESTARTS `role` is a
 * process, `index` a cause. */
struct control_packet {
	uint32_t kind, role, index, total;
};

union control_fds {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

rc_t control_pair(int fds[2])
{
	int type = SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK;

	return socketpair(AF_UNIX, type, 0, fds) == 0 ? RC_OK : RC_SYSTEM;
}

static rc_t control_send_packet(int control_fd, struct control_packet packet, int fd)
{
	struct iovec part = {&packet, sizeof(packet)};
	union control_fds fds = {0};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	ssize_t sent;

	if (fd >= 0) {
		message.msg_control = fds.bytes;
		message.msg_controllen = sizeof(fds.bytes);
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	}
	do {
		sent = sendmsg(control_fd, &message, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	return sent == (ssize_t)sizeof(packet) ? RC_OK : RC_SYSTEM;
}

static rc_t control_send(
	int control_fd, enum control_kind kind, enum sam_role role, unsigned index, int fd)
{
	return control_send_packet(control_fd, (struct control_packet){kind, role, index, 0}, fd);
}

rc_t control_send_attach(int control_fd, enum sam_role role, unsigned index, int fd)
{
	return fd < 0 ? RC_SYSTEM : control_send(control_fd, CONTROL_ATTACH, role, index, fd);
}

rc_t control_send_lost(int control_fd, enum sam_role role, unsigned index)
{
	return control_send(control_fd, CONTROL_LOST, role, index, -1);
}

rc_t control_send_restarts(
	int control_fd, enum metric_process process, enum metric_cause cause, unsigned total)
{
	return control_send_packet(
		control_fd, (struct control_packet){CONTROL_RESTARTS, process, cause, total}, -1);
}

rc_t control_send_reload(int control_fd)
{
	return control_send(control_fd, CONTROL_RELOAD, SAM_ACTIVATE, 0, -1);
}

static int control_take_fd(struct msghdr *message)
{
	struct cmsghdr *header = CMSG_FIRSTHDR(message);
	int fd = -1;

	if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
		header->cmsg_len == CMSG_LEN(sizeof(fd)))
		memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

static bool control_packet_fits(const struct control_packet *packet, int fd)
{
	bool counts = packet->kind == CONTROL_RESTARTS;

	if (packet->kind < CONTROL_ATTACH || packet->kind > CONTROL_RELOAD)
		return false;
	if (counts ? packet->role > PROCESS_API || packet->index > CAUSE_ENDED
		   : packet->role >= SAM_ROLES)
		return false;
	return (packet->kind == CONTROL_ATTACH) == (fd >= 0);
}

rc_t control_receive(int control_fd, struct control_message *message)
{
	struct control_packet packet;
	struct iovec part = {&packet, sizeof(packet)};
	union control_fds fds = {0};
	struct msghdr header = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = fds.bytes,
		.msg_controllen = sizeof(fds.bytes)};
	ssize_t got;

	do {
		got = recvmsg(control_fd, &header, MSG_CMSG_CLOEXEC);
	} while (got < 0 && errno == EINTR);
	if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return RC_STALE;
	if (got <= 0)
		return RC_SYSTEM;

	int fd = control_take_fd(&header);
	if (got != (ssize_t)sizeof(packet) || (header.msg_flags & MSG_CTRUNC) != 0 ||
		!control_packet_fits(&packet, fd)) {
		if (fd >= 0)
			close(fd);
		return RC_FORMAT;
	}
	struct control_message received = {.kind = (enum control_kind)packet.kind,
		.role = (enum sam_role)packet.role,
		.index = packet.index,
		.fd = fd,
		.process = (enum metric_process)packet.role,
		.cause = (enum metric_cause)packet.index,
		.total = packet.total};
	if (fd >= 0) {
		rc_t rc = control_send(
			control_fd, CONTROL_ATTACHED, received.role, received.index, -1);
		if (rc != RC_OK) {
			close(fd);
			return rc;
		}
	}
	*message = received;
	return RC_OK;
}
