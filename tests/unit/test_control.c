/* link: server */
#include "control.h"
#include "process.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static void an_attached_socket_is_acknowledged_and_works(void **state)
{
	struct control_message message;
	int control[2], sam[2];
	char byte = 0;

	(void)state;
	assert_int_equal(control_pair(control), RC_OK);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sam), 0);
	assert_int_equal(control_receive(control[1], &message), RC_STALE);
	assert_int_equal(control_send_attach(control[0], SAM_SIGN, 3, sam[0]), RC_OK);
	close(sam[0]);
	assert_int_equal(control_receive(control[1], &message), RC_OK);
	assert_int_equal(message.kind, CONTROL_ATTACH);
	assert_int_equal(message.role, SAM_SIGN);
	assert_int_equal(message.index, 3);
	assert_true((fcntl(message.fd, F_GETFD) & FD_CLOEXEC) != 0);
	assert_int_equal(write(message.fd, "x", 1), 1);
	assert_int_equal(read(sam[1], &byte, 1), 1);
	assert_int_equal(byte, 'x');
	close(message.fd);
	assert_int_equal(control_receive(control[0], &message), RC_OK);
	assert_int_equal(message.kind, CONTROL_ATTACHED);
	assert_int_equal(message.index, 3);
	assert_int_equal(message.fd, -1);
	assert_int_equal(control_send_attach(control[0], SAM_SIGN, 3, -1), RC_SYSTEM);
	close(sam[1]);
	close(control[0]);
	close(control[1]);
}

static void a_report_comes_before_the_acknowledgement_of_the_successor(void **state)
{
	struct control_message message;
	int control[2], sam[2];

	(void)state;
	assert_int_equal(control_pair(control), RC_OK);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sam), 0);
	assert_int_equal(control_send_attach(control[0], SAM_ISSUE, 0, sam[0]), RC_OK);
	assert_int_equal(control_send_lost(control[1], SAM_ISSUE, 0), RC_OK);
	assert_int_equal(control_receive(control[1], &message), RC_OK);
	close(message.fd);
	assert_int_equal(control_receive(control[0], &message), RC_OK);
	assert_int_equal(message.kind, CONTROL_LOST);
	assert_int_equal(control_receive(control[0], &message), RC_OK);
	assert_int_equal(message.kind, CONTROL_ATTACHED);
	close(sam[0]);
	close(sam[1]);
	close(control[1]);
	assert_int_equal(control_receive(control[0], &message), RC_SYSTEM);
	close(control[0]);
}

static void what_the_supervisor_knows_arrives(void **state)
{
	struct control_message message;
	int control[2];

	(void)state;
	assert_int_equal(control_pair(control), RC_OK);
	assert_int_equal(control_send_restarts(control[0], PROCESS_API, CAUSE_RECYCLED, 7), RC_OK);
	assert_int_equal(control_send_reload(control[0]), RC_OK);
	assert_int_equal(control_receive(control[1], &message), RC_OK);
	assert_int_equal(message.kind, CONTROL_RESTARTS);
	assert_int_equal(message.process, PROCESS_API);
	assert_int_equal(message.cause, CAUSE_RECYCLED);
	assert_int_equal(message.total, 7);
	assert_int_equal(control_receive(control[1], &message), RC_OK);
	assert_int_equal(message.kind, CONTROL_RELOAD);
	close(control[0]);
	close(control[1]);
}

static void a_packet_that_is_not_ours_is_refused(void **state)
{
	static const uint32_t packets[][4] = {{0, 0, 0, 0}, {CONTROL_RELOAD + 1, 0, 0, 0},
		{CONTROL_LOST, SAM_ROLES, 0, 0}, {CONTROL_ATTACH, 0, 0, 0},
		{CONTROL_RESTARTS, PROCESS_API + 1, 0, 0},
		{CONTROL_RESTARTS, 0, CAUSE_ENDED + 1, 0}};
	struct control_message message;
	int control[2];

	(void)state;
	assert_int_equal(control_pair(control), RC_OK);
	for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
		assert_int_equal(send(control[0], packets[i], sizeof(packets[i]), 0), 16);
		assert_int_equal(control_receive(control[1], &message), RC_FORMAT);
	}
	assert_int_equal(send(control[0], "short", 5, 0), 5);
	assert_int_equal(control_receive(control[1], &message), RC_FORMAT);
	close(control[0]);
	close(control[1]);
}

/* ---- starting a program ---- */

static int run(const char *const *argv, const int *fds, size_t fd_count)
{
	struct process_user nobody = {.set = false};
	struct process_plan plan = {argv, fds, fd_count, &nobody};
	int status = 0;
	pid_t pid;

	assert_int_equal(process_start(&plan, &pid), RC_OK);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void a_program_has_its_descriptors_and_no_others(void **state)
{
	static const char *const argv[] = {"/bin/sh", "-c",
		"test \"$(cat <&4)\" = second && cat <&3 | grep -q first && ! (: <&5) 2>/dev/null",
		NULL};
	int first[2], second[2], fds[2];
	int open_too = open("/dev/null", O_RDONLY); /* not closed on exec, and not meant for it */

	(void)state;
	assert_int_equal(pipe(first), 0);
	assert_int_equal(pipe(second), 0);
	assert_int_equal(write(first[1], "first", 5), 5);
	assert_int_equal(write(second[1], "second", 6), 6);
	close(first[1]);
	close(second[1]);
	/* the other way round than their numbers: nothing may be overwritten on the way */
	assert_int_equal(dup2(first[0], 20), 20);
	assert_int_equal(dup2(second[0], 3), 3);
	fds[0] = 20;
	fds[1] = 3;
	int status = run(argv, fds, 2);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	close(open_too);
}

static void a_program_cannot_gain_privileges_and_leads_its_group(void **state)
{
	static const char *const argv[] = {"/bin/sh", "-c",
		"grep -q '^NoNewPrivs:.1' /proc/self/status && "
		"test \"$(cut -d' ' -f5 /proc/$$/stat)\" = $$",
		NULL};
	int status = run(argv, NULL, 0);

	(void)state;
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void a_program_that_is_not_there_shows_by_its_status(void **state)
{
	static const char *const argv[] = {"/nonexistent/program", NULL};
	int status = run(argv, NULL, 0);

	(void)state;
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == PROCESS_EXIT_EXEC);
}

static void a_program_runs_as_the_user_that_is_named(void **state)
{
	static const char *const argv[] = {"/bin/sh", "-c",
		"test \"$(id -un)\" = nobody && test \"$(id -G)\" = \"$(id -G nobody)\"", NULL};
	struct process_user user;
	struct process_plan plan = {.argv = argv, .user = &user};
	int status = 0;
	pid_t pid;

	(void)state;
	assert_int_equal(process_user_find("nobody", &user), RC_OK);
	assert_true(user.set);
	assert_int_equal(process_start(&plan, &pid), RC_OK);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	/* another user than root cannot change to it, and stays what it is */
	assert_true(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || geteuid() != 0));
	assert_int_equal(process_user_find("root", &user), RC_CONFIG);
	assert_int_equal(process_user_find("no-such-user", &user), RC_CONFIG);
	assert_int_equal(process_user_find("", &user), RC_OK);
	assert_false(user.set);
}

static void passwords_of_libpq_are_not_handed_on(void **state)
{
	(void)state;
	setenv("PGPASSWORD", "secret", 1);
	setenv("PGPASSFILE", "/x", 1);
	setenv("SOFTHSM2_CONF", "/kept", 1);
	assert_int_equal(process_forget_environment(), RC_OK);
	assert_null(getenv("PGPASSWORD"));
	assert_null(getenv("PGPASSFILE"));
	assert_string_equal(getenv("SOFTHSM2_CONF"), "/kept");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_attached_socket_is_acknowledged_and_works),
		cmocka_unit_test(a_report_comes_before_the_acknowledgement_of_the_successor),
		cmocka_unit_test(what_the_supervisor_knows_arrives),
		cmocka_unit_test(a_packet_that_is_not_ours_is_refused),
		cmocka_unit_test(a_program_has_its_descriptors_and_no_others),
		cmocka_unit_test(a_program_cannot_gain_privileges_and_leads_its_group),
		cmocka_unit_test(a_program_that_is_not_there_shows_by_its_status),
		cmocka_unit_test(a_program_runs_as_the_user_that_is_named),
		cmocka_unit_test(passwords_of_libpq_are_not_handed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
