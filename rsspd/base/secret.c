#include "base/secret.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

rc_t secret_set(struct secret *secret, struct span bytes)
{
	return buf_set(&secret->bytes, bytes);
}

rc_t secret_random(struct secret *secret, size_t len)
{
	buf_clear(&secret->bytes);
	rc_t rc = buf_reserve(&secret->bytes, len);
	if (rc != RC_OK)
		return rc;
	if (RAND_priv_bytes(secret->bytes.data, (int)len) != 1)
		return RC_CRYPTO;
	secret->bytes.len = len;
	return RC_OK;
}

struct span secret_span(const struct secret *secret)
{
	return buf_span(&secret->bytes);
}

bool secret_equal(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.data, b.data, a.len) == 0);
}

static rc_t secret_read_fd(struct secret *secret, int fd, const char *path, size_t max)
{
	struct stat status;

	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
		return RC_SYSTEM;
	if ((status.st_mode & 077) != 0) {
		log_error("secret: file is open to others path=\"%s\" mode=%03o fix=\"chmod 600\"",
			path, (unsigned)(status.st_mode & 0777));
		return RC_CONFIG;
	}
	rc_t rc = buf_reserve(&secret->bytes, max + 2);
	if (rc != RC_OK)
		return rc;
	ssize_t got = read(fd, secret->bytes.data, max + 2);
	if (got < 0)
		return RC_SYSTEM;
	secret->bytes.len = (size_t)got;
	if (got > 0 && secret->bytes.data[got - 1] == '\n')
		secret->bytes.len--;
	return secret->bytes.len > max ? RC_TOO_LONG : RC_OK;
}

rc_t secret_read_file(struct secret *secret, const char *path, size_t max)
{
	buf_clear(&secret->bytes);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		log_error("secret: file does not open path=\"%s\" error=\"%s\"", path,
			strerror(errno));
		return RC_SYSTEM;
	}
	rc_t rc = secret_read_fd(secret, fd, path, max);
	close(fd);
	return rc;
}

void secret_free(struct secret *secret)
{
	buf_free(&secret->bytes);
}
