/* link: sam
 * The programs themselves: rssp-keys, and rssp-sam over its socket, killed and started again. */
#include "sam_fixture.h"

#include "hsm/proto.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

static char path_config[96], path_bin[PATH_MAX];

static void config_write(const char *key_token, const char *more)
{
	char text[2048];

	snprintf(path_config, sizeof(path_config), "%s/rsspd.conf", fixture.folder);
	snprintf(text, sizeof(text),
		"[tls]\ncertificate = tls.pem\nkey = tls.key\n"
		"[operators]\nfile = operators.pem\n"
		"[pki]\nca-certificate = ca.pem\n"
		"[database]\nconninfo = dbname=none\n"
		"[hsm]\nmodule = " MODULE_PATH "\nkey-token = %s\nkey-pin-file = pin\n"
		"ca-token = ca\nca-pin-file = pin\n"
		"[service]\nname = Dịch vụ mẫu\n"
		"[notices]\nspool = spool\n"
		"[sam]\ncodes-spool = spool\n%s",
		key_token, more);
	file_put(path_config, text, 0600);
}

/* <build>/bin, beside <build>/tests where this test lives. */
static const char *program(const char *name)
{
	static char path[PATH_MAX + 32];

	snprintf(path, sizeof(path), "%s/bin/%s", path_bin, name);
	return path;
}

static int program_start(void **state)
{
	int rc = fixture_start(state);
	char self[PATH_MAX] = "";

	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	snprintf(path_bin, sizeof(path_bin), "%s", dirname(dirname(self)));
	config_write("keys", "");
	/* a leak found at exit would change the exit code; SoftHSM's own are none of ours */
	setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
	return rc;
}

static int wait_code(pid_t child)
{
	int status = -1;

	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void be_quiet(void)
{
	int null = open("/dev/null", O_RDWR);

	if (getenv("TEST_LOG") == NULL)
		dup2(null, STDERR_FILENO);
	dup2(null, STDOUT_FILENO);
}

static int run_keys(const char *command)
{
	pid_t child = fork();

	if (child == 0) {
		be_quiet();
		execl(program("rssp-keys"), "rssp-keys", command, "--config", path_config, NULL);
		_exit(127);
	}
	return wait_code(child);
}

struct spawned {
	pid_t pid;
	int fd;
};

static struct spawned spawn(const char *role)
{
	struct spawned sam;
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	sam.fd = ends[0];
	sam.pid = fork();
	if (sam.pid == 0) {
		be_quiet();
		int socket = fcntl(ends[1], F_DUPFD, 10), area = fcntl(fixture.area, F_DUPFD, 10);
		dup2(socket, SAM_SOCKET_FD);
		dup2(area, SAM_AREA_FD);
		close(socket);
		close(area);
		execl(program("rssp-sam"), "rssp-sam", "--config", path_config, "--role", role,
			"--index", "3", NULL);
		_exit(127);
	}
	close(ends[1]);
	return sam;
}

/* false: the other side closed. */
static bool take(int fd, void *out, size_t len)
{
	uint8_t *at = out;

	while (len > 0) {
		ssize_t got = read(fd, at, len);
		if (got <= 0)
			return false;
		at += got;
		len -= (size_t)got;
	}
	return true;
}

static bool take_frame(int fd, struct frame_header *header, struct buf *body)
{
	uint8_t head[FRAME_HEADER_LEN];

	if (!take(fd, head, sizeof(head)))
		return false;
	assert_int_equal(frame_header_decode(head, header), RC_OK);
	buf_clear(body);
	assert_int_equal(buf_reserve(body, header->body_len + 1), RC_OK);
	body->len = header->body_len;
	return take(fd, body->data, body->len);
}

static void put(int fd, enum frame_kind kind, uint64_t job, struct buf *body)
{
	struct buf frame = BUF_INIT;

	assert_int_equal(frame_put(&frame, kind, job, buf_span(body)), RC_OK);
	assert_int_equal(write(fd, frame.data, frame.len), (ssize_t)frame.len);
	buf_free(&frame);
	buf_clear(body);
}

static struct spawned spawn_greeted(const char *role, enum sam_role wanted)
{
	struct spawned sam = spawn(role);
	struct frame_header header;
	struct frame_hello hello;
	struct buf body = BUF_INIT;

	assert_true(take_frame(sam.fd, &header, &body));
	assert_int_equal(header.kind, FRAME_HELLO);
	assert_int_equal(proto_hello_decode(&hello, buf_span(&body)), RC_OK);
	assert_int_equal(hello.role, wanted);
	assert_int_equal(hello.index, 3);
	assert_int_equal(hello.pid, (uint64_t)sam.pid);
	buf_free(&body);
	return sam;
}

/* The next answer; `rest` points into body. */
static rc_t take_answer(
	int fd, enum frame_kind kind, uint64_t job, struct buf *body, struct span *rest)
{
	struct frame_header header;
	rc_t said = RC_INTERNAL;
	unsigned retry_after_s = 0;

	assert_true(take_frame(fd, &header, body));
	assert_int_equal(header.kind, kind);
	assert_int_equal(header.job, job);
	assert_int_equal(proto_answer_decode(&said, &retry_after_s, rest, buf_span(body)), RC_OK);
	return said;
}

static rc_t authorize(
	struct spawned *sam, const struct attempt *attempt, struct job_authorized *answer)
{
	struct buf body = BUF_INIT;
	struct span rest;

	assert_int_equal(proto_authorize_encode(&body, &attempt->job), RC_OK);
	put(sam->fd, FRAME_AUTHORIZE, 7, &body);
	rc_t said = take_answer(sam->fd, FRAME_AUTHORIZE, 7, &body, &rest);
	if (said == RC_OK)
		assert_int_equal(proto_authorized_decode(answer, rest), RC_OK);
	buf_free(&body);
	return said;
}

static void end_by_closing(struct spawned *sam)
{
	close(sam->fd);
	assert_int_equal(wait_code(sam->pid), 0);
}

static void keys_are_made_once_and_checked(void **state)
{
	(void)state;
	assert_int_equal(run_keys("check"), 0);
	assert_int_equal(unlink(fixture.path_ca), 0);
	assert_int_equal(run_keys("init"), 0);
	assert_int_equal(access(fixture.path_ca, R_OK), 0);
	assert_int_equal(run_keys("init"), 0);
	assert_int_equal(run_keys("nonsense"), 64);
	config_write("ca", ""); /* a token without such keys */
	assert_int_equal(run_keys("check"), 1);
	config_write("none", "");
	assert_int_equal(run_keys("check"), 3);
	config_write("keys", "");
	assert_int_equal(run_keys("check"), 0);
}

static void a_sam_that_cannot_start_says_so_by_its_exit_code(void **state)
{
	(void)state;
	config_write("ca", "");
	struct spawned sam = spawn("sign");
	assert_int_equal(wait_code(sam.pid), 78);
	close(sam.fd);
	config_write("keys", "");
	sam = spawn("none");
	assert_int_equal(wait_code(sam.pid), 64);
	close(sam.fd);
}

static void kill_9_gives_no_tries_back(void **state)
{
	struct person *person = person_new(KEY_P_256);
	struct attempt *attempt = calloc(1, sizeof(*attempt));
	struct job_authorized sad = {.otp_step = 0};

	(void)state;
	attempt_make(attempt, person, DIGEST_SHA256, 2, 0);
	attempt->job.pin = span_string("wrong one");
	for (int i = 0; i < 5; i++) {
		struct spawned sam = spawn_greeted("activate", SAM_ACTIVATE);
		assert_int_equal(authorize(&sam, attempt, &sad), RC_PIN_WRONG);
		assert_int_equal(kill(sam.pid, SIGKILL), 0);
		assert_int_equal(wait_code(sam.pid), -SIGKILL);
		close(sam.fd);
	}
	struct spawned sam = spawn_greeted("activate", SAM_ACTIVATE);
	attempt->job.pin = span_string(TEST_PIN);
	assert_int_equal(authorize(&sam, attempt, &sad), RC_PIN_LOCKED);
	end_by_closing(&sam);
	free(attempt);
	person_free(person);
}

static void kill_9_gives_no_used_code_back(void **state)
{
	struct person *person = person_new(KEY_P_256);
	struct attempt *attempt = calloc(1, sizeof(*attempt));
	struct job_authorized sad = {.otp_step = 0};

	(void)state;
	attempt_make(attempt, person, DIGEST_SHA256, 2, 0);
	struct spawned sam = spawn_greeted("activate", SAM_ACTIVATE);
	assert_int_equal(authorize(&sam, attempt, &sad), RC_OK);
	job_authorized_free(&sad);
	assert_int_equal(kill(sam.pid, SIGKILL), 0);
	assert_int_equal(wait_code(sam.pid), -SIGKILL);
	close(sam.fd);
	sam = spawn_greeted("activate", SAM_ACTIVATE);
	assert_int_equal(authorize(&sam, attempt, &sad), RC_OTP_REPLAYED);
	end_by_closing(&sam);
	free(attempt);
	person_free(person);
}

static void put_sign(
	int fd, uint64_t number, const struct attempt *attempt, const struct job_authorized *sad)
{
	struct job_sign job = signing_of(attempt, sad, SCHEME_ECDSA, in_order, 2);
	struct buf body = BUF_INIT;

	assert_int_equal(proto_sign_encode(&body, &job), RC_OK);
	put(fd, FRAME_SIGN, number, &body);
	buf_free(&body);
}

static void take_signed(int fd, uint64_t number)
{
	struct job_signed made = {NULL, 0};
	struct buf body = BUF_INIT;
	struct span rest;

	assert_int_equal(take_answer(fd, FRAME_SIGN, number, &body, &rest), RC_OK);
	assert_int_equal(proto_signed_decode(&made, rest), RC_OK);
	assert_int_equal(made.count, 2);
	job_signed_free(&made);
	buf_free(&body);
}

/* The whole way over sockets; then recycled, with the jobs that were sent already answered. */
static void a_worn_sam_answers_what_it_was_sent_and_ends(void **state)
{
	struct person *person = person_new(KEY_P_256);
	struct attempt *attempt = calloc(1, sizeof(*attempt));
	struct job_authorized sad = {.otp_step = 0};

	(void)state;
	attempt_make(attempt, person, DIGEST_SHA256, 2, 0);
	struct spawned sam = spawn_greeted("activate", SAM_ACTIVATE);
	assert_int_equal(authorize(&sam, attempt, &sad), RC_OK);
	assert_in_range(sad.otp_step, clock_wall_ms() / 30000 - 1, clock_wall_ms() / 30000);
	end_by_closing(&sam);
	config_write("keys", "recycle-unwraps = 2\nresident-keys = 0\n");
	sam = spawn_greeted("sign", SAM_SIGN);
	assert_int_equal(kill(sam.pid, SIGSTOP), 0);
	for (uint64_t i = 1; i <= 4; i++)
		put_sign(sam.fd, i, attempt, &sad);
	assert_int_equal(kill(sam.pid, SIGCONT), 0);
	for (uint64_t i = 1; i <= 4; i++)
		take_signed(sam.fd, i);
	assert_int_equal(wait_code(sam.pid), 75);
	close(sam.fd);
	config_write("keys", "");
	job_authorized_free(&sad);
	free(attempt);
	person_free(person);
}

static void sigterm_finishes_the_job_in_hand(void **state)
{
	struct person *person = person_new(KEY_RSA_2048);
	struct attempt *attempt = calloc(1, sizeof(*attempt));
	struct job_authorized sad = {.otp_step = 0};
	struct buf body = BUF_INIT;
	struct span rest;

	(void)state;
	attempt_make(attempt, person, DIGEST_SHA256, 2, 0);
	struct spawned sam = spawn_greeted("activate", SAM_ACTIVATE);
	assert_int_equal(authorize(&sam, attempt, &sad), RC_OK);
	assert_int_equal(kill(sam.pid, SIGTERM), 0);
	assert_int_equal(wait_code(sam.pid), 0);
	close(sam.fd);
	sam = spawn_greeted("sign", SAM_SIGN);
	assert_int_equal(kill(sam.pid, SIGSTOP), 0);
	struct job_sign job = signing_of(attempt, &sad, SCHEME_RSA_PSS, in_order, 2);
	assert_int_equal(proto_sign_encode(&body, &job), RC_OK);
	put(sam.fd, FRAME_SIGN, 9, &body);
	assert_int_equal(kill(sam.pid, SIGTERM), 0);
	assert_int_equal(kill(sam.pid, SIGCONT), 0);
	assert_int_equal(take_answer(sam.fd, FRAME_SIGN, 9, &body, &rest), RC_OK);
	assert_int_equal(wait_code(sam.pid), 0);
	close(sam.fd);
	buf_free(&body);
	job_authorized_free(&sad);
	free(attempt);
	person_free(person);
}

static void what_is_no_frame_of_the_role_ends_the_conversation(void **state)
{
	struct buf body = BUF_INIT;

	(void)state;
	struct spawned sam = spawn_greeted("sign", SAM_SIGN);
	assert_int_equal(write(sam.fd, "GET / HTTP/1.1\r\n\r\n..", 20), 20);
	assert_int_equal(wait_code(sam.pid), 76);
	close(sam.fd);
	sam = spawn_greeted("sign", SAM_SIGN);
	put(sam.fd, FRAME_ENROL, 1, &body);
	assert_int_equal(wait_code(sam.pid), 76);
	close(sam.fd);
	sam = spawn_greeted("sign", SAM_SIGN);
	assert_int_equal(buf_append_string(&body, "short"), RC_OK);
	put(sam.fd, FRAME_SIGN, 1, &body);
	assert_int_equal(wait_code(sam.pid), 76);
	close(sam.fd);
	buf_free(&body);
}

/* Nobody of the same user reads its memory. */
static void a_sam_cannot_be_dumped(void **state)
{
	char path[64], line[256], limits[4096] = "";

	(void)state;
	struct spawned sam = spawn_greeted("sign", SAM_SIGN);
	snprintf(path, sizeof(path), "/proc/%d/limits", (int)sam.pid);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		if (strstr(line, "Max core file size") != NULL)
			snprintf(limits, sizeof(limits), "%s", line);
	}
	fclose(file);
	long soft = -1, hard = -1;
	assert_int_equal(sscanf(limits + 18, "%ld %ld", &soft, &hard), 2);
	assert_int_equal(soft, 0);
	assert_int_equal(hard, 0);
	/* root may read it all the same: the design says so */
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)sam.pid);
	assert_true(geteuid() == 0 || open(path, O_RDONLY) < 0);
	end_by_closing(&sam);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_made_once_and_checked),
		cmocka_unit_test(a_sam_that_cannot_start_says_so_by_its_exit_code),
		cmocka_unit_test(kill_9_gives_no_tries_back),
		cmocka_unit_test(kill_9_gives_no_used_code_back),
		cmocka_unit_test(a_worn_sam_answers_what_it_was_sent_and_ends),
		cmocka_unit_test(sigterm_finishes_the_job_in_hand),
		cmocka_unit_test(what_is_no_frame_of_the_role_ends_the_conversation),
		cmocka_unit_test(a_sam_cannot_be_dumped),
	};

	return cmocka_run_group_tests(tests, program_start, fixture_stop);
}
