/* Shared by form01.c, which reads the list, and form01_check.c, which judges its cells. */
#ifndef CLIENTS_FORM01_INTERNAL_H
#define CLIENTS_FORM01_INTERNAL_H

#include "clients/lib/form01.h"

enum form01_fault_kind {
	FAULT_TOO_LARGE,
	FAULT_NOT_UTF8,
	FAULT_NO_LINES,
	FAULT_TOO_MANY_ROWS,
	FAULT_QUOTES,
	FAULT_HEADING,
	FAULT_COLUMN_COUNT,
	FAULT_MISSING,
	FAULT_TEXT_LENGTH,
	FAULT_HIDDEN_CHARACTER,
	FAULT_DATE,
	FAULT_DATE_FUTURE,
	FAULT_DATE_ORDER,
	FAULT_IDENTITY,
	FAULT_IDENTITY_TWICE,
	FAULT_EMAIL,
	FAULT_EMAIL_FREE,
	FAULT_EMAIL_TWICE,
	FAULT_LEVEL_HOLE,
	FAULT_PROVINCE,
	FAULT_PHONE,
	FAULT_SERIAL,
	FAULT_CARRIER,
	FAULT_SIM_MOVE,
	FAULT_DEVICE,
	FAULT_DEVICE_AND_SIM,
	FAULT_STATEMENT,
	FAULT_KINDS
};

must_check rc_t form01_fault_add(struct form01 *form, size_t row, int column,
	enum form01_fault_kind kind, const char *detail);
/* Judges the cells of one row and fills line->statement. today: "YYYY-MM-DD". */
must_check rc_t form01_check_line(struct form01 *form, struct form01_line *line,
	const char *const cells[FORM01_COLUMNS], const char *today);

#endif
