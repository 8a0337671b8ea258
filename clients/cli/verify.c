/*
 * rssp verify: what a signed PDF or CMS is worth. The file is judged in a child, since it may come
 * from anybody; CRLs are fetched here, from addresses that only trusted certificates name.
 */
#include "clients/cli/verify.h"

#include "base/clock.h"
#include "clients/cli/worker.h"
#include "clients/lib/download.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PEM_MAX ((size_t)1 << 20)
#define CRL_MAX ((size_t)32 << 20)
#define URLS_MAX 16
#define URL_MAX 1025
#define MEMORY ((size_t)1 << 30) /* and as much for each byte of the file as revisions take */
#define MEMORY_PER_BYTE 4
#define CPU_S 120
#define CONTENT_BYTES_A_S ((size_t)4 << 20) /* slower than any machine digests */

struct verification {
	struct cli *cli;
	const char *path;
	struct buf file;
	struct span content; /* mapped */
	bool has_content;
	struct verify_trust *trust;
	uint64_t allowed;
	enum verify_kind expect;
	int64_t now_ms;
};

/* What the child finds; of a fixed size, without pointers. */
struct reply {
	rc_t rc;
	char detail[DOWNLOAD_TEXT];
	bool pdf;
	size_t count;
	struct verify_signature signatures[VERIFY_SIGNATURES_MAX];
	size_t url_count;
	char urls[URLS_MAX][URL_MAX];
};

/* options */

typedef rc_t (*add_fn)(struct verify_trust *trust, struct span bytes);

static enum cli_exit add_file(
	struct verification *verification, const char *path, size_t max, add_fn add)
{
	struct cli *cli = verification->cli;
	struct buf bytes = BUF_INIT;

	enum cli_exit code = cli_file_read(cli, path, max, &bytes);
	if (code == CLI_DONE) {
		rc_t rc = add(verification->trust, buf_span(&bytes));
		if (rc == RC_FORMAT)
			code = cli_fail(cli, CLI_INPUT, "%s holds no %s", "%s không chứa %s", path,
				add == verify_trust_add_crl
					? "CRL"
					: cli_text(cli,
						  (struct text){"certificate", "chứng thư số"}));
		else if (rc != RC_OK)
			code = cli_fail_rc(cli, rc);
	}
	buf_free(&bytes);
	return code;
}

/* Each of a repeated option, in its order. */
static enum cli_exit add_files(struct verification *verification, const char *option, size_t max,
	add_fn add, size_t *count)
{
	struct cli *cli = verification->cli;
	enum cli_exit code = CLI_DONE;

	*count = 0;
	for (size_t i = 0; code == CLI_DONE && i < cli->value_count; i++) {
		if (strcmp(cli->values[i].option->name, option) != 0)
			continue;
		(*count)++;
		code = add_file(verification, cli->values[i].value, max, add);
	}
	return code;
}

static enum cli_exit read_trust(struct verification *verification)
{
	struct cli *cli = verification->cli;
	const char *variable = cli_variable(cli, "RSSP_TRUST");
	size_t roots = 0;
	size_t crls = 0;

	if (verify_trust_new(&verification->trust) != RC_OK)
		return cli_fail_rc(cli, RC_NO_MEMORY);
	enum cli_exit code = add_files(verification, "ca", PEM_MAX, verify_trust_add_roots, &roots);
	if (code == CLI_DONE && roots == 0 && variable == NULL)
		code = cli_fail(cli, CLI_USAGE,
			"whose certificates are trusted? Give --ca FILE (or RSSP_TRUST in the "
			"environment or --env FILE)",
			"tin cậy chứng thư gốc nào? Hãy dùng --ca FILE (hoặc RSSP_TRUST trong biến môi "
			"trường hay --env FILE)");
	if (code == CLI_DONE && roots == 0)
		code = add_file(verification, variable, PEM_MAX, verify_trust_add_roots);
	if (code == CLI_DONE)
		code = add_files(verification, "crl", CRL_MAX, verify_trust_add_crl, &crls);
	return code;
}

static enum cli_exit read_switches(struct verification *verification)
{
	struct cli *cli = verification->cli;
	const char *expected = cli_value(cli, "expect");

	if (cli_has(cli, "allow-no-timestamp"))
		verification->allowed |= VERIFY_BIT(VERIFY_NO_TIMESTAMP);
	if (cli_has(cli, "allow-no-revocation"))
		verification->allowed |= VERIFY_BIT(VERIFY_REVOCATION_UNKNOWN);
	if (expected == NULL)
		return CLI_DONE;
	if (strcmp(expected, "organisation") == 0)
		verification->expect = VERIFY_ORGANISATION;
	else if (strcmp(expected, "person") == 0)
		verification->expect = VERIFY_PERSON;
	else
		return cli_fail(cli, CLI_USAGE, "--expect is organisation or person, not %s",
			"--expect là organisation hoặc person, không phải %s", expected);
	return CLI_DONE;
}

/* Mapped, not read: it may be larger than memory. What is cut off meanwhile harms the child alone.
 */
static enum cli_exit map_content(struct verification *verification, const char *path)
{
	struct cli *cli = verification->cli;
	struct stat status;
	enum cli_exit code = CLI_DONE;
	void *bytes = NULL;

	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return cli_fail(cli, CLI_INPUT, "%s does not open: %s", "không mở được %s: %s",
			path, cli_error_text(cli, errno));
	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
		code = cli_fail(
			cli, CLI_INPUT, "%s is no regular file", "%s không phải tệp thường", path);
		goto out;
	}
	if (status.st_size > 0)
		bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED) {
		code = cli_fail(cli, CLI_INPUT, "%s does not read: %s", "không đọc được %s: %s",
			path, cli_error_text(cli, errno));
		goto out;
	}
	verification->content = SPAN(bytes, bytes == NULL ? 0 : (size_t)status.st_size);
	verification->has_content = true;
out:
	close(fd);
	return code;
}

static void unmap_content(struct verification *verification)
{
	if (verification->content.len > 0)
		munmap((void *)(uintptr_t)verification->content.data, verification->content.len);
	verification->content = SPAN_NONE;
}

static enum cli_exit read_inputs(struct verification *verification)
{
	struct cli *cli = verification->cli;

	enum cli_exit code = read_switches(verification);
	if (code == CLI_DONE)
		code = read_trust(verification);
	if (code == CLI_DONE)
		code = cli_file_read(cli, verification->path, VERIFY_LEN_MAX, &verification->file);
	if (code == CLI_DONE && cli_has(cli, "content"))
		code = map_content(verification, cli_value(cli, "content"));
	return code;
}

/* NAME.p7s signs NAME. */
static bool find_content(struct verification *verification, struct buf *name)
{
	size_t len = strlen(verification->path);
	const char *text = NULL;

	return !verification->has_content && len > 4 &&
	       strcasecmp(verification->path + len - 4, ".p7s") == 0 &&
	       buf_append(name, verification->path, len - 4) == RC_OK &&
	       buf_string(name, &text) == RC_OK && access(text, F_OK) == 0;
}

/* the child */

static void copy_urls(struct reply *reply, const struct verify_report *report)
{
	for (size_t i = 0; i < report->crl_url_count && reply->url_count < URLS_MAX; i++) {
		const struct buf *url = &report->crl_urls[i];
		if (url->len < URL_MAX)
			memcpy(reply->urls[reply->url_count++], url->data, url->len);
	}
}

static void run(void *arg, void *out)
{
	const struct verification *verification = arg;
	struct reply *reply = out;
	struct verify_report *report = NULL;
	struct buf detail = BUF_INIT;
	const struct verify_options options = {
		.trust = verification->trust,
		.now_ms = verification->now_ms,
		.expect = verification->expect,
		.content = verification->has_content ? &verification->content : NULL,
		.detail = &detail,
	};

	reply->rc = verify_file(buf_span(&verification->file), &options, &report);
	if (reply->rc == RC_OK) {
		reply->pdf = report->pdf;
		reply->count = report->count;
		memcpy(reply->signatures, report->signatures,
			report->count * sizeof(report->signatures[0]));
		copy_urls(reply, report);
	} else if (detail.len > 0) {
		snprintf(reply->detail, sizeof(reply->detail), "%.*s", (int)detail.len,
			(const char *)detail.data);
	}
	verify_report_free(&report);
	buf_free(&detail);
}

static enum cli_exit fail_file(const struct verification *verification, const struct reply *reply)
{
	static const struct {
		rc_t rc;
		struct text text;
	} words[] = {
		{RC_FORMAT, {"neither a PDF nor a signature in CMS form",
				    "không phải PDF, cũng không phải chữ ký dạng CMS"}},
		{RC_NOT_FOUND, {"a detached signature: name what it signs with --content FILE",
				       "chữ ký tách rời: hãy chỉ tệp được ký bằng --content FILE"}},
		{RC_PDF_DAMAGED, {"the PDF is damaged and cannot be judged",
					 "PDF đã hỏng, không kiểm tra được"}},
		{RC_PDF_LATE, {"foreign bytes stand before %PDF-: it cannot be judged",
				      "có dữ liệu lạ trước %PDF-: không kiểm tra được"}},
		{RC_PDF_ENCRYPTED, {"the PDF is encrypted: its signatures cannot be judged here",
					   "PDF có mật khẩu: không kiểm tra được chữ ký"}},
		{RC_PDF_TOO_LONG, {"the file is too large, or has too many parts or signatures",
					  "tệp quá lớn, hoặc có quá nhiều thành phần hay chữ ký"}},
	};
	struct cli *cli = verification->cli;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const char *text = cli_text(cli, words[i].text);
		if (words[i].rc != reply->rc)
			continue;
		if (reply->detail[0] != 0)
			return cli_fail(cli, CLI_INPUT, "%s: %s (%s)", "%s: %s (%s)",
				verification->path, text, reply->detail);
		return cli_fail(cli, CLI_INPUT, "%s: %s", "%s: %s", verification->path, text);
	}
	return cli_fail_rc(cli, reply->rc);
}

/* Fails only if the child did; what it found is for the caller. */
static enum cli_exit judge(struct verification *verification, struct reply *reply)
{
	struct cli *cli = verification->cli;
	const struct worker_task task = {
		.run = run,
		.arg = verification,
		.reply_size = sizeof(*reply),
		.memory = MEMORY +
			  MEMORY_PER_BYTE * (verification->file.len + verification->content.len),
		.cpu_s = CPU_S + (unsigned)(verification->content.len / CONTENT_BYTES_A_S),
		.ends_with_parent = true,
	};

	switch (worker_run(&task, reply)) {
	case WORKER_DONE:
		return CLI_DONE;
	case WORKER_HARMED:
		return cli_fail(cli, CLI_INPUT,
			"%s: needs too much memory or time to be judged, or is made to harm",
			"%s: cần quá nhiều bộ nhớ hoặc thời gian để kiểm tra, hoặc là tệp gây hại",
			verification->path);
	default:
		return cli_fail_rc(cli, RC_SYSTEM);
	}
}

/* CRLs */

/* The number of CRLs that came; a server that does not answer leaves revocation unchecked. */
static size_t fetch_crls(struct verification *verification, const struct reply *reply)
{
	struct cli *cli = verification->cli;
	struct buf bytes = BUF_INIT;
	size_t count = 0;

	for (size_t i = 0; i < reply->url_count; i++) {
		char why[DOWNLOAD_TEXT] = "";
		rc_t rc = download(reply->urls[i], CRL_MAX, &bytes, why);
		if (rc == RC_OK)
			rc = verify_trust_add_crl(verification->trust, buf_span(&bytes));
		if (rc == RC_OK)
			count++;
		else
			cli_note(cli, "The list of revoked certificates did not come: %s (%s)",
				"Không lấy được danh sách chứng thư bị thu hồi: %s (%s)",
				reply->urls[i], why[0] != 0 ? why : rc_text(rc, RC_CSC_V1));
	}
	buf_free(&bytes);
	return count;
}

static enum cli_exit judge_with_crls(struct verification *verification, struct reply *reply)
{
	struct buf name = BUF_INIT;

	enum cli_exit code = judge(verification, reply);
	if (code == CLI_DONE && reply->rc == RC_NOT_FOUND && find_content(verification, &name)) {
		code = map_content(verification, (const char *)name.data);
		if (code == CLI_DONE)
			code = judge(verification, reply);
	}
	buf_free(&name);
	if (code == CLI_DONE && reply->rc != RC_OK)
		return fail_file(verification, reply);
	if (code == CLI_DONE && !cli_has(verification->cli, "offline") &&
		fetch_crls(verification, reply) > 0)
		code = judge(verification, reply);
	if (code == CLI_DONE && reply->rc != RC_OK)
		return fail_file(verification, reply);
	return code;
}

/* What a switch may allow is all that is wrong: the user should know of it. */
static void note_switches(const struct cli *cli, uint64_t errors)
{
	static const uint64_t revocation = VERIFY_BIT(VERIFY_REVOCATION_UNKNOWN);
	static const uint64_t timestamp = VERIFY_BIT(VERIFY_NO_TIMESTAMP);

	if (errors == 0 || (errors & ~(revocation | timestamp | VERIFY_BIT(VERIFY_NEITHER))) != 0)
		return;
	cli_note(cli, "Nothing else is wrong. It is accepted with%s%s.",
		"Không có lỗi nào khác. Có thể chấp nhận bằng%s%s.",
		(errors & timestamp) != 0 ? " --allow-no-timestamp" : "",
		(errors & revocation) != 0 ? " --allow-no-revocation" : "");
}

static enum cli_exit conclude(const struct verification *verification, struct reply *reply)
{
	struct cli *cli = verification->cli;
	const struct verify_report report = {
		.pdf = reply->pdf,
		.checked_ms = verification->now_ms,
		.file_len = verification->file.len,
		.count = reply->count,
		.signatures = reply->signatures,
	};
	uint64_t errors = 0;
	size_t wrong = 0;

	verify_say(cli, verification->path, &report, verification->allowed);
	for (size_t i = 0; i < report.count; i++) {
		uint64_t own = verify_errors(&report.signatures[i], verification->allowed);
		errors |= own;
		wrong += own != 0 ? 1 : 0;
	}
	if (verify_holds(&report, verification->allowed))
		return CLI_DONE;
	if (wrong == 0)
		return cli_fail(cli, CLI_NOT_VALID, "%s: nobody has signed it", "%s: chưa có ai ký",
			verification->path);
	enum cli_exit code =
		cli_fail(cli, CLI_NOT_VALID, "%s: %zu of %zu signature(s) not valid: %s",
			"%s: %zu trên %zu chữ ký không hợp lệ: %s", verification->path, wrong,
			report.count, verify_worst(cli, errors));
	note_switches(cli, errors);
	return code;
}

enum cli_exit cli_verify(struct cli *cli)
{
	struct verification verification = {
		.cli = cli, .path = cli->arguments[0], .now_ms = clock_wall_ms()};
	struct reply *reply = calloc(1, sizeof(*reply));

	if (reply == NULL)
		return cli_fail_rc(cli, RC_NO_MEMORY);
	enum cli_exit code = read_inputs(&verification);
	if (code == CLI_DONE)
		code = judge_with_crls(&verification, reply);
	if (code == CLI_DONE)
		code = conclude(&verification, reply);
	verify_trust_free(&verification.trust);
	buf_free(&verification.file);
	unmap_content(&verification);
	free(reply);
	return code;
}
