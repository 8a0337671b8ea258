/* What the files of the load generator share. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include "clocks.h"

#include "base/base64.h"
#include "base/buf.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#define DIGEST_LEN 32
#define SAD_MAX 256
#define SAMPLES_MAX 256
#define HISTOGRAM_BUCKETS 1024

enum phase { PHASE_PREPARE, PHASE_WARM, PHASE_TIMED, PHASE_DRAIN };
enum kind { KIND_IDLE, KIND_AUTHORIZE, KIND_SIGN, KINDS };

/* One line of the plan. */
struct person {
	char credential[64], pin[64], otp[16], sign_algo[32];
};

/* One authorisation. Its hashes follow from the seed: none is stored. */
struct batch {
	const struct person *person;
	uint64_t seed;
	size_t hashes;
	char sad[SAD_MAX];
};

struct sample {
	const struct person *person;
	uint8_t digest[DIGEST_LEN];
	char signature[1024]; /* base64 */
};

/* Microseconds, 32 buckets an octave: 3 % wide. */
struct histogram {
	uint64_t count;
	double most;
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

struct window {
	double began, ended, cpu; /* seconds */
};

struct peer {
	uint16_t port;
	const char *ca, *token; /* files */
};

/* One connection and the request that is under way on it. */
struct link {
	SSL *ssl;
	int fd;
	enum kind kind;
	struct buf out, in;
	size_t sent;
	size_t head_len, body_len; /* of the answer; 0: not known yet */
	double began;
	struct batch *batch, own;
	size_t first, count; /* hashes that are being signed */
};

struct load {
	/* what is wanted */
	bool mode_sign, once, wait;
	size_t hashes, batch_count, link_count, warm;
	double ramp_s, seconds;
	/* who asks */
	struct person *people;
	size_t people_count;
	struct batch *batches; /* mode sign */
	struct link *links;
	SSL_CTX *tls;
	struct buf head[KINDS]; /* of the requests, up to the Content-Length */
	int epoll;
	uint64_t seed;
	/* where it is */
	enum phase phase;
	size_t taken;	   /* in this phase */
	size_t timed;	   /* in the windows before */
	size_t authorised; /* in all */
	size_t busy;	   /* connections with a request under way */
	bool exhausted, counting;
	/* what came of it */
	size_t signatures; /* of this window */
	size_t answers, sampled;
	double last_at;
	struct histogram latency[KINDS];
	struct sample samples[SAMPLES_MAX];
};

/* Says what is wrong and ends the process. */
_Noreturn void load_fail(const char *what);
/* The body of an answer with status 200, in full. */
void load_answered(struct load *load, struct link *link, struct span body);

void links_open(struct load *load, const struct peer *peer);
void links_close(struct load *load);
/* Writes and reads as far as it goes without waiting. */
void link_move(struct load *load, struct link *link);
void link_authorize(struct load *load, struct link *link);
void link_sign(struct load *load, struct link *link, size_t first, size_t count);

void batch_digest(const struct batch *batch, size_t index, uint8_t digest[DIGEST_LEN]);
void answer_sad(struct span body, char sad[SAD_MAX]);
/* How many there are; the first one. */
size_t answer_signatures(struct span body, struct span *first);

void histogram_add(struct histogram *histogram, double seconds);
void histogram_print(const struct histogram *histogram);

#endif
