/* link: ades */
/* Where a visible signature stands, on which page, and what its text says. */
#include "appearance_fixture.h"

/* places */

/* /Rect of the last field in the file. */
static void read_rect(struct buf *pdf, double rect[4])
{
	const char *text = NULL;
	const char *last = NULL;

	assert_int_equal(buf_string(pdf, &text), RC_OK);
	for (size_t i = 0; i + 8 < pdf->len; i++) {
		if (memcmp(text + i, "/Rect [ ", 8) == 0)
			last = text + i + 8;
	}
	assert_non_null(last);
	assert_int_equal(
		sscanf(last, "%lf %lf %lf %lf", &rect[0], &rect[1], &rect[2], &rect[3]), 4);
}

static void assert_rect(const char *page, enum appearance_corner corner, const double want[4])
{
	const struct shape shape = {"page", "", page, {NULL}};
	struct appearance_options options = text_options();
	struct buf pdf = BUF_INIT;
	double got[4];

	options.corner = corner;
	options.x = 20;
	options.y = 30;
	options.width = 200;
	options.height = 100;
	make_pdf(&shape, &pdf);
	sign_visible(&pdf, &teacher, &options);
	read_rect(&pdf, got);
	for (size_t i = 0; i < 4; i++) {
		if (fabs(got[i] - want[i]) > 0.01)
			fail_msg("%s: side %zu is %.2f, not %.2f", page, i, got[i], want[i]);
	}
	buf_free(&pdf);
}

/* The page is 595 by 842; cut, its shown part is 400 by 600 from (100, 50). */
#define CUT "/CropBox [100 50 500 650] "

static void test_the_box_stands_where_the_shown_page_has_that_corner(void **state)
{
	(void)state;
	assert_rect("", APPEARANCE_BOTTOM_LEFT, (double[]){20, 30, 220, 130});
	assert_rect("", APPEARANCE_TOP_RIGHT, (double[]){375, 712, 575, 812});
	assert_rect(CUT, APPEARANCE_BOTTOM_LEFT, (double[]){120, 80, 320, 180});
	assert_rect(CUT, APPEARANCE_TOP_RIGHT, (double[]){280, 520, 480, 620});
	assert_rect(CUT "/Rotate 90", APPEARANCE_BOTTOM_LEFT, (double[]){370, 70, 470, 270});
	assert_rect(CUT "/Rotate 180", APPEARANCE_BOTTOM_LEFT, (double[]){280, 520, 480, 620});
	assert_rect(CUT "/Rotate 270", APPEARANCE_BOTTOM_LEFT, (double[]){130, 430, 230, 630});
	assert_rect(CUT "/Rotate -450", APPEARANCE_BOTTOM_LEFT, (double[]){130, 430, 230, 630});
	assert_rect(CUT "/Rotate 45", APPEARANCE_BOTTOM_LEFT, (double[]){120, 80, 320, 180});
}

static void test_a_page_in_large_units_has_a_box_as_large_as_asked_for(void **state)
{
	(void)state;
	assert_rect("/UserUnit 2", APPEARANCE_BOTTOM_LEFT, (double[]){10, 15, 110, 65});
}

static void test_a_crop_box_beyond_the_page_is_cut_to_it(void **state)
{
	(void)state;
	assert_rect("/CropBox [-900 -900 400 9000]", APPEARANCE_TOP_RIGHT,
		(double[]){180, 712, 380, 812});
	assert_rect(
		"/CropBox [900 900 950 950]", APPEARANCE_TOP_RIGHT, (double[]){375, 712, 575, 812});
	assert_rect("/CropBox (x)", APPEARANCE_TOP_RIGHT, (double[]){375, 712, 575, 812});
}

static rc_t visible_code(const struct shape *shape, const struct appearance_options *options)
{
	struct buf pdf = BUF_INIT;

	make_pdf(shape, &pdf);
	rc_t rc = try_visible(&pdf, &teacher, options);
	buf_free(&pdf);
	return rc;
}

static void test_what_stands_out_of_the_page_is_refused(void **state)
{
	struct appearance_options options = text_options();

	(void)state;
	options.x = 595 - options.width + 1;
	assert_int_equal(visible_code(&plain, &options), RC_OFF_PAGE);
	options.x = 595 - options.width;
	assert_int_equal(visible_code(&plain, &options), RC_OK);
	options.y = 842 - options.height + 1;
	assert_int_equal(visible_code(&plain, &options), RC_OFF_PAGE);
	/* the box has room, its seal has not */
	options = picture_options();
	options.seal = buf_span(&parts.seal);
	options.x = 10;
	assert_int_equal(visible_code(&plain, &options), RC_OFF_PAGE);
}

static void test_every_shape_of_form_and_annotations_takes_two_visible_signatures(void **state)
{
	static const struct shape shapes[] = {
		{"annotations in the page", "", "/Annots [5 0 R]",
			{"<< /Type /Annot /Subtype /Text /Rect [10 10 20 20] /Contents (x) >>",
				NULL}},
		{"annotations beside the page", "", "/Annots 5 0 R", {"[]", NULL}},
		{"form beside the catalog", "/AcroForm 5 0 R", "",
			{"<< /Fields [] /SigFlags 1 /NeedAppearances true >>", NULL}},
		{"tagged", "/MarkInfo << /Marked true >> /StructTreeRoot 5 0 R", "/Tabs /S",
			{"<< /Type /StructTreeRoot >>", NULL}},
	};
	static const char *const variants[] = {"--object-streams=generate", "--linearize"};
	struct appearance_options options = text_options();
	struct buf pdf = BUF_INIT;

	(void)state;
	options.seal = buf_span(&parts.seal);
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		make_variant(&shapes[i], variants[i % 2], &pdf);
		sign_visible(&pdf, &teacher, &options);
		assert_signed(&pdf, 1, shapes[i].name);
		sign_visible(&pdf, &longest, &options);
		assert_signed(&pdf, 2, shapes[i].name);
	}
	buf_free(&pdf);
}

static void test_page_trees_that_readers_take_differently_are_refused(void **state)
{
	static const struct shape absurd[] = {
		{"count too high", "/Pages 5 0 R", "",
			{"<< /Type /Pages /Kids [3 0 R] /Count 2 >>", NULL}},
		{"count missing", "/Pages 5 0 R", "", {"<< /Type /Pages /Kids [3 0 R] >>", NULL}},
		{"inner count wrong", "/Pages 5 0 R", "",
			{"<< /Type /Pages /Kids [3 0 R 6 0 R] /Count 2 >>",
				"<< /Type /Pages /Kids [7 0 R] /Count 9 >>",
				"<< /Type /Page /MediaBox [0 0 595 842] >>", NULL}},
		{"a node is its own kid", "/Pages 5 0 R", "",
			{"<< /Type /Pages /Kids [3 0 R 5 0 R] /Count 2 >>", NULL}},
		{"two nodes in a ring", "/Pages 5 0 R", "",
			{"<< /Type /Pages /Kids [6 0 R] /Count 1 >>",
				"<< /Type /Pages /Kids [5 0 R 3 0 R] /Count 1 >>", NULL}},
		{"kids are a number", "/Pages 5 0 R", "",
			{"<< /Type /Pages /Kids 7 /Count 1 >>", NULL}},
		{"a kid is null", "/Pages 5 0 R", "",
			{"<< /Type /Pages /Kids [3 0 R 99 0 R] /Count 2 >>", NULL}},
		{"no size", "/Pages 5 0 R", "",
			{"<< /Type /Pages /Kids [6 0 R] /Count 1 >>", "<< /Type /Page >>", NULL}},
		{"size without area", "", "/MediaBox [0 0 0 842]", {NULL}},
		{"size of words", "", "/MediaBox [0 0 (a) 842]", {NULL}},
		{"size beyond reason", "", "/MediaBox [0 0 99999999999999999999 842]", {NULL}},
	};
	struct appearance_options options = text_options();

	(void)state;
	for (size_t i = 0; i < sizeof(absurd) / sizeof(absurd[0]); i++) {
		if (visible_code(&absurd[i], &options) != RC_PDF_DAMAGED)
			fail_msg("%s: not refused", absurd[i].name);
	}
	options.page = 2;
	assert_int_equal(visible_code(&plain, &options), RC_PDF_NO_PAGE);
}

/* 2 to the 20th leaves of a few nodes: seen as often as the tree says, but not for ever. */
static void test_a_tree_that_multiplies_itself_is_refused_in_time(void **state)
{
	struct appearance_options options = text_options();
	struct buf pdf = BUF_INIT;
	size_t offsets[24] = {0};

	(void)state;
	put(&pdf, "%PDF-1.7\n");
	offsets[1] = pdf.len;
	put(&pdf, "1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n");
	for (size_t i = 2; i < 23; i++) {
		offsets[i] = pdf.len;
		assert_int_equal(
			buf_printf(&pdf,
				"%zu 0 obj\n<< /Type /Pages /Kids [%zu 0 R %zu 0 R] /Count "
				"%ld >>\nendobj\n",
				i, i + 1, i + 1, 1L << (23 - i)),
			RC_OK);
	}
	offsets[23] = pdf.len;
	put(&pdf, "23 0 obj\n<< /Type /Page /MediaBox [0 0 595 842] >>\nendobj\n");
	size_t xref = pdf.len;
	put(&pdf, "xref\n0 24\n0000000000 65535 f \n");
	for (size_t i = 1; i < 24; i++)
		assert_int_equal(buf_printf(&pdf, "%010zu 00000 n \n", offsets[i]), RC_OK);
	assert_int_equal(
		buf_printf(&pdf, "trailer\n<< /Size 24 /Root 1 0 R >>\nstartxref\n%zu\n%%%%EOF\n",
			xref),
		RC_OK);
	assert_int_equal(try_visible(&pdf, &teacher, &options), RC_PDF_DAMAGED);
	buf_free(&pdf);
}

/* text */

static void read_text(struct buf *pdf, struct buf *text)
{
	char path[PATH_MAX_HERE];

	write_file("text.pdf", buf_span(pdf));
	path_of("text.pdf", path);
	buf_clear(text);
	assert_int_equal(run(text, (const char *[]){"pdftotext", "-layout", path, "-", NULL}), 0);
}

/* White space does not count: lines are wrapped. */
static bool says(struct buf *text, const char *words)
{
	char squeezed[4096];
	size_t len = 0;
	char wanted[512];
	size_t wanted_len = 0;

	for (size_t i = 0; i < text->len && len < sizeof(squeezed) - 1; i++) {
		if (strchr(" \n\f", text->data[i]) == NULL)
			squeezed[len++] = (char)text->data[i];
	}
	squeezed[len] = 0;
	for (; *words != 0; words++) {
		if (*words != ' ')
			wanted[wanted_len++] = *words;
	}
	wanted[wanted_len] = 0;
	return strstr(squeezed, wanted) != NULL;
}

static void test_the_text_can_be_copied_out_letter_by_letter(void **state)
{
	struct appearance_options options = text_options();
	struct buf pdf = BUF_INIT;
	struct buf text = BUF_INIT;

	(void)state;
	make_pdf(&plain, &pdf);
	sign_visible(&pdf, &longest, &options);
	read_text(&pdf, &text);
	assert_true(says(&text, "Ký bởi:"));
	assert_true(says(&text, longest.name));
	assert_true(says(&text, longest.email));
	assert_true(says(&text, "Tổ Ngữ văn và Khoa học xã hội"));
	assert_true(says(&text, "UỶ BAN NHÂN DÂN TỈNH MẪU"));
	assert_true(says(&text, "29/05/2026 03:26:40 +07:00"));
	buf_free(&pdf);
	buf_free(&text);
}

/* Đ and Ð are one glyph in some fonts; what has no composed form is set mark by mark. */
static void test_letters_that_look_alike_and_loose_marks_are_told_apart(void **state)
{
	static const struct person odd = {
		"Đặng Ðo\xcc\x88 x\xcc\x82y", "o@mau.edu.vn", "Mẫu", {"UBND TỈNH MẪU", NULL}};
	struct appearance_options options = text_options();
	struct buf pdf = BUF_INIT;
	struct buf text = BUF_INIT;

	(void)state;
	options.show = APPEARANCE_NAME;
	make_pdf(&plain, &pdf);
	sign_visible(&pdf, &odd, &options);
	read_text(&pdf, &text);
	assert_true(says(&text, "Đặng Ðö"));
	assert_signed(&pdf, 1, "loose marks");
	buf_free(&pdf);
	buf_free(&text);
}

static void assert_name(const char *certified, const char *shown)
{
	const struct person person = {certified, "o@mau.edu.vn", "Mẫu", {"UBND", NULL}};
	struct identity identity = {0};
	struct appearance_text text = {0};
	const char *line = NULL;

	certify_person(&person, &identity);
	assert_int_equal(
		appearance_text_read(buf_span(&identity.certificate), SIGNED_AT_MS, &text), RC_OK);
	assert_int_equal(buf_string(&text.lines[TEXT_NAME], &line), RC_OK);
	assert_string_equal(line, shown);
	appearance_text_free(&text);
	identity_free(&identity);
}

static void test_what_is_not_seen_in_a_name_is_not_set(void **state)
{
	(void)state;
	assert_name("Nguye\xcc\x82\xcc\x83n  Thị\tVí\nDụ ", "Nguyễn Thị Ví Dụ");
	/* a right-to-left override, a zero-width space */
	assert_name("Trần \xe2\x80\xaeVăn\xe2\x80\x8b Mẫu", "Trần Văn Mẫu");
}

static void test_a_name_that_the_font_cannot_write_is_refused(void **state)
{
	static const struct person foreign = {"李四", "o@mau.edu.vn", "Mẫu", {"UBND", NULL}};
	struct appearance_options options = text_options();
	struct buf pdf = BUF_INIT;

	(void)state;
	make_pdf(&plain, &pdf);
	assert_int_equal(try_visible(&pdf, &foreign, &options), RC_FONT_LACKS);
	buf_free(&pdf);
}

static double piece_width(const struct piece *piece, double size)
{
	double width = 0;

	for (size_t i = piece->from; i < piece->to; i++)
		width += piece->run->glyphs[i].advance;
	return width * size;
}

static void assert_within(const struct layout *layout, double width, double height)
{
	size_t glyphs = 0;
	size_t wanted = 0;

	for (size_t i = 0; i < layout->count; i++) {
		const struct piece *piece = &layout->pieces[i];
		double end = piece->x + piece_width(piece, layout->size);
		glyphs += piece->to - piece->from;
		if (piece->x < -0.001 || end > width + 0.001 ||
			piece->y - 0.22 * layout->size < -0.001 ||
			piece->y + layout->size > height + 0.001)
			fail_msg("%.0f by %.0f: a line stands out", width, height);
	}
	for (size_t i = 0; i < TEXT_LINES; i++)
		wanted += layout->values[i].count + layout->labels[i].count;
	/* spaces at a line's end are not set */
	assert_true(glyphs <= wanted && glyphs + 40 > wanted);
}

static void test_text_never_stands_out_of_its_box_in_any_size(void **state)
{
	struct appearance_options options = text_options();
	struct appearance *appearance = NULL;
	struct identity identity = {0};
	struct appearance_text text = {0};
	struct layout *layout = calloc(1, sizeof(*layout));
	size_t fitting = 0;

	(void)state;
	certify_person(&longest, &identity);
	assert_int_equal(
		appearance_text_read(buf_span(&identity.certificate), SIGNED_AT_MS, &text), RC_OK);
	assert_int_equal(appearance_new(&options, NULL, &appearance), RC_OK);
	for (double width = 5; width < 400; width *= 1.3) {
		for (double height = 5; height < 300; height *= 1.3) {
			rc_t rc = layout_make(appearance, &text, width, height, ALIGN_LEFT, layout);
			if (rc == RC_OK) {
				assert_within(layout, width, height);
				assert_true(layout->size >= APPEARANCE_FONT_MIN);
				layout_free(layout);
				fitting++;
			} else {
				assert_int_equal(rc, RC_BOX_TOO_SMALL);
			}
		}
	}
	assert_true(fitting > 20);
	free(layout);
	appearance_text_free(&text);
	appearance_free(&appearance);
	identity_free(&identity);
}

/* the whole */

/* `rssp sign` makes each document twice: for its digest, and to be written. */
static void test_a_document_made_twice_is_the_same(void **state)
{
	struct appearance_options options = text_options();
	struct appearance *appearance = NULL;
	struct identity identity = {0};
	struct buf pdf = BUF_INIT;
	uint8_t first[ADES_DIGEST_MAX];
	size_t first_len = 0;

	(void)state;
	options.picture = buf_span(&parts.picture);
	options.seal = buf_span(&parts.seal);
	certify_person(&teacher, &identity);
	read_sample(&pdf);
	for (size_t i = 0; i < 2; i++) {
		struct pades *pades = NULL;
		assert_int_equal(appearance_new(&options, NULL, &appearance), RC_OK);
		struct pades_options how = sign_options(&identity, appearance);
		assert_int_equal(pades_prepare(buf_span(&pdf), &how, &pades), RC_OK);
		struct span to_sign = pades_to_sign(pades);
		if (i == 0)
			memcpy(first, to_sign.data, first_len = to_sign.len);
		assert_int_equal(to_sign.len, first_len);
		assert_memory_equal(to_sign.data, first, first_len);
		pades_free(&pades);
		appearance_free(&appearance);
	}
	identity_free(&identity);
	buf_free(&pdf);
}

static void test_parts_that_are_none_are_named(void **state)
{
	struct appearance_options options = text_options();
	struct appearance_fault fault = {0};
	struct appearance *appearance = NULL;

	(void)state;
	options.picture = span_string("GIF89a");
	assert_int_equal(appearance_new(&options, &fault, &appearance), RC_PICTURE_DAMAGED);
	assert_int_equal(fault.part, APPEARANCE_PICTURE);
	assert_true(fault.words[0] != 0);
	options.picture = SPAN_NONE;
	options.seal = buf_span(&parts.picture); /* it has no real size */
	assert_int_equal(appearance_new(&options, &fault, &appearance), RC_SEAL_SIZE);
	assert_int_equal(fault.part, APPEARANCE_SEAL);
	options.seal = SPAN_NONE;
	options.bold_font = SPAN(parts.bold.data, 500);
	assert_int_equal(appearance_new(&options, &fault, &appearance), RC_FONT_DAMAGED);
	assert_int_equal(fault.part, APPEARANCE_BOLD_FONT);
	options.width = 1;
	assert_int_equal(appearance_new(&options, &fault, &appearance), RC_RANGE);
	assert_null(appearance);
}

/* OS/2 fsType 2: its maker forbids embedding. */
static void test_a_font_whose_licence_forbids_embedding_is_refused(void **state)
{
	struct appearance_options options = text_options();
	struct appearance *appearance = NULL;
	struct buf font = BUF_INIT;

	(void)state;
	assert_int_equal(buf_set(&font, buf_span(&parts.regular)), RC_OK);
	const uint8_t *entry = memmem(font.data, 1024, "OS/2", 4);
	assert_non_null(entry);
	size_t at = (size_t)entry[8] << 24 | (size_t)entry[9] << 16 | (size_t)entry[10] << 8 |
		    entry[11];
	assert_in_range(at + 10, 10, font.len);
	font.data[at + 9] = 2;
	options.font = buf_span(&font);
	assert_int_equal(appearance_new(&options, NULL, &appearance), RC_FONT_DAMAGED);
	buf_free(&font);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_box_stands_where_the_shown_page_has_that_corner),
		cmocka_unit_test(test_a_page_in_large_units_has_a_box_as_large_as_asked_for),
		cmocka_unit_test(test_a_crop_box_beyond_the_page_is_cut_to_it),
		cmocka_unit_test(test_what_stands_out_of_the_page_is_refused),
		cmocka_unit_test(
			test_every_shape_of_form_and_annotations_takes_two_visible_signatures),
		cmocka_unit_test(test_page_trees_that_readers_take_differently_are_refused),
		cmocka_unit_test(test_a_tree_that_multiplies_itself_is_refused_in_time),
		cmocka_unit_test(test_the_text_can_be_copied_out_letter_by_letter),
		cmocka_unit_test(test_letters_that_look_alike_and_loose_marks_are_told_apart),
		cmocka_unit_test(test_what_is_not_seen_in_a_name_is_not_set),
		cmocka_unit_test(test_a_name_that_the_font_cannot_write_is_refused),
		cmocka_unit_test(test_text_never_stands_out_of_its_box_in_any_size),
		cmocka_unit_test(test_a_document_made_twice_is_the_same),
		cmocka_unit_test(test_parts_that_are_none_are_named),
		cmocka_unit_test(test_a_font_whose_licence_forbids_embedding_is_refused),
	};

	return cmocka_run_group_tests_name("ades/visible", tests, setup_parts, teardown_parts);
}
