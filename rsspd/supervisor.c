#include "supervisor.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "control.h"
#include "hsm/budget.h"
#include "logfile.h"
#include "notify.h"
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define BACKOFF_FIRST_MS 100
#define BACKOFF_MAX_MS 5000
#define BACKOFF_FORGET_MS 60000 /* up so long: the next death starts at the first delay again */
#define LIVED_MS 1000	/* up so long: started again at once, so that the next job finds it */
#define DRAIN_MS 30000	/* of the api process, then it is killed */
#define END_MS 5000	/* of the SAMs */
#define LOST_MS 1000	/* of a SAM that the api process gave up */
#define EXIT_CONFIG 78	/* sysexits.h EX_CONFIG */
#define EXIT_RECYCLE 75 /* a SAM that asks for a fresh process */
#define SAM_PROGRAM "rssp-sam"

/*
 * RUNNING → RESTARTING when the api process dies: every SAM is ended, then all start again.
 * RUNNING, RESTARTING → DRAINING on SIGTERM: the api process answers what it holds and ends.
 * DRAINING → ENDING: the SAMs end, then the loop stops.
 */
enum supervisor_phase { PHASE_RUNNING, PHASE_RESTARTING, PHASE_DRAINING, PHASE_ENDING };

/* A place for one process: the api process, or a SAM of a role and index. */
struct place {
	struct supervisor *supervisor;
	char name[32];
	bool api;
	enum sam_role role;
	unsigned index;
	pid_t pid; /* 0: nobody there */
	int64_t started_ms, backoff_ms;
	struct loop_timer *timer; /* nobody there: starts it; else: kills it */
	unsigned unacknowledged;  /* sockets sent that the api process has not taken yet */
	bool given_up;		  /* by the api process, which has reported it */
	bool dismissed;		  /* told to end with the api process: no restart of its own */
	int log_ends[2];	  /* logfile.h; -1 without log.file */
};

struct supervisor {
	const struct conf *conf;
	const char *conf_path;
	char program[PATH_MAX], sam_program[PATH_MAX];
	struct process_user api_user, sam_user;
	struct loop *loop;
	struct loop_timer *deadline;
	struct loop_watch *control_watch;
	int control_fd;
	int area_fd; /* the failure budgets, shared by all SAMs that check them */
	int log_fd;  /* -1: no log.file */
	unsigned restarts[PROCESS_API + 1][CAUSE_ENDED + 1];
	enum supervisor_phase phase;
	rc_t result;
	struct place api;
	struct place *sams;
	size_t sam_count;
	struct notify *notify; /* NULL: no service manager asked */
};

static const char *const role_names[SAM_ROLES] = {"activate", "sign", "issue"};

static void place_died(struct place *place, int64_t up_ms);

static void place_kill(const struct place *place, int number)
{
	if (place->pid > 0)
		kill(place->pid, number);
}

static void supervisor_kill_sams(struct supervisor *supervisor, int number)
{
	for (size_t i = 0; i < supervisor->sam_count; i++)
		place_kill(&supervisor->sams[i], number);
}

/* SIGKILL comes only if it does not end by itself: in the middle of a login it can leave SoftHSM's
 * file of the token empty, and every key in it lost. */
static void place_end(struct place *place, int64_t grace_ms)
{
	if (place->pid <= 0)
		return;
	kill(place->pid, SIGTERM);
	loop_timer_set(place->timer, grace_ms);
}

static void place_dismiss(struct place *place)
{
	place->dismissed = place->pid > 0;
	place_end(place, END_MS);
}

static bool supervisor_sams_ended(const struct supervisor *supervisor)
{
	for (size_t i = 0; i < supervisor->sam_count; i++) {
		if (supervisor->sams[i].pid > 0)
			return false;
	}
	return true;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* ---- starting ---- */

static void place_started(struct place *place, pid_t pid)
{
	loop_timer_cancel(place->timer);
	place->pid = pid;
	place->given_up = place->dismissed = false;
	place->started_ms = clock_monotonic_ms();
	log_info("supervisor: started child=%s child_pid=%d", place->name, (int)pid);
}

static void place_hand_log(const struct place *place)
{
	logfile_hand_over(place->log_ends, place->supervisor->log_fd);
}

static rc_t sam_execute(struct place *place, int fd)
{
	const struct supervisor *supervisor = place->supervisor;
	char index[16];
	const int fds[] = {
		fd, place->role == SAM_ACTIVATE ? supervisor->area_fd : -1, place->log_ends[1]};
	const char *argv[] = {supervisor->sam_program, "--config", supervisor->conf_path, "--role",
		role_names[place->role], "--index", index, NULL};
	struct process_plan plan = {.argv = argv,
		.fds = fds,
		.fd_count = sizeof(fds) / sizeof(fds[0]),
		.user = &supervisor->sam_user};
	pid_t pid;

	_Static_assert(SAM_SOCKET_FD == PROCESS_FIRST_FD && SAM_AREA_FD == SAM_SOCKET_FD + 1 &&
			       LOG_CHANNEL_FD == SAM_AREA_FD + 1,
		"a SAM finds its socket, its area and its log where process_start() puts them");
	snprintf(index, sizeof(index), "%u", place->index);
	place_hand_log(place);
	rc_t rc = process_start(&plan, &pid);
	if (rc == RC_OK)
		place_started(place, pid);
	return rc;
}

static void sam_start(struct place *place)
{
	int fds[2] = {-1, -1};
	rc_t rc = RC_SYSTEM;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
		log_error("supervisor: socketpair: %s", strerror(errno));
		goto out;
	}
	rc = sam_execute(place, fds[1]);
	if (rc != RC_OK)
		goto out;
	if (control_send_attach(place->supervisor->control_fd, place->role, place->index, fds[0]) ==
		RC_OK) {
		place->unacknowledged++;
	} else {
		/* nobody could ever ask it; its death starts the next one */
		log_error("supervisor: could not be handed over child=%s", place->name);
		place_end(place, END_MS);
	}
out:
	close_fd(&fds[0]);
	close_fd(&fds[1]);
	if (rc != RC_OK)
		place_died(place, 0);
}

static void supervisor_on_control(void *arg);

static rc_t api_open_control(struct supervisor *supervisor, int *api_end)
{
	int fds[2];
	rc_t rc = control_pair(fds);

	if (rc != RC_OK)
		return rc;
	loop_watch_free(&supervisor->control_watch);
	close_fd(&supervisor->control_fd);
	supervisor->control_fd = fds[0];
	*api_end = fds[1];
	rc = loop_watch_new(supervisor->loop, fds[0], supervisor_on_control, NULL, supervisor,
		&supervisor->control_watch);
	if (rc == RC_OK)
		rc = loop_watch_want(supervisor->control_watch, LOOP_READ);
	return rc;
}

/* An api process that is new has to hear of what was before it. */
static void supervisor_tell_restarts(struct supervisor *supervisor)
{
	rc_t rc = RC_OK;

	for (int process = 0; process <= PROCESS_API && rc == RC_OK; process++) {
		for (int cause = 0; cause <= CAUSE_ENDED && rc == RC_OK; cause++)
			rc = control_send_restarts(supervisor->control_fd,
				(enum metric_process)process, (enum metric_cause)cause,
				supervisor->restarts[process][cause]);
	}
	if (rc != RC_OK)
		log_error("supervisor: the api process does not hear of restarts");
}

static void place_count_restart(const struct place *place, enum metric_cause cause)
{
	_Static_assert((int)PROCESS_SAM_ACTIVATE == SAM_ACTIVATE &&
			       (int)PROCESS_SAM_SIGN == SAM_SIGN &&
			       (int)PROCESS_SAM_ISSUE == SAM_ISSUE,
		"the SAMs' roles are the first of the processes");
	place->supervisor->restarts[place->api ? PROCESS_API : (int)place->role][cause]++;
	if (!place->api)
		supervisor_tell_restarts(place->supervisor);
}

static void api_start(struct place *place)
{
	struct supervisor *supervisor = place->supervisor;
	const char *argv[] = {supervisor->program, "api", "--config", supervisor->conf_path, NULL};
	int api_end = -1;
	pid_t pid;
	rc_t rc = api_open_control(supervisor, &api_end);
	const int fds[] = {api_end, -1, place->log_ends[1]};
	struct process_plan plan = {.argv = argv,
		.fds = fds,
		.fd_count = sizeof(fds) / sizeof(fds[0]),
		.user = &supervisor->api_user};

	place_hand_log(place);
	if (rc == RC_OK)
		rc = process_start(&plan, &pid);
	close_fd(&api_end);
	if (rc != RC_OK) {
		log_error("supervisor: cannot start the api process rc=%s", rc_name(rc));
		place_died(place, 0);
		return;
	}
	place_started(place, pid);
	supervisor_tell_restarts(supervisor);
	supervisor->phase = PHASE_RUNNING;
	for (size_t i = 0; i < supervisor->sam_count; i++) {
		supervisor->sams[i].unacknowledged = 0;
		/* one that is not gone yet follows when it is */
		if (supervisor->sams[i].pid == 0)
			sam_start(&supervisor->sams[i]);
	}
}

static void place_on_timer(void *arg)
{
	struct place *place = arg;

	if (place->pid > 0) {
		place_kill(place, SIGKILL);
		return;
	}
	if (!place->api && place->supervisor->phase == PHASE_RUNNING)
		sam_start(place);
	if (place->api && place->supervisor->phase == PHASE_RESTARTING)
		api_start(place);
}

/* ---- ending ---- */

static void supervisor_next_phase(struct supervisor *supervisor)
{
	if (supervisor->phase == PHASE_DRAINING && supervisor->api.pid == 0) {
		supervisor->phase = PHASE_ENDING;
		supervisor_kill_sams(supervisor, SIGTERM);
		loop_timer_set(supervisor->deadline, END_MS);
	}
	if (supervisor->phase == PHASE_ENDING && supervisor_sams_ended(supervisor))
		loop_stop(supervisor->loop);
}

static void supervisor_on_stop(void *arg)
{
	struct supervisor *supervisor = arg;

	if (supervisor->phase >= PHASE_DRAINING)
		return;
	log_info("supervisor: stopping");
	notify_send(supervisor->notify, "STOPPING=1\nSTATUS=answers what is in work");
	supervisor->phase = PHASE_DRAINING;
	place_kill(&supervisor->api, SIGTERM);
	loop_timer_set(supervisor->deadline, DRAIN_MS);
	supervisor_next_phase(supervisor);
}

static void supervisor_on_deadline(void *arg)
{
	struct supervisor *supervisor = arg;

	log_warning("supervisor: a process did not end in time and is killed");
	if (supervisor->phase == PHASE_DRAINING)
		place_kill(&supervisor->api, SIGKILL);
	else
		supervisor_kill_sams(supervisor, SIGKILL);
}

/* ---- reloading ---- */

static void supervisor_reopen_log(struct supervisor *supervisor)
{
	int fresh;

	if (supervisor->log_fd < 0 || logfile_open(supervisor->conf->log_file, &fresh) != RC_OK)
		return;
	log_set_file(fresh);
	close_fd(&supervisor->log_fd);
	supervisor->log_fd = fresh;
	place_hand_log(&supervisor->api);
	for (size_t i = 0; i < supervisor->sam_count; i++)
		place_hand_log(&supervisor->sams[i]);
}

static void supervisor_on_reload(void *arg)
{
	struct supervisor *supervisor = arg;

	if (supervisor->phase >= PHASE_DRAINING)
		return;
	notify_send(supervisor->notify, "RELOADING=1");
	supervisor_reopen_log(supervisor);
	log_info("supervisor: reloading");
	/* one that is about to start reads everything anew by itself */
	if (supervisor->phase == PHASE_RUNNING &&
		control_send_reload(supervisor->control_fd) != RC_OK)
		log_error("supervisor: the api process does not hear of the reload");
	notify_send(supervisor->notify, "READY=1");
}

/* ---- deaths ---- */

static void place_died(struct place *place, int64_t up_ms)
{
	bool lived = up_ms >= LIVED_MS;

	if (up_ms >= BACKOFF_FORGET_MS)
		place->backoff_ms = BACKOFF_FIRST_MS;
	if (place->supervisor->phase < PHASE_DRAINING)
		loop_timer_set(place->timer, lived ? 0 : place->backoff_ms);
	if (lived)
		return;
	place->backoff_ms *= 2;
	if (place->backoff_ms > BACKOFF_MAX_MS)
		place->backoff_ms = BACKOFF_MAX_MS;
}

/* What the SAMs hold belongs to an api process that is no more: all start anew. */
static void api_died(struct supervisor *supervisor, int status)
{
	if (supervisor->phase >= PHASE_DRAINING)
		return;
	supervisor->phase = PHASE_RESTARTING;
	notify_send(supervisor->notify, "STATUS=the api process died and is started again");
	for (size_t i = 0; i < supervisor->sam_count; i++)
		place_dismiss(&supervisor->sams[i]);
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_CONFIG) {
		log_error("supervisor: the api process refuses its configuration; see above");
		supervisor->result = RC_CONFIG;
		supervisor_on_stop(supervisor);
	}
}

static void place_reaped(struct place *place, int status)
{
	struct supervisor *supervisor = place->supervisor;
	int64_t up_ms = clock_monotonic_ms() - place->started_ms;
	bool recycled = !place->api && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_RECYCLE;
	/* its peer went first, or somebody asked it to */
	bool left = WIFEXITED(status) && WEXITSTATUS(status) == 0 && !place->given_up;
	bool stopping = supervisor->phase >= PHASE_DRAINING;
	bool expected = recycled || supervisor->phase != PHASE_RUNNING;

	log_write(expected ? LOG_INFO : LOG_WARNING,
		"supervisor: ended child=%s child_pid=%d %s=%d up_ms=%lld", place->name,
		(int)place->pid, WIFSIGNALED(status) ? "signal" : "exit",
		WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), (long long)up_ms);
	loop_timer_cancel(place->timer);
	place->pid = 0;
	if (place->api)
		api_died(supervisor, status);
	if (!place->dismissed && (supervisor->phase == PHASE_RUNNING || (place->api && !stopping)))
		place_count_restart(place, recycled ? CAUSE_RECYCLED
					   : left   ? CAUSE_ENDED
						    : CAUSE_DIED);
	/* SAMs that were ended with the api process start when it does */
	if (place->api || supervisor->phase == PHASE_RUNNING)
		place_died(place, up_ms);
	supervisor_next_phase(supervisor);
}

static void supervisor_on_child(void *arg)
{
	struct supervisor *supervisor = arg;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == supervisor->api.pid)
			place_reaped(&supervisor->api, status);
		for (size_t i = 0; i < supervisor->sam_count; i++) {
			if (pid == supervisor->sams[i].pid)
				place_reaped(&supervisor->sams[i], status);
		}
	}
}

/* ---- what the api process says ---- */

static struct place *supervisor_find_sam(
	struct supervisor *supervisor, const struct control_message *message)
{
	for (size_t i = 0; i < supervisor->sam_count; i++) {
		struct place *sam = &supervisor->sams[i];
		if (sam->role == message->role && sam->index == message->index)
			return sam;
	}
	return NULL;
}

/* The api process, which listens before it reads its channel, has every SAM's socket. */
static void supervisor_tell_ready(struct supervisor *supervisor)
{
	for (size_t i = 0; i < supervisor->sam_count; i++) {
		if (supervisor->sams[i].unacknowledged > 0 || supervisor->sams[i].pid == 0)
			return;
	}
	if (supervisor->phase == PHASE_RUNNING)
		notify_send(supervisor->notify, "READY=1\nSTATUS=serves");
}

static void supervisor_take(struct supervisor *supervisor, const struct control_message *message)
{
	struct place *sam = supervisor_find_sam(supervisor, message);

	if (sam == NULL)
		return;
	if (message->kind == CONTROL_ATTACHED && sam->unacknowledged > 0) {
		sam->unacknowledged--;
		supervisor_tell_ready(supervisor);
	}
	/* before the acknowledgement it speaks of one that has been replaced already */
	if (message->kind == CONTROL_LOST && sam->unacknowledged == 0 && sam->pid > 0) {
		log_warning("supervisor: ending what the api process gave up child=%s child_pid=%d",
			sam->name, (int)sam->pid);
		sam->given_up = true;
		/* one that only ended itself may do so, with its own exit status */
		place_end(sam, LOST_MS);
	}
}

static void supervisor_on_control(void *arg)
{
	struct supervisor *supervisor = arg;
	struct control_message message;
	rc_t rc;

	while ((rc = control_receive(supervisor->control_fd, &message)) == RC_OK) {
		if (message.fd >= 0)
			close(message.fd); /* the api process has none to give */
		supervisor_take(supervisor, &message);
	}
	if (rc == RC_STALE)
		return;
	loop_watch_free(&supervisor->control_watch);
	if (supervisor->phase == PHASE_RUNNING)
		place_kill(&supervisor->api, SIGKILL); /* without its channel it serves nobody */
}

/* ---- set-up ---- */

static rc_t supervisor_find_programs(struct supervisor *supervisor)
{
	ssize_t len = readlink("/proc/self/exe", supervisor->program, PATH_MAX - 1);
	const char *configured = supervisor->conf->sam_program;
	int used;

	if (len <= 0)
		return RC_SYSTEM;
	supervisor->program[len] = 0;
	int folder = (int)(strrchr(supervisor->program, '/') - supervisor->program);
	if (configured[0] != 0)
		used = snprintf(supervisor->sam_program, PATH_MAX, "%s", configured);
	else
		used = snprintf(supervisor->sam_program, PATH_MAX, "%.*s/" SAM_PROGRAM, folder,
			supervisor->program);
	if (used >= PATH_MAX || access(supervisor->sam_program, X_OK) != 0) {
		log_error("supervisor: sam.program=\"%s\" cannot be executed; build it, or name it "
			  "in the configuration",
			supervisor->sam_program);
		return RC_CONFIG;
	}
	return RC_OK;
}

static rc_t supervisor_find_users(struct supervisor *supervisor)
{
	const struct conf *conf = supervisor->conf;
	rc_t rc = process_user_find(conf->api_user, &supervisor->api_user);

	if (rc == RC_OK)
		rc = process_user_find(conf->sam_user, &supervisor->sam_user);
	if (rc != RC_OK)
		return rc;
	bool bounded = geteuid() == 0 && supervisor->api_user.set && supervisor->sam_user.set &&
		       supervisor->api_user.uid != supervisor->sam_user.uid;
	if (!bounded)
		log_warning("supervisor: api process and SAMs run under one user: no boundary "
			    "between them; start as root with api.user and sam.user set and "
			    "different");
	return RC_OK;
}

static rc_t place_open(struct supervisor *supervisor, struct place *place)
{
	place->supervisor = supervisor;
	place->backoff_ms = BACKOFF_FIRST_MS;
	place->log_ends[0] = place->log_ends[1] = -1;
	rc_t rc = loop_timer_new(supervisor->loop, place_on_timer, place, &place->timer);
	if (rc == RC_OK && supervisor->log_fd >= 0)
		rc = logfile_channel(place->log_ends);
	return rc;
}

/* Zeroed, and of a size that nobody changes. One for all: a caller that asks another SAM finds the
 * same budget there. */
static rc_t supervisor_open_area(struct supervisor *supervisor)
{
	int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	int fd = memfd_create("rssp-budget", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	supervisor->area_fd = fd;
	if (fd < 0 || ftruncate(fd, BUDGET_AREA_SIZE) != 0 || fcntl(fd, F_ADD_SEALS, seals) != 0) {
		log_error("supervisor: cannot make the budget area: %s", strerror(errno));
		return RC_SYSTEM;
	}
	return RC_OK;
}

static rc_t supervisor_open_sams(struct supervisor *supervisor)
{
	const struct conf *conf = supervisor->conf;
	const int64_t counts[SAM_ROLES] = {conf->sam_activate, conf->sam_sign, conf->sam_issue};
	size_t total = (size_t)(counts[SAM_ACTIVATE] + counts[SAM_SIGN] + counts[SAM_ISSUE]);
	rc_t rc = RC_OK;

	supervisor->sams = calloc(total, sizeof(*supervisor->sams));
	if (supervisor->sams == NULL)
		return RC_NO_MEMORY;
	for (int role = 0; role < SAM_ROLES; role++) {
		for (unsigned index = 0; index < counts[role] && rc == RC_OK; index++) {
			struct place *sam = &supervisor->sams[supervisor->sam_count++];
			sam->role = (enum sam_role)role;
			sam->index = index;
			snprintf(
				sam->name, sizeof(sam->name), "sam-%s-%u", role_names[role], index);
			rc = place_open(supervisor, sam);
		}
	}
	return rc;
}

static rc_t supervisor_open_loop(struct supervisor *supervisor)
{
	static const int stops[] = {SIGTERM, SIGINT};
	rc_t rc = loop_new(&supervisor->loop);

	if (rc == RC_OK)
		rc = loop_timer_new(supervisor->loop, supervisor_on_deadline, supervisor,
			&supervisor->deadline);
	if (rc == RC_OK)
		rc = loop_signal(supervisor->loop, SIGCHLD, supervisor_on_child, supervisor);
	if (rc == RC_OK)
		rc = loop_signal(supervisor->loop, SIGHUP, supervisor_on_reload, supervisor);
	for (size_t i = 0; i < sizeof(stops) / sizeof(stops[0]) && rc == RC_OK; i++)
		rc = loop_signal(supervisor->loop, stops[i], supervisor_on_stop, supervisor);
	return rc;
}

static void place_close(struct place *place)
{
	loop_timer_free(&place->timer);
	close_fd(&place->log_ends[0]);
	close_fd(&place->log_ends[1]);
}

static rc_t supervisor_open_log(struct supervisor *supervisor)
{
	if (supervisor->conf->log_file[0] == 0)
		return RC_OK;
	rc_t rc = logfile_open(supervisor->conf->log_file, &supervisor->log_fd);
	if (rc == RC_OK)
		log_set_file(supervisor->log_fd);
	return rc;
}

static void supervisor_close(struct supervisor *supervisor)
{
	for (size_t i = 0; i < supervisor->sam_count; i++)
		place_close(&supervisor->sams[i]);
	close_fd(&supervisor->area_fd);
	free(supervisor->sams);
	place_close(&supervisor->api);
	loop_timer_free(&supervisor->deadline);
	loop_watch_free(&supervisor->control_watch);
	close_fd(&supervisor->control_fd);
	loop_free(&supervisor->loop);
	notify_free(&supervisor->notify);
	log_set_file(-1);
	close_fd(&supervisor->log_fd);
}

rc_t supervisor_run(const struct conf *conf, const char *conf_path)
{
	struct supervisor supervisor = {.conf = conf,
		.conf_path = conf_path,
		.control_fd = -1,
		.area_fd = -1,
		.log_fd = -1,
		.phase = PHASE_RESTARTING,
		.result = RC_OK,
		.api = {.name = "api", .api = true, .log_ends = {-1, -1}}};
	rc_t rc = process_harden();

	if (rc == RC_OK)
		rc = process_forget_environment();
	if (rc == RC_OK)
		rc = process_tune_malloc();
	if (rc == RC_OK)
		rc = notify_new(&supervisor.notify);
	if (rc == RC_OK)
		rc = supervisor_open_log(&supervisor);
	if (rc == RC_OK)
		rc = supervisor_find_programs(&supervisor);
	if (rc == RC_OK)
		rc = supervisor_find_users(&supervisor);
	if (rc == RC_OK)
		rc = supervisor_open_loop(&supervisor);
	if (rc == RC_OK)
		rc = place_open(&supervisor, &supervisor.api);
	if (rc == RC_OK)
		rc = supervisor_open_area(&supervisor);
	if (rc == RC_OK)
		rc = supervisor_open_sams(&supervisor);
	if (rc != RC_OK)
		goto out;
	api_start(&supervisor.api);
	rc = loop_run(supervisor.loop);
	if (rc == RC_OK)
		rc = supervisor.result;
	log_info("supervisor: stopped");
out:
	supervisor_close(&supervisor);
	return rc;
}
