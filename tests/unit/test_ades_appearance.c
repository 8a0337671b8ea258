/* link: ades */
/* Visible signatures are rendered by pdftoppm (poppler) and compared with pictures that a person
 * has looked at: tests/data/render. `test_ades_appearance --renew` writes these anew; look at them.
 */
#include "ades_fixture.h"

#include "clients/lib/ades/picture.h"

#include <math.h>
#include <png.h>

#define MM APPEARANCE_MM
#define RENDER SOURCE_DIR "/tests/data/render/"
#define FONTS "/usr/share/fonts/truetype/liberation2/LiberationSerif-"
#define RESOLUTION 110 /* pixels an inch: type of 10 pt is read with ease */

static bool renew;

/* what it is made of */

static struct {
	struct buf picture, seal, regular, bold;
} parts;

static void read_path(const char *path, struct buf *out)
{
	char chunk[4096];
	size_t got;

	FILE *file = fopen(path, "rb");
	if (file == NULL)
		fail_msg("%s does not open", path);
	buf_clear(out);
	while ((got = fread(chunk, 1, sizeof(chunk), file)) > 0)
		assert_int_equal(buf_append(out, chunk, got), RC_OK);
	fclose(file);
}

struct person {
	const char *name, *email, *province;
	const char *levels[4]; /* highest first */
};

static const struct person teacher = {"Nguyễn Thị Ví Dụ", "ntvd.thpt.vidu@mau.edu.vn", "Mẫu",
	{"UBND TỈNH MẪU", "Sở Giáo dục và Đào tạo", "Trường THPT Ví Dụ", NULL}};
static const struct person school = {"Trường Trung học phổ thông Ví Dụ", "thpt.vidu@mau.edu.vn",
	"Mẫu", {"UBND TỈNH MẪU", "Sở Giáo dục và Đào tạo", NULL}};
static const struct person longest = {
	"Nguyễn Đặng Thuỵ Hoàng Khuyển Ngữ Ẩm Ễnh Phượng Ưởng Thị Ví Dụ",
	"nguyenthuyhoangphuongthividu.gdtx@truongtrunghocphothong.mau.edu.vn", "Mẫu",
	{"UỶ BAN NHÂN DÂN TỈNH MẪU", "Sở Giáo dục, Khoa học và Công nghệ",
		"Trung tâm GDNN – Giáo dục thường xuyên Huyện Ví Dụ",
		"Tổ Ngữ văn và Khoa học xã hội"}};

static void add_entry(X509_NAME *name, const char *field, const char *value)
{
	assert_int_equal(X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
				 (const unsigned char *)value, -1, -1, 0),
		1);
}

/* As hsm/sam/profile.c names a subscriber: from the country down to the person. */
static void certify_person(const struct person *person, struct identity *out)
{
	char email[128];
	X509 *certificate = X509_new();
	X509_NAME *name = X509_get_subject_name(certificate);
	X509_NAME *issuer = X509_NAME_new();
	unsigned char *der = NULL;

	out->key = EVP_EC_gen("P-256");
	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 77);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
	add_entry(name, "C", "VN");
	add_entry(name, "O", person->levels[0]);
	for (size_t i = 1; i < 4 && person->levels[i] != NULL; i++)
		add_entry(name, "OU", person->levels[i]);
	add_entry(name, "L", person->province);
	add_entry(name, "CN", person->name);
	add_entry(issuer, "CN", "Ví dụ CA");
	X509_set_issuer_name(certificate, issuer);
	X509_set_pubkey(certificate, out->key);
	snprintf(email, sizeof(email), "email:%s", person->email);
	add_extension(certificate, NID_subject_alt_name, email);
	add_extension(certificate, NID_key_usage, "critical,nonRepudiation");
	assert_true(X509_sign(certificate, fixture.root.key, EVP_sha256()) > 0);
	int len = i2d_X509(certificate, &der);
	assert_true(len > 0);
	assert_int_equal(buf_set(&out->certificate, SPAN(der, (size_t)len)), RC_OK);
	OPENSSL_free(der);
	X509_NAME_free(issuer);
	X509_free(certificate);
}

#define ALL_LINES                                                                   \
	(APPEARANCE_NAME | APPEARANCE_EMAIL | APPEARANCE_AGENCY | APPEARANCE_TIME | \
		APPEARANCE_LABELS | APPEARANCE_BOLD)

static struct appearance_options text_options(void)
{
	return (struct appearance_options){
		.font = buf_span(&parts.regular),
		.bold_font = buf_span(&parts.bold),
		.show = ALL_LINES,
		.page = 1,
		.corner = APPEARANCE_TOP_LEFT,
		.x = 90 * MM,
		.y = 185 * MM,
		.width = 90 * MM,
		.height = 30 * MM,
		.font_size = 10,
	};
}

/* Between the position and the name of the sample document. */
static struct appearance_options picture_options(void)
{
	return (struct appearance_options){
		.picture = buf_span(&parts.picture),
		.page = 1,
		.corner = APPEARANCE_TOP_LEFT,
		.x = 340,
		.y = 434,
		.width = 160,
		.height = 52,
		.font_size = 10,
	};
}

static struct pades_options sign_options(
	const struct identity *identity, const struct appearance *appearance)
{
	return (struct pades_options){
		.signer = {.certificate = buf_span(&identity->certificate),
			.scheme = ADES_ECDSA,
			.digest = ADES_SHA256},
		.signed_at_ms = SIGNED_AT_MS,
		.appearance = appearance,
	};
}

static rc_t try_visible(
	struct buf *pdf, const struct person *person, const struct appearance_options *options)
{
	struct identity identity = {0};
	struct appearance *appearance = NULL;
	struct pades *pades = NULL;
	struct buf signature = BUF_INIT;

	certify_person(person, &identity);
	rc_t rc = appearance_new(options, NULL, &appearance);
	if (rc == RC_OK) {
		struct pades_options how = sign_options(&identity, appearance);
		rc = pades_prepare(buf_span(pdf), &how, &pades);
	}
	if (rc == RC_OK) {
		sign_digest(
			identity.key, ADES_ECDSA, ADES_SHA256, pades_to_sign(pades), &signature);
		rc = pades_finish(pades, buf_span(&signature), pdf);
	}
	pades_free(&pades);
	appearance_free(&appearance);
	identity_free(&identity);
	buf_free(&signature);
	return rc;
}

static void sign_visible(
	struct buf *pdf, const struct person *person, const struct appearance_options *options)
{
	assert_int_equal(try_visible(pdf, person, options), RC_OK);
}

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

/* Another version of the renderer smooths edges otherwise: by a little, and at edges only. Moved by
 * a pixel, or with another glyph, a picture differs in more places and by more. */
#define MEAN_MAX 1.5	/* of 255, over all channels */
#define SHARE_MAX 0.015 /* of the pixels, that differ … */
#define PIXEL_MAX 64	/* … by more than this in a channel */

static void assert_like_reference(const char *name, const struct pixels *got)
{
	struct pixels want = {0};
	double sum = 0;
	size_t far = 0;

	if (renew) {
		write_reference(name, got);
		return;
	}
	read_reference(name, &want);
	assert_int_equal(got->width, want.width);
	assert_int_equal(got->height, want.height);
	for (size_t i = 0; i < got->rgb.len; i += 3) {
		int worst = 0;
		for (size_t c = 0; c < 3; c++) {
			int difference = abs(got->rgb.data[i + c] - want.rgb.data[i + c]);
			sum += difference;
			worst = difference > worst ? difference : worst;
		}
		far += worst > PIXEL_MAX ? 1 : 0;
	}
	double mean = sum / (double)got->rgb.len;
	double share = 3.0 * (double)far / (double)got->rgb.len;
	buf_free(&want.rgb);
	if (mean > MEAN_MAX || share > SHARE_MAX)
		fail_msg("%s: mean difference %.2f, %.2f %% of the pixels far off", name, mean,
			100 * share);
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

static void read_sample(struct buf *pdf)
{
	read_path(SOURCE_DIR "/tests/data/hoc-ba-mau.pdf", pdf);
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

/* fixtures */

static int setup_parts(void **state)
{
	if (setup(state) != 0)
		return -1;
	read_path(RENDER "chu-ky-mau.png", &parts.picture);
	read_path(RENDER "dau-mau.png", &parts.seal);
	read_path(FONTS "Regular.ttf", &parts.regular);
	read_path(FONTS "Bold.ttf", &parts.bold);
	return 0;
}

static int teardown_parts(void **state)
{
	buf_free(&parts.picture);
	buf_free(&parts.seal);
	buf_free(&parts.regular);
	buf_free(&parts.bold);
	return teardown(state);
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
	};

	renew = argc == 2 && strcmp(argv[1], "--renew") == 0;
	return cmocka_run_group_tests_name("ades/appearance", tests, setup_parts, teardown_parts);
}
