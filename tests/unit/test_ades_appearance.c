/* link: ades */
/* Visible signatures are rendered by pdftoppm (poppler) and compared with pictures that a person
 * has looked at: tests/data/render. `test_ades_appearance --renew` writes these anew; look at them.
 */
#include "appearance_fixture.h"

#include <png.h>

#define RESOLUTION 110 /* pixels an inch: type of 10 pt is read with ease */

static bool renew;

/* pictures */

struct pixels {
	unsigned width, height;
	struct buf rgb;
};

static void parse_ppm(const struct buf *file, struct pixels *out)
{
	int used = 0;
	char head[32] = {0};

	memcpy(head, file->data, file->len < sizeof(head) - 1 ? file->len : sizeof(head) - 1);
	assert_int_equal(sscanf(head, "P6 %u %u 255%n", &out->width, &out->height, &used), 2);
	used++;
	assert_int_equal(file->len - (size_t)used, (size_t)out->width * out->height * 3);
	assert_int_equal(
		buf_set(&out->rgb, SPAN(file->data + used, file->len - (size_t)used)), RC_OK);
}

/* A part of a page, in pixels at RESOLUTION. */
struct view {
	int page;
	int x, y, width, height;
};

static void render(const struct buf *pdf, const struct view *view, struct pixels *out)
{
	char numbers[6][16];
	char in[PATH_MAX_HERE];
	char prefix[PATH_MAX_HERE];
	struct buf file = BUF_INIT;
	const int values[6] = {view->page, view->x, view->y, view->width, view->height, RESOLUTION};

	for (size_t i = 0; i < 6; i++)
		snprintf(numbers[i], sizeof(numbers[i]), "%d", values[i]);
	write_file("render.pdf", buf_span(pdf));
	path_of("render.pdf", in);
	path_of("render", prefix);
	run_well((const char *[]){"pdftoppm", "-cropbox", "-singlefile", "-f", numbers[0], "-x",
		numbers[1], "-y", numbers[2], "-W", numbers[3], "-H", numbers[4], "-r", numbers[5],
		in, prefix, NULL});
	read_file("render.ppm", &file);
	parse_ppm(&file, out);
	buf_free(&file);
}

static void reference_path(const char *name, char path[PATH_MAX_HERE])
{
	int len = snprintf(path, PATH_MAX_HERE, RENDER "%s.png", name);
	assert_in_range(len, 1, PATH_MAX_HERE - 1);
}

static void write_reference(const char *name, const struct pixels *pixels)
{
	char path[PATH_MAX_HERE];
	png_image image = {.version = PNG_IMAGE_VERSION,
		.width = pixels->width,
		.height = pixels->height,
		.format = PNG_FORMAT_RGB};

	reference_path(name, path);
	assert_true(png_image_write_to_file(&image, path, 0, pixels->rgb.data, 0, NULL) != 0);
}

static void read_reference(const char *name, struct pixels *pixels)
{
	char path[PATH_MAX_HERE];
	png_image image = {.version = PNG_IMAGE_VERSION};

	reference_path(name, path);
	if (png_image_begin_read_from_file(&image, path) == 0)
		fail_msg("%s: no reference; run with --renew, and look at it", path);
	image.format = PNG_FORMAT_RGB;
	pixels->width = image.width;
	pixels->height = image.height;
	assert_int_equal(buf_reserve(&pixels->rgb, PNG_IMAGE_SIZE(image)), RC_OK);
	assert_true(png_image_finish_read(&image, NULL, pixels->rgb.data, 0, NULL) != 0);
	pixels->rgb.len = PNG_IMAGE_SIZE(image);
}

/* The same renderer gives the same picture. Another version may smooth edges otherwise: by a
 * little, and at edges only. A pixel's shift differs by 11 in the mean, the loss of four tone marks
 * by 0.3 and in 0.2 % of the pixels: both are seen. */
#define MEAN_MAX 0.25	 /* of 255, over all channels */
#define SHARE_MAX 0.0015 /* of the pixels, that differ … */
#define PIXEL_MAX 64	 /* … by more than this in a channel */

struct difference {
	double mean;
	double share;
};

static struct difference compare(const struct pixels *got, const struct pixels *want)
{
	double sum = 0;
	size_t far = 0;

	assert_int_equal(got->width, want->width);
	assert_int_equal(got->height, want->height);
	for (size_t i = 0; i < got->rgb.len; i += 3) {
		int worst = 0;
		for (size_t c = 0; c < 3; c++) {
			int difference = abs(got->rgb.data[i + c] - want->rgb.data[i + c]);
			sum += difference;
			worst = difference > worst ? difference : worst;
		}
		far += worst > PIXEL_MAX ? 1 : 0;
	}
	return (struct difference){
		sum / (double)got->rgb.len, 3.0 * (double)far / (double)got->rgb.len};
}

static void assert_like_reference(const char *name, const struct pixels *got)
{
	struct pixels want = {0};

	if (renew) {
		write_reference(name, got);
		return;
	}
	read_reference(name, &want);
	struct difference difference = compare(got, &want);
	buf_free(&want.rgb);
	if (difference.mean > MEAN_MAX || difference.share > SHARE_MAX)
		fail_msg("%s: mean difference %.2f, %.2f %% of the pixels far off", name,
			difference.mean, 100 * difference.share);
}

static int at_resolution(double points)
{
	return (int)lround(points * RESOLUTION / 72);
}

/* The view around a box given from the top left of the page. */
static struct view around(int page, double x, double y, double width, double height)
{
	const double margin = 12;

	return (struct view){page, at_resolution(fmax(x - margin, 0)),
		at_resolution(fmax(y - margin, 0)), at_resolution(width + 2 * margin),
		at_resolution(height + 2 * margin)};
}

static void assert_renders(const char *name, struct buf *pdf, const struct view *view)
{
	struct pixels pixels = {0};

	render(pdf, view, &pixels);
	assert_like_reference(name, &pixels);
	buf_free(&pixels.rgb);
	assert_signed(pdf, 1, name);
}

static void assert_sample_renders(const char *name, const struct person *person,
	const struct appearance_options *options, const struct view *view)
{
	struct buf pdf = BUF_INIT;

	read_sample(&pdf);
	sign_visible(&pdf, person, options);
	assert_renders(name, &pdf, view);
	buf_free(&pdf);
}

/* tests: one for each kind */

static struct view view_of(const struct appearance_options *options)
{
	return around(1, options->x, options->y, options->width, options->height);
}

static void test_text_alone(void **state)
{
	struct appearance_options options = text_options();
	struct view view = view_of(&options);

	(void)state;
	assert_sample_renders("text", &teacher, &options, &view);
}

static void test_a_picture_stands_between_position_and_name(void **state)
{
	struct appearance_options options = picture_options();
	struct view view = around(1, 300, 410, 240, 110);

	(void)state;
	assert_sample_renders("picture", &teacher, &options, &view);
}

static void test_text_beside_a_picture(void **state)
{
	struct appearance_options options = text_options();
	struct view view = view_of(&options);

	(void)state;
	options.picture = buf_span(&parts.picture);
	assert_sample_renders("both", &teacher, &options, &view);
}

static void test_text_below_a_picture_in_a_high_box(void **state)
{
	struct appearance_options options = text_options();

	(void)state;
	options.picture = buf_span(&parts.picture);
	options.width = 62 * MM;
	options.height = 45 * MM;
	struct view view = view_of(&options);
	assert_sample_renders("below", &teacher, &options, &view);
}

static void test_a_name_without_labels_is_centred_below_its_picture(void **state)
{
	struct appearance_options options = text_options();

	(void)state;
	options.picture = buf_span(&parts.picture);
	options.show = APPEARANCE_NAME | APPEARANCE_BOLD;
	options.font_size = 12;
	options.width = 60 * MM;
	options.height = 38 * MM;
	struct view view = view_of(&options);
	assert_sample_renders("name", &teacher, &options, &view);
}

static void test_a_seal_in_real_size_covers_the_left_third_of_the_picture(void **state)
{
	struct appearance_options options = picture_options();
	struct view view = around(1, 250, 400, 290, 120);

	(void)state;
	options.seal = buf_span(&parts.seal);
	assert_sample_renders("seal", &school, &options, &view);
}

static void test_an_organisation_s_seal_with_text(void **state)
{
	struct appearance_options options = text_options();

	(void)state;
	options.seal = buf_span(&parts.seal);
	options.show &= ~APPEARANCE_EMAIL;
	options.width = 110 * MM;
	options.height = 36 * MM;
	options.x = 70 * MM;
	struct view view = view_of(&options);
	assert_sample_renders("seal-text", &school, &options, &view);
}

/* Pages 2 and 3 hang in a node of their own, from which they inherit. */
static const struct shape three_pages = {"three pages", "/Pages 5 0 R", "",
	{"<< /Type /Pages /Kids [3 0 R 6 0 R] /Count 3 >>",
		"<< /Type /Pages /Parent 5 0 R /Kids [7 0 R 8 0 R] /Count 2 /MediaBox [0 0 420 595] "
		"/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> "
		">> >> >>",
		"<< /Type /Page /Parent 6 0 R >>",
		"<< /Type /Page /Parent 6 0 R /Contents 4 0 R >>"}};

static void test_the_last_page_from_its_lower_right_corner(void **state)
{
	struct appearance_options options = text_options();
	struct buf pdf = BUF_INIT;

	(void)state;
	options.page = APPEARANCE_LAST_PAGE;
	options.corner = APPEARANCE_BOTTOM_RIGHT;
	options.x = 15 * MM;
	options.y = 20 * MM;
	make_pdf(&three_pages, &pdf);
	sign_visible(&pdf, &teacher, &options);
	struct view view = around(3, 420 - 105 * MM, 595 - 50 * MM, 105 * MM, 50 * MM);
	assert_renders("last-page", &pdf, &view);
	buf_free(&pdf);
}

static void test_a_page_that_is_turned_and_cut_shows_it_upright(void **state)
{
	static const char *const pages[] = {
		"/Rotate 90 /CropBox [40 60 500 780]",
		"/Rotate 180 /CropBox [40 60 500 780]",
		"/Rotate -90 /CropBox [500 780 40 60]",
	};
	static const char *const names[] = {"rotated-90", "rotated-180", "rotated-270"};
	struct buf pdf = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		struct shape shape = {"turned", "", pages[i], {NULL}};
		struct appearance_options options = text_options();
		options.picture = buf_span(&parts.picture);
		options.corner = i == 0 ? APPEARANCE_BOTTOM_LEFT : APPEARANCE_TOP_RIGHT;
		options.x = 10 * MM;
		options.y = 10 * MM;
		make_pdf(&shape, &pdf);
		sign_visible(&pdf, &teacher, &options);
		double width = i == 1 ? 460 : 720;
		struct view view = i == 0 ? around(1, 10 * MM, 460 - 40 * MM, 90 * MM, 30 * MM)
					  : around(1, width - 100 * MM, 10 * MM, 90 * MM, 30 * MM);
		assert_renders(names[i], &pdf, &view);
	}
	buf_free(&pdf);
}

static void test_long_names_with_stacked_marks(void **state)
{
	struct appearance_options options = text_options();
	struct view view = view_of(&options);

	(void)state;
	options.picture = buf_span(&parts.picture);
	assert_sample_renders("long", &longest, &options, &view);
}

static void test_a_narrow_box(void **state)
{
	struct appearance_options options = text_options();

	(void)state;
	options.width = 30 * MM;
	options.height = 42 * MM;
	struct view view = view_of(&options);
	assert_sample_renders("narrow", &teacher, &options, &view);
}

static void assert_differs(const struct person *person, const struct appearance_options *options,
	const struct view *view)
{
	struct pixels got = {0};
	struct pixels want = {0};
	struct buf pdf = BUF_INIT;

	read_sample(&pdf);
	sign_visible(&pdf, person, options);
	render(&pdf, view, &got);
	read_reference("text", &want);
	struct difference difference = compare(&got, &want);
	assert_true(difference.mean > MEAN_MAX || difference.share > SHARE_MAX);
	buf_free(&got.rgb);
	buf_free(&want.rgb);
	buf_free(&pdf);
}

static void test_the_comparison_sees_a_pixel_s_shift_and_other_letters(void **state)
{
	struct appearance_options options = text_options();
	struct view view = view_of(&options);
	struct person other = teacher;

	(void)state;
	options.x += 72.0 / RESOLUTION;
	assert_differs(&teacher, &options, &view);
	options.x -= 72.0 / RESOLUTION;
	other.name = "Nguyên Thi Vi Du";
	other.email = "ntvd.thpt.uidu@mau.edu.vn";
	assert_differs(&other, &options, &view);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_alone),
		cmocka_unit_test(test_a_picture_stands_between_position_and_name),
		cmocka_unit_test(test_text_beside_a_picture),
		cmocka_unit_test(test_text_below_a_picture_in_a_high_box),
		cmocka_unit_test(test_a_name_without_labels_is_centred_below_its_picture),
		cmocka_unit_test(test_a_seal_in_real_size_covers_the_left_third_of_the_picture),
		cmocka_unit_test(test_an_organisation_s_seal_with_text),
		cmocka_unit_test(test_the_last_page_from_its_lower_right_corner),
		cmocka_unit_test(test_a_page_that_is_turned_and_cut_shows_it_upright),
		cmocka_unit_test(test_long_names_with_stacked_marks),
		cmocka_unit_test(test_a_narrow_box),
		cmocka_unit_test(test_the_comparison_sees_a_pixel_s_shift_and_other_letters),
	};

	renew = argc == 2 && strcmp(argv[1], "--renew") == 0;
	return cmocka_run_group_tests_name("ades/appearance", tests, setup_parts, teardown_parts);
}
