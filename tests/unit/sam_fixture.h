/*
 * A SoftHSM token of the test's own, made at run time, with service keys, CA, operator; and the
 * three roles of the SAM, called in this process one after another.
 */
#ifndef TESTS_UNIT_SAM_FIXTURE_H
#define TESTS_UNIT_SAM_FIXTURE_H

/* cmocka.h wants these four before it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "hsm/p11/key.h"
#include "hsm/p11/sign.h"
#include "hsm/p11/wrap.h"
#include "hsm/sam/ca.h"
#include "hsm/sam/otp.h"
#include "hsm/sam/sam.h"
#include "hsm/sam/state.h"
#include "hsm/sam/verify.h"
#include "hsm/statement.h"

#include <dirent.h>
#include <fcntl.h>
#include <liboath/oath.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MODULE_PATH "/usr/lib/softhsm/libsofthsm2.so"
#define TOKEN_PIN "73519284"
#define TEST_PIN "hoa sen 4719"
#define UNUSED __attribute__((unused))

static const char fixture_pins[] = TOKEN_PIN;

struct fixture {
	char folder[64];
	char path_pin[96], path_operators[96], path_ca[96], path_spool[96];
	EVP_PKEY *operator_key;
	uint8_t fingerprint[SHA256_LEN];
	int area;
};

static struct fixture fixture;

static void file_put(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(close(fd), 0);
}

/* A token of that label; PKCS#11's own way, so that the test needs no tool. */
static void token_init(struct p11_module *module, const char *label)
{
	CK_FUNCTION_LIST *f = p11_module_functions(module);
	CK_SLOT_ID slots[16];
	CK_ULONG count = 16;
	CK_UTF8CHAR padded[32], *pin = (CK_UTF8CHAR *)(uintptr_t)fixture_pins;
	CK_SESSION_HANDLE session;

	memset(padded, ' ', sizeof(padded));
	memcpy(padded, label, strlen(label));
	assert_int_equal(f->C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
	CK_SLOT_ID slot = slots[count - 1]; /* SoftHSM keeps one blank token, the last */
	assert_int_equal(f->C_InitToken(slot, pin, strlen(TOKEN_PIN), padded), CKR_OK);
	assert_int_equal(
		f->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session),
		CKR_OK);
	assert_int_equal(f->C_Login(session, CKU_SO, pin, strlen(TOKEN_PIN)), CKR_OK);
	assert_int_equal(f->C_InitPIN(session, pin, strlen(TOKEN_PIN)), CKR_OK);
	assert_int_equal(f->C_CloseSession(session), CKR_OK);
	assert_int_equal(f->C_Finalize(NULL), CKR_OK);
	assert_int_equal(f->C_Initialize(NULL), CKR_OK);
}

static X509 *operator_certificate(EVP_PKEY *key, const char *name)
{
	X509 *x509 = X509_new();

	ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
	X509_set_version(x509, 2);
	X509_gmtime_adj(X509_getm_notBefore(x509), -60);
	X509_gmtime_adj(X509_getm_notAfter(x509), 86400);
	X509_set_pubkey(x509, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_UTF8,
		(const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x509, X509_get_subject_name(x509));
	assert_true(X509_sign(x509, key, EVP_sha256()) > 0);
	return x509;
}

static void operator_make(void)
{
	fixture.operator_key = EVP_EC_gen("P-256");
	assert_non_null(fixture.operator_key);
	X509 *x509 = operator_certificate(fixture.operator_key, "Vận hành viên Mẫu");
	FILE *file = fopen(fixture.path_operators, "w");
	assert_non_null(file);
	assert_int_equal(PEM_write_X509(file, x509), 1);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(fixture.path_operators, 0600), 0);
	uint8_t *der = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &der);
	assert_true(len > 0);
	assert_int_equal(digest_sha256(SPAN(der, (size_t)len), fixture.fingerprint), RC_OK);
	OPENSSL_free(der);
	X509_free(x509);
}

static struct p11_session *fixture_session(
	struct p11_module *module, const char *label, enum p11_access access)
{
	struct p11_session *session = NULL;

	assert_int_equal(
		p11_session_open(module, label, fixture.path_pin, access, &session), RC_OK);
	return session;
}

static void keys_init(struct p11_module *module)
{
	struct p11_session *session = fixture_session(module, "keys", P11_WRITE);
	struct ca *ca = NULL;

	for (enum p11_service service = P11_WRAP; service <= P11_SAM; service++)
		assert_int_equal(p11_key_make(session, service, 1), RC_OK);
	p11_session_free(&session);
	session = fixture_session(module, "ca", P11_WRITE);
	assert_int_equal(ca_init(session, "Dịch vụ mẫu", "VN"), RC_OK);
	assert_int_equal(ca_open(session, &ca), RC_OK);
	assert_int_equal(ca_write_certificate(ca, fixture.path_ca), RC_OK);
	ca_free(&ca);
	p11_session_free(&session);
}

static int area_make(void)
{
	int fd = memfd_create("area", 0);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, BUDGET_AREA_SIZE), 0);
	return fd;
}

/* As after a restart of the supervisor. */
static UNUSED void area_reset(void)
{
	assert_int_equal(ftruncate(fixture.area, 0), 0);
	assert_int_equal(ftruncate(fixture.area, BUDGET_AREA_SIZE), 0);
}

static UNUSED int fixture_start(void **state)
{
	struct p11_module *module = NULL;
	char text[256], path[96];

	(void)state;
	log_open("test", getenv("TEST_LOG") != NULL ? LOG_DEBUG : LOG_ERROR + 1);
	snprintf(fixture.folder, sizeof(fixture.folder), "/tmp/rssp-test-XXXXXX");
	assert_non_null(mkdtemp(fixture.folder));
	snprintf(fixture.path_pin, sizeof(fixture.path_pin), "%s/pin", fixture.folder);
	snprintf(fixture.path_operators, sizeof(fixture.path_operators), "%s/operators.pem",
		fixture.folder);
	snprintf(fixture.path_ca, sizeof(fixture.path_ca), "%s/ca.pem", fixture.folder);
	snprintf(fixture.path_spool, sizeof(fixture.path_spool), "%s/spool", fixture.folder);
	assert_int_equal(mkdir(fixture.path_spool, 0700), 0);
	snprintf(path, sizeof(path), "%s/tokens", fixture.folder);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(text, sizeof(text),
		"directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n",
		fixture.folder);
	snprintf(path, sizeof(path), "%s/softhsm2.conf", fixture.folder);
	file_put(path, text, 0600);
	file_put(fixture.path_pin, TOKEN_PIN "\n", 0600);
	assert_int_equal(setenv("SOFTHSM2_CONF", path, 1), 0);
	operator_make();
	assert_int_equal(p11_module_open(MODULE_PATH, &module), RC_OK);
	token_init(module, "keys");
	token_init(module, "ca");
	keys_init(module);
	p11_module_free(&module);
	fixture.area = area_make();
	return 0;
}

static void folder_remove(const char *path)
{
	DIR *folder = opendir(path);
	struct dirent *entry;
	char below[512];

	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
		if (unlink(below) != 0)
			folder_remove(below);
	}
	if (folder != NULL)
		closedir(folder);
	rmdir(path);
}

static UNUSED int fixture_stop(void **state)
{
	(void)state;
	EVP_PKEY_free(fixture.operator_key);
	close(fixture.area);
	folder_remove(fixture.folder);
	return 0;
}

static struct sam_options fixture_options(enum sam_role role)
{
	return (struct sam_options){
		.role = role,
		.module = MODULE_PATH,
		.key_token = "keys",
		.key_pin_file = fixture.path_pin,
		.ca_token = "ca",
		.ca_pin_file = fixture.path_pin,
		.operators_file = fixture.path_operators,
		.ca_certificate = fixture.path_ca,
		.codes_spool = fixture.path_spool,
		.pki_url = "http://127.0.0.1:8081",
		.public_url = "https://127.0.0.1:8443",
		.service_name = "Dịch vụ ký số mẫu",
		.resident_keys = 16,
		.recycle_unwraps = 100000,
		.failures_per_credential = 5,
		.failures_per_hour = 1000,
		.area_fd = fixture.area,
	};
}

/* One at a time: a module is initialised once in a process. */
static UNUSED struct sam *sam_as(enum sam_role role)
{
	struct sam_options options = fixture_options(role);
	struct sam *sam = NULL;

	assert_int_equal(sam_new(&options, &sam), RC_OK);
	return sam;
}

static struct statement_enrol line_sample(void)
{
	return (struct statement_enrol){
		.number = "6f1a5a8e-35a3-4d0c-8a6e-0f5d3c1b2a90",
		.issued_at_ms = clock_wall_ms(),
		.name = "Nguyễn Thị Ví Dụ",
		.birth_date = "1987-07-12",
		.identity_number = "001187012345",
		.identity_place = "Cục Cảnh sát mẫu",
		.identity_date = "2023-01-01",
		.email = "nguyen.vi.du@mau.edu.vn",
		.agency = {"ỦY BAN NHÂN DÂN TỈNH MẪU", "SỞ GIÁO DỤC VÀ ĐÀO TẠO",
			"TRƯỜNG TRUNG HỌC PHỔ THÔNG VÍ DỤ"},
		.province = "Tỉnh Mẫu",
		.position = "Giáo viên",
		.phone = "0912345678",
	};
}

static void operator_sign(EVP_PKEY *key, struct span bytes, struct buf *signature)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t out[128];
	size_t len = sizeof(out);

	assert_int_equal(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key), 1);
	assert_int_equal(EVP_DigestSign(context, out, &len, bytes.data, bytes.len), 1);
	assert_int_equal(buf_set(signature, SPAN(out, len)), RC_OK);
	EVP_MD_CTX_free(context);
}

/* Takes the newest mail out of the spool. */
static void mail_take(struct buf *text)
{
	DIR *folder = opendir(fixture.path_spool);
	struct dirent *entry;
	char path[512];
	size_t found = 0;

	assert_non_null(folder);
	buf_clear(text);
	while ((entry = readdir(folder)) != NULL) {
		if (strstr(entry->d_name, ".eml") == NULL)
			continue;
		struct stat status;
		snprintf(path, sizeof(path), "%s/%s", fixture.path_spool, entry->d_name);
		assert_int_equal(stat(path, &status), 0);
		assert_int_equal(status.st_mode & 0777, 0600);
		assert_int_equal(buf_reserve(text, (size_t)status.st_size + 1), RC_OK);
		int fd = open(path, O_RDONLY);
		assert_int_equal(read(fd, text->data, (size_t)status.st_size), status.st_size);
		close(fd);
		text->len = (size_t)status.st_size;
		assert_int_equal(unlink(path), 0);
		found++;
	}
	closedir(folder);
	assert_int_equal(found, 1);
}

#define CODE_TEXT 24

static void mail_code(struct buf *mail, char code[CODE_TEXT])
{
	const char *text = NULL;

	assert_int_equal(buf_string(mail, &text), RC_OK);
	const char *start = strstr(text, "Mã kích hoạt:\n\n    ");
	assert_non_null(start);
	start += strlen("Mã kích hoạt:\n\n    ");
	memcpy(code, start, CODE_TEXT - 1);
	code[CODE_TEXT - 1] = 0;
}

/* A subscriber from enrolment to the sealed key, as the database would hold it. */
struct person {
	struct statement_enrol line;
	struct buf statement, signature;
	struct job_enrolled enrolled;
	struct id enrolment;
	char code[CODE_TEXT];
	struct id subscriber, credential;
	struct job_activated sealed;
	enum key_kind kind;
	enum scal scal;
	const char *factors;
};

static UNUSED void person_enrol(struct sam *issue, struct person *person)
{
	struct buf mail = BUF_INIT;

	assert_int_equal(statement_enrol_encode(&person->statement, &person->line), RC_OK);
	operator_sign(fixture.operator_key, buf_span(&person->statement), &person->signature);
	assert_int_equal(id_random(&person->enrolment), RC_OK);
	assert_int_equal(id_random(&person->subscriber), RC_OK);
	assert_int_equal(id_random(&person->credential), RC_OK);
	struct job_enrol job = {
		.statement = buf_span(&person->statement),
		.signature = buf_span(&person->signature),
		.enrolment = person->enrolment,
	};
	memcpy(job.operator_fingerprint, fixture.fingerprint, SHA256_LEN);
	assert_int_equal(sam_enrol(issue, &job, &person->enrolled), RC_OK);
	mail_take(&mail);
	mail_code(&mail, person->code);
	buf_free(&mail);
}

static UNUSED struct job_activate person_activation(const struct person *person)
{
	struct job_activate job = {
		.statement = buf_span(&person->statement),
		.signature = buf_span(&person->signature),
		.enrolment = person->enrolment,
		.subscriber = person->subscriber,
		.credential = person->credential,
		.code_mac = SPAN(person->enrolled.code_mac, CODE_MAC_LEN),
		.code_expires_ms = person->enrolled.code_expires_ms,
		.code = span_string(person->code),
		.identity_number = span_string(person->line.identity_number),
		.pin = span_string(TEST_PIN),
		.key = person->kind,
		.factors = person->factors,
		.scal = person->scal,
	};

	memcpy(job.operator_fingerprint, fixture.fingerprint, SHA256_LEN);
	return job;
}

/* Enrols and activates with the role issue, and leaves it. */
static UNUSED struct person *person_new_as(
	enum key_kind kind, enum scal scal, const char *factors, bool pin_only)
{
	struct person *person = calloc(1, sizeof(*person));
	struct sam_options options = fixture_options(SAM_ISSUE);
	struct sam *issue = NULL;

	options.pin_only = pin_only;
	assert_int_equal(sam_new(&options, &issue), RC_OK);
	person->line = line_sample();
	person->kind = kind;
	person->scal = scal;
	person->factors = factors;
	person_enrol(issue, person);
	struct job_activate job = person_activation(person);
	assert_int_equal(sam_activate(issue, &job, &person->sealed), RC_OK);
	sam_free(&issue);
	return person;
}

static UNUSED struct person *person_new(enum key_kind kind)
{
	return person_new_as(kind, SCAL_2, "PIN AND OTP", false);
}

static UNUSED void person_free(struct person *person)
{
	buf_free(&person->statement);
	buf_free(&person->signature);
	job_activated_free(&person->sealed);
	free(person);
}

static UNUSED const char *person_otp(const struct person *person, int step_offset, char code[7])
{
	int64_t step = clock_wall_ms() / 30000 + step_offset;

	assert_int_equal(oath_hotp_generate((const char *)person->sealed.otp_secret.data,
				 person->sealed.otp_secret.len, (uint64_t)step, 6, false,
				 OATH_HOTP_DYNAMIC_TRUNCATION, code),
		OATH_OK);
	return code;
}

/* An authorisation of `count` hashes, right in every part; tests then spoil one. */
struct attempt {
	struct job_authorize job;
	uint8_t hashes[HASHES_MAX * DIGEST_MAX];
	char otp[7];
};

static UNUSED void attempt_make(struct attempt *attempt, const struct person *person,
	enum digest_kind digest, size_t count, int step_offset)
{
	size_t len = digest_algo_by_kind(digest)->len;
	int64_t now_ms = clock_wall_ms();

	*attempt = (struct attempt){0};
	for (size_t i = 0; i < count * len; i++)
		attempt->hashes[i] = (uint8_t)(i / len * 7 + i + 1);
	if (person->sealed.otp_secret.len > 0)
		person_otp(person, step_offset, attempt->otp);
	attempt->job = (struct job_authorize){
		.factors =
			{
				.key =
					{
						.credential = person->credential,
						.subscriber = person->subscriber,
						.slot = 0,
						.scal = person->scal,
						.factors = person->factors,
						.kdf = person->sealed.kdf,
						.generation = person->sealed.generation,
						.salt = buf_span(&person->sealed.salt),
						.key_seal = buf_span(&person->sealed.key_seal),
						.otp_seal = buf_span(&person->sealed.otp_seal),
					},
				.certificate = buf_span(&person->sealed.certificate),
				.pin = span_string(TEST_PIN),
				.otp = span_string(attempt->otp),
				.last_step = -1,
			},
		.terms =
			{
				.credential = person->credential,
				.subscriber = person->subscriber,
				.client = person->enrolment, /* any id */
				.scal = person->scal,
				.digest = digest,
				.hashes = SPAN(
					attempt->hashes, person->scal == SCAL_2 ? count * len : 0),
				.hash_count = count,
				.start_ms = now_ms,
				.end_ms = now_ms + 600000,
			},
	};
	assert_int_equal(digest_sha256(buf_span(&person->sealed.certificate),
				 attempt->job.terms.certificate_sha256),
		RC_OK);
}

/* What signs the first `count` hashes of an authorisation. */
static UNUSED struct job_sign signing_of(const struct attempt *attempt,
	const struct job_authorized *sad, enum scheme_kind scheme, const uint32_t *indices,
	size_t count)
{
	return (struct job_sign){
		.terms = attempt->job.terms,
		.certificate = attempt->job.factors.certificate,
		.secret = buf_span(&sad->secret),
		.seal = buf_span(&sad->seal),
		.scheme = scheme,
		.salt_len = scheme == SCHEME_RSA_PSS
				    ? digest_algo_by_kind(attempt->job.terms.digest)->len
				    : 0,
		.indices = indices,
		.index_count = count,
	};
}

static const uint32_t in_order[8] UNUSED = {0, 1, 2, 3, 4, 5, 6, 7};

#endif
