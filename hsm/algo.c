#include "hsm/algo.h"

#include <string.h>

static const struct key_algo keys[] = {
	{KEY_RSA_2048, "rsa-2048", true, 2048, NULL, 640},
	{KEY_RSA_3072, "rsa-3072", true, 3072, NULL, 2300},
	{KEY_RSA_4096, "rsa-4096", true, 4096, NULL, 5000},
	{KEY_P_256, "p-256", false, 256, "1.2.840.10045.3.1.7", 110},
	{KEY_P_384, "p-384", false, 384, "1.3.132.0.34", 1200},
};

static const struct digest_algo digests[] = {
	{DIGEST_SHA256, "SHA-256", "2.16.840.1.101.3.4.2.1", 32},
	{DIGEST_SHA384, "SHA-384", "2.16.840.1.101.3.4.2.2", 48},
	{DIGEST_SHA512, "SHA-512", "2.16.840.1.101.3.4.2.3", 64},
};

#define FIND(table, condition)                                          \
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) { \
		if (condition)                                          \
			return &table[i];                               \
	}                                                               \
	return NULL

const struct key_algo *key_algo_by_kind(enum key_kind kind)
{
	FIND(keys, keys[i].kind == kind);
}

const struct key_algo *key_algo_by_name(const char *name)
{
	FIND(keys, strcmp(keys[i].name, name) == 0);
}

const struct digest_algo *digest_algo_by_kind(enum digest_kind kind)
{
	FIND(digests, digests[i].kind == kind);
}

const struct digest_algo *digest_algo_by_oid(const char *oid)
{
	FIND(digests, strcmp(digests[i].oid, oid) == 0);
}

const struct digest_algo *digest_algo_by_len(size_t len)
{
	FIND(digests, digests[i].len == len);
}
