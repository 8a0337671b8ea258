#include "hsm/statement.h"

#include "base/clock.h"
#include "base/log.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define OPERATORS_MAX 1000

struct operator_key {
	struct operator_entry entry;
	X509 *certificate;
};

struct operators {
	struct operator_key *keys;
	size_t count;
};

/* ---- one certificate ---- */

static const char *operator_read_name(X509 *certificate, struct operator_entry *entry)
{
	X509_NAME *subject = X509_get_subject_name(certificate);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	unsigned char *text = NULL;
	const char *fault = NULL;

	if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0)
		return "it must have exactly one common name (CN)";
	int len = ASN1_STRING_to_UTF8(
		&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
	if (len <= 0 || (size_t)len >= sizeof(entry->name) ||
		memchr(text, 0, (size_t)len) != NULL) {
		fault = "its common name is empty or too long (63 bytes at most)";
	} else {
		memcpy(entry->name, text, (size_t)len);
		entry->name[len] = 0;
	}
	OPENSSL_free(text);
	return fault;
}

static const char *operator_read_key(X509 *certificate, struct operator_entry *entry)
{
	EVP_PKEY *key = X509_get0_pubkey(certificate);
	unsigned char *der = NULL;
	const char *fault = NULL;
	char group[32];

	if (key == NULL || EVP_PKEY_get_base_id(key) != EVP_PKEY_EC ||
		EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) != 1 ||
		strcmp(group, SN_X9_62_prime256v1) != 0)
		return "its key is not on the curve P-256";
	if (X509_verify(certificate, key) != 1)
		return "it is not signed with its own key";
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
	if (len <= 0 || digest_sha256(SPAN(der, (size_t)len), entry->fingerprint) != RC_OK)
		fault = "its key cannot be read";
	OPENSSL_free(der);
	return fault;
}

/* Takes the certificate over when it returns NULL; otherwise says what is wrong with it. */
static const char *operators_add(struct operators *operators, X509 *certificate)
{
	struct operator_key fresh = {.certificate = certificate};
	const char *fault = operator_read_name(certificate, &fresh.entry);

	if (fault == NULL)
		fault = operator_read_key(certificate, &fresh.entry);
	if (fault != NULL)
		return fault;
	if (operators_find(operators, fresh.entry.fingerprint) != NULL)
		return "its key stands in the file already";
	if (operators->count == OPERATORS_MAX)
		return "there are too many";
	struct operator_key *keys =
		reallocarray(operators->keys, operators->count + 1, sizeof(*keys));
	if (keys == NULL)
		return "there is no memory for it";
	operators->keys = keys;
	keys[operators->count++] = fresh;
	return NULL;
}

/* ---- the file ---- */

static rc_t operators_open(const char *path, FILE **file)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0) {
		log_error("operators: cannot open file=\"%s\" error=\"%s\"", path, strerror(errno));
		return RC_CONFIG;
	}
	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || (status.st_mode & 022) != 0 ||
		(status.st_uid != 0 && status.st_uid != geteuid())) {
		log_error(
			"operators: file=\"%s\" must be a plain file of root or of this user that "
			"nobody else can write (chmod go-w)",
			path);
		close(fd);
		return RC_CONFIG;
	}
	*file = fdopen(fd, "r");
	if (*file == NULL) {
		close(fd);
		return RC_NO_MEMORY;
	}
	return RC_OK;
}

static rc_t operators_read(struct operators *operators, FILE *file, const char *path)
{
	for (;;) {
		X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
		if (certificate == NULL)
			break;
		const char *fault = operators_add(operators, certificate);
		if (fault != NULL) {
			X509_free(certificate);
			log_error("operators: certificate number=%zu of file=\"%s\" is refused: %s",
				operators->count + 1, path, fault);
			return RC_CONFIG;
		}
	}
	unsigned long error = ERR_peek_last_error();
	bool end = ERR_GET_LIB(error) == ERR_LIB_PEM &&
		   ERR_GET_REASON(error) == PEM_R_NO_START_LINE && feof(file);
	ERR_clear_error();
	if (!end || (operators->count == 0 && ftell(file) > 0)) {
		log_error("operators: after certificate number=%zu file=\"%s\" is not a list of "
			  "certificates in PEM form",
			operators->count, path);
		return RC_CONFIG;
	}
	return RC_OK;
}

rc_t operators_load(struct operators **operators, const char *path)
{
	struct operators *fresh = NULL;
	FILE *file = NULL;

	ERR_clear_error();
	rc_t rc = operators_open(path, &file);
	if (rc != RC_OK)
		goto out;
	fresh = calloc(1, sizeof(*fresh));
	rc = fresh == NULL ? RC_NO_MEMORY : operators_read(fresh, file, path);
	if (rc != RC_OK)
		goto out;
	*operators = fresh;
	fresh = NULL;
out:
	if (file != NULL)
		fclose(file);
	operators_free(&fresh);
	return rc;
}

void operators_free(struct operators **operators)
{
	if (*operators == NULL)
		return;
	for (size_t i = 0; i < (*operators)->count; i++)
		X509_free((*operators)->keys[i].certificate);
	free((*operators)->keys);
	free(*operators);
	*operators = NULL;
}

int64_t operators_expire_ms(const struct operators *operators)
{
	int64_t first_ms = 0;

	for (size_t i = 0; i < operators->count; i++) {
		struct tm utc = {0};
		if (ASN1_TIME_to_tm(X509_get0_notAfter(operators->keys[i].certificate), &utc) != 1)
			continue;
		int64_t end_ms = (int64_t)timegm(&utc) * 1000;
		if (first_ms == 0 || end_ms < first_ms)
			first_ms = end_ms;
	}
	return first_ms;
}

/* ---- who signed ---- */

static const struct operator_key *operators_find_key(
	const struct operators *operators, const uint8_t fingerprint[SHA256_LEN])
{
	for (size_t i = 0; i < operators->count; i++) {
		if (memcmp(operators->keys[i].entry.fingerprint, fingerprint, SHA256_LEN) == 0)
			return &operators->keys[i];
	}
	return NULL;
}

const struct operator_entry *operators_find(
	const struct operators *operators, const uint8_t fingerprint[SHA256_LEN])
{
	const struct operator_key *key = operators_find_key(operators, fingerprint);

	return key == NULL ? NULL : &key->entry;
}

static bool operator_valid_now(const X509 *certificate)
{
	time_t now = (time_t)(clock_wall_ms() / 1000);

	return X509_cmp_time(X509_get0_notBefore(certificate), &now) < 0 &&
	       X509_cmp_time(X509_get0_notAfter(certificate), &now) > 0;
}

rc_t operators_verify(const struct operators *operators, const uint8_t fingerprint[SHA256_LEN],
	struct span statement, struct span signature)
{
	const struct operator_key *key = operators_find_key(operators, fingerprint);
	rc_t rc = RC_STATEMENT_INVALID;
	EVP_MD_CTX *context = NULL;

	if (key == NULL || !operator_valid_now(key->certificate) || statement.len == 0 ||
		statement.len > STATEMENT_MAX || signature.len == 0)
		goto out;
	context = EVP_MD_CTX_new();
	if (context == NULL) {
		rc = RC_NO_MEMORY;
		goto out;
	}
	EVP_PKEY *public = X509_get0_pubkey(key->certificate);
	if (EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, public) == 1 &&
		EVP_DigestVerify(
			context, signature.data, signature.len, statement.data, statement.len) == 1)
		rc = RC_OK;
out:
	EVP_MD_CTX_free(context);
	ERR_clear_error(); /* what a stranger's bytes left there is not our next caller's error */
	return rc;
}
