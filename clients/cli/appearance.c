/* What is seen of a signature, by the options of rssp sign and of rssp template save. */
#include "clients/cli/appearance.h"

#include "clients/lib/ades/font.h"
#include "clients/lib/ades/picture.h"

#include <unistd.h>

#define FONT_REGULAR RSSP_FONT_DIR "/LiberationSerif-Regular.ttf"
#define FONT_BOLD RSSP_FONT_DIR "/LiberationSerif-Bold.ttf"
#define FONT_PACKAGE "fonts-liberation2"
#define MM APPEARANCE_MM

/* Every file that an appearance is made of. */
struct files {
	struct buf picture, seal, font, bold_font;
};

enum cli_exit cli_visible_options(struct cli *cli, struct visible *visible)
{
	for (size_t i = 0; i < visible_count; i++) {
		const char *name = visible_names[i];
		const char *value = cli_value(cli, name);
		if (value == NULL)
			continue;
		rc_t rc = visible_set(visible, name, value);
		if (rc == RC_RANGE)
			return cli_fail(cli, CLI_USAGE, "--%s cannot be \"%s\": %s",
				"--%s không thể là \"%s\": %s", name, value,
				cli_option_help(cli, name));
		if (rc != RC_OK)
			return cli_fail_rc(cli, rc);
	}
	return CLI_DONE;
}

/* An option that would change nothing is a misunderstanding. */
static enum cli_exit refuse_lone_options(struct cli *cli)
{
	for (size_t i = 0; i < visible_count; i++) {
		const char *name = visible_names[i];
		if (cli_has(cli, name))
			return cli_fail(cli, CLI_USAGE,
				"--%s is for a visible signature: give --visible or --template too",
				"--%s dành cho chữ ký hiển thị: hãy thêm --visible hoặc --template",
				name);
	}
	return CLI_DONE;
}

/* Where neither option nor template says: what suits the content. */
static void choose_size(struct appearance_options *options)
{
	static const struct {
		double width, height; /* mm */
	} sizes[2][3] = {
		/* nothing, a person's picture, a seal alone: */
		{{0, 0}, {50, 20}, {36, 36}},	 /* without text */
		{{75, 28}, {100, 30}, {115, 36}} /* with it */
	};
	size_t text = (options->show & APPEARANCE_LINES) != 0 ? 1 : 0;
	size_t what = options->picture.len > 0 ? 1 : options->seal.len > 0 ? 2 : 0;

	if (options->width <= 0)
		options->width = sizes[text][what].width * MM;
	if (options->height <= 0)
		options->height = sizes[text][what].height * MM;
}

static enum cli_exit read_font(
	struct cli *cli, const char *path, const char *usual, struct buf *out)
{
	bool chosen = path != NULL;

	if (!chosen && access(usual, R_OK) != 0)
		return cli_fail(cli, CLI_LOCAL,
			"the font %s is missing: install the package %s, or name another with --font",
			"thiếu phông chữ %s: hãy cài gói %s, hoặc chọn phông khác bằng --font",
			usual, FONT_PACKAGE);
	return cli_file_read(cli, chosen ? path : usual, FONT_FILE_MAX, out);
}

/* Option, template, environment, or the package's. A font of one's own has no bold one beside it
 * unless that is named too. */
static enum cli_exit read_fonts(struct cli *cli, const struct visible *visible, struct files *files)
{
	const char *font = visible->paths[VISIBLE_FONT];
	const char *bold = visible->paths[VISIBLE_BOLD_FONT];

	if (font == NULL && bold == NULL) {
		font = cli_variable(cli, "RSSP_FONT");
		bold = cli_variable(cli, "RSSP_BOLD_FONT");
	}
	enum cli_exit code = read_font(cli, font, FONT_REGULAR, &files->font);
	if (code == CLI_DONE && (font == NULL || bold != NULL))
		code = read_font(cli, bold, FONT_BOLD, &files->bold_font);
	return code;
}

static enum cli_exit fail_file(struct cli *cli, const char *path, rc_t rc, const char *detail)
{
	enum cli_exit code = CLI_LOCAL;
	const char *words = cli_refusal(cli, rc, &code);

	if (detail[0] == 0)
		return cli_fail(cli, code, "%s: %s", "%s: %s", path, words);
	return cli_fail(cli, code, "%s: %s (%s)", "%s: %s (%s)", path, words, detail);
}

/* An empty file is no picture, and not none either. */
static enum cli_exit read_picture(struct cli *cli, const char *path, struct buf *out)
{
	if (path == NULL)
		return CLI_DONE;
	enum cli_exit code = cli_file_read(cli, path, PICTURE_FILE_MAX, out);
	if (code == CLI_DONE && out->len == 0)
		code = fail_file(cli, path, RC_PICTURE_DAMAGED, "");
	return code;
}

static enum cli_exit read_files(struct cli *cli, const struct visible *visible, struct files *files)
{
	enum cli_exit code = read_picture(cli, visible->paths[VISIBLE_PICTURE], &files->picture);

	if (code == CLI_DONE)
		code = read_picture(cli, visible->paths[VISIBLE_SEAL], &files->seal);
	if (code == CLI_DONE && (visible->options.show & APPEARANCE_LINES) != 0)
		code = read_fonts(cli, visible, files);
	return code;
}

static enum cli_exit fail_part(struct cli *cli, const struct visible *visible,
	const struct appearance_fault *fault, rc_t rc)
{
	const char *const paths[] = {
		[APPEARANCE_NO_PART] = NULL,
		[APPEARANCE_PICTURE] = visible->paths[VISIBLE_PICTURE],
		[APPEARANCE_SEAL] = visible->paths[VISIBLE_SEAL],
		[APPEARANCE_FONT] = visible->paths[VISIBLE_FONT],
		[APPEARANCE_BOLD_FONT] = visible->paths[VISIBLE_BOLD_FONT],
	};
	const char *path = paths[fault->part];

	return path == NULL ? cli_fail_rc(cli, rc) : fail_file(cli, path, rc, fault->words);
}

enum cli_exit cli_visible_make(
	struct cli *cli, const struct visible *visible, struct appearance **appearance)
{
	struct appearance_options options = visible->options;
	struct appearance_fault fault = {0};
	struct files files = {0};

	if (visible->paths[VISIBLE_PICTURE] == NULL && visible->paths[VISIBLE_SEAL] == NULL &&
		(options.show & APPEARANCE_LINES) == 0)
		return cli_fail(cli, CLI_USAGE,
			"nothing would be seen: give --picture or --seal, or let --show name a line",
			"không có gì để hiển thị: hãy dùng --picture hoặc --seal, hoặc chọn dòng bằng "
			"--show");
	enum cli_exit code = read_files(cli, visible, &files);
	if (code == CLI_DONE) {
		options.picture = buf_span(&files.picture);
		options.seal = buf_span(&files.seal);
		options.font = buf_span(&files.font);
		options.bold_font = buf_span(&files.bold_font);
		choose_size(&options);
		rc_t rc = appearance_new(&options, &fault, appearance);
		if (rc != RC_OK)
			code = fail_part(cli, visible, &fault, rc);
	}
	buf_free(&files.picture);
	buf_free(&files.seal);
	buf_free(&files.font);
	buf_free(&files.bold_font);
	return code;
}

enum cli_exit cli_appearance(struct cli *cli, struct appearance **appearance)
{
	const char *name = cli_value(cli, "template");
	struct visible visible;

	*appearance = NULL;
	if (name == NULL && !cli_has(cli, "visible"))
		return refuse_lone_options(cli);
	visible_init(&visible);
	enum cli_exit code = name != NULL ? cli_template_load(cli, name, &visible)
					  : cli_template_load_default(cli, &visible);
	if (code == CLI_DONE)
		code = cli_visible_options(cli, &visible);
	if (code == CLI_DONE)
		code = cli_visible_make(cli, &visible, appearance);
	visible_free(&visible);
	return code;
}
