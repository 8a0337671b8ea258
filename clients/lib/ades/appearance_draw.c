#include "clients/lib/ades/appearance_draw.h"

#include "clients/lib/ades/appearance_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define BESIDE_RATIO 1.6   /* from this width to height on, text stands beside the picture */
#define PICTURE_SHARE 0.36 /* of the width, when beside */
#define TEXT_SHARE 0.62	   /* of the height at most, when below */
#define GAP (2 * APPEARANCE_MM)
#define TOUCH 0.01 /* points that a box may stand out by rounding */

/* Points, from the lower left of the box. */
struct rect {
	double x, y, width, height;
};

struct drawing {
	const struct appearance *appearance;
	struct pdf *pdf;
	struct pdf_page page;
	struct rect box; /* on the page; all below are within it */
	struct rect picture, seal, text;
	struct rect whole; /* box and seal */
	enum align align;
	struct layout *layout;
	struct font_use *regular, *bold;
	struct buf content;
	struct buf *detail;
};

/* where things stand */

static struct rect fit(const struct picture *picture, const struct rect *room)
{
	double scale = fmin(room->width / picture->width, room->height / picture->height);
	double width = picture->width * scale;
	double height = picture->height * scale;

	return (struct rect){room->x + (room->width - width) / 2,
		room->y + (room->height - height) / 2, width, height};
}

static void stand_on_page(struct drawing *drawing)
{
	const struct appearance_options *options = &drawing->appearance->options;
	bool right = options->corner == APPEARANCE_TOP_RIGHT ||
		     options->corner == APPEARANCE_BOTTOM_RIGHT;
	bool top =
		options->corner == APPEARANCE_TOP_LEFT || options->corner == APPEARANCE_TOP_RIGHT;

	drawing->box = (struct rect){
		.x = right ? drawing->page.width - options->x - options->width : options->x,
		.y = top ? drawing->page.height - options->y - options->height : options->y,
		.width = options->width,
		.height = options->height,
	};
}

/* Text beside the picture, or below it where the box is high. */
static rc_t divide(struct drawing *drawing, const struct appearance_text *text)
{
	const struct appearance *appearance = drawing->appearance;
	const struct rect all = {0, 0, drawing->box.width, drawing->box.height};
	bool pictured = appearance->picture.width > 0 || appearance->seal.width > 0;
	double share = all.width * PICTURE_SHARE;
	rc_t rc;

	drawing->picture = all;
	drawing->text = all;
	if (appearance->font == NULL)
		return RC_OK;
	if (pictured && all.width >= BESIDE_RATIO * all.height) {
		if (appearance->picture.width == 0)
			share = appearance->seal_width;
		drawing->picture.width = share;
		drawing->text.x = share + GAP;
		drawing->text.width -= share + GAP;
	} else if (pictured) {
		drawing->text.height *= TEXT_SHARE;
		if ((appearance->options.show & APPEARANCE_LABELS) == 0)
			drawing->align = ALIGN_CENTRE;
	}
	rc = layout_make(appearance, text, drawing->text.width, drawing->text.height,
		drawing->align, drawing->layout);
	if (rc != RC_OK || !pictured || drawing->text.x > 0)
		return rc;
	/* below: what the text leaves is the picture's */
	double used = drawing->layout->height;
	drawing->text.y = (used - drawing->text.height) / 2;
	drawing->picture.y = used;
	drawing->picture.height = all.height - used;
	return RC_OK;
}

/* Real size; over the left third of the person's picture, or alone in the middle. */
static void stand_seal(struct drawing *drawing)
{
	const struct appearance *appearance = drawing->appearance;
	const struct rect *under = &drawing->picture;
	double middle = under->x + under->width / 2;
	struct rect seal = {0, 0, appearance->seal_width, appearance->seal_height};

	seal.x = appearance->picture.width > 0 ? under->x + under->width / 3 - seal.width
					       : middle - seal.width / 2;
	seal.y = under->y + (under->height - seal.height) / 2;
	drawing->seal = seal;
}

static struct rect join(const struct rect *a, const struct rect *b)
{
	double left = fmin(a->x, b->x);
	double bottom = fmin(a->y, b->y);

	return (struct rect){left, bottom, fmax(a->x + a->width, b->x + b->width) - left,
		fmax(a->y + a->height, b->y + b->height) - bottom};
}

/* In every language: where it would stand, of what there is; from the left and from below. */
static rc_t say_off_page(struct drawing *drawing, double x, double y)
{
	const struct rect *whole = &drawing->whole;
	rc_t rc = RC_OK;

	if (drawing->detail != NULL)
		rc = buf_printf(drawing->detail,
			"x: %.0f … %.0f / 0 … %.0f mm; y: %.0f … %.0f / 0 … %.0f mm",
			x / APPEARANCE_MM, (x + whole->width) / APPEARANCE_MM,
			drawing->page.width / APPEARANCE_MM, y / APPEARANCE_MM,
			(y + whole->height) / APPEARANCE_MM, drawing->page.height / APPEARANCE_MM);
	return rc == RC_OK ? RC_OFF_PAGE : rc;
}

static rc_t stand(struct drawing *drawing, const struct appearance_text *text)
{
	const struct appearance *appearance = drawing->appearance;
	const struct pdf_page *page = &drawing->page;

	stand_on_page(drawing);
	rc_t rc = divide(drawing, text);
	if (rc != RC_OK)
		return rc;
	drawing->whole = (struct rect){0, 0, drawing->box.width, drawing->box.height};
	if (appearance->picture.width > 0)
		drawing->picture = fit(&appearance->picture, &drawing->picture);
	if (appearance->seal.width > 0) {
		stand_seal(drawing);
		drawing->whole = join(&drawing->whole, &drawing->seal);
	}
	double x = drawing->box.x + drawing->whole.x;
	double y = drawing->box.y + drawing->whole.y;
	if (x < -TOUCH || y < -TOUCH || x + drawing->whole.width > page->width + TOUCH ||
		y + drawing->whole.height > page->height + TOUCH)
		return say_off_page(drawing, x, y);
	return RC_OK;
}

/* content: origin is the lower left of the whole */

static rc_t put_picture(struct drawing *drawing, const struct rect *rect, const char *name)
{
	return buf_printf(&drawing->content, "q %.3f 0 0 %.3f %.3f %.3f cm /%s Do Q\n", rect->width,
		rect->height, rect->x - drawing->whole.x, rect->y - drawing->whole.y, name);
}

/* TJ counts in thousandths of em, against the direction of writing. */
static rc_t put_kern(struct buf *out, double em)
{
	long units = lround(-em * 1000);

	return units == 0 ? RC_OK : buf_printf(out, "%ld", units);
}

static rc_t put_glyph(struct buf *out, struct font_use *use, const struct font_glyph *glyph)
{
	unsigned cid = 0;

	rc_t rc = font_use_glyph(use, glyph, &cid);
	if (rc == RC_OK && glyph->dy != 0)
		rc = buf_append_string(out, "] TJ ");
	if (rc == RC_OK && glyph->dy != 0)
		rc = buf_printf(out, "%.3f Ts [", glyph->dy);
	if (rc == RC_OK)
		rc = put_kern(out, glyph->dx);
	if (rc == RC_OK)
		rc = buf_printf(out, "<%04X>", cid);
	if (rc == RC_OK)
		rc = put_kern(out, glyph->advance - glyph->width - glyph->dx);
	if (rc == RC_OK && glyph->dy != 0)
		rc = buf_append_string(out, "] TJ 0 Ts [");
	return rc;
}

/* The type is of size 1, scaled by the matrix, so that rises are in em too. */
static rc_t put_piece_text(struct drawing *drawing, const struct piece *piece)
{
	struct buf *out = &drawing->content;
	double size = drawing->layout->size;
	struct font_use *use = piece->bold ? drawing->bold : drawing->regular;

	rc_t rc =
		buf_printf(out, "/%s 1 Tf %.3f 0 0 %.3f %.3f %.3f Tm [", piece->bold ? "F1" : "F0",
			size, size, drawing->text.x + piece->x - drawing->whole.x,
			drawing->text.y + piece->y - drawing->whole.y);
	for (size_t i = piece->from; rc == RC_OK && i < piece->to; i++)
		rc = put_glyph(out, use, &piece->run->glyphs[i]);
	return rc == RC_OK ? buf_append_string(out, "] TJ\n") : rc;
}

static rc_t put_text(struct drawing *drawing)
{
	const struct layout *layout = drawing->layout;

	if (layout->count == 0)
		return RC_OK;
	rc_t rc = buf_append_string(&drawing->content, "BT 0 g\n");
	for (size_t i = 0; rc == RC_OK && i < layout->count; i++)
		rc = put_piece_text(drawing, &layout->pieces[i]);
	return rc == RC_OK ? buf_append_string(&drawing->content, "ET\n") : rc;
}

static rc_t put_content(struct drawing *drawing)
{
	rc_t rc = RC_OK;

	if (drawing->appearance->picture.width > 0)
		rc = put_picture(drawing, &drawing->picture, "P");
	if (rc == RC_OK)
		rc = put_text(drawing);
	if (rc == RC_OK && drawing->appearance->seal.width > 0)
		rc = put_picture(drawing, &drawing->seal, "S");
	return rc;
}

/* objects */

static rc_t add_image(struct pdf *pdf, const struct picture *picture, int *id)
{
	char entries[256];
	char mask[32] = "";
	rc_t rc = RC_OK;

	if (picture->alpha.len > 0) {
		int mask_id = 0;
		snprintf(entries, sizeof(entries),
			"/Type /XObject /Subtype /Image /Width %u /Height %u /ColorSpace "
			"/DeviceGray /BitsPerComponent 8",
			picture->width, picture->height);
		rc = pdf_add_stream(pdf, entries, buf_span(&picture->alpha), &mask_id);
		snprintf(mask, sizeof(mask), " /SMask %d 0 R", mask_id);
	}
	snprintf(entries, sizeof(entries),
		"/Type /XObject /Subtype /Image /Width %u /Height %u /ColorSpace /DeviceRGB "
		"/BitsPerComponent 8%s",
		picture->width, picture->height, mask);
	return rc == RC_OK ? pdf_add_stream(pdf, entries, buf_span(&picture->colour), id) : rc;
}

static rc_t put_images(struct drawing *drawing, struct buf *resources)
{
	const struct appearance *appearance = drawing->appearance;
	int id = 0;

	rc_t rc = buf_append_string(resources, " /XObject <<");
	if (rc == RC_OK && appearance->picture.width > 0) {
		rc = add_image(drawing->pdf, &appearance->picture, &id);
		if (rc == RC_OK)
			rc = buf_printf(resources, " /P %d 0 R", id);
	}
	if (rc == RC_OK && appearance->seal.width > 0) {
		rc = add_image(drawing->pdf, &appearance->seal, &id);
		if (rc == RC_OK)
			rc = buf_printf(resources, " /S %d 0 R", id);
	}
	return rc == RC_OK ? buf_append_string(resources, " >>") : rc;
}

static rc_t put_fonts(struct drawing *drawing, struct buf *resources)
{
	const struct font_use *const uses[] = {drawing->regular, drawing->bold};

	rc_t rc = buf_append_string(resources, " /Font <<");
	for (size_t i = 0; rc == RC_OK && i < 2; i++) {
		int id = 0;
		if (uses[i]->count == 0)
			continue;
		rc = font_embed(uses[i], drawing->pdf, &id);
		if (rc == RC_OK)
			rc = buf_printf(resources, " /F%zu %d 0 R", i, id);
	}
	return rc == RC_OK ? buf_append_string(resources, " >>") : rc;
}

static rc_t add_form(struct drawing *drawing, struct span resources, int *id)
{
	const struct rect *whole = &drawing->whole;
	struct buf entries = BUF_INIT;
	struct buf packed = BUF_INIT;
	const char *text = NULL;
	double m[6];

	pdf_page_upright(&drawing->page, whole->width, whole->height, m);
	rc_t rc = buf_printf(&entries,
		"/Type /XObject /Subtype /Form /BBox [0 0 %.3f %.3f] /Matrix [%g %g %g %g %.3f %.3f] "
		"/Resources <<%.*s >>",
		whole->width, whole->height, m[0], m[1], m[2], m[3], m[4], m[5], (int)resources.len,
		(const char *)resources.data);
	if (rc == RC_OK)
		rc = buf_string(&entries, &text);
	if (rc == RC_OK)
		rc = pdf_flate(buf_span(&drawing->content), &packed);
	if (rc == RC_OK)
		rc = pdf_add_stream(drawing->pdf, text, buf_span(&packed), id);
	buf_free(&entries);
	buf_free(&packed);
	return rc;
}

static rc_t write_objects(struct drawing *drawing, int *form)
{
	struct buf resources = BUF_INIT;

	rc_t rc = put_content(drawing);
	if (rc == RC_OK)
		rc = put_images(drawing, &resources);
	if (rc == RC_OK)
		rc = put_fonts(drawing, &resources);
	if (rc == RC_OK)
		rc = add_form(drawing, buf_span(&resources), form);
	buf_free(&resources);
	return rc;
}

static rc_t describe(const struct appearance_text *text, struct buf *description)
{
	rc_t rc = buf_append_string(description, "Chữ ký số của ");
	if (rc == RC_OK)
		rc = buf_append_span(description, buf_span(&text->lines[TEXT_NAME]));
	return rc;
}

static void drawing_free(struct drawing *drawing)
{
	if (drawing->layout != NULL)
		layout_free(drawing->layout);
	free(drawing->layout);
	free(drawing->regular);
	free(drawing->bold);
	buf_free(&drawing->content);
}

static rc_t draw(struct drawing *drawing, const struct appearance_text *text, int *form)
{
	const struct appearance *appearance = drawing->appearance;

	drawing->layout = calloc(1, sizeof(*drawing->layout));
	drawing->regular = calloc(1, sizeof(*drawing->regular));
	drawing->bold = calloc(1, sizeof(*drawing->bold));
	if (drawing->layout == NULL || drawing->regular == NULL || drawing->bold == NULL)
		return RC_NO_MEMORY;
	drawing->regular->font = appearance->font;
	drawing->bold->font = appearance->bold;
	rc_t rc = pdf_page_find(drawing->pdf, appearance->options.page, &drawing->page);
	if (rc == RC_OK)
		rc = stand(drawing, text);
	return rc == RC_OK ? write_objects(drawing, form) : rc;
}

rc_t appearance_draw(const struct appearance *appearance, struct span certificate,
	int64_t signed_at_ms, struct pdf *pdf, struct appearance_words *words,
	struct pdf_widget *widget)
{
	struct drawing drawing = {.appearance = appearance, .pdf = pdf, .detail = words->detail};
	struct appearance_text text = {0};
	const char *description = NULL;
	int form = 0;

	rc_t rc = appearance_text_read(certificate, signed_at_ms, &text);
	if (rc == RC_OK)
		rc = draw(&drawing, &text, &form);
	if (rc == RC_OK)
		rc = describe(&text, &words->description);
	if (rc == RC_OK)
		rc = buf_string(&words->description, &description);
	if (rc == RC_OK)
		*widget = (struct pdf_widget){
			.page = drawing.page,
			.x = drawing.box.x + drawing.whole.x,
			.y = drawing.box.y + drawing.whole.y,
			.width = drawing.whole.width,
			.height = drawing.whole.height,
			.form = form,
			.description = description,
		};
	drawing_free(&drawing);
	appearance_text_free(&text);
	return rc;
}
