#include "clients/lib/form01_internal.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct check {
	struct form01 *form;
	struct form01_line *line;
	const char *const *cells;
	const char *today;
};

static rc_t fault(const struct check *check, int column, enum form01_fault_kind kind)
{
	return form01_fault_add(check->form, check->line->row, column, kind, check->cells[column]);
}

static bool all_digits(const char *text)
{
	return text[0] != 0 && text[strspn(text, "0123456789")] == 0;
}

/* The characters that hsm/statement.c refuses too: nobody sees them, or they split a line. */
static bool has_hidden(const char *text)
{
	static const char *const hidden[] = {"\xe2\x80\x8b", "\xe2\x80\x8c", "\xe2\x80\x8d",
		"\xe2\x80\x8e", "\xe2\x80\x8f", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaa",
		"\xe2\x80\xab", "\xe2\x80\xac", "\xe2\x80\xad", "\xe2\x80\xae", "\xef\xbb\xbf"};

	for (const char *c = text; *c != 0; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return true;
	}
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
		if (strstr(text, hidden[i]) != NULL)
			return true;
	}
	return false;
}

/* Text cells that go into the statement as they are. */
static rc_t take_text(const struct check *check, int column, bool required, char *out, size_t size)
{
	const char *text = check->cells[column];

	if (text[0] == 0)
		return required ? fault(check, column, FAULT_MISSING) : RC_OK;
	if (strlen(text) >= size)
		return fault(check, column, FAULT_TEXT_LENGTH);
	if (has_hidden(text))
		return fault(check, column, FAULT_HIDDEN_CHARACTER);
	snprintf(out, size, "%s", text);
	return RC_OK;
}

static bool real_date(int day, int month, int year)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	if (year < 1900 || month < 1 || month > 12 || day < 1)
		return false;
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	return day <= days[month - 1] + (month == 2 && leap ? 1 : 0);
}

static int digits_value(const char *text, size_t count)
{
	int value = 0;

	for (size_t i = 0; i < count; i++)
		value = value * 10 + (text[i] - '0');
	return value;
}

/* "12/07/1987" to "1987-07-12". */
static bool parse_date(const char *text, char out[11])
{
	static const char form[] = "dd/dd/dddd";

	if (strlen(text) != sizeof(form) - 1)
		return false;
	for (size_t i = 0; form[i] != 0; i++) {
		if (form[i] == 'd' ? !isdigit((unsigned char)text[i]) : text[i] != form[i])
			return false;
	}
	if (!real_date(digits_value(text, 2), digits_value(text + 3, 2), digits_value(text + 6, 4)))
		return false;
	snprintf(out, 11, "%.4s-%.2s-%.2s", text + 6, text + 3, text);
	return true;
}

static rc_t take_date(const struct check *check, int column, char out[11])
{
	if (check->cells[column][0] == 0)
		return fault(check, column, FAULT_MISSING);
	if (!parse_date(check->cells[column], out))
		return fault(check, column, FAULT_DATE);
	if (strcmp(out, check->today) <= 0)
		return RC_OK;
	out[0] = 0;
	return fault(check, column, FAULT_DATE_FUTURE);
}

static rc_t take_dates(const struct check *check)
{
	struct statement_enrol *statement = &check->line->statement;

	rc_t rc = take_date(check, FORM01_BIRTH_DATE, statement->birth_date);
	if (rc == RC_OK)
		rc = take_date(check, FORM01_IDENTITY_DATE, statement->identity_date);
	if (rc == RC_OK && statement->birth_date[0] != 0 && statement->identity_date[0] != 0 &&
		strcmp(statement->identity_date, statement->birth_date) < 0)
		rc = fault(check, FORM01_IDENTITY_DATE, FAULT_DATE_ORDER);
	return rc;
}

/* A passport: one or two capitals, then 6 to 8 digits. */
static bool passport_fits(const char *text)
{
	size_t letters = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
	size_t len = strlen(text);

	return letters >= 1 && letters <= 2 && all_digits(text + letters) && len - letters >= 6 &&
	       len - letters <= 8;
}

/* The row of an earlier line with the same text in that place of the statement; 0: none. */
static size_t earlier_row(const struct check *check, size_t offset)
{
	const char *own = (const char *)&check->line->statement + offset;

	for (const struct form01_line *line = check->form->lines; line < check->line; line++) {
		if (strcasecmp((const char *)&line->statement + offset, own) == 0)
			return line->row;
	}
	return 0;
}

static rc_t refuse_twice(
	const struct check *check, int column, size_t offset, enum form01_fault_kind kind)
{
	char detail[32];
	size_t row = earlier_row(check, offset);

	if (row == 0)
		return RC_OK;
	snprintf(detail, sizeof(detail), "%zu", row);
	return form01_fault_add(check->form, check->line->row, column, kind, detail);
}

static rc_t take_identity(const struct check *check)
{
	const char *text = check->cells[FORM01_IDENTITY];
	struct statement_enrol *statement = &check->line->statement;

	if (text[0] == 0)
		return fault(check, FORM01_IDENTITY, FAULT_MISSING);
	bool citizen = all_digits(text) && (strlen(text) == 12 || strlen(text) == 9);
	if (!citizen && !passport_fits(text))
		return fault(check, FORM01_IDENTITY, FAULT_IDENTITY);
	snprintf(statement->identity_number, sizeof(statement->identity_number), "%s", text);
	return refuse_twice(check, FORM01_IDENTITY,
		offsetof(struct statement_enrol, identity_number), FAULT_IDENTITY_TWICE);
}

/* As hsm/statement.c: what stands in a mail's To line needs no quoting. */
static bool email_fits(const char *text)
{
	const char *at = strchr(text, '@');
	size_t len = strlen(text);

	for (const char *c = text; *c != 0; c++) {
		if (*c <= ' ' || *c > '~' || strchr("\"(),:;<>[\\]", *c) != NULL)
			return false;
	}
	if (at == NULL || at == text || strchr(at + 1, '@') != NULL || len > 254)
		return false;
	return strchr(at + 1, '.') != NULL && at[1] != '.' && text[len - 1] != '.' &&
	       strstr(at, "..") == NULL;
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text);
	size_t end_len = strlen(end);

	return len >= end_len && strcasecmp(text + len - end_len, end) == 0;
}

/* Providers by any label of the domain (yahoo.com.vn), others by the whole of it. */
static bool free_mail(const char *domain)
{
	static const char *const labels[] = {"gmail", "googlemail", "yahoo", "ymail", "rocketmail",
		"hotmail", "outlook", "live", "msn", "icloud", "aol", "proton", "protonmail",
		"zoho", "zohomail", "yandex", "gmx", "tutanota", "fastmail"};
	static const char *const domains[] = {"me.com", "mac.com", "mail.com", "mail.ru", "qq.com",
		"163.com", "126.com", "pm.me", "tuta.io"};
	static const char *const official[] = {".gov.vn", ".edu.vn", ".mil.vn"};

	for (size_t i = 0; i < sizeof(official) / sizeof(official[0]); i++) {
		if (ends_with(domain, official[i]))
			return false;
	}
	for (size_t i = 0; i < sizeof(domains) / sizeof(domains[0]); i++) {
		if (strcasecmp(domain, domains[i]) == 0)
			return true;
	}
	while (*domain != 0) {
		size_t len = strcspn(domain, ".");
		for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
			if (strlen(labels[i]) == len && strncasecmp(domain, labels[i], len) == 0)
				return true;
		}
		domain += len + (domain[len] == '.' ? 1 : 0);
	}
	return false;
}

static rc_t take_email(const struct check *check)
{
	const char *text = check->cells[FORM01_EMAIL];
	struct statement_enrol *statement = &check->line->statement;

	if (text[0] == 0)
		return fault(check, FORM01_EMAIL, FAULT_MISSING);
	if (!email_fits(text))
		return fault(check, FORM01_EMAIL, FAULT_EMAIL);
	if (free_mail(strchr(text, '@') + 1))
		return fault(check, FORM01_EMAIL, FAULT_EMAIL_FREE);
	snprintf(statement->email, sizeof(statement->email), "%s", text);
	return refuse_twice(
		check, FORM01_EMAIL, offsetof(struct statement_enrol, email), FAULT_EMAIL_TWICE);
}

static rc_t take_agency(const struct check *check)
{
	bool lower = false;
	rc_t rc = RC_OK;

	for (int level = STATEMENT_LEVELS - 1; rc == RC_OK && level >= 0; level--) {
		int column = FORM01_LEVEL_1 + level;
		if (check->cells[column][0] != 0)
			lower = true;
		else if (lower && level > 0)
			rc = fault(check, column, FAULT_LEVEL_HOLE);
		if (rc == RC_OK)
			rc = take_text(check, column, level == 0,
				check->line->statement.agency[level], STATEMENT_TEXT);
	}
	return rc;
}

static bool same_agency(const struct statement_enrol *a, const struct statement_enrol *b)
{
	for (size_t i = 0; i < STATEMENT_LEVELS; i++) {
		if (strcmp(a->agency[i], b->agency[i]) != 0)
			return false;
	}
	return true;
}

/* The province is the agency's: one agency, one province. */
static rc_t take_province(const struct check *check)
{
	const struct statement_enrol *own = &check->line->statement;

	rc_t rc = take_text(
		check, FORM01_PROVINCE, true, check->line->statement.province, STATEMENT_TEXT);
	if (rc != RC_OK || own->province[0] == 0 || own->agency[0][0] == 0)
		return rc;
	for (const struct form01_line *line = check->form->lines; line < check->line; line++) {
		const struct statement_enrol *other = &line->statement;
		if (other->province[0] == 0 || !same_agency(own, other))
			continue;
		return strcmp(own->province, other->province) == 0
			       ? RC_OK
			       : fault(check, FORM01_PROVINCE, FAULT_PROVINCE);
	}
	return RC_OK;
}

static bool phone_fits(const char *digits)
{
	size_t len = strlen(digits);

	if (strncmp(digits, "+84", 3) == 0)
		return len == 12 && all_digits(digits + 3);
	return digits[0] == '0' && all_digits(digits) && (len == 10 || len == 11);
}

static rc_t take_phone(const struct check *check)
{
	char digits[32];
	size_t len = 0;

	for (const char *c = check->cells[FORM01_PHONE]; *c != 0; c++) {
		if (strchr(" .-", *c) != NULL)
			continue;
		if (len + 1 == sizeof(digits))
			return fault(check, FORM01_PHONE, FAULT_PHONE);
		digits[len++] = *c;
	}
	digits[len] = 0;
	if (len > 0 && !phone_fits(digits))
		return fault(check, FORM01_PHONE, FAULT_PHONE);
	snprintf(check->line->statement.phone, sizeof(check->line->statement.phone), "%s", digits);
	return RC_OK;
}

static rc_t take_serial(const struct check *check)
{
	const char *text = check->cells[FORM01_OLD_SERIAL];
	struct statement_enrol *statement = &check->line->statement;

	if (text[strspn(text, "0123456789abcdefABCDEF")] != 0 ||
		strlen(text) >= sizeof(statement->old_serial))
		return fault(check, FORM01_OLD_SERIAL, FAULT_SERIAL);
	snprintf(statement->old_serial, sizeof(statement->old_serial), "%s", text);
	return RC_OK;
}

static bool carrier_fits(const char *text)
{
	static const char *const carriers[] = {"", "Viettel", "Vinaphone", "Mobifone"};

	for (size_t i = 0; i < sizeof(carriers) / sizeof(carriers[0]); i++) {
		if (strcasecmp(text, carriers[i]) == 0)
			return true;
	}
	return false;
}

/* A slip of the pen must not pass for another service's line. */
static bool device_fits(const char *text)
{
	static const char *const kinds[] = {"Token", "USB", "SIM"};

	if (text[0] == 0 || strcasecmp(text, "RSSP") == 0)
		return true;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strncasecmp(text, kinds[i], strlen(kinds[i])) == 0)
			return true;
	}
	return false;
}

static rc_t take_device(const struct check *check)
{
	const char *const *cells = check->cells;
	struct form01_line *line = check->line;

	line->rssp = strcasecmp(cells[FORM01_DEVICE], "RSSP") == 0;
	rc_t rc = take_text(check, FORM01_DEVICE, false, line->device, sizeof(line->device));
	if (rc == RC_OK && !device_fits(cells[FORM01_DEVICE]))
		rc = fault(check, FORM01_DEVICE, FAULT_DEVICE);
	if (rc == RC_OK && !carrier_fits(cells[FORM01_SIM]))
		rc = fault(check, FORM01_SIM, FAULT_CARRIER);
	else if (rc == RC_OK && line->rssp && cells[FORM01_SIM][0] != 0)
		rc = fault(check, FORM01_DEVICE, FAULT_DEVICE_AND_SIM);
	if (rc == RC_OK && cells[FORM01_SIM_MOVE][0] != 0 &&
		strcasecmp(cells[FORM01_SIM_MOVE], "cs") != 0)
		rc = fault(check, FORM01_SIM_MOVE, FAULT_SIM_MOVE);
	return rc;
}

/* The statement's own rules have the last word: what it would refuse is a fault of the row. */
static rc_t check_statement(const struct check *check)
{
	struct statement_enrol statement = check->line->statement;
	struct buf encoded = BUF_INIT;
	struct id id;

	rc_t rc = id_random(&id);
	if (rc != RC_OK)
		return rc;
	id_format(&id, statement.number);
	statement.issued_at_ms = 1;
	rc = statement_enrol_encode(&encoded, &statement);
	buf_free(&encoded);
	if (rc == RC_NO_MEMORY || rc == RC_OK)
		return rc;
	return form01_fault_add(check->form, check->line->row, -1, FAULT_STATEMENT, rc_name(rc));
}

rc_t form01_check_line(struct form01 *form, struct form01_line *line,
	const char *const cells[FORM01_COLUMNS], const char *today)
{
	const struct check check = {.form = form, .line = line, .cells = cells, .today = today};
	struct statement_enrol *statement = &line->statement;
	size_t faults = form->fault_count;

	rc_t rc = take_text(&check, FORM01_NAME, true, statement->name, STATEMENT_TEXT);
	if (rc == RC_OK)
		rc = take_dates(&check);
	if (rc == RC_OK)
		rc = take_identity(&check);
	if (rc == RC_OK)
		rc = take_text(&check, FORM01_IDENTITY_PLACE, true, statement->identity_place,
			STATEMENT_TEXT);
	if (rc == RC_OK)
		rc = take_email(&check);
	if (rc == RC_OK)
		rc = take_agency(&check);
	if (rc == RC_OK)
		rc = take_province(&check);
	if (rc == RC_OK)
		rc = take_text(&check, FORM01_POSITION, false, statement->position, STATEMENT_TEXT);
	if (rc == RC_OK)
		rc = take_phone(&check);
	if (rc == RC_OK)
		rc = take_serial(&check);
	if (rc == RC_OK)
		rc = take_device(&check);
	/* one fault is enough for one row's cause: this only adds what no rule above has seen */
	return rc == RC_OK && form->fault_count == faults ? check_statement(&check) : rc;
}
