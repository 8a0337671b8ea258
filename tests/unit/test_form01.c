/* link: csc */
#include "clients/lib/form01.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#define TODAY_MS 1780000000000 /* 2026-05-28 */
/* clang-format off */
#define HEADINGS \
	"STT,Họ tên*,Ngày sinh* (dd/mm/yyyy),Số CMND/CCCD/HC*,Nơi cấp*," \
	"Ngày cấp* (dd/mm/yyyy),Địa chỉ thư điện tử công vụ*,Tên CQTC cấp 1*,Tên CQTC cấp 2," \
	"Tên CQTC cấp 3,Tên CQTC cấp 4,\"Tỉnh, thành phố*\",Tên chức vụ,Số điện thoại," \
	"Số hiệu CTS cũ,SIM PKI,Chuyển số SIM PKI,\r\n"
/* clang-format on */

/* A good line's cells; a test changes some. */
static const char *const good[FORM01_COLUMNS] = {"1", "Nguyễn Thị Ví Dụ", "12/07/1987",
	"001187000001", "Cơ quan cấp Mẫu", "01/01/2023", "vidu@mau.edu.vn", "UBND tỉnh Mẫu",
	"Sở Ví dụ", "Trường Mẫu", "", "Mẫu", "Giáo viên", "0900000000", "", "", "", "RSSP"};

static void put(struct buf *out, const char *text)
{
	assert_int_equal(buf_append_string(out, text), RC_OK);
}

static void put_line(struct buf *out, const char *const cells[FORM01_COLUMNS])
{
	for (size_t i = 0; i < FORM01_COLUMNS; i++)
		assert_int_equal(buf_printf(out, "%s\"%s\"", i == 0 ? "" : ",", cells[i]), RC_OK);
	put(out, "\r\n");
}

static struct form01 *read_text(struct buf *text)
{
	struct form01 *form = NULL;

	assert_int_equal(form01_read(buf_span(text), TODAY_MS, &form), RC_OK);
	buf_free(text);
	return form;
}

static struct form01 *read_changed(int column, const char *value)
{
	const char *cells[FORM01_COLUMNS];
	struct buf text = BUF_INIT;

	memcpy(cells, good, sizeof(cells));
	cells[column] = value;
	put(&text, HEADINGS);
	put_line(&text, cells);
	return read_text(&text);
}

static void test_a_good_line_becomes_a_statement(void **state)
{
	struct buf text = BUF_INIT;

	(void)state;
	put(&text, "\xef\xbb\xbf" HEADINGS);
	put_line(&text, good);
	struct form01 *form = read_text(&text);
	assert_int_equal(form->fault_count, 0);
	assert_int_equal(form->line_count, 1);
	const struct form01_line *line = &form->lines[0];
	assert_int_equal(line->row, 2);
	assert_true(line->rssp);
	assert_string_equal(line->statement.name, "Nguyễn Thị Ví Dụ");
	assert_string_equal(line->statement.birth_date, "1987-07-12");
	assert_string_equal(line->statement.identity_date, "2023-01-01");
	assert_string_equal(line->statement.identity_number, "001187000001");
	assert_string_equal(line->statement.email, "vidu@mau.edu.vn");
	assert_string_equal(line->statement.agency[0], "UBND tỉnh Mẫu");
	assert_string_equal(line->statement.agency[2], "Trường Mẫu");
	assert_string_equal(line->statement.agency[3], "");
	assert_string_equal(line->statement.position, "Giáo viên");
	form01_free(&form);
	assert_null(form);
}

static void test_each_fault_is_found_in_its_column(void **state)
{
	static const struct {
		int column;
		const char *value;
	} faulty[] = {
		{FORM01_NAME, ""},
		{FORM01_NAME, "Ví\nDụ"},
		{FORM01_NAME, "Ví \xe2\x80\xae Dụ"},
		{FORM01_BIRTH_DATE, ""},
		{FORM01_BIRTH_DATE, "31/02/1980"},
		{FORM01_BIRTH_DATE, "29/02/1981"},
		{FORM01_BIRTH_DATE, "1987-07-12"},
		{FORM01_BIRTH_DATE, "7/12/1987"},
		{FORM01_BIRTH_DATE, "29/05/2026"},
		{FORM01_BIRTH_DATE, "00/01/1980"},
		{FORM01_BIRTH_DATE, "01/13/1980"},
		{FORM01_IDENTITY, ""},
		{FORM01_IDENTITY, "1187000001"},
		{FORM01_IDENTITY, "0011870000011"},
		{FORM01_IDENTITY, "00118700000a"},
		{FORM01_IDENTITY_PLACE, ""},
		{FORM01_IDENTITY_DATE, ""},
		{FORM01_IDENTITY_DATE, "01/01/1980"},
		{FORM01_EMAIL, ""},
		{FORM01_EMAIL, "vidu"},
		{FORM01_EMAIL, "vidu@mau"},
		{FORM01_EMAIL, "a@b@mau.edu.vn"},
		{FORM01_EMAIL, "ví@mau.edu.vn"},
		{FORM01_EMAIL, "vidu@gmail.com"},
		{FORM01_EMAIL, "vidu@YAHOO.com.vn"},
		{FORM01_EMAIL, "vidu@hotmail.fr"},
		{FORM01_EMAIL, "vidu@me.com"},
		{FORM01_LEVEL_1, ""},
		{FORM01_LEVEL_2, ""},
		{FORM01_PROVINCE, ""},
		{FORM01_PHONE, "12345"},
		{FORM01_PHONE, "090000000x"},
		{FORM01_PHONE, "900000000"},
		{FORM01_OLD_SERIAL, "31C10G"},
		{FORM01_SIM, "Ví dụ"},
		{FORM01_SIM_MOVE, "co"},
		{FORM01_DEVICE, "RSPP"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(faulty) / sizeof(faulty[0]); i++) {
		struct form01 *form = read_changed(faulty[i].column, faulty[i].value);
		if (form->fault_count != 1 || form->faults[0].column != faulty[i].column ||
			form->faults[0].row != 2)
			fail_msg("%s: \"%s\" gives %zu faults",
				form01_column_name(faulty[i].column), faulty[i].value,
				form->fault_count);
		assert_true(form01_fault_text(&form->faults[0], false)[0] != 0);
		assert_true(form01_fault_text(&form->faults[0], true)[0] != 0);
		form01_free(&form);
	}
}

static void test_what_is_allowed_is_no_fault(void **state)
{
	static const struct {
		int column;
		const char *value;
	} allowed[] = {
		{FORM01_NUMBER, ""},
		{FORM01_NAME, "  Đặng Bảo Ngọc\xc2\xa0"},
		{FORM01_BIRTH_DATE, "29/02/1980"},
		{FORM01_IDENTITY, "C1234567"},
		{FORM01_IDENTITY, "000000001"},
		{FORM01_EMAIL, "vidu@mau.gov.vn"},
		{FORM01_EMAIL, "vidu@outlook.mau.edu.vn"},
		{FORM01_LEVEL_4, "Tổ Mẫu"},
		{FORM01_POSITION, ""},
		{FORM01_PHONE, ""},
		{FORM01_PHONE, "+84 90 000 0000"},
		{FORM01_PHONE, "090.000-0000"},
		{FORM01_OLD_SERIAL, "31C106"},
		{FORM01_DEVICE, " rssp "},
		{FORM01_DEVICE, "Token"},
		{FORM01_DEVICE, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		struct form01 *form = read_changed(allowed[i].column, allowed[i].value);
		if (form->fault_count != 0)
			fail_msg("%s: \"%s\" is refused: %s", form01_column_name(allowed[i].column),
				allowed[i].value, form01_fault_text(&form->faults[0], false));
		form01_free(&form);
	}
}

static void test_every_fault_of_a_list_is_reported_at_once(void **state)
{
	const char *cells[FORM01_COLUMNS];
	struct buf text = BUF_INIT;

	(void)state;
	put(&text, HEADINGS);
	put_line(&text, good);
	memcpy(cells, good, sizeof(cells));
	cells[FORM01_BIRTH_DATE] = "31/04/1987";
	cells[FORM01_SIM] = "Viettel";
	put_line(&text, cells);
	put(&text, ",,,,,,,,,,,,,,,,,\r\n");
	cells[FORM01_NAME] = "";
	put_line(&text, cells);
	struct form01 *form = read_text(&text);
	/* row 3: date, the first row's identity and address, device; row 5: the name too */
	assert_int_equal(form->fault_count, 4 + 5);
	assert_int_equal(form->faults[0].row, 3);
	assert_int_equal(form->faults[8].row, 5);
	form01_free(&form);
}

static void test_the_same_person_or_address_twice_is_a_fault(void **state)
{
	const char *cells[FORM01_COLUMNS];
	struct buf text = BUF_INIT;

	(void)state;
	memcpy(cells, good, sizeof(cells));
	cells[FORM01_IDENTITY] = "001187000002";
	cells[FORM01_EMAIL] = "VIDU@mau.edu.vn";
	put(&text, HEADINGS);
	put_line(&text, good);
	put_line(&text, cells);
	struct form01 *form = read_text(&text);
	assert_int_equal(form->fault_count, 1);
	assert_int_equal(form->faults[0].column, FORM01_EMAIL);
	assert_string_equal(form->faults[0].detail, "2");
	form01_free(&form);
}

static void test_other_separators_line_ends_and_decomposed_text_are_read(void **state)
{
	struct buf text = BUF_INIT;

	(void)state;
	put(&text,
		"STT;Họ tên;Ngày sinh;CCCD;Nơi cấp;Ngày cấp;Thư điện tử;Cấp 1;CẤP 2;Cấp 3;"
		"Cấp 4;TỈNH;Chức vụ;Điện thoại;CTS cũ;SIM PKI;Chuyển số;\n"
		/* e with circumflex and acute as separate marks */
		"1;Vie\xcc\x82\xcc\x81t;12/07/1987;001187000001;\"Mẫu; \"\"Ví dụ\"\"\";01/01/2023;"
		"vidu@mau.edu.vn;UBND;;;;Mẫu;;;;;;RSSP");
	struct form01 *form = read_text(&text);
	assert_int_equal(form->fault_count, 0);
	assert_int_equal(form->line_count, 1);
	assert_string_equal(form->lines[0].statement.name, "Viết");
	assert_string_equal(form->lines[0].statement.identity_place, "Mẫu; \"Ví dụ\"");
	form01_free(&form);
}

/* One fault, of the file or of that row. */
static void assert_refused(const char *bytes, size_t len, size_t row)
{
	struct form01 *form = NULL;

	assert_int_equal(form01_read(SPAN(bytes, len), TODAY_MS, &form), RC_OK);
	if (form->fault_count != 1 || form->faults[0].row != row)
		fail_msg("\"%s\" gives %zu faults", bytes, form->fault_count);
	form01_free(&form);
}

static void test_files_that_are_no_list_are_refused_as_a_whole(void **state)
{
	static const char nul[] = HEADINGS "1,\0,";

	(void)state;
	assert_refused("", 0, 0);
	assert_refused("\xef\xbb\xbf", 3, 0);
	assert_refused(HEADINGS, strlen(HEADINGS), 0);
	assert_refused(nul, sizeof(nul) - 1, 0);
	assert_refused("\xff\xfeS\x01", 4, 0);
	assert_refused(HEADINGS "1,\"", strlen(HEADINGS) + 3, 2);
	assert_refused(HEADINGS "1,a\"b\"", strlen(HEADINGS) + 6, 2);
	assert_refused(HEADINGS "1,\"a\"b", strlen(HEADINGS) + 6, 2);
}

static void test_columns_in_another_order_are_refused_by_their_heading(void **state)
{
	struct buf text = BUF_INIT;

	(void)state;
	put(&text, "STT,Ngày sinh,Họ tên,CCCD,Nơi cấp,Ngày cấp,Thư điện tử,Cấp 1,Cấp 2,Cấp 3,Cấp 4,"
		   "Tỉnh,Chức vụ,Điện thoại,CTS,SIM PKI,Chuyển,\r\n");
	put_line(&text, good);
	struct form01 *form = read_text(&text);
	assert_int_equal(form->fault_count, 2);
	assert_int_equal(form->faults[0].column, FORM01_NAME);
	assert_int_equal(form->faults[1].column, FORM01_BIRTH_DATE);
	assert_int_equal(form->line_count, 0);
	form01_free(&form);
}

static struct span read_data(const char *path)
{
	static char text[65536];

	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	size_t len = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[len] = 0;
	return SPAN(text, len);
}

static struct form01 *read_sample(const char *path)
{
	struct form01 *form = NULL;

	assert_int_equal(form01_read(read_data(path), TODAY_MS, &form), RC_OK);
	return form;
}

static void test_the_sample_list_is_good(void **state)
{
	(void)state;
	struct form01 *form = read_sample(SOURCE_DIR "/tests/data/form01-mau.csv");
	if (form->fault_count > 0)
		fail_msg("row %zu %s: %s", form->faults[0].row,
			form01_column_name(form->faults[0].column),
			form01_fault_text(&form->faults[0], false));
	assert_true(form->line_count >= 9);
	form01_free(&form);
}

/* One line a fault: row, column from 1 (0: the row), heading, what it is. */
static void test_the_faulty_sample_has_exactly_the_faults_that_its_list_names(void **state)
{
	struct form01 *form = read_sample(SOURCE_DIR "/tests/data/form01-loi.csv");
	const char *at =
		(const char *)read_data(SOURCE_DIR "/tests/data/form01-loi.expected.txt").data;
	size_t count = 0;

	(void)state;
	for (at = strchr(at, '\n'); at != NULL && at[1] != 0; at = strchr(at + 1, '\n')) {
		size_t row = 0;
		int column = 0;
		assert_int_equal(sscanf(at + 1, "%zu %d", &row, &column), 2);
		if (count >= form->fault_count || form->faults[count].row != row ||
			form->faults[count].column != column - 1)
			fail_msg("expected: row %zu, column %d", row, column);
		count++;
	}
	assert_int_equal(form->fault_count, count);
	form01_free(&form);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_good_line_becomes_a_statement),
		cmocka_unit_test(test_each_fault_is_found_in_its_column),
		cmocka_unit_test(test_what_is_allowed_is_no_fault),
		cmocka_unit_test(test_every_fault_of_a_list_is_reported_at_once),
		cmocka_unit_test(test_the_same_person_or_address_twice_is_a_fault),
		cmocka_unit_test(test_other_separators_line_ends_and_decomposed_text_are_read),
		cmocka_unit_test(test_files_that_are_no_list_are_refused_as_a_whole),
		cmocka_unit_test(test_columns_in_another_order_are_refused_by_their_heading),
		cmocka_unit_test(test_the_sample_list_is_good),
		cmocka_unit_test(test_the_faulty_sample_has_exactly_the_faults_that_its_list_names),
	};
	return cmocka_run_group_tests_name("form01", tests, NULL, NULL);
}
