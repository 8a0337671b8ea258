#include "hsm/sam/pin.h"

#include "hsm/sam/text.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define PART_LEN 4

/* The PIN, or password, taken apart; wiped after use. */
struct pin_text {
	uint32_t points[PASSWORD_MAX]; /* ASCII letters in lower case */
	size_t count;
	char digits[PASSWORD_MAX + 1]; /* its digits alone */
};

/* RC_FORMAT unless it is plain text of least to most code points. */
static rc_t pin_take_apart(struct span pin, size_t least, size_t most, struct pin_text *text)
{
	size_t digits = 0;

	while (pin.len > 0) {
		uint32_t point = 0;
		size_t len = text_take(pin, &point);
		if (len == 0 || text->count == most)
			return RC_FORMAT;
		if (point < 0x20 || (point >= 0x7f && point < 0xa0))
			return RC_FORMAT;
		if (point >= 'A' && point <= 'Z')
			point += 'a' - 'A';
		if (point >= '0' && point <= '9')
			text->digits[digits++] = (char)point;
		text->points[text->count++] = point;
		pin = SPAN(pin.data + len, pin.len - len);
	}
	return text->count >= least ? RC_OK : RC_FORMAT;
}

/* "123123", "abab12ab" is not: one piece, over and over, the last one perhaps cut. */
static bool is_one_piece_repeated(const struct pin_text *text)
{
	for (size_t period = 1; period <= text->count / 2; period++) {
		size_t i = period;
		while (i < text->count && text->points[i] == text->points[i - period])
			i++;
		if (i == text->count)
			return true;
	}
	return false;
}

static bool has_few_characters(const struct pin_text *text)
{
	uint32_t first = text->points[0], second = first;

	for (size_t i = 1; i < text->count; i++) {
		uint32_t point = text->points[i];
		if (point == first || point == second)
			continue;
		if (second != first)
			return false;
		second = point;
	}
	return true;
}

/* +1, -1: neighbours in a row; 0: the same; 2: neither. */
static int pin_step(uint32_t from, uint32_t to)
{
	static const char *const rows[] = {
		"01234567890", "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl", "zxcvbnm"};

	if (from == to)
		return 0;
	for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
		for (const char *at = rows[row]; at[1] != 0; at++) {
			if ((uint32_t)at[0] == from && (uint32_t)at[1] == to)
				return 1;
			if ((uint32_t)at[1] == from && (uint32_t)at[0] == to)
				return -1;
		}
	}
	return 2;
}

static bool is_mostly_one_run(const struct pin_text *text)
{
	size_t run = 1, longest = 1;
	int last = 2;

	for (size_t i = 1; i < text->count; i++) {
		int step = pin_step(text->points[i - 1], text->points[i]);
		if (step == 2)
			run = 1;
		else
			run = step == last ? run + 1 : 2;
		last = step;
		if (run > longest)
			longest = run;
	}
	return longest > text->count / 2;
}

static bool has_form(const struct pin_text *text, const char *a, const char *b, const char *c)
{
	char form[40];

	snprintf(form, sizeof(form), "%s%s%s", a, b, c);
	return strlen(form) >= 5 && strstr(text->digits, form) != NULL;
}

/* Day, month and year in the orders that people use. */
static bool has_date(
	const struct pin_text *text, const char *day, const char *month, const char *year)
{
	return has_form(text, day, month, year) || has_form(text, month, day, year) ||
	       has_form(text, year, month, day) || has_form(text, year, day, month) ||
	       has_form(text, month, year, "") || has_form(text, year, month, "");
}

/* With and without leading zeros, with and without the century. */
static bool has_birth_date(const struct pin_text *text, const char *birth_date)
{
	unsigned y = 0, m = 0, d = 0;
	char day[2][12], month[2][12], year[2][12];

	if (sscanf(birth_date, "%4u-%2u-%2u", &y, &m, &d) != 3)
		return false;
	snprintf(day[0], sizeof(day[0]), "%02u", d);
	snprintf(day[1], sizeof(day[1]), "%u", d);
	snprintf(month[0], sizeof(month[0]), "%02u", m);
	snprintf(month[1], sizeof(month[1]), "%u", m);
	snprintf(year[0], sizeof(year[0]), "%04u", y);
	snprintf(year[1], sizeof(year[1]), "%02u", y % 100);
	for (size_t i = 0; i < 8; i++) {
		if (has_date(text, day[i & 1], month[i >> 1 & 1], year[i >> 2 & 1]))
			return true;
	}
	return false;
}

static bool shares_digits(const struct pin_text *text, const char *number)
{
	char digits[64], part[PART_LEN + 1] = "";
	size_t count = 0;

	for (; *number != 0 && count + 1 < sizeof(digits); number++) {
		if (*number >= '0' && *number <= '9')
			digits[count++] = *number;
	}
	digits[count] = 0;
	for (size_t i = 0; i + PART_LEN <= count; i++) {
		memcpy(part, digits + i, PART_LEN);
		if (strstr(text->digits, part) != NULL)
			return true;
	}
	return false;
}

rc_t pin_check_rules(struct span pin, const struct pin_person *person)
{
	struct pin_text text = {.count = 0};
	rc_t rc = pin_take_apart(pin, PIN_MIN, PIN_MAX, &text);

	if (rc != RC_OK ||
		(is_one_piece_repeated(&text) || has_few_characters(&text) ||
			is_mostly_one_run(&text) || has_birth_date(&text, person->birth_date) ||
			shares_digits(&text, person->identity_number) ||
			shares_digits(&text, person->phone)))
		rc = RC_PIN_WEAK;
	OPENSSL_cleanse(&text, sizeof(text));
	return rc;
}

/* Letters of ASCII in either case. */
static bool is_same_text(struct span a, struct span b)
{
	return a.len == b.len && a.len > 0 &&
	       strncasecmp((const char *)a.data, (const char *)b.data, a.len) == 0;
}

static bool has_number(const struct pin_text *text, struct span number)
{
	char digits[64] = "";

	if (number.len == 0 || number.len >= sizeof(digits))
		return false;
	memcpy(digits, number.data, number.len);
	return strstr(text->digits, digits) != NULL;
}

rc_t password_check_rules(struct span password, struct span identity_number, struct span email)
{
	struct pin_text text = {.count = 0};
	const uint8_t *at = email.len == 0 ? NULL : memchr(email.data, '@', email.len);
	struct span name = SPAN(email.data, at == NULL ? 0 : (size_t)(at - email.data));
	rc_t rc = pin_take_apart(password, PASSWORD_MIN, PASSWORD_MAX, &text);

	if (rc != RC_OK || is_one_piece_repeated(&text) || has_few_characters(&text) ||
		is_mostly_one_run(&text) || has_number(&text, identity_number) ||
		is_same_text(password, email) || is_same_text(password, name))
		rc = RC_PASSWORD_WEAK;
	OPENSSL_cleanse(&text, sizeof(text));
	return rc;
}
