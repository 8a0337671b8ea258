/*
 * Keys and certificates made at run time, PDFs of every shape written by hand, and other people's
 * programs that judge what was signed: pdfsig (poppler, NSS) and qpdf --check.
 */
#ifndef TESTS_UNIT_ADES_FIXTURE_H
#define TESTS_UNIT_ADES_FIXTURE_H

/* cmocka.h wants these before it */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <cmocka.h>

#include "clients/lib/ades/pades.h"

#include <fcntl.h>
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

static inline void path_of(const char *name, char path[PATH_MAX_HERE])
{
	int len = snprintf(path, PATH_MAX_HERE, "%s/%s", fixture.dir, name);
	assert_in_range(len, 1, PATH_MAX_HERE - 1);
}

/* Exit status; what the program prints goes to out. */
static inline int run(struct buf *out, const char *const argv[])
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

static inline void run_well(const char *const argv[])
{
	struct buf out = BUF_INIT;
	const char *text = NULL;

	int status = run(&out, argv);
	assert_int_equal(buf_string(&out, &text), RC_OK);
	if (status != 0)
		fail_msg("%s ended with %d:\n%s", argv[0], status, text);
	buf_free(&out);
}

static inline void write_file(const char *name, struct span bytes)
{
	char path[PATH_MAX_HERE];

	path_of(name, path);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes.data, bytes.len), bytes.len);
	close(fd);
}

static inline void read_file(const char *name, struct buf *out)
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

static inline void add_extension(X509 *certificate, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	assert_non_null(extension);
	assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static inline void certify(struct identity *subject, const char *name, bool ca, long serial)
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

static inline int setup(void **state)
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

static inline void identity_free(struct identity *identity)
{
	EVP_PKEY_free(identity->key);
	buf_free(&identity->certificate);
}

static inline int teardown(void **state)
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

static const struct shape plain __attribute__((unused)) = {"plain", "", "", {NULL}};

static inline void put(struct buf *out, const char *text)
{
	assert_int_equal(buf_append_string(out, text), RC_OK);
}

/* A PDF written by hand, with a classic cross-reference table. */
static inline void make_pdf(const struct shape *shape, struct buf *out)
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

static inline void make_variant(const struct shape *shape, const char *option, struct buf *out)
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

static inline struct pades_options options_for(
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

static inline const EVP_MD *md_of(enum ades_digest digest)
{
	if (digest == ADES_SHA256)
		return EVP_sha256();
	return digest == ADES_SHA384 ? EVP_sha384() : EVP_sha512();
}

/* What a signing service does with the digest. */
static inline void sign_digest(EVP_PKEY *key, enum ades_scheme scheme, enum ades_digest digest,
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
static inline size_t sign(struct buf *pdf, struct identity *identity, enum ades_scheme scheme,
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

static inline size_t occurrences(const char *text, const char *what)
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

static inline struct verdict judge(const struct buf *pdf)
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

static inline void assert_signed(const struct buf *pdf, size_t signatures, const char *what)
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

#endif
