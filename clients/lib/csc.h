/*
 * The CSC API, version 1.0.4.0, as a signing client uses it: one credential, one authorisation for
 * the hashes at hand, their signatures. Errors: those of client.h.
 */
#ifndef CLIENTS_CSC_H
#define CLIENTS_CSC_H

#include "clients/lib/ades/ades.h"
#include "clients/lib/client.h"

#include <stdbool.h>

#define CSC_ID 128
#define CSC_CHAIN 8

struct csc_credential {
	char id[CSC_ID];
	bool enabled; /* key.status; disabled also when the policy forbids */
	bool rsa;
	long bits;
	struct buf certificates[CSC_CHAIN]; /* DER, the signer's own first */
	size_t certificate_count;
	size_t multisign; /* hashes in one authorisation */
	bool needs_pin;	  /* of the signer, by authorize; not if a browser asks for it */
	bool needs_otp;
	char subject[512]; /* RFC 4514, as the server prints it */
	char status[16];   /* of the certificate; may be empty */
	char valid_to[32];
	char description[256];
};

void csc_credential_free(struct csc_credential *credential);

/* info (§11.1): what the service says of itself is answer->body. */
must_check rc_t csc_info(struct client *client, struct client_answer *answer);
/* credentials/list (§11.4): user's credential ids, an array in answer->body ("credentialIDs"). user
 * NULL: those of the subscriber whom the token stands for. */
must_check rc_t csc_list(struct client *client, const char *user, struct client_answer *answer);
/* credentials/info (§11.5), with the chain. */
must_check rc_t csc_credential_info(struct client *client, const char *id,
	struct csc_credential *credential, struct client_answer *answer);

/* What is to be signed: digests all of one algorithm. */
struct csc_hashes {
	const struct span *items;
	size_t count;
	enum ades_digest digest;
};

/* As hashAlgorithmOID has it. */
const char *csc_digest_oid(enum ades_digest digest);

struct csc_factors {
	struct span pin;
	struct span otp; /* empty: the credential wants none */
};

/* credentials/authorize (§11.6). */
must_check rc_t csc_authorize(struct client *client, const char *credential,
	const struct csc_hashes *hashes, const struct csc_factors *factors, struct secret *sad,
	struct client_answer *answer);
/* credentials/extendTransaction (§11.7): sad is replaced by the new one. */
must_check rc_t csc_extend(struct client *client, const char *credential,
	const struct csc_hashes *hashes, struct secret *sad, struct client_answer *answer);
/* signatures/signHash (§11.9): signatures has room for hashes->count, in their order. sad NULL: the
 * client's bearer is a token of scope credential, which needs none (version 2). */
must_check rc_t csc_sign_hash(struct client *client, const char *credential,
	const struct csc_hashes *hashes, enum ades_scheme scheme, const struct secret *sad,
	struct buf signatures[], struct client_answer *answer);

#endif
