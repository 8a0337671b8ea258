/* Signals that would end us in the middle of signing: what is in hand is completed first. */
#include "clients/cli/sign.h"

#include <sys/signalfd.h>
#include <unistd.h>

/* Who is told to live on, by nohup, does. */
static bool is_ignored(int number)
{
	struct sigaction action;

	return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

rc_t sign_stop_begin(struct sign_stop *stop)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

	*stop = (struct sign_stop){.fd = -1};
	sigemptyset(&stop->caught);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (!is_ignored(numbers[i]))
			sigaddset(&stop->caught, numbers[i]);
	}
	stop->fd = signalfd(-1, &stop->caught, SFD_CLOEXEC | SFD_NONBLOCK);
	if (stop->fd < 0)
		return RC_SYSTEM;
	sigprocmask(SIG_BLOCK, &stop->caught, &stop->before);
	return RC_OK;
}

bool sign_stop_asked(struct sign_stop *stop)
{
	struct signalfd_siginfo info;

	while (read(stop->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		stop->count++;
	return stop->count > 0;
}

void sign_stop_end(struct sign_stop *stop)
{
	if (stop->fd < 0)
		return;
	sign_stop_asked(stop);
	close(stop->fd);
	stop->fd = -1;
	sigprocmask(SIG_SETMASK, &stop->before, NULL);
}
