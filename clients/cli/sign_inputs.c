/* Files, folders and lists become documents, each once, in order. */
#include "clients/cli/sign.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FOLDER_DEPTH_MAX 64
#define LIST_LEN_MAX ((size_t)16 << 20)

static bool ends_with(const char *name, const char *end)
{
	size_t len = strlen(name);
	size_t end_len = strlen(end);

	return len >= end_len && strcasecmp(name + len - end_len, end) == 0;
}

static struct document *new_document(struct signing *signing, const char *path)
{
	if (signing->count == signing->capacity) {
		size_t capacity = signing->capacity == 0 ? 64 : signing->capacity * 2;
		struct document *grown =
			realloc(signing->documents, capacity * sizeof(signing->documents[0]));
		if (grown == NULL)
			return NULL;
		signing->documents = grown;
		signing->capacity = capacity;
	}
	struct document *document = &signing->documents[signing->count];
	*document = (struct document){.in = strdup(path)};
	if (document->in == NULL)
		return NULL;
	signing->count++;
	return document;
}

static bool given_already(const struct signing *signing, const struct stat *status)
{
	for (size_t i = 0; i < signing->count; i++) {
		const struct document *other = &signing->documents[i];
		if (other->inode == status->st_ino && other->device == status->st_dev)
			return true;
	}
	return false;
}

enum cli_exit sign_add(struct signing *signing, const char *path, const char *below)
{
	struct cli *cli = signing->cli;
	struct stat status = {0};
	int error = stat(path, &status) == 0 ? 0 : errno;

	if (error == 0 && given_already(signing, &status)) {
		cli_note(cli, "%s: given twice, signed once",
			"%s: được nêu hai lần, chỉ ký một lần", path);
		return CLI_DONE;
	}
	if (signing->count == SIGN_DOCUMENTS_MAX)
		return cli_fail(cli, CLI_USAGE,
			"more than %d files: sign them in several runs, e.g. folder by folder",
			"quá %d tệp: hãy ký làm nhiều lần, ví dụ từng thư mục một",
			SIGN_DOCUMENTS_MAX);
	struct document *document = new_document(signing, path);
	if (document == NULL)
		return cli_fail_rc(cli, RC_NO_MEMORY);
	document->device = status.st_dev;
	document->inode = status.st_ino;
	document->size = status.st_size > 0 ? (size_t)status.st_size : 0;
	if (error == ENOENT || error == ENOTDIR)
		sign_set_fault(signing, document, CLI_INPUT, "there is no file %s",
			"không có tệp %s", path);
	else if (error != 0)
		sign_set_fault(signing, document, CLI_INPUT, "%s does not open: %s",
			"không mở được %s: %s", path, cli_error_text(signing->cli, error));
	else if (S_ISDIR(status.st_mode))
		sign_set_fault(signing, document, CLI_INPUT, "%s is a folder, not a file",
			"%s là thư mục, không phải tệp", path);
	else if (!S_ISREG(status.st_mode))
		sign_set_fault(signing, document, CLI_INPUT,
			"%s is no regular file (a device or a pipe): save its content first",
			"%s không phải tệp thường (thiết bị hoặc đường ống): hãy lưu thành tệp trước",
			path);
	return sign_choose_output(signing, document, below);
}

/* folders */

static int by_name(const struct dirent **left, const struct dirent **right)
{
	return strcmp((*left)->d_name, (*right)->d_name);
}

/* Hidden files are not documents; what was signed before is not signed again by its folder. */
static bool wanted(struct signing *signing, const char *name)
{
	if (signing->format == SIGN_CADES)
		return !ends_with(name, ".p7s");
	if (!ends_with(name, ".pdf"))
		return false;
	if (ends_with(name, "-signed.pdf")) {
		signing->left_out++;
		return false;
	}
	return true;
}

static enum cli_exit add_folder(
	struct signing *signing, const char *path, const char *below, unsigned depth);

static enum cli_exit add_subfolder(struct signing *signing, const char *path, const char *name,
	const char *below, unsigned depth)
{
	struct buf lower = BUF_INIT;
	const char *text = NULL;

	rc_t rc = buf_printf(&lower, "%s%s/", below, name);
	if (rc == RC_OK)
		rc = buf_string(&lower, &text);
	enum cli_exit code = rc == RC_OK ? add_folder(signing, path, text, depth + 1)
					 : cli_fail_rc(signing->cli, rc);
	buf_free(&lower);
	return code;
}

/* The list that the last run left there is no document. */
static bool is_result_list(const struct signing *signing, const struct stat *status)
{
	const char *path = cli_value(signing->cli, "results");
	struct stat list;

	return path != NULL && stat(path, &list) == 0 && list.st_ino == status->st_ino &&
	       list.st_dev == status->st_dev;
}

/* Files in a first pass, folders in a second: a folder's own files come before those below it. */
static enum cli_exit add_entry(struct signing *signing, const char *folder, const char *name,
	const char *below, unsigned depth, bool folders)
{
	struct buf path = BUF_INIT;
	struct stat status;
	const char *text = NULL;
	enum cli_exit code = CLI_DONE;
	const char *between = folder[strlen(folder) - 1] == '/' ? "" : "/";

	if (name[0] == '.')
		return CLI_DONE;
	rc_t rc = buf_printf(&path, "%s%s%s", folder, between, name);
	if (rc == RC_OK)
		rc = buf_string(&path, &text);
	if (rc != RC_OK) {
		buf_free(&path);
		return cli_fail_rc(signing->cli, rc);
	}
	/* a link to a folder is not followed: it may lead back up */
	bool is_folder = lstat(text, &status) == 0 && S_ISDIR(status.st_mode);
	if (folders && is_folder)
		code = add_subfolder(signing, text, name, below, depth);
	else if (!folders && !is_folder && stat(text, &status) == 0 && !S_ISDIR(status.st_mode) &&
		 wanted(signing, name) && !is_result_list(signing, &status))
		code = sign_add(signing, text, below);
	buf_free(&path);
	return code;
}

static enum cli_exit folder_fault(struct signing *signing, const char *path, const char *reason)
{
	struct document *document = new_document(signing, path);

	if (document == NULL)
		return cli_fail_rc(signing->cli, RC_NO_MEMORY);
	sign_set_fault(signing, document, CLI_INPUT, "folder %s does not open: %s",
		"không mở được thư mục %s: %s", path, reason);
	return CLI_DONE;
}

static enum cli_exit add_folder(
	struct signing *signing, const char *path, const char *below, unsigned depth)
{
	struct dirent **entries = NULL;
	enum cli_exit code = CLI_DONE;
	bool recursive = cli_has(signing->cli, "recursive");

	if (depth > FOLDER_DEPTH_MAX)
		return folder_fault(signing, path,
			cli_text(signing->cli, (struct text){"too many folders in one another",
						       "quá nhiều thư mục lồng nhau"}));
	int count = scandir(path, &entries, NULL, by_name);
	if (count < 0)
		return folder_fault(signing, path, cli_error_text(signing->cli, errno));
	for (int i = 0; code == CLI_DONE && i < count; i++)
		code = add_entry(signing, path, entries[i]->d_name, below, depth, false);
	for (int i = 0; recursive && code == CLI_DONE && i < count; i++)
		code = add_entry(signing, path, entries[i]->d_name, below, depth, true);
	for (int i = 0; i < count; i++)
		free(entries[i]);
	free(entries);
	return code;
}

/* lists */

static enum cli_exit add_lines(struct signing *signing, char *text)
{
	enum cli_exit code = CLI_DONE;
	char *rest = NULL;

	/* what some editors put first */
	if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
		text += 3;
	for (char *line = strtok_r(text, "\n", &rest); code == CLI_DONE && line != NULL;
		line = strtok_r(NULL, "\n", &rest)) {
		size_t len = strlen(line);
		if (len > 0 && line[len - 1] == '\r')
			line[--len] = 0;
		if (len > 0)
			code = sign_add(signing, line, "");
	}
	return code;
}

static enum cli_exit add_list(struct signing *signing, const char *path)
{
	struct cli *cli = signing->cli;
	struct buf file = BUF_INIT;
	const char *text = NULL;

	enum cli_exit code = cli_file_read(
		cli, strcmp(path, "-") == 0 ? "/dev/stdin" : path, LIST_LEN_MAX, &file);
	if (code == CLI_DONE && buf_string(&file, &text) != RC_OK)
		code = cli_fail_rc(cli, RC_NO_MEMORY);
	if (code == CLI_DONE && strlen(text) != file.len)
		code = cli_fail(cli, CLI_INPUT, "%s is no list of file names, one a line",
			"%s không phải danh sách tên tệp, mỗi dòng một tên", path);
	if (code == CLI_DONE)
		code = add_lines(signing, (char *)file.data);
	buf_free(&file);
	return code;
}

static enum cli_exit add_argument(struct signing *signing, const char *path)
{
	struct stat status;

	if (path[0] != 0 && stat(path, &status) == 0 && S_ISDIR(status.st_mode))
		return add_folder(signing, path, "", 0);
	return sign_add(signing, path, "");
}

enum cli_exit sign_inputs(struct signing *signing)
{
	struct cli *cli = signing->cli;
	enum cli_exit code = CLI_DONE;

	if (cli->argument_count == 0 && !cli_has(cli, "list"))
		return cli_fail(cli, CLI_USAGE, "which files? Name files, a folder, or --list FILE",
			"ký tệp nào? Hãy nêu tên tệp, thư mục, hoặc dùng --list FILE");
	for (size_t i = 0; code == CLI_DONE && i < cli->argument_count; i++)
		code = add_argument(signing, cli->arguments[i]);
	if (code == CLI_DONE && cli_has(cli, "list"))
		code = add_list(signing, cli_value(cli, "list"));
	if (code != CLI_DONE)
		return code;
	if (signing->left_out > 0)
		cli_note(cli, "left out: %zu file(s) called …-signed.pdf, signed already",
			"bỏ qua: %zu tệp có tên …-signed.pdf, đã ký rồi", signing->left_out);
	if (signing->count == 0)
		return cli_fail(cli, CLI_INPUT,
			signing->format == SIGN_CADES
				? "there is nothing to sign"
				: "there is no PDF to sign (other files: --format cades)",
			signing->format == SIGN_CADES
				? "không có gì để ký"
				: "không có tệp PDF nào để ký (tệp loại khác: --format cades)");
	if (signing->count > 1 && cli_has(cli, "output"))
		return cli_fail(cli, CLI_USAGE, "--output is for a single file; see --output-dir",
			"--output chỉ dùng cho một tệp; xem --output-dir");
	return CLI_DONE;
}
