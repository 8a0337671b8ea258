/* Where the signed files go to. Asked before a PIN is: an output that cannot be is no reason to
 * spend an authorisation. */
#include "clients/cli/sign.h"

#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define SIGNATURE_ROOM ((size_t)128 << 10) /* what a signature adds, its picture apart */

static rc_t append_name(struct buf *out, const char *name, enum sign_format format)
{
	size_t len = strlen(name);

	if (format == SIGN_CADES) {
		rc_t rc = buf_append_string(out, name);
		return rc == RC_OK ? buf_append_string(out, ".p7s") : rc;
	}
	/* NAME.pdf gives NAME-signed.pdf */
	if (len > 4 && strcasecmp(name + len - 4, ".pdf") == 0)
		len -= 4;
	rc_t rc = buf_append(out, name, len);
	return rc == RC_OK ? buf_append_string(out, "-signed.pdf") : rc;
}

enum cli_exit sign_choose_output(
	struct signing *signing, struct document *document, const char *below)
{
	struct cli *cli = signing->cli;
	const char *given = cli_value(cli, "output");
	const char *folder = cli_value(cli, "output-dir");
	const char *slash = strrchr(document->in, '/');
	const char *name = folder == NULL || slash == NULL ? document->in : slash + 1;
	struct buf out = BUF_INIT;
	const char *text = NULL;
	rc_t rc = RC_OK;

	if (given != NULL) {
		rc = buf_append_string(&out, given);
	} else {
		if (folder != NULL)
			rc = buf_printf(&out, "%s/%s", folder, below);
		if (rc == RC_OK)
			rc = append_name(&out, name, signing->format);
	}
	if (rc == RC_OK)
		rc = buf_string(&out, &text);
	document->out = rc == RC_OK ? strdup(text) : NULL;
	buf_free(&out);
	return document->out != NULL ? CLI_DONE : cli_fail_rc(cli, RC_NO_MEMORY);
}

/* The folder that is there already, on the way to path. */
static char *nearest_folder(const char *path)
{
	char *copy = strdup(path);
	struct stat status;

	if (copy == NULL)
		return NULL;
	char *folder = dirname(copy);
	while (stat(folder, &status) != 0 && errno == ENOENT && strcmp(folder, ".") != 0 &&
		strcmp(folder, "/") != 0)
		folder = dirname(folder);
	char *found = strdup(folder);
	free(copy);
	return found;
}

/* --output-dir is made where it is missing, another folder is not. */
static char *folder_of(const struct signing *signing, const char *path)
{
	if (cli_has(signing->cli, "output-dir") && !cli_has(signing->cli, "output"))
		return nearest_folder(path);
	char *copy = strdup(path);
	char *folder = copy == NULL ? NULL : strdup(dirname(copy));
	free(copy);
	return folder;
}

static void check_folder(struct signing *signing, struct document *document)
{
	char *folder = folder_of(signing, document->out);
	struct stat status;

	if (folder == NULL)
		sign_set_fault_rc(signing, document, RC_NO_MEMORY, NULL);
	else if (stat(folder, &status) == 0 && !S_ISDIR(status.st_mode))
		sign_set_fault(signing, document, CLI_LOCAL, "no file can be made in %s: %s",
			"không tạo được tệp trong %s: %s", folder,
			cli_error_text(signing->cli, ENOTDIR));
	else if (access(folder, W_OK | X_OK) != 0)
		sign_set_fault(signing, document, CLI_LOCAL, "no file can be made in %s: %s",
			"không tạo được tệp trong %s: %s", folder,
			cli_error_text(signing->cli, errno));
	free(folder);
}

static bool is_an_input(const struct signing *signing, const char *path)
{
	struct stat status;

	if (stat(path, &status) != 0)
		return false;
	for (size_t i = 0; i < signing->count; i++) {
		const struct document *document = &signing->documents[i];
		if (document->device == status.st_dev && document->inode == status.st_ino)
			return true;
	}
	return false;
}

static const struct document *same_output(const struct signing *signing, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		const struct document *other = &signing->documents[i];
		if (other->out != NULL && strcmp(other->out, signing->documents[index].out) == 0)
			return other;
	}
	return NULL;
}

static void plan_one(struct signing *signing, size_t index)
{
	struct document *document = &signing->documents[index];

	document->place = realpath(document->in, NULL);
	const struct document *other = same_output(signing, index);
	if (document->place == NULL)
		sign_set_fault(signing, document, CLI_INPUT, "%s does not open: %s",
			"không mở được %s: %s", document->in, cli_error_text(signing->cli, errno));
	else if (other != NULL)
		sign_set_fault(signing, document, CLI_USAGE,
			"%s and %s would both become %s: sign them apart, or rename one",
			"%s và %s sẽ cùng ghi ra %s: hãy ký riêng, hoặc đổi tên một tệp", other->in,
			document->in, document->out);
	else if (is_an_input(signing, document->out))
		sign_set_fault(signing, document, CLI_USAGE, "%s is an input: it is never replaced",
			"%s là tệp vào: không bao giờ ghi đè", document->out);
	else if (sign_results_is(signing, document->out))
		sign_set_fault(signing, document, CLI_USAGE, "%s is the list of results",
			"%s là danh sách kết quả", document->out);
	else
		check_folder(signing, document);
}

void sign_plan(struct signing *signing)
{
	for (size_t i = 0; i < signing->count; i++) {
		if (signing->documents[i].state != SIGN_FAULTY)
			plan_one(signing, i);
	}
}

/* What is still to be written on the file system that folder is on. */
static uint64_t needed_with(const struct signing *signing, dev_t device)
{
	uint64_t needed = 0;

	for (size_t i = 0; i < signing->count; i++) {
		const struct document *document = &signing->documents[i];
		if ((document->state == SIGN_READY || document->state == SIGN_SIGNED) &&
			document->out_device == device)
			needed += SIGNATURE_ROOM +
				  (signing->format == SIGN_PADES ? document->size : 0);
	}
	return needed;
}

static void find_device(const struct signing *signing, struct document *document)
{
	char *folder = folder_of(signing, document->out);
	struct stat status;

	document->out_device = folder != NULL && stat(folder, &status) == 0 ? status.st_dev : 0;
	free(folder);
}

static enum cli_exit check_room_of(struct signing *signing, const struct document *document)
{
	char *folder = folder_of(signing, document->out);
	struct statvfs room;
	enum cli_exit code = CLI_DONE;

	if (folder != NULL && statvfs(folder, &room) == 0) {
		uint64_t needed = needed_with(signing, document->out_device);
		uint64_t there = (uint64_t)room.f_bavail * room.f_frsize;
		if (needed > there)
			code = cli_fail(signing->cli, CLI_LOCAL,
				"%s has no room: %zu MB are free, the signed files need %zu MB; "
				"nothing was signed",
				"%s không đủ chỗ: còn %zu MB, các tệp đã ký cần %zu MB; chưa ký gì",
				folder, (size_t)(there >> 20), (size_t)(needed >> 20) + 1);
	}
	free(folder);
	return code;
}

enum cli_exit sign_check_room(struct signing *signing)
{
	enum cli_exit code = CLI_DONE;
	dev_t last = 0;

	for (size_t i = 0; i < signing->count; i++) {
		if (signing->documents[i].out != NULL)
			find_device(signing, &signing->documents[i]);
	}
	for (size_t i = 0; code == CLI_DONE && i < signing->count; i++) {
		const struct document *document = &signing->documents[i];
		if (document->state != SIGN_READY && document->state != SIGN_SIGNED)
			continue;
		if (document->out_device != last)
			code = check_room_of(signing, document);
		last = document->out_device;
	}
	return code;
}
