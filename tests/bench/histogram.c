/* Latencies of the load generator. */
#include "load.h"

#include <stdio.h>

#define STEPS 32

/* Below 2 × STEPS microseconds one bucket each, above STEPS buckets an octave. */
static size_t bucket_of(uint64_t us)
{
	unsigned octave = 0;

	while (us >> octave >= (uint64_t)2 * STEPS)
		octave++;
	size_t bucket = octave * STEPS + (size_t)(us >> octave);
	return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

/* The middle of a bucket, in microseconds. */
static double bucket_middle(size_t bucket)
{
	size_t octave = bucket < (size_t)2 * STEPS ? 0 : bucket / STEPS - 1;
	double width = (double)((uint64_t)1 << octave);

	return ((double)(bucket - octave * STEPS) + 0.5) * width;
}

void histogram_add(struct histogram *histogram, double seconds)
{
	histogram->count++;
	histogram->most = seconds > histogram->most ? seconds : histogram->most;
	histogram->buckets[bucket_of((uint64_t)(1e6 * seconds))]++;
}

static double quantile_ms(const struct histogram *histogram, double share)
{
	uint64_t below = 0;

	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		below += histogram->buckets[i];
		if (below > 0 && (double)below >= share * (double)histogram->count)
			return bucket_middle(i) / 1e3;
	}
	return 0;
}

void histogram_print(const struct histogram *histogram)
{
	printf("{\"count\":%llu,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f}",
		(unsigned long long)histogram->count, quantile_ms(histogram, 0.5),
		quantile_ms(histogram, 0.99), 1e3 * histogram->most);
}
