/* link: ades */
/* A hostile certificate's words in a box of any size: refused with a code, or set inside the box
 * and drawn. The first three bytes are the box and what is shown, the rest is the certificate. */
#include "clients/lib/ades/appearance_draw.h"
#include "clients/lib/ades/appearance_internal.h"

#include <stdio.h>
#include <stdlib.h>

#define FONT "/usr/share/fonts/truetype/liberation2/LiberationSerif-Regular.ttf"
#define SIGNED_AT_MS 1780000000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char document[] =
	"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
	"2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n"
	"3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 1000 1000] /Rotate 90 >>\nendobj\n"
	"xref\n0 4\n0000000000 65535 f \n0000000009 00000 n \n0000000058 00000 n \n"
	"0000000115 00000 n \ntrailer\n<< /Size 4 /Root 1 0 R >>\nstartxref\n199\n%%EOF\n";

static void load_font(struct buf *font)
{
	char chunk[4096];
	size_t got;

	FILE *file = fopen(FONT, "rb");
	if (file == NULL)
		abort();
	while ((got = fread(chunk, 1, sizeof(chunk), file)) > 0) {
		if (buf_append(font, chunk, got) != RC_OK)
			abort();
	}
	fclose(file);
}

/* Another box and other lines each time, the same fonts. */
static struct appearance *make_appearance(const uint8_t *data)
{
	static struct appearance *appearance;
	struct buf font = BUF_INIT;
	struct appearance_options options = {
		.show = APPEARANCE_LINES,
		.width = APPEARANCE_SIDE_MIN,
		.height = APPEARANCE_SIDE_MIN,
		.font_size = 10,
	};

	if (appearance == NULL) {
		load_font(&font);
		options.font = buf_span(&font);
		if (appearance_new(&options, NULL, &appearance) != RC_OK)
			abort();
		buf_free(&font);
	}
	appearance->options.width = APPEARANCE_SIDE_MIN + data[0];
	appearance->options.height = APPEARANCE_SIDE_MIN + data[1];
	appearance->options.show = data[2];
	return appearance;
}

static void check(const struct layout *layout, double width, double height)
{
	for (size_t i = 0; i < layout->count; i++) {
		const struct piece *piece = &layout->pieces[i];
		double end = piece->x;
		for (size_t g = piece->from; g < piece->to; g++)
			end += piece->run->glyphs[g].advance * layout->size;
		if (piece->x < -0.01 || end > width + 0.01 || piece->y < -0.01 || piece->y > height)
			abort();
	}
}

static void set_lines(const struct appearance *appearance, struct span certificate)
{
	struct appearance_text text;
	static struct layout layout;
	double width = appearance->options.width;
	double height = appearance->options.height;

	if (appearance_text_read(certificate, SIGNED_AT_MS, &text) != RC_OK)
		return;
	if (layout_make(appearance, &text, width, height, ALIGN_LEFT, &layout) == RC_OK) {
		check(&layout, width, height);
		layout_free(&layout);
	}
	appearance_text_free(&text);
}

static void draw(const struct appearance *appearance, struct span certificate)
{
	static const struct pdf_signature signature = {.date = "D:20260102030405Z", .reserve = 64};
	struct appearance_words words = {0};
	struct pdf_signature visible = signature;
	struct pdf_widget widget;
	struct pdf_hole hole;
	struct buf out = BUF_INIT;
	struct pdf *pdf = NULL;

	if (pdf_open(span_string(document), NULL, &pdf) != RC_OK)
		abort();
	visible.widget = &widget;
	if (appearance_draw(appearance, certificate, SIGNED_AT_MS, pdf, &words, &widget) == RC_OK &&
		pdf_append_signature(pdf, &visible, &out, &hole) != RC_OK)
		abort();
	pdf_free(&pdf);
	buf_free(&words.description);
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 3)
		return 0;
	const struct appearance *appearance = make_appearance(data);
	set_lines(appearance, SPAN(data + 3, size - 3));
	draw(appearance, SPAN(data + 3, size - 3));
	return 0;
}
