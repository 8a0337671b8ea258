/* rssp-sam: a process of the signature activation module. Started by rsspd, never by hand. */
#include "hsm/sam/serve.h"

#include "base/log.h"
#include "conf.h"
#include "hsm/budget.h"

#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXIT_USAGE 64
#define INDEX_MAX 1023
#define NICE 4
#define MEMORY_KEPT (32 << 20) /* the most that malloc takes for it */

static const char help[] =
	"rssp-sam: a process of rsspd's signature activation module.\n"
	"\n"
	"  rssp-sam --config FILE --role activate|sign|issue --index N\n"
	"\n"
	"rsspd starts it, with a Unix stream socket as descriptor 3, for the role activate the memory of\n"
	"failures as descriptor 4 and, with log.file, a socket for the log as descriptor 5. It logs in to\n"
	"the token, proves that each service key has the attributes it must have, greets on the socket\n"
	"and answers jobs until the socket closes.\n"
	"\n"
	"exit codes: 0 socket closed or SIGTERM; 64 usage; 69 the token is gone, or a signature did not\n"
	"verify; 75 recycled after sam.recycle-unwraps unwraps; 76 malformed frame; 78 configuration,\n"
	"token PIN or key attributes are wrong (starting again does not help: see the log)\n";

static const struct {
	const char *name;
	enum sam_role role;
} roles[] = {{"activate", SAM_ACTIVATE}, {"sign", SAM_SIGN}, {"issue", SAM_ISSUE}};

struct arguments {
	const char *config;
	const char *role_name;
	enum sam_role role;
	unsigned index;
	bool help;
};

static bool role_parse(const char *name, struct arguments *arguments)
{
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		if (strcmp(roles[i].name, name) == 0) {
			arguments->role = roles[i].role;
			arguments->role_name = roles[i].name;
			return true;
		}
	}
	return false;
}

static bool index_parse(const char *text, unsigned *index)
{
	char *end = NULL;

	errno = 0;
	unsigned long number = strtoul(text, &end, 10);
	if (errno != 0 || end == text || *end != 0 || number > INDEX_MAX)
		return false;
	*index = (unsigned)number;
	return true;
}

static bool arguments_parse(int argc, char **argv, struct arguments *arguments)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"role", required_argument, NULL, 'r'},
		{"index", required_argument, NULL, 'i'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	bool good = true, indexed = false;
	int option;

	while (good && (option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'c')
			arguments->config = optarg;
		else if (option == 'r')
			good = role_parse(optarg, arguments);
		else if (option == 'i')
			good = indexed = index_parse(optarg, &arguments->index);
		else if (option == 'h')
			arguments->help = true;
		else
			good = false;
	}
	return arguments->help || (good && indexed && optind == argc && arguments->config != NULL &&
					  arguments->role_name != NULL);
}

/* Keys and PINs pass through this memory: no core dump, no ptrace, no life without the parent. */
static rc_t process_harden(void)
{
	struct rlimit none = {0, 0};

	umask(077);
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || setrlimit(RLIMIT_CORE, &none) != 0 ||
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
		prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) != 0) {
		log_error("sam: process not hardened error=\"%s\"", strerror(errno));
		return RC_SYSTEM;
	}
	return RC_OK;
}

/* Argon2's megabytes would be mapped, zeroed page by page and given back for each PIN. */
static void memory_keep(void)
{
	mallopt(M_MMAP_THRESHOLD, MEMORY_KEPT);
	mallopt(M_TRIM_THRESHOLD, 2 * MEMORY_KEPT);
}

/* The api process and PostgreSQL bring the next jobs and are brief: waking a SAM does not interrupt
 * them, and it takes what they leave. Where that is not allowed (a filter of system calls) the SAM
 * goes on like everybody. */
static void process_yield(void)
{
	const struct sched_param none = {0};

	if (sched_setscheduler(0, SCHED_BATCH, &none) != 0 ||
		setpriority(PRIO_PROCESS, 0, NICE) != 0)
		log_debug("sam: scheduled like everybody error=\"%s\"", strerror(errno));
}

/* SIGTERM is looked at only between jobs (serve.h); a dead peer is an error of write(), not a
 * signal.
 */
static void signals_set(void)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	/* Ctrl-C reaches the whole group: the supervisor decides, and drains first */
	sigaction(SIGINT, &ignore, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
}

/* conf NULL: it is not read yet. */
static void log_start(const struct arguments *arguments, const struct conf *conf)
{
	char process[32];

	snprintf(process, sizeof(process), "sam-%s-%u", arguments->role_name, arguments->index);
	if (conf == NULL)
		log_open(process, LOG_INFO);
	else
		conf_log_open(conf, process);
	if (conf != NULL && conf->log_file[0] != 0)
		log_set_channel(LOG_CHANNEL_FD);
}

static struct sam_options options_from(const struct conf *conf, enum sam_role role)
{
	return (struct sam_options){
		.role = role,
		.module = conf->hsm_module,
		.key_token = conf->hsm_key_token,
		.key_pin_file = conf->hsm_key_pin_file,
		.ca_token = conf->hsm_ca_token,
		.ca_pin_file = conf->hsm_ca_pin_file,
		.operators_file = conf->operators_file,
		.ca_certificate = conf->pki_ca_certificate,
		.codes_spool = conf->sam_codes_spool,
		.pki_url = conf->pki_url,
		.public_url = conf->listen_public_url,
		.service_name = conf->service_name,
		.pin_only = conf->activation_pin_only,
		.resident_keys = (size_t)conf->sam_resident_keys,
		.recycle_unwraps = (uint64_t)conf->sam_recycle_unwraps,
		.failures_per_credential = (uint32_t)conf->sam_failures_per_credential,
		.failures_per_hour = (uint32_t)conf->sam_failures_per_hour,
		.area_fd = SAM_AREA_FD,
	};
}

static int serve(const struct arguments *arguments, const struct conf *conf)
{
	struct sam_options options = options_from(conf, arguments->role);
	struct sam *sam = NULL;

	log_start(arguments, conf);
	rc_t rc = sam_new(&options, &sam);
	if (rc == RC_HSM_DOWN || rc == RC_NO_MEMORY)
		return SERVE_LOST;
	if (rc != RC_OK) {
		log_error("sam: does not start rc=%s", rc_name(rc));
		return SERVE_CONFIG;
	}
	log_info("sam: serves");
	enum serve_end end = serve_run(sam, arguments->role, arguments->index, SAM_SOCKET_FD);
	sam_free(&sam);
	return end;
}

int main(int argc, char **argv)
{
	struct arguments arguments = {0};
	struct conf *conf = NULL;
	int status = SERVE_CONFIG;

	if (!arguments_parse(argc, argv, &arguments)) {
		fputs(help, stderr);
		return EXIT_USAGE;
	}
	if (arguments.help) {
		fputs(help, stdout);
		return 0;
	}
	signals_set();
	memory_keep();
	log_start(&arguments, NULL);
	process_yield();
	if (process_harden() == RC_OK && conf_load(&conf, arguments.config) == RC_OK)
		status = serve(&arguments, conf);
	conf_free(&conf);
	/* not exit(): a module's own exit handlers have nothing left to do after C_Finalize */
	_exit(status);
}
