#include "hsm/sam/ca_object.h"

#include "base/clock.h"
#include "base/log.h"
#include "hsm/p11/key.h"
#include "hsm/p11/public.h"
#include "hsm/sam/ca.h"
#include "hsm/sam/x509.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CERTIFICATE_MAX 8192
#define CA_DAYS 3652

static void id_encode(uint64_t generation, uint8_t id[8])
{
	for (size_t i = 0; i < 8; i++)
		id[i] = (uint8_t)(generation >> (56 - 8 * i));
}

/* The only object of that class and label; RC_TOKEN_ATTRIBUTES if there are none or several. */
static rc_t object_find(
	struct p11_session *session, CK_OBJECT_CLASS class, CK_OBJECT_HANDLE *object)
{
	CK_FUNCTION_LIST *f = p11_session_functions(session);
	CK_SESSION_HANDLE handle = p11_session_handle(session);
	const char *label = p11_key_label(P11_CA);
	CK_ATTRIBUTE template[] = {
		{CKA_CLASS, &class, sizeof(class)},
		{CKA_LABEL, (void *)label, strlen(label)},
	};
	CK_OBJECT_HANDLE found[2];
	CK_ULONG count = 0;

	rc_t rc = p11_rc("C_FindObjectsInit", f->C_FindObjectsInit(handle, template, 2));
	if (rc != RC_OK)
		return rc;
	rc = p11_rc("C_FindObjects", f->C_FindObjects(handle, found, 2, &count));
	f->C_FindObjectsFinal(handle);
	if (rc == RC_OK && count != 1)
		rc = RC_TOKEN_ATTRIBUTES;
	if (rc == RC_OK)
		*object = found[0];
	return rc;
}

rc_t ca_object_read(struct p11_session *session, X509 **certificate)
{
	CK_OBJECT_HANDLE object;
	uint8_t der[CERTIFICATE_MAX];
	CK_ATTRIBUTE value = {CKA_VALUE, der, sizeof(der)};
	rc_t rc = object_find(session, CKO_CERTIFICATE, &object);

	if (rc == RC_OK)
		rc = p11_rc("C_GetAttributeValue",
			p11_session_functions(session)->C_GetAttributeValue(
				p11_session_handle(session), object, &value, 1));
	if (rc != RC_OK)
		return rc;
	const uint8_t *at = der;
	X509 *parsed = d2i_X509(NULL, &at, (long)value.ulValueLen);
	if (parsed == NULL)
		return RC_TOKEN_ATTRIBUTES;
	*certificate = parsed;
	return RC_OK;
}

rc_t ca_object_store(struct p11_session *session, uint64_t generation, struct span der)
{
	CK_OBJECT_CLASS class = CKO_CERTIFICATE;
	CK_CERTIFICATE_TYPE type = CKC_X_509;
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	const char *label = p11_key_label(P11_CA);
	const uint8_t *at = der.data;
	uint8_t id[8], *subject = NULL;
	CK_OBJECT_HANDLE made;

	X509 *x509 = d2i_X509(NULL, &at, (long)der.len);
	int len = x509 == NULL ? -1 : i2d_X509_NAME(X509_get_subject_name(x509), &subject);
	X509_free(x509);
	if (len <= 0)
		return RC_CRYPTO;
	id_encode(generation, id);
	CK_ATTRIBUTE template[] = {
		{CKA_CLASS, &class, sizeof(class)},
		{CKA_CERTIFICATE_TYPE, &type, sizeof(type)},
		{CKA_TOKEN, &yes, sizeof(yes)},
		{CKA_PRIVATE, &no, sizeof(no)},
		{CKA_MODIFIABLE, &no, sizeof(no)},
		{CKA_LABEL, (void *)label, strlen(label)},
		{CKA_ID, id, sizeof(id)},
		{CKA_SUBJECT, subject, (CK_ULONG)len},
		{CKA_VALUE, (void *)der.data, der.len},
	};
	rc_t rc = p11_rc("C_CreateObject",
		p11_session_functions(session)->C_CreateObject(p11_session_handle(session),
			template, sizeof(template) / sizeof(template[0]), &made));
	OPENSSL_free(subject);
	return rc;
}

rc_t ca_object_public(struct p11_session *session, EVP_PKEY **public_key)
{
	CK_OBJECT_HANDLE object;
	rc_t rc = object_find(session, CKO_PUBLIC_KEY, &object);

	return rc != RC_OK ? rc : p11_public_read(session, object, KEY_RSA_3072, public_key);
}

static rc_t ca_fill(X509 *x509, EVP_PKEY *public_key, const char *service_name, const char *country)
{
	X509_NAME *name = X509_get_subject_name(x509);
	int64_t now_ms = clock_wall_ms();
	char common[256];

	snprintf(common, sizeof(common), "%s CA", service_name);
	rc_t rc = x509_start(x509, public_key, now_ms - 60000, now_ms + CA_DAYS * 86400000LL);
	if (rc == RC_OK)
		rc = x509_name_add(name, NID_countryName, country, 2);
	if (rc == RC_OK)
		rc = x509_name_add(name, NID_organizationName, service_name, X509_TEXT_MAX);
	if (rc == RC_OK)
		rc = x509_name_add(name, NID_commonName, common, X509_TEXT_MAX);
	if (rc == RC_OK && X509_set_issuer_name(x509, name) != 1)
		rc = RC_CRYPTO;
	if (rc == RC_OK)
		rc = x509_extend(x509, x509, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
	if (rc == RC_OK)
		rc = x509_extend(x509, x509, NID_key_usage, "critical,keyCertSign,cRLSign");
	if (rc == RC_OK)
		rc = x509_extend(x509, x509, NID_subject_key_identifier, "hash");
	return rc;
}

rc_t ca_object_build(
	EVP_PKEY *public_key, const char *service_name, const char *country, X509 **certificate)
{
	X509 *made = X509_new();

	if (made == NULL)
		return RC_NO_MEMORY;
	rc_t rc = ca_fill(made, public_key, service_name, country);
	if (rc != RC_OK) {
		X509_free(made);
		return rc;
	}
	*certificate = made;
	return RC_OK;
}

static rc_t file_write(const char *path, const X509 *certificate)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

	if (file == NULL) {
		if (fd >= 0)
			close(fd);
		return RC_SYSTEM;
	}
	bool good = PEM_write_X509(file, (X509 *)certificate) == 1 && fflush(file) == 0 &&
		    fsync(fd) == 0;
	good = fclose(file) == 0 && good;
	return good ? RC_OK : RC_SYSTEM;
}

rc_t ca_write_certificate(const struct ca *ca, const char *path)
{
	struct buf beside = BUF_INIT;
	const char *temporary = NULL;

	rc_t rc = buf_printf(&beside, "%s.%ld.new", path, (long)getpid());
	if (rc == RC_OK)
		rc = buf_string(&beside, &temporary);
	if (rc == RC_OK)
		rc = file_write(temporary, ca_certificate(ca));
	if (rc == RC_OK && rename(temporary, path) != 0)
		rc = RC_SYSTEM;
	if (rc == RC_SYSTEM)
		log_error("ca: certificate not written path=\"%s\" error=\"%s\"", path,
			strerror(errno));
	buf_free(&beside);
	return rc;
}
