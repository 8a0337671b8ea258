/*
 * What the files of `rssp sign` share. A signing goes: plan (which files, where to), credential,
 * documents (the digest to sign of each), authorisation, documents again (each is finished),
 * report.
 */
#ifndef CLI_SIGN_H
#define CLI_SIGN_H

#include "clients/cli/cli.h"
#include "clients/lib/ades/pades.h"
#include "clients/lib/csc.h"

#include <sys/stat.h>

struct document {
	const char *in;
	struct stat in_status;
	struct buf out; /* the path */
	size_t earlier;
	struct pades *pades;
	bool done;
};

struct signing {
	struct cli *cli;
	struct csc_credential credential;
	enum ades_scheme scheme;
	enum ades_digest digest;
	struct document *documents;
	struct span *hashes;
	struct buf *signatures;
	size_t count;
	struct secret pin, otp, sad;
};

/* sign_plan.c */
enum cli_exit sign_plan(struct signing *signing);
const char *sign_out_path(const struct document *document);

/* sign_credential.c */
enum cli_exit sign_find_credential(struct signing *signing);
enum cli_exit sign_choose_scheme(struct signing *signing);

/* sign_document.c */
enum cli_exit sign_prepare(struct signing *signing, struct document *document);
enum cli_exit sign_finish(struct signing *signing, size_t index);

/* sign_report.c */
void sign_report(const struct signing *signing);

#endif
