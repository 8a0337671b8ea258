#include "notify.h"

#include "base/log.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct notify {
	int fd;
	struct sockaddr_un address;
	socklen_t address_len;
};

static rc_t notify_address(struct notify *notify, const char *name)
{
	size_t len = strlen(name);

	/* a path, or a name of the abstract namespace, which is written with an @ */
	if ((name[0] != '/' && name[0] != '@') || len < 2 ||
		len >= sizeof(notify->address.sun_path)) {
		log_error("notify: NOTIFY_SOCKET is no socket's name");
		return RC_PARAMETER_INVALID;
	}
	notify->address.sun_family = AF_UNIX;
	memcpy(notify->address.sun_path, name, len);
	if (name[0] == '@')
		notify->address.sun_path[0] = 0;
	notify->address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	return RC_OK;
}

rc_t notify_new(struct notify **notify)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct notify *made = NULL;
	rc_t rc = RC_OK;

	if (name == NULL || name[0] == 0)
		return RC_OK;
	made = calloc(1, sizeof(*made));
	if (made == NULL)
		return RC_NO_MEMORY;
	made->fd = -1;
	rc = notify_address(made, name);
	if (rc != RC_OK)
		goto out;
	made->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (made->fd < 0 || unsetenv("NOTIFY_SOCKET") != 0) {
		log_error("notify: no socket: %s", strerror(errno));
		rc = RC_SYSTEM;
		goto out;
	}
	*notify = made;
	made = NULL;
out:
	notify_free(&made);
	return rc;
}

void notify_free(struct notify **notify)
{
	if (*notify == NULL)
		return;
	if ((*notify)->fd >= 0)
		close((*notify)->fd);
	free(*notify);
	*notify = NULL;
}

void notify_send(struct notify *notify, const char *state)
{
	if (notify == NULL)
		return;
	if (sendto(notify->fd, state, strlen(state), MSG_NOSIGNAL,
		    (const struct sockaddr *)&notify->address, notify->address_len) < 0)
		log_warning("notify: the service manager does not hear: %s", strerror(errno));
}
