/*
 * Statements: what an operator signs. The encoding (base/wire.h, version first) is what is signed,
 * stored and checked again by the SAM; nobody re-encodes a statement that came from outside.
 * Signature: ECDSA P-256 with SHA-256, DER, by the key of a certificate in operators.file.
 */
#ifndef HSM_STATEMENT_H
#define HSM_STATEMENT_H

#include "base/digest.h"
#include "base/id.h"

#define STATEMENT_MAX 8192
#define STATEMENT_TEXT 256
#define STATEMENT_LEVELS 4

/* One line of form 01 (clients/lib/form01.h). UTF-8, NFC, at most STATEMENT_TEXT - 1 bytes each,
 * without controls or direction marks. Only agency levels 2 to 4 (no level without the one above
 * it), position, phone, old_serial and budget_code may be empty. */
struct statement_enrol {
	char number[ID_TEXT]; /* this statement's own id, chosen by the operator's tool */
	int64_t issued_at_ms;
	char name[STATEMENT_TEXT];
	char birth_date[11];	  /* YYYY-MM-DD */
	char identity_number[32]; /* CCCD: 12 digits; or an older CMND, passport */
	char identity_place[STATEMENT_TEXT];
	char identity_date[11];
	char email[STATEMENT_TEXT]; /* official address: the code goes there and nowhere else */
	char agency[STATEMENT_LEVELS][STATEMENT_TEXT]; /* level 1 first; empty: no such level */
	char province[STATEMENT_TEXT];
	char position[STATEMENT_TEXT]; /* may be empty: then the policy waits */
	char phone[32];
	char old_serial[64];
	char budget_code[32]; /* Mã quan hệ ngân sách, if the dossier has one */
};

/* Gives a locked credential its tries back. */
struct statement_unlock {
	struct id credential;
	int64_t issued_at_ms; /* the SAM takes each instant once, and only later ones */
};

must_check rc_t statement_enrol_encode(struct buf *out, const struct statement_enrol *statement);
/* RC_STATEMENT_INVALID unless it is exactly one such statement. */
must_check rc_t statement_enrol_decode(struct statement_enrol *statement, struct span bytes);
must_check rc_t statement_unlock_encode(struct buf *out, const struct statement_unlock *statement);
must_check rc_t statement_unlock_decode(struct statement_unlock *statement, struct span bytes);

/* operators.file: who may sign statements. */
struct operators;
struct operator_entry {
	char name[64];			 /* the certificate's CN */
	uint8_t fingerprint[SHA256_LEN]; /* SHA-256 of SubjectPublicKeyInfo, DER */
};

/* Refuses a file that others than its owner and root can write. */
must_check rc_t operators_load(struct operators **operators, const char *path);
void operators_free(struct operators **operators);
/* When the first of their certificates ends, milliseconds since 1970; 0 without any. */
int64_t operators_expire_ms(const struct operators *operators);
/* NULL if nobody there has that key. The entry lives as long as operators. */
const struct operator_entry *operators_find(
	const struct operators *operators, const uint8_t fingerprint[SHA256_LEN]);
/* RC_STATEMENT_INVALID if that operator did not sign these bytes, or its certificate is not valid
 * now. */
must_check rc_t operators_verify(const struct operators *operators,
	const uint8_t fingerprint[SHA256_LEN], struct span statement, struct span signature);

#endif
