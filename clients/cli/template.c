/* rssp template: visible signatures saved under a name, one JSON file each, one the default. */
#include "clients/cli/appearance.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX ".json"
#define DEFAULT_FILE ".default" /* no template's name begins with a dot */
#define NAME_LEN_MAX 64
#define TEMPLATES_MAX 1000

/* folders and files */

/* $XDG_CONFIG_HOME if it is absolute, as its specification says, else ~/.config. */
static rc_t append_base(struct buf *path)
{
	const char *config = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");

	if (config != NULL && config[0] == '/')
		return buf_append_string(path, config);
	if (home == NULL || home[0] != '/')
		return RC_NOT_FOUND;
	return buf_printf(path, "%s/.config", home);
}

/* The folder, or with a name a file in it. */
static enum cli_exit make_path(
	struct cli *cli, const char *name, const char *suffix, struct buf *buf, const char **path)
{
	rc_t rc = append_base(buf);
	if (rc == RC_OK)
		rc = buf_append_string(buf, "/rssp/templates");
	if (rc == RC_OK && name != NULL)
		rc = buf_printf(buf, "/%s%s", name, suffix);
	if (rc == RC_OK)
		rc = buf_string(buf, path);
	if (rc == RC_NOT_FOUND)
		return cli_fail(cli, CLI_LOCAL,
			"where are the templates? Neither XDG_CONFIG_HOME nor HOME is set",
			"không biết thư mục mẫu: chưa đặt XDG_CONFIG_HOME và HOME");
	return rc == RC_OK ? CLI_DONE : cli_fail_rc(cli, rc);
}

/* What file_write_whole() leaves is for its owner alone. */
static enum cli_exit write_private(
	struct cli *cli, const char *path, struct span bytes, bool replace)
{
	mode_t before = umask(077);
	int error = file_write_whole(path, bytes, replace);

	umask(before);
	if (error == 0)
		return CLI_DONE;
	if (error == EEXIST)
		return cli_fail(cli, CLI_USAGE,
			"there is a template of that name; --force replaces it",
			"đã có mẫu tên này; dùng --force để ghi đè");
	return cli_fail(cli, CLI_LOCAL, "%s cannot be written: %s", "không ghi được %s: %s", path,
		cli_error_text(cli, error));
}

static enum cli_exit check_name(struct cli *cli, const char *name)
{
	if (visible_name_is_good(name))
		return CLI_DONE;
	return cli_fail(cli, CLI_USAGE,
		"a template's name has letters, digits, spaces, \"-\", \"_\" and \".\", at most %d bytes",
		"tên mẫu gồm chữ, số, dấu cách, \"-\", \"_\" và \".\", tối đa %d byte",
		NAME_LEN_MAX);
}

static enum cli_exit fail_missing(struct cli *cli, const char *name)
{
	return cli_fail(cli, CLI_INPUT, "there is no template \"%s\"; see rssp template list",
		"không có mẫu \"%s\"; xem rssp template list", name);
}

/* the default: its name, in a file */

/* Empty: none, or no longer there. */
static enum cli_exit read_default(struct cli *cli, char name[NAME_LEN_MAX + 1])
{
	struct buf buf = BUF_INIT;
	struct buf content = BUF_INIT;
	const char *path = NULL;
	const char *text = NULL;

	name[0] = 0;
	enum cli_exit code = make_path(cli, DEFAULT_FILE, "", &buf, &path);
	if (code == CLI_DONE && access(path, F_OK) == 0)
		code = cli_file_read(cli, path, NAME_LEN_MAX, &content);
	if (code == CLI_DONE && buf_string(&content, &text) == RC_OK && visible_name_is_good(text))
		snprintf(name, NAME_LEN_MAX + 1, "%s", text);
	buf_free(&buf);
	buf_free(&content);
	return code;
}

static enum cli_exit write_default(struct cli *cli, const char *name)
{
	struct buf buf = BUF_INIT;
	const char *path = NULL;

	enum cli_exit code = make_path(cli, DEFAULT_FILE, "", &buf, &path);
	if (code == CLI_DONE)
		code = write_private(cli, path, span_string(name), true);
	buf_free(&buf);
	return code;
}

static enum cli_exit remove_default(struct cli *cli)
{
	struct buf buf = BUF_INIT;
	const char *path = NULL;

	enum cli_exit code = make_path(cli, DEFAULT_FILE, "", &buf, &path);
	if (code == CLI_DONE && unlink(path) != 0 && errno != ENOENT)
		code = cli_fail(cli, CLI_LOCAL, "%s cannot be removed: %s", "không xoá được %s: %s",
			path, cli_error_text(cli, errno));
	buf_free(&buf);
	return code;
}

/* loading */

static enum cli_exit parse(
	struct cli *cli, const char *path, const struct buf *content, struct visible *visible)
{
	char faulty[VISIBLE_NAME] = "";

	rc_t rc = visible_parse(buf_span(content), visible, faulty);
	if (rc == RC_FORMAT)
		return cli_fail(cli, CLI_INPUT, "%s is damaged: not a template",
			"%s bị hỏng: không phải mẫu chữ ký", path);
	if (rc == RC_RANGE || rc == RC_NOT_FOUND)
		return cli_fail(cli, CLI_INPUT,
			"%s: \"%s\" is not of a template, or its value is not",
			"%s: mục \"%s\" hoặc giá trị của nó không hợp lệ", path, faulty);
	return rc == RC_OK ? CLI_DONE : cli_fail_rc(cli, rc);
}

enum cli_exit cli_template_load(struct cli *cli, const char *name, struct visible *visible)
{
	struct buf buf = BUF_INIT;
	struct buf content = BUF_INIT;
	const char *path = NULL;

	enum cli_exit code = check_name(cli, name);
	if (code == CLI_DONE)
		code = make_path(cli, name, SUFFIX, &buf, &path);
	if (code == CLI_DONE && access(path, F_OK) != 0)
		code = fail_missing(cli, name);
	if (code == CLI_DONE)
		code = cli_file_read(cli, path, VISIBLE_LEN_MAX, &content);
	if (code == CLI_DONE)
		code = parse(cli, path, &content, visible);
	buf_free(&buf);
	buf_free(&content);
	return code;
}

enum cli_exit cli_template_load_default(struct cli *cli, struct visible *visible)
{
	char name[NAME_LEN_MAX + 1];

	enum cli_exit code = read_default(cli, name);
	if (code != CLI_DONE || name[0] == 0)
		return code;
	return cli_template_load(cli, name, visible);
}

/* rssp template list */

static int compare_names(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

/* What a file in the folder is called as a template; false: it is none. */
static bool template_name(const char *file, char name[NAME_LEN_MAX + 1])
{
	size_t len = strlen(file);

	if (len <= strlen(SUFFIX) || len > NAME_LEN_MAX + strlen(SUFFIX) ||
		strcmp(file + len - strlen(SUFFIX), SUFFIX) != 0)
		return false;
	snprintf(name, NAME_LEN_MAX + 1, "%.*s", (int)(len - strlen(SUFFIX)), file);
	return visible_name_is_good(name);
}

struct names {
	char *items[TEMPLATES_MAX];
	size_t count;
};

static enum cli_exit read_names(struct cli *cli, struct names *names)
{
	struct buf buf = BUF_INIT;
	const char *path = NULL;
	char name[NAME_LEN_MAX + 1];
	struct dirent *entry;

	enum cli_exit code = make_path(cli, NULL, "", &buf, &path);
	DIR *folder = code == CLI_DONE ? opendir(path) : NULL;
	if (code == CLI_DONE && folder == NULL && errno != ENOENT)
		code = cli_fail(cli, CLI_LOCAL, "%s does not open: %s", "không mở được %s: %s",
			path, cli_error_text(cli, errno));
	while (folder != NULL && names->count < TEMPLATES_MAX &&
		(entry = readdir(folder)) != NULL) {
		if (!template_name(entry->d_name, name))
			continue;
		char *copy = strdup(name);
		if (copy != NULL)
			names->items[names->count++] = copy;
	}
	if (folder != NULL)
		closedir(folder);
	qsort(names->items, names->count, sizeof(names->items[0]), compare_names);
	buf_free(&buf);
	return code;
}

static void names_free(struct names **names)
{
	for (size_t i = 0; *names != NULL && i < (*names)->count; i++)
		free((*names)->items[i]);
	free(*names);
	*names = NULL;
}

enum cli_exit cli_template_list(struct cli *cli)
{
	char chosen[NAME_LEN_MAX + 1];
	struct names *names = calloc(1, sizeof(*names));
	json_t *rows = json_array();

	if (names == NULL || rows == NULL) {
		names_free(&names);
		json_decref(rows);
		return cli_fail_rc(cli, RC_NO_MEMORY);
	}
	enum cli_exit code = read_names(cli, names);
	if (code == CLI_DONE)
		code = read_default(cli, chosen);
	for (size_t i = 0; code == CLI_DONE && i < names->count; i++) {
		bool is_default = strcmp(names->items[i], chosen) == 0;
		cli_say(cli, "%s%s%s%s", "%s%s%s%s", is_default ? cli_colour(cli, COLOUR_BOLD) : "",
			names->items[i], is_default ? cli_plain(cli) : "",
			!is_default ? ""
				    : cli_text(cli, (struct text){"  (default)", "  (mặc định)"}));
		json_array_append_new(rows,
			json_pack("{s:s, s:b}", "name", names->items[i], "default", is_default));
	}
	if (code == CLI_DONE && names->count == 0)
		cli_say(cli, "no template yet; see rssp template save --help",
			"chưa có mẫu nào; xem rssp template save --help");
	cli_result(cli, "templates", rows);
	names_free(&names);
	return code;
}

/* rssp template show */

enum cli_exit cli_template_show(struct cli *cli)
{
	struct visible visible;
	const char *name;
	json_t *value;

	visible_init(&visible);
	enum cli_exit code = cli_template_load(cli, cli->arguments[0], &visible);
	json_t *object = code == CLI_DONE ? visible_json(&visible) : NULL;
	visible_free(&visible);
	if (code != CLI_DONE)
		return code;
	if (object == NULL)
		return cli_fail_rc(cli, RC_NO_MEMORY);
	json_object_foreach(object, name, value)
	{
		cli_say(cli, "%-10s  %s", "%-10s  %s", name, json_string_value(value));
	}
	cli_result(cli, "name", json_string(cli->arguments[0]));
	cli_result(cli, "template", object);
	return CLI_DONE;
}

/* rssp template save */

/* From wherever it is used later. */
static enum cli_exit make_absolute(struct cli *cli, struct visible *visible)
{
	for (size_t i = 0; i < VISIBLE_PATHS; i++) {
		if (visible->paths[i] == NULL)
			continue;
		char *absolute = realpath(visible->paths[i], NULL);
		if (absolute == NULL)
			return cli_fail(cli, CLI_INPUT, "%s does not open: %s",
				"không mở được %s: %s", visible->paths[i],
				cli_error_text(cli, errno));
		free(visible->paths[i]);
		visible->paths[i] = absolute;
	}
	return CLI_DONE;
}

/* A template that could not sign is not worth keeping. */
static enum cli_exit try_out(struct cli *cli, const struct visible *visible)
{
	struct appearance *appearance = NULL;

	enum cli_exit code = cli_visible_make(cli, visible, &appearance);
	appearance_free(&appearance);
	return code;
}

static enum cli_exit write_template(
	struct cli *cli, const char *name, const struct visible *visible)
{
	struct buf buf = BUF_INIT;
	const char *path = NULL;
	json_t *object = visible_json(visible);
	char *text = object == NULL ? NULL : json_dumps(object, JSON_INDENT(2));
	int error = 0;

	enum cli_exit code = CLI_DONE;
	if (text == NULL)
		code = cli_fail(cli, CLI_INPUT, "a path that is not UTF-8 cannot be saved",
			"không lưu được đường dẫn không phải UTF-8");
	if (code == CLI_DONE)
		code = make_path(cli, name, SUFFIX, &buf, &path);
	if (code == CLI_DONE)
		error = file_make_folders(path, 0700);
	if (code == CLI_DONE && error != 0)
		code = cli_fail(cli, CLI_LOCAL, "the folder of %s cannot be made: %s",
			"không tạo được thư mục của %s: %s", path, cli_error_text(cli, error));
	if (code == CLI_DONE)
		code = write_private(cli, path, span_string(text), cli_has(cli, "force"));
	client_text_free(text);
	json_decref(object);
	buf_free(&buf);
	return code;
}

enum cli_exit cli_template_save(struct cli *cli)
{
	const char *name = cli->arguments[0];
	char chosen[NAME_LEN_MAX + 1] = "";
	struct visible visible;

	visible_init(&visible);
	enum cli_exit code = check_name(cli, name);
	if (code == CLI_DONE)
		code = cli_visible_options(cli, &visible);
	if (code == CLI_DONE)
		code = make_absolute(cli, &visible);
	if (code == CLI_DONE)
		code = try_out(cli, &visible);
	if (code == CLI_DONE)
		code = write_template(cli, name, &visible);
	if (code == CLI_DONE)
		code = read_default(cli, chosen);
	visible_free(&visible);
	bool becomes_default = chosen[0] == 0 || cli_has(cli, "default");
	if (code == CLI_DONE && becomes_default)
		code = write_default(cli, name);
	if (code != CLI_DONE)
		return code;
	cli_say(cli, "%s saved%s", "đã lưu mẫu %s%s", name,
		!becomes_default ? ""
				 : cli_text(cli, (struct text){", the default", ", làm mặc định"}));
	cli_result(cli, "name", json_string(name));
	cli_result(cli, "default", json_boolean(becomes_default || strcmp(chosen, name) == 0));
	return CLI_DONE;
}

/* rssp template default, rssp template remove */

enum cli_exit cli_template_default(struct cli *cli)
{
	const char *name = cli->arguments[0];
	struct visible visible;

	visible_init(&visible);
	enum cli_exit code = cli_template_load(cli, name, &visible);
	visible_free(&visible);
	if (code == CLI_DONE)
		code = write_default(cli, name);
	if (code != CLI_DONE)
		return code;
	cli_say(cli, "%s is the default now", "%s là mẫu mặc định", name);
	cli_result(cli, "default", json_string(name));
	return CLI_DONE;
}

enum cli_exit cli_template_remove(struct cli *cli)
{
	const char *name = cli->arguments[0];
	char chosen[NAME_LEN_MAX + 1] = "";
	struct buf buf = BUF_INIT;
	const char *path = NULL;

	enum cli_exit code = check_name(cli, name);
	if (code == CLI_DONE)
		code = read_default(cli, chosen);
	if (code == CLI_DONE)
		code = make_path(cli, name, SUFFIX, &buf, &path);
	if (code == CLI_DONE && unlink(path) != 0)
		code = errno == ENOENT
			       ? fail_missing(cli, name)
			       : cli_fail(cli, CLI_LOCAL, "%s cannot be removed: %s",
					 "không xoá được %s: %s", path, cli_error_text(cli, errno));
	if (code == CLI_DONE && strcmp(chosen, name) == 0)
		code = remove_default(cli);
	buf_free(&buf);
	if (code != CLI_DONE)
		return code;
	cli_say(cli, "%s removed", "đã xoá mẫu %s", name);
	cli_result(cli, "removed", json_string(name));
	return CLI_DONE;
}
