/* The words of an appearance: from the signer's certificate and the time. */
#include "clients/lib/ades/appearance_internal.h"

#include "clients/lib/ades/name.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <utf8proc.h>

#define LINE_MAX_LEN 1024
#define VIETNAM_S (7 * 3600) /* Decree 30/2020: Vietnamese time, as in ISO 8601 */
#define CERTIFICATE_MAX 65536

/* What a reader does not see, or what turns the direction of writing, has no place in a name. */
static bool is_seen(utf8proc_int32_t c)
{
	switch (utf8proc_category(c)) {
	case UTF8PROC_CATEGORY_CF:
	case UTF8PROC_CATEGORY_CS:
	case UTF8PROC_CATEGORY_CO:
	case UTF8PROC_CATEGORY_CN:
		return false;
	default:
		return true;
	}
}

static bool is_space(utf8proc_int32_t c)
{
	switch (utf8proc_category(c)) {
	case UTF8PROC_CATEGORY_CC:
	case UTF8PROC_CATEGORY_ZS:
	case UTF8PROC_CATEGORY_ZL:
	case UTF8PROC_CATEGORY_ZP:
		return true;
	default:
		return false;
	}
}

/* One line: white space is single, and not at the ends. */
static rc_t put_clean(struct buf *out, struct span text)
{
	bool gap = false;
	rc_t rc = RC_OK;

	while (rc == RC_OK && text.len > 0) {
		utf8proc_int32_t c = 0;
		utf8proc_ssize_t used = utf8proc_iterate(text.data, (utf8proc_ssize_t)text.len, &c);
		if (used <= 0)
			return RC_FORMAT;
		if (is_space(c)) {
			gap = out->len > 0;
		} else if (is_seen(c)) {
			if (gap)
				rc = buf_append(out, " ", 1);
			gap = false;
			if (rc == RC_OK)
				rc = buf_append(out, text.data, (size_t)used);
		}
		text.data += used;
		text.len -= (size_t)used;
	}
	return rc;
}

static rc_t compose(struct buf *text)
{
	utf8proc_uint8_t *composed = NULL;

	if (text->len == 0)
		return RC_OK;
	utf8proc_ssize_t len = utf8proc_map(text->data, (utf8proc_ssize_t)text->len, &composed,
		UTF8PROC_STABLE | UTF8PROC_COMPOSE);
	if (len < 0)
		return len == UTF8PROC_ERROR_NOMEM ? RC_NO_MEMORY : RC_FORMAT;
	rc_t rc = buf_set(text, SPAN(composed, (size_t)len));
	free(composed);
	return rc;
}

static rc_t put_asn1(struct buf *out, const ASN1_STRING *string)
{
	unsigned char *utf8 = NULL;
	struct buf line = BUF_INIT;

	int len = ASN1_STRING_to_UTF8(&utf8, string);
	if (len < 0)
		return RC_FORMAT;
	rc_t rc = put_clean(&line, SPAN(utf8, (size_t)len));
	if (rc == RC_OK && line.len > 0 && out->len > 0)
		rc = buf_append_string(out, ", ");
	if (rc == RC_OK)
		rc = buf_append_span(out, buf_span(&line));
	buf_free(&line);
	OPENSSL_free(utf8);
	return rc;
}

static rc_t put_name_entry(struct buf *out, const X509_NAME *name, int nid)
{
	int at = X509_NAME_get_index_by_NID(name, nid, -1);
	if (at < 0)
		return RC_OK;
	return put_asn1(out, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
}

/* The official address: RFC 5280 §4.2.1.6, or where old certificates have it. */
static rc_t put_email(struct buf *out, X509 *certificate)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	rc_t rc = RC_OK;

	for (int i = 0; rc == RC_OK && out->len == 0 && i < sk_GENERAL_NAME_num(names); i++) {
		int kind = 0;
		const void *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &kind);
		if (kind == GEN_EMAIL)
			rc = put_asn1(out, value);
	}
	GENERAL_NAMES_free(names);
	if (rc == RC_OK && out->len == 0)
		rc = put_name_entry(
			out, X509_get_subject_name(certificate), NID_pkcs9_emailAddress);
	return rc;
}

/* Lowest level first, the organisation last. */
static rc_t put_agency(struct buf *out, const X509_NAME *name)
{
	const X509_NAME_ENTRY *entry;
	rc_t rc = RC_OK;

	for (int i = 0; rc == RC_OK && (entry = name_entry_up(name, i)) != NULL; i++) {
		if (OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry)) == NID_organizationalUnitName)
			rc = put_asn1(out, X509_NAME_ENTRY_get_data(entry));
	}
	return rc == RC_OK ? put_name_entry(out, name, NID_organizationName) : rc;
}

static rc_t put_time(struct buf *out, int64_t at_ms)
{
	char text[64];
	time_t seconds = (time_t)(at_ms / 1000) + VIETNAM_S;
	struct tm parts;

	if (at_ms < 0 || gmtime_r(&seconds, &parts) == NULL ||
		strftime(text, sizeof(text), "%d/%m/%Y %H:%M:%S +07:00", &parts) == 0)
		return RC_RANGE;
	return buf_append_string(out, text);
}

static rc_t read_certificate(X509 *certificate, struct appearance_text *text)
{
	const X509_NAME *name = X509_get_subject_name(certificate);
	struct buf *lines = text->lines;

	rc_t rc = put_name_entry(&lines[TEXT_NAME], name, NID_commonName);
	if (rc == RC_OK)
		rc = put_email(&lines[TEXT_EMAIL], certificate);
	if (rc == RC_OK)
		rc = put_agency(&lines[TEXT_AGENCY], name);
	for (size_t i = 0; rc == RC_OK && i < TEXT_LINES; i++) {
		rc = compose(&lines[i]);
		if (rc == RC_OK && lines[i].len > LINE_MAX_LEN)
			rc = RC_BOX_TOO_SMALL;
	}
	return rc;
}

rc_t appearance_text_read(
	struct span certificate, int64_t signed_at_ms, struct appearance_text *text)
{
	const unsigned char *at = certificate.data;
	struct appearance_text fresh = {0};

	if (certificate.len == 0 || certificate.len > CERTIFICATE_MAX)
		return RC_FORMAT;
	X509 *parsed = d2i_X509(NULL, &at, (long)certificate.len);
	rc_t rc = parsed == NULL ? RC_FORMAT : read_certificate(parsed, &fresh);
	if (rc == RC_OK)
		rc = put_time(&fresh.lines[TEXT_TIME], signed_at_ms);
	X509_free(parsed);
	ERR_clear_error();
	if (rc != RC_OK) {
		appearance_text_free(&fresh);
		return rc;
	}
	*text = fresh;
	return RC_OK;
}

void appearance_text_free(struct appearance_text *text)
{
	for (size_t i = 0; i < TEXT_LINES; i++)
		buf_free(&text->lines[i]);
}
