#include "hsm/p11/turn.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

rc_t p11_turn_take(const char *pin_file, int *turn)
{
	int fd = open(pin_file, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0) {
		log_error("p11: PIN file does not open path=\"%s\" error=\"%s\"", pin_file,
			strerror(errno));
		return RC_CONFIG;
	}
	while (flock(fd, LOCK_EX) != 0) {
		if (errno == EINTR)
			continue;
		log_error("p11: PIN file cannot be locked path=\"%s\" error=\"%s\"", pin_file,
			strerror(errno));
		close(fd);
		return RC_SYSTEM;
	}
	*turn = fd;
	return RC_OK;
}

void p11_turn_end(int *turn)
{
	if (*turn >= 0)
		close(*turn);
	*turn = -1;
}
