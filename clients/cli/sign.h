/*
 * What the files of `rssp sign` share. A signing goes: plan (which files, where to), credential,
 * documents (the digest to sign of each), authorisation, documents again (each is made anew and
 * written), report. No document is held in memory meanwhile: it is read twice, each time in a child
 * of its own, and made the same by the same signing time.
 */
#ifndef CLI_SIGN_H
#define CLI_SIGN_H

#include "base/digest.h"
#include "clients/cli/cli.h"
#include "clients/lib/ades/pades.h"
#include "clients/lib/csc.h"

#include <signal.h>
#include <sys/stat.h>

#define SIGN_DOCUMENTS_MAX CLI_ARGUMENTS_MAX /* in one run: twenty authorisations */

enum sign_format { SIGN_PADES, SIGN_CADES };

enum sign_state {
	SIGN_NEW,
	SIGN_FAULTY, /* fault says why */
	SIGN_READY,  /* to_sign is known */
	SIGN_SIGNED, /* the signature is known, the output is not written */
	SIGN_DONE,
	SIGN_KEPT /* the output of an earlier run is still good */
};

struct sign_fault {
	enum cli_exit code; /* CLI_DONE: none */
	char *words;
	bool said;
};

/* Of one document: what reading it gave, and what was made of it. */
struct sign_digests {
	uint8_t input[SHA256_LEN];
	uint8_t output[SHA256_LEN]; /* SIGN_DONE, SIGN_KEPT */
	uint8_t to_sign[ADES_DIGEST_MAX];
	size_t to_sign_len;
};

struct document {
	char *in;    /* as it was given or found */
	char *place; /* in, without links and from the root: what the result list knows it by */
	char *out;
	dev_t device;
	ino_t inode;
	size_t size;
	dev_t out_device;
	enum sign_state state;
	struct sign_fault fault;
	int64_t signed_at_ms; /* whole seconds */
	struct sign_digests digests;
	size_t earlier; /* signatures that the PDF had before */
	struct buf signature;
	char request[ID_TEXT]; /* of the signature, or of its refusal */
};

struct sign_results;

struct signing {
	struct cli *cli;
	enum sign_format format;
	struct csc_credential credential;
	enum ades_scheme scheme;
	enum ades_digest digest;
	struct document *documents;
	size_t count, capacity;
	struct appearance *appearance; /* NULL: nothing is seen of the signature */
	struct sign_results *results;  /* NULL without --results */
	size_t left_out;	       /* signed outputs that a folder held */
	enum cli_exit code;	       /* of the first failure */
};

/* sign_inputs.c: files, folders and lists become documents, each once, in order. */
enum cli_exit sign_inputs(struct signing *signing);
/* Takes over none of its arguments. below: what the output's folder gets after --output-dir. */
enum cli_exit sign_add(struct signing *signing, const char *path, const char *below);

/* sign_plan.c: where each goes to. What cannot be written is a fault of its document. */
enum cli_exit sign_choose_output(
	struct signing *signing, struct document *document, const char *below);
void sign_plan(struct signing *signing);
/* Is there room for what is to be written? */
enum cli_exit sign_check_room(struct signing *signing);

/* sign_credential.c */
enum cli_exit sign_find_credential(struct signing *signing);
enum cli_exit sign_choose_scheme(struct signing *signing);

/* sign_document.c: each of a document that is not faulty; a failure is the document's fault. */
void sign_prepare(struct signing *signing, struct document *document);
void sign_finish(struct signing *signing, struct document *document);
/* Is it a file with that SHA-256? */
bool sign_file_is(const char *path, const uint8_t sha256[SHA256_LEN]);

/* sign_fault.c: why a document cannot be signed; the first one stays. */
void sign_set_fault(struct signing *signing, struct document *document, enum cli_exit code,
	const char *en, const char *vi, ...)
	__attribute__((format(printf, 4, 6), format(printf, 5, 6)));
void sign_set_fault_rc(
	struct signing *signing, struct document *document, rc_t rc, const char *detail);

/* sign_stop.c: a signal that would end us in the middle of signing waits to be asked for. */
struct sign_stop {
	sigset_t caught;
	sigset_t before;
	int fd;
	unsigned count;
};
must_check rc_t sign_stop_begin(struct sign_stop *stop);
bool sign_stop_asked(struct sign_stop *stop);
void sign_stop_end(struct sign_stop *stop);

/* sign_authorize.c: documents that are ready get signatures, and are written: one authorisation for
 * as many as the credential allows, then the next. */
enum cli_exit sign_all(struct signing *signing);

/* sign_results.c: the list of --results. */
enum cli_exit sign_results_open(struct signing *signing);
/* What an earlier run left of the document: a signature that only has to be written, or an output
 * that is good. */
void sign_results_recall(struct signing *signing, struct document *document);
/* Is that file the list? */
bool sign_results_is(const struct signing *signing, const char *path);
/* Writes how all documents stand that an earlier run has not done with. */
enum cli_exit sign_results_put_all(struct signing *signing);
/* Writes how count documents stand, durably. After a failure the list is not written any more. */
enum cli_exit sign_results_put(
	struct signing *signing, const struct document *const documents[], size_t count);
/* One line a document. */
void sign_results_close(struct signing *signing);

/* sign_report.c. Says the faults that have not been said, and keeps the first one's exit code;
 * gives how many documents are faulty. */
size_t sign_say_faults(struct signing *signing);
void sign_report(const struct signing *signing, enum cli_exit code);
const char *sign_scheme_name(enum ades_scheme scheme);
const char *sign_format_name(enum sign_format format);

#endif
