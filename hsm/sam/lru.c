#include "hsm/sam/lru.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX

/* All memory is taken when the set is made. Numbers are indices into `nodes`. */
struct node {
	uint8_t key[SHA256_LEN];
	void *value;
	uint32_t newer, older; /* order of use */
	uint32_t next;	       /* in the bucket, or among the free */
};

struct lru {
	lru_drop_fn drop;
	void *arg;
	struct node *nodes;
	uint32_t *buckets;
	uint32_t bucket_mask;
	uint32_t newest, oldest, free;
};

rc_t lru_new(size_t capacity, lru_drop_fn drop, void *arg, struct lru **lru)
{
	struct lru *made = calloc(1, sizeof(*made));
	uint32_t buckets = 16;

	if (capacity == 0 || capacity > (1u << 24)) {
		free(made);
		return RC_RANGE;
	}
	while (buckets < capacity)
		buckets *= 2;
	if (made != NULL) {
		made->nodes = calloc(capacity, sizeof(made->nodes[0]));
		made->buckets = malloc(buckets * sizeof(made->buckets[0]));
	}
	if (made == NULL || made->nodes == NULL || made->buckets == NULL) {
		lru_free(&made);
		return RC_NO_MEMORY;
	}
	memset(made->buckets, 0xff, buckets * sizeof(made->buckets[0]));
	for (uint32_t i = 0; i < capacity; i++)
		made->nodes[i].next = i + 1 < capacity ? i + 1 : NONE;
	made->drop = drop;
	made->arg = arg;
	made->bucket_mask = buckets - 1;
	made->newest = made->oldest = NONE;
	*lru = made;
	return RC_OK;
}

/* The keys are digests: any four bytes spread well. */
static uint32_t *bucket_of(struct lru *lru, const uint8_t key[SHA256_LEN])
{
	uint32_t hash;

	memcpy(&hash, key, sizeof(hash));
	return &lru->buckets[hash & lru->bucket_mask];
}

static uint32_t node_find(struct lru *lru, const uint8_t key[SHA256_LEN])
{
	uint32_t at = *bucket_of(lru, key);

	while (at != NONE && memcmp(lru->nodes[at].key, key, SHA256_LEN) != 0)
		at = lru->nodes[at].next;
	return at;
}

static void order_leave(struct lru *lru, uint32_t at)
{
	struct node *node = &lru->nodes[at];

	if (node->newer == NONE)
		lru->newest = node->older;
	else
		lru->nodes[node->newer].older = node->older;
	if (node->older == NONE)
		lru->oldest = node->newer;
	else
		lru->nodes[node->older].newer = node->newer;
}

static void order_enter(struct lru *lru, uint32_t at)
{
	struct node *node = &lru->nodes[at];

	node->newer = NONE;
	node->older = lru->newest;
	if (lru->newest != NONE)
		lru->nodes[lru->newest].newer = at;
	lru->newest = at;
	if (lru->oldest == NONE)
		lru->oldest = at;
}

static void node_remove(struct lru *lru, uint32_t at)
{
	struct node *node = &lru->nodes[at];
	uint32_t *link = bucket_of(lru, node->key);

	while (*link != at)
		link = &lru->nodes[*link].next;
	*link = node->next;
	order_leave(lru, at);
	lru->drop(lru->arg, node->value);
	node->value = NULL;
	node->next = lru->free;
	lru->free = at;
}

void lru_free(struct lru **lru)
{
	struct lru *old = *lru;

	if (old == NULL)
		return;
	if (old->drop != NULL) {
		while (old->newest != NONE)
			node_remove(old, old->newest);
	}
	free(old->buckets);
	free(old->nodes);
	free(old);
	*lru = NULL;
}

void *lru_get(struct lru *lru, const uint8_t key[SHA256_LEN])
{
	uint32_t at = node_find(lru, key);

	if (at == NONE)
		return NULL;
	order_leave(lru, at);
	order_enter(lru, at);
	return lru->nodes[at].value;
}

void lru_put(struct lru *lru, const uint8_t key[SHA256_LEN], void *value)
{
	lru_remove(lru, key);
	if (lru->free == NONE)
		node_remove(lru, lru->oldest);
	uint32_t at = lru->free;
	struct node *node = &lru->nodes[at];
	uint32_t *bucket = bucket_of(lru, key);
	lru->free = node->next;
	memcpy(node->key, key, SHA256_LEN);
	node->value = value;
	node->next = *bucket;
	*bucket = at;
	order_enter(lru, at);
}

void lru_remove(struct lru *lru, const uint8_t key[SHA256_LEN])
{
	uint32_t at = node_find(lru, key);

	if (at != NONE)
		node_remove(lru, at);
}
