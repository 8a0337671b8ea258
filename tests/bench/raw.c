/*
 * Bare rates of the token, with nothing around: what the shares of tests/bench/run are shares of.
 *
 *   hot   C_SignInit and C_Sign with a key that stays in the session, and the signature's
 *         verification with the public key, as a SAM does it
 *   cold  Argon2id with the product's parameters, C_UnwrapKey, the same, C_DestroyObject
 *
 * N processes, each with its own session and key, start together; the answer is one line of JSON.
 */
#include "clocks.h"

#include "base/log.h"
#include "conf.h"
#include "hsm/p11/key.h"
#include "hsm/p11/sign.h"
#include "hsm/p11/turn.h"
#include "hsm/p11/wrap.h"
#include "hsm/sam/pin.h"
#include "hsm/sam/verify.h"

#include <argon2.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES_MAX 64
#define DIGEST_LEN 32

static const char help[] = "usage: bench_raw --config FILE --key rsa-2048|p-256 --way hot|cold\n"
			   "                 [--processes N] [--seconds N]\n";

struct task {
	const struct conf *conf;
	const struct key_algo *key;
	bool cold;
	long processes;
	double seconds;
};

/* What one process has to sign with. */
struct signer {
	struct p11_module *module;
	struct p11_session *session;
	CK_OBJECT_HANDLE wrap, key;
	struct p11_signing signing;
	struct verifier *verifier;
	struct buf wrapped;
};

struct result {
	uint64_t count;
	double seconds, cpu;
};

/* Two processes that log in at once confuse SoftHSM: one after the other. */
static rc_t signer_login(struct signer *signer, const struct conf *conf)
{
	int turn = -1;
	rc_t rc = p11_turn_take(conf->hsm_key_pin_file, &turn);

	if (rc != RC_OK)
		return rc;
	rc = p11_module_open(conf->hsm_module, &signer->module);
	if (rc == RC_OK)
		rc = p11_session_open(signer->module, conf->hsm_key_token, conf->hsm_key_pin_file,
			P11_READ, &signer->session);
	p11_turn_end(&turn);
	return rc;
}

static rc_t signer_make(struct signer *signer, const struct task *task)
{
	struct p11_key keys[P11_GENERATIONS_MAX];
	EVP_PKEY *public_key = NULL;
	size_t count = 0;
	rc_t rc = signer_login(signer, task->conf);

	if (rc == RC_OK)
		rc = p11_key_list(signer->session, P11_WRAP, keys, &count);
	if (rc == RC_OK && count == 0)
		rc = RC_CONFIG;
	if (rc != RC_OK)
		return rc;
	signer->wrap = keys[count - 1].handle;
	signer->signing = (struct p11_signing){
		.key = task->key->kind,
		.scheme = task->key->rsa ? SCHEME_RSA_PKCS1 : SCHEME_ECDSA,
		.digest = DIGEST_SHA256,
	};
	rc = p11_wrap_new_pair(
		signer->session, signer->wrap, task->key->kind, &signer->wrapped, &public_key);
	if (rc == RC_OK)
		rc = verifier_new(public_key, &signer->signing, &signer->verifier);
	if (rc == RC_OK)
		rc = p11_wrap_open(signer->session, signer->wrap, task->key->kind,
			buf_span(&signer->wrapped), &signer->key);
	EVP_PKEY_free(public_key);
	return rc;
}

static void signer_free(struct signer *signer)
{
	verifier_free(&signer->verifier);
	p11_session_free(&signer->session);
	p11_module_free(&signer->module);
	buf_free(&signer->wrapped);
}

static rc_t sign_hot(const struct signer *signer, CK_OBJECT_HANDLE key, struct span digest)
{
	uint8_t signature[P11_SIGNATURE_MAX];
	size_t len = 0;
	rc_t rc = p11_sign(signer->session, key, &signer->signing, digest, signature, &len);

	return rc != RC_OK ? rc : verifier_check(signer->verifier, digest, SPAN(signature, len));
}

static rc_t sign_cold(const struct signer *signer, struct span digest)
{
	static const char pin[] = "kP7vRm2xWq";
	CK_OBJECT_HANDLE key = 0;
	uint8_t hash[32];

	if (argon2id_hash_raw(PIN_KDF_PASSES, PIN_KDF_MEMORY_KIB, PIN_KDF_LANES, pin,
		    sizeof(pin) - 1, digest.data, 16, hash, sizeof(hash)) != ARGON2_OK)
		return RC_CRYPTO;
	rc_t rc = p11_wrap_open(signer->session, signer->wrap, signer->signing.key,
		buf_span(&signer->wrapped), &key);
	if (rc != RC_OK)
		return rc;
	rc = sign_hot(signer, key, digest);
	p11_wrap_close(signer->session, key);
	return rc;
}

static rc_t sign_for(const struct task *task, const struct signer *signer, struct result *result)
{
	double began = bench_now(), cpu = bench_cpu_used(), end = began + task->seconds;
	uint8_t digest[DIGEST_LEN] = {0};
	uint64_t count = 0;
	rc_t rc = RC_OK;

	while (rc == RC_OK && bench_now() < end) {
		memcpy(digest, &count, sizeof(count));
		rc = task->cold ? sign_cold(signer, SPAN(digest, sizeof(digest)))
				: sign_hot(signer, signer->key, SPAN(digest, sizeof(digest)));
		count++;
	}
	*result = (struct result){count, bench_now() - began, bench_cpu_used() - cpu};
	return rc;
}

/* Says that it is ready, waits until the other end of `start` closes, signs, says how much. */
static int child(const struct task *task, int ready, int start)
{
	struct signer signer = {.wrapped = BUF_INIT};
	struct result result = {0, 0, 0};
	char byte = 0;
	rc_t rc = signer_make(&signer, task);

	if (rc == RC_OK && write(ready, &result, sizeof(result)) != (ssize_t)sizeof(result))
		rc = RC_SYSTEM;
	if (rc == RC_OK && read(start, &byte, 1) < 0)
		rc = RC_SYSTEM;
	if (rc == RC_OK)
		rc = sign_for(task, &signer, &result);
	if (rc == RC_OK && write(ready, &result, sizeof(result)) != (ssize_t)sizeof(result))
		rc = RC_SYSTEM;
	signer_free(&signer);
	if (rc != RC_OK)
		log_error("raw: failed rc=%s", rc_name(rc));
	return rc == RC_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* One record of each child, in any order; false when one ended before. */
static bool collect(int ready, long processes, struct result *sum)
{
	struct result one;

	*sum = (struct result){0, 0, 0};
	for (long i = 0; i < processes; i++) {
		if (read(ready, &one, sizeof(one)) != (ssize_t)sizeof(one))
			return false;
		sum->count += one.count;
		sum->seconds += one.seconds / (double)processes;
		sum->cpu += one.cpu;
	}
	return true;
}

static void print(const struct task *task, const struct result *sum)
{
	printf("{\"key\":\"%s\",\"way\":\"%s\",\"processes\":%ld,\"seconds\":%.3f,"
	       "\"count\":%llu,\"rate\":%.1f,\"cpu_us\":%.2f}\n",
		task->key->name, task->cold ? "cold" : "hot", task->processes, sum->seconds,
		(unsigned long long)sum->count, (double)sum->count / sum->seconds,
		1e6 * sum->cpu / (double)sum->count);
}

static bool run(const struct task *task)
{
	pid_t pids[PROCESSES_MAX];
	int ready[2], start[2];
	struct result sum;
	bool good;

	if (pipe(ready) != 0 || pipe(start) != 0)
		return false;
	for (long i = 0; i < task->processes; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			close(ready[0]);
			close(start[1]);
			_exit(child(task, ready[1], start[0]));
		}
	}
	close(ready[1]);
	good = collect(ready[0], task->processes, &sum);
	close(start[1]);
	good = good && collect(ready[0], task->processes, &sum);
	for (long i = 0; i < task->processes; i++) {
		int status = 0;
		waitpid(pids[i], &status, 0);
		good = good && status == 0;
	}
	if (good)
		print(task, &sum);
	return good;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"key", required_argument, NULL, 'k'},
		{"way", required_argument, NULL, 'w'},
		{"processes", required_argument, NULL, 'n'},
		{"seconds", required_argument, NULL, 's'},
		{NULL, 0, NULL, 0},
	};
	struct task task = {.processes = 2, .seconds = 3};
	const char *config = NULL, *way = "";
	struct conf *conf = NULL;
	int option;

	log_open("raw", LOG_WARNING);
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			config = optarg;
			break;
		case 'k':
			task.key = key_algo_by_name(optarg);
			break;
		case 'w':
			way = optarg;
			break;
		case 'n':
			task.processes = strtol(optarg, NULL, 10);
			break;
		case 's':
			task.seconds = strtod(optarg, NULL);
			break;
		}
	}
	task.cold = strcmp(way, "cold") == 0;
	if (config == NULL || task.key == NULL || (!task.cold && strcmp(way, "hot") != 0) ||
		task.processes < 1 || task.processes > PROCESSES_MAX || task.seconds <= 0) {
		fputs(help, stderr);
		return 2;
	}
	if (conf_load(&conf, config) != RC_OK)
		return EXIT_FAILURE;
	task.conf = conf;
	bool good = run(&task);
	conf_free(&conf);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
