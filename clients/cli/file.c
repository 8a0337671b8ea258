#include "clients/cli/cli.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum cli_exit read_all(
	struct cli *cli, int fd, const char *path, size_t max, struct buf *out)
{
	struct stat status;

	if (fstat(fd, &status) != 0 || S_ISDIR(status.st_mode))
		return cli_fail(cli, CLI_INPUT, "%s is not a file", "%s không phải là tệp", path);
	if (status.st_size > 0 && (size_t)status.st_size > max)
		return cli_fail(cli, CLI_INPUT, "%s is larger than %zu MB", "%s lớn hơn %zu MB",
			path, max >> 20);
	for (;;) {
		if (buf_reserve(out, 65536) != RC_OK)
			return cli_fail_rc(cli, RC_NO_MEMORY);
		ssize_t got = read(fd, out->data + out->len, 65536);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return cli_fail(cli, CLI_INPUT, "%s does not read: %s",
				"không đọc được %s: %s", path, cli_error_text(cli, errno));
		if (got == 0)
			return CLI_DONE;
		out->len += (size_t)got;
		if (out->len > max)
			return cli_fail(cli, CLI_INPUT, "%s is larger than %zu MB",
				"%s lớn hơn %zu MB", path, max >> 20);
	}
}

enum cli_exit cli_file_read(struct cli *cli, const char *path, size_t max, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	buf_clear(out);
	if (fd < 0)
		return cli_fail(cli, CLI_INPUT, "%s does not open: %s", "không mở được %s: %s",
			path, cli_error_text(cli, errno));
	enum cli_exit code = read_all(cli, fd, path, max, out);
	close(fd);
	return code;
}

/* As open() with 0666 would have made it: mkostemp() gives 0600. */
static bool usual_mode(int fd)
{
	mode_t mask = umask(0);

	umask(mask);
	return fchmod(fd, 0666 & ~mask) == 0;
}

/* The name is durable only when its directory is. */
static void sync_directory(const char *path)
{
	char *copy = strdup(path);

	if (copy == NULL)
		return;
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	free(copy);
}

static bool move_into_place(const char *from, const char *to, bool replace)
{
	if (replace)
		return rename(from, to) == 0;
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return true;
	/* some file systems do not know the flag; a link never replaces either */
	return errno == EINVAL && link(from, to) == 0 && unlink(from) == 0;
}

static bool write_temporary(int fd, struct span bytes)
{
	return file_write_all(fd, bytes) && usual_mode(fd) && fsync(fd) == 0;
}

/* Beside the file, so that the rename stays on one file system; short, as the file's own name may
 * be as long as names can be. */
static int temporary_name(const char *path, struct buf *name)
{
	const char *slash = strrchr(path, '/');
	size_t folder = slash == NULL ? 0 : (size_t)(slash - path) + 1;
	const char *text = NULL;

	if (buf_append(name, path, folder) != RC_OK ||
		buf_append_string(name, ".rssp-XXXXXX") != RC_OK ||
		buf_string(name, &text) != RC_OK)
		return ENOMEM;
	return 0;
}

/* A file has no name until it is whole: whatever ends us leaves nothing behind. EOPNOTSUPP where
 * the file system cannot do that. */
static int write_nameless(const char *path, struct span bytes)
{
	char own[32];
	char *copy = strdup(path);

	if (copy == NULL)
		return ENOMEM;
	int fd = open(dirname(copy), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
	free(copy);
	if (fd < 0)
		return EOPNOTSUPP;
	int error = file_write_all(fd, bytes) && fsync(fd) == 0 ? 0 : errno;
	snprintf(own, sizeof(own), "/proc/self/fd/%d", fd);
	if (error == 0 && linkat(AT_FDCWD, own, AT_FDCWD, path, AT_SYMLINK_FOLLOW) != 0)
		error = errno == EEXIST ? EEXIST : EOPNOTSUPP;
	close(fd);
	return error;
}

static int write_named(const char *path, struct span bytes, bool replace)
{
	struct buf name = BUF_INIT;
	int error = temporary_name(path, &name);

	if (error != 0)
		goto out;
	char *temporary = (char *)name.data;
	int fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) {
		error = errno;
		goto out;
	}
	error = write_temporary(fd, bytes) ? 0 : errno;
	if (close(fd) != 0 && error == 0)
		error = errno;
	if (error == 0 && !move_into_place(temporary, path, replace))
		error = errno;
	if (error != 0)
		unlink(temporary);
out:
	buf_free(&name);
	return error;
}

int file_write_whole(const char *path, struct span bytes, bool replace)
{
	/* a link replaces nothing */
	int error = replace ? EOPNOTSUPP : write_nameless(path, bytes);

	if (error == EOPNOTSUPP)
		error = write_named(path, bytes, replace);
	if (error == 0)
		sync_directory(path);
	return error;
}

enum cli_exit cli_file_write(struct cli *cli, const char *path, struct span bytes, bool replace)
{
	int error = file_write_whole(path, bytes, replace);

	if (error == 0)
		return CLI_DONE;
	if (error == EEXIST)
		return cli_fail(cli, CLI_USAGE, "%s is there already; --force replaces it",
			"%s đã có; dùng --force để ghi đè", path);
	return cli_fail(cli, CLI_LOCAL, "%s cannot be written: %s", "không ghi được %s: %s", path,
		cli_error_text(cli, error));
}

int file_make_folders(const char *path, mode_t mode)
{
	char *copy = strdup(path);
	int error = copy == NULL ? ENOMEM : 0;

	/* the last one decides: those above may be there without being ours to make */
	for (char *at = copy; at != NULL && (at = strchr(at + 1, '/')) != NULL;) {
		*at = 0;
		error = mkdir(copy, mode) == 0 || errno == EEXIST ? 0 : errno;
		*at = '/';
	}
	free(copy);
	return error;
}
