/* link: sam
 * The programs themselves: rssp-keys, and rssp-sam over its socket, killed and started again. */
#include "sam_fixture.h"

#include "hsm/proto.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/sockios.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
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
	attempt->job.factors.pin = span_string("wrong one");
	for (int i = 0; i < 5; i++) {
		struct spawned sam = spawn_greeted("activate", SAM_ACTIVATE);
		assert_int_equal(authorize(&sam, attempt, &sad), RC_PIN_WRONG);
		assert_int_equal(kill(sam.pid, SIGKILL), 0);
		assert_int_equal(wait_code(sam.pid), -SIGKILL);
		close(sam.fd);
	}
	struct spawned sam = spawn_greeted("activate", SAM_ACTIVATE);
	attempt->job.factors.pin = span_string(TEST_PIN);
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

/* ---- several frames at a time ---- */

/* Somebody who may sign. */
struct signer {
	struct person *person;
	struct attempt *attempt;
	struct job_authorized sad;
};

static struct signer signer_new(void)
{
	struct signer signer = {
		.person = person_new(KEY_P_256), .attempt = calloc(1, sizeof(*signer.attempt))};

	assert_non_null(signer.attempt);
	attempt_make(signer.attempt, signer.person, DIGEST_SHA256, 2, 0);
	struct spawned sam = spawn_greeted("activate", SAM_ACTIVATE);
	assert_int_equal(authorize(&sam, signer.attempt, &signer.sad), RC_OK);
	end_by_closing(&sam);
	return signer;
}

static void signer_free(struct signer *signer)
{
	job_authorized_free(&signer->sad);
	free(signer->attempt);
	person_free(signer->person);
}

static void append_sign(struct buf *stream, uint64_t number, const struct signer *signer)
{
	struct job_sign job = signing_of(signer->attempt, &signer->sad, SCHEME_ECDSA, in_order, 2);
	struct buf body = BUF_INIT;

	assert_int_equal(proto_sign_encode(&body, &job), RC_OK);
	assert_int_equal(frame_put(stream, FRAME_SIGN, number, buf_span(&body)), RC_OK);
	buf_free(&body);
}

static void put_bytes(int fd, struct span bytes)
{
	assert_int_equal(write(fd, bytes.data, bytes.len), (ssize_t)bytes.len);
}

/* Until the SAM has read all of it. */
static void wait_read(int fd)
{
	int unread = 1;

	while (unread > 0) {
		assert_int_equal(ioctl(fd, SIOCOUTQ, &unread), 0);
		sched_yield();
	}
}

static void frames_of_one_write_are_answered_in_order(void **state)
{
	struct signer signer = signer_new();
	struct buf stream = BUF_INIT;

	(void)state;
	struct spawned sam = spawn_greeted("sign", SAM_SIGN);
	for (uint64_t i = 1; i <= 40; i++)
		append_sign(&stream, i, &signer);
	put_bytes(sam.fd, buf_span(&stream));
	for (uint64_t i = 1; i <= 40; i++)
		take_signed(sam.fd, i);
	end_by_closing(&sam);
	buf_free(&stream);
	signer_free(&signer);
}

static void a_frame_that_was_cut_anywhere_is_put_together(void **state)
{
	struct signer signer = signer_new();
	struct buf stream = BUF_INIT;

	(void)state;
	struct spawned sam = spawn_greeted("sign", SAM_SIGN);
	append_sign(&stream, 1, &signer);
	append_sign(&stream, 2, &signer);
	for (size_t cut = 1; cut < stream.len; cut += cut % 64 < 24 ? 1 : 7) {
		put_bytes(sam.fd, SPAN(stream.data, cut));
		wait_read(sam.fd);
		put_bytes(sam.fd, SPAN(stream.data + cut, stream.len - cut));
		take_signed(sam.fd, 1);
		take_signed(sam.fd, 2);
	}
	end_by_closing(&sam);
	buf_free(&stream);
	signer_free(&signer);
}

static void a_frame_may_be_longer_than_what_is_read_at_once(void **state)
{
	static struct crl_entry entries[3000];
	static const uint64_t sizes[] = {3000, 1, 2999, 2, 1500};
	struct buf stream = BUF_INIT, body = BUF_INIT;
	struct span rest;

	(void)state;
	for (size_t i = 0; i < 3000; i++) {
		entries[i].serial_len = 16;
		memcpy(entries[i].serial + 8, &i, sizeof(i));
		entries[i].serial[0] = 0x91;
		entries[i].reason = 4;
	}
	for (uint64_t i = 0; i < 5; i++) {
		struct job_crl list = {i + 1, clock_wall_ms() + 86400000, entries, sizes[i]};
		buf_clear(&body);
		assert_int_equal(proto_crl_encode(&body, &list), RC_OK);
		assert_int_equal(frame_put(&stream, FRAME_CRL, i, buf_span(&body)), RC_OK);
	}
	assert_true(stream.len > 3 * 65536);
	struct spawned sam = spawn_greeted("issue", SAM_ISSUE);
	pid_t writer = fork(); /* it does not fit the socket */
	if (writer == 0)
		_exit(write(sam.fd, stream.data, stream.len) == (ssize_t)stream.len ? 0 : 1);
	for (uint64_t i = 0; i < 5; i++) {
		struct job_crl_made made = {BUF_INIT};
		assert_int_equal(take_answer(sam.fd, FRAME_CRL, i, &body, &rest), RC_OK);
		assert_int_equal(proto_crl_made_decode(&made, rest), RC_OK);
		job_crl_made_free(&made);
	}
	assert_int_equal(wait_code(writer), 0);
	end_by_closing(&sam);
	buf_free(&stream);
	buf_free(&body);
}

static void what_was_sent_before_sigterm_is_answered(void **state)
{
	struct signer signer = signer_new();
	struct buf stream = BUF_INIT;

	(void)state;
	struct spawned sam = spawn_greeted("sign", SAM_SIGN);
	for (uint64_t i = 1; i <= 12; i++)
		append_sign(&stream, i, &signer);
	assert_int_equal(kill(sam.pid, SIGSTOP), 0);
	put_bytes(sam.fd, buf_span(&stream));
	assert_int_equal(kill(sam.pid, SIGTERM), 0);
	assert_int_equal(kill(sam.pid, SIGCONT), 0);
	for (uint64_t i = 1; i <= 12; i++)
		take_signed(sam.fd, i);
	assert_int_equal(wait_code(sam.pid), 0);
	close(sam.fd);
	buf_free(&stream);
	signer_free(&signer);
}

static void sigterm_waits_for_no_frame_to_become_whole(void **state)
{
	struct signer signer = signer_new();
	struct buf stream = BUF_INIT;

	(void)state;
	struct spawned sam = spawn_greeted("sign", SAM_SIGN);
	append_sign(&stream, 1, &signer);
	size_t whole = stream.len;
	append_sign(&stream, 2, &signer);
	put_bytes(sam.fd, SPAN(stream.data, whole + 30));
	take_signed(sam.fd, 1);
	assert_int_equal(kill(sam.pid, SIGTERM), 0);
	assert_int_equal(wait_code(sam.pid), 0);
	close(sam.fd);
	buf_free(&stream);
	signer_free(&signer);
}

static void what_came_before_a_bad_frame_is_answered(void **state)
{
	struct signer signer = signer_new();

	(void)state;
	for (int fault = 0; fault < 3; fault++) {
		struct spawned sam = spawn_greeted("sign", SAM_SIGN);
		struct buf stream = BUF_INIT;
		rc_t rc = RC_OK;

		append_sign(&stream, 1, &signer);
		append_sign(&stream, 2, &signer);
		if (fault == 0)
			rc = buf_append_string(&stream, "GET / HTTP/1.1\r\n\r\n..");
		else if (fault == 1)
			rc = frame_put(&stream, FRAME_ENROL, 3, SPAN_NONE);
		else
			rc = frame_put(&stream, FRAME_SIGN, 3, span_string("short"));
		assert_int_equal(rc, RC_OK);
		put_bytes(sam.fd, buf_span(&stream));
		take_signed(sam.fd, 1);
		take_signed(sam.fd, 2);
		assert_int_equal(wait_code(sam.pid), 76);
		close(sam.fd);
		buf_free(&stream);
	}
	signer_free(&signer);
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
		cmocka_unit_test(frames_of_one_write_are_answered_in_order),
		cmocka_unit_test(a_frame_that_was_cut_anywhere_is_put_together),
		cmocka_unit_test(a_frame_may_be_longer_than_what_is_read_at_once),
		cmocka_unit_test(what_was_sent_before_sigterm_is_answered),
		cmocka_unit_test(sigterm_waits_for_no_frame_to_become_whole),
		cmocka_unit_test(what_came_before_a_bad_frame_is_answered),
		cmocka_unit_test(a_sam_cannot_be_dumped),
	};

	return cmocka_run_group_tests(tests, program_start, fixture_stop);
}
