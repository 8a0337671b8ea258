/* What certificates say of people, and how times are written. */
#include "clients/lib/ades/verify_internal.h"

#include "clients/lib/ades/name.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

int64_t verify_time_ms(const ASN1_TIME *time)
{
	struct tm parts;

	if (time == NULL || ASN1_TIME_to_tm(time, &parts) != 1)
		return 0;
	return (int64_t)timegm(&parts) * 1000;
}

size_t text_skip_string(struct span text, size_t at)
{
	unsigned depth = 0;

	for (; at < text.len; at++) {
		if (text.data[at] == '\\')
			at++;
		else if (text.data[at] == '(')
			depth++;
		else if (text.data[at] == ')' && --depth == 0)
			return at + 1;
	}
	return text.len;
}

/* Bytes of one sign in UTF-8, as its first byte says; what is none counts as one. */
static size_t sign_len(const char *text)
{
	unsigned char c = (unsigned char)*text;
	size_t len = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;

	for (size_t i = 1; i < len; i++) {
		if (((unsigned char)text[i] & 0xc0) != 0x80)
			return i;
	}
	return len;
}

/* Control characters past ASCII, and what turns the direction of writing: a name must not show as
 * another. */
static bool is_hidden(const char *text, size_t len)
{
	unsigned char a = (unsigned char)text[0];
	unsigned char b = len > 1 ? (unsigned char)text[1] : 0;
	unsigned char c = len > 2 ? (unsigned char)text[2] : 0;

	return (len == 2 && a == 0xc2 && b < 0xa0) ||
	       (len == 3 && a == 0xe2 && b == 0x80 &&
		       ((c >= 0xa8 && c <= 0xae) || (c >= 0x8b && c <= 0x8f))) ||
	       (len == 3 && a == 0xe2 && b == 0x81 && c >= 0xa0 && c <= 0xaf);
}

void verify_copy_text(char *out, size_t size, const char *text)
{
	size_t len = 0;

	while (*text != 0) {
		size_t more = sign_len(text);
		if (!is_hidden(text, more)) {
			if (len + more >= size)
				break;
			memcpy(out + len, text, more);
			if (more == 1 && ((unsigned char)*text < ' ' || *text == 0x7f))
				out[len] = ' ';
			len += more;
		}
		text += more;
	}
	out[len] = 0;
}

static void entry_text(const X509_NAME_ENTRY *entry, char *out, size_t size)
{
	unsigned char *text = NULL;

	out[0] = 0;
	if (ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(entry)) > 0)
		verify_copy_text(out, size, (const char *)text);
	OPENSSL_free(text);
	ERR_clear_error();
}

/* The last one of its kind: the most specific. */
static void name_text(const X509_NAME *name, int nid, char *out, size_t size)
{
	int last = -1;

	out[0] = 0;
	for (int at = -1; (at = X509_NAME_get_index_by_NID(name, nid, at)) >= 0;)
		last = at;
	if (last >= 0)
		entry_text(X509_NAME_get_entry(name, last), out, size);
}

void verify_common_name(const X509_NAME *name, char out[VERIFY_TEXT])
{
	name_text(name, NID_commonName, out, VERIFY_TEXT);
	if (out[0] == 0)
		name_text(name, NID_organizationName, out, VERIFY_TEXT);
}

static void append_text(char *out, size_t size, const char *text)
{
	size_t len = strlen(out);

	if (text[0] == 0 || len + strlen(text) + 3 > size)
		return;
	snprintf(out + len, size - len, "%s%s", len > 0 ? ", " : "", text);
}

/* OU of each level, lowest first, then O. */
static void organisation_text(const X509_NAME *name, char *out, size_t size)
{
	const X509_NAME_ENTRY *entry;
	char text[VERIFY_TEXT];

	out[0] = 0;
	for (int i = 0; (entry = name_entry_up(name, i)) != NULL; i++) {
		if (OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry)) != NID_organizationalUnitName)
			continue;
		entry_text(entry, text, sizeof(text));
		append_text(out, size, text);
	}
	name_text(name, NID_organizationName, text, sizeof(text));
	append_text(out, size, text);
}

static void email_text(X509 *certificate, char out[VERIFY_TEXT])
{
	STACK_OF(OPENSSL_STRING) *addresses = X509_get1_email(certificate);

	out[0] = 0;
	if (sk_OPENSSL_STRING_num(addresses) > 0)
		verify_copy_text(out, VERIFY_TEXT, sk_OPENSSL_STRING_value(addresses, 0));
	X509_email_free(addresses);
	ERR_clear_error();
}

static void serial_text(const X509 *certificate, char *out, size_t size)
{
	BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
	char *text = number == NULL ? NULL : BN_bn2hex(number);

	verify_copy_text(out, size, text == NULL ? "" : text);
	OPENSSL_free(text);
	BN_free(number);
	ERR_clear_error();
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* The words that names of agencies begin with, and names of people do not. */
static bool names_agency(const char *name)
{
	static const char *const words[] = {"Ủy ban ", "Uỷ ban ", "UBND ", "HĐND ", "Hội đồng ",
		"Sở ", "Bộ ", "Ban ", "Cục ", "Chi cục ", "Tổng cục ", "Vụ ", "Văn phòng ",
		"Phòng ", "Trung tâm ", "Trường ", "Học viện ", "Viện ", "Bệnh viện ", "Trạm ",
		"Công ty ", "Tỉnh ", "Huyện ", "Thành phố ", "Công an ", "Kho bạc ", "Thanh tra ",
		"Tòa án ", "ỦY BAN ", "UỶ BAN ", "HỘI ĐỒNG ", "SỞ ", "BỘ ", "BAN ", "CỤC ",
		"CHI CỤC ", "TỔNG CỤC ", "VỤ ", "VĂN PHÒNG ", "PHÒNG ", "TRUNG TÂM ", "TRƯỜNG ",
		"HỌC VIỆN ", "VIỆN ", "BỆNH VIỆN ", "TRẠM ", "CÔNG TY ", "TỈNH ", "HUYỆN ",
		"THÀNH PHỐ ", "CÔNG AN ", "KHO BẠC ", "THANH TRA ", "TÒA ÁN "};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (begins(name, words[i]))
			return true;
	}
	return false;
}

static bool has_entry(const X509_NAME *name, int nid)
{
	return X509_NAME_get_index_by_NID(name, nid, -1) >= 0;
}

/* The common name is that of a level of the agency itself. */
static bool common_name_is_agency(const X509_NAME *name, const char *common)
{
	static const int levels[] = {NID_organizationName, NID_organizationalUnitName};
	char text[VERIFY_TEXT];

	for (size_t i = 0; i < 2; i++) {
		for (int at = -1; (at = X509_NAME_get_index_by_NID(name, levels[i], at)) >= 0;) {
			entry_text(X509_NAME_get_entry(name, at), text, sizeof(text));
			if (strcmp(text, common) == 0)
				return true;
		}
	}
	return false;
}

/* No field of a certificate says it in so many words; a personal number, a tax code, the parts of
 * a name do, and how the CA writes its subjects. */
static enum verify_kind kind_of(const X509 *certificate, const char *common)
{
	static const int personal[] = {NID_surname, NID_givenName, NID_title};
	static const int numbers[] = {NID_userId, NID_serialNumber};
	const X509_NAME *name = X509_get_subject_name(certificate);
	char text[VERIFY_TEXT];

	if (has_entry(name, NID_organizationIdentifier))
		return VERIFY_ORGANISATION;
	for (size_t i = 0; i < 2; i++) {
		name_text(name, numbers[i], text, sizeof(text));
		if (begins(text, "MST:") || begins(text, "MNS:") || begins(text, "MQHNS:"))
			return VERIFY_ORGANISATION;
		if (begins(text, "CCCD:") || begins(text, "CMND:") || begins(text, "HC:"))
			return VERIFY_PERSON;
	}
	for (size_t i = 0; i < sizeof(personal) / sizeof(personal[0]); i++) {
		if (has_entry(name, personal[i]))
			return VERIFY_PERSON;
	}
	if (common[0] == 0)
		return VERIFY_ANY;
	return common_name_is_agency(name, common) || names_agency(common) ? VERIFY_ORGANISATION
									   : VERIFY_PERSON;
}

void verify_describe(X509 *certificate, struct verify_certificate *out)
{
	const X509_NAME *name = X509_get_subject_name(certificate);

	verify_common_name(name, out->name);
	organisation_text(name, out->organisation, sizeof(out->organisation));
	email_text(certificate, out->email);
	serial_text(certificate, out->serial, sizeof(out->serial));
	out->not_before_ms = verify_time_ms(X509_get0_notBefore(certificate));
	out->not_after_ms = verify_time_ms(X509_get0_notAfter(certificate));
	out->kind = kind_of(certificate, out->name);
}

/* count digits at *text; moves it on. */
static bool digits(const char **text, unsigned count, int *value)
{
	int number = 0;

	for (unsigned i = 0; i < count; i++, (*text)++) {
		if (**text < '0' || **text > '9')
			return false;
		number = number * 10 + (**text - '0');
	}
	*value = number;
	return true;
}

/* ISO 32000-1 §7.9.4: what is left out is the smallest; without a zone, UTC. */
int64_t verify_pdf_date_ms(const char *date)
{
	struct tm parts = {.tm_mon = 1, .tm_mday = 1};
	int *const rest[] = {
		&parts.tm_mon, &parts.tm_mday, &parts.tm_hour, &parts.tm_min, &parts.tm_sec};
	int hours = 0;
	int minutes = 0;

	if (begins(date, "D:"))
		date += 2;
	if (!digits(&date, 4, &parts.tm_year))
		return 0;
	for (size_t i = 0; i < 5 && *date >= '0' && *date <= '9'; i++) {
		if (!digits(&date, 2, rest[i]))
			return 0;
	}
	parts.tm_year -= 1900;
	parts.tm_mon -= 1;
	int64_t ms = (int64_t)timegm(&parts) * 1000;
	int sign = *date == '+' ? 1 : *date == '-' ? -1 : 0;
	if (sign == 0)
		return ms;
	date++;
	if (!digits(&date, 2, &hours))
		return ms;
	if (*date == '\'')
		date++;
	if (!digits(&date, 2, &minutes))
		minutes = 0;
	return ms - sign * (int64_t)(hours * 60 + minutes) * 60000;
}
