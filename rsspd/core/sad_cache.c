#include "core/sad_cache.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define BUCKETS 4096
#define BYTES_MAX ((size_t)64 << 20) /* some 3,000 SADs of 500 hashes */

struct sad_entry {
	LIST_ENTRY(sad_entry) same_bucket;
	TAILQ_ENTRY(sad_entry) by_use; /* the most recent one first */
	uint8_t sha256[SHA256_LEN];
	struct id client;
	struct sad_row row;
	struct buf bytes; /* what row points to; `spent` first */
};

struct core_sads {
	LIST_HEAD(, sad_entry) buckets[BUCKETS];
	TAILQ_HEAD(sad_list, sad_entry) by_use;
	size_t bytes;
};

/* What of a row points elsewhere. */
static const size_t texts[] = {
	offsetof(struct sad_row, subject.credential_state),
	offsetof(struct sad_row, subject.subscriber_state),
	offsetof(struct sad_row, subject.client_state),
	offsetof(struct sad_row, subject.client_mode),
	offsetof(struct sad_row, subject.client_profile),
	offsetof(struct sad_row, subject.client_sector),
	offsetof(struct sad_row, subject.key_algo),
	offsetof(struct sad_row, subject.factors),
	offsetof(struct sad_row, subject.position),
	offsetof(struct sad_row, subject.budget_code),
	offsetof(struct sad_row, subject.sector),
	offsetof(struct sad_row, state),
	offsetof(struct sad_row, digest),
};
static const size_t spans[] = {
	offsetof(struct sad_row, spent),
	offsetof(struct sad_row, hashes),
	offsetof(struct sad_row, seal),
	offsetof(struct sad_row, certificate_sha256),
	offsetof(struct sad_row, tls_sha256),
	offsetof(struct sad_row, subject.certificate),
	offsetof(struct sad_row, subject.certificate_sha256),
};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char **text_at(struct sad_row *row, size_t which)
{
	return (const char **)(void *)((char *)row + texts[which]);
}

static struct span *span_at(struct sad_row *row, size_t which)
{
	return (struct span *)(void *)((char *)row + spans[which]);
}

static size_t row_size(struct sad_row *row)
{
	size_t size = 0;

	for (size_t i = 0; i < COUNT(spans); i++)
		size += span_at(row, i)->len;
	for (size_t i = 0; i < COUNT(texts); i++)
		size += strlen(*text_at(row, i)) + 1;
	return size;
}

/* Reserved at once, so that no pointer into it moves. */
static rc_t row_copy(struct sad_entry *entry, const struct sad_row *row)
{
	entry->row = *row;
	rc_t rc = buf_reserve(&entry->bytes, row_size(&entry->row));
	for (size_t i = 0; i < COUNT(spans) && rc == RC_OK; i++) {
		struct span *span = span_at(&entry->row, i);
		const uint8_t *at = entry->bytes.data + entry->bytes.len;
		rc = buf_append_span(&entry->bytes, *span);
		span->data = at;
	}
	for (size_t i = 0; i < COUNT(texts) && rc == RC_OK; i++) {
		const char **text = text_at(&entry->row, i);
		const char *at = (const char *)entry->bytes.data + entry->bytes.len;
		rc = buf_append(&entry->bytes, *text, strlen(*text) + 1);
		*text = at;
	}
	return rc;
}

static size_t bucket_of(const uint8_t sha256[SHA256_LEN])
{
	return ((size_t)sha256[0] << 8 | sha256[1]) % BUCKETS;
}

static struct sad_entry *entry_find(struct core_sads *sads, const uint8_t sha256[SHA256_LEN])
{
	struct sad_entry *entry;

	LIST_FOREACH(entry, &sads->buckets[bucket_of(sha256)], same_bucket)
	{
		if (memcmp(entry->sha256, sha256, SHA256_LEN) == 0)
			return entry;
	}
	return NULL;
}

static void entry_free(struct sad_entry *entry)
{
	buf_free(&entry->bytes);
	free(entry);
}

static void entry_remove(struct core_sads *sads, struct sad_entry *entry)
{
	LIST_REMOVE(entry, same_bucket);
	TAILQ_REMOVE(&sads->by_use, entry, by_use);
	sads->bytes -= sizeof(*entry) + entry->bytes.len;
	entry_free(entry);
}

rc_t core_sads_start(struct core *core)
{
	core->sads = core_alloc(sizeof(*core->sads));
	TAILQ_INIT(&core->sads->by_use);
	return RC_OK;
}

void core_sads_stop(struct core *core)
{
	if (core->sads == NULL)
		return;
	while (!TAILQ_EMPTY(&core->sads->by_use))
		entry_remove(core->sads, TAILQ_FIRST(&core->sads->by_use));
	free(core->sads);
	core->sads = NULL;
}

const struct sad_row *sad_cache_find(struct core *core, const struct id *client,
	const struct id *credential, const uint8_t sha256[SHA256_LEN])
{
	struct sad_entry *entry = entry_find(core->sads, sha256);

	if (entry == NULL || !id_equal(&entry->client, client) ||
		!id_equal(&entry->row.subject.credential, credential))
		return NULL;
	TAILQ_REMOVE(&core->sads->by_use, entry, by_use);
	TAILQ_INSERT_HEAD(&core->sads->by_use, entry, by_use);
	return &entry->row;
}

void sad_cache_keep(struct core *core, const struct id *client, const uint8_t sha256[SHA256_LEN],
	const struct sad_row *sad)
{
	struct core_sads *sads = core->sads;
	struct sad_entry *entry = calloc(1, sizeof(*entry));

	sad_cache_drop(core, sha256);
	if (entry == NULL)
		return;
	if (row_copy(entry, sad) != RC_OK) {
		entry_free(entry);
		return;
	}
	entry->client = *client;
	memcpy(entry->sha256, sha256, SHA256_LEN);
	LIST_INSERT_HEAD(&sads->buckets[bucket_of(sha256)], entry, same_bucket);
	TAILQ_INSERT_HEAD(&sads->by_use, entry, by_use);
	sads->bytes += sizeof(*entry) + entry->bytes.len;
	while (sads->bytes > BYTES_MAX)
		entry_remove(sads, TAILQ_LAST(&sads->by_use, sad_list));
}

void sad_cache_spend(struct core *core, const uint8_t sha256[SHA256_LEN], const uint32_t *positions,
	size_t count)
{
	struct sad_entry *entry = entry_find(core->sads, sha256);

	if (entry == NULL)
		return;
	entry->row.unspent -= (int64_t)count;
	if (entry->row.unspent <= 0) {
		entry_remove(core->sads, entry);
		return;
	}
	/* as the request read it, which need not be as another one read it since */
	for (size_t i = 0; positions != NULL && i < count; i++) {
		if (positions[i] >= entry->row.spent.len) {
			entry_remove(core->sads, entry);
			return;
		}
		entry->bytes.data[positions[i]] = '1';
	}
}

void sad_cache_expire(struct core *core, int64_t now_ms)
{
	struct sad_entry *entry = TAILQ_FIRST(&core->sads->by_use);

	while (entry != NULL) {
		struct sad_entry *next = TAILQ_NEXT(entry, by_use);
		if (entry->row.end_ms <= now_ms)
			entry_remove(core->sads, entry);
		entry = next;
	}
}

void sad_cache_drop(struct core *core, const uint8_t sha256[SHA256_LEN])
{
	struct sad_entry *entry = entry_find(core->sads, sha256);

	if (entry != NULL)
		entry_remove(core->sads, entry);
}
