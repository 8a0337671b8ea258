/*
 * Key kinds, digests and signature mechanisms, and what they are called in each world: PKCS#11,
 * OIDs of the CSC API (1.3 of RFC 8017, RFC 5758, RFC 5480), names on the command line. One table.
 */
#ifndef HSM_ALGO_H
#define HSM_ALGO_H

#include "base/buf.h"

#include <stdbool.h>

enum key_kind { KEY_RSA_2048 = 1, KEY_RSA_3072, KEY_RSA_4096, KEY_P_256, KEY_P_384 };
enum digest_kind { DIGEST_SHA256 = 1, DIGEST_SHA384, DIGEST_SHA512 };
enum scheme_kind { SCHEME_RSA_PKCS1 = 1, SCHEME_RSA_PSS, SCHEME_ECDSA };

struct key_algo {
	enum key_kind kind;
	const char *name; /* "rsa-2048", "p-256" */
	bool rsa;
	unsigned bits;
	const char *curve_oid; /* NULL for RSA */
	unsigned sign_cost_us; /* one signature, about: for cutting batches fairly */
};

struct digest_algo {
	enum digest_kind kind;
	const char *name; /* "SHA-256" */
	const char *oid;
	size_t len;
};

/* NULL if there is no such row. */
const struct key_algo *key_algo_by_kind(enum key_kind kind);
const struct key_algo *key_algo_by_name(const char *name);
const struct digest_algo *digest_algo_by_kind(enum digest_kind kind);
const struct digest_algo *digest_algo_by_oid(const char *oid);
const struct digest_algo *digest_algo_by_len(size_t len);

#endif
