#include "clients/lib/form01_internal.h"

#include "base/clock.h"
#include "clients/lib/csv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

/* The heading, and what a heading must contain (case-folded) to be taken for it. */
static const struct column {
	const char *name;
	const char *key;
} columns[FORM01_COLUMNS] = {
	[FORM01_NUMBER] = {"STT", "stt"},
	[FORM01_NAME] = {"Họ tên", "họ"},
	[FORM01_BIRTH_DATE] = {"Ngày sinh", "ngày sinh"},
	[FORM01_IDENTITY] = {"Số CMND/CCCD/HC", "cccd"},
	[FORM01_IDENTITY_PLACE] = {"Nơi cấp", "nơi cấp"},
	[FORM01_IDENTITY_DATE] = {"Ngày cấp", "ngày cấp"},
	[FORM01_EMAIL] = {"Địa chỉ thư điện tử công vụ", "thư điện tử"},
	[FORM01_LEVEL_1] = {"Tên CQTC cấp 1", "cấp 1"},
	[FORM01_LEVEL_2] = {"Tên CQTC cấp 2", "cấp 2"},
	[FORM01_LEVEL_3] = {"Tên CQTC cấp 3", "cấp 3"},
	[FORM01_LEVEL_4] = {"Tên CQTC cấp 4", "cấp 4"},
	[FORM01_PROVINCE] = {"Tỉnh, thành phố", "tỉnh"},
	[FORM01_POSITION] = {"Tên chức vụ", "chức vụ"},
	[FORM01_PHONE] = {"Số điện thoại", "điện thoại"},
	[FORM01_OLD_SERIAL] = {"Số hiệu CTS cũ", "cts"},
	[FORM01_SIM] = {"SIM PKI", "sim pki"},
	[FORM01_SIM_MOVE] = {"Chuyển số SIM PKI", "chuyển"},
	[FORM01_DEVICE] = {"(cột 18, loại thiết bị)", ""},
};

const char *form01_column_name(int column)
{
	return column < 0 || column >= FORM01_COLUMNS ? "" : columns[column].name;
}

static const struct {
	const char *en;
	const char *vi;
} fault_texts[FAULT_KINDS] = {
	[FAULT_TOO_LARGE] = {"the file is larger than a list of subscribers can be",
		"tệp lớn hơn mức một danh sách thuê bao có thể có"},
	[FAULT_NOT_UTF8] = {"the file is not UTF-8 text: in Excel choose \"CSV UTF-8\" when saving",
		"tệp không phải văn bản UTF-8: trong Excel hãy chọn \"CSV UTF-8\" khi lưu"},
	[FAULT_NO_LINES] = {"there is no line under the headings",
		"không có dòng nào dưới hàng tiêu đề"},
	[FAULT_TOO_MANY_ROWS] = {"too many rows: at most 5000 in one list",
		"quá nhiều dòng: mỗi danh sách tối đa 5000 dòng"},
	[FAULT_QUOTES] = {"a quotation mark stands in a wrong place or is not closed; what follows "
			  "was not read",
		"dấu ngoặc kép đặt sai chỗ hoặc chưa đóng; phần sau không đọc được"},
	[FAULT_HEADING] =
		{"this heading does not belong here: keep the columns of form 01 in order",
			"tiêu đề không đúng vị trí: giữ nguyên thứ tự cột của mẫu 01"},
	[FAULT_COLUMN_COUNT] = {"this row has another number of columns than form 01 (18); found:",
		"dòng này có số cột khác mẫu 01 (18 cột); số cột:"},
	[FAULT_MISSING] = {"required, but empty", "bắt buộc nhưng để trống"},
	[FAULT_TEXT_LENGTH] = {"too long", "quá dài"},
	[FAULT_HIDDEN_CHARACTER] = {"contains a line break or an invisible character",
		"có ký tự xuống dòng hoặc ký tự ẩn"},
	[FAULT_DATE] = {"not a date of the calendar written dd/mm/yyyy",
		"không phải ngày có thật viết theo dd/mm/yyyy"},
	[FAULT_DATE_FUTURE] = {"this date is in the future", "ngày này ở tương lai"},
	[FAULT_DATE_ORDER] = {"issued before the day of birth", "ngày cấp trước ngày sinh"},
	[FAULT_IDENTITY] = {"not an identity number of 12 digits (CCCD; CMND: 9) or a passport number; "
			    "a spreadsheet drops leading zeros unless the column is text",
		"không phải số định danh 12 chữ số (CCCD; CMND: 9) hoặc số hộ chiếu; bảng tính bỏ số "
		"0 ở đầu nếu cột không ở dạng văn bản"},
	[FAULT_IDENTITY_TWICE] = {"the same identity number stands in an earlier row",
		"số định danh trùng với dòng trước"},
	[FAULT_EMAIL] = {"not an e-mail address", "không phải địa chỉ thư điện tử"},
	[FAULT_EMAIL_FREE] =
		{"a free mail provider: an official address, given by a state body, is "
		 "required",
			"hộp thư miễn phí: phải là địa chỉ thư công vụ do cơ quan nhà nước cấp"},
	[FAULT_EMAIL_TWICE] = {"the same address stands in an earlier row: the activation code goes "
			       "to it, so each subscriber needs an own",
		"địa chỉ trùng với dòng trước: mã kích hoạt gửi tới địa chỉ này nên mỗi thuê bao cần "
		"địa chỉ riêng"},
	[FAULT_LEVEL_HOLE] = {"empty, although a lower level is given",
		"để trống trong khi cấp thấp hơn có tên"},
	[FAULT_PROVINCE] = {"an earlier row gives another province for the same agency",
		"dòng trước ghi tỉnh khác cho cùng cơ quan này"},
	[FAULT_PHONE] = {"not a telephone number (0 and 9 or 10 digits, or +84 and 9 digits)",
		"không phải số điện thoại (0 và 9 hoặc 10 chữ số, hoặc +84 và 9 chữ số)"},
	[FAULT_SERIAL] = {"not a certificate's serial number (hexadecimal digits)",
		"không phải số hiệu chứng thư số (chữ số thập lục phân)"},
	[FAULT_CARRIER] = {"not a carrier of SIM PKI (Viettel, Vinaphone, Mobifone)",
		"không phải nhà mạng SIM PKI (Viettel, Vinaphone, Mobifone)"},
	[FAULT_SIM_MOVE] = {"only \"cs\" or nothing may stand here",
		"chỉ được ghi \"cs\" hoặc để trống"},
	[FAULT_DEVICE] = {"not a kind of device (RSSP, Token, SIM PKI or nothing)",
		"không phải loại thiết bị (RSSP, Token, SIM PKI hoặc để trống)"},
	[FAULT_DEVICE_AND_SIM] = {"asks for centralised signing (RSSP) and for SIM PKI at once",
		"đề nghị cả ký số tập trung (RSSP) lẫn SIM PKI"},
	[FAULT_STATEMENT] = {"this line cannot be put into a statement",
		"không lập được bản kê khai từ dòng này"},
};

const char *form01_fault_text(const struct form01_fault *fault, bool vietnamese)
{
	if (fault->kind < 0 || fault->kind >= FAULT_KINDS)
		return "";
	return vietnamese ? fault_texts[fault->kind].vi : fault_texts[fault->kind].en;
}

/* Room for one more, doubling. */
static rc_t grow(void **items, size_t count, size_t size)
{
	if ((count & (count - 1)) != 0)
		return RC_OK;
	void *more = reallocarray(*items, count == 0 ? 1 : count * 2, size);
	if (more == NULL)
		return RC_NO_MEMORY;
	*items = more;
	return RC_OK;
}

/* The end of a cut text may be half a character: it is dropped. */
static void copy_detail(char out[96], const char *text)
{
	size_t len = strlen(text);

	if (len > 95) {
		len = 95;
		while (len > 0 && ((uint8_t)text[len] & 0xc0) == 0x80)
			len--;
	}
	memcpy(out, text, len);
	out[len] = 0;
	for (char *c = out; *c != 0; c++) {
		if ((uint8_t)*c < ' ' || *c == 0x7f)
			*c = ' ';
	}
}

rc_t form01_fault_add(struct form01 *form, size_t row, int column, enum form01_fault_kind kind,
	const char *detail)
{
	void *items = form->faults;

	rc_t rc = grow(&items, form->fault_count, sizeof(form->faults[0]));
	if (rc != RC_OK)
		return rc;
	form->faults = items;
	struct form01_fault *fault = &form->faults[form->fault_count++];
	*fault = (struct form01_fault){.row = row, .column = column, .kind = (int)kind};
	copy_detail(fault->detail, detail);
	return RC_OK;
}

/* Spaces around a cell mean nothing; a no-break space comes from copied web pages. */
static const char *trim(char *text)
{
	static const char nbsp[] = "\xc2\xa0";
	size_t len;

	for (;;) {
		if (*text == ' ' || *text == '\t')
			text++;
		else if (strncmp(text, nbsp, 2) == 0)
			text += 2;
		else
			break;
	}
	for (len = strlen(text); len > 0;) {
		if (text[len - 1] == ' ' || text[len - 1] == '\t')
			len--;
		else if (len > 1 && memcmp(text + len - 2, nbsp, 2) == 0)
			len -= 2;
		else
			break;
	}
	text[len] = 0;
	return text;
}

static void read_cells(struct csv *csv, const char *cells[FORM01_COLUMNS])
{
	for (size_t i = 0; i < FORM01_COLUMNS; i++)
		cells[i] = i < csv->count ? trim((char *)csv->text.data + csv->offsets[i]) : "";
}

static bool heading_fits(const char *heading, const char *key)
{
	utf8proc_uint8_t *folded = utf8proc_NFKC_Casefold((const utf8proc_uint8_t *)heading);

	bool fits = folded != NULL && strstr((const char *)folded, key) != NULL;
	free(folded);
	return fits;
}

static rc_t check_headings(struct form01 *form, struct csv *csv)
{
	const char *cells[FORM01_COLUMNS];
	rc_t rc = RC_OK;

	read_cells(csv, cells);
	for (int i = 0; rc == RC_OK && i < FORM01_COLUMNS; i++) {
		if (!heading_fits(cells[i], columns[i].key))
			rc = form01_fault_add(form, 1, i, FAULT_HEADING, cells[i]);
	}
	return rc;
}

static bool row_empty(const char *const cells[FORM01_COLUMNS])
{
	for (size_t i = 0; i < FORM01_COLUMNS; i++) {
		if (cells[i][0] != 0)
			return false;
	}
	return true;
}

/* Fewer columns would shift what the rest means; more may only be empty. */
static rc_t check_width(struct form01 *form, struct csv *csv, size_t row)
{
	char count[32];
	bool wrong = csv->count < FORM01_COLUMNS;

	for (size_t i = FORM01_COLUMNS; i < csv->count; i++)
		wrong = wrong || i >= CSV_FIELDS_MAX || csv_field(csv, i)[0] != 0;
	if (!wrong)
		return RC_OK;
	snprintf(count, sizeof(count), "%zu", csv->count);
	return form01_fault_add(form, row, -1, FAULT_COLUMN_COUNT, count);
}

static rc_t read_row(struct form01 *form, struct csv *csv, size_t row, const char *today)
{
	const char *cells[FORM01_COLUMNS];
	void *items = form->lines;

	read_cells(csv, cells);
	if (row_empty(cells))
		return RC_OK;
	rc_t rc = check_width(form, csv, row);
	if (rc == RC_OK)
		rc = grow(&items, form->line_count, sizeof(form->lines[0]));
	if (rc != RC_OK)
		return rc;
	form->lines = items;
	struct form01_line *line = &form->lines[form->line_count++];
	*line = (struct form01_line){.row = row};
	return form01_check_line(form, line, cells, today);
}

static rc_t read_rows(struct form01 *form, struct csv *csv, const char *today)
{
	rc_t rc = RC_OK;

	for (size_t row = 1; rc == RC_OK && !csv_done(csv); row++) {
		if (row > FORM01_ROWS_MAX + 1)
			return form01_fault_add(form, 0, -1, FAULT_TOO_MANY_ROWS, "");
		rc = csv_next(csv);
		if (rc == RC_FORMAT)
			return form01_fault_add(form, row, -1, FAULT_QUOTES, "");
		if (rc != RC_OK)
			return rc;
		rc = row == 1 ? check_headings(form, csv) : read_row(form, csv, row, today);
		/* with other columns every cell would be judged as something else */
		if (rc == RC_OK && row == 1 && form->fault_count > 0)
			return RC_OK;
	}
	if (rc == RC_OK && form->line_count == 0 && form->fault_count == 0)
		rc = form01_fault_add(form, 0, -1, FAULT_NO_LINES, "");
	return rc;
}

/* NFC, so that one name has one encoding; the caller frees. */
static utf8proc_uint8_t *normalise(struct span text, size_t *len)
{
	utf8proc_uint8_t *out = NULL;

	if (memchr(text.data, 0, text.len) != NULL)
		return NULL;
	utf8proc_ssize_t made = utf8proc_map(
		text.data, (utf8proc_ssize_t)text.len, &out, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
	if (made < 0) {
		free(out);
		return NULL;
	}
	*len = (size_t)made;
	return out;
}

static rc_t read_text(struct form01 *form, struct span text, const char *today)
{
	static const uint8_t bom[] = {0xef, 0xbb, 0xbf};
	struct csv csv;
	size_t len = 0;

	if (text.len > FORM01_LEN_MAX)
		return form01_fault_add(form, 0, -1, FAULT_TOO_LARGE, "");
	if (text.len >= sizeof(bom) && memcmp(text.data, bom, sizeof(bom)) == 0)
		text = SPAN(text.data + sizeof(bom), text.len - sizeof(bom));
	if (text.len == 0)
		return form01_fault_add(form, 0, -1, FAULT_NO_LINES, "");
	utf8proc_uint8_t *normal = normalise(text, &len);
	if (normal == NULL)
		return form01_fault_add(form, 0, -1, FAULT_NOT_UTF8, "");
	csv_begin(&csv, SPAN(normal, len));
	rc_t rc = read_rows(form, &csv, today);
	csv_end(&csv);
	free(normal);
	return rc;
}

rc_t form01_read(struct span text, int64_t now_ms, struct form01 **form)
{
	char today[CLOCK_TEXT];

	struct form01 *fresh = calloc(1, sizeof(*fresh));
	if (fresh == NULL)
		return RC_NO_MEMORY;
	clock_format(now_ms, today);
	today[10] = 0;
	rc_t rc = read_text(fresh, text, today);
	if (rc != RC_OK) {
		form01_free(&fresh);
		return rc;
	}
	*form = fresh;
	return RC_OK;
}

void form01_free(struct form01 **form)
{
	if (*form == NULL)
		return;
	free((*form)->lines);
	free((*form)->faults);
	free(*form);
	*form = NULL;
}
