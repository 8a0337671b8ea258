/*
 * People, pictures and fonts for tests of visible signatures.
 */
#ifndef TESTS_UNIT_APPEARANCE_FIXTURE_H
#define TESTS_UNIT_APPEARANCE_FIXTURE_H

#include "ades_fixture.h"

#include "clients/lib/ades/appearance_internal.h"

#include <math.h>

#define MM APPEARANCE_MM
#define RENDER SOURCE_DIR "/tests/data/render/"
#define FONTS "/usr/share/fonts/truetype/liberation2/LiberationSerif-"

/* what it is made of */

static struct {
	struct buf picture, seal, regular, bold;
} parts;

static inline void read_path(const char *path, struct buf *out)
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

static inline void read_sample(struct buf *pdf)
{
	read_path(SOURCE_DIR "/tests/data/hoc-ba-mau.pdf", pdf);
}

struct person {
	const char *name, *email, *province;
	const char *levels[4]; /* highest first */
};

static const struct person teacher
	__attribute__((unused)) = {"Nguyễn Thị Ví Dụ", "ntvd.thpt.vidu@mau.edu.vn", "Mẫu",
		{"UBND TỈNH MẪU", "Sở Giáo dục và Đào tạo", "Trường THPT Ví Dụ", NULL}};
static const struct person school __attribute__((unused)) = {"Trường Trung học phổ thông Ví Dụ",
	"thpt.vidu@mau.edu.vn", "Mẫu", {"UBND TỈNH MẪU", "Sở Giáo dục và Đào tạo", NULL}};
static const struct person longest
	__attribute__((unused)) = {"Nguyễn Đặng Thuỵ Hoàng Khuyển Ngữ Ẩm Ễnh Phượng Ưởng Thị Ví Dụ",
		"nguyenthuyhoangphuongthividu.gdtx@truongtrunghocphothong.mau.edu.vn", "Mẫu",
		{"UỶ BAN NHÂN DÂN TỈNH MẪU", "Sở Giáo dục, Khoa học và Công nghệ",
			"Trung tâm GDNN – Giáo dục thường xuyên Huyện Ví Dụ",
			"Tổ Ngữ văn và Khoa học xã hội"}};

static inline void add_entry(X509_NAME *name, const char *field, const char *value)
{
	assert_int_equal(X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
				 (const unsigned char *)value, -1, -1, 0),
		1);
}

/* As hsm/sam/profile.c names a subscriber: from the country down to the person. */
static inline void certify_person(const struct person *person, struct identity *out)
{
	char email[128];
	X509 *certificate = X509_new();
	X509_NAME *name = X509_get_subject_name(certificate);
	X509_NAME *issuer = X509_NAME_new();
	unsigned char *der = NULL;
	static long serial = 100; /* NSS takes two of one number for one */

	out->key = EVP_EC_gen("P-256");
	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
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

static inline struct appearance_options text_options(void)
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
static inline struct appearance_options picture_options(void)
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

static inline struct pades_options sign_options(
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

static inline must_check rc_t try_visible(
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

static inline void sign_visible(
	struct buf *pdf, const struct person *person, const struct appearance_options *options)
{
	assert_int_equal(try_visible(pdf, person, options), RC_OK);
}

/* fixtures */

static inline int setup_parts(void **state)
{
	if (setup(state) != 0)
		return -1;
	read_path(RENDER "chu-ky-mau.png", &parts.picture);
	read_path(RENDER "dau-mau.png", &parts.seal);
	read_path(FONTS "Regular.ttf", &parts.regular);
	read_path(FONTS "Bold.ttf", &parts.bold);
	return 0;
}

static inline int teardown_parts(void **state)
{
	buf_free(&parts.picture);
	buf_free(&parts.seal);
	buf_free(&parts.regular);
	buf_free(&parts.bold);
	return teardown(state);
}

#endif
