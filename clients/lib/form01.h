/*
 * Form 01: the list by which a managing agency asks for certificates, as the CSV of
 * the portal's spreadsheet. Everything is checked before anything is sent: each fault is found, and
 * named by row and column as a spreadsheet shows them (the headings are row 1).
 */
#ifndef CLIENTS_FORM01_H
#define CLIENTS_FORM01_H

#include "hsm/statement.h"

#include <stdbool.h>

#define FORM01_LEN_MAX ((size_t)8 << 20)
#define FORM01_ROWS_MAX 5000

enum form01_column {
	FORM01_NUMBER,
	FORM01_NAME,
	FORM01_BIRTH_DATE,
	FORM01_IDENTITY,
	FORM01_IDENTITY_PLACE,
	FORM01_IDENTITY_DATE,
	FORM01_EMAIL,
	FORM01_LEVEL_1,
	FORM01_LEVEL_2,
	FORM01_LEVEL_3,
	FORM01_LEVEL_4,
	FORM01_PROVINCE,
	FORM01_POSITION,
	FORM01_PHONE,
	FORM01_OLD_SERIAL,
	FORM01_SIM,
	FORM01_SIM_MOVE,
	FORM01_DEVICE,
	FORM01_COLUMNS
};

struct form01_fault {
	size_t row;	 /* 0: the file as a whole */
	int column;	 /* enum form01_column, or -1: the row as a whole */
	int kind;	 /* for form01_fault_text() */
	char detail[96]; /* the value, or what it clashes with; may be empty */
};

struct form01_line {
	size_t row;
	bool rssp;	 /* asks for centralised signing; others are for other services */
	char device[32]; /* as written */
	struct statement_enrol statement; /* without number and issued_at_ms */
};

struct form01 {
	struct form01_line *lines; /* complete only if there is no fault */
	size_t line_count;
	struct form01_fault *faults;
	size_t fault_count;
};

/* now_ms: dates after it are faults. RC_OK also when there are faults: look at fault_count. */
must_check rc_t form01_read(struct span text, int64_t now_ms, struct form01 **form);
void form01_free(struct form01 **form);

/* The heading, in Vietnamese as the form has it. */
const char *form01_column_name(int column);
/* What is wrong and what to do, without the detail. */
const char *form01_fault_text(const struct form01_fault *fault, bool vietnamese);

#endif
