/*
 * The list of --results: JSON lines, one object for each step of a document, of which the last
 * counts; at an orderly end one line a document stays. A line is on the disk before the next step
 * begins, so that a run that was cut off at any instant is gone on with: what has a good output is
 * not signed again, and what has a signature only has to be written.
 *
 *	state     pending: to be signed; failed: why says error; signed: not written yet; done
 *	input     the path, from the root; inputBase64 if its bytes are not UTF-8
 *	digest    what the key signed; with signingTime and signature the output can be made again
 */
#include "clients/cli/sign.h"

#include "base/base64.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define RESULTS_LEN_MAX ((size_t)256 << 20)
#define LINE_BEGIN "{\"input"

struct sign_results {
	char *path; /* without links */
	int fd;
	json_t *rows;  /* by place */
	size_t length; /* of what is whole in the file */
	size_t lines;
	bool failed;
};

/* JSON carries UTF-8, a path may be of any bytes. */
static void put_path(json_t *row, const char *name, const char *name_base64, const char *path)
{
	json_t *text = json_string(path);

	if (text != NULL)
		json_object_set_new(row, name, text);
	else
		json_object_set_new(row, name_base64, client_json_base64(span_string(path)));
}

/* The key of rows: the path, or its Base64, which never begins with '/'. */
static const char *row_key(const json_t *row)
{
	const char *path = json_string_value(json_object_get(row, "input"));

	return path != NULL ? path : json_string_value(json_object_get(row, "inputBase64"));
}

static const json_t *find_row(const struct sign_results *results, const char *place)
{
	const json_t *row = json_object_get(results->rows, place);

	if (row != NULL)
		return row;
	json_t *key = client_json_base64(span_string(place));
	if (key != NULL)
		row = json_object_get(results->rows, json_string_value(key));
	json_decref(key);
	return row;
}

/* reading */

static bool add_line(struct sign_results *results, const char *line, size_t len)
{
	json_error_t error;
	json_t *row = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
	const char *key = row_key(row);

	if (key == NULL || json_object_set(results->rows, key, row) != 0) {
		json_decref(row);
		return false;
	}
	json_decref(row);
	results->lines++;
	return true;
}

/* A last line that was cut off, as by a power cut, is dropped; whatever else is no line of ours
 * means that the file is somebody's. */
static bool parse(struct sign_results *results, const struct buf *file)
{
	const char *at = (const char *)file->data;
	size_t left = file->len;
	const size_t begin = sizeof(LINE_BEGIN) - 1;

	while (left > 0) {
		const char *end = memchr(at, '\n', left);
		size_t len = end == NULL ? left : (size_t)(end - at);
		size_t compared = len < begin ? len : begin;
		if (memcmp(at, LINE_BEGIN, compared) != 0)
			return false;
		if (end == NULL)
			return true;
		if (!add_line(results, at, len))
			return false;
		at += len + 1;
		left -= len + 1;
		results->length += len + 1;
	}
	return true;
}

static enum cli_exit open_file(struct cli *cli, const char *path, struct sign_results *results)
{
	struct stat status;

	results->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0666);
	if (results->fd < 0)
		return cli_fail(cli, CLI_LOCAL, "the result list %s does not open: %s",
			"không mở được danh sách kết quả %s: %s", path, cli_error_text(cli, errno));
	if (fstat(results->fd, &status) != 0 || !S_ISREG(status.st_mode))
		return cli_fail(cli, CLI_USAGE, "--results %s is no regular file",
			"--results %s không phải tệp thường", path);
	if (flock(results->fd, LOCK_EX | LOCK_NB) != 0)
		return cli_fail(cli, CLI_USAGE, "another rssp is signing with the result list %s",
			"một rssp khác đang ký với danh sách kết quả %s", path);
	results->path = realpath(path, NULL);
	return results->path != NULL ? CLI_DONE : cli_fail_rc(cli, RC_NO_MEMORY);
}

enum cli_exit sign_results_open(struct signing *signing)
{
	struct cli *cli = signing->cli;
	const char *path = cli_value(cli, "results");
	struct buf file = BUF_INIT;

	if (path == NULL)
		return CLI_DONE;
	struct sign_results *results = calloc(1, sizeof(*results));
	if (results == NULL)
		return cli_fail_rc(cli, RC_NO_MEMORY);
	signing->results = results;
	results->fd = -1;
	results->failed = true;
	results->rows = json_object();
	enum cli_exit code = open_file(cli, path, results);
	if (code == CLI_DONE)
		code = cli_file_read(cli, results->path, RESULTS_LEN_MAX, &file);
	if (code == CLI_DONE && !parse(results, &file))
		code = cli_fail(cli, CLI_USAGE,
			"%s is no result list of rssp: choose another name for it",
			"%s không phải danh sách kết quả của rssp: hãy chọn tên khác", path);
	/* it is not ours to change */
	results->failed = code != CLI_DONE;
	buf_free(&file);
	if (code == CLI_DONE && (ftruncate(results->fd, (off_t)results->length) != 0 ||
					lseek(results->fd, (off_t)results->length, SEEK_SET) < 0))
		code = cli_fail(cli, CLI_LOCAL, "the result list %s cannot be written: %s",
			"không ghi được danh sách kết quả %s: %s", path,
			cli_error_text(cli, errno));
	return code;
}

bool sign_results_is(const struct signing *signing, const char *path)
{
	struct stat list, other;

	return signing->results != NULL && fstat(signing->results->fd, &list) == 0 &&
	       stat(path, &other) == 0 && list.st_dev == other.st_dev &&
	       list.st_ino == other.st_ino;
}

static bool read_digit(char c, unsigned *value)
{
	static const char digits[] = "0123456789abcdef";
	const char *digit = memchr(digits, c, 16);

	*value = digit == NULL ? 0 : (unsigned)(digit - digits);
	return digit != NULL;
}

static bool read_hex(const json_t *row, const char *name, uint8_t *out, size_t max, size_t *len)
{
	const json_t *json = json_object_get(row, name);
	const char *text = json_string_value(json);
	size_t count = json_string_length(json) / 2;
	unsigned high, low;

	if (text == NULL || count == 0 || json_string_length(json) % 2 != 0 || count > max)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!read_digit(text[2 * i], &high) || !read_digit(text[2 * i + 1], &low))
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	*len = count;
	return true;
}

static bool read_sha256(const json_t *row, const char *name, uint8_t out[SHA256_LEN])
{
	size_t len = 0;

	return read_hex(row, name, out, SHA256_LEN, &len) && len == SHA256_LEN;
}

static bool says(const json_t *row, const char *name, const char *value)
{
	const char *text = json_string_value(json_object_get(row, name));

	return text != NULL && strcmp(text, value) == 0;
}

static bool read_time(const json_t *row, int64_t *at_ms)
{
	const char *text = json_string_value(json_object_get(row, "signingTime"));
	struct tm parts = {0};

	if (text == NULL || strptime(text, "%Y-%m-%dT%H:%M:%S", &parts) == NULL)
		return false;
	*at_ms = (int64_t)timegm(&parts) * 1000;
	return *at_ms >= 0;
}

static bool read_signature(const json_t *row, struct buf *out)
{
	const json_t *json = json_object_get(row, "signature");

	buf_clear(out);
	return json_is_string(json) &&
	       base64_decode(out, SPAN(json_string_value(json), json_string_length(json))) ==
		       RC_OK &&
	       out->len > 0;
}

static bool output_is_good(const json_t *row, struct document *document)
{
	return says(row, "state", "done") &&
	       read_sha256(row, "outputSha256", document->digests.output) &&
	       sign_file_is(document->out, document->digests.output);
}

void sign_results_recall(struct signing *signing, struct document *document)
{
	const json_t *row =
		signing->results == NULL ? NULL : find_row(signing->results, document->place);
	struct sign_digests *digests = &document->digests;

	if (row == NULL || !says(row, "credentialID", signing->credential.id) ||
		!says(row, "format", sign_format_name(signing->format)) ||
		!read_sha256(row, "inputSha256", digests->input) ||
		!sign_file_is(document->in, digests->input))
		return;
	if (output_is_good(row, document))
		document->state = SIGN_KEPT;
	else if (!says(row, "scheme", sign_scheme_name(signing->scheme)) ||
		 !read_time(row, &document->signed_at_ms) ||
		 !read_hex(row, "digest", digests->to_sign, sizeof(digests->to_sign),
			 &digests->to_sign_len) ||
		 !read_signature(row, &document->signature))
		buf_free(&document->signature);
	const char *request = json_string_value(json_object_get(row, "requestID"));
	bool of_use = document->state == SIGN_KEPT || document->signature.len > 0;
	if (of_use && request != NULL && strlen(request) < sizeof(document->request))
		memcpy(document->request, request, strlen(request) + 1);
}

/* writing */

static const char *state_of(const struct document *document)
{
	if (document->state == SIGN_DONE || document->state == SIGN_KEPT)
		return "done";
	/* also if writing it failed: the signature serves the next run */
	if (document->signature.len > 0)
		return "signed";
	return document->state == SIGN_FAULTY ? "failed" : "pending";
}

static void put_hex(json_t *row, const char *name, struct span bytes)
{
	char text[2 * ADES_DIGEST_MAX + 1];

	digest_hex(bytes, text);
	json_object_set_new(row, name, json_string(text));
}

/* What does not open has no place but the one that was named. */
static const char *place_of(const struct document *document)
{
	return document->place != NULL ? document->place : document->in;
}

/* A document that cannot be signed now may have been signed before: that stays known. */
static bool is_worth_more(const struct sign_results *results, const struct document *document)
{
	const json_t *row = find_row(results, place_of(document));

	return says(row, "state", "done") || says(row, "state", "signed");
}

static json_t *make_row(const struct signing *signing, const struct document *document)
{
	const struct sign_digests *digests = &document->digests;
	char time[CLOCK_TEXT];
	json_t *row = json_object();

	/* first, as LINE_BEGIN says */
	put_path(row, "input", "inputBase64", place_of(document));
	if (document->out != NULL)
		put_path(row, "output", "outputBase64", document->out);
	json_object_set_new(row, "state", json_string(state_of(document)));
	json_object_set_new(row, "format", json_string(sign_format_name(signing->format)));
	json_object_set_new(row, "scheme", json_string(sign_scheme_name(signing->scheme)));
	json_object_set_new(row, "credentialID", json_string(signing->credential.id));
	if (digests->to_sign_len > 0) {
		put_hex(row, "inputSha256", SPAN(digests->input, SHA256_LEN));
		clock_format(document->signed_at_ms, time);
		json_object_set_new(row, "signingTime", json_string(time));
		put_hex(row, "digest", SPAN(digests->to_sign, digests->to_sign_len));
	}
	if (document->state == SIGN_DONE)
		put_hex(row, "outputSha256", SPAN(digests->output, SHA256_LEN));
	if (document->signature.len > 0)
		json_object_set_new(
			row, "signature", client_json_base64(buf_span(&document->signature)));
	if (document->request[0] != 0)
		json_object_set_new(row, "requestID", json_string(document->request));
	if (document->fault.code != CLI_DONE) {
		json_object_set_new(
			row, "error", json_string(cli_error_name(document->fault.code)));
		json_object_set_new(row, "description",
			json_string(document->fault.words == NULL ? "" : document->fault.words));
	}
	return row;
}

static rc_t append_row(struct buf *out, const json_t *row)
{
	char *text = json_dumps(row, JSON_COMPACT);
	rc_t rc = text == NULL ? RC_NO_MEMORY : buf_append_string(out, text);

	client_text_free(text);
	return rc == RC_OK ? buf_append_string(out, "\n") : rc;
}

static int append_durably(struct sign_results *results, const struct buf *lines)
{
	size_t put = 0;

	while (put < lines->len) {
		ssize_t got = write(results->fd, lines->data + put, lines->len - put);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			int error = got == 0 ? ENOSPC : errno;
			/* a line that stays cut off is dropped at the next run */
			return ftruncate(results->fd, (off_t)results->length) == 0 ? error : errno;
		}
		put += (size_t)got;
	}
	if (fsync(results->fd) != 0)
		return errno;
	results->length += lines->len;
	return 0;
}

enum cli_exit sign_results_put(
	struct signing *signing, const struct document *const documents[], size_t count)
{
	struct sign_results *results = signing->results;
	struct buf lines = BUF_INIT;
	rc_t rc = RC_OK;
	int error = 0;

	if (results == NULL)
		return CLI_DONE;
	if (results->failed)
		return CLI_LOCAL;
	if (count == 0)
		return CLI_DONE;
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		json_t *row = make_row(signing, documents[i]);
		results->lines++;
		rc = append_row(&lines, row);
		if (rc == RC_OK && json_object_set(results->rows, row_key(row), row) != 0)
			rc = RC_NO_MEMORY;
		json_decref(row);
	}
	if (rc == RC_OK)
		error = append_durably(results, &lines);
	buf_free(&lines);
	results->failed = rc != RC_OK || error != 0;
	if (rc != RC_OK)
		return cli_fail_rc(signing->cli, rc);
	if (error != 0)
		return cli_fail(signing->cli, CLI_LOCAL,
			"the result list %s cannot be written: %s; no further document is authorised",
			"không ghi được danh sách kết quả %s: %s; không ký thêm tài liệu nào",
			results->path, cli_error_text(signing->cli, error));
	return CLI_DONE;
}

enum cli_exit sign_results_put_all(struct signing *signing)
{
	size_t count = 0;

	if (signing->results == NULL)
		return CLI_DONE;
	const struct document **documents = calloc(signing->count, sizeof(documents[0]));
	if (documents == NULL)
		return cli_fail_rc(signing->cli, RC_NO_MEMORY);
	for (size_t i = 0; i < signing->count; i++) {
		const struct document *document = &signing->documents[i];
		if (document->state == SIGN_READY ||
			(document->state == SIGN_FAULTY &&
				!is_worth_more(signing->results, document)))
			documents[count++] = document;
	}
	enum cli_exit code = sign_results_put(signing, documents, count);
	free(documents);
	return code;
}

/* One line a document. The list that is there serves as well: a failure is none. */
static void compact(struct sign_results *results)
{
	struct buf lines = BUF_INIT;
	const char *key;
	json_t *row;
	rc_t rc = RC_OK;

	if (results->failed || results->lines == json_object_size(results->rows))
		return;
	json_object_foreach(results->rows, key, row)
	{
		if (rc == RC_OK)
			rc = append_row(&lines, row);
	}
	if (rc == RC_OK)
		(void)file_write_whole(results->path, buf_span(&lines), true);
	buf_free(&lines);
}

void sign_results_close(struct signing *signing)
{
	struct sign_results *results = signing->results;

	if (results == NULL)
		return;
	compact(results);
	json_decref(results->rows);
	if (results->fd >= 0)
		close(results->fd);
	free(results->path);
	free(results);
	signing->results = NULL;
}
