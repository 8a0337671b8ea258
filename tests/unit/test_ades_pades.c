/* link: ades */
/* PDFs of every shape are signed with keys made here, and judged by other people's programs:
 * pdfsig (poppler, NSS) and qpdf --check. */
#include "clients/lib/ades/pades.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <cmocka.h>

#include <fcntl.h>
#include <openssl/cms.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATH_MAX_HERE 256
#define SIGNED_AT_MS 1780000000000 /* 2026-05-28 20:26:40 UTC */

struct identity {
	EVP_PKEY *key;
	struct buf certificate;
};

static struct {
	char dir[PATH_MAX_HERE];
	struct identity root;
	struct identity rsa;
	struct identity ec;
} fixture;

/* programs */

static void path_of(const char *name, char path[PATH_MAX_HERE])
{
	int len = snprintf(path, PATH_MAX_HERE, "%s/%s", fixture.dir, name);
	assert_in_range(len, 1, PATH_MAX_HERE - 1);
}

/* Exit status; what the program prints goes to out. */
static int run(struct buf *out, const char *const argv[])
{
	int ends[2];
	char chunk[4096];
	int status = 0;

	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		dup2(ends[1], STDOUT_FILENO);
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		setenv("LC_ALL", "C", 1);
		setenv("TZ", "UTC", 1);
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	close(ends[1]);
	for (;;) {
		ssize_t got = read(ends[0], chunk, sizeof(chunk));
		if (got <= 0)
			break;
		assert_int_equal(buf_append(out, chunk, (size_t)got), RC_OK);
	}
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void run_well(const char *const argv[])
{
	struct buf out = BUF_INIT;
	const char *text = NULL;

	int status = run(&out, argv);
	assert_int_equal(buf_string(&out, &text), RC_OK);
	if (status != 0)
		fail_msg("%s ended with %d:\n%s", argv[0], status, text);
	buf_free(&out);
}

static void write_file(const char *name, struct span bytes)
{
	char path[PATH_MAX_HERE];

	path_of(name, path);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes.data, bytes.len), bytes.len);
	close(fd);
}

static void read_file(const char *name, struct buf *out)
{
	char path[PATH_MAX_HERE];
	char chunk[4096];
	size_t got;

	path_of(name, path);
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	buf_clear(out);
	while ((got = fread(chunk, 1, sizeof(chunk), file)) > 0)
		assert_int_equal(buf_append(out, chunk, got), RC_OK);
	fclose(file);
}

/* keys and certificates */

static void add_extension(X509 *certificate, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	assert_non_null(extension);
	assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static void certify(struct identity *subject, const char *name, bool ca, long serial)
{
	X509 *certificate = X509_new();
	X509_NAME *issuer = X509_NAME_new();
	unsigned char *der = NULL;

	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
		(const unsigned char *)name, -1, -1, 0);
	X509_NAME_add_entry_by_txt(
		issuer, "CN", MBSTRING_UTF8, (const unsigned char *)"Ví dụ CA", -1, -1, 0);
	X509_set_issuer_name(certificate, issuer);
	X509_set_pubkey(certificate, subject->key);
	add_extension(certificate, NID_basic_constraints, ca ? "critical,CA:TRUE" : "CA:FALSE");
	add_extension(certificate, NID_key_usage,
		ca ? "critical,keyCertSign" : "critical,nonRepudiation");
	assert_true(X509_sign(certificate, fixture.root.key, EVP_sha256()) > 0);
	int len = i2d_X509(certificate, &der);
	assert_true(len > 0);
	assert_int_equal(buf_append(&subject->certificate, der, (size_t)len), RC_OK);
	OPENSSL_free(der);
	X509_NAME_free(issuer);
	X509_free(certificate);
}

static int setup(void **state)
{
	char database[PATH_MAX_HERE + 8];
	char root[PATH_MAX_HERE];

	(void)state;
	strncpy(fixture.dir, "/tmp/test-ades-XXXXXX", sizeof(fixture.dir) - 1);
	assert_non_null(mkdtemp(fixture.dir));
	fixture.root.key = EVP_EC_gen("P-256");
	fixture.ec.key = EVP_EC_gen("P-256");
	fixture.rsa.key = EVP_RSA_gen(2048);
	certify(&fixture.root, "Ví dụ CA", true, 1);
	certify(&fixture.rsa, "Nguyễn Thị Ví Dụ", false, 2);
	certify(&fixture.ec, "Trần Văn Mẫu", false, 3);

	snprintf(database, sizeof(database), "sql:%s", fixture.dir);
	write_file("root.der", buf_span(&fixture.root.certificate));
	path_of("root.der", root);
	run_well((const char *[]){"certutil", "-N", "-d", database, "--empty-password", NULL});
	run_well((const char *[]){
		"certutil", "-A", "-d", database, "-n", "root", "-t", "CT,C,C", "-i", root, NULL});
	return 0;
}

static void identity_free(struct identity *identity)
{
	EVP_PKEY_free(identity->key);
	buf_free(&identity->certificate);
}

static int teardown(void **state)
{
	(void)state;
	run_well((const char *[]){"rm", "-r", fixture.dir, NULL});
	identity_free(&fixture.root);
	identity_free(&fixture.rsa);
	identity_free(&fixture.ec);
	return 0;
}

/* PDFs */

struct shape {
	const char *name;
	const char *catalog;	/* more entries of the catalog */
	const char *page;	/* more entries of the page */
	const char *objects[4]; /* objects 5, 6 …, NULL ends */
};

static const struct shape plain = {"plain", "", "", {NULL}};

static const struct shape shapes[] = {
	{"no form, no annotations", "", "", {NULL}},
	{"annotations in the page", "", "/Annots [5 0 R]",
		{"<< /Type /Annot /Subtype /Text /Rect [10 10 20 20] /Contents (x) >>", NULL}},
	{"annotations beside the page", "", "/Annots 5 0 R",
		{"[6 0 R]", "<< /Type /Annot /Subtype /Text /Rect [10 10 20 20] /Contents (x) >>",
			NULL}},
	{"form in the catalog", "/AcroForm << /Fields [5 0 R] /DA (/Helv 0 Tf) >>",
		"/Annots [5 0 R]",
		{"<< /Type /Annot /Subtype /Widget /FT /Tx /T (Signature7) /V (\\(\\000) "
		 "/Rect [0 0 9 9] /P 3 0 R >>",
			NULL}},
	{"form beside the catalog", "/AcroForm 5 0 R", "", {"<< /Fields [] /SigFlags 1 >>", NULL}},
	{"fields beside the form", "/AcroForm 5 0 R", "/Annots 7 0 R",
		{"<< /Fields 6 0 R /SigFlags 3 >>", "[]", "[]", NULL}},
	{"fields beside a form in the catalog", "/AcroForm << /Fields 5 0 R >>", "",
		{"[6 0 R]", "<< /FT /Tx /T (A#B) /Kids [] >>", NULL}},
	{"form without fields", "/AcroForm << /A#20B true >>", "", {NULL}},
};

static void put(struct buf *out, const char *text)
{
	assert_int_equal(buf_append_string(out, text), RC_OK);
}

/* A PDF written by hand, with a classic cross-reference table. */
static void make_pdf(const struct shape *shape, struct buf *out)
{
	static const char content[] = "BT /F1 24 Tf 72 700 Td (Hoc ba) Tj ET";
	size_t offsets[16] = {0};
	size_t count = 4;

	buf_clear(out);
	put(out, "%PDF-1.7\n%\xc4\x90\xe1\xba\xa1\n");
	offsets[1] = out->len;
	assert_int_equal(buf_printf(out, "1 0 obj\n<< /Type /Catalog /Pages 2 0 R %s >>\nendobj\n",
				 shape->catalog),
		RC_OK);
	offsets[2] = out->len;
	put(out, "2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n");
	offsets[3] = out->len;
	assert_int_equal(
		buf_printf(out,
			"3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] "
			"/Contents 4 0 R /Resources << /Font << /F1 << /Type /Font /Subtype "
			"/Type1 /BaseFont /Helvetica >> >> >> %s >>\nendobj\n",
			shape->page),
		RC_OK);
	offsets[4] = out->len;
	assert_int_equal(
		buf_printf(out, "4 0 obj\n<< /Length %zu >>\nstream\n%s\nendstream\nendobj\n",
			strlen(content), content),
		RC_OK);
	for (size_t i = 0; i < 4 && shape->objects[i] != NULL; i++) {
		offsets[++count] = out->len;
		assert_int_equal(
			buf_printf(out, "%zu 0 obj\n%s\nendobj\n", count, shape->objects[i]),
			RC_OK);
	}
	size_t xref = out->len;
	assert_int_equal(buf_printf(out, "xref\n0 %zu\n0000000000 65535 f \n", count + 1), RC_OK);
	for (size_t i = 1; i <= count; i++)
		assert_int_equal(buf_printf(out, "%010zu 00000 n \n", offsets[i]), RC_OK);
	assert_int_equal(buf_printf(out,
				 "trailer\n<< /Size %zu /Root 1 0 R /ID [<00ff> <28295c>] >>\n"
				 "startxref\n%zu\n%%%%EOF\n",
				 count + 1, xref),
		RC_OK);
}

static void make_variant(const struct shape *shape, const char *option, struct buf *out)
{
	char in[PATH_MAX_HERE];
	char made[PATH_MAX_HERE];

	make_pdf(shape, out);
	write_file("in.pdf", buf_span(out));
	path_of("in.pdf", in);
	path_of("variant.pdf", made);
	run_well((const char *[]){"qpdf", option, in, made, NULL});
	read_file("variant.pdf", out);
}

/* signing */

static struct pades_options options_for(
	struct identity *identity, enum ades_scheme scheme, enum ades_digest digest)
{
	static struct span chain[1];

	chain[0] = buf_span(&fixture.root.certificate);
	return (struct pades_options){
		.signer = {.certificate = buf_span(&identity->certificate),
			.chain = chain,
			.chain_len = 1,
			.scheme = scheme,
			.digest = digest},
		.signed_at_ms = SIGNED_AT_MS,
		.name = "Nguyễn Thị Ví Dụ",
		.reason = "Ký học bạ (số) \\ 1",
	};
}

static const EVP_MD *md_of(enum ades_digest digest)
{
	if (digest == ADES_SHA256)
		return EVP_sha256();
	return digest == ADES_SHA384 ? EVP_sha384() : EVP_sha512();
}

/* What a signing service does with the digest. */
static void sign_digest(EVP_PKEY *key, enum ades_scheme scheme, enum ades_digest digest,
	struct span to_sign, struct buf *signature)
{
	uint8_t value[512];
	size_t len = sizeof(value);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);

	assert_int_equal(EVP_PKEY_sign_init(context), 1);
	assert_int_equal(EVP_PKEY_CTX_set_signature_md(context, md_of(digest)), 1);
	if (scheme == ADES_RSA_PSS) {
		EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING);
		EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST);
	}
	assert_int_equal(EVP_PKEY_sign(context, value, &len, to_sign.data, to_sign.len), 1);
	assert_int_equal(buf_set(signature, SPAN(value, len)), RC_OK);
	EVP_PKEY_CTX_free(context);
}

/* Signs in place; returns how many signatures there were. */
static size_t sign(struct buf *pdf, struct identity *identity, enum ades_scheme scheme,
	enum ades_digest digest)
{
	struct pades_options options = options_for(identity, scheme, digest);
	struct pades *pades = NULL;
	struct buf signature = BUF_INIT;
	struct buf before = BUF_INIT;

	assert_int_equal(buf_set(&before, buf_span(pdf)), RC_OK);
	assert_int_equal(pades_prepare(buf_span(pdf), &options, &pades), RC_OK);
	size_t earlier = pades_earlier(pades);
	sign_digest(identity->key, scheme, digest, pades_to_sign(pades), &signature);
	assert_int_equal(pades_finish(pades, buf_span(&signature), pdf), RC_OK);
	/* incremental: not one byte of what was there has changed */
	assert_true(pdf->len > before.len);
	assert_memory_equal(pdf->data, before.data, before.len);
	pades_free(&pades);
	buf_free(&signature);
	buf_free(&before);
	return earlier;
}

static size_t occurrences(const char *text, const char *what)
{
	size_t count = 0;

	while ((text = strstr(text, what)) != NULL) {
		count++;
		text += strlen(what);
	}
	return count;
}

struct verdict {
	size_t signatures;
	size_t valid;
	size_t trusted;
	size_t total; /* signatures that cover the whole file */
};

static struct verdict judge(const struct buf *pdf)
{
	char path[PATH_MAX_HERE];
	struct buf out = BUF_INIT;
	const char *text = NULL;

	write_file("signed.pdf", buf_span(pdf));
	path_of("signed.pdf", path);
	run(&out, (const char *[]){"pdfsig", "-nssdir", fixture.dir, path, NULL});
	assert_int_equal(buf_string(&out, &text), RC_OK);
	struct verdict verdict = {
		.signatures = occurrences(text, "Signature #"),
		.valid = occurrences(text, "Signature Validation: Signature is Valid."),
		.trusted = occurrences(text, "Certificate Validation: Certificate is Trusted."),
		.total = occurrences(text, "  - Total document signed"),
	};
	if (getenv("SHOW_PDFSIG") != NULL)
		print_message("%s", text);
	buf_free(&out);
	return verdict;
}

static void assert_signed(const struct buf *pdf, size_t signatures, const char *what)
{
	char path[PATH_MAX_HERE];
	struct buf out = BUF_INIT;
	const char *text = NULL;

	struct verdict verdict = judge(pdf);
	if (verdict.signatures != signatures || verdict.valid != signatures ||
		verdict.trusted != signatures || verdict.total != 1)
		fail_msg("%s: %zu signatures, %zu valid, %zu trusted, %zu over the whole file",
			what, verdict.signatures, verdict.valid, verdict.trusted, verdict.total);
	path_of("signed.pdf", path);
	int status = run(&out, (const char *[]){"qpdf", "--check", path, NULL});
	assert_int_equal(buf_string(&out, &text), RC_OK);
	if (status != 0)
		fail_msg("%s: qpdf --check ended with %d:\n%s", what, status, text);
	buf_free(&out);
}

/* tests */

static void test_every_shape_of_form_and_annotations_is_signed_twice(void **state)
{
	struct buf pdf = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		make_pdf(&shapes[i], &pdf);
		assert_int_equal(sign(&pdf, &fixture.rsa, ADES_RSA_PKCS1, ADES_SHA256), 0);
		assert_signed(&pdf, 1, shapes[i].name);
		assert_int_equal(sign(&pdf, &fixture.ec, ADES_ECDSA, ADES_SHA256), 1);
		assert_signed(&pdf, 2, shapes[i].name);
	}
	buf_free(&pdf);
}

static void test_object_streams_linearized_and_rewritten_files_are_signed_twice(void **state)
{
	static const char *const variants[] = {
		"--object-streams=generate", "--linearize", "--qdf", "--min-version=2.0"};
	struct buf pdf = BUF_INIT;

	(void)state;
	for (size_t v = 0; v < sizeof(variants) / sizeof(variants[0]); v++) {
		for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
			make_variant(&shapes[i], variants[v], &pdf);
			assert_int_equal(sign(&pdf, &fixture.ec, ADES_ECDSA, ADES_SHA256), 0);
			assert_int_equal(sign(&pdf, &fixture.rsa, ADES_RSA_PSS, ADES_SHA256), 1);
			assert_signed(&pdf, 2, variants[v]);
		}
	}
	buf_free(&pdf);
}

static void test_linearized_with_object_streams_is_signed(void **state)
{
	char in[PATH_MAX_HERE];
	char made[PATH_MAX_HERE];
	struct buf pdf = BUF_INIT;

	(void)state;
	make_pdf(&plain, &pdf);
	write_file("in.pdf", buf_span(&pdf));
	path_of("in.pdf", in);
	path_of("variant.pdf", made);
	run_well((const char *[]){
		"qpdf", "--linearize", "--object-streams=generate", in, made, NULL});
	read_file("variant.pdf", &pdf);
	sign(&pdf, &fixture.rsa, ADES_RSA_PKCS1, ADES_SHA256);
	assert_signed(&pdf, 1, "linearized with object streams");
	buf_free(&pdf);
}

static void test_every_scheme_and_digest_is_valid(void **state)
{
	static const struct {
		bool rsa;
		enum ades_scheme scheme;
	} schemes[] = {{true, ADES_RSA_PKCS1}, {true, ADES_RSA_PSS}, {false, ADES_ECDSA}};
	struct buf pdf = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		for (enum ades_digest digest = ADES_SHA256; digest <= ADES_SHA512; digest++) {
			make_pdf(&plain, &pdf);
			sign(&pdf, schemes[i].rsa ? &fixture.rsa : &fixture.ec, schemes[i].scheme,
				digest);
			assert_signed(&pdf, 1, "scheme and digest");
		}
	}
	buf_free(&pdf);
}

/* The CMS of the only signature, out of the hexadecimal between the angle brackets. */
static CMS_ContentInfo *extract_cms(struct buf *pdf)
{
	static uint8_t der[16384];
	const char *text = NULL;

	assert_int_equal(buf_string(pdf, &text), RC_OK);
	const char *at = strstr(text + pdf->len - 40000, "/Contents <");
	assert_non_null(at);
	at += strlen("/Contents <");
	for (size_t i = 0; i < sizeof(der); i++) {
		unsigned byte = 0;
		assert_int_equal(sscanf(at + 2 * i, "%2x", &byte), 1);
		der[i] = (uint8_t)byte;
	}
	const unsigned char *from = der;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &from, sizeof(der));
	assert_non_null(cms);
	return cms;
}

static void test_attributes_are_those_of_pades_baseline(void **state)
{
	struct buf pdf = BUF_INIT;
	const char *text = NULL;

	(void)state;
	make_pdf(&plain, &pdf);
	sign(&pdf, &fixture.rsa, ADES_RSA_PSS, ADES_SHA256);
	sign(&pdf, &fixture.rsa, ADES_RSA_PSS, ADES_SHA256);
	CMS_ContentInfo *cms = extract_cms(&pdf);
	CMS_SignerInfo *signer = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
	X509_ALGOR *algorithm = NULL;

	assert_int_equal(CMS_signed_get_attr_by_NID(signer, NID_pkcs9_signingTime, -1), -1);
	assert_true(CMS_signed_get_attr_by_NID(signer, NID_pkcs9_contentType, -1) >= 0);
	assert_true(CMS_signed_get_attr_by_NID(signer, NID_pkcs9_messageDigest, -1) >= 0);
	assert_true(
		CMS_signed_get_attr_by_NID(signer, NID_id_smime_aa_signingCertificateV2, -1) >= 0);
	assert_int_equal(CMS_signed_get_attr_count(signer), 3);
	assert_int_equal(CMS_is_detached(cms), 1);
	CMS_SignerInfo_get0_algs(signer, NULL, NULL, NULL, &algorithm);
	assert_int_equal(OBJ_obj2nid(algorithm->algorithm), NID_rsassaPss);
	STACK_OF(X509) *certificates = CMS_get1_certs(cms);
	assert_int_equal(sk_X509_num(certificates), 2);
	sk_X509_pop_free(certificates, X509_free);
	CMS_ContentInfo_free(cms);

	assert_int_equal(buf_string(&pdf, &text), RC_OK);
	const char *update = text + pdf.len - 40000;
	assert_non_null(strstr(update, "/SubFilter /ETSI.CAdES.detached"));
	assert_non_null(strstr(update, "/M (D:20260528202640Z)"));
	assert_non_null(strstr(update, "/Rect [ 0 0 0 0 ]"));
	assert_non_null(strstr(update, "/F 132"));
	assert_non_null(strstr(update, "/T (Signature2)"));
	assert_non_null(strstr(text, "/SigFlags 3"));
	buf_free(&pdf);
}

static void test_existing_fields_and_odd_names_survive(void **state)
{
	struct buf pdf = BUF_INIT;
	const char *text = NULL;

	(void)state;
	make_pdf(&shapes[3], &pdf);
	size_t before = pdf.len;
	sign(&pdf, &fixture.ec, ADES_ECDSA, ADES_SHA256);
	assert_int_equal(buf_string(&pdf, &text), RC_OK);
	assert_non_null(strstr(text + before, "/Fields [ 5 0 R 7 0 R ]"));
	assert_non_null(strstr(text + before, "/DA (/Helv 0 Tf)"));
	assert_non_null(strstr(text + before, "/Annots [ 5 0 R 7 0 R ]"));
	/* a name that no other field has */
	assert_non_null(strstr(text + before, "/T (Signature8)"));

	make_pdf(&shapes[7], &pdf);
	before = pdf.len;
	sign(&pdf, &fixture.ec, ADES_ECDSA, ADES_SHA256);
	assert_int_equal(buf_string(&pdf, &text), RC_OK);
	assert_non_null(strstr(text + before, "/A#20B true"));
	buf_free(&pdf);
}

static void test_what_was_signed_is_read_back_from_the_document(void **state)
{
	struct pades_options options = options_for(&fixture.rsa, ADES_RSA_PSS, ADES_SHA384);
	struct pades_summary found[4];
	struct buf pdf = BUF_INIT;
	struct buf signature = BUF_INIT;
	struct pades *pades = NULL;
	size_t count = 0;

	(void)state;
	make_pdf(&plain, &pdf);
	assert_int_equal(pades_list(buf_span(&pdf), found, 4, &count), RC_OK);
	assert_int_equal(count, 0);
	sign(&pdf, &fixture.ec, ADES_ECDSA, ADES_SHA256);
	assert_int_equal(pades_prepare(buf_span(&pdf), &options, &pades), RC_OK);
	sign_digest(fixture.rsa.key, ADES_RSA_PSS, ADES_SHA384, pades_to_sign(pades), &signature);
	assert_int_equal(pades_finish(pades, buf_span(&signature), &pdf), RC_OK);

	assert_int_equal(pades_list(buf_span(&pdf), found, 4, &count), RC_OK);
	assert_int_equal(count, 2);
	assert_string_equal(found[0].signer, "Trần Văn Mẫu");
	assert_int_equal(found[0].digest_len, 32);
	assert_string_equal(found[1].signer, "Nguyễn Thị Ví Dụ");
	assert_int_equal(found[1].digest_len, pades_to_sign(pades).len);
	assert_memory_equal(found[1].digest, pades_to_sign(pades).data, found[1].digest_len);
	pades_free(&pades);
	buf_free(&pdf);
	buf_free(&signature);
}

static void test_a_changed_document_is_not_valid(void **state)
{
	struct buf pdf = BUF_INIT;
	const char *text = NULL;

	(void)state;
	make_pdf(&plain, &pdf);
	sign(&pdf, &fixture.rsa, ADES_RSA_PKCS1, ADES_SHA256);
	assert_int_equal(buf_string(&pdf, &text), RC_OK);
	const char *at = memmem(pdf.data, pdf.len, "(Hoc ba)", 8);
	assert_non_null(at);
	pdf.data[(const uint8_t *)at - pdf.data + 1] = 'h';
	struct verdict verdict = judge(&pdf);
	assert_int_equal(verdict.signatures, 1);
	assert_int_equal(verdict.valid, 0);
	buf_free(&pdf);
}

static rc_t refusal(struct span pdf)
{
	struct pades_options options = options_for(&fixture.ec, ADES_ECDSA, ADES_SHA256);
	struct pades *pades = NULL;

	rc_t rc = pades_prepare(pdf, &options, &pades);
	if (rc == RC_OK)
		pades_free(&pades);
	return rc;
}

static void test_encrypted_files_are_refused_by_name(void **state)
{
	static const char *const users[] = {"", "secret"};
	char in[PATH_MAX_HERE];
	char made[PATH_MAX_HERE];
	struct buf pdf = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		make_pdf(&plain, &pdf);
		write_file("in.pdf", buf_span(&pdf));
		path_of("in.pdf", in);
		path_of("variant.pdf", made);
		run_well((const char *[]){
			"qpdf", "--encrypt", users[i], "owner", "256", "--", in, made, NULL});
		read_file("variant.pdf", &pdf);
		assert_int_equal(refusal(buf_span(&pdf)), RC_PDF_ENCRYPTED);
	}
	buf_free(&pdf);
}

static void test_a_document_certified_as_final_is_refused(void **state)
{
	static const struct shape final = {"final", "/Perms << /DocMDP 5 0 R >>", "",
		{"<< /Type /Sig /Filter /Adobe.PPKLite /Reference [<< /Type /SigRef /TransformMethod "
		 "/DocMDP /TransformParams << /Type /TransformParams /V /1.2 /P 1 >> >>] >>",
			NULL}};
	static const struct shape open_to_signatures = {"open", "/Perms << /DocMDP 5 0 R >>", "",
		{"<< /Type /Sig /Filter /Adobe.PPKLite /Reference [<< /Type /SigRef /TransformMethod "
		 "/DocMDP /TransformParams << /Type /TransformParams /V /1.2 /P 2 >> >>] >>",
			NULL}};
	struct buf pdf = BUF_INIT;

	(void)state;
	make_pdf(&final, &pdf);
	assert_int_equal(refusal(buf_span(&pdf)), RC_PDF_FINAL);
	make_pdf(&open_to_signatures, &pdf);
	assert_int_equal(refusal(buf_span(&pdf)), RC_OK);
	buf_free(&pdf);
}

static void test_damaged_and_absurd_files_are_refused(void **state)
{
	static const struct shape absurd[] = {
		{"form is a number", "/AcroForm 7", "", {NULL}},
		{"fields are a name", "/AcroForm << /Fields /None >>", "", {NULL}},
		{"annotations are a string", "", "/Annots (x)", {NULL}},
		{"pages are a loop", "/Pages 5 0 R", "",
			{"<< /Type /Pages /Kids [5 0 R 5 0 R] /Count 2 >>", NULL}},
		{"no page at all", "/Pages 5 0 R", "",
			{"<< /Type /Pages /Kids [] /Count 0 >>", NULL}},
		{"page inside its parent", "/Pages 5 0 R", "",
			{"<< /Type /Pages /Kids [<< /Type /Page >>] /Count 1 >>", NULL}},
	};
	struct buf pdf = BUF_INIT;
	struct buf changed = BUF_INIT;

	(void)state;
	assert_int_equal(refusal(SPAN_NONE), RC_PDF_DAMAGED);
	assert_int_equal(refusal(span_string("%PDF-")), RC_PDF_DAMAGED);
	assert_int_equal(refusal(span_string("%PDF-1.7\nstartxref\n9\n%%EOF\n")), RC_PDF_DAMAGED);
	for (size_t i = 0; i < sizeof(absurd) / sizeof(absurd[0]); i++) {
		make_pdf(&absurd[i], &pdf);
		if (refusal(buf_span(&pdf)) != RC_PDF_DAMAGED)
			fail_msg("%s: not refused", absurd[i].name);
	}
	make_pdf(&plain, &pdf);
	for (size_t len = 0; len + 8 < pdf.len; len += 7) {
		if (refusal(SPAN(pdf.data, len)) != RC_PDF_DAMAGED)
			fail_msg("cut at %zu: not refused", len);
	}
	/* foreign bytes before the header */
	put(&changed, "MZ\n");
	assert_int_equal(buf_append_span(&changed, buf_span(&pdf)), RC_OK);
	assert_int_equal(refusal(buf_span(&changed)), RC_PDF_DAMAGED);
	buf_free(&pdf);
	buf_free(&changed);
}

static void test_a_wrong_signature_is_not_taken_and_the_right_one_still_is(void **state)
{
	struct pades_options options = options_for(&fixture.rsa, ADES_RSA_PKCS1, ADES_SHA256);
	struct buf pdf = BUF_INIT;
	struct buf out = BUF_INIT;
	struct buf signature = BUF_INIT;
	struct pades *pades = NULL;

	(void)state;
	make_pdf(&plain, &pdf);
	assert_int_equal(pades_prepare(buf_span(&pdf), &options, &pades), RC_OK);
	sign_digest(fixture.rsa.key, ADES_RSA_PSS, ADES_SHA256, pades_to_sign(pades), &signature);
	assert_int_equal(pades_finish(pades, buf_span(&signature), &out), RC_SIGNATURE_BAD);
	sign_digest(fixture.rsa.key, ADES_RSA_PKCS1, ADES_SHA256, pades_to_sign(pades), &signature);
	signature.data[9] ^= 1;
	assert_int_equal(pades_finish(pades, buf_span(&signature), &out), RC_SIGNATURE_BAD);
	assert_int_equal(pades_finish(pades, SPAN_NONE, &out), RC_SIGNATURE_BAD);
	assert_int_equal(out.len, 0);
	signature.data[9] ^= 1;
	assert_int_equal(pades_finish(pades, buf_span(&signature), &out), RC_OK);
	assert_signed(&out, 1, "after wrong signatures");
	pades_free(&pades);
	buf_free(&pdf);
	buf_free(&out);
	buf_free(&signature);
}

static void test_a_scheme_that_does_not_fit_the_key_is_refused(void **state)
{
	struct pades_options options = options_for(&fixture.ec, ADES_RSA_PSS, ADES_SHA256);
	struct buf pdf = BUF_INIT;
	struct pades *pades = NULL;

	(void)state;
	make_pdf(&plain, &pdf);
	assert_int_equal(pades_prepare(buf_span(&pdf), &options, &pades), RC_SIGN_ALGO_INVALID);
	options = options_for(&fixture.rsa, ADES_ECDSA, ADES_SHA256);
	assert_int_equal(pades_prepare(buf_span(&pdf), &options, &pades), RC_SIGN_ALGO_INVALID);
	options.signer.certificate = span_string("no certificate");
	assert_int_equal(pades_prepare(buf_span(&pdf), &options, &pades), RC_FORMAT);
	assert_null(pades);
	buf_free(&pdf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_shape_of_form_and_annotations_is_signed_twice),
		cmocka_unit_test(
			test_object_streams_linearized_and_rewritten_files_are_signed_twice),
		cmocka_unit_test(test_linearized_with_object_streams_is_signed),
		cmocka_unit_test(test_every_scheme_and_digest_is_valid),
		cmocka_unit_test(test_attributes_are_those_of_pades_baseline),
		cmocka_unit_test(test_existing_fields_and_odd_names_survive),
		cmocka_unit_test(test_what_was_signed_is_read_back_from_the_document),
		cmocka_unit_test(test_a_changed_document_is_not_valid),
		cmocka_unit_test(test_encrypted_files_are_refused_by_name),
		cmocka_unit_test(test_a_document_certified_as_final_is_refused),
		cmocka_unit_test(test_damaged_and_absurd_files_are_refused),
		cmocka_unit_test(test_a_wrong_signature_is_not_taken_and_the_right_one_still_is),
		cmocka_unit_test(test_a_scheme_that_does_not_fit_the_key_is_refused),
	};
	return cmocka_run_group_tests_name("ades/pades", tests, setup, teardown);
}
