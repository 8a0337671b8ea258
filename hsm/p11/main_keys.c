/* rssp-keys: makes and checks the service's keys in its tokens. */
#include "base/log.h"
#include "base/roff.h"
#include "conf.h"
#include "hsm/p11/key.h"
#include "hsm/p11/turn.h"
#include "hsm/sam/ca.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

enum exit_code { EXIT_GOOD = 0, EXIT_KEYS = 1, EXIT_CONFIG = 3, EXIT_USAGE = 64 };

static const char help[] =
	"rssp-keys: the keys of the service itself, in the HSM\n"
	"\n"
	"usage: rssp-keys COMMAND --config FILE\n"
	"\n"
	"  init    make what is missing, then check\n"
	"  check   print each key and whether its attributes hold\n"
	"  next    make the next generation of the first three, then check; restart every rsspd\n"
	"          afterwards\n"
	"  manual  print this as a manual page\n"
	"\n"
	"In the token hsm.key-token:\n"
	"  rssp-wrap  AES-256; wraps and unwraps subscribers' keys, nothing else\n"
	"  rssp-pin   HMAC-SHA-256; turns a stretched PIN into the key of a slot\n"
	"  rssp-sam   HMAC-SHA-256; the root of the activation module's working keys\n"
	"In the token hsm.ca-token:\n"
	"  rssp-ca    RSA-3072 and its certificate; signs subscribers' certificates and the list of\n"
	"             revoked ones. init writes the certificate to pki.ca-certificate too.\n"
	"\n"
	"A new generation is for new seals at once; a subscriber's slot moves to it at the next right\n"
	"PIN, an account at the next right password. Older ones stay: destroy one only when the\n"
	"database names it nowhere (rssp.slot, rssp.credential, rssp.account).\n"
	"\n"
	"None of them can be read out, changed, copied or used for anything else; rssp-sam does not\n"
	"start while one deviates. A key that exists is never replaced: what is sealed under it would\n"
	"be lost.\n"
	"Tokens are initialised before, with the HSM's own tool, for SoftHSM:\n"
	"  softhsm2-util --init-token --free --label LABEL\n"
	"The token's PIN is read from hsm.key-pin-file and hsm.ca-pin-file, mode 0600.\n"
	"\n"
	"exit codes: 0 all is well; 1 a key is missing or deviates; 3 configuration, module, token or\n"
	"PIN; 64 usage\n";

enum task { TASK_CHECK, TASK_INIT, TASK_NEXT, TASK_COUNT };

/* The newest generation of a service; 0: there is none. */
static rc_t service_newest(
	struct p11_session *session, enum p11_service service, uint64_t *generation)
{
	struct p11_key keys[P11_GENERATIONS_MAX];
	size_t count = 0;
	rc_t rc = p11_key_list(session, service, keys, &count);

	if (rc == RC_OK)
		*generation = count == 0 ? 0 : keys[count - 1].generation;
	return rc;
}

/* All three must have the same generations: what a call that failed half-way left out is made by
 * the next one. */
static rc_t services_make(struct p11_session *session, enum task task)
{
	uint64_t newest[P11_SAM + 1] = {0}, lowest = UINT64_MAX;

	for (enum p11_service service = P11_WRAP; service <= P11_SAM; service++) {
		rc_t rc = service_newest(session, service, &newest[service]);
		if (rc != RC_OK)
			return rc;
		if (newest[service] < lowest)
			lowest = newest[service];
	}
	uint64_t wanted = task == TASK_NEXT ? lowest + 1 : 1;
	for (enum p11_service service = P11_WRAP; service <= P11_SAM; service++) {
		if (newest[service] >= wanted)
			continue;
		rc_t rc = p11_key_make(session, service, wanted);
		if (rc != RC_OK)
			return rc;
		printf("made     %s generation %llu\n", p11_key_label(service),
			(unsigned long long)wanted);
	}
	return RC_OK;
}

static rc_t service_check(struct p11_session *session, enum p11_service service)
{
	struct p11_key keys[P11_GENERATIONS_MAX];
	size_t count = 0;
	rc_t worst = p11_key_list(session, service, keys, &count);

	if (worst != RC_OK)
		return worst;
	if (count == 0) {
		printf("missing  %s\n", p11_key_label(service));
		return RC_TOKEN_ATTRIBUTES;
	}
	for (size_t i = 0; i < count; i++) {
		rc_t rc = p11_key_check(session, service, &keys[i]);
		printf("%s %s generation %llu\n", rc == RC_OK ? "good    " : "DEVIATES",
			p11_key_label(service), (unsigned long long)keys[i].generation);
		if (rc != RC_OK)
			worst = rc;
	}
	return worst;
}

static rc_t key_token(struct p11_module *module, const struct conf *conf, enum task task)
{
	struct p11_session *session = NULL;
	rc_t worst = p11_session_open(
		module, conf->hsm_key_token, conf->hsm_key_pin_file, P11_WRITE, &session);

	if (worst == RC_OK && task != TASK_CHECK)
		worst = services_make(session, task);
	for (enum p11_service service = P11_WRAP; service <= P11_SAM && session != NULL;
		service++) {
		rc_t rc = service_check(session, service);
		if (rc != RC_OK)
			worst = rc;
	}
	p11_session_free(&session);
	return worst;
}

static rc_t ca_token(struct p11_module *module, const struct conf *conf, bool make)
{
	struct p11_session *session = NULL;
	struct ca *ca = NULL;
	rc_t rc = p11_session_open(
		module, conf->hsm_ca_token, conf->hsm_ca_pin_file, P11_WRITE, &session);

	if (rc == RC_OK && make)
		rc = ca_init(session, conf->service_name, conf->service_region);
	if (rc == RC_OK)
		rc = service_check(session, P11_CA);
	if (rc == RC_OK)
		rc = ca_open(session, &ca);
	if (rc == RC_OK)
		printf("good     %s certificate\n", p11_key_label(P11_CA));
	if (rc == RC_OK && make)
		rc = ca_write_certificate(ca, conf->pki_ca_certificate);
	if (rc == RC_OK && make)
		printf("written  %s\n", conf->pki_ca_certificate);
	ca_free(&ca);
	p11_session_free(&session);
	return rc;
}

static int code_of(rc_t rc)
{
	if (rc == RC_OK)
		return EXIT_GOOD;
	return rc == RC_TOKEN_ATTRIBUTES ? EXIT_KEYS : EXIT_CONFIG;
}

static int run(const char *config, enum task task)
{
	struct conf *conf = NULL;
	struct p11_module *module = NULL;
	int turn = -1;
	rc_t rc = conf_load(&conf, config);

	if (rc == RC_OK && conf->pki_ca_certificate[0] == 0) {
		log_error("keys: no path for the CA's certificate fix=\"set pki.ca-certificate\"");
		rc = RC_CONFIG;
	}
	if (rc == RC_OK)
		rc = p11_turn_take(conf->hsm_key_pin_file, &turn);
	if (rc == RC_OK)
		rc = p11_module_open(conf->hsm_module, &module);
	if (rc == RC_OK) {
		rc_t keys = key_token(module, conf, task);
		rc = ca_token(module, conf, task == TASK_INIT);
		if (keys != RC_OK)
			rc = keys;
	}
	if (rc != RC_OK)
		log_error("keys: not all is well rc=%s", rc_name(rc));
	p11_module_free(&module);
	p11_turn_end(&turn);
	conf_free(&conf);
	return code_of(rc);
}

/* TASK_COUNT: no such command. */
static enum task task_of(const char *word)
{
	static const char *const words[] = {"check", "init", "next"};
	int task = 0;

	while (task < TASK_COUNT && strcmp(words[task], word) != 0)
		task++;
	return (enum task)task;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	const char *config = NULL;
	int option;

	log_open("rssp-keys", LOG_INFO);
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'h') {
			fputs(help, stdout);
			return EXIT_GOOD;
		}
		if (option != 'c')
			return EXIT_USAGE;
		config = optarg;
	}
	if (optind + 1 == argc && strcmp(argv[optind], "manual") == 0) {
		roff_help(stdout, "rssp-keys", "8", help, "rsspd(8), rsspd.conf(5)");
		return fflush(stdout) == 0 ? EXIT_GOOD : EXIT_CONFIG;
	}
	enum task task = optind < argc ? task_of(argv[optind]) : TASK_COUNT;
	if (config == NULL || optind + 1 != argc || task == TASK_COUNT) {
		fputs(help, stderr);
		return EXIT_USAGE;
	}
	return run(config, task);
}
