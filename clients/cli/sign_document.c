/* One document: the digest that is to be signed, and the signed file. Each is made in a child with
 * bounded memory and time, as the file may be made to harm; the child reports, the parent speaks.
 */
#include "clients/cli/sign.h"

#include "base/clock.h"
#include "clients/cli/worker.h"
#include "clients/lib/ades/cades.h"
#include "clients/lib/ades/pdf.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define CHUNK ((size_t)1 << 20)
/* A PDF that inflates to more is no document. Beside it the file itself, read and written anew. */
#define WORKER_MEMORY ((size_t)512 << 20)
#define WORKER_COPIES 8
#define WORKER_CPU_S 60
#define WORKER_BYTES_A_S ((size_t)4 << 20) /* slower than any machine digests */
#define DETAIL_LEN 256

enum trouble {
	TROUBLE_NONE,
	TROUBLE_RC,
	TROUBLE_READ,
	TROUBLE_KIND,
	TROUBLE_NO_PDF,
	TROUBLE_COSTLY,
	TROUBLE_CHANGED,
	TROUBLE_WRITE,
	TROUBLE_EXISTS
};

struct job {
	const struct signing *signing;
	const struct document *document;
	bool write;
};

struct reply {
	enum trouble trouble;
	rc_t rc;
	int error;
	char detail[DETAIL_LEN];
	struct sign_digests digests;
	size_t earlier;
};

/* in the child */

static void refuse(struct reply *reply, enum trouble trouble, int error)
{
	reply->trouble = trouble;
	reply->error = error;
}

static void refuse_rc(struct reply *reply, rc_t rc)
{
	reply->trouble = TROUBLE_RC;
	reply->rc = rc;
}

/* Only a regular file: a pipe or device would not be there again when it is signed. */
static int open_file(const char *path, struct stat *status, struct reply *reply)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0) {
		refuse(reply, TROUBLE_READ, errno);
		return -1;
	}
	if (fstat(fd, status) != 0 || !S_ISREG(status->st_mode)) {
		refuse(reply, TROUBLE_KIND, 0);
		close(fd);
		return -1;
	}
	return fd;
}

static ssize_t read_some(int fd, void *at, size_t len)
{
	ssize_t got;

	do {
		got = read(fd, at, len);
	} while (got < 0 && errno == EINTR);
	return got;
}

static bool load(const char *path, struct buf *out, struct reply *reply)
{
	struct stat status;
	rc_t rc = RC_OK;
	ssize_t got = 1;

	int fd = open_file(path, &status, reply);
	if (fd < 0)
		return false;
	if ((size_t)status.st_size > PDF_LEN_MAX)
		rc = RC_PDF_TOO_LONG;
	if (rc == RC_OK)
		rc = buf_reserve(out, (size_t)status.st_size + 1);
	while (rc == RC_OK && got > 0) {
		rc = buf_reserve(out, 1);
		if (rc != RC_OK)
			break;
		got = read_some(fd, out->data + out->len, out->capacity - out->len);
		out->len += got > 0 ? (size_t)got : 0;
		if (out->len > PDF_LEN_MAX)
			rc = RC_PDF_TOO_LONG;
	}
	int error = errno;
	close(fd);
	if (rc != RC_OK)
		refuse_rc(reply, rc);
	else if (got < 0)
		refuse(reply, TROUBLE_READ, error);
	return rc == RC_OK && got == 0;
}

static bool same_as_before(const struct job *job, struct reply *reply)
{
	const struct sign_digests *before = &job->document->digests;

	return before->to_sign_len == reply->digests.to_sign_len &&
	       memcmp(before->to_sign, reply->digests.to_sign, before->to_sign_len) == 0;
}

static void keep_to_sign(struct reply *reply, struct span to_sign)
{
	memcpy(reply->digests.to_sign, to_sign.data, to_sign.len);
	reply->digests.to_sign_len = to_sign.len;
}

static void write_output(const struct job *job, const struct buf *out, struct reply *reply)
{
	struct cli *cli = job->signing->cli;
	const char *path = job->document->out;

	rc_t rc = digest_sha256(buf_span(out), reply->digests.output);
	if (rc != RC_OK) {
		refuse_rc(reply, rc);
		return;
	}
	/* what cannot be made shows when the file is written */
	if (cli_has(cli, "output-dir"))
		(void)file_make_folders(path, 0777);
	int error = file_write_whole(path, buf_span(out), cli_has(cli, "force"));
	/* a run that was killed between writing the file and writing that down */
	if (error == EEXIST && sign_file_is(path, reply->digests.output))
		error = 0;
	if (error != 0)
		refuse(reply, error == EEXIST ? TROUBLE_EXISTS : TROUBLE_WRITE, error);
}

/* chain has room for CSC_CHAIN. */
static struct ades_signer signer_of(const struct signing *signing, struct span *chain)
{
	const struct csc_credential *credential = &signing->credential;

	for (size_t i = 1; i < credential->certificate_count; i++)
		chain[i - 1] = buf_span(&credential->certificates[i]);
	return (struct ades_signer){
		.certificate = buf_span(&credential->certificates[0]),
		.chain = chain,
		.chain_len = credential->certificate_count - 1,
		.scheme = signing->scheme,
		.digest = signing->digest,
	};
}

static rc_t pades_of(
	const struct job *job, struct span pdf, struct buf *detail, struct pades **pades)
{
	const struct signing *signing = job->signing;
	struct span chain[CSC_CHAIN];
	const struct pades_options options = {
		.signer = signer_of(signing, chain),
		.signed_at_ms = job->document->signed_at_ms,
		.reason = cli_value(signing->cli, "reason"),
		.location = cli_value(signing->cli, "location"),
		.appearance = signing->appearance,
		.detail = detail,
	};

	return pades_prepare(pdf, &options, pades);
}

static void finish_pades(const struct job *job, struct pades *pades, struct reply *reply)
{
	struct buf out = BUF_INIT;

	rc_t rc = pades_finish(pades, buf_span(&job->document->signature), &out);
	if (rc == RC_OK)
		write_output(job, &out, reply);
	else
		refuse_rc(reply, rc);
	buf_free(&out);
}

/* The parser meets the end of its memory as one error among others: what came near to it is told.
 */
static bool is_costly(const struct job *job, const char *words)
{
	struct rusage usage;
	size_t usual = WORKER_MEMORY / 4 + WORKER_COPIES * job->document->size;

	return strstr(words, "bad_alloc") != NULL ||
	       (getrusage(RUSAGE_SELF, &usage) == 0 && (size_t)usage.ru_maxrss * 1024 > usual);
}

static void refuse_pdf(const struct job *job, rc_t rc, struct buf *detail, struct reply *reply)
{
	const char *words = "";

	refuse_rc(reply, rc);
	if (buf_string(detail, &words) != RC_OK)
		words = "";
	snprintf(reply->detail, sizeof(reply->detail), "%s", words);
	if (rc == RC_PDF_DAMAGED && is_costly(job, words))
		refuse(reply, TROUBLE_COSTLY, 0);
}

static void run_pades(const struct job *job, struct reply *reply)
{
	struct buf pdf = BUF_INIT;
	struct buf detail = BUF_INIT;
	struct pades *pades = NULL;

	if (!load(job->document->in, &pdf, reply))
		goto out;
	if ((pdf.len < 5 || memcmp(pdf.data, "%PDF-", 5) != 0) &&
		!pdf_begins_late(buf_span(&pdf))) {
		refuse(reply, TROUBLE_NO_PDF, 0);
		goto out;
	}
	rc_t rc = digest_sha256(buf_span(&pdf), reply->digests.input);
	if (rc == RC_OK)
		rc = pades_of(job, buf_span(&pdf), &detail, &pades);
	buf_free(&pdf);
	if (rc != RC_OK) {
		refuse_pdf(job, rc, &detail, reply);
		goto out;
	}
	reply->earlier = pades_earlier(pades);
	keep_to_sign(reply, pades_to_sign(pades));
	if (job->write && !same_as_before(job, reply))
		refuse(reply, TROUBLE_CHANGED, 0);
	else if (job->write)
		finish_pades(job, pades, reply);
out:
	pades_free(&pades);
	buf_free(&pdf);
	buf_free(&detail);
}

typedef rc_t (*chunk_fn)(void *arg, struct span chunk);

/* All of a file through fn and SHA-256, a piece at a time. */
static bool stream(const char *path, chunk_fn fn, void *arg, struct reply *reply)
{
	struct stat status;
	struct buf chunk = BUF_INIT;
	EVP_MD_CTX *sha256 = EVP_MD_CTX_new();
	ssize_t got = 1;

	int fd = open_file(path, &status, reply);
	rc_t rc = fd < 0 ? RC_SYSTEM : buf_reserve(&chunk, CHUNK);
	if (sha256 == NULL || EVP_DigestInit_ex(sha256, EVP_sha256(), NULL) != 1)
		rc = rc == RC_OK ? RC_CRYPTO : rc;
	while (rc == RC_OK && got > 0) {
		got = read_some(fd, chunk.data, CHUNK);
		if (got <= 0)
			break;
		if (EVP_DigestUpdate(sha256, chunk.data, (size_t)got) != 1)
			rc = RC_CRYPTO;
		else if (fn != NULL)
			rc = fn(arg, SPAN(chunk.data, (size_t)got));
	}
	int error = errno;
	if (rc == RC_OK && EVP_DigestFinal_ex(sha256, reply->digests.input, NULL) != 1)
		rc = RC_CRYPTO;
	if (fd >= 0)
		close(fd);
	if (fd >= 0 && rc != RC_OK)
		refuse_rc(reply, rc);
	else if (got < 0)
		refuse(reply, TROUBLE_READ, error);
	EVP_MD_CTX_free(sha256);
	buf_free(&chunk);
	return rc == RC_OK && got == 0;
}

static rc_t feed(void *arg, struct span chunk)
{
	return cades_update(arg, chunk);
}

static void run_cades(const struct job *job, struct reply *reply)
{
	const struct document *document = job->document;
	struct span chain[CSC_CHAIN];
	const struct ades_signer signer = signer_of(job->signing, chain);
	struct cades *cades = NULL;
	struct buf out = BUF_INIT;

	rc_t rc = cades_new(signer.digest, &cades);
	if (rc == RC_OK && !stream(document->in, feed, cades, reply))
		goto out;
	if (rc == RC_OK)
		rc = cades_prepare(cades, &signer, document->signed_at_ms);
	if (rc != RC_OK) {
		refuse_rc(reply, rc);
		goto out;
	}
	keep_to_sign(reply, cades_to_sign(cades));
	if (!job->write)
		goto out;
	if (!same_as_before(job, reply)) {
		refuse(reply, TROUBLE_CHANGED, 0);
		goto out;
	}
	rc = cades_finish(cades, buf_span(&document->signature), &out);
	if (rc == RC_OK)
		write_output(job, &out, reply);
	else
		refuse_rc(reply, rc);
out:
	cades_free(&cades);
	buf_free(&out);
}

static void run_job(void *arg, void *reply)
{
	const struct job *job = arg;

	if (job->signing->format == SIGN_CADES)
		run_cades(job, reply);
	else
		run_pades(job, reply);
}

/* in the parent */

bool sign_file_is(const char *path, const uint8_t sha256[SHA256_LEN])
{
	struct reply reply = {0};

	return stream(path, NULL, NULL, &reply) &&
	       memcmp(reply.digests.input, sha256, SHA256_LEN) == 0;
}

static void say_costly(struct signing *signing, struct document *document)
{
	sign_set_fault(signing, document, CLI_INPUT,
		"%s: reading it takes more memory or time than a document should: it is damaged, or made "
		"to harm",
		"%s: đọc tệp này tốn quá nhiều bộ nhớ hoặc thời gian: tệp bị hỏng, hoặc được tạo ra để "
		"phá hoại",
		document->in);
}

static void say(struct signing *signing, struct document *document, const struct reply *reply)
{
	const char *in = document->in;

	switch (reply->trouble) {
	case TROUBLE_NONE:
		break;
	case TROUBLE_RC:
		sign_set_fault_rc(signing, document, reply->rc, reply->detail);
		break;
	case TROUBLE_READ:
		sign_set_fault(signing, document, CLI_INPUT, "%s does not open: %s",
			"không mở được %s: %s", in, cli_error_text(signing->cli, reply->error));
		break;
	case TROUBLE_KIND:
		sign_set_fault(signing, document, CLI_INPUT, "%s is no regular file",
			"%s không phải tệp thường", in);
		break;
	case TROUBLE_NO_PDF:
		sign_set_fault(signing, document, CLI_INPUT,
			"%s is not a PDF; --format cades signs any file, into %s.p7s",
			"%s không phải PDF; --format cades ký được mọi loại tệp, ra %s.p7s", in,
			in);
		break;
	case TROUBLE_COSTLY:
		say_costly(signing, document);
		break;
	case TROUBLE_CHANGED:
		sign_set_fault(signing, document, CLI_INPUT,
			"%s has changed since it was read: nothing was written, sign it again",
			"%s đã thay đổi sau khi được đọc: không ghi gì, hãy ký lại", in);
		break;
	case TROUBLE_WRITE:
		sign_set_fault(signing, document, CLI_LOCAL, "%s cannot be written: %s",
			"không ghi được %s: %s", document->out,
			cli_error_text(signing->cli, reply->error));
		break;
	case TROUBLE_EXISTS:
		sign_set_fault(signing, document, CLI_USAGE,
			"%s is there already; --force replaces it",
			"%s đã có; dùng --force để ghi đè", document->out);
		break;
	}
}

static bool run(struct signing *signing, struct document *document, bool write, struct reply *reply)
{
	struct job job = {.signing = signing, .document = document, .write = write};
	const struct worker_task task = {
		.run = run_job,
		.arg = &job,
		.reply_size = sizeof(*reply),
		.memory = WORKER_MEMORY +
			  (signing->format == SIGN_PADES ? WORKER_COPIES * document->size : 0),
		.cpu_s = WORKER_CPU_S + (unsigned)(document->size / WORKER_BYTES_A_S),
		.ends_with_parent = !write,
	};

	switch (worker_run(&task, reply)) {
	case WORKER_DONE:
		say(signing, document, reply);
		return reply->trouble == TROUBLE_NONE;
	case WORKER_HARMED:
		say_costly(signing, document);
		break;
	case WORKER_NOT_BEGUN:
		sign_set_fault(signing, document, CLI_LOCAL, "%s: no process can be started: %s",
			"%s: không tạo được tiến trình: %s", document->in,
			cli_error_text(signing->cli, errno));
		break;
	}
	return false;
}

static void check_output(struct signing *signing, struct document *document)
{
	struct stat status;

	if (lstat(document->out, &status) == 0 && !cli_has(signing->cli, "force"))
		sign_set_fault(signing, document, CLI_USAGE,
			"%s is there already; --force replaces it",
			"%s đã có; dùng --force để ghi đè", document->out);
}

/* A signature of an earlier run only has to be written, if it is for the very same. */
static bool recalled(struct signing *signing, struct document *document, struct reply *reply)
{
	struct job job = {.signing = signing, .document = document};

	if (document->signature.len == 0)
		return false;
	if (run(signing, document, false, reply) && same_as_before(&job, reply)) {
		document->state = SIGN_SIGNED;
		return true;
	}
	buf_free(&document->signature);
	return false;
}

void sign_prepare(struct signing *signing, struct document *document)
{
	struct reply reply = {0};

	sign_results_recall(signing, document);
	if (document->state != SIGN_NEW)
		return;
	if (!recalled(signing, document, &reply) && document->state == SIGN_NEW) {
		document->signed_at_ms = clock_wall_ms() / 1000 * 1000;
		if (run(signing, document, false, &reply)) {
			document->state = SIGN_READY;
			check_output(signing, document);
		}
	}
	document->digests = reply.digests;
	document->earlier = reply.earlier;
}

void sign_finish(struct signing *signing, struct document *document)
{
	struct reply reply = {0};

	if (!run(signing, document, true, &reply)) {
		/* not worth keeping for the next run */
		if (reply.trouble == TROUBLE_RC && reply.rc == RC_SIGNATURE_BAD)
			buf_free(&document->signature);
		return;
	}
	document->state = SIGN_DONE;
	memcpy(document->digests.output, reply.digests.output, SHA256_LEN);
}
