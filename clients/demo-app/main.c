/* rssp-demo: a school's records, signed through the service in the teacher's own browser. */
#include "clients/demo-app/demo.h"

#include "base/log.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECRET_MAX 256
#define EXIT_USAGE 2

static const char help[] =
	"rssp-demo --service URL --ca FILE --trust FILE --client-id ID --records FOLDER --port N\n"
	"          (--client-secret-file FILE | --client-secret-fd N) [--fonts FOLDER]\n"
	"\n"
	"A school's web application for a demonstration, at http://localhost:N: it lists three\n"
	"records, sends the teacher to the service to approve, and shows the signed files.\n"
	"Register it with the redirect URI http://localhost:N/callback.\n"
	"\n"
	"  --service URL              the service, https://host:port\n"
	"  --ca FILE                  root of its TLS certificate\n"
	"  --trust FILE               roots of signers' certificates\n"
	"  --client-id ID             of a client of mode oauth2code\n"
	"  --client-secret-file FILE  its secret; a file that only its owner reads\n"
	"  --client-secret-fd N       the same from a descriptor\n"
	"  --records FOLDER           clients/demo-app/records\n"
	"  --port N                   on the loopback\n"
	"  --fonts FOLDER             of LiberationSerif-*.ttf, for visible signatures\n";

static const struct option options[] = {
	{"service", required_argument, NULL, 's'},
	{"ca", required_argument, NULL, 'c'},
	{"trust", required_argument, NULL, 't'},
	{"client-id", required_argument, NULL, 'i'},
	{"client-secret-file", required_argument, NULL, 'f'},
	{"client-secret-fd", required_argument, NULL, 'd'},
	{"records", required_argument, NULL, 'r'},
	{"port", required_argument, NULL, 'p'},
	{"fonts", required_argument, NULL, 'F'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static bool number_of(const char *text, long most, long *out)
{
	char *end = NULL;

	errno = 0;
	long value = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != 0 || value < 0 || value > most)
		return false;
	*out = value;
	return true;
}

static rc_t read_secret_fd(int fd, struct secret *secret)
{
	rc_t rc = buf_reserve(&secret->bytes, SECRET_MAX);

	while (rc == RC_OK && secret->bytes.len < SECRET_MAX) {
		ssize_t got = read(
			fd, secret->bytes.data + secret->bytes.len, SECRET_MAX - secret->bytes.len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return RC_SYSTEM;
		if (got == 0)
			break;
		secret->bytes.len += (size_t)got;
	}
	while (secret->bytes.len > 0 && secret->bytes.data[secret->bytes.len - 1] == '\n')
		secret->bytes.len--;
	return rc;
}

static bool take(struct demo_settings *settings, int option, const char *value)
{
	long number = 0;

	switch (option) {
	case 's':
		settings->service = value;
		return true;
	case 'c':
		settings->ca_file = value;
		return true;
	case 't':
		settings->trust_file = value;
		return true;
	case 'i':
		settings->client_id = value;
		return true;
	case 'r':
		settings->records = value;
		return true;
	case 'F':
		settings->fonts = value;
		return true;
	case 'f':
		return secret_read_file(&settings->secret, value, SECRET_MAX) == RC_OK;
	case 'd':
		return number_of(value, 1023, &number) &&
		       read_secret_fd((int)number, &settings->secret) == RC_OK;
	case 'p':
		if (!number_of(value, 65535, &number))
			return false;
		settings->port = (uint16_t)number;
		return true;
	default:
		return false;
	}
}

static bool read_arguments(int argc, char **argv, struct demo_settings *settings)
{
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (option == 'h') {
			fputs(help, stdout);
			exit(EXIT_SUCCESS);
		}
		if (!take(settings, option, optarg))
			return false;
	}
	return optind == argc && settings->service != NULL && settings->ca_file != NULL &&
	       settings->trust_file != NULL && settings->client_id != NULL &&
	       settings->records != NULL && settings->port != 0 && settings->secret.bytes.len > 0;
}

static void stop(void *arg)
{
	struct demo *demo = arg;

	loop_stop(demo->loop);
}

static rc_t connect_clients(struct demo *demo)
{
	static const char *const langs[LANGS] = {[LANG_VI] = "vi", [LANG_EN] = "en"};
	rc_t rc = client_global_init();

	for (size_t i = 0; rc == RC_OK && i < LANGS; i++) {
		const struct client_config config = {.url = demo->settings.service,
			.ca_file = demo->settings.ca_file,
			.lang = langs[i]};
		rc = client_new(&config, &demo->clients[i]);
	}
	return rc;
}

static rc_t run(struct demo *demo)
{
	struct web *web = NULL;

	rc_t rc = connect_clients(demo);
	if (rc == RC_OK)
		rc = demo_load(demo);
	if (rc == RC_OK)
		rc = loop_new(&demo->loop);
	if (rc == RC_OK)
		rc = loop_signal(demo->loop, SIGTERM, stop, demo);
	if (rc == RC_OK)
		rc = loop_signal(demo->loop, SIGINT, stop, demo);
	if (rc == RC_OK)
		rc = web_open(demo, &web);
	if (rc == RC_OK) {
		printf("rssp-demo: %s\n", demo->origin);
		fflush(stdout);
		rc = loop_run(demo->loop);
	}
	web_close(&web);
	visits_free(demo);
	demo_unload(demo);
	for (size_t i = 0; i < LANGS; i++)
		client_free(&demo->clients[i]);
	loop_free(&demo->loop);
	return rc;
}

int main(int argc, char **argv)
{
	struct demo demo = {.settings = {.fonts = RSSP_FONT_DIR}};

	log_open("demo", LOG_INFO);
	if (!read_arguments(argc, argv, &demo.settings)) {
		fputs(help, stderr);
		secret_free(&demo.settings.secret);
		return EXIT_USAGE;
	}
	snprintf(demo.origin, sizeof(demo.origin), "http://localhost:%u", demo.settings.port);
	snprintf(demo.redirect_uri, sizeof(demo.redirect_uri), "%s/callback", demo.origin);
	demo.who = (struct oauth_client){.id = demo.settings.client_id,
		.secret = secret_span(&demo.settings.secret),
		.redirect_uri = demo.redirect_uri};
	rc_t rc = run(&demo);
	secret_free(&demo.settings.secret);
	if (rc != RC_OK)
		fprintf(stderr, "rssp-demo: %s\n", rc_text(rc, RC_CSC_V2));
	return rc == RC_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
