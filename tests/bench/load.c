/*
 * The load generator of tests/bench/run: keep-alive connections over TLS 1.3 that each send the
 * next request when the last is answered. It shares the cores with the service, so it does as
 * little as it can; it checks the status of every answer and how many signatures there are, and
 * stops at the first that is not as it must be.
 *
 *   --mode sign    authorises --batches times --hashes hashes, untimed; timed: signHash of one
 *                  hash, of another batch each time
 *   --mode batch   timed: authorize of --hashes hashes and signHash of all of them, of another
 *                  subscriber each time
 *
 * PLAN: one line an authorisation, in rotation (or once each, --once): credential, PIN, OTP or "-",
 * signAlgo. Standard output: "begin" and "end" of the timed window, then one line of JSON, whose
 * latencies are of all windows so far. With --wait it says "ready" and runs a window for each line
 * that it reads, until there are no more; between windows it does nothing.
 * SAMPLES: credential, digest, signature in base64, for somebody else to verify.
 */
#include "load.h"

#include <getopt.h>
#include <openssl/rand.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define SAMPLE_EVERY 29
#define SIGN_WARM 1 /* the first hash of each batch is signed before the window */

static const char help[] =
	"usage: bench_load --port N --ca FILE --token FILE --plan FILE --mode sign|batch\n"
	"                  [--hashes N] [--batches N] [--connections N] [--ramp S] [--seconds S]\n"
	"                  [--warm N] [--once] [--wait] [--samples FILE]\n";

void load_fail(const char *what)
{
	fprintf(stderr, "load: %s\n", what);
	exit(EXIT_FAILURE);
}

/* ---- what is asked for next ---- */

/* Which authorisation this is decides whose it is: the plan in rotation. */
static bool batch_next(struct load *load, struct link *link, size_t limit, size_t hashes)
{
	if (load->taken >= limit)
		return false;
	struct batch *batch = load->mode_sign && load->phase == PHASE_PREPARE
				      ? &load->batches[load->taken]
				      : &link->own;
	batch->person = &load->people[load->authorised % load->people_count];
	batch->seed = load->seed + load->authorised;
	batch->hashes = hashes;
	load->taken++;
	load->authorised++;
	link->batch = batch;
	link_authorize(load, link);
	return true;
}

/* One hash of another batch each time; the batches' next hashes when all had their turn. */
static bool sign_next(struct load *load, struct link *link, size_t first, size_t limit)
{
	if (load->taken >= limit)
		return false;
	link->batch = &load->batches[load->taken % load->batch_count];
	link_sign(load, link, first + load->taken / load->batch_count, 1);
	load->taken++;
	return true;
}

static size_t timed_limit(const struct load *load)
{
	if (load->mode_sign)
		return load->batch_count * (load->hashes - SIGN_WARM);
	return load->once ? load->people_count - load->warm : SIZE_MAX;
}

/* The service refuses more than a few authorisations of one person at a time, and answers come in
 * no order. */
static bool authorises_alone(const struct load *load)
{
	return load->busy == 0 || load->busy < load->people_count / 4;
}

/* false: this phase has nothing more for the connection, which then idles. */
static bool link_next(struct load *load, struct link *link)
{
	bool busy = false;

	switch (load->phase) {
	case PHASE_PREPARE:
		busy = authorises_alone(load) &&
		       batch_next(load, link, load->batch_count, load->hashes);
		break;
	case PHASE_WARM:
		busy = load->mode_sign ? sign_next(load, link, 0, load->batch_count)
				       : batch_next(load, link, load->warm, 1);
		break;
	case PHASE_TIMED:
		busy = load->mode_sign ? sign_next(load, link, SIGN_WARM, timed_limit(load))
				       : batch_next(load, link, timed_limit(load), load->hashes);
		load->exhausted = load->exhausted || !busy;
		break;
	case PHASE_DRAIN:
		break;
	}
	link->kind = busy ? link->kind : KIND_IDLE;
	load->busy += busy ? 1 : 0;
	return busy;
}

/* ---- what was answered ---- */

static void sample_take(struct load *load, const struct link *link, struct span signature)
{
	struct sample *sample = &load->samples[load->sampled++ % SAMPLES_MAX];

	if (signature.len >= sizeof(sample->signature))
		load_fail("a signature of an impossible length");
	sample->person = link->batch->person;
	batch_digest(link->batch, link->first, sample->digest);
	memcpy(sample->signature, signature.data, signature.len);
	sample->signature[signature.len] = 0;
}

static void count(struct load *load, const struct link *link, double at)
{
	if (!load->counting)
		return;
	histogram_add(&load->latency[link->kind], at - link->began);
	if (link->kind == KIND_SIGN) {
		load->signatures += link->count;
		load->last_at = at;
	}
}

/* The connection has a whole answer of status 200; it asks for what comes next, or idles. */
void load_answered(struct load *load, struct link *link, struct span body)
{
	double at = bench_now();
	struct span signature;

	load->busy--;
	count(load, link, at);
	if (link->kind == KIND_AUTHORIZE) {
		answer_sad(body, link->batch->sad);
		if (load->phase != PHASE_PREPARE) {
			load->busy++;
			link_sign(load, link, 0, link->batch->hashes);
			return;
		}
	} else {
		if (answer_signatures(body, &signature) != link->count)
			load_fail("not as many signatures as hashes");
		if (load->answers++ % SAMPLE_EVERY == 0)
			sample_take(load, link, signature);
	}
	link_next(load, link);
}

/* ---- phases ---- */

/* Until nothing is under way, or the time is over, or a connection of a window has nothing more to
 * ask: what the others still have under way is no full load. */
static void work(struct load *load, double until)
{
	struct epoll_event events[64];

	while (load->busy > 0 && bench_now() < until && !(load->counting && load->exhausted)) {
		int wait_ms = until < 1e18 ? (int)(1e3 * (until - bench_now())) + 1 : -1;
		int got = epoll_wait(load->epoll, events, 64, wait_ms);
		for (int i = 0; i < got; i++)
			link_move(load, events[i].data.ptr);
	}
}

static void phase_begin(struct load *load, enum phase phase)
{
	load->phase = phase;
	load->taken = phase == PHASE_TIMED ? load->timed : 0;
	for (size_t i = 0; i < load->link_count; i++) {
		if (load->links[i].kind == KIND_IDLE && link_next(load, &load->links[i]))
			link_move(load, &load->links[i]);
	}
}

static void tell(const char *word)
{
	puts(word);
	fflush(stdout);
}

static void timed(struct load *load, struct window *window)
{
	load->signatures = 0;
	phase_begin(load, PHASE_TIMED);
	work(load, bench_now() + load->ramp_s);
	tell("begin");
	window->began = bench_now();
	window->cpu = bench_cpu_used();
	load->counting = true;
	work(load, window->began + load->seconds);
	load->counting = false;
	window->ended = load->exhausted ? load->last_at : bench_now();
	window->cpu = bench_cpu_used() - window->cpu;
	tell("end");
	load->timed = load->taken;
	phase_begin(load, PHASE_DRAIN);
	work(load, 1e18);
}

static void print(const struct load *load, const struct window *window)
{
	double seconds = window->ended - window->began;

	printf("{\"seconds\":%.3f,\"signatures\":%zu,\"rate\":%.1f,\"cpu_s\":%.4f,"
	       "\"exhausted\":%s,\"authorize\":",
		seconds, load->signatures, (double)load->signatures / seconds, window->cpu,
		load->exhausted ? "true" : "false");
	histogram_print(&load->latency[KIND_AUTHORIZE]);
	printf(",\"sign\":");
	histogram_print(&load->latency[KIND_SIGN]);
	puts("}");
	fflush(stdout);
}

static void samples_write(const struct load *load, const char *path)
{
	FILE *file = fopen(path, "w");
	size_t count = load->sampled < SAMPLES_MAX ? load->sampled : SAMPLES_MAX;
	struct buf text = BUF_INIT;
	const char *digest = NULL;

	if (file == NULL)
		load_fail("the file of samples does not open");
	for (size_t i = 0; i < count; i++) {
		const struct sample *sample = &load->samples[i];
		buf_clear(&text);
		if (base64_encode(&text, SPAN(sample->digest, DIGEST_LEN)) != RC_OK ||
			buf_string(&text, &digest) != RC_OK)
			load_fail("no memory");
		fprintf(file, "%s %s %s\n", sample->person->credential, digest, sample->signature);
	}
	buf_free(&text);
	if (fclose(file) != 0)
		load_fail("the file of samples was not written");
}

static void windows(struct load *load)
{
	struct window window;
	char line[16];

	if (load->wait)
		tell("ready");
	while (!load->wait || fgets(line, sizeof(line), stdin) != NULL) {
		timed(load, &window);
		print(load, &window);
		if (!load->wait)
			return;
	}
}

static void run(struct load *load, const char *samples)
{
	if (load->mode_sign) {
		phase_begin(load, PHASE_PREPARE);
		work(load, 1e18);
	}
	phase_begin(load, PHASE_WARM);
	work(load, 1e18);
	windows(load);
	if (samples != NULL)
		samples_write(load, samples);
}

/* ---- start ---- */

static void plan_read(struct load *load, const char *path)
{
	FILE *file = fopen(path, "r");
	struct person one;

	if (file == NULL)
		load_fail("the plan does not open");
	while (fscanf(file, "%63s %63s %15s %31s", one.credential, one.pin, one.otp,
		       one.sign_algo) == 4) {
		load->people =
			reallocarray(load->people, load->people_count + 1, sizeof(struct person));
		if (load->people == NULL)
			load_fail("no memory");
		load->people[load->people_count++] = one;
	}
	fclose(file);
	if (load->people_count == 0)
		load_fail("the plan is empty");
}

static void start(struct load *load, const struct peer *peer, const char *plan)
{
	signal(SIGPIPE, SIG_IGN);
	plan_read(load, plan);
	if (load->warm > load->people_count && load->once)
		load_fail("more to warm than the plan has");
	if (RAND_bytes((uint8_t *)&load->seed, sizeof(load->seed)) != 1)
		load_fail("no random bytes");
	load->batches = calloc(load->batch_count + 1, sizeof(struct batch));
	load->links = calloc(load->link_count, sizeof(struct link));
	load->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (load->batches == NULL || load->links == NULL || load->epoll < 0)
		load_fail("no memory");
	links_open(load, peer);
}

static const struct option options[] = {
	{"port", required_argument, NULL, 'p'},
	{"ca", required_argument, NULL, 'a'},
	{"token", required_argument, NULL, 't'},
	{"plan", required_argument, NULL, 'l'},
	{"mode", required_argument, NULL, 'm'},
	{"hashes", required_argument, NULL, 'h'},
	{"batches", required_argument, NULL, 'b'},
	{"connections", required_argument, NULL, 'c'},
	{"ramp", required_argument, NULL, 'r'},
	{"seconds", required_argument, NULL, 's'},
	{"warm", required_argument, NULL, 'w'},
	{"once", no_argument, NULL, 'o'},
	{"wait", no_argument, NULL, 'i'},
	{"samples", required_argument, NULL, 'x'},
	{NULL, 0, NULL, 0},
};

struct words {
	const char *plan, *mode, *samples;
	struct peer peer;
};

static bool option_take(struct load *load, struct words *words, int option)
{
	size_t number = optarg == NULL ? 0 : strtoul(optarg, NULL, 10);
	double decimal = optarg == NULL ? 0 : strtod(optarg, NULL);

	switch (option) {
	case 'p':
		words->peer.port = (uint16_t)number;
		break;
	case 'a':
		words->peer.ca = optarg;
		break;
	case 't':
		words->peer.token = optarg;
		break;
	case 'l':
		words->plan = optarg;
		break;
	case 'm':
		words->mode = optarg;
		break;
	case 'h':
		load->hashes = number;
		break;
	case 'b':
		load->batch_count = number;
		break;
	case 'c':
		load->link_count = number;
		break;
	case 'r':
		load->ramp_s = decimal;
		break;
	case 's':
		load->seconds = decimal;
		break;
	case 'w':
		load->warm = number;
		break;
	case 'o':
		load->once = true;
		break;
	case 'i':
		load->wait = true;
		break;
	case 'x':
		words->samples = optarg;
		break;
	default:
		return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct load *load = calloc(1, sizeof(*load));
	struct words words = {.mode = ""};
	int option;

	if (load == NULL)
		load_fail("no memory");
	load->hashes = 1;
	load->link_count = 32;
	load->seconds = 3;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (!option_take(load, &words, option)) {
			fputs(help, stderr);
			return 2;
		}
	}
	load->mode_sign = strcmp(words.mode, "sign") == 0;
	if (words.plan == NULL || words.peer.ca == NULL || words.peer.token == NULL ||
		words.peer.port == 0 || load->link_count < 1 || load->hashes < 1 ||
		load->hashes > 500 || (load->mode_sign && load->batch_count < 1) ||
		(!load->mode_sign && strcmp(words.mode, "batch") != 0)) {
		fputs(help, stderr);
		return 2;
	}
	start(load, &words.peer, words.plan);
	run(load, words.samples);
	links_close(load);
	free(load->people);
	free(load->batches);
	free(load->links);
	free(load);
	return EXIT_SUCCESS;
}
