/*
 * The log file: opened by the supervisor, with its rights, and handed to the processes that it
 * starts, which may not open it themselves. A process finds the file as a message on a socket
 * (LOG_CHANNEL_FD) when it writes its next line, so a file that takes the place of another, after
 * logrotate moved that one away, reaches all of them without a signal.
 */
#ifndef RSSPD_LOGFILE_H
#define RSSPD_LOGFILE_H

#include "base/rc.h"

/* For appending; made with mode 0640. RC_CONFIG, logged, if it cannot be. */
must_check rc_t logfile_open(const char *path, int *fd);

/* ends[0] is the supervisor's; ends[1] goes to the process, and stays open here too: so what the
 * process has not taken can be taken back when it is no longer right. */
must_check rc_t logfile_channel(int ends[2]);
/* The file that the process is to write to from now on. */
void logfile_hand_over(const int ends[2], int file);

#endif
