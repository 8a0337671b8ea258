/* Reads the command line; everything else is elsewhere. */
#include "base/roff.h"
#include "check.h"
#include "conf.h"
#include "process.h"
#include "server.h"
#include "supervisor.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_CONFIG "/etc/rsspd/rsspd.conf"

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_CONFIG = 78 };

static const char help_text[] =
	"rsspd: a remote signing service, after the CSC API\n"
	"\n"
	"usage: rsspd COMMAND [--config FILE]\n"
	"       rsspd --check-config [--with-database] [--config FILE]\n"
	"\n"
	"  run           start the service in the foreground: this process becomes the supervisor, which\n"
	"                starts the api process and the signature activation modules (rssp-sam) and\n"
	"                starts again what dies. SIGTERM: answer what is in work, then end.\n"
	"                SIGHUP: read TLS certificate and key again, open log.file anew. All else, the\n"
	"                operators' file too, is read at the start.\n"
	"  options       print a configuration file with every option, its default and its meaning\n"
	"  manual        print rsspd(8), manual-options rsspd.conf(5): rsspd manual | man -l -\n"
	"\n"
	"  --check-config   say all that is wrong, as the users that the configuration names: options,\n"
	"                   files and folders, certificates, keys and their time, even where `run` could\n"
	"                   serve in part. The service may run meanwhile. The tokens: rssp-keys check.\n"
	"  --with-database  connect to PostgreSQL too, and look at its settings and its schema\n"
	"  --config FILE    the configuration file (default: " DEFAULT_CONFIG ")\n"
	"  --help           print this\n"
	"  --version        print the version\n"
	"\n"
	"First steps: rsspd options > rsspd.conf, fill in what has to be given, make the service keys\n"
	"and the CA with rssp-keys init --config rsspd.conf, migrate the database with schema/migrate,\n"
	"then rsspd run --config rsspd.conf. Or let rsspd/quickstart do all of it for a trial.\n"
	"\n"
	"exit status: 0 ended as asked; 1 failed, the log says why; 2 wrong command line;\n"
	"78 the configuration is not valid\n";

static int exit_of(rc_t rc)
{
	if (rc == RC_OK)
		return EXIT_OK;
	return rc == RC_CONFIG ? EXIT_CONFIG : EXIT_FAILED;
}

static rc_t load(const char *process, const char *path, struct conf **conf)
{
	log_open(process, LOG_INFO);
	rc_t rc = conf_load(conf, path);
	if (rc == RC_OK)
		conf_log_open(*conf, process);
	return rc;
}

static int command_run(const char *path)
{
	struct conf *conf = NULL;
	char *whole = realpath(path, NULL); /* the processes that it starts get it too */
	rc_t rc = load("supervisor", path, &conf);

	if (rc == RC_OK)
		rc = whole == NULL ? RC_SYSTEM : supervisor_run(conf, whole);
	conf_free(&conf);
	free(whole);
	return exit_of(rc);
}

/* Started by the supervisor alone: its end of the control channel is the first descriptor. */
static int command_api(const char *path)
{
	struct conf *conf = NULL;
	rc_t rc = load("api", path, &conf);

	if (rc == RC_OK && conf->log_file[0] != 0)
		log_set_channel(LOG_CHANNEL_FD);
	if (rc == RC_OK)
		rc = process_harden();
	if (rc == RC_OK)
		process_raise_files();
	if (rc == RC_OK)
		rc = server_run(conf, PROCESS_FIRST_FD);
	conf_free(&conf);
	return exit_of(rc);
}

static int check(const char *path, bool with_database)
{
	log_open("check-config", LOG_WARNING);
	rc_t rc = check_config(path, with_database);

	if (rc == RC_OK)
		printf("%s: valid\n", path);
	return exit_of(rc);
}

static int command_options(const char *path)
{
	(void)path;
	conf_print_sample(stdout);
	return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}

/* What the build installs: rsspd(8) and rsspd.conf(5). */
static int command_manual(const char *path)
{
	(void)path;
	roff_help(stdout, "rsspd", "8", help_text, "rsspd.conf(5), rssp-keys(8), rssp(1)");
	return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}

static int command_manual_options(const char *path)
{
	(void)path;
	conf_print_manual(stdout);
	return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}

static const struct {
	const char *name;
	int (*run)(const char *path);
} commands[] = {
	{"run", command_run},
	{"options", command_options},
	{"manual", command_manual},
	{"manual-options", command_manual_options},
	{"api", command_api},
};

static int usage(const char *problem, const char *what)
{
	fprintf(stderr, "rsspd: %s%s; `rsspd --help` explains\n", problem, what);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"config", required_argument, NULL, 'c'},
		{"check-config", no_argument, NULL, 'k'}, {"with-database", no_argument, NULL, 'd'},
		{"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'v'}, {0}};
	const char *path = DEFAULT_CONFIG;
	bool checks = false, with_database = false;

	for (int option; (option = getopt_long(argc, argv, "c:hv", options, NULL)) != -1;) {
		switch (option) {
		case 'c':
			path = optarg;
			break;
		case 'k':
			checks = true;
			break;
		case 'd':
			with_database = true;
			break;
		case 'h':
			fputs(help_text, stdout);
			return EXIT_OK;
		case 'v':
			puts("rsspd " RSSPD_VERSION);
			return EXIT_OK;
		default:
			return usage("the command line is not understood", "");
		}
	}
	if (checks && optind == argc)
		return check(path, with_database);
	if (checks || with_database)
		return usage("--check-config takes no command and no file but --config FILE", "");
	if (optind == argc)
		return usage("a command is missing", "");
	if (optind + 1 < argc)
		return usage("one command is enough, this is too much: ", argv[optind + 1]);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, argv[optind]) == 0)
			return commands[i].run(path);
	}
	return usage("there is no command ", argv[optind]);
}
